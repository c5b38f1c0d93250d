//! `ipv4` and `ipv6`: addresses, not what merely looks like them: times, versions with a letter before or with three
//! or five numbers, `std::fmt`. A version of four small numbers (`1.2.3.4`) can't be told from an address.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::{Finds, before, is_word};

/// `1.1.1.1`
const V4_BYTES_MIN: usize = 7;
/// `255.255.255.255`
const V4_BYTES_MAX: usize = 15;
/// Eight groups, the last two written as an IPv4 address.
const V6_BYTES_MAX: usize = 45;

pub(super) fn find_v4(text: &str, finds: &mut Finds) {
    let bytes = text.as_bytes();
    let is_part = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
    // An address covers one of any 7 bytes in a row.
    let mut at = V4_BYTES_MIN - 1;
    while let Some(byte) = bytes.get(at) {
        if !is_part(&byte) {
            at += V4_BYTES_MIN;
            continue;
        }
        let start = at - bytes.get(..at).unwrap_or_default().iter().rev().take_while(is_part).count();
        let end = at + bytes.get(at..).unwrap_or_default().iter().take_while(is_part).count();
        at = end + V4_BYTES_MIN;
        // Full stops of the sentence around it.
        let Some(run) = text.get(start..end) else { continue };
        let (start, end) = (end - run.trim_start_matches('.').len(), start + run.trim_end_matches('.').len());
        if (V4_BYTES_MIN..=V4_BYTES_MAX).contains(&end.saturating_sub(start)) && is_v4(text, start, end) {
            finds.push(start, end);
        }
    }
}

fn is_v4(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let (left, right) = (before(bytes, start), bytes.get(end).copied());
    if left.is_some_and(is_word) || right.is_some_and(is_word) {
        return false;
    }
    let Some(address) = text.get(start..end).and_then(|text| Ipv4Addr::from_str(text).ok()) else {
        return false;
    };
    // `Chrome/118.0.0.0`, but not `host/10.0.0.1`, which Java writes.
    let is_product =
        left == Some(b'/') && before(bytes, start - 1).is_some_and(|byte| byte.is_ascii_alphabetic());
    !(is_product && matches!(address.octets(), [_, _, 0, 0]))
}

pub(super) fn find_v6(text: &str, finds: &mut Finds) {
    let bytes = text.as_bytes();
    let is_part = |byte: &&u8| byte.is_ascii_hexdigit() || matches!(**byte, b':' | b'.');
    let mut from = 0;
    while let Some(colon) = memchr::memchr(b':', bytes.get(from..).unwrap_or_default()).map(|at| from + at) {
        let start =
            colon - bytes.get(from..colon).unwrap_or_default().iter().rev().take_while(is_part).count();
        let end = colon + bytes.get(colon..).unwrap_or_default().iter().take_while(is_part).count();
        from = end;
        if let Some((start, end)) = v6(text, start, end) {
            finds.push(start, end);
        }
    }
}

/// The address in a run of its signs. A colon or full stop before or behind it may belong to the sentence, and what
/// stands before the first colon to a word: `id:fe80::1`.
fn v6(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    if bytes.get(end).copied().is_some_and(is_word) {
        return None;
    }
    let run = text.get(start..end)?;
    let is_behind_word = before(bytes, start).is_some_and(is_word);
    let is_behind_colon = run.starts_with(':') && !run.starts_with("::");
    let skipped = if is_behind_word || is_behind_colon { run.find(':')? + 1 } else { 0 };
    let run = run.get(skipped..)?.trim_end_matches('.');
    let without_colon = run.strip_suffix(':').filter(|rest| !rest.ends_with(':')).unwrap_or(run);
    let address = [run, without_colon].into_iter().find(|candidate| is_v6(candidate))?;
    Some((start + skipped, start + skipped + address.len()))
}

fn is_v6(text: &str) -> bool {
    // `dead::beef` is a path in a program as often as an address.
    let looks_so = text.len() <= V6_BYTES_MAX
        && text.matches(':').count() >= 2
        && text.bytes().any(|byte| byte.is_ascii_digit());
    looks_so && Ipv6Addr::from_str(text).is_ok()
}

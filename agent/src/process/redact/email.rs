//! `email`: addresses as people write them (of RFC 5322 the usual signs, no quoted ones). Their domain ends in
//! letters, so `left-pad@1.3.0` is none, and has a dot, so `root@localhost` is none. In URLs the `@` may be `%40`.

use super::Finds;

pub(super) fn find(text: &str, finds: &mut Finds) {
    let bytes = text.as_bytes();
    // Text before it belongs to an earlier address.
    let mut free = 0;
    for at in memchr::memchr2_iter(b'@', b'%', bytes) {
        let sign = bytes.get(at..).unwrap_or_default();
        let sign_bytes = match sign {
            [b'%', b'4', b'0', ..] if at >= free => 3,
            [b'@', ..] => 1,
            _ => continue,
        };
        let local = bytes.get(free..at).unwrap_or_default();
        let length = local.iter().rev().take_while(|byte| is_local(**byte)).count();
        let dots = local.iter().skip(local.len() - length).take_while(|byte| **byte == b'.').count();
        let start = at - length + dots;
        let domain = domain_bytes(sign.get(sign_bytes..).unwrap_or_default());
        if start < at && domain > 0 {
            free = at + sign_bytes + domain;
            finds.push(start, free);
        }
    }
}

/// Letters of other alphabets may stand before the `@` (RFC 6531).
fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"._%+-".contains(&byte)
}

/// Length of the domain that a text begins with; 0 when it begins with none.
fn domain_bytes(bytes: &[u8]) -> usize {
    let (mut at, mut end) = (0, 0);
    let mut labels = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
        let label = rest.get(..length).unwrap_or_default();
        if label.is_empty() {
            return end;
        }
        labels += 1;
        let is_top = label.len() >= 2 && label.iter().all(u8::is_ascii_alphabetic)
            || label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"xn--"));
        if labels > 1 && is_top {
            end = at + length;
        }
        at += length;
        if bytes.get(at) != Some(&b'.') {
            return end;
        }
        at += 1;
    }
}

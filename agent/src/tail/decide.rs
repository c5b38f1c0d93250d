//! The decisions about identity, as pure functions of what was observed. Each is a table that can be read
//! from top to bottom; the tests are its rows.

use std::ffi::OsStr;
use std::path::Path;

use crate::limits;

/// What has become of the file that a known generation was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is there, with what was read from it.
    Alive,
    /// It is there under another name, and this file has its old name.
    Replaced,
    /// It was deleted, and not all of it has been read yet.
    Draining,
    /// It is gone, and what could be read of it has been.
    Gone,
    /// It was truncated or overwritten a short while ago.
    Cut,
}

/// What the newcomer holds before the position that the generation was read to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// The same bytes.
    Same,
    /// Other bytes.
    Other,
    /// The newcomer is too short to have that position.
    TooShort,
}

/// How a file has come by the name under which it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It was made under that name: what it holds was written there.
    Created,
    /// It was renamed to it, or restored with its times: what it holds was written before.
    Placed,
    /// Nobody saw it come, and its times don't tell.
    Unseen,
}

/// What tells a new log from the old one, rewritten or restored, where a file has the name of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namesake {
    /// The generation had lost that name before it was gone, or an archive beside it holds what was read.
    pub is_elsewhere: bool,
    /// How the newcomer has come by the name.
    pub arrival: Arrival,
    /// The head that both have names a time: a log that is begun later names another one.
    pub is_dated: bool,
}

impl Namesake {
    /// True unless there is reason to believe that it is the old one.
    pub fn is_new_log(&self) -> bool {
        self.is_elsewhere
            || match self.arrival {
                Arrival::Created => true,
                Arrival::Placed => false,
                Arrival::Unseen => !self.is_dated,
            }
    }
}

/// How a file has come by its name, from what was seen of it, else from its times (Unix nanoseconds): a write changes
/// both; what changes a file later and writes nothing is a rename, or whoever gives it the times of its original.
pub fn arrival(seen: Option<Arrival>, modified_ns: i128, changed_ns: i128) -> Arrival {
    let by_times = if changed_ns > modified_ns { Arrival::Placed } else { Arrival::Unseen };
    seen.unwrap_or(by_times)
}

/// True when a file was made, under an inode that is used again, after the one was seen that is remembered with it.
/// Both in Unix seconds; 0 is never.
pub fn is_reborn(born_s: i64, seen_s: i64) -> bool {
    seen_s > 0 && born_s > seen_s
}

/// How a file with an unknown inode relates to a generation whose head it shares.
#[derive(Debug, Clone, Copy)]
pub struct Likeness {
    /// Of the generation's own file.
    pub origin: Origin,
    /// At the position that was read to.
    pub tail: Tail,
    /// How many bytes the equality of heads and tails speaks for.
    pub evidence_bytes: u64,
    /// Size of the newcomer, in bytes.
    pub size: u64,
    /// The collector has the generation up to here; beyond, what was read may have to be read again.
    pub acked_bytes: u64,
    /// All of the newcomer is, as far as compared, the beginning of the generation's file: now, or when
    /// it could last be compared.
    pub is_prefix: bool,
    /// Since it was first seen, it has grown in a way in which copies don't; see [`grew_like_a_log`].
    pub grew: bool,
    /// See [`names_related`].
    pub related: bool,
    /// Since it was first seen.
    pub waited_ms: u64,
    /// It has the name that the generation was found under.
    pub namesake: Option<Namesake>,
}

impl Likeness {
    /// It begins as a log of its name did that is gone, and is another one.
    pub fn begins_anew(&self) -> bool {
        self.namesake.is_some_and(|namesake| namesake.is_new_log())
    }
}

/// What to do with a newcomer that looks like a known generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// A file of its own: read it from the start.
    Independent,
    /// Can't be told yet, or is a copy of a file that is still there: ask again when either changes.
    Wait,
    /// A copy, of which the collector has everything already: follow it from its end.
    AlreadyRead,
    /// It carries the generation on: read it from the generation's position, as the same stream.
    Continue,
}

/// Decides what a newcomer is. Where the observations leave a doubt, reading twice is preferred to losing, with
/// one exception: a file that came whole to the name of one that is gone, and holds what was read of it, is taken as that
/// one, rewritten by an editor or restored, and not as another that says the same again.
pub fn newcomer(like: &Likeness) -> Verdict {
    let evidence = like.related || like.evidence_bytes >= limits::EVIDENCE_BYTES_MIN;
    match like.origin {
        // Whoever appends to it doesn't copy.
        _ if like.grew => Verdict::Independent,
        _ if like.begins_anew() => Verdict::Independent,
        Origin::Replaced => Verdict::Independent,
        Origin::Alive | Origin::Draining if !like.is_prefix => Verdict::Independent,
        Origin::Alive | Origin::Draining if like.related => Verdict::Wait,
        Origin::Alive | Origin::Draining if like.size < limits::EVIDENCE_BYTES_MIN => Verdict::Independent,
        Origin::Draining => Verdict::Wait,
        Origin::Alive if like.waited_ms < limits::COPY_SETTLE_MS => Verdict::Wait,
        Origin::Alive => Verdict::Independent,
        Origin::Cut | Origin::Gone if !evidence => Verdict::Independent,
        Origin::Cut | Origin::Gone => match like.tail {
            Tail::Same => Verdict::Continue,
            Tail::Other => Verdict::Independent,
            Tail::TooShort if !like.is_prefix => Verdict::Independent,
            // The copy was made before the last lines were read from the original.
            Tail::TooShort if like.size <= like.acked_bytes => Verdict::AlreadyRead,
            // Some of what it holds is on its way. Should that be refused or be lost with the agent, the copy is
            // where it is read again.
            Tail::TooShort => Verdict::Wait,
        },
    }
}

/// Copying programs write whole blocks until the last one: a file that grows from a size that is no
/// multiple of the smallest block has a writer of its own.
pub fn grew_like_a_log(size_before: u64, size: u64) -> bool {
    const BLOCK_BYTES: u64 = 512;
    size > size_before && !size_before.is_multiple_of(BLOCK_BYTES)
}

/// True when one name is made from the other the way rotations and backups do it, in the same directory:
/// `app.log` and `app.log.1`, `app.log-20260101`, `app-1.log`, `app.2026.log`.
pub fn names_related(a: &Path, b: &Path) -> bool {
    let stem = |path: &Path| -> Option<Vec<u8>> {
        let name = path.file_name().map(OsStr::as_encoded_bytes)?;
        let end =
            name.iter().position(|byte| matches!(byte, b'.')).filter(|at| *at > 0).unwrap_or(name.len());
        name.get(..end).map(<[u8]>::to_vec)
    };
    let (Some(stem_a), Some(stem_b)) = (stem(a), stem(b)) else { return false };
    let (short, long) = if stem_a.len() <= stem_b.len() { (stem_a, stem_b) } else { (stem_b, stem_a) };
    let Some(rest) = long.strip_prefix(short.as_slice()) else { return false };
    let separated = rest.first().is_none_or(|byte| matches!(byte, b'-' | b'_' | b'~'));
    let counted =
        rest.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'~' | b'T' | b'Z'));
    a.parent() == b.parent() && a != b && separated && counted
}

/// True when the head of a file isn't text: too many NUL bytes in it, apart from a hole at its start,
/// which truncation under a writer leaves; or neither UTF-8 nor free of control characters. Either alone is no sign:
/// messages of FIX are full of one control character, and Shift-JIS is no UTF-8 at all.
pub fn is_binary(head: &[u8]) -> bool {
    let start = head.iter().position(|byte| *byte != 0).unwrap_or(head.len());
    let text = head.get(start..).unwrap_or_default();
    let is_more = |count: usize, percent: usize| count * 100 > text.len() * percent;
    let nuls = text.iter().filter(|byte| **byte == 0).count();
    let invalid = || text.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    is_more(nuls, limits::BINARY_NUL_PERCENT)
        || is_more(text.iter().filter(|byte| is_control(**byte)).count(), limits::BINARY_CONTROL_PERCENT)
            && is_more(invalid(), limits::BINARY_INVALID_PERCENT)
}

/// One that is in no text of any encoding; a terminal's may be.
fn is_control(byte: u8) -> bool {
    const ESCAPE: u8 = 0x1b;
    // From backspace over the white space to the shifts of ISO 2022.
    byte.is_ascii_control() && byte != ESCAPE && !(0x08..=0x0f).contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIKE: Likeness = Likeness {
        origin: Origin::Alive,
        tail: Tail::Same,
        evidence_bytes: 10_000,
        size: 10_000,
        acked_bytes: 10_000,
        is_prefix: true,
        grew: false,
        related: true,
        waited_ms: 0,
        namesake: None,
    };

    #[test]
    fn newcomers() {
        use {Origin::*, Tail::*, Verdict::*};
        let check =
            |what: &str, like: Likeness, expected: Verdict| assert_eq!(newcomer(&like), expected, "{what}");
        check("copy in the making", LIKE, Wait);
        check("copytruncate: the original is cut", Likeness { origin: Cut, ..LIKE }, Continue);
        check("… of a small file", Likeness { origin: Cut, evidence_bytes: 6, size: 6, ..LIKE }, Continue);
        check(
            "… to another name, too small to tell",
            Likeness { origin: Cut, related: false, evidence_bytes: 6, ..LIKE },
            Independent,
        );
        check("… to another name", Likeness { origin: Cut, related: false, ..LIKE }, Continue);
        check(
            "… of less than was read",
            Likeness { origin: Cut, tail: TooShort, size: 9_000, ..LIKE },
            AlreadyRead,
        );
        check(
            "… of less than was read, not all of it acknowledged",
            Likeness { origin: Cut, tail: TooShort, size: 9_000, acked_bytes: 8_999, ..LIKE },
            Wait,
        );
        check("… that differs", Likeness { origin: Cut, tail: Other, ..LIKE }, Independent);
        check(
            "copied and removed while stopped",
            Likeness { origin: Gone, is_prefix: false, ..LIKE },
            Continue,
        );
        check(
            "new file with the banner of a lost one",
            Likeness { origin: Gone, tail: TooShort, is_prefix: false, ..LIKE },
            Independent,
        );
        check("static copy", Likeness { waited_ms: 60_000, ..LIKE }, Wait);
        check(
            "same text under another name",
            Likeness { related: false, waited_ms: 60_000, ..LIKE },
            Independent,
        );
        check("… at first", Likeness { related: false, ..LIKE }, Wait);
        check("… and tiny", Likeness { related: false, size: 3, ..LIKE }, Independent);
        check("twins", Likeness { grew: true, ..LIKE }, Independent);
        check("same banner, then different", Likeness { is_prefix: false, ..LIKE }, Independent);
        check(
            "successor of a renamed file, same first line",
            Likeness { origin: Replaced, ..LIKE },
            Independent,
        );
    }

    #[test]
    fn newcomers_with_the_name_of_one_that_is_gone() {
        use {Arrival::*, Origin::*, Tail::*, Verdict::*};
        const PLACED: Namesake = Namesake { is_elsewhere: false, arrival: Placed, is_dated: false };
        let check = |what: &str, namesake: Namesake, origin: Origin, tail: Tail, expected: Verdict| {
            let size = if tail == TooShort { 9_000 } else { 20_000 };
            let like = Likeness { origin, tail, size, related: false, namesake: Some(namesake), ..LIKE };
            assert_eq!(newcomer(&like), expected, "{what}");
        };
        check("rewritten by an editor, old one read", PLACED, Gone, Same, Continue);
        check("… cut at its end", PLACED, Gone, TooShort, AlreadyRead);
        check("… with another line", PLACED, Gone, Other, Independent);
        check("… old one unread", PLACED, Draining, TooShort, Wait);
        let created = Namesake { arrival: Created, ..PLACED };
        check("begun with the same text", created, Gone, Same, Independent);
        check("… and seen early", created, Gone, TooShort, Independent);
        check("… old one unread", created, Draining, TooShort, Independent);
        check("… old one truncated before", created, Cut, Same, Independent);
        let archived = Namesake { is_elsewhere: true, is_dated: true, ..PLACED };
        check("an archive holds the old one", archived, Gone, Same, Independent);
        let unseen = Namesake { arrival: Unseen, ..PLACED };
        check("written while nobody looked", unseen, Gone, Same, Independent);
        check("… with times in its text", Namesake { is_dated: true, ..unseen }, Gone, Same, Continue);
        check("… not as far as before", Namesake { is_dated: true, ..unseen }, Gone, TooShort, AlreadyRead);
    }

    #[test]
    fn arrivals_and_births() {
        for (seen, modified_ns, changed_ns, expected) in [
            (None, 7, 7, Arrival::Unseen),
            (None, 7, 8, Arrival::Placed),
            (Some(Arrival::Created), 7, 8, Arrival::Created),
            (Some(Arrival::Placed), 7, 7, Arrival::Placed),
        ] {
            assert_eq!(
                arrival(seen, modified_ns, changed_ns),
                expected,
                "{seen:?} {modified_ns} {changed_ns}"
            );
        }
        for (born_s, seen_s, expected) in [(5, 0, false), (5, 5, false), (5, 6, false), (6, 5, true)] {
            assert_eq!(is_reborn(born_s, seen_s), expected, "{born_s} {seen_s}");
        }
    }

    #[test]
    fn growth() {
        for (before, after, expected) in
            [(0, 10, false), (512, 700, false), (4096, 8192, false), (700, 701, true), (700, 700, false)]
        {
            assert_eq!(grew_like_a_log(before, after), expected, "{before} {after}");
        }
    }

    #[test]
    fn related_names() {
        for (a, b, expected) in [
            ("/l/app.log", "/l/app.log.1", true),
            ("/l/app.log", "/l/app.1.log", true),
            ("/l/app.log", "/l/app-2026-11-22.log", true),
            ("/l/app.log", "/l/app.log-20261122", true),
            ("/l/app.log", "/l/app.bak", true),
            ("/l/syslog", "/l/syslog.1", true),
            ("/l/syslog", "/l/messages", false),
            ("/l/app.log", "/l/apple.log", false),
            ("/l/app.log", "/l/app-error.log", false),
            ("/l/app.log", "/m/app.log", false),
            ("/l/app.log", "/l/app.log", false),
        ] {
            assert_eq!(names_related(Path::new(a), Path::new(b)), expected, "{a} {b}");
        }
    }

    #[test]
    fn binaries() {
        for (head, expected) in [
            (&b"plain\n"[..], false),
            (b"", false),
            (b"\0\0\0\0\0\0text after a hole\n", false),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", true),
            (b"one \0 in a long enough line", false),
            // Latin-1, Shift-JIS, ISO-2022-JP, SOH in FIX, the colours of a terminal.
            (b"M\xfcller \xe4\xf6\xfc \xdf\xe9\xe8\xe0 \x85\n", false),
            (
                b"2026-03-01 \x83G\x83\x89\x81[\x82\xaa\x94\xad\x90\xb6\x82\xb5\x82\xdc\x82\xb5\x82\xbd\n",
                false,
            ),
            (b"\x1b$B%(%i!<\x1b(B \x0e%(%i\x0f\n", false),
            (b"8=FIX.4.4\x019=65\x0135=A\x0149=SENDER\x0156=M\xfcller\x0134=1\x01\n", false),
            (b"\x1b[31mrot\x1b[0m gr\xfcn\n", false),
        ] {
            assert_eq!(is_binary(head), expected, "{head:?}");
        }
        let mut random = 1u32;
        let mut bytes = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            random.to_be_bytes()[0]
        };
        for len in [256, 1_000, 4_096] {
            let noise: Vec<u8> = (0..len).map(|_| bytes()).collect();
            assert!(is_binary(&noise), "{len}");
        }
    }
}

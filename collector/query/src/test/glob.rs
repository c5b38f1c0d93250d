//! The matcher behind wildcards: linear in the text for one `*`, text times pattern at worst, no recursion.

use std::fmt;

use crate::ast::Piece;
use crate::tokens::{fold_text, joins};

/// Where a pattern has to match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anywhere, in any case, at ends of words; wildcards stop at white space.
    Within,
    /// From the first to the last character, in this case; wildcards take anything.
    Whole,
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glob {
    /// Literals folded for [`Reach::Within`].
    pieces: Vec<Piece>,
    reach: Reach,
    /// The longest literal, which must occur in the (folded) text: most values fail here.
    longest: String,
}

impl Glob {
    pub(super) fn new(pieces: &[Piece], reach: Reach) -> Glob {
        let pieces: Vec<Piece> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) if reach == Reach::Within => Piece::Literal(fold_text(text)),
                other => other.clone(),
            })
            .collect();
        let longest = literals(&pieces).max_by_key(|text| text.len()).unwrap_or_default().to_owned();
        Glob { pieces, reach, longest }
    }

    pub(super) fn literals(&self) -> impl Iterator<Item = &str> {
        literals(&self.pieces)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match self.reach {
            Reach::Whole => self.has_longest(text) && self.run(text, 0, 0).is_ok(),
            Reach::Within => {
                let folded = fold_text(text);
                self.has_longest(&folded) && self.found_in(&folded)
            }
        }
    }

    fn has_longest(&self, text: &str) -> bool {
        memchr::memmem::find(text.as_bytes(), self.longest.as_bytes()).is_some()
    }

    /// Tries each start. Where the part after a `*` failed in one stretch without white space, a later start
    /// whose `*` begins in that stretch fails too, and is not tried.
    fn found_in(&self, text: &str) -> bool {
        if let Some(Piece::AnyRun) = self.pieces.first() {
            // Leading `*`: every start of a stretch is as good as any place in it.
            return starts_of_stretches(text).any(|start| self.run(text, start, 0).is_ok());
        }
        let mut barred_until = 0;
        let mut previous = None;
        for (start, c) in text.char_indices() {
            let free = previous.is_none_or(|previous| !joins(previous, c));
            previous = Some(c);
            if !free {
                continue;
            }
            match self.run(text, start, barred_until) {
                Ok(()) => return true,
                Err(barred) => barred_until = barred_until.max(barred),
            }
        }
        // A pattern that starts with `?` or a literal needs at least one character.
        false
    }

    /// Matches from `start`. The error is the end of the stretch in which the part after the first `*` was
    /// looked for in vain, or 0; a first `*` that begins before `barred_until` fails at once.
    fn run(&self, text: &str, start: usize, barred_until: usize) -> Result<(), usize> {
        let (mut at, mut piece) = (start, 0);
        let mut star: Option<Star> = None;
        let mut barred = 0;
        loop {
            let stepped = match self.pieces.get(piece) {
                Some(Piece::AnyRun) => {
                    if star.is_none() && at < barred_until {
                        return Err(0);
                    }
                    let end = self.stretch_end(text, at);
                    if star.is_none() {
                        barred = end;
                    }
                    star = Some(Star { piece: piece + 1, at, end });
                    Some(at)
                }
                Some(Piece::AnyChar) => {
                    next_char(text, at).filter(|c| self.takes(*c)).map(|c| at + c.len_utf8())
                }
                Some(Piece::Literal(literal)) => text
                    .get(at..)
                    .is_some_and(|rest| rest.starts_with(literal.as_str()))
                    .then_some(at + literal.len()),
                None if self.may_end(text, at) => return Ok(()),
                None => None,
            };
            if let Some(next) = stepped {
                at = next;
                piece += 1;
                continue;
            }
            // Give the last `*` one more character.
            let Some(last) = star.as_mut() else { return Err(barred) };
            match next_char(text, last.at) {
                Some(c) if last.at < last.end => last.at += c.len_utf8(),
                _ => return Err(barred),
            }
            (at, piece) = (last.at, last.piece);
        }
    }

    /// End of what a `*` at this place can take.
    fn stretch_end(&self, text: &str, at: usize) -> usize {
        match self.reach {
            Reach::Whole => text.len(),
            Reach::Within => {
                let rest = text.get(at..).unwrap_or_default();
                at + rest.find(char::is_whitespace).unwrap_or(rest.len())
            }
        }
    }

    fn takes(&self, c: char) -> bool {
        self.reach == Reach::Whole || !c.is_whitespace()
    }

    /// Whether the pattern may end here: at the end of the value, or where no word is cut.
    fn may_end(&self, text: &str, at: usize) -> bool {
        match self.reach {
            Reach::Whole => at == text.len(),
            Reach::Within => {
                let left = text.get(..at).and_then(|text| text.chars().next_back());
                let right = next_char(text, at);
                left.zip(right).is_none_or(|(left, right)| !joins(left, right))
            }
        }
    }
}

/// The last `*` met: what follows it, how much it takes now and at most.
struct Star {
    piece: usize,
    at: usize,
    end: usize,
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.reach == Reach::Whole { "is like \"" } else { "has like \"" })?;
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => write!(f, "{}", text.escape_debug())?,
                Piece::AnyRun => f.write_str("*")?,
                Piece::AnyChar => f.write_str("?")?,
            }
        }
        f.write_str("\"")
    }
}

fn literals(pieces: &[Piece]) -> impl Iterator<Item = &str> {
    pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(text) => Some(text.as_str()),
        Piece::AnyRun | Piece::AnyChar => None,
    })
}

fn next_char(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// 0, and every place after white space.
fn starts_of_stretches(text: &str) -> impl Iterator<Item = usize> {
    let after_space = text.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8());
    std::iter::once(0).chain(after_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(pattern: &str, reach: Reach) -> Glob {
        let mut pieces: Vec<Piece> = Vec::new();
        for c in pattern.chars() {
            match (c, pieces.last_mut()) {
                ('*', _) => pieces.push(Piece::AnyRun),
                ('?', _) => pieces.push(Piece::AnyChar),
                (c, Some(Piece::Literal(text))) => text.push(c),
                (c, _) => pieces.push(Piece::Literal(c.to_string())),
            }
        }
        Glob::new(&pieces, reach)
    }

    #[test]
    fn patterns_within_texts() {
        let rows = [
            ("conn*", "a Connection", true),
            ("conn*", "disconnected", false),
            ("*tion", "a connection", true),
            ("*tion", "connections", false),
            ("a*b", "axxb", true),
            ("a*b", "ax xb", false),
            ("a*b*c", "a b c a1b2c", true),
            ("a*b c*d", "a1b c2d", true),
            ("a*b c*d", "a1b  c2d", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a?c", "a c", false),
            ("?", " x ", true),
            ("?", " xy ", false),
            ("*", "", true),
            ("a*", "a", true),
            ("错*", "数据错误", true),
            ("*.log", "/var/x.log", true),
            ("*.log", "/var/x.log.gz", true),
            ("*.log", "/var/x.logs", false),
        ];
        for (pattern, text, expected) in rows {
            assert_eq!(glob(pattern, Reach::Within).matches(text), expected, "{pattern} in {text}");
        }
    }

    #[test]
    fn patterns_of_whole_values() {
        let rows = [
            ("web-*", "web-01", true),
            ("web-*", "Web-01", false),
            ("web-*", "my web-01", false),
            ("*a*b*", "xx a yy b zz", true),
            ("*a*b", "a b b", true),
            ("a?", "aé", true),
            ("a?", "a", false),
            ("*", "", true),
        ];
        for (pattern, text, expected) in rows {
            assert_eq!(glob(pattern, Reach::Whole).matches(text), expected, "{pattern} is {text}");
        }
    }

    /// The definition, in exponential time.
    fn plain(glob: &Glob, text: &str, at: usize, piece: usize) -> bool {
        let (rest, next) = (&text[at..], text[at..].chars().next());
        let takes_next = next.filter(|c| glob.takes(*c)).map(|c| at + c.len_utf8());
        match glob.pieces.get(piece) {
            None => glob.may_end(text, at),
            Some(Piece::Literal(literal)) => {
                rest.starts_with(literal) && plain(glob, text, at + literal.len(), piece + 1)
            }
            Some(Piece::AnyChar) => takes_next.is_some_and(|at| plain(glob, text, at, piece + 1)),
            Some(Piece::AnyRun) => {
                plain(glob, text, at, piece + 1) || takes_next.is_some_and(|at| plain(glob, text, at, piece))
            }
        }
    }

    fn plain_matches(glob: &Glob, text: &str) -> bool {
        if glob.reach == Reach::Whole {
            return plain(glob, text, 0, 0);
        }
        let starts_freely = |at: usize| {
            let left = text[..at].chars().next_back();
            let cuts = left.zip(next_char(text, at)).is_some_and(|(left, right)| joins(left, right));
            !cuts || matches!(glob.pieces.first(), Some(Piece::AnyRun))
        };
        let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        starts.any(|at| starts_freely(at) && plain(glob, text, at, 0))
    }

    proptest::proptest! {
        #[test]
        fn the_matcher_agrees_with_the_definition(pattern in "[ab *?错.-]{1,8}", text in "[ab 错.-]{0,12}") {
            let pattern = pattern.replace("**", "*").replace("**", "*");
            for reach in [Reach::Within, Reach::Whole] {
                let glob = glob(&pattern, reach);
                proptest::prop_assert_eq!(glob.matches(&text), plain_matches(&glob, &text), "{:?} {:?}", glob, text);
            }
        }
    }

    #[test]
    fn a_hostile_pattern_takes_text_times_pattern_at_worst() {
        let pattern = format!("{}b", "a*".repeat(20));
        // Some 64,000 starts, each of which could look at everything behind it: without the bar this takes minutes.
        let text = format!("{} ba", "a-".repeat(64_000));
        assert!(!glob(&pattern, Reach::Within).matches(&text));
        assert!(!glob(&pattern, Reach::Whole).matches(&text));
    }
}

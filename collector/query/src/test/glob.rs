//! The matcher behind wildcards: linear in the text for one `*`, text times pattern at worst, no recursion.

use std::fmt;

use crate::ast::Piece;
use crate::tokens::{fold, joins};

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
                Piece::Literal(text) if reach == Reach::Within => {
                    Piece::Literal(text.chars().map(fold).collect())
                }
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
                    let end = self.stretch_end(text, at);
                    if star.is_none() {
                        if at < barred_until {
                            return Err(0);
                        }
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

fn fold_text(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(fold).collect() }
}

fn next_char(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// 0, and every place after white space.
fn starts_of_stretches(text: &str) -> impl Iterator<Item = usize> {
    let after_space = text.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8());
    std::iter::once(0).chain(after_space)
}

//! The signs that Lucene puts behind words: `^2` weighs a hit, and nothing is weighed here; `~` makes a search
//! fuzzy, which this one is not.

use crate::ast::Piece;
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::syntax::cursor::Cursor;
use crate::syntax::word::Word;
use crate::tokens::for_each_token;

/// Most words of a phrase that a hint repeats.
const MAX_REPEATED_WORDS: usize = 8;

/// Reads `^2` behind a quote or parenthesis.
pub(super) fn eat_boost(cursor: &mut Cursor<'_>) {
    let Some(rest) = cursor.rest().strip_prefix('^') else { return };
    let length = boost_bytes(rest);
    if length > 0 {
        cursor.set(cursor.at() + 1 + length);
    }
}

/// Takes `^2` off a word that has a letter: `2^10` is a text.
pub(super) fn strip_boost(pieces: &mut Vec<Piece>) {
    let is_text = |piece: &Piece| matches!(piece, Piece::Literal(text) if text.contains(char::is_alphabetic));
    if !pieces.iter().any(is_text) {
        return;
    }
    let Some(Piece::Literal(last)) = pieces.last_mut() else { return };
    let Some((before, boost)) = last.rsplit_once('^') else { return };
    if boost.is_empty() || boost_bytes(boost) < boost.len() {
        return;
    }
    last.truncate(before.len());
    if last.is_empty() {
        pieces.pop();
    }
}

/// Bytes of the number that the text starts with.
fn boost_bytes(text: &str) -> usize {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    if text.starts_with(|c: char| c.is_ascii_digit()) { end } else { 0 }
}

/// Refuses `roam~` and `roam~1`. A `~` anywhere else is a part of the word: `5.10.0-8~deb11`.
pub(super) fn refuse_fuzzy(word: &Word) -> Result<(), QueryError> {
    let Some((base, distance)) = word.text().and_then(|text| text.rsplit_once('~')) else { return Ok(()) };
    let is_distance = distance.is_empty() || (distance.len() <= 3 && boost_bytes(distance) == distance.len());
    if !is_distance || base.is_empty() || !base.chars().all(char::is_alphabetic) {
        return Ok(());
    }
    let start: String = base.chars().take(base.chars().count().div_ceil(2)).collect();
    let error = QueryError::new(QueryErrorCode::Unexpected, word.span, "words are not searched for fuzzily");
    Err(error.hint(format!("write {start}* or another wildcard, or quote the text to search for it")))
}

/// Refuses `"a b"~3`, read since `start`.
pub(super) fn refuse_near(cursor: &Cursor<'_>, start: usize, phrase: &str) -> Result<(), QueryError> {
    let Some(rest) = cursor.rest().strip_prefix('~') else { return Ok(()) };
    let digits = boost_bytes(rest);
    let distance = rest.get(..digits).unwrap_or_default();
    let mut words = Vec::new();
    for_each_token(phrase, |word| words.push(word.to_owned()));
    if words.is_empty() || words.len() > MAX_REPEATED_WORDS || distance.len() > 2 {
        return Ok(());
    }
    let span = Span::between(start, cursor.at() + 1 + digits);
    let distance = if distance.is_empty() { "5" } else { distance };
    let near = words.join(&format!("\\W+(\\w+\\W+){{0,{distance}}}"));
    let hint =
        format!("write {} for all of the words, or /{near}/i for the words near each other", words.join(" "));
    Err(QueryError::new(QueryErrorCode::Unexpected, span, "a phrase has its words side by side").hint(hint))
}

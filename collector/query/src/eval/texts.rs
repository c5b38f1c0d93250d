//! Texts. Characters are those of Unicode; what a formula makes is cut at [`MAX_MADE_TEXT_BYTES`].

use std::borrow::Cow;

use super::numbers;
use crate::limits::MAX_MADE_TEXT_BYTES;
use crate::table::Cell;

/// A value as text; none for null.
pub(super) fn of(cell: &Cell) -> Option<Cow<'_, str>> {
    Some(match cell {
        Cell::Null => return None,
        Cell::Str(text) => Cow::Borrowed(text),
        Cell::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        Cell::I64(number) | Cell::TimeNs(number) => Cow::Owned(number.to_string()),
        Cell::F64(number) => Cow::Owned(number.to_string()),
        Cell::List(items) => return items.first().and_then(of),
    })
}

/// The cell of a text that was made, cut.
pub(super) fn made(mut text: String) -> Cell {
    if text.len() > MAX_MADE_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_MADE_TEXT_BYTES));
    }
    Cell::Str(text)
}

/// Side by side; null if one is.
pub(super) fn joined<'c>(cells: impl IntoIterator<Item = &'c Cell>) -> Cell {
    let mut text = String::new();
    for cell in cells {
        let Some(part) = of(cell) else { return Cell::Null };
        if text.len() <= MAX_MADE_TEXT_BYTES {
            text.push_str(&part);
        }
    }
    made(text)
}

/// Characters from `start` on, the first of which is 1; from the end when it is negative. `length` of them, or all.
pub(super) fn part(cell: &Cell, start: &Cell, length: Option<&Cell>) -> Cell {
    let (Some(text), Some(start)) = (of(cell), index(start)) else { return Cell::Null };
    let skip = match start {
        1.. => start - 1,
        0 => 0,
        _ => i64::try_from(text.chars().count()).unwrap_or(i64::MAX).saturating_add(start).max(0),
    };
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let take = match length.map(index) {
        None => usize::MAX,
        Some(Some(length)) => usize::try_from(length.max(0)).unwrap_or(usize::MAX),
        Some(None) => return Cell::Null,
    };
    made(text.chars().skip(skip).take(take).collect())
}

#[expect(clippy::cast_possible_truncation, reason = "beyond every text is beyond every text")]
fn index(cell: &Cell) -> Option<i64> {
    numbers::of(cell).map(|number| number.as_f64() as i64)
}

/// Every match replaced; `$1` and `${name}` stand for groups.
pub(super) fn replaced(text: &str, regex: &regex::Regex, with: &str) -> Cell {
    let groups = with.bytes().filter(|byte| *byte == b'$').count();
    let (mut result, mut end) = (String::new(), 0);
    for captures in regex.captures_iter(text) {
        let Some(found) = captures.get(0) else { break };
        result.push_str(text.get(end..found.start()).unwrap_or_default());
        // No group is longer than the match.
        let longest = groups.saturating_mul(found.len()).saturating_add(with.len());
        if result.len().saturating_add(longest) > 2 * MAX_MADE_TEXT_BYTES {
            return made(result);
        }
        captures.expand(with, &mut result);
        end = found.end();
    }
    result.push_str(text.get(end..).unwrap_or_default());
    made(result)
}

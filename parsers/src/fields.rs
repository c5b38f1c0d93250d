//! Adds fields whose names come from the line, which may repeat a name or bring thousands of them.

use std::borrow::Cow;

use crate::event::{NoteKind, Parsed, Value};
use crate::limits::FIELDS_MAX;

/// The names of one line so far, as a filter of 64 bits in front of the list of fields: a line of usual size is told to
/// have no repeated name by a handful of comparisons.
#[derive(Debug, Default)]
pub(crate) struct Names {
    seen: u64,
}

impl Names {
    /// Adds the field, unless its name is taken or there are too many. Returns its index.
    pub(crate) fn add<'a>(
        &mut self,
        out: &mut Parsed<'a>,
        name: Cow<'a, str>,
        value: Value<'a>,
        offset_bytes: usize,
    ) -> Option<usize> {
        let index = out.fields.len();
        if index >= FIELDS_MAX {
            out.rebuilds_line = false;
            out.note(NoteKind::TooManyFields, offset_bytes);
            return None;
        }
        let bit = 1 << (mix(&name) & 63);
        if self.seen & bit != 0 && out.field(&name).is_some() {
            out.rebuilds_line = false;
            out.note(NoteKind::DuplicateField, offset_bytes);
            return None;
        }
        self.seen |= bit;
        out.fields.push((name, value));
        Some(index)
    }
}

/// Cheap and good enough: names of one line differ in length, first, middle or last byte.
fn mix(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let at = |index: usize| u64::from(bytes.get(index).copied().unwrap_or_default());
    let length = bytes.len();
    let sum = length as u64 ^ at(0) << 8 ^ at(length / 2) << 16 ^ at(length.wrapping_sub(1)) << 24;
    sum.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58
}

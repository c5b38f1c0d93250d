//! The residual of a document: the fields that columns can't give back exactly, as bytes beside its
//! message. Pure encoding and decoding; what goes here is decided by [`super::shred`].
//!
//! An entry is a varint name length, the name, a tag byte, and the value. The tag's high bit says
//! that some scalar of the value is in no column.

use millpond_wire::batch::ValueRef;

use super::varint::{read_varint, write_varint};

const TAG_ABSENT: u8 = 0;
const TAG_STR: u8 = 1;
const TAG_I64: u8 = 2;
const TAG_F64: u8 = 3;
const TAG_BOOL: u8 = 4;
const TAG_JSON: u8 = 5;
const UNINDEXED: u8 = 0x80;

/// One entry of a residual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry<'a> {
    /// The field's dotted name.
    pub(crate) name: &'a str,
    /// `None`: the document does not have this field, although a column has a value for it.
    pub(crate) value: Option<ValueRef<'a>>,
    /// Some scalar of the value is in no column: conditions must look here.
    pub(crate) unindexed: bool,
}

/// Appends one entry.
pub(crate) fn write_entry(out: &mut Vec<u8>, entry: Entry<'_>) {
    write_varint(out, entry.name.len() as u64);
    out.extend_from_slice(entry.name.as_bytes());
    let flag = if entry.unindexed { UNINDEXED } else { 0 };
    match entry.value {
        None => out.push(TAG_ABSENT | flag),
        Some(ValueRef::Str(text)) => write_text(out, TAG_STR | flag, text),
        Some(ValueRef::Json(text)) => write_text(out, TAG_JSON | flag, text),
        Some(ValueRef::I64(number)) => {
            out.push(TAG_I64 | flag);
            out.extend_from_slice(&number.to_le_bytes());
        }
        Some(ValueRef::F64(number)) => {
            out.push(TAG_F64 | flag);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        Some(ValueRef::Bool(truth)) => out.extend_from_slice(&[TAG_BOOL | flag, u8::from(truth)]),
    }
}

fn write_text(out: &mut Vec<u8>, tag: u8, text: &str) {
    out.push(tag);
    write_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// The entries of a residual, in the order in which they were written. Ends early at a damaged entry:
/// blocks carry a checksum, so that is a bug and not bad luck.
pub(crate) fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || read_entry(&mut rest))
}

fn read_entry<'a>(rest: &mut &'a [u8]) -> Option<Entry<'a>> {
    let name = read_text(rest)?;
    let (&tag, after) = rest.split_first()?;
    *rest = after;
    let value = match tag & !UNINDEXED {
        TAG_ABSENT => None,
        TAG_STR => Some(ValueRef::Str(read_text(rest)?)),
        TAG_JSON => Some(ValueRef::Json(read_text(rest)?)),
        TAG_I64 => Some(ValueRef::I64(i64::from_le_bytes(*read_word(rest)?))),
        TAG_F64 => Some(ValueRef::F64(f64::from_bits(u64::from_le_bytes(*read_word(rest)?)))),
        TAG_BOOL => {
            let (&truth, after) = rest.split_first()?;
            *rest = after;
            Some(ValueRef::Bool(truth != 0))
        }
        _ => return None,
    };
    Some(Entry { name, value, unindexed: tag & UNINDEXED != 0 })
}

fn read_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let len = usize::try_from(read_varint(rest)?).ok()?;
    let (text, after) = rest.split_at_checked(len)?;
    *rest = after;
    std::str::from_utf8(text).ok()
}

fn read_word<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8; 8]> {
    let (word, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all() -> Vec<Entry<'static>> {
        let value = |name, value, unindexed| Entry { name, value, unindexed };
        vec![
            value("a", None, false),
            value("", Some(ValueRef::Str("")), true),
            value("ключ", Some(ValueRef::Str("значение")), false),
            value("list", Some(ValueRef::Json("[1, 2]")), true),
            value("n", Some(ValueRef::I64(i64::MIN)), true),
            value("f", Some(ValueRef::F64(-0.0)), false),
            value("b", Some(ValueRef::Bool(true)), true),
        ]
    }

    #[test]
    fn entries_round_trip() {
        let mut bytes = Vec::new();
        all().into_iter().for_each(|entry| write_entry(&mut bytes, entry));
        assert_eq!(entries(&bytes).collect::<Vec<_>>(), all());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(entries(&bytes).count() <= bytes.len());
        }

        #[test]
        fn any_texts_round_trip(texts in proptest::collection::vec((".{0,20}", ".{0,200}"), 0..20)) {
            let mut bytes = Vec::new();
            for (name, text) in &texts {
                write_entry(&mut bytes, Entry { name, value: Some(ValueRef::Str(text)), unindexed: true });
            }
            let found = entries(&bytes).map(|entry| (entry.name.to_owned(), entry.value));
            let expected = texts.iter().map(|(name, text)| (name.clone(), Some(ValueRef::Str(text))));
            prop_assert!(found.eq(expected));
        }
    }

    #[test]
    fn every_cut_ends_early_without_a_panic() {
        let mut bytes = Vec::new();
        all().into_iter().for_each(|entry| write_entry(&mut bytes, entry));
        for cut in 0..bytes.len() {
            assert!(entries(&bytes[..cut]).count() < all().len());
        }
    }
}

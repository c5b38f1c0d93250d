//! Values that come in no order and have no number of their own yet: each gets the next one. Bounded in number and in
//! bytes.

use rustc_hash::FxHashMap;

use super::field_keys::KeyNumber;
use super::keys::Key;
use crate::limits::INTERNED_BYTES_MAX;

/// Values that got their number as they came.
#[derive(Default)]
pub(crate) struct Interned {
    keys: Vec<Key>,
    numbers: FxHashMap<Key, KeyNumber>,
    /// By bits: floats come by the million.
    floats: FxHashMap<u64, KeyNumber>,
    text_bytes: usize,
}

impl Interned {
    /// True when no value came.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Memory on the heap, bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        let of_numbers = self.numbers.capacity() * (size_of::<(Key, KeyNumber)>() + 1);
        let of_floats = self.floats.capacity() * (size_of::<(u64, KeyNumber)>() + 1);
        // Texts are held twice.
        self.keys.capacity() * size_of::<Key>() + of_numbers + of_floats + 2 * self.text_bytes
    }

    /// The value with a number.
    pub(crate) fn key(&self, number: KeyNumber) -> Option<&Key> {
        self.keys.get(usize::try_from(number).ok()?)
    }

    /// The number of a value; `None` when there are too many to give it one.
    pub(crate) fn number(&mut self, key: Key, max: usize) -> Option<KeyNumber> {
        let found = match &key {
            Key::Float(bits) => self.floats.get(bits),
            key => self.numbers.get(key),
        };
        if let Some(number) = found {
            return Some(*number);
        }
        let text_bytes = if let Key::String(text) = &key { text.len() } else { 0 };
        if self.keys.len() >= max || self.text_bytes + text_bytes > INTERNED_BYTES_MAX {
            return None;
        }
        self.text_bytes += text_bytes;
        let number = self.keys.len() as KeyNumber;
        match &key {
            Key::Float(bits) => self.floats.insert(*bits, number),
            key => self.numbers.insert(key.clone(), number),
        };
        self.keys.push(key);
        Some(number)
    }
}

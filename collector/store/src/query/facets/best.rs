//! The most frequent values of all that are visited.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::query::values::keys::Key;

/// The key of a term.
pub(crate) fn key_of(term: &[u8]) -> Key {
    Key::String(String::from_utf8_lossy(term).into())
}

/// A value that is visited: most are never kept.
pub(crate) enum Value<'a> {
    /// Of a dictionary.
    Term(&'a [u8]),
    /// Any other.
    Key(Key),
}

impl Value<'_> {
    /// The value to keep.
    pub(crate) fn into_key(self) -> Key {
        match self {
            Self::Term(term) => key_of(term),
            Self::Key(key) => key,
        }
    }
}

/// The most frequent values, ties by value.
#[derive(Clone)]
pub(crate) struct Best {
    top: usize,
    /// The worst on top.
    heap: BinaryHeap<Candidate>,
}

#[derive(Clone)]
struct Candidate {
    count: u64,
    key: Key,
}

impl Ord for Candidate {
    /// The worst is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.count.cmp(&self.count).then_with(|| self.key.cmp(&other.key))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl Best {
    /// No value yet; the best `top` are kept.
    pub(crate) fn new(top: usize) -> Self {
        Self { top, heap: BinaryHeap::new() }
    }

    /// Adds a value that was not added before.
    pub(crate) fn add(&mut self, value: Value<'_>, count: u64) {
        if self.heap.len() < self.top {
            self.heap.push(Candidate { count, key: value.into_key() });
        } else if let Some(mut worst) = self.heap.peek_mut()
            && count >= worst.count
        {
            let candidate = Candidate { count, key: value.into_key() };
            if candidate < *worst {
                *worst = candidate;
            }
        }
    }

    /// As [`Self::add`].
    pub(crate) fn add_key(&mut self, key: Key, count: u64) {
        self.add(Value::Key(key), count);
    }

    /// How many are kept.
    pub(crate) fn top(&self) -> usize {
        self.top
    }

    /// The count that a value needs to be among the best, or to tie; 0 while there is room.
    pub(crate) fn worst(&self) -> u64 {
        self.heap.peek().filter(|_| self.heap.len() >= self.top).map_or(0, |worst| worst.count)
    }

    /// The values and their counts, in no order.
    pub(crate) fn into_unsorted(self) -> impl Iterator<Item = (Key, u64)> {
        self.heap.into_iter().map(|candidate| (candidate.key, candidate.count))
    }

    /// The best first.
    pub(crate) fn finish(self) -> Vec<(Key, u64)> {
        let best = self.heap.into_sorted_vec();
        best.into_iter().map(|candidate| (candidate.key, candidate.count)).collect()
    }
}

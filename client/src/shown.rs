//! Which documents a live tail has shown, so that after a break none is missing and none comes twice. An id is the time
//! and the number of admission of a document, so what came later has a larger number. Pure.

use std::collections::{HashSet, VecDeque};

use crate::limits::SHOWN_MAX;

/// A document as it came: its `_id` and its JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) json: String,
}

/// The memory of a live tail: the last [`SHOWN_MAX`] ids.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    ids: HashSet<String>,
    order: VecDeque<String>,
    /// Largest number of admission among them.
    newest: u64,
}

impl Shown {
    /// Takes note of a document; false if it was there before.
    pub(crate) fn add(&mut self, id: &str) -> bool {
        if !self.ids.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > SHOWN_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        self.pass(id);
        true
    }

    /// Takes note that a document need not be looked for. If it comes it is shown: it may have come in meanwhile.
    pub(crate) fn pass(&mut self, id: &str) {
        self.newest = self.newest.max(admission(id));
    }

    /// Whether a document that a search found came after all that was shown.
    pub(crate) fn is_missing(&self, id: &str) -> bool {
        admission(id) > self.newest && !self.ids.contains(id)
    }

    /// What was missed and what came meanwhile, each once, in order of admission.
    pub(crate) fn merge(&mut self, found: Vec<Document>, came: Vec<Document>) -> Vec<Document> {
        let mut documents: Vec<_> =
            found.into_iter().filter(|document| self.is_missing(&document.id)).collect();
        documents.extend(came);
        documents.sort_by_key(|document| admission(&document.id));
        documents.retain(|document| self.add(&document.id));
        documents
    }
}

/// The number of admission in an id; 0 for what is none.
fn admission(id: &str) -> u64 {
    id.get(16..).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(numbers: &[u64]) -> Vec<Document> {
        let document =
            |number: &u64| Document { id: format!("{:016x}{number:016x}", 7), json: number.to_string() };
        numbers.iter().map(document).collect()
    }

    #[test]
    fn nothing_is_missing_and_nothing_twice() {
        // Shown before, found by a search, came meanwhile, and what is new of it.
        let rows: [[&[u64]; 4]; 5] = [
            [&[1, 3], &[1, 2, 3, 4, 5], &[5, 6], &[4, 5, 6]],
            [&[], &[1, 2], &[], &[1, 2]],
            [&[5], &[], &[5, 6], &[6]],
            [&[5], &[9, 7], &[8], &[7, 8, 9]],
            [&[9], &[1, 2], &[], &[]],
        ];
        for [before, found, came, expected] in rows {
            let mut shown = Shown::default();
            for document in documents(before) {
                assert!(shown.add(&document.id));
            }
            assert_eq!(shown.merge(documents(found), documents(came)), documents(expected), "{before:?}");
        }
    }

    #[test]
    fn a_document_that_tells_where_the_tail_begins_is_not_swallowed() {
        let mut shown = Shown::default();
        let documents: [Document; 3] = documents(&[6, 7, 8]).try_into().unwrap();
        shown.pass(&documents[1].id);
        assert_eq!(documents.each_ref().map(|document| shown.is_missing(&document.id)), [false, false, true]);
        assert!(shown.add(&documents[1].id));
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut shown = Shown::default();
        let numbers: Vec<u64> = (1..=SHOWN_MAX as u64 + 1).collect();
        for document in documents(&numbers) {
            assert!(shown.add(&document.id));
        }
        assert_eq!((shown.ids.len(), shown.order.len()), (SHOWN_MAX, SHOWN_MAX));
        assert!(shown.add(&documents(&[1])[0].id), "the oldest is forgotten");
        assert!(!shown.add(&documents(&[2 + SHOWN_MAX as u64 - 1])[0].id), "the newest is not");
    }
}

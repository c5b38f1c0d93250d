//! Which splits go: a pure choice over the manifest's entries, and a look at what it would be.
//!
//! Age counts from arrival, not from event time: an old log that is read today was asked for today, and
//! a clock that is years ahead must not keep a document for ever.

use std::path::Path;

use crate::error::StoreError;
use crate::log_store::RetentionPolicy;
use crate::manifest::{self, Entry};

/// A split that retention would remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiring {
    /// Its id; the name of its directory is that in hexadecimal.
    pub id: u64,
    /// Number of documents.
    pub documents: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Oldest event time, Unix nanoseconds.
    pub min_ns: i64,
    /// Newest event time, Unix nanoseconds.
    pub max_ns: i64,
    /// When the last of its documents arrived, Unix nanoseconds.
    pub arrived_ns: i64,
    /// Why it would go.
    pub reason: Reason,
}

/// Why a split goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its last document arrived too long ago.
    Age,
    /// The store is too large, and this is the oldest that is left.
    Bytes,
}

/// What retention would do to a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// What would go, in order.
    pub expiring: Vec<Expiring>,
    /// Splits of the store, those included.
    pub splits: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What `policy` would remove at `now_ns` from the store in `dir`. Reads the manifest alone and writes
/// nothing, so the store may be open in another process; what that one holds in memory does not count.
///
/// # Errors
/// The manifest can't be read.
pub fn preview(dir: &Path, policy: RetentionPolicy, now_ns: i64) -> Result<Preview, StoreError> {
    let Some((state, ..)) = manifest::read(dir)? else { return Ok(Preview::default()) };
    let chosen = choose(state.live.values(), policy, now_ns);
    Ok(Preview {
        expiring: chosen.iter().map(|(entry, reason)| Expiring::of(entry, *reason)).collect(),
        splits: state.live.len() as u64,
        bytes: state.live.values().map(|entry| entry.bytes).sum(),
    })
}

impl Expiring {
    fn of(entry: &Entry, reason: Reason) -> Self {
        let Entry { id, documents, bytes, min_ns, max_ns, arrived_ns, .. } = *entry;
        Self { id, documents, bytes, min_ns, max_ns, arrived_ns, reason }
    }
}

/// The splits that `policy` lets go at `now_ns`: whole splits, the one whose last document arrived first
/// goes first.
pub(crate) fn choose<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    policy: RetentionPolicy,
    now_ns: i64,
) -> Vec<(Entry, Reason)> {
    let mut entries: Vec<&Entry> = entries.collect();
    entries.sort_unstable_by_key(|entry| (entry.arrived_ns, entry.max_ns, entry.id));
    let mut left: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let oldest_kept = policy.age_max.map(|age| {
        let age_ns = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        now_ns.saturating_sub(age_ns)
    });
    let goes = entries.into_iter().map_while(|entry| {
        let too_old = oldest_kept.is_some_and(|oldest| entry.arrived_ns < oldest).then_some(Reason::Age);
        let too_much = policy.bytes_max.is_some_and(|max| left > max).then_some(Reason::Bytes);
        left = left.saturating_sub(entry.bytes);
        Some((entry.clone(), too_old.or(too_much)?))
    });
    goes.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_go_first_by_age_and_by_bytes() {
        let entry = |id, arrived_ns, bytes| Entry {
            id,
            partition: None,
            documents: 1,
            bytes,
            min_ns: 0,
            max_ns: 0,
            arrived_ns,
        };
        // The last arrival counts; the event times, all from 1970, don't.
        let entries = [entry(1, 300, 10), entry(2, 200, 20), entry(3, 100, 30)];
        let age = |ns| RetentionPolicy { age_max: Some(Duration::from_nanos(ns)), bytes_max: None };
        let bytes = |max| RetentionPolicy { age_max: None, bytes_max: Some(max) };
        let both = RetentionPolicy { age_max: Some(Duration::from_nanos(250)), bytes_max: Some(0) };
        let (old, much) = (Reason::Age, Reason::Bytes);
        type Row<'a> = (RetentionPolicy, i64, &'a [(u64, Reason)]);
        let rows: [Row<'_>; 9] = [
            (RetentionPolicy::default(), 1_000, &[]),
            (age(250), 400, &[(3, old)]),
            (age(300), 400, &[]),
            (age(50), 400, &[(3, old), (2, old), (1, old)]),
            (age(u64::MAX), i64::MAX, &[]),
            (bytes(60), 0, &[]),
            (bytes(59), 0, &[(3, much)]),
            (bytes(29), 0, &[(3, much), (2, much)]),
            (both, 400, &[(3, old), (2, much), (1, much)]),
        ];
        for (policy, now_ns, expected) in rows {
            let chosen = choose(entries.iter(), policy, now_ns);
            let chosen: Vec<_> = chosen.iter().map(|(entry, reason)| (entry.id, *reason)).collect();
            assert_eq!(chosen, expected, "{policy:?}");
        }
    }
}

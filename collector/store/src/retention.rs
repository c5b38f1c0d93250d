//! Which splits go: a pure choice over the manifest's entries.
//!
//! Age counts from arrival, not from event time: an old log that is read today was asked for today, and
//! a clock that is years ahead must not keep a document for ever.

use crate::log_store::RetentionPolicy;
use crate::manifest::Entry;

/// The splits that `policy` lets go at `now_ns`: whole splits, the one whose last document arrived first
/// goes first.
pub(crate) fn choose<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    policy: RetentionPolicy,
    now_ns: i64,
) -> Vec<Entry> {
    let mut entries: Vec<&Entry> = entries.collect();
    entries.sort_unstable_by_key(|entry| (entry.arrived_ns, entry.max_ns, entry.id));
    let mut left: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let oldest_kept = policy.age_max.map(|age| {
        let age_ns = i64::try_from(age.as_nanos()).unwrap_or(i64::MAX);
        now_ns.saturating_sub(age_ns)
    });
    let goes = entries.into_iter().take_while(|entry| {
        let too_old = oldest_kept.is_some_and(|oldest| entry.arrived_ns < oldest);
        let too_much = policy.bytes_max.is_some_and(|max| left > max);
        left = left.saturating_sub(entry.bytes);
        too_old || too_much
    });
    goes.cloned().collect()
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
        let rows: [(RetentionPolicy, i64, &[u64]); 9] = [
            (RetentionPolicy::default(), 1_000, &[]),
            (age(250), 400, &[3]),
            (age(300), 400, &[]),
            (age(50), 400, &[3, 2, 1]),
            (age(u64::MAX), i64::MAX, &[]),
            (bytes(60), 0, &[]),
            (bytes(59), 0, &[3]),
            (bytes(29), 0, &[3, 2]),
            (both, 400, &[3, 2, 1]),
        ];
        for (policy, now_ns, expected) in rows {
            let ids: Vec<_> = choose(entries.iter(), policy, now_ns).iter().map(|entry| entry.id).collect();
            assert_eq!(ids, expected, "{policy:?}");
        }
    }
}

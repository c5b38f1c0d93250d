//! How many documents of a split there are in each minute, by level: what a histogram needs of minutes that lie
//! wholly in a bucket. Counted from the columns when a split is made, and kept in its meta.
//!
//! It knows nothing of filters: which levels are wanted is asked elsewhere. A split that has few documents for the
//! minutes it spans has no counts; its columns are read as fast.

use millpond_wire::names;
use serde::{Deserialize, Serialize};
use tantivy::columnar::{ColumnIndex, StrColumn};

use super::columns::{Columns, Values};
use super::meta::{ColumnMeta, Kind};
use super::visits::for_each_value;
use crate::error::StoreError;
use crate::limits::{MINUTE_CELLS_MAX, ZONE_DOCUMENTS_MAX};

/// Nanoseconds in a minute.
pub(crate) const MINUTE_NS: i64 = 60_000_000_000;

/// Documents by minute and level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MinuteCounts {
    /// The first minute, counted from the Unix epoch.
    first: i64,
    /// Terms of the dictionary of levels.
    levels: u32,
    /// By minute, then by level: documents without one, then those of each term in the order of the dictionary.
    counts: Vec<u32>,
}

/// The minute of an event time.
pub(crate) fn minute_of(time_ns: i64) -> i64 {
    time_ns.div_euclid(MINUTE_NS)
}

impl MinuteCounts {
    /// Counts the documents of a split from `min_ns` to `max_ns`; `None` when they would not be worth their space, or
    /// some document has several levels.
    pub(crate) fn of(
        columns: &Columns,
        metas: &[ColumnMeta],
        min_ns: i64,
        max_ns: i64,
    ) -> Result<Option<Self>, StoreError> {
        let levels = levels(columns, metas)?;
        let terms = levels.map_or(0, |column| column.num_terms());
        let first = minute_of(min_ns);
        let documents = columns.documents();
        let minutes =
            usize::try_from(minute_of(max_ns).abs_diff(first)).unwrap_or(usize::MAX).saturating_add(1);
        let cells = minutes.saturating_mul(terms.saturating_add(1));
        let several = levels.is_some_and(|column| matches!(column.ords().index, ColumnIndex::Multivalued(_)));
        if several || cells > MINUTE_CELLS_MAX.min(documents as usize) {
            return Ok(None);
        }
        let mut counts = vec![0u32; cells];
        let mut cell_of = Vec::new();
        for start in (0..documents).step_by(ZONE_DOCUMENTS_MAX) {
            let docs = start..documents.min(start.saturating_add(ZONE_DOCUMENTS_MAX as u32));
            cell_of.clear();
            cell_of.extend(columns.times(&docs).into_iter().map(|time| {
                let minute = usize::try_from(minute_of(time).abs_diff(first)).unwrap_or(usize::MAX);
                minute.saturating_mul(terms + 1)
            }));
            if let Some(column) = levels {
                for_each_value(column.ords(), &docs, |doc, ordinal| {
                    if let Some(cell) = cell_of.get_mut((doc - start) as usize) {
                        *cell = cell.saturating_add(ordinal as usize + 1);
                    }
                });
            }
            for cell in &cell_of {
                if let Some(count) = counts.get_mut(*cell) {
                    *count += 1;
                }
            }
        }
        Ok(Some(Self { first, levels: terms as u32, counts }))
    }

    /// Terms of the dictionary of levels when it was counted.
    pub(crate) fn levels(&self) -> usize {
        self.levels as usize
    }

    /// (minute, counts: documents without a level, then those of each term) for the minutes of a range that were
    /// counted; all others have no documents.
    pub(crate) fn range(&self, minutes: std::ops::Range<i64>) -> impl Iterator<Item = (i64, &[u32])> {
        let counted = (self.first..).zip(self.counts.chunks_exact(self.levels().saturating_add(1)));
        counted
            .skip_while(move |(minute, _)| *minute < minutes.start)
            .take_while(move |(minute, _)| *minute < minutes.end)
    }
}

/// The column of levels, if the split has one.
pub(crate) fn levels<'c>(
    columns: &'c Columns,
    metas: &[ColumnMeta],
) -> Result<Option<&'c StrColumn>, StoreError> {
    let wanted = |column: &ColumnMeta| (column.name.as_str(), column.kind).cmp(&(names::LEVEL, Kind::String));
    let Ok(index) = metas.binary_search_by(wanted) else { return Ok(None) };
    Ok(match columns.values(index)? {
        Values::String(column) => Some(column),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use millpond_wire::batch::{BatchBuilder, ValueRef};

    use super::*;
    use crate::split::build::{Candidate, build, sort};
    use crate::split::learned::Learned;

    fn counts(docs: &[(i64, &[&str])]) -> Option<MinuteCounts> {
        let mut builder = BatchBuilder::new();
        for (time_ns, levels) in docs {
            builder.begin(*time_ns);
            levels.iter().for_each(|level| builder.field(names::LEVEL, ValueRef::Str(level)));
            builder.end();
        }
        let (mut batch, _) = builder.finish();
        batch.number_from(1);
        let mut docs: Vec<_> = batch.docs().map(|doc| Candidate { batch: 0, doc }).collect();
        sort(&mut docs);
        build(1, None, &docs, 1, 0, &mut Learned::default()).expect("builds").meta().minutes.clone()
    }

    #[test]
    fn documents_are_counted_by_minute_and_level() {
        let docs: [(i64, &[&str]); 6] = [
            (-1, &["warn"]),
            (-MINUTE_NS, &["info"]),
            (0, &[]),
            (MINUTE_NS - 1, &["warn"]),
            (MINUTE_NS - 1, &["warn"]),
            (5, &[]),
        ];
        let found = counts(&docs).expect("counted");
        assert_eq!(found, MinuteCounts { first: -1, levels: 2, counts: vec![0, 1, 1, 2, 0, 2] });
        let minutes =
            |range| found.range(range).map(|(minute, counts)| (minute, counts.to_vec())).collect::<Vec<_>>();
        assert_eq!(minutes(i64::MIN..i64::MAX), [(-1, vec![0, 1, 1]), (0, vec![2, 0, 2])]);
        assert_eq!(minutes(0..1), [(0, vec![2, 0, 2])]);
        assert_eq!(minutes(1..9), []);
    }

    #[test]
    fn counts_that_are_larger_than_their_documents_are_not_kept() {
        assert_eq!(counts(&[(0, &[]), (MINUTE_NS, &[])]).map(|found| found.counts), Some(vec![1, 1]));
        assert_eq!(counts(&[(0, &[]), (2 * MINUTE_NS, &[])]), None);
        assert_eq!(counts(&[(i64::MIN, &[]), (i64::MAX, &[])]), None);
        assert_eq!(counts(&[(i64::MIN, &[])]).map(|found| found.counts), Some(vec![1]));
        assert_eq!(counts(&[(0, &["info"])]), None, "a document that is cheaper to look at");
    }
}

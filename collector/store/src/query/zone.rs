//! One zone as queries see it: its documents, and its texts once somebody needs them.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::limits::{FOUND_BYTES, ROW_CACHE_BYTES};
use crate::log_store::TimeRange;
use crate::query::meter::{Halt, Meter};
use crate::split::Split;
use crate::split::bits::Bits;
use crate::split::filters::FilterKey;
use crate::split::rows::{Unpacker, Zone, ZoneRows};

/// Decompressed blocks of one query on one thread, the latest last.
#[derive(Default)]
pub(crate) struct RowCache {
    unpacker: RefCell<Unpacker>,
    blocks: RefCell<VecDeque<(u64, usize, Arc<ZoneRows>)>>,
}

impl RowCache {
    /// True when nothing was read yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.borrow().is_empty()
    }

    /// The texts of a zone, to look for something in them.
    pub(crate) fn read(&self, split: &Split, zone: usize, meter: &Meter<'_>) -> Result<Arc<ZoneRows>, Halt> {
        self.read_within(split, zone, meter, 0)
    }

    /// The texts of a zone in which something was found: the search for it must not have taken all that may be read.
    pub(crate) fn read_found(
        &self,
        split: &Split,
        zone: usize,
        meter: &Meter<'_>,
    ) -> Result<Arc<ZoneRows>, Halt> {
        self.read_within(split, zone, meter, FOUND_BYTES)
    }

    fn read_within(
        &self,
        split: &Split,
        zone: usize,
        meter: &Meter<'_>,
        more_bytes: u64,
    ) -> Result<Arc<ZoneRows>, Halt> {
        let found =
            self.blocks.borrow().iter().find(|block| (block.0, block.1) == (split.id(), zone)).cloned();
        if let Some((_, _, rows)) = found {
            return Ok(rows);
        }
        let Some(entry) = split.rows().zones().get(zone) else {
            return Err(Halt::Failed(crate::error::StoreError::Index {
                action: "read rows",
                detail: format!("zone {zone} does not exist"),
            }));
        };
        meter.scan(u64::from(entry.text_bytes), more_bytes)?;
        let rows = Arc::new(split.rows().read_with(entry, &mut self.unpacker.borrow_mut())?);
        let mut blocks = self.blocks.borrow_mut();
        blocks.push_back((split.id(), zone, Arc::clone(&rows)));
        while blocks.len() > 1
            && blocks.iter().map(|block| block.2.heap_bytes()).sum::<usize>() > ROW_CACHE_BYTES
        {
            blocks.pop_front();
        }
        Ok(rows)
    }
}

/// One zone of one split, during one query.
pub(crate) struct ZoneView<'a> {
    /// Its split.
    pub(crate) split: &'a Split,
    /// Its entry in the zone table.
    pub(crate) zone: &'a Zone,
    /// The query's account.
    pub(crate) meter: &'a Meter<'a>,
    index: usize,
    cache: &'a RowCache,
    /// Some test had to look at documents.
    looked: Cell<bool>,
    rows: OnceCell<Arc<ZoneRows>>,
    times: OnceCell<Vec<i64>>,
}

impl<'a> ZoneView<'a> {
    /// The zone with this index.
    pub(crate) fn new(
        split: &'a Split,
        index: usize,
        zone: &'a Zone,
        cache: &'a RowCache,
        meter: &'a Meter<'a>,
    ) -> Self {
        let (looked, rows, times) = (Cell::new(false), OnceCell::new(), OnceCell::new());
        Self { split, zone, meter, index, cache, looked, rows, times }
    }

    /// Numbers of its documents in the split.
    pub(crate) fn docs(&self) -> Range<u32> {
        self.zone.docs()
    }

    /// Number of its documents.
    pub(crate) fn len(&self) -> usize {
        self.zone.documents as usize
    }

    /// Notes that the filters did not decide.
    pub(crate) fn look(&self) {
        self.looked.set(true);
    }

    /// How many documents were looked at to find these.
    pub(crate) fn looked_at(&self, found: &Bits) -> usize {
        if self.looked.get() || !found.is_empty() { self.len() } else { 0 }
    }

    /// False when it certainly does not have all of these ids.
    pub(crate) fn may_have(&self, ids: &[FilterKey]) -> bool {
        ids.is_empty() || self.split.filters().may_have(self.index, ids)
    }

    /// Its texts, decompressed at the first call.
    pub(crate) fn rows(&self) -> Result<&ZoneRows, Halt> {
        if let Some(rows) = self.rows.get() {
            return Ok(rows);
        }
        let rows = self.cache.read(self.split, self.index, self.meter)?;
        Ok(self.rows.get_or_init(|| rows))
    }

    /// Event times of its documents.
    pub(crate) fn times(&self) -> &[i64] {
        self.times.get_or_init(|| self.split.columns().times(&self.docs()))
    }

    /// Event time of the document at this place.
    pub(crate) fn time(&self, at: u32) -> i64 {
        self.split.columns().time(self.zone.first_doc.saturating_add(at))
    }

    /// Its documents in the time range.
    pub(crate) fn in_range(&self, range: TimeRange) -> Bits {
        if range.covers(self.zone.min_ns, self.zone.max_ns) {
            return Bits::all(self.len());
        }
        let mut bits = Bits::none(self.len());
        if range.overlaps(self.zone.min_ns, self.zone.max_ns) {
            for (time, at) in self.times().iter().zip(0u32..) {
                if range.contains(*time) {
                    bits.set(at);
                }
            }
        }
        bits
    }
}

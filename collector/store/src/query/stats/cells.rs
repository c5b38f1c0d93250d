//! Groups of documents as cells of a table: when all keys are strings of small dictionaries or times in few
//! bins, the cell of a document is a sum over its keys, and groups need no hash map.

use millpond_query::bucket_start_ns;

use crate::limits::CELLS_MAX;
use crate::query::values::field_keys::KeyNumber;
use crate::query::values::picked::is_few;
use crate::query::values::terms::Terms;
use crate::query::zone::ZoneView;
use crate::split::bits::Bits;

/// Where one key of a document comes from.
pub(crate) enum Source<'s> {
    /// Ordinals below a number; documents may have none. `None`: all have none.
    Terms(Option<Terms<'s>>, u64),
    /// Time in bins of a width, from the first time to the last.
    Time { min_ns: i64, max_ns: i64, step_ns: i64 },
}

/// A key with the distance between cells that differ by one in it.
struct Part<'s> {
    stride: u32,
    size: u32,
    kind: Kind<'s>,
}

enum Kind<'s> {
    /// 0 is for documents without a value.
    Terms(Option<Terms<'s>>),
    /// Bins from the first one's start.
    Time { first_ns: i64, step_ns: i64 },
}

/// The table, and the cells of one zone's documents.
pub(crate) struct Cells<'s> {
    parts: Vec<Part<'s>>,
    count: usize,
    of: Vec<u32>,
}

impl<'s> Cells<'s> {
    /// A table with these keys; `None` when it would be too large.
    pub(crate) fn new(sources: impl IntoIterator<Item = Source<'s>>) -> Option<Self> {
        let (mut parts, mut count) = (Vec::new(), 1u32);
        for source in sources {
            let (size, kind) = match source {
                Source::Terms(column, terms) => (terms.checked_add(1)?, Kind::Terms(column)),
                Source::Time { min_ns, max_ns, step_ns } => {
                    let step_ns = step_ns.max(1);
                    let first_ns =
                        Some(bucket_start_ns(min_ns, step_ns)).filter(|first| *first > i64::MIN)?;
                    let last_ns = bucket_start_ns(max_ns, step_ns);
                    let bins = last_ns.abs_diff(first_ns) / step_ns.unsigned_abs();
                    (bins.checked_add(1)?, Kind::Time { first_ns, step_ns })
                }
            };
            let size = u32::try_from(size).ok()?;
            parts.push(Part { stride: count, size, kind });
            count = count.checked_mul(size).filter(|count| *count <= CELLS_MAX)?;
        }
        Some(Self { parts, count: count as usize, of: Vec::new() })
    }

    /// Number of cells.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Memory of the cells of a zone, bytes.
    pub(crate) fn buffer_bytes(&self) -> usize {
        self.of.capacity() * size_of::<u32>()
    }

    /// Cells by place in the zone; only those of documents in `bits` mean something.
    pub(crate) fn read(&mut self, view: &ZoneView<'_>, bits: &Bits) -> &[u32] {
        self.of.clear();
        self.of.resize(view.len(), 0);
        let of = &mut self.of;
        let mut same = 0;
        for part in &self.parts {
            match part.kind {
                Kind::Terms(None) => {}
                Kind::Terms(Some(terms)) => terms.for_each_picked(view, bits, |at, ordinal| {
                    if let Some(cell) = of.get_mut(at as usize) {
                        *cell += (ordinal as u32 + 1) * part.stride;
                    }
                }),
                Kind::Time { first_ns, step_ns } => {
                    let first = bin(view.zone.min_ns, first_ns, step_ns);
                    if first == bin(view.zone.max_ns, first_ns, step_ns) {
                        same += first * part.stride;
                    } else {
                        add_bins(view, bits, (first_ns, step_ns), part.stride, of);
                    }
                }
            }
        }
        if same > 0 {
            of.iter_mut().for_each(|cell| *cell += same);
        }
        of
    }

    /// The cell of a document of the last [`Self::read`].
    #[inline]
    pub(crate) fn of(&self, at: u32) -> usize {
        self.of.get(at as usize).map_or(0, |cell| *cell as usize)
    }

    /// The number of each key in a cell; `missing` for none.
    pub(crate) fn numbers(&self, cell: usize, missing: KeyNumber) -> Box<[KeyNumber]> {
        let number = |part: &Part<'_>| {
            let at = cell as u32 / part.stride % part.size;
            match part.kind {
                Kind::Terms(_) => at.checked_sub(1).map_or(missing, KeyNumber::from),
                Kind::Time { first_ns, step_ns } => (first_ns + i64::from(at) * step_ns).cast_unsigned(),
            }
        };
        self.parts.iter().map(number).collect()
    }
}

fn bin(time_ns: i64, first_ns: i64, step_ns: i64) -> u32 {
    (time_ns.abs_diff(first_ns) / step_ns.unsigned_abs()) as u32
}

/// Adds the bins of times. Neighbours are mostly in one bin, so few of them are divided.
fn add_bins(view: &ZoneView<'_>, bits: &Bits, (first_ns, step_ns): (i64, i64), stride: u32, of: &mut [u32]) {
    let (mut start, mut add) = (first_ns, 0);
    let mut add_bin = |cell: &mut u32, time: i64| {
        if time < start || time.abs_diff(start) >= step_ns.unsigned_abs() {
            let at = bin(time, first_ns, step_ns);
            start = first_ns + i64::from(at) * step_ns;
            add = at * stride;
        }
        *cell += add;
    };
    if is_few(bits) {
        for at in bits.ones() {
            if let Some(cell) = of.get_mut(at) {
                add_bin(cell, view.time(at as u32));
            }
        }
    } else {
        of.iter_mut().zip(view.times()).for_each(|(cell, time)| add_bin(cell, *time));
    }
}

//! Makes the first queries after a start as fast as all others: looks for the newest documents and for a word once, so
//! that what such queries touch of the newest splits, and of the program itself, is in memory.
//!
//! It answers nothing, and nobody waits for it: it has little time, and what it finds damaged is only logged.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use millpond_query::Filter;

use crate::engine::Shared;
use crate::limits::{WARM_ROWS, WARM_SCANNED_BYTES, WARM_TIME};
use crate::log_store::{Budget, HistogramPlan, Order, Pick, SearchPlan, TimeRange};
use crate::query::{histogram, newest};

/// A word that logs often have; what matters is that every split is asked for it.
const WORD: &str = "error";

/// The thread; it ends by itself.
pub(crate) fn run(shared: &Shared) {
    let catalog = shared.catalog.load_full();
    let Some((oldest_ns, newest_ns)) = catalog.time_range() else { return };
    let budget = Budget {
        deadline: Instant::now() + WARM_TIME,
        cancelled: Arc::new(AtomicBool::new(false)),
        scanned_bytes_max: WARM_SCANNED_BYTES,
        groups_max: 0,
        stats_bytes_max: 0,
        cost: Arc::default(),
    };
    let meter = shared.meter(&budget);
    let plan = SearchPlan {
        filter: Filter::All,
        range: TimeRange::default(),
        order: Order::Descending,
        limit: WARM_ROWS,
        pick: Pick::after(None),
    };
    newest::search(&catalog.splits, &plan, (None, None), &meter, &mut |_| ControlFlow::Continue(()));
    let Ok(word) = millpond_query::parse(WORD).and_then(|query| query.resolve(newest_ns)) else { return };
    let plan = HistogramPlan {
        filter: word.filter,
        start_ns: oldest_ns,
        step_ns: newest_ns.saturating_sub(oldest_ns).saturating_add(1),
        bucket_count: 1,
        by: None,
    };
    histogram::histogram(&catalog.splits, &plan, &meter);
}

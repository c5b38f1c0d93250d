//! The endpoints: one file each, one line in [`routes`](super::routes) each.

pub(super) mod assets;
pub(super) mod context;
pub(super) mod explain;
pub(super) mod export;
pub(super) mod facets;
pub(super) mod fields;
pub(super) mod health;
pub(super) mod histogram;
pub(super) mod ingest;
pub(super) mod metrics;
pub(super) mod parse;
mod prometheus;
pub(super) mod query;
pub(super) mod stats;
pub(super) mod stats_range;
pub(super) mod tail;
pub(super) mod values;

//! The store of logs: documents in, searches and aggregates out, on Tantivy's parts.
//!
//! [`LogStore`] is what the collector asks of a store; [`TantivyStore`] is the one that there is. The
//! only crate that knows Tantivy: nothing of it crosses the trait. It knows no network, no JSON of the
//! API and no write-ahead log, only the log's positions.
//!
//! | module | what it does |
//! |---|---|
//! | [`log_store`] | the trait and its plans and answers |
//! | `engine` | the store: shared state, threads, the trait's calls |
//! | `pipeline`, `indexer`, `flusher`, `merger` | a document's way: appended, in RAM, on disk, merged |
//! | [`cost`] | what a query did to come to its answer |
//! | [`check`] | what is wrong with a store that nobody has open |
//! | `manifest`, `recovery`, [`retention`], `merge_policy` | what is durable, what is found at the start, what goes |
//! | `split` | one immutable set of documents: its files, building, merging, rebuilding documents |
//! | `warm` | what a store does at its start for the first queries |
//! | `query` | filters to bitmaps; newest rows, histograms, aggregates, facets |
//!
//! File formats are in `FORMAT.md` beside this crate; `benches/ingest.rs` measures it.

mod catalog;
pub mod check;
mod config;
pub mod cost;
mod engine;
mod error;
mod flusher;
mod indexer;
mod limits;
pub mod log_store;
mod manifest;
mod merge_policy;
mod merger;
mod pipeline;
mod query;
mod recovery;
pub mod retention;
mod row;
mod split;
mod warm;

pub use self::config::StoreConfig;
pub use self::engine::TantivyStore;
pub use self::error::StoreError;
pub use self::log_store::LogStore;
pub use self::recovery::Recovered;
pub use self::row::DocRow;

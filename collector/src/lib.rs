//! The Millpond collector: takes logs over mutual TLS and HTTP, makes them durable, hands them to
//! the store and serves what is asked of it. This crate knows no index and no query language; those
//! are `millpond-store` and `millpond-query`.
//!
//! ```text
//! agents/ ─┐ bodies            admitted           durable
//!          ├──────► ingest/ ──────────► wal/ ─┬──────────► LogStore (appender)
//! http/ ───┘    decode, bound   dedup, number └─► tail      visible in under a second
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`commands`] | `init`, `run`, `enroll`, `check`, `retention`: what the program can be told to do |
//! | [`app`] | builds the parts, wires the queues, spawns, ends in order |
//! | [`agents`] | the agents' port: TLS with client certificates, enrolment, OTLP, positions |
//! | [`http`] | the users' port: API and page |
//! | [`ingest`] | bodies to documents, admission by position, the committer |
//! | [`wal`] | the write-ahead log: records, segments, recovery |
//! | [`identity`] | the CA, certificates, join tokens, the files of a data directory |
//! | [`config`] | the configuration file, as written and as checked |
//! | [`tail`] | durable batches to live tails |
//! | [`descriptors`] | raises the limit of file descriptors |
//! | [`metrics`], [`limits`], [`clock`], [`stop`] | counters, maxima, the wall clock, the stop signal |

pub mod agents;
pub mod app;
pub mod clock;
pub mod commands;
pub mod config;
pub mod descriptors;
pub mod http;
pub mod identity;
pub mod ingest;
pub mod limits;
pub mod metrics;
pub mod stop;
pub mod tail;
pub mod wal;

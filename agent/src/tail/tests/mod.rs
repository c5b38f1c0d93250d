//! The tailer against a real directory and a strict collector in memory.

mod archives;
mod harness;
mod model;
mod scenarios;

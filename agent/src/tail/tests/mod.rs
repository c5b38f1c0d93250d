//! The tailer against a real directory and a strict collector in memory.

mod harness;
mod model;
mod scenarios;
mod spooled;

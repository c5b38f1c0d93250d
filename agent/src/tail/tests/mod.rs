//! The tailer against a real directory and a strict collector in memory.

mod harness;
mod model;
mod reconfigured;
mod scenarios;

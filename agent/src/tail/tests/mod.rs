//! The tailer against a real directory and a strict collector in memory.

mod archives;
mod encodings;
mod harness;
mod model;
mod multiline;
mod portions;
mod reconfigured;
mod resent;
mod scenarios;
mod spooled;
mod steps;
mod successors;
mod traces;

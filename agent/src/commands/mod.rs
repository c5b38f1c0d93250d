//! The commands of `millpond-agent` beside `run` and `enroll`, one file each.

pub mod import;

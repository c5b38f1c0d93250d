//! The steps, one file each. `drop` and `keep` need none: they are a condition and nothing else.

pub mod rate_limit;
pub mod redact;
pub mod remove;
pub mod rename;
pub mod sample;
pub mod set;

#[cfg(test)]
mod tests;

//! The values of a field as small numbers within a split and as keys across splits, and counts by such numbers. What the
//! counts are for is not known here.
//!
//! | module | what it does |
//! |---|---|
//! | [`field_keys`] | all values of a field in one split |
//! | [`terms`], [`interned`] | those that are strings of a column; those that get a number as they come |
//! | [`row_values`] | those that are in the rows only |
//! | [`keys`] | a value across splits |
//! | [`ordinal_counts`], [`tally`] | counts by number; by group and number |
//! | [`picked`] | values of the documents in a bitmap |

pub(crate) mod field_keys;
mod interned;
pub(crate) mod keys;
pub(crate) mod ordinal_counts;
pub(crate) mod picked;
pub(crate) mod row_values;
pub(crate) mod tally;
pub(crate) mod terms;

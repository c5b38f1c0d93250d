//! Conditions: a filter is planned for each split, into what of it can answer, and evaluated zone by zone into a bitmap.
//! What is done with the documents in it is not decided here.
//!
//! | module | what it does |
//! |---|---|
//! | [`filter`] | AND, OR, NOT, time; the cheapest first |
//! | [`leaf`] | one condition: words, dictionaries, numbers, messages |
//! | [`id_test`], [`numbered_test`], [`residual_test`] | one condition on ids, on numbered strings, on what is in no column |
//! | [`ordinals`], [`cache`] | which strings of a dictionary match; and matched before |

pub(crate) mod cache;
pub(crate) mod filter;
mod id_test;
pub(crate) mod leaf;
mod numbered_test;
mod ordinals;
mod residual_test;

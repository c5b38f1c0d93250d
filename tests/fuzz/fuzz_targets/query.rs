//! Any bytes as a query: the same checks as in the property tests, on texts that a fuzzer finds.
#![no_main]

#[path = "../../../collector/query/tests/support/property.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|text: &str| property::check(text));

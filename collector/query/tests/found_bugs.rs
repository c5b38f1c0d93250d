//! What the fuzzer and the property tests have found, one test for each bug.

#[path = "support/property.rs"]
mod property;

use property::check;

#[test]
fn a_field_called_stream_may_have_a_regular_expression() {
    check("| regex _stream:{s3/name");
    check("_stream:/a/");
}

#[test]
fn escapes_do_not_count_as_length_of_a_pattern() {
    check(&format!("\"{}\"*", "😀".repeat(255)));
}

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

#[test]
fn countif_of_a_field_counts_where_it_is_true() {
    let query = millpond_query::parse("| stats countif(cached) as hits").unwrap();
    assert_eq!(query.to_string(), "| stats count(cached = true) as hits");
}

/// Fifteen times the text takes about fifteen times as long, not 225.
#[test]
fn colons_behind_a_wildcard_do_not_take_quadratic_time() {
    let least_time = |colons: usize| {
        let text = format!("*!{}", ":".repeat(colons));
        let time = || {
            let since = std::time::Instant::now();
            assert!(millpond_query::parse(&text).is_err());
            since.elapsed()
        };
        (0..7).map(|_| time()).min().unwrap()
    };
    let (short, long) = (least_time(4_000), least_time(60_000));
    assert!(long < short * 80, "{short:?}, {long:?}");
}

#[test]
fn any_of_a_list_with_a_star_is_any_value() {
    check("user.id:contains_any(bob, *)");
}

#[test]
fn a_wildcard_is_no_statement() {
    check("select* | extract \"\" from aa");
    check("FROM* | limit 5");
    assert!(millpond_query::parse("select* | extract \"<a>\" from b").is_ok());
    assert!(millpond_query::parse("FROM* | limit 5").is_ok());
}

#[test]
fn a_key_that_a_quote_ends_before_a_parenthesis_is_a_field() {
    check("a | stats count() by b'c(d'e");
}

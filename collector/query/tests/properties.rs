//! What must hold for every query and every value.

#[path = "support/pipe_trees.rs"]
mod pipe_trees;
#[path = "support/property.rs"]
mod property;
#[path = "support/texts.rs"]
mod texts;
#[path = "support/trees.rs"]
mod trees;

use std::ops::ControlFlow;

use millpond_query::tokens::{MAX_TOKEN_BYTES, for_each_token};
use millpond_query::{Filter, NumberRange, Row, Scalar, Test, matches, parse};
use proptest::prelude::*;

use crate::property::NOW_NS;
use crate::texts::{mutated_example, query_text, value_text};

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Conditions of every kind on the field `f`.
fn condition() -> impl Strategy<Value = String> {
    (value_text(), value_text(), 0..12_u8).prop_map(|(a, b, kind)| match kind {
        0 => format!("f:{}", quote(&a)),
        1 => format!("f={}", quote(&a)),
        2 => format!("f:{}*", quote(&a)),
        3 => format!("f:{}*{}", escape(&a), escape(&b)),
        4 => format!("f=*{}?{}", escape(&a), escape(&b)),
        5 => format!("f:?{}*", escape(&a)),
        6 => format!("f:*{}", escape(&a)),
        7 => format!("f>={}", quote(&a)),
        8 => format!("f=~{}", quote(&regex::escape(&a))),
        9 => format!("f=~{}", quote(&format!("(?i){}.*{}", regex::escape(&a), regex::escape(&b)))),
        10 => format!("f=~{}", quote(&format!("(?s)^{}(.+|){}$", regex::escape(&a), regex::escape(&b)))),
        _ => "f:*".to_owned(),
    })
}

fn escape(text: &str) -> String {
    let escaped = |c: char| if c.is_alphanumeric() { c.to_string() } else { format!("\\{c}") };
    text.chars().map(escaped).collect()
}

/// The test that a condition on one field becomes.
fn test_of(condition: &str) -> Option<Test> {
    match parse(condition).ok()?.resolve(NOW_NS).ok()?.filter {
        Filter::Leaf(leaf) => Some(leaf.test),
        _ => None,
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for_each_token(text, |token| tokens.push(token.to_owned()));
    tokens
}

struct OneValue<'a>(Scalar<'a>);

impl Row for OneValue<'_> {
    fn timestamp_ns(&self) -> i64 {
        NOW_NS
    }

    fn leaves(&self, visit: &mut dyn FnMut(&str, Scalar<'_>) -> ControlFlow<()>) {
        let _ = visit("f", self.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_query_that_prints_as_itself_or_an_error_with_its_place(
        text in prop_oneof![4 => query_text(), 2 => mutated_example(), 1 => ".{0,64}"],
    ) {
        property::check(&text);
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        property::check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_tree_prints_as_itself(
        filter in trees::tree(),
        pipes in prop::collection::vec(pipe_trees::pipe(), 0..3),
    ) {
        let query = millpond_query::Query { filter, pipes };
        let printed = query.to_string();
        let again = parse(&printed);
        prop_assert!(again.is_ok(), "{:?} prints {:?}: {:?}", query, printed, again);
        prop_assert_eq!(property::tree(&again.expect("checked above")), property::tree(&query), "{}", printed);
        property::check(&printed);
    }

    #[test]
    fn an_index_of_tokens_loses_no_match(condition in condition(), value in value_text()) {
        let Some(test) = test_of(&condition) else { return Ok(()) };
        let indexed = tokens(&value);
        let has_tokens = test.required_tokens().iter().all(|token| indexed.contains(token));
        let has_prefix = test.required_token_prefix()
            .is_none_or(|prefix| indexed.iter().any(|token| token.starts_with(prefix)));
        let is_match = test.matches(Scalar::Str(&value));
        if is_match {
            prop_assert!(has_tokens && has_prefix, "{} on {:?}: {:?} {:?}", condition, value, test, indexed);
        }
        let asks = !test.required_tokens().is_empty() || test.required_token_prefix().is_some();
        if test.tokens_decide() && asks && has_tokens && has_prefix {
            prop_assert!(is_match, "{} on {:?}: {:?} {:?}", condition, value, test, indexed);
        }
        if let Some(exact) = test.exact_str() {
            prop_assert_eq!(is_match, exact == value);
        }
    }

    #[test]
    fn a_value_matches_itself(value in value_text()) {
        for operator in [":", "="] {
            if let Some(test) = test_of(&format!("f{operator}{}", quote(&value))) {
                prop_assert!(test.matches(Scalar::Str(&value)), "{} {:?}", operator, value);
            }
        }
    }

    #[test]
    fn number_ranges_hold_every_number_that_matches(
        number in prop_oneof![any::<i64>().prop_map(Scalar::I64), any::<f64>().prop_map(Scalar::F64), (-20..20_i64).prop_map(Scalar::I64)],
        bound in prop_oneof![any::<i64>().prop_map(|n| n.to_string()), any::<f64>().prop_map(|n| n.to_string()), (-20..20_i64).prop_map(|n| n.to_string())],
        operator in prop::sample::select(vec![":", "=", ">", ">=", "<", "<="]),
    ) {
        let Some(test) = test_of(&format!("f{operator}{}", quote(&bound))) else { return Ok(()) };
        let is_match = test.matches(number);
        let Some(range) = test.number_range() else {
            prop_assert!(!is_match);
            return Ok(());
        };
        let contained = number.as_number().is_some_and(|number| range.contains(number));
        prop_assert!(contained || !is_match);
        prop_assert!(!range.decides || contained == is_match);
        prop_assert_eq!(contained, in_column_bounds(&range, number));
    }

    #[test]
    fn negation_turns_the_answer(condition in condition(), value in value_text()) {
        let answer = |text: &str| parse(text).and_then(|query| query.resolve(NOW_NS)).ok()
            .map(|resolved| matches(&resolved.filter, &OneValue(Scalar::Str(&value))));
        prop_assert_eq!(answer(&condition).map(|answer| !answer), answer(&format!("NOT {condition}")));
    }

    #[test]
    fn tokens_are_lower_case_bounded_and_stable(text in value_text()) {
        for token in tokens(&text) {
            prop_assert!(!token.is_empty() && token.len() <= MAX_TOKEN_BYTES);
            prop_assert_eq!(tokens(&token), vec![token.clone()]);
        }
    }
}

/// The answer that a scan of a typed column gives with inclusive bounds.
fn in_column_bounds(range: &NumberRange, number: Scalar<'_>) -> bool {
    match number {
        Scalar::I64(value) => range.whole_numbers().is_some_and(|(low, high)| (low..=high).contains(&value)),
        Scalar::F64(value) => range.floats().is_some_and(|(low, high)| (low..=high).contains(&value)),
        Scalar::Str(_) | Scalar::Bool(_) => false,
    }
}

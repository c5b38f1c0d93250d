//! What must hold for every query and every value.

use std::ops::ControlFlow;

use millpond_query::tokens::{MAX_TOKEN_BYTES, for_each_token};
use millpond_query::{Filter, NumberRange, Row, Scalar, Test, matches, parse};
use proptest::prelude::*;

const NOW_NS: i64 = 1_795_343_400_000_000_000;

/// Texts that look like queries: pieces of the grammar, words, and any characters, side by side or apart.
fn query_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "(", ")", "[", "]", "{", "}", "\"", "'", "`", "/", "\\", ":", "=", "!=", ">", ">=", "<", "~", "=~", "!~", "*", "?", "-", "!", "+",
            ",", "|", "||", "&&", " AND ", " or ", "NOT ", " TO ", " in ", " by ", " as ", "stats ", "timechart ", "span=5m ", "top ", "rare ",
            "sort ", "limit ", "fields ", "where ", "dedup ", "eval x = ", "extract \"a <b> c\" ", "rex \"(?<x>a)\" ", "parse json ", "logfmt ",
            "rename a as b ", "from ", "prefix ", "limit=5 ", "useother=f ", "lower(a)", "if(", "bin(a, 5)", "rate()", "values(x)", " + ", " / ", ".",
            " % ", "`f`", "null", "count()", "p95(x)", "exists(", "cidr(", "_time", "@timestamp", "level", "host",
            "now-5m", "5ms", "10MB", "500", "1.5", "10.0.0.0/8", "::1", "2026-11-22", "error", "/a.*b/i",
        ]).prop_map(str::to_owned),
        1 => "[a-zA-Z_é错ß0-9]{1,6}",
        1 => "\\PC{0,3}",
        1 => Just(" ".to_owned()),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Values that share pieces with the conditions of [`condition`], so that many match.
fn value_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "conn", "Connection", "refused", "10.0.0.1", "170", "web-01", "错误", "连接", "É", "é", "e\u{301}", "ß", "\u{212A}", "İ", "ſ", "_", "-",
            ".", "/", " ", " ", "\n", "a", "A", "b", "5",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => (1..200_usize, prop::sample::select(vec!['x', 'é', '错', '😀'])).prop_map(|(n, c)| c.to_string().repeat(n)),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

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
    fn any_text_parses_or_says_where_it_is_wrong(text in prop_oneof![query_text(), ".{0,64}"]) {
        let outcome = parse(&text).and_then(|query| query.resolve(NOW_NS));
        if let Err(error) = outcome {
            let end = error.offset_bytes + error.length_bytes;
            prop_assert!(text.get(error.offset_bytes..end).is_some(), "{:?} in {:?}", error, text);
            prop_assert!(!error.message.is_empty());
        }
    }

    #[test]
    fn printing_is_stable_and_keeps_the_meaning(text in query_text()) {
        if let Ok(query) = parse(&text) {
            let printed = query.to_string();
            let again = parse(&printed);
            prop_assert!(again.is_ok(), "{:?} printed as {:?}: {:?}", text, printed, again);
            let again = again.expect("checked above");
            prop_assert_eq!(again.to_string(), printed);
            let meaning = |query: &millpond_query::Query| query.resolve(NOW_NS).map(|resolved| {
                (resolved.filter.to_string(), resolved.pipes.iter().map(ToString::to_string).collect::<Vec<_>>())
            }).map_err(|error| error.code);
            prop_assert_eq!(meaning(&query), meaning(&again), "{:?}", text);
        }
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

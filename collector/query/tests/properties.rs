//! What must hold for every query and every value.

#[path = "support/property.rs"]
mod property;

use std::ops::ControlFlow;

use millpond_query::ast::{
    Comparison, Condition, Expr, FieldExpr, Length, Literal, Name, Piece, Value, ValueKind,
};

use millpond_query::tokens::{MAX_TOKEN_BYTES, for_each_token};
use millpond_query::{Filter, NumberRange, Row, Scalar, Span, Test, matches, parse};
use proptest::prelude::*;

use crate::property::NOW_NS;

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

/// An example of the language's description with a few characters changed.
fn mutated_example() -> impl Strategy<Value = String> {
    let examples: Vec<&str> = include_str!("../LANGUAGE.md").split('`').skip(1).step_by(2).collect();
    let edit = (any::<prop::sample::Index>(), 0..4_u8, "[a-z0-9 :=<>!~*?()\\[\\]{}\"'/|,.^@\\\\-]");
    (prop::sample::select(examples), prop::collection::vec(edit, 0..4)).prop_map(|(example, edits)| {
        let mut chars: Vec<char> = example.chars().collect();
        for (place, kind, text) in edits {
            let at = place.index(chars.len() + 1);
            match kind {
                0 if at < chars.len() => drop(chars.remove(at)),
                1 => chars.truncate(at),
                _ => drop(chars.splice(at..at, text.chars())),
            }
        }
        chars.into_iter().collect()
    })
}

/// Texts that quotes and escapes are needed for.
fn hard_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => value_text(),
        2 => query_text(),
        1 => prop::sample::select(vec![
            "and", "OR", "not", "in", "to", "by", "IS", "LIKE", "BETWEEN", "FROM", "select", "offset", "now-5m", "5ms", "level",
            "@timestamp", "_time", "_stream", "earliest", "_exists_", "roam~1", "a^2", "x;", "index=", "rate", "a*:b", "f:g(",
        ]).prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let text = hard_text().prop_filter("no text is everything", |text| !text.is_empty());
    let piece = prop_oneof![2 => hard_text().prop_map(Piece::Literal), 1 => Just(Piece::AnyRun), 1 => Just(Piece::AnyChar)];
    let pattern = prop::collection::vec(piece, 1..5).prop_map(|pieces| {
        let mut kept: Vec<Piece> = Vec::new();
        for piece in pieces {
            match (kept.last_mut(), piece) {
                (Some(Piece::Literal(last)), Piece::Literal(text)) => last.push_str(&text),
                (Some(Piece::AnyRun), Piece::AnyRun) => {}
                (_, Piece::Literal(text)) if text.is_empty() => {}
                (_, piece) => kept.push(piece),
            }
        }
        kept
    });
    let is_pattern = |pieces: &Vec<Piece>| {
        let length_bytes: usize =
            pieces.iter().map(|piece| if let Piece::Literal(text) = piece { text.len() } else { 1 }).sum();
        let is_other = matches!(pieces.as_slice(), [] | [Piece::AnyRun | Piece::Literal(_)]);
        !is_other && length_bytes <= millpond_query::limits::MAX_PATTERN_BYTES
    };
    let regex = (hard_text(), any::<bool>()).prop_map(|(text, ignore_case)| ValueKind::Regex {
        source: regex_syntax::escape(&text),
        ignore_case,
    });
    let is_regex = |kind: &ValueKind| !matches!(kind, ValueKind::Regex { source, .. } if source.is_empty());
    prop_oneof![
        4 => text.prop_map(ValueKind::Text),
        2 => pattern.prop_filter("another kind", is_pattern).prop_map(ValueKind::Pattern),
        1 => regex.prop_filter("nothing", is_regex),
    ]
    .prop_map(|kind| Value { kind, span: Span::default() })
}

fn literal() -> impl Strategy<Value = Literal> {
    hard_text().prop_map(|text| Literal { text, span: Span::default() })
}

fn field() -> impl Strategy<Value = Expr> {
    let comparison = prop::sample::select(vec![
        Comparison::Less,
        Comparison::AtMost,
        Comparison::More,
        Comparison::AtLeast,
    ]);
    let range = (prop::option::of(literal()), any::<bool>(), prop::option::of(literal()), any::<bool>());
    let condition = prop_oneof![
        Just(Condition::Exists),
        value().prop_map(Condition::Has),
        value().prop_map(Condition::Equals),
        value().prop_map(Condition::Differs),
        (comparison, literal()).prop_map(|(comparison, literal)| Condition::Compare(comparison, literal)),
        range.prop_map(|(low, low_inclusive, high, high_inclusive)| Condition::Range {
            low,
            low_inclusive,
            high,
            high_inclusive
        }),
        prop::collection::vec(value(), 1..4).prop_map(Condition::In),
        (0..9_u64, prop::option::of(9..20_u64)).prop_map(|(min, max)| Condition::Length(Length { min, max })),
    ];
    // These names are other conditions.
    let plain = |text: &String| !matches!(text.as_str(), "_exists_" | "earliest" | "latest" | "_stream");
    let name =
        prop_oneof![2 => "[a-z@_][a-z._-]{0,5}[a-z]", 1 => hard_text()].prop_filter("rewritten", plain);
    (name, condition).prop_map(|(text, condition)| {
        let name = Name { text, span: Span::default() };
        Expr::Field(FieldExpr { name, condition, span: Span::default() })
    })
}

/// Trees that a text can be parsed to: flat, and with at least two parts.
fn tree() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![1 => Just(Expr::All), 3 => value().prop_map(Expr::Any), 4 => field()];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let parts = prop::collection::vec(inner.clone(), 2..4);
        let flat = |parts: Vec<Expr>, is_and: bool| {
            let mut kept = Vec::new();
            for part in parts {
                match (part, is_and) {
                    (Expr::And(inner), true) | (Expr::Or(inner), false) => kept.extend(inner),
                    (part, _) => kept.push(part),
                }
            }
            kept
        };
        prop_oneof![
            parts.clone().prop_map(move |parts| Expr::And(flat(parts, true))),
            parts.prop_map(move |parts| Expr::Or(flat(parts, false))),
            inner.prop_map(|part| Expr::Not(Box::new(part))),
        ]
    })
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
    fn any_tree_prints_as_itself(filter in tree()) {
        let query = millpond_query::Query { filter, pipes: Vec::new() };
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

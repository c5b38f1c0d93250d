//! Trees that a text can be parsed to, for the property tests: conditions.

use millpond_query::Span;
use millpond_query::ast::{
    Comparison, Condition, Expr, FieldExpr, Length, Literal, Name, Piece, Value, ValueKind,
};
use proptest::prelude::*;

use crate::texts::hard_text;

pub(crate) fn value() -> impl Strategy<Value = Value> {
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

pub(crate) fn literal() -> impl Strategy<Value = Literal> {
    hard_text().prop_map(|text| Literal { text, span: Span::default() })
}

pub(crate) fn field() -> impl Strategy<Value = Expr> {
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
pub(crate) fn tree() -> impl Strategy<Value = Expr> {
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

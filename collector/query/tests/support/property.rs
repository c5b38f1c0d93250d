//! What must hold for any text as a query. The property tests and the fuzzer call it.

use std::ops::ControlFlow;

use millpond_query::ast::{Condition, Expr, PipeExpr};
use millpond_query::limits::MAX_TEXT_BYTES;
use millpond_query::{Filter, Query, QueryError, Row, Scalar, Span, matches, parse};

/// 2026-11-22T10:30:00Z
pub(crate) const NOW_NS: i64 = 1_795_343_400_000_000_000;

/// Panics unless the text is a query that prints as the same query and means the same then, or an error that points into
/// the text.
pub(crate) fn check(text: &str) {
    let query = match parse(text) {
        Ok(query) => query,
        Err(error) => return check_error(text, &error),
    };
    check_spans(text, &query);
    let printed = query.to_string();
    // Escapes, and names of groups that are written out, make a text longer.
    let again = if printed.len() > MAX_TEXT_BYTES { None } else { Some(parse(&printed)) };
    let again =
        again.map(|again| again.unwrap_or_else(|error| panic!("{text:?} prints {printed:?}: {error:?}")));
    if let Some(again) = &again {
        assert_eq!(tree(again), tree(&query), "{text:?} prints {printed:?}");
        assert_eq!(again.to_string(), printed, "{text:?}");
    }
    match (query.resolve(NOW_NS), again.map(|again| again.resolve(NOW_NS))) {
        (Err(error), again) => {
            check_error(text, &error);
            let code = again
                .map(|again| again.map(|resolved| resolved.filter.to_string()).map_err(|error| error.code));
            assert!(code.is_none_or(|code| code == Err(error.code)), "{text:?} prints {printed:?}");
        }
        (Ok(_), None) => {}
        (Ok(_), Some(Err(error))) => panic!("{text:?} prints {printed:?}: {error:?}"),
        (Ok(resolved), Some(Ok(again))) => {
            assert_eq!(answers(&again.filter), answers(&resolved.filter), "{text:?} prints {printed:?}");
            assert_eq!(again.filter.to_string(), resolved.filter.to_string(), "{text:?} prints {printed:?}");
            let stages =
                |pipes: &[millpond_query::Pipe]| pipes.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(stages(&again.pipes), stages(&resolved.pipes), "{text:?} prints {printed:?}");
        }
    }
}

fn check_error(text: &str, error: &QueryError) {
    let span = Span { offset_bytes: error.offset_bytes, length_bytes: error.length_bytes };
    check_span(text, span);
    assert!(!error.message.is_empty(), "{text:?}");
    assert!(error.hint.as_ref().is_some_and(|hint| !hint.is_empty()), "{text:?}: {error:?} has no hint");
}

fn check_span(text: &str, span: Span) {
    let end = span.offset_bytes + span.length_bytes;
    assert!(text.get(span.offset_bytes..end).is_some(), "{span:?} in {text:?}");
}

fn check_spans(text: &str, query: &Query) {
    query.fields().iter().for_each(|name| check_span(text, name.span));
    check_condition_spans(text, &query.filter);
    for pipe in &query.pipes {
        if let PipeExpr::Where(condition) = pipe {
            check_condition_spans(text, condition);
        }
    }
}

fn check_condition_spans(text: &str, expr: &Expr) {
    match expr {
        Expr::All => {}
        Expr::And(parts) | Expr::Or(parts) => {
            assert!(parts.len() > 1);
            parts.iter().for_each(|part| check_condition_spans(text, part));
        }
        Expr::Not(part) => check_condition_spans(text, part),
        Expr::Any(value) => check_span(text, value.span),
        Expr::Field(field) => {
            check_span(text, field.span);
            match &field.condition {
                Condition::Exists | Condition::Length(_) => {}
                Condition::Has(value) | Condition::Equals(value) | Condition::Differs(value) => {
                    check_span(text, value.span);
                }
                Condition::Compare(_, literal) => check_span(text, literal.span),
                Condition::Range { low, high, .. } => {
                    low.iter().chain(high).for_each(|literal| check_span(text, literal.span));
                }
                Condition::In(values) => values.iter().for_each(|value| check_span(text, value.span)),
            }
        }
    }
}

/// The query without its places.
pub(crate) fn tree(query: &Query) -> String {
    let text = format!("{query:?}");
    let mut parts = text.split("Span {");
    let mut tree = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        tree.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    tree
}

/// Whether each of a few documents matches.
pub(crate) fn answers(filter: &Filter) -> Vec<bool> {
    DOCUMENTS.iter().map(|document| matches(filter, &Document(document))).collect()
}

const DOCUMENTS: [&[(&str, Scalar<'static>)]; 4] = [
    &[
        (
            "message",
            Scalar::Str("Connection refused: dial tcp 10.0.0.17:5432, retry_in=5ms [worker-3] 错误 É"),
        ),
        ("log.level", Scalar::Str("error")),
        ("host.name", Scalar::Str("web-01")),
        ("status", Scalar::I64(500)),
        ("duration", Scalar::F64(1_500.0)),
    ],
    &[
        ("message", Scalar::Str("GET /api/v1/users/42 HTTP/1.1")),
        ("host", Scalar::Str("a")),
        ("f", Scalar::Str("error")),
        ("f", Scalar::I64(5)),
        ("event.duration", Scalar::I64(2_000_000_000)),
        ("client.ip", Scalar::Str("10.20.30.40")),
        ("event.created", Scalar::Str("2026-11-22T10:29:00Z")),
    ],
    &[
        ("message", Scalar::Str("")),
        ("ok", Scalar::Bool(true)),
        ("bytes", Scalar::Str("20 MiB")),
        ("a", Scalar::F64(f64::NAN)),
    ],
    &[],
];

struct Document(&'static [(&'static str, Scalar<'static>)]);

impl Row for Document {
    fn timestamp_ns(&self) -> i64 {
        NOW_NS - 60_000_000_000
    }

    fn leaves(&self, visit: &mut dyn FnMut(&str, Scalar<'_>) -> ControlFlow<()>) {
        for (name, value) in self.0 {
            if visit(name, *value).is_break() {
                return;
            }
        }
    }
}

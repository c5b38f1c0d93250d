//! What a query says that is often meant otherwise: one sentence for each. The query is run as it stands.

use crate::Query;
use crate::ast::{Condition, Expr, Name, Piece, PipeExpr, Value, ValueKind};
use crate::error::Span;

/// Longest value or text that a sentence repeats, bytes.
const MAX_REPEATED_BYTES: usize = 80;

/// The sentences, in the order of the text that the query was read from.
pub(crate) fn of(query: &Query, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if starts_with_search(&query.filter, text) {
        found.push(
            "`search` is a word like any other here: leave it out to look for the rest alone.".to_owned(),
        );
    }
    of_condition(&query.filter, text, &mut found);
    for pipe in &query.pipes {
        if let PipeExpr::Where(condition) = pipe {
            of_condition(condition, text, &mut found);
        }
    }
    found
}

/// What to write when `name:…` was meant as a text, as in `localhost:5432`; none when something else than a `:` and a word
/// without quotes stands behind the name.
pub(crate) fn as_text(name: &Name, text: &str) -> Option<String> {
    let start = name.span.offset_bytes;
    let rest = text.get(start..)?;
    let value = rest.get(name.span.length_bytes..)?.strip_prefix(':')?;
    let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '|' | '"' | '\'' | '`' | '[' | '{');
    let word = rest.split(ends).next().filter(|word| word.len() <= MAX_REPEATED_BYTES)?;
    let is_word = !value.starts_with(ends) && !rest.starts_with(ends);
    is_word.then(|| format!("To search for the text, quote it: `\"{word}\"`."))
}

/// `search error` of SPL.
fn starts_with_search(filter: &Expr, text: &str) -> bool {
    let first = |parts: &[Expr]| parts.first().is_some_and(|part| is_search(part, text));
    match filter {
        Expr::And(parts) => first(parts),
        Expr::Or(parts) => matches!(parts.first(), Some(Expr::And(parts)) if first(parts)),
        _ => false,
    }
}

fn is_search(term: &Expr, text: &str) -> bool {
    let Expr::Any(Value { span, .. }) = term else { return false };
    let before = text.get(..span.offset_bytes).unwrap_or_default();
    before.trim().is_empty() && source(text, *span).eq_ignore_ascii_case("search")
}

fn source(text: &str, span: Span) -> &str {
    text.get(span.offset_bytes..span.offset_bytes + span.length_bytes).unwrap_or_default()
}

fn of_condition(expr: &Expr, text: &str, found: &mut Vec<String>) {
    match expr {
        Expr::All => {}
        Expr::And(parts) | Expr::Or(parts) => {
            found.extend(parts.windows(3).find_map(|parts| arithmetic(parts, text)));
            parts.iter().for_each(|part| of_condition(part, text, found));
        }
        Expr::Not(part) => of_condition(part, text, found),
        Expr::Any(value) => found.extend(quoted_wildcard("", value, text)),
        Expr::Field(field) => {
            let (operator, values) = match &field.condition {
                Condition::Has(value) => (":", std::slice::from_ref(value)),
                Condition::Equals(value) => ("=", std::slice::from_ref(value)),
                Condition::Differs(value) => ("!=", std::slice::from_ref(value)),
                Condition::In(values) => ("=", values.as_slice()),
                _ => return,
            };
            let before = format!("{}{operator}", field.name);
            found.extend(values.iter().filter_map(|value| quoted_wildcard(&before, value, text)));
        }
    }
}

/// The sentence for `a / b = 5`, which is two words and a field.
fn arithmetic(parts: &[Expr], text: &str) -> Option<String> {
    let [Expr::Any(left), Expr::Any(sign), Expr::Field(right)] = parts else { return None };
    let (left, sign, right) = (source(text, left.span), source(text, sign.span), &right.name.text);
    let computes = matches!(sign, "+" | "-" | "/" | "%") && left.chars().all(char::is_alphanumeric);
    computes.then(|| {
        format!("Conditions compute nothing: write `| eval x = {left} {sign} {right}`, and use `x`.")
    })
}

/// The sentence for `"web-*"`: a text in quotes that begins or ends with a `*` beside a letter or digit.
fn quoted_wildcard(before: &str, value: &Value, text: &str) -> Option<String> {
    let ValueKind::Text(literal) = &value.kind else { return None };
    let is_quoted = source(text, value.span).starts_with(['"', '\'']);
    let starts = literal.strip_prefix('*').is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    let ends = literal
        .strip_suffix('*')
        .is_some_and(|rest| !rest.is_empty() && !rest.ends_with(char::is_whitespace));
    if !is_quoted || !(starts || ends) || literal.len() > MAX_REPEATED_BYTES {
        return None;
    }
    let pattern = Value { kind: ValueKind::Pattern(pieces(literal)), span: value.span };
    Some(format!("A `*` in quotes is itself: write `{before}{pattern}` without quotes for any text."))
}

fn pieces(literal: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (index, part) in literal.split('*').enumerate() {
        if index > 0 && pieces.last() != Some(&Piece::AnyRun) {
            pieces.push(Piece::AnyRun);
        }
        if !part.is_empty() {
            pieces.push(Piece::Literal(part.to_owned()));
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_often_meant_otherwise_is_a_sentence() {
        let rows: &[(&str, &[&str])] = &[
            ("host=\"web-*\"", &["write `host=web-*`"]),
            ("host:'*web' or a in (\"b*\", c)", &["write `host:*web`", "write `a=b*`"]),
            ("\"conn*\" x | where b!=\"*a b*\"", &["write `conn*`", "write `b!=*a\\ b*`"]),
            ("host=web-* f:`a*` \"a\"* \"SELECT * FROM\" \"2 *\" \"*\" f:\"a*b\"", &[]),
            ("search error", &["leave it out"]),
            (" search index=x a or b", &["leave it out"]),
            ("a / b = 5", &["write `| eval x = a / b`"]),
            ("a \"/\" b = 5", &[]),
            ("a / b", &[]),
            ("search", &[]),
            ("\"search\" error", &[]),
            ("error search", &[]),
        ];
        for (text, expected) in rows {
            let found = crate::parse(text).expect("the query is right").warnings(text);
            assert_eq!(found.len(), expected.len(), "{text}: {found:?}");
            let as_expected = found.iter().zip(*expected).all(|(found, part)| found.contains(part));
            assert!(as_expected, "{text}: {found:?}");
        }
    }

    #[test]
    fn a_field_may_have_been_meant_as_text() {
        let rows = [
            ("localhost:5432", Some("`\"localhost:5432\"`")),
            ("(main.go:42)", Some("`\"main.go:42\"`")),
            ("a=5", None),
            ("a:\"b c\"", None),
            ("\"a\":b", None),
            ("a:(b or c)", None),
        ];
        for (text, expected) in rows {
            let query = crate::parse(text).expect("the query is right");
            let advice = query.fields().first().and_then(|name| crate::as_text(name, text));
            assert_eq!(advice.is_some(), expected.is_some(), "{text}: {advice:?}");
            assert!(advice.unwrap_or_default().contains(expected.unwrap_or_default()), "{text}");
        }
    }
}

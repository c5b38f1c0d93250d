//! `/api/v1/parse`: what a query text means, where it is wrong, and what may stand at a place in it; for editors. What the
//! store has of fields and values is filled in here, in a few milliseconds or not at all.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Instant;

use axum::extract::State;
use axum::response::Response;
use millpond_query::ast::{Name, Value as QueryValue, ValueKind};
use millpond_query::complete::{self, Completion, Wanted};
use millpond_query::{Query, QueryError, Span};
use millpond_store::log_store::Budget;
use serde::Serialize;
use serde_json::Value;

use crate::http::Http;
use crate::http::endpoints::PARSE;
use crate::http::limits::{COMPLETION_TIME, COMPLETIONS_MAX, NAME_BYTES_MAX};
use crate::http::params::Unchecked;
use crate::http::problem::Problem;
use crate::http::search::{Reply, Search};

/// What is known of the text. `canonical` and `ast` are there when it can be read, `error` when it can't be run.
#[derive(Serialize)]
struct Parsed {
    ok: bool,
    canonical: Option<String>,
    ast: Option<Ast>,
    fields: Vec<String>,
    error: Option<ErrorReply>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completions: Option<Vec<Proposal>>,
}

#[derive(Serialize)]
struct Ast {
    filter: Value,
    pipes: Value,
}

#[derive(Serialize)]
struct ErrorReply {
    code: &'static str,
    message: String,
    offset: usize,
    length: usize,
    hint: Option<String>,
}

/// One choice: `text` takes the place of the bytes from `offset` on.
#[derive(Debug, PartialEq, Serialize)]
struct Proposal {
    text: String,
    kind: &'static str,
    offset: usize,
    length: usize,
    detail: String,
}

/// Answers with all that is known of the text.
pub(in crate::http) async fn parse(State(http): State<Http>, given: Unchecked) -> Result<Response, Problem> {
    let parameters = given.only(&PARSE)?;
    http.answer_on(&http.quick, parameters, parsed).await
}

fn parsed(search: &Search<'_>) -> Result<Reply<Parsed>, Problem> {
    let text = search.parameters.text("q")?.unwrap_or_default();
    let at = search.parameters.read("at", |at| match at.parse::<usize>() {
        Ok(at) if at <= text.len() => Ok(at),
        _ => Err(format!("write a number of bytes, 0 to {}", text.len())),
    })?;
    let query = search.try_parse()?;
    let error = match &query {
        Ok(query) => search.try_resolve(query).err(),
        Err(error) => Some(error.clone()),
    };
    let query = query.ok();
    let parsed = Parsed {
        ok: error.is_none(),
        canonical: query.as_ref().map(Query::to_string),
        ast: query.as_ref().map(ast).transpose()?,
        fields: query.as_ref().map(fields).unwrap_or_default(),
        error: error.map(error_reply),
        completions: at.map(|at| proposals(search, &complete::complete(text, at))),
    };
    let warnings = query.map(|query| search.warnings(&query)).unwrap_or_default();
    Ok(Reply::new(parsed, None).warn(warnings))
}

fn ast(query: &Query) -> Result<Ast, Problem> {
    let json = |value: serde_json::Result<Value>| value.map_err(|error| Problem::internal(&error));
    Ok(Ast {
        filter: json(serde_json::to_value(&query.filter))?,
        pipes: json(serde_json::to_value(&query.pipes))?,
    })
}

fn fields(query: &Query) -> Vec<String> {
    let names: BTreeSet<&str> = query.fields().into_iter().map(|name| name.text.as_str()).collect();
    names.into_iter().map(str::to_owned).collect()
}

fn error_reply(error: QueryError) -> ErrorReply {
    let QueryError { code, message, offset_bytes: offset, length_bytes: length, hint } = error;
    ErrorReply { code: code.as_str(), message, offset, length, hint }
}

/// The choices at a place, the likely ones first.
fn proposals(search: &Search<'_>, at: &Completion) -> Vec<Proposal> {
    let mut proposals = Vec::new();
    for wanted in &at.wanted {
        let (kind, span, found) = match wanted {
            Wanted::Field => ("field", at.span, field_names(search, &at.prefix)),
            Wanted::Value(field) => ("value", at.span, values(search, field, &at.prefix)),
            Wanted::Operator => ("operator", behind(at.span), operators(search, &at.prefix)),
            Wanted::Pipe => ("pipe", at.span, words(complete::pipe_names(), &at.prefix)),
            Wanted::Function => ("function", at.span, words(complete::function_names(), &at.prefix)),
            Wanted::Keyword(keywords) => ("keyword", at.span, words(keywords.iter().copied(), &at.prefix)),
        };
        proposals.extend(found.into_iter().map(|choice| proposal(kind, span, choice)));
    }
    proposals
}

/// Text and detail of a choice.
type Choice = (String, String);

fn proposal(kind: &'static str, span: Span, (text, detail): Choice) -> Proposal {
    Proposal { text, kind, offset: span.offset_bytes, length: span.length_bytes, detail }
}

/// Names and short names of fields that fit, the best fit and then the most frequent first.
fn field_names(search: &Search<'_>, prefix: &str) -> Vec<Choice> {
    if prefix.len() > NAME_BYTES_MAX {
        return Vec::new();
    }
    let mut found = Vec::new();
    for field in search.fields() {
        let names = std::iter::once((field.name.as_str(), field.types.join(", ")));
        let aliases = complete::aliases_of(&field.name).map(|alias| (alias, field.name.clone()));
        for (name, detail) in names.chain(aliases) {
            if let Some(rank) = complete::rank(name, prefix) {
                found.push((rank, Reverse(field.count), name, detail));
            }
        }
    }
    found.sort_unstable();
    // A name may be a field's own and another's alias.
    let mut seen = BTreeSet::new();
    found.retain(|(_, _, name, _)| seen.insert(*name));
    let choices = found.into_iter().take(COMPLETIONS_MAX);
    choices.map(|(_, _, name, detail)| (as_name(name), detail)).collect()
}

/// The place after a span.
fn behind(span: Span) -> Span {
    Span { offset_bytes: span.offset_bytes + span.length_bytes, length_bytes: 0 }
}

/// What may follow the name of a field.
fn operators(search: &Search<'_>, name: &str) -> Vec<Choice> {
    if !is_field(search, name) {
        return Vec::new();
    }
    complete::OPERATORS.map(|(text, detail)| (text.to_owned(), detail.to_owned())).into()
}

fn is_field(search: &Search<'_>, name: &str) -> bool {
    let stored = search.field_name("q", name).ok();
    stored.is_some_and(|stored| search.fields().iter().any(|field| field.name == stored))
}

/// Values of a field that begin with what is typed.
fn values(search: &Search<'_>, field: &str, prefix: &str) -> Vec<Choice> {
    let Ok(field) = search.field_name("q", field) else { return Vec::new() };
    if prefix.len() > NAME_BYTES_MAX {
        return Vec::new();
    }
    let deadline = search.budget.deadline.min(Instant::now() + COMPLETION_TIME);
    let budget = Budget { deadline, ..search.budget.clone() };
    let found = search.store.values(&field, prefix, search.range, COMPLETIONS_MAX, &budget);
    let choice = |(value, count): (String, u64)| (as_value(value), format!("{count} documents"));
    found.map(|answer| answer.value.into_iter().map(choice).collect()).unwrap_or_default()
}

/// The words that begin with what is typed.
fn words(words: impl Iterator<Item = &'static str>, prefix: &str) -> Vec<Choice> {
    let fits = |word: &&str| word.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    words.filter(fits).map(|word| (word.to_owned(), String::new())).collect()
}

/// A name as it is written in a query: in quotes where it needs them.
fn as_name(text: &str) -> String {
    Name { text: text.to_owned(), span: Span::default() }.to_string()
}

fn as_value(text: String) -> String {
    QueryValue { kind: ValueKind::Text(text), span: Span::default() }.to_string()
}

//! The pipes that make fields or call them otherwise: eval, extract, parse, rename.

use super::{called_column, name, push};
use crate::ast::{ExtractPattern, Literal, Name, ParseFormat, PipeExpr, Value, ValueKind};
use crate::error::{QueryError, QueryErrorCode};
use crate::syntax::cursor::Cursor;
use crate::syntax::formula::formula;
use crate::syntax::value;
use crate::syntax::word::Place;

/// `eval a = b + 1, c = lower(d)`
pub(super) fn eval(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let mut fields = Vec::new();
    loop {
        let Some(name) = name(cursor)? else {
            return Err(cursor
                .error_here(QueryErrorCode::Missing, "eval needs the name of a field to make")
                .hint("write eval seconds = duration / 1000"));
        };
        cursor.skip_space();
        if !cursor.eat("=") {
            return Err(cursor
                .error_here(QueryErrorCode::Missing, format!("a = is missing after {}", name.text))
                .hint(format!("write {} = lower(host)", name.text)));
        }
        let formula = formula(cursor)?;
        push(cursor, &mut fields, (name, formula), start)?;
        cursor.skip_space();
        if !cursor.eat(",") {
            return Ok(PipeExpr::Eval(fields));
        }
    }
}

/// `extract "from <ip> port <port>" from message`, `extract /(?<ip>\S+)/`
pub(super) fn extract(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let mut from = from(cursor)?;
    cursor.skip_space();
    let at = cursor.at();
    let pattern = match value::quoted(cursor)? {
        Some(text) => ExtractPattern::Template(Literal { text, span: cursor.span_from(at) }),
        None => match value::value(cursor, Place::Value)? {
            Some(Value { kind: ValueKind::Regex { source, ignore_case }, span }) => {
                let source = if ignore_case { format!("(?i){source}") } else { source };
                ExtractPattern::Regex(Literal { text: source, span })
            }
            other => {
                let span = other.map_or(cursor.span_from(at), |value| value.span);
                let message = "extract needs a text with placeholders in quotes";
                return Err(QueryError::new(QueryErrorCode::Missing, span, message)
                    .hint("write extract \"from <ip> port <port>\""));
            }
        },
    };
    from = match from {
        Some(from) => Some(from),
        None => self::from(cursor)?,
    };
    Ok(PipeExpr::Extract { pattern, from, span: cursor.span_from(start) })
}

/// `rex "(?<ip>\S+)"`, `rex field=message "(?<ip>\S+)"`
pub(super) fn rex(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let mut from = from(cursor)?;
    cursor.skip_space();
    let at = cursor.at();
    let Some(text) = value::quoted(cursor)? else {
        return Err(cursor
            .error_here(QueryErrorCode::Missing, "rex needs a regular expression in quotes")
            .hint("write rex \"user (?<user>\\w+)\", or rex field=message \"…\""));
    };
    cursor.count_regex(at)?;
    let pattern = ExtractPattern::Regex(Literal { text, span: cursor.span_from(at) });
    if from.is_none() {
        from = self::from(cursor)?;
    }
    Ok(PipeExpr::Extract { pattern, from, span: cursor.span_from(start) })
}

/// `parse json from message prefix app.`
pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let named = name(cursor)?;
    let format = match named.as_ref().map(|name| name.text.to_ascii_lowercase()).as_deref() {
        Some("json") => ParseFormat::Json,
        Some("logfmt") => ParseFormat::Logfmt,
        _ => {
            let span = named.map_or(cursor.span_from(start), |name| name.span);
            return Err(QueryError::new(
                QueryErrorCode::Missing,
                span,
                "parse needs a format: json or logfmt",
            )
            .hint("write parse json, or extract \"from <ip> port <port>\" for other texts"));
        }
    };
    fields_of(cursor, format, start)
}

/// `json`, as `parse json`.
pub(super) fn json(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    let start = cursor.at();
    fields_of(cursor, ParseFormat::Json, start)
}

/// `logfmt`, as `parse logfmt`.
pub(super) fn logfmt(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    let start = cursor.at();
    fields_of(cursor, ParseFormat::Logfmt, start)
}

fn fields_of(cursor: &mut Cursor<'_>, format: ParseFormat, start: usize) -> Result<PipeExpr, QueryError> {
    let (mut source, mut prefix) = (None, String::new());
    loop {
        if source.is_none()
            && let Some(name) = from(cursor)?
        {
            source = Some(name);
            continue;
        }
        cursor.skip_space();
        let named = ["prefix", "result_prefix"].into_iter().any(|word| cursor.eat_keyword(word));
        if !named {
            return Ok(PipeExpr::Parse { format, from: source, prefix, span: cursor.span_from(start) });
        }
        let Some(Name { text, .. }) = name(cursor)? else {
            return Err(cursor.error_here(QueryErrorCode::Missing, "a text is missing after prefix"));
        };
        prefix = text;
    }
}

/// `from message`, `field=message`, `input=message`; none when neither is next.
fn from(cursor: &mut Cursor<'_>) -> Result<Option<Name>, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let assigned = ["field", "input"].into_iter().any(|word| cursor.eat(word)) && {
        cursor.skip_space();
        cursor.eat("=")
    };
    if !assigned {
        cursor.set(start);
        if !cursor.eat_keyword("from") {
            return Ok(None);
        }
    }
    match name(cursor)? {
        Some(name) => Ok(Some(name)),
        None => Err(cursor
            .error_here(QueryErrorCode::Missing, "the name of a field is missing here")
            .hint("write from message")),
    }
}

/// `rename a as b, c as d`; the word `as` may be a `=`.
pub(super) fn rename(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let mut names = Vec::new();
    loop {
        let Some(old) = name(cursor)? else { return Err(no_rename(cursor, "a name")) };
        let old = called_column(cursor, &old)?.unwrap_or(old);
        cursor.skip_space();
        let separated = cursor.eat_keyword("as") || cursor.eat_keyword("to") || cursor.eat("=");
        let new = if separated { name(cursor)? } else { None };
        let Some(new) = new else {
            let what = if separated { "the new name" } else { "`as` and the new name" };
            return Err(no_rename(cursor, what));
        };
        push(cursor, &mut names, (old, new), start)?;
        cursor.skip_space();
        if !cursor.eat(",") {
            return Ok(PipeExpr::Rename(names));
        }
    }
}

fn no_rename(cursor: &Cursor<'_>, what: &str) -> QueryError {
    cursor
        .error_here(QueryErrorCode::Missing, format!("rename needs {what} here"))
        .hint("write rename old as new")
}

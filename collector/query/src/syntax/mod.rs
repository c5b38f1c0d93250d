//! Text to AST: recursive descent over the characters, one function for each level of precedence. There is no
//! separate list of tokens, because what a `:` or a `/` is depends on where it stands: `a:b` is a field,
//! `12:30` a word, `/a/` a regular expression, `/a/b` a path.

mod bracket;
mod computed;
mod cursor;
mod doubtful;
mod expr;
mod field;
mod foreign;
mod foreign_pipe;
mod formula;
mod function;
mod lucene;
mod pipes;
mod selector;
mod sql;
mod value;
mod word;

pub(crate) use self::doubtful::is_misspelt_number;
pub(crate) use self::pipes::{function_names, pipe_names};
use crate::Query;
use crate::ast::{Expr, PipeExpr};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::limits::{MAX_PIPES, MAX_TEXT_BYTES};
use crate::syntax::cursor::Cursor;

/// Reads a whole query.
pub(crate) fn parse(text: &str) -> Result<Query, QueryError> {
    let mut cursor = start(text)?;
    let filter = filter(&mut cursor)?;
    let pipes = pipe_list(&mut cursor)?;
    Ok(Query { filter, pipes })
}

/// Reads a query that has no pipes.
pub(crate) fn parse_condition(text: &str) -> Result<Expr, QueryError> {
    let mut cursor = start(text)?;
    let filter = filter(&mut cursor)?;
    match cursor.peek() {
        None => Ok(filter),
        Some('|') => Err(cursor
            .error_here(QueryErrorCode::Unexpected, "a condition has no pipes")
            .hint("take out what begins with this |")),
        Some(_) => Err(expr::left_over(&cursor)),
    }
}

fn start(text: &str) -> Result<Cursor<'_>, QueryError> {
    if text.len() > MAX_TEXT_BYTES {
        let end = Span::between(text.floor_char_boundary(MAX_TEXT_BYTES), text.len());
        let message = format!("the query has {} bytes, more than {MAX_TEXT_BYTES}", text.len());
        return Err(QueryError::new(QueryErrorCode::TooLong, end, message)
            .hint("search for what the lines have in common"));
    }
    if let Some(error) = foreign::refuse(text) {
        return Err(error);
    }
    Ok(Cursor::new(without_semicolon(text)))
}

/// SQL and ES|QL end with a `;`.
fn without_semicolon(text: &str) -> &str {
    text.trim_end().strip_suffix(';').filter(|text| !text.ends_with('\\')).unwrap_or(text)
}

fn filter(cursor: &mut Cursor<'_>) -> Result<Expr, QueryError> {
    cursor.skip_space();
    let at_pipe = cursor.peek() == Some('|') && !cursor.sees("||") && !selector::sees_line_filter(cursor);
    if cursor.at_end() || at_pipe {
        return Ok(Expr::All);
    }
    expr::whole(cursor)
}

fn pipe_list(cursor: &mut Cursor<'_>) -> Result<Vec<PipeExpr>, QueryError> {
    let mut pipes = Vec::new();
    loop {
        cursor.skip_space();
        let start = cursor.at();
        if !cursor.eat("|") {
            break;
        }
        if pipes.len() == MAX_PIPES {
            let message = format!("a query has at most {MAX_PIPES} pipes");
            return Err(cursor.error_from(start, QueryErrorCode::TooMany, message));
        }
        let pipe = match foreign_pipe::pipe(cursor)? {
            Some(pipe) => pipe,
            None => pipes::pipe(cursor)?,
        };
        if let Some(keys) = pipes::computed_keys(&pipe) {
            cursor.enter_table(keys);
        }
        pipes.push(pipe);
    }
    if cursor.at_end() { Ok(pipes) } else { Err(expr::left_over(cursor)) }
}

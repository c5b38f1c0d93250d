//! What could be read, but hardly as it is meant: a sign where a value begins, arithmetic without a formula, a bound that
//! is nearly a number. Each is an error that shows the form it has here. What is in quotes is always a text.

use crate::ast::{Literal, Name};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::names::{is_arithmetic, is_field_name};
use crate::syntax::cursor::Cursor;
use crate::syntax::field::Operator;
use crate::syntax::word::{Place, Word};
use crate::test::Cidr;
use crate::time::parse_time;
use crate::units::quantity;

/// Signs of comparison, longer ones first.
const SIGNS: [&str; 11] = ["=>", "<>", "==", "=~", "!=", "!~", ">=", "<=", ">", "<", "="];

/// Refuses `status=>500`, `status>500 and <600`, `status: not 404`: the value that begins here, without quotes.
pub(super) fn refuse_value(
    cursor: &Cursor<'_>,
    field: &Name,
    operator: Operator,
    place: Place,
) -> Result<(), QueryError> {
    let name = &field.text;
    if let Some(sign) = SIGNS.into_iter().find(|sign| cursor.sees(sign)) {
        let span = Span::between(field.span.offset_bytes, cursor.at() + sign.len());
        let message = format!("a value can't start with {sign}");
        let hint = match (operator, sign) {
            (Operator::Equals, ">") => format!("write {name}>=…"),
            (Operator::Equals, "<") => format!("write {name}<=…"),
            _ => format!("write one sign, such as {name}>=500"),
        };
        return Err(QueryError::new(QueryErrorCode::Unexpected, span, message)
            .hint(format!("{hint}; put the value in quotes if it has the sign")));
    }
    let after = |cursor: &Cursor<'_>| cursor.rest().get(3..).unwrap_or_default().trim_start().chars().next();
    let negates = place == Place::Value
        && matches!(operator, Operator::Has | Operator::Equals)
        && cursor.sees_keyword("not")
        && after(cursor).is_some_and(|next| !matches!(next, '|' | ')'));
    if negates {
        let span = Span::between(cursor.at(), cursor.at() + 3);
        return Err(QueryError::new(QueryErrorCode::Unexpected, span, "not stands before the field")
            .hint(format!("write NOT {name}:… or {name}:(not …); quote the word to look for it")));
    }
    Ok(())
}

/// Refuses a bound without quotes that begins like a number and is none: the order of texts is not meant.
pub(super) fn refuse_bound(field: &Name, bound: &Literal) -> Result<(), QueryError> {
    if !is_misspelt_number(&bound.text) {
        return Ok(());
    }
    let (name, text) = (&field.text, &bound.text);
    let class = text.strip_suffix("xx").filter(|class| class.len() == 1);
    let hint = match class {
        Some(class) => format!("write {name}:[{class}00 TO {class}99], or {name}>={class}00"),
        None => format!(
            "write a number, with a unit such as ms or MB, or a time; \"{text}\" for the order of texts"
        ),
    };
    let message = format!("{text} is no number, number with a unit, or time");
    Err(QueryError::new(QueryErrorCode::BadNumber, bound.span, message).hint(hint))
}

/// Whether a text begins like a number, and is no number, time, address or version; or like `now-5m`, and is no time.
pub(crate) fn is_misspelt_number(text: &str) -> bool {
    let after_now = text.get(..3).filter(|now| now.eq_ignore_ascii_case("now")).and(text.get(3..));
    if after_now.is_some_and(|after| after.starts_with(['-', '+', '/', '@'])) {
        return parse_time(text, 0).is_none();
    }
    let starts = text.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit());
    starts
        && quantity(text).is_none()
        && parse_time(text, 0).is_none()
        && !is_version(text)
        && text.parse::<std::net::IpAddr>().is_err()
        && Cidr::parse(text).is_none()
}

/// `1.2.3`, `10.0.0-rc1`, `12:30:00`: two or more numbers with points or colons between, and perhaps a tail.
fn is_version(text: &str) -> bool {
    let mut rest = text;
    let mut numbers = 0;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return false;
        }
        numbers += 1;
        rest = rest.get(digits..).unwrap_or_default();
        match rest.strip_prefix(['.', ':']) {
            Some(after) => rest = after,
            None => break,
        }
    }
    let tail = rest.strip_prefix(['-', '+', '~']);
    let is_tail = |tail: &str| numbers > 2 || tail.starts_with(char::is_alphabetic);
    numbers > 1 && (rest.is_empty() || tail.is_some_and(is_tail))
}

/// Refuses a term that is a sign, `<`, a sign with a number, `<600`, or arithmetic that is compared, `x+1>5`.
pub(super) fn refuse_term(cursor: &Cursor<'_>, word: &Word) -> Result<(), QueryError> {
    let text = cursor.since(word.span.offset_bytes);
    if let Some(sign) = SIGNS.into_iter().find(|sign| text.starts_with(sign)) {
        let after = text.get(sign.len()..).unwrap_or_default().trim_start_matches(['-', '+']);
        if after.is_empty() || after.starts_with(|c: char| c.is_ascii_digit()) {
            let message = format!("a field is missing before {sign}");
            return Err(QueryError::new(QueryErrorCode::Missing, word.span, message).hint(
                "write the field before each sign: status>=500 status<600; quote the text to search for it",
            ));
        }
    }
    if let Some((number, field)) = turned_round(text) {
        let message = "the field stands before the sign";
        return Err(QueryError::new(QueryErrorCode::Unexpected, word.span, message)
            .hint(format!("write {field}>{number} or {field}<{number}; quote the text to search for it")));
    }
    if text == "[search" {
        return Err(QueryError::new(
            QueryErrorCode::Unexpected,
            word.span,
            "there are no searches within searches",
        )
        .hint("search for one thing first; quote the text to search for it"));
    }
    if let Some(left) = compared_arithmetic(text) {
        let span = Span::between(word.span.offset_bytes, word.span.offset_bytes + left.len());
        return Err(no_arithmetic(left, span));
    }
    Ok(())
}

/// The number and the field of `500<status`.
fn turned_round(text: &str) -> Option<(&str, &str)> {
    let digits = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (number, rest) = text.split_at_checked(digits).filter(|_| digits > 0)?;
    let rest = SIGNS.into_iter().find_map(|sign| rest.strip_prefix(sign))?;
    let field = rest.split(['<', '>', '=', '!']).next().filter(|field| is_field_name(field))?;
    Some((number, field))
}

/// Refuses `status/100=5`, behind the name.
pub(super) fn refuse_arithmetic(cursor: &Cursor<'_>, name: &Name) -> Result<(), QueryError> {
    let rest = cursor.rest().trim_start();
    let is_compared = SIGNS.into_iter().any(|sign| rest.starts_with(sign));
    if is_compared && is_arithmetic(&name.text) { Err(no_arithmetic(&name.text, name.span)) } else { Ok(()) }
}

/// The error for arithmetic where a field has to stand.
pub(super) fn no_arithmetic(text: &str, span: Span) -> QueryError {
    QueryError::new(QueryErrorCode::Unexpected, span, format!("{text} is not computed here"))
        .hint(format!("write | eval x = {text}, and use x; \"{text}\" in quotes is the name or the text"))
}

/// The `x+1` of `x+1>5`: a name, an operator, a number and a comparison with a number.
fn compared_arithmetic(text: &str) -> Option<&str> {
    let (name, rest) = text.split_at(text.find(['+', '*', '%'])?);
    let number = rest.get(1..)?;
    let digits = number.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let behind = number.get(digits..)?;
    let compared = SIGNS.into_iter().find_map(|sign| behind.strip_prefix(sign))?;
    let is_compared = compared.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let left = text.get(..name.len() + 1 + digits)?;
    (is_field_name(name) && digits > 0 && is_compared).then_some(left)
}

//! logfmt: `level=info msg="listening on :80" port=80 dry_run`. A bare key is a flag and is true.
//!
//! Values have no type in logfmt. A value that is a number in the one form in which we would print it is a number, so
//! that it can be compared and summed, and comes back as it was; `007` and `1.10` stay text.

use std::borrow::Cow;

use crate::cursor::{Cursor, Outcome};
use crate::event::{Parsed, Value};
use crate::fields::Names;
use crate::roles::Roles;
use crate::time::Context;

/// A decimal number with more digits may not survive a float of 64 bits.
const FLOAT_BYTES_MAX: usize = 16;

pub(crate) fn parse<'a>(line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    let mut c = Cursor::new(line);
    let (mut names, mut roles) = (Names::default(), Roles::default());
    let (mut pairs, mut flags) = (0usize, 0usize);
    out.rebuilds_line = true;
    out.message = Cow::Borrowed(line);
    c.skip_spaces();
    while !c.is_end() {
        let offset_bytes = c.pos();
        let key = c.take_while(is_key_byte);
        if key.is_empty() {
            return Err(c.miss("a key"));
        }
        let value = if c.eat(b'=') {
            pairs += 1;
            value(&mut c)?
        } else {
            flags += 1;
            Value::Bool(true)
        };
        // A sentence with an `a=b` in it isn't logfmt: the line starts with a pair, and pairs are in the majority.
        if pairs == 0 || flags > pairs {
            return Err(c.miss("`key=value`"));
        }
        if !c.is_end() && c.skip_spaces() == 0 {
            return Err(c.miss("a space"));
        }
        let number = match &value {
            Value::I64(_) | Value::F64(_) => text_since(line, offset_bytes + key.len() + 1, c.pos()),
            _ => "",
        };
        if let Some(index) = names.add(out, Cow::Borrowed(key), value, offset_bytes)
            && let Some((_, value)) = out.fields.get(index)
        {
            roles.see(index, key, value, number, context);
        }
    }
    if pairs == 0 {
        return Err(c.miss("`key=value`"));
    }
    roles.apply(out);
    Ok(())
}

fn is_key_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b'@' | b'#') || b >= 0x80
}

fn value<'a>(c: &mut Cursor<'a>) -> Outcome<Value<'a>> {
    if c.peek() == Some(b'"') {
        let text = c.quoted().ok_or(c.miss("a closing `\"`"))?;
        return Ok(Value::Str(unescape(text)));
    }
    let text = c.token();
    if memchr::memchr(b'"', text.as_bytes()).is_some() {
        return Err(c.miss("quotes around all of the value"));
    }
    Ok(typed(text))
}

fn typed(text: &str) -> Value<'_> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let starts_as_number = digits.starts_with(|c: char| c.is_ascii_digit());
    let leads_with_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    match text {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ if !starts_as_number || leads_with_zero || text == "-0" => {}
        _ if digits.bytes().all(|b| b.is_ascii_digit()) => {
            if let Ok(number) = text.parse() {
                return Value::I64(number);
            }
        }
        _ => {
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            let is_decimal = [whole, fraction].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
            let is_canonical =
                !fraction.is_empty() && !fraction.ends_with('0') && text.len() <= FLOAT_BYTES_MAX;
            if let (true, true, Ok(number)) = (is_decimal, is_canonical, text.parse()) {
                return Value::F64(number);
            }
        }
    }
    Value::Str(Cow::Borrowed(text))
}

/// `\"`, `\\`, `\n`, `\r`, `\t`; a backslash before anything else stays, as Windows paths are rarely escaped.
fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            plain.push(char);
            continue;
        }
        match chars.next() {
            Some(escaped @ ('"' | '\\')) => plain.push(escaped),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            other => plain.extend(std::iter::once('\\').chain(other)),
        }
    }
    Cow::Owned(plain)
}

fn text_since(line: &str, start: usize, end: usize) -> &str {
    line.get(start..end).unwrap_or_default().trim_ascii_end()
}

#[cfg(test)]
mod tests {
    use crate::format::Format;
    use crate::formats::testing::check;

    #[test]
    fn rows() {
        let rows = [
            (
                r#"ts=2024-05-01T12:00:00.5Z caller=main.go:1 level=warn msg="slow \"query\"" took=5ms rows=10 ratio=0.25 ok=true dry"#,
                r#"time=2024-05-01T12:00:00.5 | level=13 warn | message=slow "query" | caller=main.go:1 | took=5ms | rows=i10 | ratio=f0.25 | ok=true | dry=true"#,
            ),
            (
                "time=1531171074.631 lvl=eror id=007 v=1.10 w=1.2.3 n=-0 m=-5 e= p=\"\"",
                "time=2018-07-09T21:17:54.631 | level=17 eror | message=time=1531171074.631 lvl=eror id=007 v=1.10 w=1.2.3 n=-0 m=-5 e= p=\"\" | id=007 | v=1.10 | w=1.2.3 | n=-0 | m=i-5 | e= | p=",
            ),
            (
                "level=high trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7 msg=x",
                "message=x | level=high | trace 4bf92f3577b34da6a3ce929d0e0e4736 | span 00f067aa0ba902b7",
            ),
            ("a=1 a=2", "message=a=1 a=2 | a=i1 | keep raw | note: a field name occurs twice at byte 4"),
            ("path=\"C:\\dir\\new\"", "message=path=\"C:\\dir\\new\" | path=C:\\dir\new"),
            ("a=99999999999999999999", "message=a=99999999999999999999 | a=99999999999999999999"),
        ];
        for (line, expected) in rows {
            check(Format::Logfmt, line, expected);
        }
    }

    #[test]
    fn not_logfmt() {
        let rows = [
            ("hello world", "`key=value` at byte 5"),
            ("", "`key=value` at byte 0"),
            ("a=b is the law", "`key=value` at byte 10"),
            ("=x", "a key at byte 0"),
            ("a=\"x", "a closing `\"` at byte 2"),
            ("a=\"x\"y=1", "a space at byte 5"),
            ("a=x\"y\"", "quotes around all of the value at byte 6"),
            ("{\"a\":1}", "a key at byte 0"),
        ];
        for (line, expected) in rows {
            check(Format::Logfmt, line, &format!("message={line} | note: not logfmt: expected {expected}"));
        }
    }
}

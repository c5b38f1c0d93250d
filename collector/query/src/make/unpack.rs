//! `parse json`, `parse logfmt`: the fields of a text. Names in JSON objects are joined by points, as in documents;
//! values keep their type, and texts of logfmt that are numbers in the one form in which we would print them are numbers.

use serde_json::Value;

use super::{Made, is_reserved};
use crate::aliases::{LEVEL, canonical};
use crate::ast::ParseFormat;
use crate::limits::{MAX_PARSED_DEPTH, MAX_PARSED_FIELDS};
use crate::table::Cell;

/// What is taken apart, and what its fields are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpack {
    format: ParseFormat,
    from: String,
    prefix: String,
}

impl Unpack {
    pub(crate) fn new(format: ParseFormat, from: String, prefix: String) -> Unpack {
        Unpack { format, from, prefix }
    }

    pub(super) fn format(&self) -> ParseFormat {
        self.format
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The field it reads.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }

    /// Adds the fields that the text has; none when it is not of the format.
    pub(super) fn each(&self, text: &str, made: &mut Made) {
        match self.format {
            ParseFormat::Json => {
                // A line may have something before its object: a time, a level.
                let start = text.find('{').unwrap_or(text.len());
                let object = text.get(start..).map(str::trim_end).unwrap_or_default();
                if let Ok(Value::Object(members)) = serde_json::from_str(object) {
                    for (name, value) in members {
                        self.json(&format!("{}{name}", self.prefix), value, 1, made);
                    }
                }
            }
            ParseFormat::Logfmt => {
                for (name, value) in pairs(text) {
                    self.set(&format!("{}{name}", self.prefix), value, made);
                }
            }
        }
    }

    /// Recursion is bounded by [`MAX_PARSED_DEPTH`].
    fn json(&self, name: &str, value: Value, depth: usize, made: &mut Made) {
        match value {
            Value::Object(members) if depth < MAX_PARSED_DEPTH && !members.is_empty() => {
                for (member, value) in members {
                    self.json(&format!("{name}.{member}"), value, depth + 1, made);
                }
            }
            Value::Array(items) => {
                let items: Vec<Cell> =
                    items.into_iter().map(cell).filter(|cell| *cell != Cell::Null).collect();
                self.set(name, Cell::List(items), made);
            }
            other => self.set(name, cell(other), made),
        }
    }

    /// The time and id of a document are never replaced.
    fn set(&self, name: &str, value: Cell, made: &mut Made) {
        let name = if canonical(name) == LEVEL { LEVEL } else { name };
        if is_reserved(name) || value == Cell::Null {
            return;
        }
        if made.fields.len() >= MAX_PARSED_FIELDS {
            made.cut = true;
            return;
        }
        made.set(name, value);
    }
}

/// A scalar as it is; anything else as its text.
fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(truth) => Cell::Bool(truth),
        Value::String(text) => Cell::Str(text),
        Value::Number(number) => match (number.as_i64(), number.is_f64(), number.as_f64()) {
            (Some(whole), ..) => Cell::I64(whole),
            (None, true, Some(float)) if float.is_finite() => Cell::F64(float),
            _ => Cell::Str(number.to_string()),
        },
        other => Cell::Str(other.to_string()),
    }
}

/// The pairs of a logfmt text. Words without a `=` are passed over, so that a line may begin with anything.
fn pairs(text: &str) -> Vec<(&str, Cell)> {
    let (mut pairs, mut rest) = (Vec::new(), text);
    loop {
        rest = rest.trim_start();
        let key_end = rest.find(|c: char| c == '=' || c.is_whitespace() || c == '"').unwrap_or(rest.len());
        let (key, after) = rest.split_at_checked(key_end).unwrap_or((rest, ""));
        let Some(value) = after.strip_prefix('=').filter(|_| !key.is_empty()) else {
            let skip = after.chars().next().map_or(0, char::len_utf8);
            match after.get(skip..) {
                Some(next) if skip > 0 => rest = next,
                _ => return pairs,
            }
            continue;
        };
        if let Some((text, after)) = value.strip_prefix('"').and_then(quoted) {
            pairs.push((key, Cell::Str(text)));
            rest = after;
        } else {
            let end = value.find(char::is_whitespace).unwrap_or(value.len());
            let (value, after) = value.split_at_checked(end).unwrap_or((value, ""));
            pairs.push((key, typed(value)));
            rest = after;
        }
    }
}

/// What stands before the closing quote, unescaped, and what behind it; none when there is no closing quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut unescaped = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((unescaped, text.get(at + 1..)?)),
            '\\' => unescaped.push(match chars.next()?.1 {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            }),
            _ => unescaped.push(c),
        }
    }
    None
}

/// A text without quotes as a value: a number if it is written as we would print it, so that it can be compared and
/// summed and comes back as it was; `007`, `1.10` and `+5` stay text.
pub(super) fn typed(text: &str) -> Cell {
    match text {
        "true" => return Cell::Bool(true),
        "false" => return Cell::Bool(false),
        _ => {}
    }
    let whole = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
    let float = || text.parse::<f64>().ok().filter(|number| number.is_finite() && number.to_string() == text);
    match whole {
        Some(number) => Cell::I64(number),
        None => float().map_or_else(|| Cell::Str(text.to_owned()), Cell::F64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: ParseFormat, text: &str, expected: &str) {
        let mut made = Made::default();
        Unpack::new(format, String::new(), String::new()).each(text, &mut made);
        let show = |cell: &Cell| format!("{cell:?}").replace(['"', ' '], "");
        let found: Vec<_> =
            made.fields.iter().map(|(name, value)| format!("{name}={}", show(value))).collect();
        assert_eq!(found.join(" "), expected, "{text}");
    }

    #[test]
    fn json_is_flattened() {
        let check = |text, expected| check(ParseFormat::Json, text, expected);
        check(
            r#"{"a":1,"b":{"c":"x","d":[1,"y",null]},"e":null}"#,
            "a=I64(1) b.c=Str(x) b.d=List([I64(1),Str(y)])",
        );
        check(r#"INFO {"a":true,"n":-0.5}"#, "a=Bool(true) n=F64(-0.5)");
        check(r#"{"n":18446744073709551615}"#, "n=Str(18446744073709551615)");
        check(r#"{"@timestamp":1,"_id":2,"level":"WARN","x":{}}"#, "log.level=Str(warn) x=Str({})");
        check("[1]", "");
        check("{broken", "");
        check("", "");
    }

    #[test]
    fn logfmt_is_read_leniently() {
        let check = |text, expected| check(ParseFormat::Logfmt, text, expected);
        check(r#"a=1 b="x y" c= d=true"#, "a=I64(1) b=Str(xy) c=Str() d=Bool(true)");
        check(r#"12:00 starting up port=80 q="say \"hi\"" flag"#, r"port=I64(80) q=Str(say\hi\)");
        check(
            "n=007 v=1.10 f=1.5 big=99999999999999999999",
            "n=Str(007) v=Str(1.10) f=F64(1.5) big=Str(99999999999999999999)",
        );
        check(r#"a="never closed"#, r"a=Str(\never)");
        check("=x \"y\" é=ß", "é=Str(ß)");
    }

    #[test]
    fn fields_beyond_the_limit_are_told() {
        let text: String = (0..=MAX_PARSED_FIELDS).map(|n| format!("k{n}=1 ")).collect();
        let mut made = Made::default();
        Unpack::new(ParseFormat::Logfmt, String::new(), "p.".to_owned()).each(&text, &mut made);
        assert_eq!((made.fields.len(), made.cut), (MAX_PARSED_FIELDS, true));
        assert_eq!(made.fields[0].0, "p.k0");
    }
}

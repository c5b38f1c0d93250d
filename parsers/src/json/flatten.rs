//! Objects to dotted names: `{"http":{"status":200}}` is the field `http.status`.

use std::borrow::Cow;

use crate::cursor::Outcome;
use crate::event::Value;
use crate::json::{RawStr, Reader};
use crate::limits::{FLATTEN_DEPTH_MAX, PREFIX_BYTES_MAX};

/// Takes the fields of an object in their order.
pub(crate) trait Sink<'a> {
    /// A field: its dotted name, its value, and the text of the value if it is a number.
    fn field(&mut self, name: Cow<'a, str>, value: Value<'a>, number: &'a str, offset_bytes: usize);

    /// Half a surrogate pair was replaced.
    fn broken_escape(&mut self, offset_bytes: usize);
}

/// Reads the object that the reader stands at; its names have no prefix.
pub(crate) fn flatten_object<'a>(reader: &mut Reader<'a>, sink: &mut impl Sink<'a>) -> Outcome {
    members(reader, None, 0, sink)
}

/// Reads the value that the reader stands at as the field `name`, or as fields under it.
pub(crate) fn flatten_nested<'a>(
    reader: &mut Reader<'a>,
    name: Cow<'a, str>,
    depth: usize,
    sink: &mut impl Sink<'a>,
) -> Outcome {
    let first = reader.peek();
    let offset_bytes = reader.pos();
    let value = match first {
        Some(b'"') => Value::Str(text(reader.string()?, sink)?),
        Some(b'[') => Value::Json(reader.verbatim()?),
        Some(b'{') => {
            let mut inside = *reader;
            inside.expect(b'{', "`{`")?;
            let is_empty = inside.peek() == Some(b'}');
            if !is_empty && depth < FLATTEN_DEPTH_MAX && name.len() <= PREFIX_BYTES_MAX {
                return members(reader, Some(&name), depth, sink);
            }
            Value::Json(reader.verbatim()?)
        }
        _ => {
            let (value, number) = reader.scalar()?;
            sink.field(name, value, number, offset_bytes);
            return Ok(());
        }
    };
    sink.field(name, value, "", offset_bytes);
    Ok(())
}

fn members<'a>(
    reader: &mut Reader<'a>,
    prefix: Option<&str>,
    depth: usize,
    sink: &mut impl Sink<'a>,
) -> Outcome {
    reader.expect(b'{', "`{`")?;
    let mut is_first = true;
    while reader.next_member(is_first)? {
        is_first = false;
        let key = text(reader.key()?, sink)?;
        let name = match prefix {
            None => key,
            Some(prefix) => {
                let mut name = String::with_capacity(prefix.len() + 1 + key.len());
                name.push_str(prefix);
                name.push('.');
                name.push_str(&key);
                Cow::Owned(name)
            }
        };
        flatten_nested(reader, name, depth + 1, sink)?;
    }
    Ok(())
}

fn text<'a>(raw: RawStr<'a>, sink: &mut impl Sink<'a>) -> Outcome<Cow<'a, str>> {
    let (text, was_broken) = raw.unescape()?;
    if was_broken {
        sink.broken_escape(raw.offset_bytes);
    }
    Ok(text)
}

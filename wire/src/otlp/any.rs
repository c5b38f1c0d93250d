//! `AnyValue` and `KeyValue` (`opentelemetry/proto/common/v1`): taken apart, and printed as JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::OtlpError;
use super::number::{
    ANY_ARRAY, ANY_BOOL, ANY_BYTES, ANY_DOUBLE, ANY_INT, ANY_KVLIST, ANY_STRING, KEY, LIST_VALUES, VALUE,
};
use super::protobuf::{BadProtobuf, Fields, Wire};
use crate::batch::write_json_string;
use crate::limits::NESTING_MAX;

pub(super) fn key_and_value(attribute: &[u8]) -> Result<(&[u8], &[u8]), BadProtobuf> {
    let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
    let mut fields = Fields::of(attribute);
    while let Some(field) = fields.next()? {
        match field {
            (KEY, Wire::Bytes(bytes)) => key = bytes,
            (VALUE, Wire::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    Ok((key, value))
}

pub(super) fn text_of(any: &[u8]) -> Result<&str, BadProtobuf> {
    match Fields::of(any).next()? {
        Some((ANY_STRING, Wire::Bytes(text))) => std::str::from_utf8(text).map_err(|_| BadProtobuf),
        _ => Err(BadProtobuf),
    }
}

pub(super) fn int_of(any: &[u8]) -> Result<Option<u64>, BadProtobuf> {
    match Fields::of(any).next()? {
        Some((ANY_INT, Wire::Varint(number))) => Ok(Some(number)),
        _ => Err(BadProtobuf),
    }
}

/// Appends an `AnyValue` as JSON text: what arrays are kept as.
pub(super) fn write_any_as_json(any: &[u8], depth: usize, out: &mut Vec<u8>) -> Result<(), OtlpError> {
    if depth >= NESTING_MAX {
        write_json_string(&STANDARD.encode(any), out);
        return Ok(());
    }
    let field = Fields::of(any).next()?;
    match field {
        None => out.extend_from_slice(b"null"),
        Some((ANY_STRING, Wire::Bytes(text))) => write_json_string(&String::from_utf8_lossy(text), out),
        Some((ANY_BOOL, Wire::Varint(truth))) => {
            out.extend_from_slice(if truth == 0 { b"false" } else { b"true" });
        }
        Some((ANY_INT, Wire::Varint(number))) => {
            out.extend_from_slice(number.cast_signed().to_string().as_bytes());
        }
        Some((ANY_DOUBLE, Wire::Fixed64(bits))) => match f64::from_bits(bits) {
            number if number.is_finite() => out.extend_from_slice(format!("{number:?}").as_bytes()),
            number => write_json_string(&number.to_string(), out),
        },
        Some((ANY_BYTES, Wire::Bytes(bytes))) => write_json_string(&STANDARD.encode(bytes), out),
        Some((ANY_ARRAY, Wire::Bytes(list))) => {
            write_list(list, b"[]", out, |item, out| write_any_as_json(item, depth + 1, out))?
        }
        Some((ANY_KVLIST, Wire::Bytes(list))) => write_list(list, b"{}", out, |member, out| {
            let (key, value) = key_and_value(member)?;
            write_json_string(&String::from_utf8_lossy(key), out);
            out.push(b':');
            write_any_as_json(value, depth + 1, out)
        })?,
        Some(_) => return Err(OtlpError::Malformed),
    }
    Ok(())
}

fn write_list(
    list: &[u8],
    brackets: &[u8; 2],
    out: &mut Vec<u8>,
    mut write_item: impl FnMut(&[u8], &mut Vec<u8>) -> Result<(), OtlpError>,
) -> Result<(), OtlpError> {
    out.push(brackets[0]);
    let mut items = Fields::of(list);
    let mut first = true;
    while let Some(field) = items.next()? {
        let (LIST_VALUES, Wire::Bytes(item)) = field else { continue };
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        write_item(item, out)?;
    }
    out.push(brackets[1]);
    Ok(())
}

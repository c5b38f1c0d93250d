//! The protobuf wire format (Protocol Buffers, "Encoding"): tags, varints, lengths. It knows no
//! message; groups (deprecated) are refused.

/// Bytes of a length that is written before it is known: up to 32 GiB.
const LENGTH_BYTES: usize = 5;

/// The bytes are no protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadProtobuf;

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wire<'a> {
    /// int64, uint64, bool, enum.
    Varint(u64),
    /// fixed64, double.
    Fixed64(u64),
    /// string, bytes, messages.
    Bytes(&'a [u8]),
    /// fixed32, float.
    Fixed32(u32),
}

/// The fields of one message, in the order in which they stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field and its number; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Wire<'a>)>, BadProtobuf> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| BadProtobuf)?;
        let value = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| BadProtobuf)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(BadProtobuf)?;
                self.rest = rest;
                Wire::Bytes(bytes)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(BadProtobuf),
        };
        Ok(Some((number, value)))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadProtobuf> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(BadProtobuf)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn varint(&mut self) -> Result<u64, BadProtobuf> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(BadProtobuf)?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(BadProtobuf)
    }
}

/// Appends a varint field.
#[inline]
pub(super) fn put_varint(out: &mut Vec<u8>, number: u32, value: u64) {
    push_varint(out, u64::from(number) << 3);
    push_varint(out, value);
}

/// Appends a fixed64 field.
pub(super) fn put_fixed64(out: &mut Vec<u8>, number: u32, value: u64) {
    push_varint(out, u64::from(number) << 3 | 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Appends a string or bytes field.
#[inline]
pub(super) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    push_varint(out, u64::from(number) << 3 | 2);
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a message field whose content `fill` appends. Its length is known only after, so one byte
/// is kept for it, which is enough for nearly all; a longer one moves the content up.
#[inline]
pub(super) fn put_message(out: &mut Vec<u8>, number: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    push_varint(out, u64::from(number) << 3 | 2);
    let at = out.len();
    out.push(0);
    fill(out);
    let length = out.len() - at - 1;
    match out.get_mut(at) {
        Some(byte) if length < 0x80 => *byte = length as u8,
        _ => put_long_length(out, at, length),
    }
}

/// Starts a large message field, of which only [`end_message`] knows the length: it gets a varint of fixed size,
/// with zeros at its end, so that the content need not move.
pub(super) fn begin_message(out: &mut Vec<u8>, number: u32) {
    push_varint(out, u64::from(number) << 3 | 2);
    out.extend_from_slice(&[0; LENGTH_BYTES]);
}

/// Ends the message field that begins at `at` and ends with the buffer. Its number is below 16, so that its tag
/// is one byte.
pub(super) fn end_message(out: &mut [u8], at: usize) {
    let content = at + 1 + LENGTH_BYTES;
    let mut length = out.len().saturating_sub(content) as u64;
    let bytes = out.get_mut(at + 1..content).unwrap_or_default();
    for (index, byte) in bytes.iter_mut().enumerate() {
        let more = if index + 1 < LENGTH_BYTES { 0x80 } else { 0 };
        *byte = (length & 0x7f) as u8 | more;
        length >>= 7;
    }
}

/// Puts the length of the last `length` bytes in the place of the byte before them, at `at`.
fn put_long_length(out: &mut Vec<u8>, at: usize, length: usize) {
    let end = out.len();
    push_varint(out, length as u64);
    let varint_bytes = out.len() - end;
    let mut varint = [0; 10];
    if let (Some(to), Some(from)) = (varint.get_mut(..varint_bytes), out.get(end..)) {
        to.copy_from_slice(from);
    }
    // What was appended made just one byte more room than is needed.
    out.truncate(end + varint_bytes - 1);
    out.copy_within(at + 1..end, at + varint_bytes);
    if let (Some(to), Some(from)) = (out.get_mut(at..at + varint_bytes), varint.get(..varint_bytes)) {
        to.copy_from_slice(from);
    }
}

#[inline]
fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

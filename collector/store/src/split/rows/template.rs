//! Messages as templates and what varies in them, in the manner of CLP (Rodrigues, Luo, Yuan: "CLP: Efficient and
//! Scalable Search on Compressed Text Logs", OSDI 2021): `took 15 ms id=4bf92f3577b3` is the template `took <number> ms
//! id=<12 hexadecimal digits>`, and one value for each of its slots. Values of one slot stand together: numbers in as few
//! bytes as the largest takes, ids in half their digits. Pure; the layout is in FORMAT.md.

use rustc_hash::FxHashMap;

use super::streams::{Streams, StreamsReader};

/// Marks of slots in the text of a template. Messages that have one of these bytes are one word.
const NUMBER: u8 = 1;
const WORD: u8 = 2;
/// Followed by the number of digits.
const DIGITS: u8 = 3;

/// A longer message is one word, in bytes…
const MESSAGE_BYTES_MAX: usize = 8 << 10;

/// …and so is one with more slots: a template is worth it when it comes again.
const SLOTS_MAX: usize = 96;

/// Most digits of a number: all such numbers fit into 64 bits.
const NUMBER_DIGITS_MAX: usize = 18;

/// Fewest and most digits of an id.
const ID_DIGITS: std::ops::RangeInclusive<usize> = 6..=64;

/// What stands in a slot.
#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Number(u64),
    Digits(&'a [u8]),
    Word(&'a [u8]),
}

/// The values of one slot, in the order of the documents.
#[derive(Debug)]
enum Slot {
    Numbers(Vec<u64>),
    Digits(Vec<u8>),
    Words { lengths: Vec<u64>, bytes: Vec<u8> },
}

/// Collects the messages of one block.
#[derive(Debug, Default)]
pub(super) struct TemplateWriter {
    templates: Vec<Vec<u8>>,
    slots: Vec<Vec<Slot>>,
    index_of: FxHashMap<Vec<u8>, u64>,
    /// By document: 1 + index of its template; 0 without a message.
    of_document: Vec<u64>,
}

impl TemplateWriter {
    /// Adds the message of the next document.
    pub(super) fn push(&mut self, message: Option<&str>) {
        let Some(message) = message else { return self.of_document.push(0) };
        let mut values = Vec::with_capacity(16);
        let template = split(message.as_bytes(), &mut values).unwrap_or_else(|| {
            values.clear();
            values.push(Value::Word(message.as_bytes()));
            vec![WORD]
        });
        let index = match self.index_of.get(&template) {
            Some(index) => *index,
            None => {
                let index = self.templates.len() as u64;
                self.templates.push(template.clone());
                self.slots.push(values.iter().map(Slot::of).collect());
                self.index_of.insert(template, index);
                index
            }
        };
        self.of_document.push(index + 1);
        for (slot, value) in self.slots.get_mut(index as usize).into_iter().flatten().zip(values) {
            slot.push(value);
        }
    }

    /// Ends the block: writes all messages. The next one is empty.
    pub(super) fn finish(&mut self, out: &mut Streams) {
        out.numbers(&self.of_document);
        out.count(self.templates.len());
        out.words(self.templates.iter().map(Vec::as_slice));
        for slot in self.slots.iter().flatten() {
            match slot {
                Slot::Numbers(numbers) => out.numbers(numbers),
                Slot::Digits(bytes) => out.bytes(bytes),
                Slot::Words { lengths, bytes } => {
                    out.numbers(lengths);
                    out.bytes(bytes);
                }
            }
        }
        *self = Self::default();
    }
}

impl Slot {
    /// An empty slot for values like this one.
    fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Number(_) => Self::Numbers(Vec::new()),
            Value::Digits(_) => Self::Digits(Vec::new()),
            Value::Word(_) => Self::Words { lengths: Vec::new(), bytes: Vec::new() },
        }
    }

    fn push(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Numbers(numbers), Value::Number(number)) => numbers.push(number),
            (Self::Digits(bytes), Value::Digits(digits)) => bytes.extend(digits.chunks(2).map(|pair| {
                let nibble = |at: usize| pair.get(at).map_or(0, |digit| digit_value(*digit));
                nibble(0) << 4 | nibble(1)
            })),
            (Self::Words { lengths, bytes }, Value::Word(word)) => {
                lengths.push(word.len() as u64);
                bytes.extend_from_slice(word);
            }
            _ => debug_assert!(false, "a template says what its slots hold"),
        }
    }
}

fn digit_value(digit: u8) -> u8 {
    if digit.is_ascii_digit() { digit - b'0' } else { digit.wrapping_sub(b'a').wrapping_add(10) & 0xf }
}

/// The template of a message, and what stands in its slots; `None` when it is to be one word.
fn split<'a>(message: &'a [u8], values: &mut Vec<Value<'a>>) -> Option<Vec<u8>> {
    if message.len() > MESSAGE_BYTES_MAX {
        return None;
    }
    let mut template = Vec::with_capacity(message.len());
    let mut rest = message;
    while let Some(&byte) = rest.first() {
        if byte <= DIGITS {
            return None;
        }
        let (length, has_digit) = run(rest);
        let (token, after) = rest.split_at_checked(length.max(1))?;
        rest = after;
        if !has_digit {
            template.extend_from_slice(token);
            continue;
        }
        values.push(value_of(token, &mut template));
        if values.len() > SLOTS_MAX {
            return None;
        }
    }
    Some(template)
}

/// Length of the run of letters and digits at the start, and whether it has a digit.
fn run(bytes: &[u8]) -> (usize, bool) {
    let mut has_digit = false;
    let length = bytes.iter().position(|byte| {
        has_digit |= byte.is_ascii_digit();
        !byte.is_ascii_alphanumeric()
    });
    (length.unwrap_or(bytes.len()), has_digit)
}

/// What a token is, with its mark.
fn value_of<'a>(token: &'a [u8], template: &mut Vec<u8>) -> Value<'a> {
    let is_number = token.len() <= NUMBER_DIGITS_MAX
        && token.iter().all(u8::is_ascii_digit)
        && (token.len() == 1 || token.first() != Some(&b'0'));
    let is_id = || token.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
    if is_number {
        template.push(NUMBER);
        let number = token.iter().fold(0u64, |number, digit| number * 10 + u64::from(digit_value(*digit)));
        Value::Number(number)
    } else if ID_DIGITS.contains(&token.len()) && is_id() {
        template.extend([DIGITS, token.len() as u8]);
        Value::Digits(token)
    } else {
        template.push(WORD);
        Value::Word(token)
    }
}

/// Where a message is in the text of its block; `None` without a message.
pub(super) type MessageSpan = Option<(u32, u32)>;

/// Reads what [`TemplateWriter`] wrote of so many documents: all messages, each with its place. `None` when it is damaged.
pub(super) fn read(
    streams: &mut StreamsReader<'_>,
    documents: usize,
    text_bytes_max: usize,
) -> Option<(Vec<u8>, Vec<MessageSpan>)> {
    let of_document = streams.numbers(documents)?;
    let count = streams.count()?;
    let templates = streams.words(count)?;
    let mut documents_of = vec![0usize; count];
    for index in of_document.iter().filter(|index| **index > 0) {
        *documents_of.get_mut(*index as usize - 1)? += 1;
    }
    let mut slots = Vec::with_capacity(count);
    for (template, documents) in templates.iter().zip(documents_of) {
        slots.push(SlotReader::all(template, documents, streams)?);
    }
    let mut text = Vec::with_capacity(text_bytes_max);
    let mut spans = Vec::with_capacity(documents);
    for index in of_document {
        let Some(index) = (index as usize).checked_sub(1) else {
            spans.push(None);
            continue;
        };
        let start = text.len();
        fill(templates.get(index)?, slots.get_mut(index)?, &mut text)?;
        if text.len() > text_bytes_max {
            return None;
        }
        spans.push(Some((u32::try_from(start).ok()?, u32::try_from(text.len() - start).ok()?)));
    }
    Some((text, spans))
}

/// The values of one slot that are still to come.
enum SlotReader<'a> {
    Numbers(std::vec::IntoIter<u64>),
    Digits(usize, std::borrow::Cow<'a, [u8]>, usize),
    Words(std::vec::IntoIter<u64>, std::borrow::Cow<'a, [u8]>, usize),
}

impl<'a> SlotReader<'a> {
    /// The slots of a template, each with so many values.
    fn all(template: &[u8], documents: usize, streams: &mut StreamsReader<'a>) -> Option<Vec<Self>> {
        let mut slots = Vec::new();
        let mut bytes = template.iter();
        while let Some(byte) = bytes.next() {
            slots.push(match *byte {
                NUMBER => Self::Numbers(streams.numbers(documents)?.into_iter()),
                DIGITS => {
                    let digits = usize::from(*bytes.next()?);
                    Self::Digits(digits, streams.bytes(documents.checked_mul(digits.div_ceil(2))?)?, 0)
                }
                WORD => {
                    let lengths = streams.numbers(documents)?;
                    let total = lengths.iter().try_fold(0u64, |sum, length| sum.checked_add(*length))?;
                    Self::Words(lengths.into_iter(), streams.bytes(usize::try_from(total).ok()?)?, 0)
                }
                _ => continue,
            });
        }
        Some(slots)
    }

    /// Appends the next value.
    fn next(&mut self, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Numbers(numbers) => write_number(numbers.next()?, out),
            Self::Digits(digits, bytes, at) => {
                let packed = bytes.get(*at..*at + digits.div_ceil(2))?;
                *at += packed.len();
                let nibbles = packed.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
                out.extend(nibbles.take(*digits).map(|nibble| match nibble {
                    0..=9 => b'0' + nibble,
                    _ => b'a' + nibble - 10,
                }));
            }
            Self::Words(lengths, bytes, at) => {
                let word = bytes.get(*at..)?.get(..usize::try_from(lengths.next()?).ok()?)?;
                *at += word.len();
                out.extend_from_slice(word);
            }
        }
        Some(())
    }
}

fn write_number(number: u64, out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = number;
    loop {
        out.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

/// Appends a message: its template with the next value of each slot.
fn fill(template: &[u8], slots: &mut [SlotReader<'_>], out: &mut Vec<u8>) -> Option<()> {
    let mut slots = slots.iter_mut();
    let mut rest = template;
    while !rest.is_empty() {
        let plain = rest.iter().position(|byte| *byte <= DIGITS).unwrap_or(rest.len());
        let (text, after) = rest.split_at_checked(plain)?;
        out.extend_from_slice(text);
        let Some((mark, after)) = after.split_first() else { break };
        rest = if *mark == DIGITS { after.get(1..)? } else { after };
        slots.next()?.next(out)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(messages: &[Option<&str>]) {
        let mut writer = TemplateWriter::default();
        let mut streams = Streams::default();
        // The second block shows that nothing of the first is left.
        for _ in 0..2 {
            streams.clear();
            messages.iter().for_each(|message| writer.push(*message));
            writer.finish(&mut streams);
        }
        let mut reader = StreamsReader::new(&streams.plain, &streams.noise);
        let bytes = messages.iter().flatten().map(|message| message.len()).sum();
        let (text, spans) = read(&mut reader, messages.len(), bytes).expect("what was written");
        let found: Vec<_> = spans
            .iter()
            .map(|span| {
                span.map(|(at, len)| std::str::from_utf8(&text[at as usize..][..len as usize]).expect("text"))
            })
            .collect();
        assert_eq!(found, messages);
        assert!(reader.is_done());
        // Whatever is cut off is noticed.
        for cut in 0..streams.plain.len() {
            let mut reader = StreamsReader::new(&streams.plain[..cut], &streams.noise);
            assert!(read(&mut reader, messages.len(), bytes).is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn messages_come_back_as_they_were() {
        let long = "7 ".repeat(SLOTS_MAX + 1);
        let large = "x1".repeat(MESSAGE_BYTES_MAX);
        let rows = [
            "took 15 ms id=4bf92f3577b34da6 attempt=2",
            "took 7 ms id=00000000000000aa attempt=0",
            "took 0 ms id=4bf92f3577b34da attempt=01",
            "999999999999999999 1000000000000000000 18446744073709551616 007 0x1F abc123 deadbeef00 ABCDEF12",
            "",
            "no digits at all",
            "ünï 5€ \u{1}7",
            "\0\u{1}\u{2}\u{3}",
            "5",
            "a5",
            &long,
            &large,
        ];
        round_trip(&rows.map(Some));
        round_trip(&[None, Some("a 1"), None, Some("a 2"), Some("a 3")]);
        round_trip(&[]);
    }

    proptest! {
        #[test]
        fn any_messages_come_back(messages in prop::collection::vec(prop::option::of("[ -~\u{0}-\u{5}é]{0,20}|[a-f0-9 =]{0,40}|.{0,9}"), 0..20)) {
            let messages: Vec<_> = messages.iter().map(Option::as_deref).collect();
            round_trip(&messages);
        }
    }
}

//! Messages as templates and what varies in them, in the manner of CLP (Rodrigues, Luo, Yuan: "CLP: Efficient and
//! Scalable Search on Compressed Text Logs", OSDI 2021): `took 15 ms id=4bf92f3577b3` is the template `took <number> ms
//! id=<12 hexadecimal digits>`, and one value for each of its slots. Values of one slot stand together: numbers in as few
//! bytes as the largest takes, ids in half their digits. [`super::messages`] reads them
//! back. Pure; the layout is in FORMAT.md.

use rustc_hash::FxHashMap;

use super::streams::Streams;

/// Marks of slots in the text of a template. Messages that have one of these bytes are one word.
pub(super) const NUMBER: u8 = 1;
pub(super) const WORD: u8 = 2;
/// Followed by the number of digits.
pub(super) const DIGITS: u8 = 3;

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

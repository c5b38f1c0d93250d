//! Reads messages back from templates and values, one at a time: a search that wants three messages of a block does
//! not pay for two thousand. [`super::template`] writes them. Pure.

use super::streams::{Numbers, Part, Parts, StreamsReader};
use super::template::{DIGITS, NUMBER, WORD};

/// Where the messages of one block are.
#[derive(Debug)]
pub(super) struct Messages {
    /// By document: its template and its place among the documents of that; `None` without a message.
    of_document: Vec<Option<(u32, u32)>>,
    templates: Vec<Template>,
}

#[derive(Debug)]
struct Template {
    text: Part,
    len: usize,
    slots: Vec<Slot>,
}

/// The values of one slot, by the place of the document.
#[derive(Debug)]
enum Slot {
    Numbers(Numbers),
    Digits { digits: usize, bytes: Part },
    Words { ends: Vec<usize>, bytes: Part },
}

impl Messages {
    /// Finds the messages of so many documents; `None` when the streams are damaged.
    pub(super) fn read(streams: &mut StreamsReader<'_>, documents: usize) -> Option<Self> {
        let indexes = streams.numbers(documents)?;
        let count = streams.count()?;
        let lengths = streams.numbers(count)?;
        let mut templates = Vec::with_capacity(count);
        for at in 0..count {
            let len = usize::try_from(streams.number(&lengths, at)?).ok()?;
            templates.push(Template { text: streams.plain_part(len)?, len, slots: Vec::new() });
        }
        let mut documents_of = vec![0u32; count];
        let mut of_document = Vec::with_capacity(documents);
        streams.each(&indexes, |index| {
            of_document.push(match index.checked_sub(1) {
                None => None,
                Some(template) => {
                    let place = documents_of.get_mut(usize::try_from(template).ok()?)?;
                    *place += 1;
                    Some((template as u32, *place - 1))
                }
            });
            Some(())
        })?;
        for (template, documents) in templates.iter_mut().zip(documents_of) {
            template.read_slots(documents as usize, streams)?;
        }
        Some(Self { of_document, templates })
    }

    /// The message of the document at this place.
    pub(super) fn message(&self, parts: Parts<'_>, index: usize) -> Option<String> {
        let (template, place) = (*self.of_document.get(index)?)?;
        let template = self.templates.get(template as usize)?;
        let mut out = Vec::with_capacity(template.len + 16 * template.slots.len());
        template.fill(parts, place as usize, &mut out)?;
        String::from_utf8(out).ok()
    }

    /// Heap bytes, roughly.
    pub(super) fn heap_bytes(&self) -> usize {
        let slots: usize =
            self.templates.iter().map(|template| template.slots.len() * size_of::<Slot>()).sum();
        self.of_document.len() * size_of::<Option<(u32, u32)>>()
            + self.templates.len() * size_of::<Template>()
            + slots
    }
}

impl Template {
    fn read_slots(&mut self, documents: usize, streams: &mut StreamsReader<'_>) -> Option<()> {
        let text = streams.get(self.text, 0, self.len)?;
        let mut bytes = text.iter();
        while let Some(byte) = bytes.next() {
            self.slots.push(match *byte {
                NUMBER => Slot::Numbers(streams.numbers(documents)?),
                DIGITS => {
                    let digits = usize::from(*bytes.next()?);
                    let bytes = streams.bytes(documents.checked_mul(digits.div_ceil(2))?)?;
                    Slot::Digits { digits, bytes }
                }
                WORD => {
                    let lengths = streams.numbers(documents)?;
                    let ends = streams.ends(&lengths)?;
                    let bytes = streams.bytes(ends.last().copied().unwrap_or_default())?;
                    Slot::Words { ends, bytes }
                }
                _ => continue,
            });
        }
        Some(())
    }

    /// Appends the message of the document at this place among those of the template.
    fn fill(&self, parts: Parts<'_>, place: usize, out: &mut Vec<u8>) -> Option<()> {
        let mut slots = self.slots.iter();
        let mut rest = self.text.get(parts, 0, self.len)?;
        while !rest.is_empty() {
            let plain = rest.iter().position(|byte| *byte <= DIGITS).unwrap_or(rest.len());
            let (text, after) = rest.split_at_checked(plain)?;
            out.extend_from_slice(text);
            let Some((mark, after)) = after.split_first() else { break };
            rest = if *mark == DIGITS { after.get(1..)? } else { after };
            slots.next()?.write(parts, place, out)?;
        }
        Some(())
    }
}

impl Slot {
    fn write(&self, parts: Parts<'_>, place: usize, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Numbers(numbers) => write_number(numbers.get(parts, place)?, out),
            Self::Digits { digits, bytes } => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let packed_bytes = digits.div_ceil(2);
                let end = out.len() + digits;
                for byte in bytes.get(parts, place * packed_bytes, packed_bytes)? {
                    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or_default();
                    out.extend([digit(byte >> 4), digit(byte & 0xf)]);
                }
                out.truncate(end);
            }
            Self::Words { ends, bytes } => {
                let start =
                    place.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
                out.extend_from_slice(bytes.get(parts, start, ends.get(place)?.checked_sub(start)?)?);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::split::rows::streams::Streams;
    use crate::split::rows::template::TemplateWriter;

    fn round_trip(messages: &[Option<&str>]) {
        let mut writer = TemplateWriter::default();
        let mut streams = Streams::default();
        // The second block shows that nothing of the first is left.
        for _ in 0..2 {
            streams.clear();
            messages.iter().for_each(|message| writer.push(*message));
            writer.finish(&mut streams);
        }
        let bytes: usize = messages.iter().flatten().map(|message| message.len()).sum();
        let Streams { plain, noise } = &streams;
        let mut reader = StreamsReader::new(plain, noise);
        let read = Messages::read(&mut reader, messages.len()).expect("what was written");
        assert!(reader.is_done());
        let mut total = 0;
        for (index, message) in messages.iter().enumerate() {
            let found = read.message((plain, noise), index);
            total += found.as_ref().map_or(0, String::len);
            assert_eq!(found.as_deref(), *message);
        }
        assert_eq!(total, bytes);
        assert_eq!(read.message((plain, noise), messages.len()), None);
        for cut in 0..plain.len() {
            let mut reader = StreamsReader::new(&plain[..cut], noise);
            assert!(Messages::read(&mut reader, messages.len()).is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn messages_come_back_as_they_were() {
        let long = "7 ".repeat(100);
        let large = "x1".repeat(9_000);
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

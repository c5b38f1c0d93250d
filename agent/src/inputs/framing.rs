//! Bytes of a stream to messages, in both framings of RFC 6587, told apart message by message as its section 3.4
//! describes: a length in digits and a blank before the `<` of the priority (octet counting, which RFC 5425 demands),
//! or a message up to its line feed. Pure; holds at most one message, cut to [`MESSAGE_BYTES_MAX`].

use millpond_wire::limits::MESSAGE_BYTES_MAX;

use crate::limits;

/// A message, or the beginning of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Not empty, without the line end behind it.
    pub bytes: &'a [u8],
    /// Bytes that it had or should have had, if they aren't all here.
    pub cut_from_bytes: Option<u64>,
}

/// How messages follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One a line.
    Lines,
    /// Either way of RFC 6587.
    Syslog,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a message.
    Start,
    /// In what may be a length; its digits, and perhaps the blank, stand in the buffer.
    Length,
    /// In a message of which this many bytes are to come.
    Counted { left: u64 },
    /// In a message that ends with a line feed.
    Line,
}

/// See the module.
#[derive(Debug)]
pub struct Framer {
    framing: Framing,
    state: State,
    /// The beginning of the message that isn't complete yet.
    buffer: Vec<u8>,
    /// Bytes of it, those that aren't kept included.
    whole_bytes: u64,
}

impl Framer {
    /// At the beginning of a stream.
    pub fn new(framing: Framing) -> Self {
        Self { framing, state: State::Start, buffer: Vec::new(), whole_bytes: 0 }
    }

    /// Takes the next bytes and gives away the messages that end in them.
    pub fn push(&mut self, mut bytes: &[u8], mut take: impl FnMut(Message<'_>)) {
        while let Some(first) = bytes.first() {
            let used = match self.state {
                State::Start => self.start(*first),
                State::Length => self.length(*first),
                State::Counted { left } => self.counted(bytes, left, &mut take),
                State::Line => self.line(bytes, &mut take),
            };
            bytes = bytes.get(used..).unwrap_or_default();
        }
    }

    /// The stream has ended: gives away what has come of a last message.
    pub fn finish(&mut self, mut take: impl FnMut(Message<'_>)) {
        if let State::Counted { left } = self.state {
            self.whole_bytes = self.whole_bytes.saturating_add(left);
        }
        self.emit(&mut take);
    }

    fn start(&mut self, first: u8) -> usize {
        match first {
            // What some senders put behind a counted message, or empty lines.
            b'\n' | b'\r' | 0 => return 1,
            b'1'..=b'9' if self.framing == Framing::Syslog => self.state = State::Length,
            _ => self.state = State::Line,
        }
        0
    }

    /// One byte of a length; of a text, if it turns out not to be one.
    fn length(&mut self, byte: u8) -> usize {
        let is_complete = self.buffer.last() == Some(&b' ');
        match byte {
            b'0'..=b'9' if !is_complete && self.buffer.len() < limits::SYSLOG_LENGTH_DIGITS_MAX => {}
            b' ' if !is_complete => {}
            b'<' if is_complete => {
                let digits = self.buffer.iter().filter(|byte| byte.is_ascii_digit());
                let left = digits.fold(0, |number: u64, digit| number * 10 + u64::from(digit - b'0'));
                self.buffer.clear();
                self.state = State::Counted { left };
                return 0;
            }
            _ => {
                self.whole_bytes = self.buffer.len() as u64;
                self.state = State::Line;
                return 0;
            }
        }
        self.buffer.push(byte);
        1
    }

    fn counted(&mut self, bytes: &[u8], left: u64, take: &mut impl FnMut(Message<'_>)) -> usize {
        let used = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        self.keep(bytes.get(..used).unwrap_or(bytes));
        let left = left - used as u64;
        self.state = State::Counted { left };
        if left == 0 {
            self.emit(take);
        }
        used
    }

    fn line(&mut self, bytes: &[u8], take: &mut impl FnMut(Message<'_>)) -> usize {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            self.keep(bytes);
            return bytes.len();
        };
        let last = bytes.get(..end).unwrap_or(bytes);
        if self.buffer.is_empty() && last.len() <= MESSAGE_BYTES_MAX {
            // The common case: the whole message is here.
            self.state = State::Start;
            emit(last, last.len() as u64, take);
        } else {
            self.keep(last);
            self.emit(take);
        }
        end + 1
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MESSAGE_BYTES_MAX.saturating_sub(self.buffer.len());
        self.buffer.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.whole_bytes = self.whole_bytes.saturating_add(bytes.len() as u64);
    }

    fn emit(&mut self, take: &mut impl FnMut(Message<'_>)) {
        // A length without a message never got its bytes counted.
        let whole_bytes = self.whole_bytes.max(self.buffer.len() as u64);
        emit(&self.buffer, whole_bytes, take);
        self.state = State::Start;
        self.whole_bytes = 0;
        if self.buffer.capacity() > limits::INPUT_CHUNK_BYTES {
            self.buffer = Vec::new();
        }
        self.buffer.clear();
    }
}

/// The message without the line end that many senders count in, unless there is nothing else.
fn emit(bytes: &[u8], whole_bytes: u64, take: &mut impl FnMut(Message<'_>)) {
    let is_cut = whole_bytes > bytes.len() as u64;
    let bytes = if is_cut { bytes } else { without_line_end(bytes) };
    if !bytes.is_empty() {
        take(Message { bytes, cut_from_bytes: is_cut.then_some(whole_bytes) });
    }
}

/// Without the end that belongs to the framing: LF, CR LF, or the NUL that some devices send.
pub fn without_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The messages of a stream that comes in two pieces, cut ones with their length.
    fn messages(framing: Framing, stream: &[u8], split: usize) -> Vec<String> {
        let mut framer = Framer::new(framing);
        let mut all = Vec::new();
        let mut take = |message: Message<'_>| {
            let text = String::from_utf8_lossy(message.bytes).into_owned();
            all.push(message.cut_from_bytes.map_or(text.clone(), |bytes| format!("{text} of {bytes}")));
        };
        framer.push(&stream[..split], &mut take);
        framer.push(&stream[split..], &mut take);
        framer.finish(&mut take);
        all
    }

    fn check(framing: Framing, stream: &str, expected: &[&str]) {
        for split in 0..=stream.len() {
            assert_eq!(messages(framing, stream.as_bytes(), split), expected, "{stream:?} at {split}");
        }
    }

    #[test]
    fn both_framings_wherever_the_stream_is_split() {
        use Framing::{Lines, Syslog};
        let rows: [(Framing, &str, &[&str]); 20] = [
            (Syslog, "", &[]),
            (Syslog, "<1>a\n<2>b\n", &["<1>a", "<2>b"]),
            (Syslog, "<1>a\r\n\n\n<2>b\0\n<3>c", &["<1>a", "<2>b", "<3>c"]),
            (Syslog, "4 <1>a5 <2>bb", &["<1>a", "<2>bb"]),
            (Syslog, "8 <1>a\nb\nc4 <2>d", &["<1>a\nb\nc", "<2>d"]),
            // Mixed on one connection, with line feeds behind counted messages and in the count.
            (
                Syslog,
                "4 <1>a<2>b\n4 <3>c\n<4>d\n5 <5>e\n<6>f\n",
                &["<1>a", "<2>b", "<3>c", "<4>d", "<5>e", "<6>f"],
            ),
            // Numbers that are no lengths.
            (Syslog, "12 monkeys\n", &["12 monkeys"]),
            (Syslog, "2026-11-26 <x>\n", &["2026-11-26 <x>"]),
            (Syslog, "12\n34\n", &["12", "34"]),
            (Syslog, "12 \n", &["12 "]),
            (Syslog, "12  <1>a\n", &["12  <1>a"]),
            (Syslog, "012 <1>a\n", &["012 <1>a"]),
            (Syslog, "-5 <1>a\n", &["-5 <1>a"]),
            (Syslog, "999999999999999999999 <1>a\n<2>b\n", &["999999999999999999999 <1>a", "<2>b"]),
            // The stream ends too early.
            (Syslog, "10 <1>a", &["<1>a of 10"]),
            (Syslog, "99999999 <1>a\n<2>b\n", &["<1>a\n<2>b\n of 99999999"]),
            (Syslog, "12", &["12"]),
            (Syslog, "12 ", &["12 "]),
            (Lines, "4 <1>a\n12\n\nc\n", &["4 <1>a", "12", "c"]),
            (Lines, "a\r\nb\rc\r\n d ", &["a", "b\rc", " d "]),
        ];
        for (framing, stream, expected) in rows {
            check(framing, stream, expected);
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_cut_and_the_next_one_is_whole() {
        let long = "x".repeat(3 * MESSAGE_BYTES_MAX);
        let counted = format!("{} <1>{long}4 <2>b", long.len() + 3);
        for stream in [counted, format!("<1>{long}\n<2>b\n")] {
            for split in [0, 9, 100, MESSAGE_BYTES_MAX, stream.len() - 3, stream.len()] {
                let mut framer = Framer::new(Framing::Syslog);
                let mut all = Vec::new();
                let mut take = |message: Message<'_>| {
                    all.push((message.bytes.len(), message.cut_from_bytes));
                };
                framer.push(&stream.as_bytes()[..split], &mut take);
                framer.push(&stream.as_bytes()[split..], &mut take);
                assert!(framer.buffer.capacity() <= 2 * MESSAGE_BYTES_MAX);
                assert_eq!(all, [(MESSAGE_BYTES_MAX, Some(long.len() as u64 + 3)), (4, None)]);
            }
        }
    }

    proptest! {
        #[test]
        fn counted_messages_come_back_whatever_is_in_them(
            texts in prop::collection::vec("[<> 0-9a\n\r\0é]{0,20}x", 1..6), piece in 1usize..30,
        ) {
            let stream: String = texts.iter().map(|text| format!("{} <{text}", text.len() + 1)).collect();
            let (mut framer, mut all) = (Framer::new(Framing::Syslog), Vec::new());
            for piece in stream.as_bytes().chunks(piece) {
                framer.push(piece, |message| all.push(String::from_utf8(message.bytes.to_vec()).unwrap()));
            }
            let expected: Vec<String> = texts.iter().map(|text| format!("<{text}")).collect();
            prop_assert_eq!(all, expected);
        }

        #[test]
        fn no_stream_makes_it_panic_or_lose_a_byte_of_a_line(stream in "[<>0-9 \n]{0,60}") {
            let mut all = Vec::new();
            let mut framer = Framer::new(Framing::Lines);
            framer.push(stream.as_bytes(), |message| all.push(String::from_utf8(message.bytes.to_vec()).unwrap()));
            framer.finish(|message| all.push(String::from_utf8(message.bytes.to_vec()).unwrap()));
            let lines: Vec<&str> = stream.split('\n').filter(|line| !line.is_empty()).collect();
            prop_assert_eq!(&all, &lines);
            let _ = messages(Framing::Syslog, stream.as_bytes(), stream.len() / 2);
        }
    }
}

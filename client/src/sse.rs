//! Server-sent events (WHATWG HTML, section 9.2.6), line by line. What a live tail doesn't send, `retry` and byte
//! order marks, is ignored. Pure.

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// Empty for a plain message.
    pub(crate) kind: String,
    /// Empty where there is none.
    pub(crate) id: String,
    /// Lines joined with line breaks.
    pub(crate) data: String,
}

/// Collects the lines of an event.
#[derive(Debug, Default)]
pub(crate) struct Events {
    event: Event,
    has_data: bool,
}

impl Events {
    /// Takes a line; gives the event that an empty one ends.
    pub(crate) fn line(&mut self, line: &str) -> Option<Event> {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.event.kind),
            "id" => value.clone_into(&mut self.event.id),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_end_with_an_empty_line() {
        type Row = (&'static str, &'static [[&'static str; 3]]);
        let rows: [Row; 5] = [
            (": live\nretry: 2000\n\n", &[]),
            ("id: 98ea\ndata: {\"a\":1}\n\n", &[["", "98ea", "{\"a\":1}"]]),
            ("event: skipped\r\ndata:{\"skipped\":2}\r\n\r\n", &[["skipped", "", "{\"skipped\":2}"]]),
            ("data: a\ndata: b\n\ndata\n\ndata: cut off", &[["", "", "a\nb"], ["", "", ""]]),
            ("id: 1\n\ndata: x\n\n", &[["", "", "x"]]),
        ];
        for (text, expected) in rows {
            let mut events = Events::default();
            let found: Vec<_> = text.split('\n').filter_map(|line| events.line(line)).collect();
            let found: Vec<_> = found.iter().map(|event| [&*event.kind, &*event.id, &*event.data]).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }
}

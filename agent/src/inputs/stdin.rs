//! Standard input, an event a record: `some-program | millpond-agent run --config agent.toml`. While the spool is full
//! the program before the pipe waits.

use std::io::Read;
use std::time::Duration;

use millpond_parsers::Format;
use tokio::time::sleep;

use super::framing::{Framer, Framing, Message};
use super::group::{Event, Grouper};
use super::lines::pieces_of;
use super::{Chunk, InputError, Sink};
use crate::tail::multiline::Multiline;

/// What `[stdin]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which lines belong together.
    pub multiline: Multiline,
    /// The configured one.
    pub format: Option<Format>,
}

/// See the module.
#[derive(Debug)]
pub struct Stdin(pub Settings);

impl Stdin {
    /// Reads to the end of standard input, or of the program.
    ///
    /// # Errors
    /// Never: what can't be read has come to its end, and is said.
    pub async fn receive(&mut self, sink: &Sink) -> Result<(), InputError> {
        if let Err(error) = self.take_in(std::io::stdin(), sink).await {
            tracing::error!(%error, "standard input can't be read any further");
        }
        Ok(())
    }

    /// What has no end when the pipe or the program ends is an event, too: it won't come again.
    async fn take_in(&self, pipe: impl Read + Send + 'static, sink: &Sink) -> Result<(), InputError> {
        let mut pieces = pieces_of("stdin", pipe)?;
        let mut framer = Framer::new(Framing::Lines);
        let mut grouper = Grouper::new(&self.0.multiline, self.0.format);
        let result = loop {
            let piece = tokio::select! {
                // First: what carries an event on may be there when its time has come.
                biased;
                piece = pieces.recv() => piece,
                () = sink.stopped() => break Ok(()),
                () = rest(grouper.due_ms(), sink) => {
                    let mut chunk = Chunk::default();
                    grouper.finish(&mut |event| add(event, &mut chunk, sink));
                    sink.send(chunk).await;
                    continue;
                }
            };
            match piece {
                Some(Ok(bytes)) => {
                    let (mut chunk, now) = (Chunk::default(), sink.now());
                    let mut take = |event| add(event, &mut chunk, sink);
                    framer.push(&bytes, |line| grouper.push(line, now, &mut take));
                    sink.send(chunk).await;
                }
                Some(Err(error)) => break Err(InputError(error.to_string())),
                None => break Ok(()),
            }
        };
        let (mut chunk, now) = (Chunk::default(), sink.now());
        let mut take = |event| add(event, &mut chunk, sink);
        framer.finish(|line| grouper.push(line, now, &mut take));
        grouper.finish(&mut take);
        sink.send(chunk).await;
        result
    }
}

/// Until that monotonic time; for ever without one.
async fn rest(due_ms: Option<u64>, sink: &Sink) {
    match due_ms {
        Some(due_ms) => sleep(Duration::from_millis(due_ms.saturating_sub(sink.now().mono_ms))).await,
        None => std::future::pending().await,
    }
}

fn add(event: Event, chunk: &mut Chunk, sink: &Sink) {
    sink.counters().left_out_lines.add(event.left_out_lines);
    chunk.add(event.at_ns, None, Message { bytes: &event.text, cut_from_bytes: event.cut_from_bytes });
}

#[cfg(test)]
mod tests {
    use super::super::tests::{sink, spooled};
    use super::*;

    #[tokio::test]
    async fn what_has_no_end_is_an_event_and_traces_are_one() {
        let text = "one\nTraceback (most recent call last):\n  File \"a.py\", line 1, in <module>\nValueError: x\nthr";
        let (sink, queue, _running) = sink();
        let stdin = Stdin(Settings { multiline: Multiline::default(), format: None });
        stdin.take_in(text.as_bytes(), &sink).await.unwrap();
        drop(sink);
        let trace = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\nValueError: x";
        assert_eq!(spooled(queue).await, ["one", trace, "thr"].map(|text| (None, text.to_owned())));
    }

    /// A program that says something and then nothing for long.
    #[tokio::test]
    async fn the_last_line_does_not_wait_for_the_next_one() {
        let (sink, mut queue, _running) = sink();
        let stdin = Stdin(Settings { multiline: Multiline::default(), format: None });
        let (reader, mut writer) = std::io::pipe().unwrap();
        std::io::Write::write_all(&mut writer, b"a line\n").unwrap();
        let sent = async { queue.recv().await.unwrap() };
        let chunk = tokio::select! {
            chunk = sent => chunk,
            _ = stdin.take_in(reader, &sink) => panic!("the pipe is open"),
        };
        assert!(chunk.ends_with(b"a line\n"));
    }
}

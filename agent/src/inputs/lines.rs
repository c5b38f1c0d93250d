//! The lines of a pipe. A thread reads, because a pipe can be a file or a terminal, which no runtime can wait for; it
//! ends with the pipe or the process, and reads one piece ahead at most.

use std::io::{self, Read};
use std::thread;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::framing::{Framer, Framing};
use super::{Chunk, InputError, Sink};
use crate::limits;

/// What stands after the last line feed when reading ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// A line, too.
    Line,
    /// The beginning of one that will come again, whole.
    Beginning,
}

/// Takes in every line until the pipe or the program ends. `sender` says for each line what is noted with it.
///
/// # Errors
/// When the pipe can't be read.
pub(super) async fn take_in(
    name: &str,
    pipe: impl Read + Send + 'static,
    sink: &Sink,
    rest: Rest,
    mut sender: impl FnMut(&[u8]) -> Option<String>,
) -> Result<(), InputError> {
    let (pieces, mut incoming) = mpsc::channel(1);
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || read(pipe, &pieces))
        .map_err(|error| InputError(format!("no thread: {error}")))?;
    let mut framer = Framer::new(Framing::Lines);
    let result = loop {
        let piece = tokio::select! {
            piece = incoming.recv() => piece,
            () = sink.stopped() => break Ok(()),
        };
        match piece {
            Some(Ok(bytes)) => {
                let (mut chunk, now_ns) = (Chunk::default(), sink.now_ns());
                framer.push(&bytes, |line| chunk.add(now_ns, sender(line.bytes).as_deref(), line));
                sink.send(chunk).await;
            }
            Some(Err(error)) => break Err(InputError(error.to_string())),
            None => break Ok(()),
        }
    };
    if rest == Rest::Line {
        let (mut chunk, now_ns) = (Chunk::default(), sink.now_ns());
        framer.finish(|line| chunk.add(now_ns, sender(line.bytes).as_deref(), line));
        sink.send(chunk).await;
    }
    result
}

fn read(mut pipe: impl Read, pieces: &mpsc::Sender<io::Result<Bytes>>) {
    let mut buffer = vec![0; limits::INPUT_CHUNK_BYTES];
    loop {
        let piece = match pipe.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => Ok(Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_last = piece.is_err();
        if pieces.blocking_send(piece).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::watch;

    use super::*;
    use crate::inputs::Context;
    use crate::mailbox::Mailbox;
    use crate::metrics::Counters;
    use crate::spool::line;
    use crate::time::Clock;

    /// A reader of the journal that is killed within an entry is started again behind the last whole one.
    #[tokio::test]
    async fn what_has_no_end_is_a_line_or_comes_again() {
        for (rest, expected) in [(Rest::Line, &["one", "two", "thr"][..]), (Rest::Beginning, &["one", "two"])]
        {
            let (chunks, mut queue) = mpsc::channel(limits::SPOOL_QUEUE_CHUNKS);
            let (_running, stop) = watch::channel(false);
            let context = Context {
                data_dir: "/d".into(),
                mailbox: Arc::new(Mailbox::new().unwrap()),
                counters: Arc::new(Counters::default()),
                clock: Clock::start(),
                stop,
            };
            let sink = Sink { chunks, context };
            let mut noted = Vec::new();
            let note = |line: &[u8]| {
                noted.push(String::from_utf8_lossy(line).into_owned());
                noted.last().cloned()
            };
            take_in("test", &b"one\ntwo\nthr"[..], &sink, rest, note).await.unwrap();
            drop(sink);
            let mut spooled = Vec::new();
            while let Some(chunk) = queue.recv().await {
                spooled.extend_from_slice(&chunk);
            }
            let text = String::from_utf8(spooled).unwrap();
            let lines: Vec<_> = text.lines().map(|text| line::decode(text).unwrap()).collect();
            assert_eq!(lines.iter().map(|line| line.message.as_ref()).collect::<Vec<_>>(), expected);
            assert!(lines.iter().all(|line| line.sender == Some(line.message.as_ref())));
            assert_eq!(noted, expected, "what isn't taken in is no place to go on behind");
        }
    }
}

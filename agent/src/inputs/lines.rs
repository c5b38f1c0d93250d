//! The lines of a pipe. A thread reads, because a pipe can be a file or a terminal, which no runtime can wait for; it
//! ends with the pipe or the process, and reads one piece ahead at most.

use std::io::{self, Read};
use std::thread;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::framing::{Framer, Framing};
use super::{Chunk, InputError, Sink};
use crate::limits;

/// Starts the thread and gives what it reads; the last is an error, if there is one.
///
/// # Errors
/// When there can be no thread.
pub(super) fn pieces_of(
    name: &str,
    pipe: impl Read + Send + 'static,
) -> Result<mpsc::Receiver<io::Result<Bytes>>, InputError> {
    let (pieces, incoming) = mpsc::channel(1);
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || read(pipe, &pieces))
        .map_err(|error| InputError(format!("no thread: {error}")))?;
    Ok(incoming)
}

/// Takes in every line until the pipe or the program ends; what stands after the last line feed will come again, whole.
/// `sender` says for each line what is noted with it.
///
/// # Errors
/// When the pipe can't be read.
pub(super) async fn take_in(
    name: &str,
    pipe: impl Read + Send + 'static,
    sink: &Sink,
    mut sender: impl FnMut(&[u8]) -> Option<String>,
) -> Result<(), InputError> {
    let mut pieces = pieces_of(name, pipe)?;
    let mut framer = Framer::new(Framing::Lines);
    loop {
        let piece = tokio::select! {
            piece = pieces.recv() => piece,
            () = sink.stopped() => return Ok(()),
        };
        match piece {
            Some(Ok(bytes)) => {
                let (mut chunk, now) = (Chunk::default(), sink.now());
                framer.push(&bytes, |line| chunk.add(now.unix_ns, sender(line.bytes).as_deref(), line));
                sink.send(chunk).await;
            }
            Some(Err(error)) => return Err(InputError(error.to_string())),
            None => return Ok(()),
        }
    }
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
    use super::super::tests::{sink, spooled};
    use super::*;

    /// A reader of the journal that is killed within an entry is started again behind the last whole one.
    #[tokio::test]
    async fn what_has_no_end_comes_again() {
        let (sink, queue, _running) = sink();
        let mut noted = Vec::new();
        let note = |line: &[u8]| {
            noted.push(String::from_utf8_lossy(line).into_owned());
            noted.last().cloned()
        };
        take_in("test", &b"one\ntwo\nthr"[..], &sink, note).await.unwrap();
        drop(sink);
        let expected = ["one", "two"].map(|text| (Some(text.to_owned()), text.to_owned()));
        assert_eq!(spooled(queue).await, expected);
        assert_eq!(noted, ["one", "two"], "what isn't taken in is no place to go on behind");
    }
}

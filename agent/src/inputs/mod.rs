//! Inputs beside files: syslog, the systemd journal, standard input. Each receives messages, cuts and marks them, and
//! hands them in chunks to the writer of its spool; from there on they're lines of files. What a message means is
//! not looked at here.
//!
//! | file | what it does |
//! |---|---|
//! | `framing` | bytes of a stream to messages |
//! | `lines` | the lines of a pipe, read by a thread |
//! | `group` | lines that belong together |
//! | `syslog/` | UDP, TCP, TLS |
//! | `journald`, `stdin` | what their names say |

pub mod framing;
mod group;
pub mod journald;
mod lines;
pub mod stdin;
pub mod syslog;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use self::framing::Message;
use self::journald::Journald;
use self::stdin::Stdin;
use self::syslog::Syslog;
use crate::mailbox::Mailbox;
use crate::metrics::Counters;
use crate::ship::backoff::Backoff;
use crate::spool::line::{self, Received};
use crate::spool::segments::Segments;
use crate::spool::{self, Writer};
use crate::time::{Clock, Now};
use crate::{limits, random};

/// Where the records of a spool come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputType {
    /// The network.
    Syslog,
    /// The systemd journal.
    Journald,
    /// Standard input.
    Stdin,
}

impl InputType {
    /// Value of `input.type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Syslog => "syslog",
            Self::Journald => "journald",
            Self::Stdin => "stdin",
        }
    }
}

/// One input, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Of its spool's directory; says what and where, so that it is the same at the next start.
    pub name: String,
    /// Bound of the spool, in bytes.
    pub spool_bytes_max: u64,
    /// What is received.
    pub kind: Kind,
}

/// What is received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `[[syslog]]`
    Syslog(syslog::Settings),
    /// `[journald]`
    Journald(journald::Settings),
    /// `[stdin]`
    Stdin(stdin::Settings),
}

/// What every input needs.
#[derive(Debug, Clone)]
pub struct Context {
    /// Of the agent.
    pub data_dir: PathBuf,
    /// To tell the tailer what has grown.
    pub mailbox: Arc<Mailbox>,
    /// Where things are counted.
    pub counters: Arc<Counters>,
    /// For the time of receipt.
    pub clock: Clock,
    /// Becomes true when the program ends.
    pub stop: watch::Receiver<bool>,
}

/// Why an input has to begin anew; its words are for the log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InputError(pub String);

/// Says which spools have no input any more.
pub fn warn_of_left_spools(left: &[(PathBuf, u64)], counters: &Counters) {
    for (directory, bytes) in left {
        counters.spools_without_input.increment();
        let directory = directory.display();
        tracing::warn!(%directory, bytes, "a spool whose input is not in the configuration any more: it is shipped");
    }
}

/// Runs an input until the program ends, or the input does. What stops it (an address in use, no journal on this
/// machine) is said, and it is tried again; everything else runs on.
pub async fn run(input: Input, mut context: Context) {
    let directory = spool::directory(&context.data_dir, &input.name);
    let mut backoff = Backoff::default();
    let segments = loop {
        let error = match Segments::open(&directory, input.spool_bytes_max) {
            Ok(segments) => break segments,
            Err(error) => InputError(format!("{}: {error}", directory.display())),
        };
        if !context.pause(&input.name, &error, &mut backoff).await {
            return;
        }
    };
    let mut receiver = Receiver::new(input.kind, &segments);
    let (mailbox, counters) = (Arc::clone(&context.mailbox), Arc::clone(&context.counters));
    let writer = Writer::new(&input.name, segments, mailbox, counters);
    let (chunks, queue) = mpsc::channel(limits::SPOOL_QUEUE_CHUNKS);
    let receive = async {
        // Dropped at the end, which ends the writer once it has written everything.
        let sink = Sink { chunks, context: context.clone() };
        let mut backoff = Backoff::default();
        while let Err(error) = receiver.receive(&sink).await {
            if !context.pause(&input.name, &error, &mut backoff).await {
                break;
            }
        }
    };
    tokio::join!(receive, writer.run(queue));
}

impl Context {
    /// Says what is wrong and waits before the next try. False when the program ends instead.
    async fn pause(&mut self, input: &str, error: &InputError, backoff: &mut Backoff) -> bool {
        self.counters.input_failures.increment();
        let pause = backoff.next(random::number());
        let (failures, pause_ms) = (backoff.failures(), pause.as_millis());
        if failures.is_power_of_two() {
            tracing::error!(input, %error, failures, pause_ms, "this input doesn't run; trying again");
        }
        tokio::select! {
            () = sleep(pause) => true,
            _ = self.stop.wait_for(|stop| *stop) => false,
        }
    }
}

enum Receiver {
    Syslog(Syslog),
    Journald(Journald),
    Stdin(Stdin),
}

impl Receiver {
    fn new(kind: Kind, segments: &Segments) -> Self {
        match kind {
            Kind::Syslog(settings) => Self::Syslog(Syslog::new(settings)),
            Kind::Journald(settings) => Self::Journald(Journald::new(settings, segments)),
            Kind::Stdin(settings) => Self::Stdin(Stdin(settings)),
        }
    }

    /// Receives until the program ends or nothing more can come.
    async fn receive(&mut self, sink: &Sink) -> Result<(), InputError> {
        match self {
            Self::Syslog(syslog) => syslog.receive(sink).await,
            Self::Journald(journald) => journald.receive(sink).await,
            Self::Stdin(stdin) => stdin.receive(sink).await,
        }
    }
}

/// An input's end of the queue to its spool.
#[derive(Debug, Clone)]
pub struct Sink {
    chunks: mpsc::Sender<Bytes>,
    context: Context,
}

impl Sink {
    /// Hands a chunk on and waits while there is no room: whoever sends waits, too.
    pub async fn send(&self, chunk: Chunk) {
        if chunk.lines.is_empty() {
            return;
        }
        self.context.counters.input_messages.add(chunk.messages);
        // The writer ends after all senders.
        let _ = self.chunks.send(chunk.lines.into()).await;
    }

    /// Waits for the end of the program.
    pub async fn stopped(&self) {
        let _ = self.context.stop.clone().wait_for(|stop| *stop).await;
    }

    /// The program is ending.
    pub fn is_stopping(&self) -> bool {
        *self.context.stop.borrow()
    }

    /// The clocks' time.
    pub fn now(&self) -> Now {
        self.context.clock.now()
    }

    /// Of it, Unix nanoseconds.
    pub fn now_ns(&self) -> i64 {
        self.now().unix_ns
    }

    /// Where things are counted.
    pub fn counters(&self) -> &Counters {
        &self.context.counters
    }
}

/// Lines for the spool.
#[derive(Debug, Default)]
pub struct Chunk {
    lines: Vec<u8>,
    messages: u64,
}

impl Chunk {
    /// Adds a message that was received at that time, Unix nanoseconds.
    pub fn add(&mut self, at_ns: i64, sender: Option<&str>, message: Message<'_>) {
        let Message { bytes: message, cut_from_bytes } = message;
        line::encode(&Received { at_ns, sender, message, cut_from_bytes }, &mut self.lines);
        self.messages += 1;
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Nothing was added.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An input's end of a queue that nobody writes to a spool; the input runs while the last part is there.
    pub(super) fn sink() -> (Sink, mpsc::Receiver<Bytes>, watch::Sender<bool>) {
        let (chunks, queue) = mpsc::channel(limits::SPOOL_QUEUE_CHUNKS);
        let (running, stop) = watch::channel(false);
        let context = Context {
            data_dir: "/d".into(),
            mailbox: Arc::new(Mailbox::new().unwrap()),
            counters: Arc::new(Counters::default()),
            clock: Clock::start(),
            stop,
        };
        (Sink { chunks, context }, queue, running)
    }

    /// Senders and messages of what is in the queue, until its other end is dropped.
    pub(super) async fn spooled(mut queue: mpsc::Receiver<Bytes>) -> Vec<(Option<String>, String)> {
        let mut bytes = Vec::new();
        while let Some(chunk) = queue.recv().await {
            bytes.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(bytes).unwrap();
        let records = text.lines().map(|text| line::decode(text).unwrap());
        records.map(|record| (record.sender.map(str::to_owned), record.message.into_owned())).collect()
    }
}

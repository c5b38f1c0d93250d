//! `tail`: the last documents, and with `-f` those that come in, without a gap and without repeats.
//!
//! A live tail tells what becomes durable, a search finds it up to a second later. So the tail is opened first; then
//! a search gives the last documents; and after that second another one what fell between the two. A connection that
//! broke is taken up in the same way, from before the break.

use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::pages::{page, row};
use super::{Outcome, Shell};
use crate::api::{Lines, Parameters};
use crate::arguments::{Tail, TailFormat};
use crate::failure::Failure;
use crate::limits::{
    BACKOFF_MAX, BACKOFF_MIN, CATCH_UP_BYTES_MAX, CATCH_UP_SLACK_S, PAGE_ROWS, SHOWN_MAX, TAIL_QUEUE_EVENTS,
    TAIL_SETTLE, TAIL_SILENCE_MAX,
};
use crate::render::pretty;
use crate::shown::{Document, Shown};
use crate::sse::{Event, Events};

const PATH: &str = "/api/v1/query";

pub(crate) fn run(tail: &Tail, shell: &mut Shell) -> Result<Outcome, Failure> {
    let format = format(tail.output, shell);
    let query = tail.query.text();
    if tail.follow {
        return Follower { query, format, shown: Shown::default(), shell }.run(tail.lines);
    }
    let documents = last(&query, tail.lines, shell)?;
    documents.iter().try_for_each(|document| show(document, format, shell))?;
    Ok(Outcome::of(!documents.is_empty()))
}

/// The form that is meant.
pub(super) fn format(wanted: TailFormat, shell: &Shell) -> TailFormat {
    match wanted {
        TailFormat::Auto if shell.out.is_terminal() => TailFormat::Pretty,
        TailFormat::Auto => TailFormat::Ndjson,
        format => format,
    }
}

/// The newest documents, the oldest of them first.
fn last(query: &str, lines: u16, shell: &mut Shell) -> Result<Vec<Document>, Failure> {
    let mut documents = Vec::new();
    if lines > 0 {
        let parameters = Parameters::from([("q", query.to_owned()), ("limit", lines.to_string())]);
        let (_, meta) = page(PATH, &parameters, shell, &mut |line, _| {
            documents.push(document(line)?);
            Ok(ControlFlow::Continue(()))
        })?;
        shell.tell(&meta.unwrap_or_default());
    }
    documents.reverse();
    Ok(documents)
}

pub(super) fn document(json: &str) -> Result<Document, Failure> {
    #[derive(Deserialize)]
    struct Id {
        #[serde(default)]
        _id: String,
    }
    let id: Id = serde_json::from_str(json).map_err(|_| Failure::CutOff("a line is no document".into()))?;
    Ok(Document { id: id._id, json: json.to_owned() })
}

pub(super) fn show(document: &Document, format: TailFormat, shell: &mut Shell) -> Result<(), Failure> {
    let mut out = String::new();
    match format {
        TailFormat::Pretty => pretty::push(&row(&document.json)?, &shell.look, &mut out),
        TailFormat::Raw => pretty::push_raw(&row(&document.json)?, shell.out.is_terminal(), &mut out),
        TailFormat::Ndjson | TailFormat::Auto => {
            pretty::push_json(&document.json, shell.out.is_terminal(), &mut out);
        }
    }
    shell.out.write(out.as_bytes())
}

/// A tail that goes on.
struct Follower<'a> {
    query: String,
    format: TailFormat,
    shown: Shown,
    shell: &'a mut Shell,
}

/// What the reader of a connection hands over; an error is the last.
type Received = Result<Event, Failure>;

impl Follower<'_> {
    /// Ends when the output is closed, or with what can't be helped by waiting; else only by a signal.
    fn run(mut self, lines: u16) -> Result<Outcome, Failure> {
        let mut events = self.connect()?;
        // Without lines to show, the last one tells where they end.
        for document in last(&self.query, lines.max(1), self.shell)? {
            if lines > 0 {
                self.shown.add(&document.id);
                show(&document, self.format, self.shell)?;
            } else {
                self.shown.pass(&document.id);
            }
        }
        let mut is_behind = lines > 0;
        let mut since = Instant::now();
        loop {
            let mut broken = None;
            if is_behind {
                // A break may have been there for a while before it was noticed.
                broken = self.catch_up(&events, since.elapsed() + TAIL_SILENCE_MAX)?;
            }
            let why = match broken {
                Some(why) => why,
                None => {
                    let why = self.live(&events)?;
                    since = Instant::now();
                    why
                }
            };
            self.shell.note(&format!("{why}; connecting again"));
            events = self.reconnect()?;
            self.shell.note("connected again");
            is_behind = true;
        }
    }

    fn connect(&self) -> Result<Receiver<Received>, Failure> {
        let lines = self.shell.api.events(&self.query)?;
        let (to, events) = mpsc::sync_channel(TAIL_QUEUE_EVENTS);
        thread::spawn(move || read(lines, &to));
        Ok(events)
    }

    fn reconnect(&self) -> Result<Receiver<Received>, Failure> {
        let mut wait = BACKOFF_MIN;
        loop {
            thread::park_timeout(wait);
            match self.connect() {
                Err(failure) if failure.may_pass() => wait = (wait * 2).min(BACKOFF_MAX),
                connected => return connected,
            }
        }
    }

    /// Shows what comes in until the connection breaks; gives the reason.
    fn live(&mut self, events: &Receiver<Received>) -> Result<Failure, Failure> {
        loop {
            let received = match events.try_recv() {
                Err(TryRecvError::Empty) => {
                    self.shell.out.flush()?;
                    events.recv().ok()
                }
                received => received.ok(),
            };
            match received {
                Some(Ok(event)) => {
                    if let Some(document) = self.take(event)
                        && self.shown.add(&document.id)
                    {
                        show(&document, self.format, self.shell)?;
                    }
                }
                Some(Err(failure)) => return Ok(failure),
                None => return Ok(Failure::CutOff("its reader ended".into())),
            }
        }
    }

    /// The document of an event. Says what was skipped.
    fn take(&self, event: Event) -> Option<Document> {
        #[derive(Deserialize)]
        struct Skipped {
            skipped: u64,
        }
        match event.kind.as_str() {
            "" => Some(Document { id: event.id, json: event.data }),
            "skipped" => {
                let skipped = serde_json::from_str(&event.data).map_or(0, |Skipped { skipped }| skipped);
                let what = "documents came too fast to look at and were skipped";
                self.shell.note(&format!("{skipped} {what}; `millpond search` finds them"));
                None
            }
            _ => None,
        }
    }

    /// Shows what became durable before the connection was made and was not shown, `gap` and a little more ago. What
    /// comes in meanwhile is shown with it, in its order. Gives the reason if the collector can't be asked: then
    /// nothing is shown, and the next time finds all of it.
    fn catch_up(&mut self, events: &Receiver<Received>, gap: Duration) -> Result<Option<Failure>, Failure> {
        let deadline = Instant::now() + TAIL_SETTLE;
        let mut came = Vec::new();
        // When there is no more room, the rest waits in the queue. A connection that ends is noticed afterwards.
        while came.len() < TAIL_QUEUE_EVENTS
            && let Ok(Ok(event)) = events.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            came.extend(self.take(event));
        }
        let found = match self.search(gap) {
            Err(failure) if failure.may_pass() => return Ok(Some(failure)),
            found => found?,
        };
        for document in self.shown.merge(found, came) {
            show(&document, self.format, self.shell)?;
        }
        self.shell.out.flush()?;
        Ok(None)
    }

    /// What a search finds of the time and was not shown.
    fn search(&mut self, gap: Duration) -> Result<Vec<Document>, Failure> {
        let start = format!("now-{}s", gap.as_secs().saturating_add(CATCH_UP_SLACK_S));
        let (mut found, mut bytes, mut rows, mut cursor) = (Vec::new(), 0, 0, None::<String>);
        loop {
            let mut parameters = Parameters::from([
                ("q", self.query.clone()),
                ("start", start.clone()),
                ("limit", PAGE_ROWS.to_string()),
            ]);
            parameters.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let shown = &self.shown;
            let (count, meta) = page(PATH, &parameters, self.shell, &mut |line, _| {
                let document = document(line)?;
                if bytes < CATCH_UP_BYTES_MAX && shown.is_missing(&document.id) {
                    bytes += line.len();
                    found.push(document);
                }
                Ok(ControlFlow::Continue(()))
            })?;
            rows += count;
            cursor = meta.unwrap_or_default().cursor;
            let is_full = rows >= SHOWN_MAX || bytes >= CATCH_UP_BYTES_MAX;
            if is_full && cursor.is_some() {
                self.shell.note("more was missed than is looked up; `millpond search` finds it");
            }
            if is_full || cursor.is_none() {
                return Ok(found);
            }
        }
    }
}

/// Reads a connection to its end, as fast as what it reads is taken.
fn read(mut lines: Lines, to: &SyncSender<Received>) {
    let mut events = Events::default();
    loop {
        let received = match lines.read() {
            Ok(Some(line)) => events.line(line).map(Ok),
            Ok(None) => Some(Err(Failure::CutOff("the collector ended it".into()))),
            Err(failure) => Some(Err(failure)),
        };
        let is_end = matches!(received, Some(Err(_)));
        if received.is_some_and(|received| to.send(received).is_err()) || is_end {
            return;
        }
    }
}

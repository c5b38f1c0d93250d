//! `/api/v1/tail`: documents as they become durable, as server-sent events (WHATWG HTML, section 9.2).
//!
//! A document is a plain message with its `_id` as the event's id. A client that reads too slowly is left behind by
//! the ring of batches that [`TailHub`](crate::tail::TailHub) keeps, which never holds up ingest; it is told by an
//! event `skipped` how many documents it missed.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName};
use millpond_query::{Filter, Pipe, Resolved};
use millpond_wire::batch::{Batch, DocRef};
use tokio::sync::OwnedSemaphorePermit;

use crate::http::Http;
use crate::http::body::Unfold;
use crate::http::endpoints::TAIL;
use crate::http::limits::{CHUNK_BYTES, HEARTBEAT_EVERY, TAIL_STEP_BYTES, TAIL_STEP_DOCUMENTS};
use crate::http::params::Unchecked;
use crate::http::problem::Problem;
use crate::http::rows::{Change, Visible, VisibleRow, text_bytes};
use crate::http::search::Search;
use crate::metrics::Metrics;
use crate::stop::Stop;
use crate::tail::{TailEvent, TailReceiver};

/// First bytes: a comment that opens the stream, and after how many milliseconds a browser connects again.
const OPENING: &[u8] = b": live\nretry: 2000\n\n";

const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

const HEARTBEAT: &[u8] = b": still here\n\n";

/// Seconds after which a refused tail may try again.
const RETRY_AFTER_S: u64 = 10;

/// Answers with the events that come from now on.
pub(in crate::http) async fn tail(State(http): State<Http>, given: Unchecked) -> Result<Response, Problem> {
    let parameters = given.only(&TAIL)?;
    let too_many = || Problem::overloaded(RETRY_AFTER_S, "Too many live tails are open already.");
    let permit = Arc::clone(&http.tails).try_acquire_owned().map_err(|_| too_many())?;
    let (store, caller) = (http.app.store.clone(), parameters.caller.clone());
    let timeout = http.app.config.limits.query_timeout;
    let resolve = http.quick.run(&caller, timeout, move |budget| {
        let search = Search::new(&*store, budget, &parameters)?;
        search.resolve(&search.parse()?)
    });
    let tail = Tail {
        selection: Selection::of(resolve.await?)?,
        documents: http.app.tail.subscribe(),
        metrics: http.app.metrics,
        stop: http.app.stop,
        heartbeat_every: HEARTBEAT_EVERY,
        _permit: permit,
    };
    let body = Body::new(Unfold::new(Bytes::from_static(OPENING), tail, Tail::next));
    // Proxies gather replies until a buffer is full, unless they are told not to.
    Ok(([(CONTENT_TYPE, "text/event-stream")], [(UNBUFFERED, "no")], body).into_response())
}

/// One live tail.
struct Tail {
    selection: Selection,
    documents: TailReceiver,
    metrics: Arc<Metrics>,
    stop: Stop,
    heartbeat_every: Duration,
    _permit: OwnedSemaphorePermit,
}

impl Tail {
    /// The next bytes of the stream; `None` when the collector stops.
    async fn next(mut self) -> Option<(Bytes, Self)> {
        loop {
            let event = tokio::select! {
                () = self.stop.requested() => return None,
                event = tokio::time::timeout(self.heartbeat_every, self.documents.recv()) => event,
            };
            match event {
                Err(_) => return Some((Bytes::from_static(HEARTBEAT), self)),
                Ok(TailEvent::Batch { batch, from }) => {
                    let mut out = Vec::new();
                    let next = self.selection.write_events(&batch, from, &mut out);
                    // Given back and not kept until the client has room: a slow one would hold it for ever.
                    self.documents.unread(batch.len() - next);
                    drop(batch);
                    if !out.is_empty() {
                        return Some((out.into(), self));
                    }
                    tokio::task::yield_now().await;
                }
                Ok(TailEvent::Missed(documents)) => {
                    self.metrics.http_tail_missed_total.add(documents);
                    let notice = format!("event: skipped\ndata: {{\"skipped\":{documents}}}\n\n");
                    return Some((notice.into(), self));
                }
            }
        }
    }
}

/// Which documents are shown, and what of them.
struct Selection {
    filter: Filter,
    /// Pipes, with what the `fields` before them left visible.
    steps: Vec<(Step, Visible)>,
    visible: Visible,
}

enum Step {
    Where(Filter),
    Change(Change),
}

impl Selection {
    /// Only pipes that take one row at a time make sense on rows that never end.
    fn of(resolved: Resolved) -> Result<Self, Problem> {
        let mut selection = Self { filter: resolved.filter, steps: Vec::new(), visible: Visible::default() };
        for pipe in resolved.pipes {
            let step = match pipe {
                Pipe::Where(filter) => Step::Where(filter),
                Pipe::Make(maker) => Step::Change(Change::Make(maker)),
                Pipe::Rename(names) => Step::Change(Change::Rename(names)),
                Pipe::Fields { names, exclude } => {
                    selection.visible.restrict(names, exclude);
                    continue;
                }
                Pipe::Stats(_) | Pipe::Sort(_) | Pipe::Limit(_) | Pipe::Dedup { .. } => {
                    let detail = "A live tail can use the pipes `where`, `fields`, `eval`, `extract`, `parse` \
                                  and `rename` only.";
                    return Err(Problem::new(StatusCode::BAD_REQUEST, "unsupported_query", detail));
                }
            };
            // What a change makes has what was visible, and no more.
            let visible = match step {
                Step::Where(_) => selection.visible.clone(),
                Step::Change(_) => std::mem::take(&mut selection.visible),
            };
            selection.steps.push((step, visible));
        }
        Ok(selection)
    }

    /// Appends an event if the document passes.
    fn write_event(&self, row: DocRef<'_>, out: &mut Vec<u8>) {
        let everything = Visible::default();
        if !millpond_query::matches(&self.filter, &VisibleRow { row, visible: &everything }) {
            return;
        }
        let mut changed: Option<Batch> = None;
        for (step, visible) in &self.steps {
            let row = changed.as_ref().and_then(|batch| batch.doc(0)).unwrap_or(row);
            match step {
                Step::Where(filter) if millpond_query::matches(filter, &VisibleRow { row, visible }) => {}
                Step::Where(_) => return,
                Step::Change(change) => changed = Some(change.apply(row, visible).0),
            }
        }
        let row = changed.as_ref().and_then(|batch| batch.doc(0)).unwrap_or(row);
        out.extend_from_slice(format!("id: {}\ndata: ", row.id()).as_bytes());
        self.visible.write_json(row, out);
        out.extend_from_slice(b"\n\n");
    }

    /// Writes an event for each selected document from `from` on, up to a bounded number of bytes written, and of
    /// bytes and documents looked at. Returns where it stopped.
    fn write_events(&self, batch: &Batch, from: usize, out: &mut Vec<u8>) -> usize {
        let (mut at, mut looked_at_bytes) = (from, 0);
        while at - from < TAIL_STEP_DOCUMENTS
            && looked_at_bytes < TAIL_STEP_BYTES
            && out.len() < CHUNK_BYTES
            && let Some(row) = batch.doc(at)
        {
            at += 1;
            looked_at_bytes += text_bytes(row);
            self.write_event(row, out);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use millpond_wire::batch::{BatchBuilder, ValueRef};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::stop::stop_signal;
    use crate::tail::TailHub;

    #[test]
    fn a_step_is_bounded_by_documents_and_by_their_bytes() {
        let rows = [(1, TAIL_STEP_DOCUMENTS), (TAIL_STEP_BYTES / 4, 4), (2 * TAIL_STEP_BYTES, 1)];
        for (bytes, expected) in rows {
            let mut builder = BatchBuilder::new();
            for _ in 0..=expected {
                builder.begin(0);
                builder.field("message", ValueRef::Str(&"x".repeat(bytes)));
                builder.end();
            }
            // Nothing is written, so that only what is looked at counts.
            let nothing = Filter::Not(Box::new(Filter::All));
            let selection = Selection { filter: nothing, steps: Vec::new(), visible: Visible::default() };
            let mut out = Vec::new();
            assert_eq!(
                selection.write_events(&builder.finish().0, 0, &mut out),
                expected,
                "{bytes} bytes each"
            );
            assert!(out.is_empty());
        }
    }

    #[tokio::test]
    async fn a_quiet_stream_says_that_it_lives() {
        let (_stopper, stop) = stop_signal();
        let selection = Selection { filter: Filter::All, steps: Vec::new(), visible: Visible::default() };
        let mut tail = Tail {
            selection,
            documents: TailHub::new().subscribe(),
            metrics: Arc::default(),
            stop,
            heartbeat_every: Duration::from_millis(1),
            _permit: Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap(),
        };
        for _ in 0..3 {
            let (bytes, next) = tail.next().await.unwrap();
            assert_eq!(bytes, HEARTBEAT);
            tail = next;
        }
    }
}

//! The way in as a whole. First a model: agents, a collector and a disk that fail in any order, and
//! in the end every line is in the store exactly once. Then the handle: bounds, stop, failures.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::mpsc::{Receiver, sync_channel};

use millpond_store::log_store::LogStore;
use millpond_wire::compression::Compressor;
use millpond_wire::otlp::{RecordRef, RequestEncoder};
use millpond_wire::position::StreamId;
use proptest::prelude::*;

use super::committer::{Committer, Durable};
use super::replay::replay;
use super::testing::{KeepingStore, Running};
use super::*;
use crate::tail::{TailEvent, TailHub};
use crate::wal::testing::{FaultyDisk, Op};
use crate::wal::{Opened, Options, Wal};

/// Bytes between two lines of a model's file.
const LINE_BYTES: u64 = 10;
const AGENTS: [&str; 2] = ["web", "db"];

/// One step of the model.
#[derive(Clone, Debug)]
enum Step {
    /// Requests that come as one group.
    Group(Vec<Send>),
    /// The disk fails at the n-th operation of a kind from now.
    Fail(Op, u32, ErrorKind),
    /// No space, or space again.
    Full(bool),
    /// The store makes all it has durable.
    Flush,
    /// The log is looked after.
    Tick,
    /// SIGKILL and start.
    Kill,
}

/// A request of an agent, or of a sender without positions.
#[derive(Clone, Debug)]
enum Send {
    Lines { agent: usize, stream: u64, rewind: u64, lines: u64, is_reply_lost: bool },
    Plain { lines: u64 },
}

/// A collector without threads, and what its senders know.
struct Model {
    dir: tempfile::TempDir,
    disk: FaultyDisk,
    store: KeepingStore,
    committer: Option<(Committer, Receiver<Durable>)>,
    /// By agent and stream: the next line that the agent would send.
    acknowledged: BTreeMap<(usize, u64), u64>,
    /// By agent and stream: lines that were ever written.
    written: BTreeMap<(usize, u64), u64>,
    /// Plain lines: text, and whether they were acknowledged.
    plain: BTreeMap<String, bool>,
    /// Number of each document that was ever seen in the store.
    numbers: BTreeMap<String, u64>,
}

impl Model {
    fn new() -> Self {
        let mut model = Self {
            dir: tempfile::tempdir().unwrap(),
            disk: FaultyDisk::new(),
            store: KeepingStore::default(),
            committer: None,
            acknowledged: BTreeMap::new(),
            written: BTreeMap::new(),
            plain: BTreeMap::new(),
            numbers: BTreeMap::new(),
        };
        model.start();
        model
    }

    fn start(&mut self) {
        self.disk.heal();
        let metrics = Arc::new(Metrics::default());
        let options = Options { segment_bytes: 2000, min_free_bytes: 1000 };
        let (disk, known) = (Box::new(self.disk.clone()), self.store.known());
        let opened = Wal::open(disk, self.dir.path(), options, known, &mut |head, body| {
            replay(&self.store, &metrics, &head, &body)
        });
        let Opened { wal, numbers, positions, report } = opened.unwrap();
        assert_eq!((report.damaged_records, report.damaged_bytes, report.was_lost), (0, 0, false));
        let (durable, received) = sync_channel(64);
        let committer = Committer {
            wal,
            numbers,
            state: Arc::new(SharedState::new(positions)),
            metrics,
            tail: TailHub::new(),
            store: Arc::new(self.store.clone()),
            durable,
        };
        self.committer = Some((committer, received));
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Group(sends) => self.group(sends),
            Step::Fail(op, after, kind) => self.disk.fail(*op, *after, *kind),
            Step::Full(is_full) => self.disk.set_free_bytes(if *is_full { 10 } else { u64::MAX }),
            Step::Flush => self.store.flush().unwrap(),
            Step::Tick => self.committer.as_mut().unwrap().0.tick(),
            Step::Kill => self.kill(),
        }
        self.check_numbers();
    }

    fn kill(&mut self) {
        self.committer = None;
        self.store.kill();
        self.start();
    }

    fn group(&mut self, sends: &[Send]) {
        let mut answers = Vec::new();
        let mut group = Vec::new();
        for send in sends {
            let (source, body, after) = self.request(send);
            let (done, answer) = oneshot::channel();
            let decoded = decode::decode(&source, &body).unwrap();
            let memory = MemoryPermit { permit: Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap() };
            group.push(Request { source, body, decoded, memory, done });
            answers.push((send, after, answer));
        }
        let (committer, received) = self.committer.as_mut().unwrap();
        committer.commit(group);
        for Durable { batch, upto, .. } in received.try_iter() {
            self.store.append(batch, upto).unwrap();
        }
        for (send, after, mut answer) in answers {
            let is_acknowledged = answer.try_recv().unwrap().is_ok();
            match (send, after) {
                (Send::Lines { agent, stream, is_reply_lost: false, .. }, After::Line(line))
                    if is_acknowledged =>
                {
                    let acknowledged = self.acknowledged.entry((*agent, *stream)).or_default();
                    *acknowledged = (*acknowledged).max(line);
                }
                (Send::Plain { .. }, After::Texts(texts)) => {
                    self.plain.extend(texts.into_iter().map(|text| (text, is_acknowledged)));
                }
                _ => {}
            }
        }
    }

    fn request(&mut self, send: &Send) -> (Source, Bytes, After) {
        match *send {
            Send::Lines { agent, stream, rewind, lines, .. } => {
                let acknowledged = self.acknowledged.get(&(agent, stream)).copied().unwrap_or(0);
                let from = acknowledged.saturating_sub(rewind);
                let to = from + lines;
                let written = self.written.entry((agent, stream)).or_default();
                *written = (*written).max(to);
                let source = source(SourceKind::Otlp, Some(AGENTS[agent]));
                (source, lines_body(agent, stream, from, to), After::Line(to))
            }
            Send::Plain { lines } => {
                let first = self.plain.len();
                let texts: Vec<_> =
                    (first..first + lines as usize).map(|line| format!("plain {line}")).collect();
                // Known at once, so that no two requests of a group write the same.
                self.plain.extend(texts.iter().map(|text| (text.clone(), false)));
                (source(SourceKind::Ndjson, None), Bytes::from(texts.join("\n")), After::Texts(texts))
            }
        }
    }

    /// A document keeps its number for ever, and no two have the same.
    fn check_numbers(&mut self) {
        let mut seen = BTreeMap::new();
        for (number, message) in self.store.documents() {
            assert_eq!(*self.numbers.entry(message.clone()).or_insert(number), number, "{message}");
            assert_eq!(seen.insert(number, message), None);
        }
    }

    /// Agents ask for their positions and send what is missing; then everything is there, once.
    fn finish(mut self) {
        self.disk.set_free_bytes(u64::MAX);
        self.kill();
        for ((agent, stream), written) in self.written.clone() {
            let state = Arc::clone(&self.committer.as_ref().unwrap().0.state);
            let durable = state.with_positions(|positions| positions.offset(AGENTS[agent], StreamId(stream)));
            let durable = durable.unwrap_or(0) / LINE_BYTES;
            let acknowledged = self.acknowledged.get(&(agent, stream)).copied().unwrap_or(0);
            assert!(durable >= acknowledged, "acknowledged up to {acknowledged}, durable up to {durable}");
            self.acknowledged.insert((agent, stream), durable);
            let lines = written.saturating_sub(durable);
            self.group(&[Send::Lines { agent, stream, rewind: 0, lines, is_reply_lost: false }]);
        }
        let mut found: BTreeMap<String, u32> = BTreeMap::new();
        for (_, message) in self.store.documents() {
            *found.entry(message).or_default() += 1;
        }
        for ((agent, stream), written) in &self.written {
            for line in 0..*written {
                let text = line_text(*agent, *stream, line);
                assert_eq!(found.remove(&text), Some(1), "{text}");
            }
        }
        for (text, is_acknowledged) in &self.plain {
            let count = found.remove(text).unwrap_or(0);
            assert!(count == 1 || (count == 0 && !is_acknowledged), "{text}: {count}");
        }
        assert_eq!(found, BTreeMap::new());
    }
}

/// What a sender knows after an acknowledgement.
enum After {
    Line(u64),
    Texts(Vec<String>),
}

fn source(kind: SourceKind, agent: Option<&str>) -> Source {
    Source { kind, encoding: Encoding::Identity, agent: agent.map(Box::from), received_ns: 7 }
}

fn line_text(agent: usize, stream: u64, line: u64) -> String {
    format!("{} {stream} {line}", AGENTS[agent])
}

fn lines_body(agent: usize, stream: u64, from: u64, to: u64) -> Bytes {
    let mut request = RequestEncoder::new(&[]);
    request.begin_stream(StreamId(stream), from * LINE_BYTES, &[]);
    for line in from..to {
        let body = line_text(agent, stream, line);
        let record = RecordRef {
            offset: line * LINE_BYTES,
            timestamp_ns: 1,
            observed_ns: 1,
            severity_number: 0,
            severity_text: "",
            body: &body,
            trace_id: &[],
            span_id: &[],
        };
        request.record(&record, std::iter::empty());
    }
    request.end_stream(to * LINE_BYTES, "state");
    Bytes::copy_from_slice(request.finish())
}

fn send() -> impl Strategy<Value = Send> {
    let lines = (0usize..2, 0u64..2, 0u64..4, 0u64..6, any::<bool>()).prop_map(
        |(agent, stream, rewind, lines, is_reply_lost)| Send::Lines {
            agent,
            stream,
            rewind,
            lines,
            is_reply_lost,
        },
    );
    prop_oneof![4 => lines, 1 => (1u64..4).prop_map(|lines| Send::Plain { lines })]
}

fn step() -> impl Strategy<Value = Step> {
    let op = prop_oneof![
        3 => Just(Op::Append),
        3 => Just(Op::Sync),
        1 => Just(Op::Cut),
        1 => Just(Op::Create),
        1 => Just(Op::Rename),
        1 => Just(Op::SyncDir),
        1 => Just(Op::Remove),
    ];
    let kind = prop_oneof![2 => Just(ErrorKind::StorageFull), 1 => Just(ErrorKind::Other)];
    prop_oneof![
        12 => prop::collection::vec(send(), 1..4).prop_map(Step::Group),
        2 => (op, 0u32..3, kind).prop_map(|(op, after, kind)| Step::Fail(op, after, kind)),
        1 => any::<bool>().prop_map(Step::Full),
        2 => Just(Step::Flush),
        1 => Just(Step::Tick),
        2 => Just(Step::Kill),
    ]
}

proptest! {
    #[test]
    fn every_line_is_in_the_store_exactly_once(steps in prop::collection::vec(step(), 1..40)) {
        let mut model = Model::new();
        for step in &steps {
            model.run(step);
        }
        model.finish();
    }
}

#[tokio::test]
async fn requests_are_answered_counted_tailed_and_stored() {
    let running = Running::start(1 << 20);
    let mut tail = running.tail.subscribe();
    let accepted = running.ndjson("{\"message\":\"a\"}\nb\n").await.unwrap();
    assert_eq!((accepted.accepted, accepted.rejected, accepted.errors.len()), (2, 0, 1));
    assert!(matches!(tail.recv().await, TailEvent::Batch { batch, from: 0 } if batch.len() == 2));
    let agent: AgentId = "web".parse().unwrap();
    for _ in 0..2 {
        running.ingest.otlp(&agent, Encoding::Identity, lines_body(0, 3, 0, 4), 7).await.unwrap();
    }
    let positions = running.ingest.positions(&agent);
    assert_eq!(positions.len(), 1);
    assert_eq!(
        (positions[0].stream, positions[0].offset, positions[0].state.as_str()),
        (StreamId(3), 40, "state")
    );
    let bad = running.ingest.otlp(&agent, Encoding::Identity, Bytes::from_static(b"\xff"), 7).await;
    assert_eq!(bad.map_err(|error| (error.status(), error.retry_after_s())), Err((400, None)));
    let metrics = Arc::clone(&running.metrics);
    let store = running.stop().await;
    assert_eq!(store.documents().len(), 6);
    assert_eq!(metrics.ingest_documents_total.value(), 6);
    assert_eq!(metrics.ingest_duplicates_total.value(), 4);
    assert_eq!(metrics.ingest_refused_total.value(), 1);
}

#[tokio::test]
async fn what_never_fits_is_too_large_and_what_is_compressed_is_bounded() {
    let running = Running::start(2000);
    let too_large = running.ndjson(&"x".repeat(3000)).await.unwrap_err();
    assert_eq!((too_large.status(), too_large.retry_after_s()), (413, None));
    let bomb = Compressor::new(1).unwrap().compress(&vec![b'x'; 65 << 20]).unwrap();
    let running = Running::start(100 << 20);
    let refused = running.ingest.ndjson(Encoding::Zstd, Bytes::from(bomb), 7).await.unwrap_err();
    assert_eq!(refused.status(), 413);
    assert_eq!(running.ndjson("still alive").await.unwrap().accepted, 1);
}

#[tokio::test]
async fn an_idle_collector_keeps_no_log_that_the_store_has() {
    let running = Running::start(100 << 20);
    running.ndjson(&"x".repeat(2 << 20)).await.unwrap();
    let log_bytes = || -> u64 {
        let files = std::fs::read_dir(running.dir.path()).unwrap();
        // A file that goes meanwhile counts nothing.
        files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum()
    };
    assert!(log_bytes() > 2 << 20);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    // A log is written in blocks.
    while log_bytes() > 4096 {
        assert!(tokio::time::Instant::now() < deadline, "{} bytes are still there", log_bytes());
        // The appender may not have had the documents at the first flush.
        running.store.flush().unwrap();
        running.ingest.tick();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_idle_collector_writes_its_snapshot_once() {
    let running = Running::start(100 << 20);
    let agent: AgentId = "web".parse().unwrap();
    let state = "s".repeat(4000);
    let mut request = RequestEncoder::new(&[]);
    for stream in 0..500 {
        request.begin_stream(StreamId(stream), 0, &[]);
        request.end_stream(1, &state);
    }
    // Its positions alone are 2 MB, more than an idle log may have of records.
    running.ingest.otlp(&agent, Encoding::Identity, request.finish().to_vec().into(), 7).await.unwrap();
    running.ndjson("a").await.unwrap();
    let removed = || running.metrics.wal_segments_removed_total.value();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    while removed() == 0 {
        assert!(tokio::time::Instant::now() < deadline, "the log of an idle collector stays");
        running.store.flush().unwrap();
        running.ingest.tick();
        tokio::task::yield_now().await;
    }
    // The answer to a request tells that the tick before it is done.
    for _ in 0..5 {
        running.ingest.tick();
        running.ndjson("b").await.unwrap();
        running.store.flush().unwrap();
    }
    assert_eq!(removed(), 1, "nothing but a snapshot was written again");
}

#[tokio::test]
async fn a_failed_store_stops_ingest_and_says_why() {
    let running = Running::start(1 << 20);
    running.store.fail();
    // Durable in the log, so it is acknowledged; the restart will append it.
    running.ndjson("a").await.unwrap();
    let refused = loop {
        match running.ndjson("b").await {
            Ok(_) => tokio::task::yield_now().await,
            Err(refused) => break refused,
        }
    };
    assert_eq!((refused.status(), refused.retry_after_s()), (503, Some(10)));
    assert!(running.ingest.blocked().is_some_and(|reason| reason.contains("the store failed")));
}

#[tokio::test]
async fn after_the_stop_nothing_is_taken_and_what_waits_is_answered() {
    let running = Running::start(1 << 20);
    let ingest = running.ingest.clone();
    let waiting: Vec<_> = (0..20)
        .map(|number| {
            let ingest = ingest.clone();
            tokio::spawn(async move {
                ingest.ndjson(Encoding::Identity, Bytes::from(number.to_string()), 7).await.is_ok()
            })
        })
        .collect();
    tokio::task::yield_now().await;
    let store = running.stop().await;
    let mut acknowledged = 0;
    for answer in waiting {
        acknowledged += usize::from(answer.await.unwrap());
    }
    assert_eq!(store.documents().len(), acknowledged);
    assert_eq!(
        ingest.ndjson(Encoding::Identity, Bytes::from_static(b"late"), 7).await.unwrap_err().status(),
        503
    );
}

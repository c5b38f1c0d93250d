//! A host with logs, an agent and a collector; and the account of what was written: each writer's lines are
//! numbered, and the collector must have each once, in order.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millpond_tests::cluster::{Cluster, Signal};
use millpond_tests::eventually;
use serde_json::Value;

use crate::scenario::Disturbance;

/// Longest wait for anything: a machine that is busy with other tests is slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// See the module.
pub(crate) struct Site {
    pub(crate) cluster: Cluster,
    /// Where patterns are relative to.
    pub(crate) logs: PathBuf,
    patterns: Vec<String>,
    /// Further keys of `[[files]]`, and of `[limits]`.
    pub(crate) keys: String,
    pub(crate) limits: String,
    /// Where the agent finds the collector, if not where it is.
    pub(crate) collector_address: Option<String>,
    /// What the agent is started by.
    pub(crate) launcher: Vec<String>,
    disturbance: Disturbance,
    /// How often the agent had begun, by its log, before it was started last.
    begun: usize,
    /// Lines of each writer so far.
    written: BTreeMap<String, u64>,
    /// Where each writer began another file: within one, lines keep their order.
    files: BTreeMap<String, Vec<u64>>,
    /// Messages that aren't numbered lines, and how many of each there are.
    others: BTreeMap<String, u64>,
    sentinels: u64,
}

impl Site {
    /// Nothing runs yet. `patterns` are of files below the directory of the logs.
    pub(crate) fn new(patterns: &[&str]) -> Self {
        let cluster = Cluster::new();
        let logs = PathBuf::from(cluster.path("logs"));
        fs::create_dir_all(&logs).expect("a directory");
        Self {
            cluster,
            logs,
            patterns: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
            keys: "format = 'text'".into(),
            limits: "scan_seconds = 1\nrotate_grace_seconds = 1".into(),
            collector_address: None,
            launcher: Vec::new(),
            disturbance: Disturbance::Steady,
            begun: 0,
            written: BTreeMap::new(),
            files: BTreeMap::new(),
            others: BTreeMap::new(),
            sentinels: 0,
        }
    }

    /// Both programs run.
    pub(crate) fn start(patterns: &[&str]) -> Self {
        Self::start_disturbed(patterns, Disturbance::Steady)
    }

    /// Both programs run; see [`Self::meanwhile`].
    pub(crate) fn start_disturbed(patterns: &[&str], disturbance: Disturbance) -> Self {
        let mut site = Self::new(patterns).disturbed_by(disturbance);
        site.start_both();
        site
    }

    pub(crate) fn start_both(&mut self) {
        self.cluster.start_collector();
        self.enroll();
        self.start_agent();
    }

    /// See [`Self::meanwhile`].
    pub(crate) fn disturbed_by(self, disturbance: Disturbance) -> Self {
        Self { disturbance, ..self }
    }

    /// Waits until the agent has looked at everything once.
    pub(crate) fn await_agent_start(&self) {
        eventually("the agent's first status", PATIENCE, || {
            self.cluster.agent_status()["files_followed"].as_u64()
        });
    }

    /// Gives the agent its identity; the collector must run.
    pub(crate) fn enroll(&mut self) {
        self.cluster.enroll_agent(&self.text("**"));
        self.configure();
    }

    /// Other patterns from the next [`Self::configure`] on.
    pub(crate) fn set_patterns(&mut self, patterns: &[&str]) {
        self.patterns = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    }

    /// Writes `agent.toml`.
    pub(crate) fn configure(&self) {
        let address = self.collector_address.as_deref().unwrap_or(self.cluster.ingest_address());
        let patterns = self.patterns.iter().map(String::as_str).chain(["sentinel.*"]);
        let patterns: Vec<String> = patterns.map(|pattern| format!("{:?}", self.text(pattern))).collect();
        let text = format!(
            "[collector]\naddress = '{address}'\n[metrics]\nlisten = ''\n[[files]]\ninclude = [{}]\n{}\n[limits]\n{}\n",
            patterns.join(", "),
            self.keys,
            self.limits
        );
        fs::write(self.cluster.path("agent/agent.toml"), text).expect("writable");
    }

    pub(crate) fn start_agent(&mut self) {
        self.begun = self.logged(" started ");
        let launcher: Vec<&str> = self.launcher.iter().map(String::as_str).collect();
        self.cluster.start_agent_by(&launcher);
    }

    pub(crate) fn restart_agent(&mut self) {
        self.stop_agent();
        self.start_agent();
    }

    /// Something happens, while one of the programs is away or not.
    pub(crate) fn meanwhile<T>(&mut self, happens: impl FnOnce(&mut Self) -> T) -> T {
        match self.disturbance {
            Disturbance::Steady => happens(self),
            Disturbance::AgentStopped => {
                self.stop_agent();
                let result = happens(self);
                self.start_agent();
                result
            }
            Disturbance::AgentKilled => {
                self.cluster.kill_agent();
                let result = happens(self);
                self.start_agent();
                result
            }
            Disturbance::CollectorKilled => {
                self.cluster.kill_collector();
                let result = happens(self);
                self.cluster.start_collector();
                result
            }
        }
    }

    /// Something happens that the agent doesn't see happening: it is halted.
    pub(crate) fn unseen<T>(&mut self, happens: impl FnOnce(&mut Self) -> T) -> T {
        self.cluster.signal_agent(Signal::STOP);
        let result = happens(self);
        self.cluster.signal_agent(Signal::CONT);
        result
    }

    /// A file below the directory of the logs.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.logs.join(name)
    }

    /// As [`Self::path`], as text.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    /// Opens a log as daemons do, made if need be.
    pub(crate) fn open(&self, name: &str) -> File {
        File::options().create(true).append(true).open(self.path(name)).expect("writable")
    }

    /// The next lines of a writer; the collector must have them in the end.
    pub(crate) fn lines(&mut self, writer: &str, count: u64) -> String {
        let written = self.written.entry(writer.to_owned()).or_default();
        let first = *written + 1;
        *written += count;
        (first..first + count).map(|number| line(writer, number) + "\n").collect()
    }

    /// Appends the next lines of a writer to a file, in one write.
    pub(crate) fn append(&mut self, name: &str, writer: &str, count: u64) {
        let text = self.lines(writer, count);
        self.open(name).write_all(text.as_bytes()).expect("writable");
    }

    /// What the writer writes from now on stands in another file, which may be read before the old one.
    pub(crate) fn another_file(&mut self, writer: &str) {
        let written = self.written.get(writer).copied().unwrap_or_default();
        self.files.entry(writer.to_owned()).or_default().push(written);
    }

    /// Appends bytes that no account is kept of.
    pub(crate) fn append_bytes(&self, name: &str, bytes: impl AsRef<[u8]>) {
        self.open(name).write_all(bytes.as_ref()).expect("writable");
    }

    /// The collector must have this message, too.
    pub(crate) fn expect(&mut self, message: impl Into<String>) {
        *self.others.entry(message.into()).or_default() += 1;
    }

    /// The last lines of a writer were lost, as they had to be.
    pub(crate) fn forgive(&mut self, writer: &str, count: u64) {
        *self.written.get_mut(writer).expect("it has written") -= count;
    }

    /// Documents that the collector must have.
    pub(crate) fn expected(&self) -> u64 {
        self.written.values().sum::<u64>() + self.others.values().sum::<u64>() + self.sentinels
    }

    /// Waits until everything is there, then until a file that appears only now is: with it, everything that
    /// the agent was to find has been found. Then each line must be there once, and in order.
    pub(crate) fn verify(&mut self) {
        self.await_all();
        self.await_sentinel();
        self.account();
    }

    /// Waits until as many documents are there as there should be; as long as more come, that may take time.
    pub(crate) fn await_all(&self) {
        let (client, expected) = (self.cluster.client(), self.expected());
        let mut latest = None;
        while latest < Some(expected) {
            let what = format!("more than {latest:?} of {expected} documents");
            latest = eventually(&what, PATIENCE, || Some(client.count("")).filter(|count| *count > latest));
        }
    }

    /// Waits until the agent has found, read and delivered a file that is made now.
    pub(crate) fn await_sentinel(&mut self) {
        self.sentinels += 1;
        let name = format!("sentinel{:04}", self.sentinels);
        fs::write(self.path(format!("sentinel.{}", self.sentinels)), format!("{name}\n")).expect("writable");
        let client = self.cluster.client();
        eventually("a new file", PATIENCE, || client.count(&name).filter(|count| *count == 1));
    }

    /// Time passes; what happens in it is what the scenario is about.
    pub(crate) fn pause(&self, pause: Duration) {
        let end = std::time::Instant::now() + pause;
        while let Some(left) =
            end.checked_duration_since(std::time::Instant::now()).filter(|left| !left.is_zero())
        {
            std::thread::park_timeout(left);
        }
    }

    /// Every document but sentinels, in the collector's order.
    pub(crate) fn documents(&self) -> Vec<Value> {
        let mut documents = self.cluster.client().all("");
        documents.retain(|document| !message(document).starts_with("sentinel"));
        documents
    }

    /// All messages of one file, in the collector's order.
    pub(crate) fn messages_of(&self, name: &str) -> Vec<String> {
        let path = self.text(name);
        let documents = self.documents().into_iter();
        let of_file = documents.filter(|document| document["log.file.path"] == path.as_str());
        of_file.map(|document| message(&document).to_owned()).collect()
    }

    /// Waits until this many documents match.
    pub(crate) fn await_count(&self, query: &str, expected: u64) {
        let client = self.cluster.client();
        let what = format!("{expected} documents of `{query}`");
        eventually(&what, PATIENCE, || client.count(query).filter(|count| *count >= expected));
    }

    /// Holds the account against everything that the collector has.
    pub(crate) fn account(&self) {
        let mut found: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        let mut others = self.others.clone();
        let documents = self.documents();
        for document in &documents {
            let message = message(document);
            let written = writer_and_number(message).filter(|(writer, _)| self.written.contains_key(*writer));
            match (others.get_mut(message), written) {
                (Some(count), _) if *count > 0 => *count -= 1,
                (_, Some((writer, number))) => {
                    assert_eq!(message, line(writer, number), "a line is as it was written");
                    found.entry(writer).or_default().push(number);
                }
                _ => panic!("nobody wrote {document}"),
            }
        }
        for (writer, count) in &self.written {
            let mut numbers = found.remove(writer.as_str()).unwrap_or_default();
            // By file, in the order in which they were written; within a file as they came.
            let files = self.files.get(writer).map(Vec::as_slice).unwrap_or_default();
            numbers.sort_by_key(|number| files.partition_point(|last| last < number));
            assert!(numbers.iter().copied().eq(1..=*count), "of {writer}: {}", difference(&numbers, *count));
        }
        others.retain(|_, count| *count > 0);
        assert!(others.is_empty(), "these are missing: {others:?}");
    }

    /// A counter of the agent, as it last wrote it.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        let status = self.cluster.agent_status();
        status["counters"][name].as_u64().unwrap_or_else(|| panic!("no counter {name} in {status}"))
    }

    /// Stops the agent in order, so that its counters are final.
    pub(crate) fn stop_agent(&mut self) {
        // A signal that comes before it listens to signals just ends it.
        let has_begun = || (self.logged(" started ") > self.begun).then_some(());
        eventually("the agent has begun", PATIENCE, has_begun);
        assert!(self.cluster.stop_agent(), "the agent stops in order");
    }

    /// Lines of the agent's log with this text.
    pub(crate) fn logged(&self, text: &str) -> usize {
        self.cluster.log("agent.log").lines().filter(|line| line.contains(text)).count()
    }
}

/// Line `number` of a writer.
pub(crate) fn line(writer: &str, number: u64) -> String {
    let noise = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{writer} {number:07} order {noise:016x} was handled by the worker")
}

/// Whose line it is, and which.
pub(crate) fn writer_and_number(message: &str) -> Option<(&str, u64)> {
    let mut words = message.split(' ');
    Some((words.next()?, words.next()?.parse().ok()?))
}

pub(crate) fn message(document: &Value) -> &str {
    document["message"].as_str().unwrap_or_default()
}

fn difference(numbers: &[u64], count: u64) -> String {
    let mut seen = BTreeMap::new();
    for number in numbers {
        *seen.entry(*number).or_insert(0) += 1;
    }
    let missing: Vec<u64> = (1..=count).filter(|number| !seen.contains_key(number)).collect();
    let repeated: Vec<u64> =
        seen.iter().filter(|(_, times)| **times > 1).map(|(number, _)| *number).collect();
    let turned = numbers.windows(2).position(|pair| pair[0] > pair[1]);
    let head = |list: &[u64]| list.iter().take(5).copied().collect::<Vec<_>>();
    format!(
        "{} of {count} lines are missing ({:?} …), {} are repeated ({:?} …), the order turns at {:?}",
        missing.len(),
        head(&missing),
        repeated.len(),
        head(&repeated),
        turned.map(|at| (numbers[at], numbers[at + 1]))
    )
}

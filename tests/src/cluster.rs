//! A collector and an agent as real processes, with everything they own in one temporary directory.
//! Set `MILLPOND_KEEP=1` to keep the directory of a failed test; its path is printed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use serde_json::Value;

use crate::client::Client;
use crate::eventually;
use crate::faults::Fault;

const START_LIMIT: Duration = Duration::from_secs(60);
/// Where ports of tests begin, and how many there are.
const FIRST_PORT: u32 = 12_000;
const PORTS: u32 = 20_000;
/// Most bytes of a program's log that are looked at; a test may put a device in its place.
const LOG_BYTES_MAX: u64 = 16 << 20;
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// The programs under test. Dropping it kills them.
pub struct Cluster {
    dir: PathBuf,
    _temporary: Option<tempfile::TempDir>,
    http: String,
    ingest: String,
    collector: Option<Child>,
    agent: Option<Child>,
}

impl Default for Cluster {
    fn default() -> Self {
        Self::new()
    }
}

impl Cluster {
    /// An initialised collector that does not run yet, on free ports.
    pub fn new() -> Self {
        let temporary =
            tempfile::Builder::new().prefix("millpond-").tempdir().expect("a temporary directory");
        let dir = temporary.path().to_owned();
        let keep = std::env::var_os("MILLPOND_KEEP").is_some();
        let temporary = if keep {
            eprintln!("kept: {}", temporary.keep().display());
            None
        } else {
            Some(temporary)
        };
        let cluster = Self {
            http: free_address(),
            ingest: free_address(),
            dir,
            _temporary: temporary,
            collector: None,
            agent: None,
        };
        cluster.collector_command(&["init", "--data-dir", &cluster.path("collector")]);
        cluster.edit_config("collector/collector.toml", "127.0.0.1:7500", &cluster.http);
        cluster.edit_config("collector/collector.toml", "0.0.0.0:7514", &cluster.ingest);
        cluster
    }

    /// A path in the directory of this cluster.
    pub fn path(&self, name: &str) -> String {
        self.dir.join(name).to_string_lossy().into_owned()
    }

    /// Address of the page and the API.
    pub fn http_address(&self) -> &str {
        &self.http
    }

    /// Address of the agents' port.
    pub fn ingest_address(&self) -> &str {
        &self.ingest
    }

    /// A client of the API.
    pub fn client(&self) -> Client {
        Client::new(&self.http)
    }

    /// Replaces text in a configuration file; panics if it is not there.
    pub fn edit_config(&self, name: &str, from: &str, to: &str) {
        let path = self.path(name);
        let text = fs::read_to_string(&path).expect("a configuration file");
        assert!(text.contains(from), "`{from}` is not in {path}");
        fs::write(path, text.replace(from, to)).expect("a writable configuration file");
    }

    /// Starts the collector and waits until it is ready.
    pub fn start_collector(&mut self) {
        self.start_collector_until("/-/ready");
    }

    /// Starts the collector and waits until it answers; it need not take anything in.
    pub fn start_collector_anyway(&mut self) {
        self.start_collector_until("/-/healthy");
    }

    /// Starts the collector and waits for nothing.
    pub fn spawn_collector(&mut self) {
        let config = self.path("collector/collector.toml");
        let child = self.spawn("millpond-collector", &["run", "--config", &config], "collector.log");
        self.collector = Some(child);
    }

    fn start_collector_until(&mut self, probe: &str) {
        self.spawn_collector();
        let client = self.client();
        eventually("the collector is ready", START_LIMIT, || {
            let ended = self.collector.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none(), "the collector ended: {}", self.log("collector.log"));
            client.try_get(probe, &[]).filter(|reply| reply.status == 200)
        });
    }

    /// Starts the collector under a tracer that makes system calls fail, and says whether it became
    /// ready: it may also end with an error.
    pub fn start_collector_with(&mut self, fault: &Fault, paths: &[String]) -> bool {
        let config = self.path("collector/collector.toml");
        let mut command = fault.launch(&self.path("strace.log"), paths);
        command.arg(program("millpond-collector")).args(["run", "--config", &config]);
        self.collector = Some(self.spawn_logged(command, "collector.log"));
        let client = self.client();
        eventually("the collector is ready or ends", START_LIMIT, || {
            let ended = self.collector.as_mut().and_then(|child| child.try_wait().ok().flatten());
            let ready = || client.try_get("/-/ready", &[]).filter(|reply| reply.status == 200);
            if ended.is_some() { Some(false) } else { ready().map(|_| true) }
        })
    }

    /// Starts the agent; enrols it first if it has no identity. It tails `include` (a glob).
    pub fn start_agent(&mut self, include: &str) {
        if !Path::new(&self.path("agent/agent.toml")).exists() {
            self.enroll_agent(include);
        }
        self.start_agent_by(&[]);
    }

    /// Gives the agent its identity and a configuration by which it tails `include` (a glob).
    pub fn enroll_agent(&self, include: &str) {
        let (token, dir) = (self.join_token(), self.path("agent"));
        self.agent_command(&["enroll", "--data-dir", &dir, "--token", &token, "--logs", include]);
    }

    /// Starts an enrolled agent as the last arguments of another program, which must become it: signals
    /// go to the process that is spawned here.
    pub fn start_agent_by(&mut self, launcher: &[&str]) {
        let agent = program("millpond-agent").into_os_string();
        let mut words = launcher.iter().map(OsString::from).chain([agent]);
        let mut command = Command::new(words.next().expect("at least the agent"));
        command.args(words).args(["run", "--config", &self.path("agent/agent.toml")]);
        self.agent = Some(self.spawn_logged(command, "agent.log"));
    }

    /// Starts an enrolled agent under a tracer that makes its system calls fail.
    pub fn start_agent_with(&mut self, fault: &Fault, paths: &[String]) {
        let mut command = fault.launch(&self.path("strace.log"), paths);
        command.arg(program("millpond-agent")).args(["run", "--config", &self.path("agent/agent.toml")]);
        self.agent = Some(self.spawn_logged(command, "agent.log"));
    }

    /// Sends a signal to the running agent.
    pub fn signal_agent(&self, with: Signal) {
        signal(self.agent.as_ref().expect("a running agent"), with);
    }

    /// Waits until the agent has ended by itself; its exit code.
    pub fn await_agent(&mut self) -> Option<i32> {
        let mut child = self.agent.take()?;
        eventually("the agent ends", STOP_LIMIT, || child.try_wait().ok().flatten()).code()
    }

    /// True while the agent runs.
    pub fn agent_runs(&mut self) -> bool {
        self.agent.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|ended| ended.is_none()))
    }

    /// Process id of the running agent.
    pub fn agent_pid(&self) -> Option<u32> {
        self.agent.as_ref().map(Child::id)
    }

    /// What the agent last wrote of itself; `Null` before that.
    pub fn agent_status(&self) -> Value {
        let text = fs::read_to_string(self.path("agent/status.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// As [`Self::enroll_agent`], with a configuration of these sections alone.
    pub fn enroll_agent_with(&self, sections: &str) {
        let token = self.join_token();
        self.agent_command(&["enroll", "--data-dir", &self.path("agent"), "--token", &token]);
        let path = self.path("agent/agent.toml");
        let text = format!("[collector]\naddress = \"{}\"\n{sections}", self.ingest);
        fs::write(path, text).expect("a writable configuration file");
    }

    /// The agent as a program, for a test that gives it an input of its own.
    pub fn agent_program(&self) -> Command {
        let mut command = Command::new(program("millpond-agent"));
        command.args(["run", "--config", &self.path("agent/agent.toml")]);
        command
    }

    /// A fresh join token.
    pub fn join_token(&self) -> String {
        let config = self.path("collector/collector.toml");
        let printed = self.collector_command(&["enroll", "--config", &config, "--address", &self.ingest]);
        printed.trim().to_owned()
    }

    /// SIGKILL to the collector.
    pub fn kill_collector(&mut self) {
        kill(&mut self.collector);
    }

    /// SIGKILL to the agent.
    pub fn kill_agent(&mut self) {
        kill(&mut self.agent);
    }

    /// SIGTERM to the collector; waits for its end and says whether it was orderly.
    pub fn stop_collector(&mut self) -> bool {
        terminate(&mut self.collector)
    }

    /// SIGTERM to the collector, and SIGKILL if it has not ended after `limit`; says whether it ended in
    /// order.
    pub fn stop_or_kill_collector(&mut self, limit: Duration) -> bool {
        let Some(mut child) = self.collector.take() else { return false };
        signal(&child, Signal::TERM);
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = child.try_wait().expect("a child") {
                return status.success();
            }
            if Instant::now() >= deadline {
                kill(&mut Some(child));
                return false;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// SIGTERM to the agent; waits for its end and says whether it was orderly.
    pub fn stop_agent(&mut self) -> bool {
        terminate(&mut self.agent)
    }

    /// Process id of the running collector, for measurements.
    pub fn collector_pid(&self) -> Option<u32> {
        self.collector.as_ref().map(Child::id)
    }

    /// Runs the collector program to its end; panics unless it succeeds. Returns what it printed.
    pub fn collector_command(&self, arguments: &[&str]) -> String {
        succeed(Command::new(program("millpond-collector")).args(arguments))
    }

    /// Runs the collector program to its end: its exit code and everything that it printed.
    pub fn run_collector(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(program("millpond-collector")).args(arguments).output();
        let output = output.expect("the collector is built");
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        (output.status.code().unwrap_or(-1), said.concat())
    }

    /// `check` of the collector's data: exit code and findings.
    pub fn check(&self) -> (i32, String) {
        self.run_collector(&["check", "--config", &self.path("collector/collector.toml")])
    }

    /// Runs the agent program to its end; panics unless it succeeds. Returns what it printed.
    pub fn agent_command(&self, arguments: &[&str]) -> String {
        succeed(Command::new(program("millpond-agent")).args(arguments))
    }

    /// What a program has logged so far.
    pub fn log(&self, name: &str) -> String {
        let mut text = String::new();
        let read = |file: File| file.take(LOG_BYTES_MAX).read_to_string(&mut text);
        let _ = File::open(self.path(name)).and_then(read);
        text
    }

    fn spawn(&self, name: &str, arguments: &[&str], log: &str) -> Child {
        let mut command = Command::new(program(name));
        command.args(arguments);
        self.spawn_logged(command, log)
    }

    fn spawn_logged(&self, mut command: Command, log: &str) -> Child {
        let log = File::options().create(true).append(true).open(self.path(log)).expect("a log file");
        let errors = log.try_clone().expect("a second handle");
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill_agent();
        self.kill_collector();
        if std::thread::panicking() {
            for name in ["collector.log", "agent.log"] {
                let log = self.log(name);
                let lines: Vec<&str> = log.lines().collect();
                eprintln!("--- end of {name}\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
            }
        }
    }
}

/// Path of a program that cargo built beside the running test or benchmark.
///
/// # Panics
/// It is not there: cargo builds the programs of other packages only when asked.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test is a file");
    let path = test.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|path| path.exists());
    path.unwrap_or_else(|| {
        panic!("{name} is not built: run `cargo build --workspace --bins`, or `make test`")
    })
}

/// An address on loopback that nobody listens on. Its port is below those that systems give to connections
/// (from 32,768 on): a collector that is down must find it free when it is started again.
pub fn free_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes begin at different places.
    let first = std::process::id().wrapping_mul(61);
    let ports = std::iter::repeat_with(|| {
        let offset = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS;
        format!("127.0.0.1:{}", FIRST_PORT + offset)
    });
    let mut ports = ports.take(PORTS as usize);
    ports.find(|address| TcpListener::bind(address).is_ok()).expect("a free port")
}

fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn terminate(child: &mut Option<Child>) -> bool {
    child.take().is_some_and(|mut child| stop(&mut child, Signal::TERM))
}

/// Sends a signal and waits for the end; says whether it was orderly.
pub fn stop(child: &mut Child, with: Signal) -> bool {
    signal(child, with);
    eventually("the process ends after a signal", STOP_LIMIT, || child.try_wait().ok().flatten()).success()
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("a running process");
}

fn succeed(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

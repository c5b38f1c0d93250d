//! What the operating system knows of a process: CPU time, memory, files. Linux's `/proc` only.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::corpus::Corpus;

/// `sysconf(_SC_CLK_TCK)` on every Linux that matters.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time of a process so far.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a running process");
    let after_name = stat.rsplit(") ").next().expect("a process name");
    let field = |index: usize| -> f64 {
        after_name.split(' ').nth(index).and_then(|text| text.parse().ok()).expect("a number of ticks")
    };
    (field(11) + field(12)) / TICKS_PER_SECOND
}

/// The most memory that a process has had resident.
pub(crate) fn peak_memory_bytes(pid: u32) -> u64 {
    memory_bytes(pid, "VmHWM:")
}

/// The memory that a process has resident now.
pub(crate) fn resident_memory_bytes(pid: u32) -> u64 {
    memory_bytes(pid, "VmRSS:")
}

fn memory_bytes(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a figure of memory");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
}

/// Bytes of all files below a directory, as allocated on disk.
pub(crate) fn disk_bytes(dir: &str) -> u64 {
    fn walk(path: &Path) -> u64 {
        use std::os::unix::fs::MetadataExt;
        let Ok(entries) = fs::read_dir(path) else { return 0 };
        let entries = entries.flatten().map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => walk(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            Err(_) => 0,
        });
        entries.sum()
    }
    walk(Path::new(dir))
}

/// CPU seconds of `gzip -6` for each MB of the corpus: how fast this machine is.
pub(crate) fn gzip_cpu_seconds_per_mb(corpus: &mut Corpus) -> f64 {
    let script = "TIMEFORMAT='%U %S'; time gzip -6 -c >/dev/null";
    let mut child = Command::new("bash")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("bash and gzip are there");
    let mut to = child.stdin.take().expect("a pipe");
    let mut bytes = 0;
    loop {
        let body = corpus.next_body(1 << 20);
        bytes += body.len();
        if body.is_empty() {
            break;
        }
        to.write_all(&body).expect("gzip reads all");
    }
    drop(to);
    let output = child.wait_with_output().expect("gzip ends");
    let times = String::from_utf8_lossy(&output.stderr);
    let seconds: f64 = times.split_whitespace().filter_map(|text| text.parse::<f64>().ok()).sum();
    seconds / (bytes as f64 / 1e6)
}

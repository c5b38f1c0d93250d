//! What can't be read again (syslog, standard input, the journal's stream) is written to a small spool on disk
//! first. Its segments are files of lines that the tailer follows like any other, with the same positions and the
//! same exactly-once; when the collector has all of a segment that isn't the newest, it is deleted.
//!
//! Here is the writing side: [`Writer`] takes chunks of lines from a bounded queue. It is an ordinary task, and each
//! write or sync is a short visit to the runtime's pool of blocking threads, so that a slow disk holds up neither
//! the network nor another input, and an idle input has no thread.

pub mod line;
pub mod segments;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until};

use self::segments::Segments;
use crate::limits;
use crate::mailbox::Mailbox;
use crate::metrics::Counters;
use crate::watch::Hint;

/// Of all spools, in the agent's directory.
const DIRECTORY: &str = "spool";

/// Where an input's spool lies in the agent's directory.
pub fn directory(data_dir: &Path, input: &str) -> PathBuf {
    data_dir.join(DIRECTORY).join(input)
}

/// Spools that hold something and belong to none of these inputs, with their bytes.
pub fn left_over(data_dir: &Path, inputs: &[&str]) -> Vec<(PathBuf, u64)> {
    // Mostly it isn't there: no agent without inputs has one.
    let Ok(entries) = fs::read_dir(data_dir.join(DIRECTORY)) else { return Vec::new() };
    let of_none = |entry: &fs::DirEntry| !inputs.iter().any(|input| *entry.file_name() == **input);
    let held = |entry: fs::DirEntry| {
        let segments = segments::numbered(&entry.path()).ok()?.into_iter();
        let bytes = segments.filter_map(|(_, path)| fs::metadata(path).ok()).map(|file| file.len()).sum();
        (bytes > 0).then(|| (entry.path(), bytes))
    };
    entries.flatten().filter(of_none).filter_map(held).collect()
}

/// See the module.
#[derive(Debug)]
pub struct Writer {
    input: String,
    segments: Arc<Mutex<Segments>>,
    mailbox: Arc<Mailbox>,
    counters: Arc<Counters>,
}

impl Writer {
    /// Of this input.
    pub fn new(input: &str, segments: Segments, mailbox: Arc<Mailbox>, counters: Arc<Counters>) -> Self {
        Self { input: input.to_owned(), segments: Arc::new(Mutex::new(segments)), mailbox, counters }
    }

    /// Writes what comes until all senders are gone, and makes it durable about once a second. While the spool or the
    /// disk is full it waits, the queue fills, and senders wait or drop, each as it must.
    pub async fn run(self, mut queue: mpsc::Receiver<Bytes>) {
        let mut sync_due = None;
        loop {
            let idle = std::future::pending::<()>();
            let due = async {
                match sync_due {
                    Some(due) => sleep_until(due).await,
                    None => idle.await,
                }
            };
            tokio::select! {
                biased;
                () = due => {
                    self.sync().await;
                    sync_due = None;
                }
                chunk = queue.recv() => match chunk {
                    Some(chunk) => {
                        self.write(chunk).await;
                        let second = Duration::from_millis(limits::SPOOL_SYNC_MS);
                        sync_due.get_or_insert_with(|| Instant::now() + second);
                    }
                    None => break,
                },
            }
        }
        self.sync().await;
    }

    /// Writes a chunk, however long it takes.
    async fn write(&self, mut chunk: Bytes) {
        let mut waits: u64 = 0;
        loop {
            let lines = chunk.clone();
            let append = move |segments: &mut Segments| {
                let mut left = &lines[..];
                let result = segments.append(&mut left);
                (result, left.len(), segments.path().map(Path::to_owned))
            };
            let (result, left, path) = self.on_disk(append).await;
            let written = chunk.len() - left;
            drop(chunk.split_to(written));
            if let Some(path) = path.filter(|_| written > 0) {
                self.mailbox.hint(Hint::Data(path));
            }
            let Err(error) = result else { break };
            waits += 1;
            self.counters.spool_waits.increment();
            // Said at once, then ever more rarely.
            if waits.is_power_of_two() {
                tracing::warn!(input = self.input, %error, waits, "takes nothing in for the moment");
            }
            sleep(Duration::from_millis(limits::SPOOL_RETRY_MS)).await;
        }
        if waits > 0 {
            tracing::info!(input = self.input, "there is room in the spool again");
        }
    }

    async fn sync(&self) {
        if let Err(error) = self.on_disk(Segments::sync).await {
            self.counters.spool_errors.increment();
            tracing::error!(input = self.input, %error, "the spool can't be made durable; trying again");
        }
    }

    /// Lets a thread of the runtime's pool do it.
    async fn on_disk<T: Send + 'static>(&self, work: impl FnOnce(&mut Segments) -> T + Send + 'static) -> T {
        let segments = Arc::clone(&self.segments);
        let work = move || work(&mut segments.lock().unwrap_or_else(PoisonError::into_inner));
        match spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is ending, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spools_without_an_input_are_found() {
        let root = tempfile::tempdir().unwrap();
        let data_dir = root.path();
        assert_eq!(left_over(data_dir, &["stdin"]), []);
        for (input, text) in [("stdin", "1 17 - 0 a\n"), ("journald", "1 17 - 0 b\n"), ("syslog-udp-1", "")] {
            fs::create_dir_all(directory(data_dir, input)).unwrap();
            fs::write(directory(data_dir, input).join("00000000000000000001.log"), text).unwrap();
        }
        fs::write(data_dir.join(DIRECTORY).join("file"), "no directory").unwrap();
        assert_eq!(left_over(data_dir, &["stdin"]), [(directory(data_dir, "journald"), 11)]);
        assert_eq!(left_over(data_dir, &["stdin", "journald"]), []);
    }
}

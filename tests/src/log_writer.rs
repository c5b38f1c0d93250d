//! Writes logs as applications do: five formats, one file each, rotated by renaming or by copying and
//! truncating. Every line carries an id of its own, so that a reader can prove each arrived once.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::random::Random;

/// How a file is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// `mv x.log x.log.N`, then a new `x.log`.
    Rename,
    /// `cp x.log x.log.N`, then truncate `x.log`: logrotate's copytruncate.
    CopyTruncate,
}

type Line = fn(id: &str, random: &mut Random) -> String;

/// The formats, with the rotation that each file gets.
const KINDS: [(&str, Rotation, Line); 5] = [
    ("json", Rotation::Rename, json),
    ("access", Rotation::CopyTruncate, access),
    ("syslog", Rotation::Rename, syslog),
    ("logfmt", Rotation::CopyTruncate, logfmt),
    ("plain", Rotation::Rename, plain),
];

/// Five growing log files in one directory.
pub struct LogWriter {
    dir: PathBuf,
    random: Random,
    files: Vec<File>,
    rotations: u64,
    written: u64,
}

impl LogWriter {
    /// Creates the files in `dir`.
    ///
    /// # Errors
    /// The directory can't be written.
    pub fn new(dir: &Path, seed: u64) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let files = KINDS
            .iter()
            .map(|(name, ..)| open(&dir.join(format!("{name}.log"))))
            .collect::<io::Result<_>>()?;
        Ok(Self { dir: dir.to_owned(), random: Random::new(seed), files, rotations: 0, written: 0 })
    }

    /// Lines written so far; their ids are [`id_of`] of the numbers below.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Appends `count` lines, some to each file, in one write a line or a few.
    ///
    /// # Errors
    /// A file can't be written.
    pub fn write_lines(&mut self, count: u64) -> io::Result<()> {
        for _ in 0..count {
            let kind = self.random.below(KINDS.len() as u64) as usize;
            let mut text = KINDS[kind].2(&id_of(self.written), &mut self.random);
            text.push('\n');
            let (head, tail) = text.split_at(text.len() / 2);
            if self.random.below(20) == 0 {
                // A line that comes in two writes must wait for its end.
                self.files[kind].write_all(head.as_bytes())?;
                self.files[kind].write_all(tail.as_bytes())?;
            } else {
                self.files[kind].write_all(text.as_bytes())?;
            }
            self.written += 1;
        }
        Ok(())
    }

    /// Rotates one of the files.
    ///
    /// # Errors
    /// A file can't be moved or copied.
    pub fn rotate(&mut self) -> io::Result<()> {
        let kind = self.random.below(KINDS.len() as u64) as usize;
        let (name, rotation, _) = KINDS[kind];
        self.rotations += 1;
        let path = self.dir.join(format!("{name}.log"));
        let rotated = self.dir.join(format!("{name}.log.{}", self.rotations));
        match rotation {
            Rotation::Rename => {
                fs::rename(&path, rotated)?;
                self.files[kind] = open(&path)?;
            }
            Rotation::CopyTruncate => {
                fs::copy(&path, rotated)?;
                self.files[kind].set_len(0)?;
            }
        }
        Ok(())
    }
}

/// The word that marks line `number`, wherever its format puts it.
pub fn id_of(number: u64) -> String {
    format!("lid{number:09}")
}

/// The number of the line that a document (as JSON text) came from.
pub fn number_in(document: &str) -> Option<u64> {
    let at = document.find("lid")?;
    document.get(at + 3..at + 12)?.parse().ok()
}

fn open(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

const LEVELS: [&str; 4] = ["debug", "info", "warn", "error"];
const VERBS: [&str; 4] = ["accepted", "refused", "retried", "finished"];

fn json(id: &str, random: &mut Random) -> String {
    let (level, verb, n) = (random.pick(&LEVELS), random.pick(&VERBS), random.below(100_000));
    format!(
        r#"{{"ts":"2026-11-22T10:00:{:02}.{:06}Z","level":"{level}","msg":"{id} order {verb}","order":{{"id":{n},"tags":["a","b"]}}}}"#,
        n % 60,
        n
    )
}

fn access(id: &str, random: &mut Random) -> String {
    let n = random.below(100_000);
    format!(
        r#"10.0.{}.{} - - [22/Nov/2026:10:00:{:02} +0000] "GET /items/{n}?ref={id} HTTP/1.1" {} {n} "-" "curl/8.0""#,
        n % 250,
        n % 249,
        n % 60,
        200 + n % 5 * 75
    )
}

fn syslog(id: &str, random: &mut Random) -> String {
    let n = random.below(100_000);
    format!("Nov 22 10:00:{:02} web-{} sshd[{n}]: {id} session {}", n % 60, n % 9, random.pick(&VERBS))
}

fn logfmt(id: &str, random: &mut Random) -> String {
    let n = random.below(100_000);
    format!(
        r#"time=2026-11-22T10:00:{:02}Z level={} msg="{id} request {}" duration=1.{n} status={}"#,
        n % 60,
        random.pick(&LEVELS),
        random.pick(&VERBS),
        n % 600
    )
}

fn plain(id: &str, random: &mut Random) -> String {
    let n = random.below(100_000);
    let level = random.pick(&LEVELS).to_uppercase();
    format!(
        "2026-11-22 10:00:{:02},{:03} {level} [worker-{}] {id} step {}",
        n % 60,
        n % 1000,
        n % 7,
        random.pick(&VERBS)
    )
}

//! `check`: says what is wrong with a data directory that no collector has open. Writes nothing, so that it
//! can be run on a copy, on a read-only mount, and before anything is tried.

use std::path::PathBuf;
use std::process::ExitCode;

use millpond_store::check as store_check;
use millpond_store::check::{Finding, Severity};

use crate::config::Config;
use crate::identity::{DataDir, check as identity_check};
use crate::wal::check as wal_check;
use crate::wal::state::Numbers;

/// Exit code: something is wrong.
const WRONG: u8 = 1;
/// Exit code: it can't be checked.
const UNCHECKED: u8 = 2;

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Check {
    /// The configuration file, which names the data directory.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory itself.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
}

impl Check {
    pub(super) fn execute(self) -> ExitCode {
        match self.check() {
            Ok((findings, summary)) => {
                findings.iter().for_each(|finding| println!("{finding}"));
                let wrong = findings.iter().filter(|finding| finding.severity == Severity::Wrong).count();
                println!("{summary}");
                match wrong {
                    0 => println!("sound"),
                    wrong => println!("{wrong} wrong"),
                }
                if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(WRONG) }
            }
            Err(error) => {
                eprintln!("millpond-collector: can't check: {error}");
                ExitCode::from(UNCHECKED)
            }
        }
    }

    fn check(self) -> Result<(Vec<Finding>, String), Box<dyn std::error::Error + Send + Sync>> {
        let root = match (self.data_dir, self.config) {
            (Some(root), _) => root,
            (None, Some(config)) => Config::load(&config)?.data_dir,
            (None, None) => return Err("give --config or --data-dir".into()),
        };
        let dir = DataDir::new(root);
        let mut findings = strangers(&dir).map_err(|error| format!("{}: {error}", dir.root().display()))?;
        let _lock = dir.keep_out()?;
        findings.extend(identity_check::check(&dir));
        let (has_store, has_wal) = (dir.store().exists(), dir.wal().exists());
        let mut store = store_check::Checked::default();
        if has_store {
            store = store_check::check(&dir.store())?;
            findings.append(&mut store.findings);
        } else if has_wal {
            findings.push(Finding::wrong(&dir.store(), "the store is missing, and there is a log"));
        }
        let mut log = wal_check::Checked::default();
        if has_wal {
            let known = Numbers { sequence: store.wal_upto, document: store.next_sequence };
            log = wal_check::check(&dir.wal(), known)
                .map_err(|error| format!("{}: {error}", dir.wal().display()))?;
            findings.append(&mut log.findings);
        } else if store.wal_upto > 0 {
            findings.push(Finding::wrong(
                &dir.wal(),
                "the log is missing, and with it the positions of agents: what they send again will be there \
                 twice",
            ));
        }
        let summary = format!(
            "checked: {} segments of the log with {} requests, {} splits with {} documents",
            log.segments, log.records, store.splits, store.documents
        );
        Ok((findings, summary))
    }
}

/// What lies in a data directory and is nothing of a collector's: it does no harm there.
fn strangers(dir: &DataDir) -> std::io::Result<Vec<Finding>> {
    let known = [
        dir.config(),
        dir.identity(),
        dir.tokens(),
        dir.agents(),
        dir.revoked(),
        dir.seen(),
        dir.wal(),
        dir.store(),
        dir.lock(),
    ];
    let entries = std::fs::read_dir(dir.root())?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<std::io::Result<Vec<_>>>()?;
    paths.retain(|path| !known.contains(path));
    paths.sort();
    Ok(paths.iter().map(|path| Finding::note(path, "it is nothing of a collector's")).collect())
}

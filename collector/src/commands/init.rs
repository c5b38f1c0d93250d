//! `init`: makes a data directory, once.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use crate::clock::now_ns;
use crate::config::DEFAULT_TEXT;
use crate::identity::{Authority, DataDir};

#[derive(Debug, clap::Args)]
pub(super) struct Init {
    /// Where everything is to be kept. It is made; there must be no collector in it.
    #[arg(long, value_name = "FOLDER")]
    data_dir: PathBuf,
    /// A further DNS name or address of this collector, for its certificate. Agents do not need it.
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
}

impl Init {
    pub(super) fn execute(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let dir = DataDir::new(&self.data_dir);
        let mut names = self.name;
        names.extend(host_name());
        let now_s = u64::try_from(now_ns() / 1_000_000_000).unwrap_or_default();
        Authority::create(&dir, &names, now_s)?;
        let path = dir.config();
        // Last, so that a directory with a configuration is complete.
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        file.write_all(DEFAULT_TEXT.as_bytes())?;
        file.sync_all()?;
        println!("made {}", path.display());
        println!("start with: millpond-collector run --config {}", path.display());
        Ok(())
    }
}

/// This host's name, if a certificate can carry it.
fn host_name() -> Option<String> {
    let name = hostname::get().ok()?.into_string().ok()?;
    let is_dns = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    (is_dns && !name.is_empty()).then_some(name)
}

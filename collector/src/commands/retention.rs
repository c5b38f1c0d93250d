//! `retention --dry-run`: says which splits would go under the configured policy. It reads the manifest alone
//! and changes nothing, beside a running collector as well.

use std::fmt::Write;
use std::time::Duration;

use millpond_store::log_store::RetentionPolicy;
use millpond_store::retention::{Expiring, Preview, Reason, preview};
use millpond_wire::batch::write_rfc3339;

use super::ConfigArgument;
use crate::clock::now_ns;
use crate::config::Config;
use crate::identity::DataDir;

#[derive(Debug, clap::Args)]
pub(super) struct Retention {
    #[command(flatten)]
    config: ConfigArgument,
    /// Says what would go, and changes nothing. Required: retention itself runs in the collector.
    #[arg(long)]
    dry_run: bool,
}

impl Retention {
    pub(super) fn execute(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if !self.dry_run {
            return Err("retention runs by itself, in the running collector, every minute; \
                        --dry-run says what it would remove now"
                .into());
        }
        let config = Config::load(&self.config.config)?;
        let dir = DataDir::new(&config.data_dir);
        // Without it, a wrong data directory would look like an empty store.
        if !dir.root().exists() {
            return Err(format!("{} is not there ([storage] data_dir)", dir.root().display()).into());
        }
        let preview = preview(&dir.store(), config.retention, now_ns())?;
        print!("{}", report(&preview, config.retention));
        Ok(())
    }
}

/// One line a split and one for all of them.
fn report(preview: &Preview, policy: RetentionPolicy) -> String {
    let mut text = String::new();
    for split in &preview.expiring {
        line(split, policy, &mut text);
    }
    let sum = |of: fn(&Expiring) -> u64| preview.expiring.iter().map(of).sum::<u64>();
    let (documents, bytes) = (sum(|split| split.documents), sum(|split| split.bytes));
    // Writing to a String can't fail, here and below.
    let _ = writeln!(
        text,
        "total: {} of {} splits would go, {documents} documents, {bytes} of {} bytes",
        preview.expiring.len(),
        preview.splits,
        preview.bytes,
    );
    text
}

fn line(split: &Expiring, policy: RetentionPolicy, text: &mut String) {
    let reason = match (split.reason, policy) {
        (Reason::Age, RetentionPolicy { age_max: Some(age), .. }) => {
            format!("age: its last document arrived {}, max_age is {}", time(split.arrived_ns), duration(age))
        }
        (Reason::Bytes, RetentionPolicy { bytes_max: Some(bytes), .. }) => {
            format!("bytes: the oldest that is left, max_bytes is {bytes}")
        }
        // A reason without its limit: the policy is not the one of the preview.
        (reason, _) => format!("{reason:?}"),
    };
    let Expiring { id, documents, bytes, min_ns, max_ns, .. } = *split;
    let (oldest, newest) = (time(min_ns), time(max_ns));
    let _ = writeln!(text, "{id:016x}: {oldest} to {newest}, {documents} documents, {bytes} bytes; {reason}");
}

fn time(ns: i64) -> String {
    let mut text = Vec::new();
    write_rfc3339(ns, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// A duration as the configuration may have it, in its largest whole unit.
fn duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let whole = units.into_iter().find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{millis}ms"), |(name, unit)| format!("{}{name}", millis / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_time_documents_bytes_and_reason() {
        let split = |id, reason| Expiring {
            id,
            documents: 10,
            bytes: 500,
            min_ns: 0,
            max_ns: 1_000_000_000,
            arrived_ns: 86_400_000_000_000,
            reason,
        };
        let expiring = vec![split(1, Reason::Age), split(0x2a, Reason::Bytes)];
        let preview = Preview { expiring, splits: 5, bytes: 9000 };
        let age_max = Some(Duration::from_secs(30 * 86_400));
        let policy = RetentionPolicy { age_max, bytes_max: Some(7_000) };
        assert_eq!(
            report(&preview, policy),
            "0000000000000001: 1970-01-01T00:00:00Z to 1970-01-01T00:00:01Z, 10 documents, 500 bytes; age: its \
             last document arrived 1970-01-02T00:00:00Z, max_age is 30d\n\
             000000000000002a: 1970-01-01T00:00:00Z to 1970-01-01T00:00:01Z, 10 documents, 500 bytes; bytes: the \
             oldest that is left, max_bytes is 7000\n\
             total: 2 of 5 splits would go, 20 documents, 1000 of 9000 bytes\n"
        );
    }

    #[test]
    fn durations_take_their_largest_whole_unit() {
        for (millis, expected) in
            [(0, "0ms"), (1, "1ms"), (1000, "1s"), (90_000, "90s"), (7_200_000, "2h"), (86_400_000, "1d")]
        {
            assert_eq!(duration(Duration::from_millis(millis)), expected);
        }
    }
}

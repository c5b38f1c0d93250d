//! `agents`: who there is, and who is kept out. Reads and writes the files that a running collector looks at with
//! every request, so that what is done here holds within seconds and needs no restart.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Subcommand;
use millpond_wire::identity::AgentId;

use crate::agents::{Seen, Shown};
use crate::clock::now_ns;
use crate::config::Config;
use crate::identity::{AgentRegistry, DataDir, Revocation, Revocations};

#[derive(Debug, clap::Args)]
pub(super) struct Agents {
    /// The configuration file, such as the collector.toml that `init` wrote.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// What to do; lists the agents if left out.
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Keeps an agent out, also one that is connected. A new enrolment with a token made with `enroll --agent ID`
    /// lets it in again, and none of its earlier certificates.
    Revoke {
        /// Its id.
        id: AgentId,
    },
    /// Takes a revocation back. Whoever has a certificate of that agent which has not ended gets in again.
    Unrevoke {
        /// Its id.
        id: AgentId,
    },
}

impl Agents {
    pub(super) fn execute(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let config = Config::load(&self.config.ok_or("give --config <FILE>")?)?;
        let dir = DataDir::new(&config.data_dir);
        let (revocations, seen) = (Revocations::new(dir.revoked()), Seen::load(&dir.seen()));
        let mut known: BTreeSet<AgentId> = AgentRegistry::new(dir.agents()).all()?.into_iter().collect();
        known.extend(seen.all());
        match self.action {
            None => {
                known.extend(revocations.all()?);
                let now_s = now_ns() / 1_000_000_000;
                let heads =
                    ["AGENT", "CERTIFICATE", "ENDS", "LAST SEEN", "CONNECTED", "STATE"].map(String::from);
                let rows = known.iter().map(|id| Ok(row(id, seen.of(id), revocations.of(id)?, now_s)));
                let rows: Result<Vec<_>, Box<dyn std::error::Error + Send + Sync>> =
                    std::iter::once(Ok(heads)).chain(rows).collect();
                print!("{}", table(&rows?));
            }
            Some(Action::Revoke { id }) if known.contains(&id) => {
                revocations.revoke(&id)?;
                println!("revoked {id}: it is turned out within seconds");
            }
            Some(Action::Unrevoke { id }) if revocations.unrevoke(&id)? => {
                println!("{id} is let in again");
            }
            Some(Action::Revoke { id }) => return Err(format!("there is no agent `{id}`").into()),
            Some(Action::Unrevoke { id }) => return Err(format!("`{id}` is not revoked").into()),
        }
        Ok(())
    }
}

/// What is known of an agent, in words.
fn row(id: &AgentId, shown: Option<Shown>, revocation: Option<Revocation>, now_s: i64) -> [String; 6] {
    // An agent that was not here since it was revoked might have any certificate.
    let start_s = shown.as_ref().map_or(i64::MIN, |shown| shown.start_s);
    let state = match (&revocation, &shown) {
        (Some(revocation), _) if revocation.covers(start_s) => "revoked",
        (_, Some(shown)) if shown.end_s < now_s => "ended",
        (_, Some(_)) => "good",
        (_, None) => "never seen",
    };
    let [serial, ends, seen, connected] = match shown {
        Some(shown) => {
            let connected = if shown.is_connected_at(now_s) { "yes" } else { "no" };
            [shown.serial, utc(shown.end_s), utc(shown.seen_s), connected.into()]
        }
        None => ["-"; 4].map(String::from),
    };
    [id.to_string(), serial, ends, seen, connected, state.into()]
}

/// Unix seconds as RFC 3339, in UTC.
fn utc(unix_s: i64) -> String {
    x509_parser::time::ASN1Time::from_timestamp(unix_s).map_or_else(
        |_| "-".into(),
        |time| {
            let time = time.to_datetime();
            let (date, clock) = (time.date(), time.time());
            format!("{date}T{:02}:{:02}:{:02}Z", clock.hour(), clock.minute(), clock.second())
        },
    )
}

/// Columns as wide as their longest cell.
fn table(rows: &[[String; 6]]) -> String {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().enumerate();
        let cells = cells.map(|(column, cell)| format!("{cell:<0$}", width(column).unwrap_or_default()));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_an_agent() {
        let shown = |start_s, end_s| {
            Some(Shown { serial: "0a".into(), start_s, end_s, seen_s: 1_800_000_000, is_connected: true })
        };
        let now_s = 1_800_000_500;
        let rows = [
            (None, None, "never seen"),
            (None, Some(Revocation::All), "revoked"),
            (None, Some(Revocation::Before(5)), "revoked"),
            (shown(9, now_s), None, "good"),
            (shown(9, now_s - 1), None, "ended"),
            (shown(9, now_s), Some(Revocation::Before(10)), "revoked"),
            (shown(9, now_s), Some(Revocation::Before(9)), "good"),
        ];
        let id: AgentId = "web".parse().unwrap();
        for (shown, revocation, expected) in rows {
            assert_eq!(row(&id, shown, revocation, now_s)[5], expected, "{revocation:?}");
        }
        let cells = row(&id, shown(0, 1_800_000_001), None, 0);
        assert_eq!(cells[..5], ["web", "0a", "2027-01-15T08:00:01Z", "2027-01-15T08:00:00Z", "yes"]);
        assert_eq!(row(&id, shown(0, 1_800_000_001), None, now_s)[4], "no");
        let long = ["a", "bb", "", "d", "e", "f"].map(String::from);
        assert_eq!(
            table(&[long, cells.map(|_| "xyz".into())]),
            "a    bb        d    e    f\nxyz  xyz  xyz  xyz  xyz  xyz\n"
        );
    }
}

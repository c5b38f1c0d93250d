//! When each agent was heard of last, and with which certificate: for people. An agent whose certificate has ended
//! can't connect any more, so whoever looks after them has to hear of it before. Nobody is let in or kept out
//! by what stands here.
//!
//! The file is a list that `millpond-collector agents` shows, one line an agent, of numbers in Unix seconds:
//!
//! ```text
//! <id> <serial number, hex> <certificate's begin> <its end> <last heard of> <1: it is connected>
//! ```
//!
//! It is written now and then and not synced; lines that are no such lines are passed over.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use millpond_wire::identity::AgentId;

use crate::limits::{CERTIFICATE_WARNING_S, CERTIFICATE_WARNING_SHARE, CONNECTED_S, SEEN_INTERVAL_S};

/// A certificate that an agent showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Serial number, hexadecimal.
    pub serial: String,
    /// Unix seconds from which on it is good.
    pub start_s: i64,
    /// Unix seconds up to which it is good.
    pub end_s: i64,
    /// When its agent was heard of last, Unix seconds.
    pub seen_s: i64,
    /// It had a connection then.
    pub is_connected: bool,
}

/// See the module. No more entries than agents that were ever enrolled: only certificates of our own CA get here.
#[derive(Debug, Default)]
pub struct Seen {
    /// Held for a few instructions a request.
    agents: Mutex<Agents>,
}

#[derive(Debug, Default)]
struct Agents {
    last: HashMap<AgentId, Shown>,
    /// Connections that are open, of those that have any.
    open: HashMap<AgentId, u32>,
    /// Since it was written.
    has_changed: bool,
}

impl Seen {
    /// Reads the file; what can't be read is forgotten.
    pub fn load(path: &Path) -> Self {
        let text = std::fs::read(path).unwrap_or_default();
        let last = String::from_utf8_lossy(&text).lines().filter_map(parse).collect();
        Self { agents: Mutex::new(Agents { last, ..Agents::default() }) }
    }

    /// Writes the file if there is news.
    ///
    /// # Errors
    /// It can't be written; the next call tries again.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let text = self.with(|agents| {
            let lines = agents.last.iter().map(|(agent, shown)| line(agent, shown)).collect::<String>();
            std::mem::take(&mut agents.has_changed).then_some(lines)
        });
        let Some(text) = text else { return Ok(()) };
        let new = path.with_extension("new");
        let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path));
        if written.is_err() {
            self.with(|agents| agents.has_changed = true);
        }
        written
    }

    /// Notes what an agent connected with; [`Self::left`] follows. Returns how many whole days are left if it is time to
    /// care.
    pub(super) fn note(&self, agent: &AgentId, shown: Shown) -> Option<i64> {
        let days = shown.end_s.saturating_sub(shown.seen_s).div_euclid(86_400);
        let is_soon = shown.ends_soon(shown.seen_s);
        self.with(|agents| {
            agents.last.insert(agent.clone(), Shown { is_connected: true, ..shown });
            *agents.open.entry(agent.clone()).or_default() += 1;
            agents.has_changed = true;
        });
        is_soon.then_some(days)
    }

    /// Notes that a connection of an agent has ended.
    pub(super) fn left(&self, agent: &AgentId, now_s: i64) {
        self.with(|agents| {
            let Some(open) = agents.open.get_mut(agent) else { return };
            *open = open.saturating_sub(1);
            let is_connected = *open > 0;
            if !is_connected {
                agents.open.remove(agent);
            }
            if let Some(shown) = agents.last.get_mut(agent) {
                *shown = Shown { seen_s: now_s, is_connected, ..shown.clone() };
                agents.has_changed = true;
            }
        });
    }

    /// Notes that an agent was heard of.
    pub(super) fn touch(&self, agent: &AgentId, now_s: i64) {
        self.touch_after(agent, 1, now_s);
    }

    /// Notes that the connection of an agent that sends nothing is still open.
    pub(super) fn still_here(&self, agent: &AgentId, now_s: i64) {
        self.touch_after(agent, SEEN_INTERVAL_S, now_s);
    }

    fn touch_after(&self, agent: &AgentId, least_s: u64, now_s: i64) {
        self.with(|agents| {
            let is_old = |shown: &&mut Shown| shown.seen_s.abs_diff(now_s) >= least_s;
            if let Some(shown) = agents.last.get_mut(agent).filter(is_old) {
                shown.seen_s = now_s;
                agents.has_changed = true;
            }
        });
    }

    /// Agents whose certificate ends soon as of `now_s`, or has ended.
    pub fn expiring(&self, now_s: i64) -> u64 {
        self.with(|agents| agents.last.values().filter(|shown| shown.ends_soon(now_s)).count() as u64)
    }

    /// What is known of an agent.
    pub fn of(&self, agent: &AgentId) -> Option<Shown> {
        self.with(|agents| agents.last.get(agent).cloned())
    }

    /// Everybody who is known, in no order.
    pub fn all(&self) -> Vec<AgentId> {
        self.with(|agents| agents.last.keys().cloned().collect())
    }

    fn with<T>(&self, f: impl FnOnce(&mut Agents) -> T) -> T {
        f(&mut self.agents.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shown {
    /// It has a connection as of `now_s`, Unix seconds, by a list that may be of a collector that was killed.
    pub fn is_connected_at(&self, now_s: i64) -> bool {
        self.is_connected && now_s.saturating_sub(self.seen_s) <= CONNECTED_S
    }

    /// Less is left than [`CERTIFICATE_WARNING_S`] and than a [`CERTIFICATE_WARNING_SHARE`]th of its life.
    fn ends_soon(&self, now_s: i64) -> bool {
        let share_s = self.end_s.saturating_sub(self.start_s) / CERTIFICATE_WARNING_SHARE;
        self.end_s.saturating_sub(now_s) < CERTIFICATE_WARNING_S.min(share_s)
    }
}

fn line(agent: &AgentId, shown: &Shown) -> String {
    let Shown { serial, start_s, end_s, seen_s, is_connected } = shown;
    format!("{agent} {serial} {start_s} {end_s} {seen_s} {}\n", u8::from(*is_connected))
}

fn parse(line: &str) -> Option<(AgentId, Shown)> {
    let mut words = line.split(' ');
    let (agent, serial) = (words.next()?.parse().ok()?, words.next()?.to_owned());
    let mut number = || words.next()?.parse::<i64>().ok();
    let (start_s, end_s, seen_s) = (number()?, number()?, number()?);
    // Lists of earlier versions end here.
    let is_connected = number() == Some(1);
    Some((agent, Shown { serial, start_s, end_s, seen_s, is_connected }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn shown(start_s: i64, end_s: i64, seen_s: i64) -> Shown {
        Shown { serial: "0a1b".into(), start_s, end_s, seen_s, is_connected: false }
    }

    #[test]
    fn ends_are_counted_from_some_time_before_until_there_is_a_new_certificate() {
        let seen = Seen::default();
        let [web, db, short] = ["web", "db", "short"].map(|id| id.parse::<AgentId>().unwrap());
        assert_eq!(seen.note(&web, shown(0, 398 * DAY, 0)), None);
        assert_eq!(seen.note(&db, shown(0, 500 * DAY, 0)), None);
        // A connection may last; the end comes nearer all the same.
        let rows = [(0, 0), (368 * DAY, 0), (368 * DAY + 1, 1), (399 * DAY, 1), (600 * DAY, 2)];
        for (now_s, expected) in rows {
            assert_eq!(seen.expiring(now_s), expected, "at {now_s}");
        }
        assert_eq!(seen.note(&web, shown(0, 398 * DAY, 368 * DAY + 1)), Some(29));
        assert_eq!(seen.note(&web, shown(390 * DAY, 800 * DAY, 390 * DAY)), None, "renewed");
        assert_eq!(seen.expiring(390 * DAY), 0);
        // A short life has its own measure.
        assert_eq!(seen.note(&short, shown(390 * DAY, 398 * DAY, 396 * DAY)), None);
        assert_eq!(seen.expiring(396 * DAY + 1), 1);
    }

    #[test]
    fn an_open_connection_counts_as_seen() {
        let (seen, web) = (Seen::default(), "web".parse::<AgentId>().unwrap());
        let is_connected = |now_s| seen.of(&web).unwrap().is_connected_at(now_s);
        seen.note(&web, shown(0, DAY, 100));
        seen.note(&web, shown(0, DAY, 101));
        seen.still_here(&web, 105);
        assert_eq!(
            (seen.of(&web).unwrap().seen_s, is_connected(105)),
            (101, true),
            "not written each second"
        );
        seen.still_here(&web, 200);
        assert_eq!((seen.of(&web).unwrap().seen_s, is_connected(200)), (200, true));
        // The collector was killed, and its list stays.
        assert!(is_connected(200 + CONNECTED_S) && !is_connected(201 + CONNECTED_S));
        seen.left(&web, 210);
        assert!(is_connected(211), "the other one");
        seen.left(&web, 220);
        assert_eq!((seen.of(&web).unwrap().seen_s, is_connected(220)), (220, false));
    }

    #[test]
    fn the_list_outlives_the_program_and_damage() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("agents-seen");
        let web: AgentId = "web".parse().unwrap();
        let seen = Seen::load(&path);
        seen.touch(&web, 7);
        assert_eq!(seen.of(&web), None, "only who has shown a certificate");
        seen.save(&path).unwrap();
        assert!(!path.exists(), "no news");
        seen.note(&web, shown(1, 2, 3));
        seen.touch(&web, 9);
        seen.save(&path).unwrap();
        let mut text = std::fs::read(&path).unwrap();
        let entry = format!("{web} 0a1b 1 2 9 1\n");
        assert_eq!(String::from_utf8_lossy(&text), entry);
        text.extend(b"old 0a 1 2 9\n\xff\nNot an id 1 2 3\nshort 1 2\n\n");
        std::fs::write(&path, text).unwrap();
        let seen = Seen::load(&path);
        assert_eq!(seen.of(&web), Some(Shown { is_connected: true, ..shown(1, 2, 9) }));
        assert_eq!(seen.of(&"old".parse().unwrap()).map(|shown| shown.is_connected), Some(false));
        assert_eq!(seen.all().len(), 2);
    }
}

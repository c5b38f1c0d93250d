//! The tailer's thread: waits for mail or for time, and drives the tailer. It alone touches the files, the
//! journal and the status file, so that no read or sync of a slow disk holds up the network.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::batch::Body;
use crate::config::Config;
use crate::limits;
use crate::mailbox::{Ask, Inbox, Mailbox};
use crate::status::{Report, Shared, StatusFile};
use crate::tail::Tailer;
use crate::time::{Clock, Now};
use crate::watch::{Hint, Watch};

/// Time between two looks at files that have lost their name, in milliseconds.
const SETTLE_PERIOD_MS: u64 = 500;

/// See the module.
pub struct Worker {
    /// Owned here from now on.
    pub tailer: Tailer,
    /// Where hints come from.
    pub watch: Watch,
    /// Where answers arrive.
    pub mailbox: Arc<Mailbox>,
    /// To the shipper. Holds one batch; there is never another, since the next one goes after the answer.
    pub batches: mpsc::Sender<Body>,
    /// The clocks.
    pub clock: Clock,
    /// What has been done, and how the other parts do.
    pub shared: Shared,
    /// Where it is shown.
    pub status: StatusFile,
    /// Time between scans while directories are watched, in milliseconds.
    pub scan_ms: u64,
    /// Time without progress after which a file counts as stalled, in milliseconds.
    pub stalled_ms: u64,
}

/// When what is to be done next, on the monotonic clock.
#[derive(Debug, Default)]
struct Agenda {
    /// File system events are read not before.
    look_ms: u64,
    scan_ms: u64,
    /// Not before, so that scans don't take more than their share of the time.
    scan_earliest_ms: u64,
    settle_ms: u64,
    status_ms: u64,
    summary_ms: u64,
    watchdog_ms: u64,
    stop_ms: Option<u64>,
    /// To end when everything is acknowledged.
    is_finishing: bool,
    /// No answer will come.
    is_cut_off: bool,
}

impl Worker {
    /// Runs until it is told to stop; then waits a little for the answer to the batch in flight. Or until it is told to
    /// finish and everything is acknowledged.
    pub fn run(mut self) {
        let mut agenda = Agenda { summary_ms: limits::SUMMARY_MS, ..Agenda::default() };
        let mut patience = Duration::ZERO;
        loop {
            let mut inbox = self.wait(patience, &agenda);
            let now = self.clock.now();
            self.read_mail(&mut inbox, &mut agenda, now);
            self.look(&mut agenda, now);
            if let Some(stop_ms) = agenda.stop_ms {
                if !self.tailer.is_waiting() || agenda.is_cut_off || now.mono_ms >= stop_ms {
                    break;
                }
                patience = Duration::from_millis(stop_ms - now.mono_ms);
                continue;
            }
            let is_busy = self.step(&mut agenda, now);
            if agenda.is_finishing && !is_busy && self.tailer.is_drained() {
                break;
            }
            patience = if is_busy { Duration::ZERO } else { self.patience(&agenda) };
        }
        let now = self.clock.now();
        self.tailer.sync_journal(now);
        self.write_status(now);
        self.summarise();
    }

    /// Waits for mail and for file system events; for these only when it is time to look at them.
    fn wait(&self, patience: Duration, agenda: &Agenda) -> Inbox {
        let until_look_ms = agenda.look_ms.saturating_sub(self.clock.now().mono_ms);
        match until_look_ms {
            0 => self.mailbox.take(patience, self.watch.descriptor()),
            _ => self.mailbox.take(patience.min(Duration::from_millis(until_look_ms)), None),
        }
    }

    /// Reads file system events: the first after a rest at once, the others together with those of a while, so that
    /// a thousand files that grow don't wake the processor a thousand times. Looks keep their step: the next one comes
    /// when lines that this one has found are due.
    fn look(&mut self, agenda: &mut Agenda, now: Now) {
        if now.mono_ms < agenda.look_ms {
            return;
        }
        let mut rest_ms = None;
        self.watch.read(|hint| {
            let is_growth = matches!(hint, Hint::Data(_));
            let wanted_ms = if is_growth { limits::GATHER_MS } else { limits::GATHER_NAMES_MS };
            rest_ms = Some(rest_ms.unwrap_or(wanted_ms).min(wanted_ms));
            self.tailer.hint(hint, now);
        });
        if let Some(rest_ms) = rest_ms {
            agenda.look_ms = next_look_ms(agenda.look_ms, rest_ms, now.mono_ms);
        }
    }

    fn read_mail(&mut self, inbox: &mut Inbox, agenda: &mut Agenda, now: Now) {
        if let Some(config) = inbox.config.take() {
            self.reconfigure(*config, agenda, now);
        }
        if let Some(outcome) = &inbox.reply {
            self.tailer.reply(outcome, now);
        }
        for hint in &inbox.hints {
            self.tailer.hint(hint, now);
        }
        agenda.is_cut_off |= inbox.is_cut_off;
        for ask in inbox.asks.drain(..) {
            self.answer(ask, now);
        }
        if inbox.finish {
            agenda.is_finishing = true;
            // What was written last may not have been found yet.
            self.tailer.hint(&Hint::Scan, now);
        }
        if inbox.stop {
            agenda.stop_ms.get_or_insert(now.mono_ms + limits::STOP_MS);
        }
    }

    /// Each part takes its piece of the new configuration.
    fn reconfigure(&mut self, config: Config, agenda: &mut Agenda, now: Now) {
        self.scan_ms = config.scan_ms;
        self.stalled_ms = config.stalled_ms;
        self.tailer.reconfigure(config.tailing, now);
        agenda.scan_ms = now.mono_ms;
    }

    /// Whoever has asked may have gone away; then nobody misses the answer.
    fn answer(&mut self, ask: Ask, now: Now) {
        match ask {
            Ask::Status(sender) => drop(sender.send(self.report(now))),
            Ask::Explain(path, sender) => drop(sender.send(self.tailer.explain(&path, now))),
        }
    }

    /// Everything that is due. True when there is more to do at once.
    fn step(&mut self, agenda: &mut Agenda, now: Now) -> bool {
        let wants_scan = self.tailer.needs_scan() && now.mono_ms >= agenda.scan_earliest_ms;
        if wants_scan || now.mono_ms >= agenda.scan_ms {
            self.scan(agenda, now);
        }
        if self.tailer.has_ending_files() && now.mono_ms >= agenda.settle_ms {
            self.tailer.settle(now);
            agenda.settle_ms = now.mono_ms + SETTLE_PERIOD_MS;
        }
        let has_worked = self.tailer.work(now);
        if let Some(body) = self.tailer.take_batch(now) {
            // The shipper is gone only when the program ends; the answer never comes then.
            let _ = self.batches.try_send(body);
        }
        self.tailer.checkpoint(now);
        if now.mono_ms >= agenda.watchdog_ms {
            self.tailer.watch_over(self.shared.board.answers_anywhere(), self.stalled_ms, now);
            agenda.watchdog_ms = now.mono_ms + self.watchdog_ms();
        }
        if now.mono_ms >= agenda.status_ms {
            self.write_status(now);
            let files = self.tailer.generations().count() as u64;
            agenda.status_ms = now.mono_ms + files.clamp(limits::STATUS_MS, limits::STATUS_MS_MAX);
        }
        if now.mono_ms >= agenda.summary_ms {
            self.summarise();
            agenda.summary_ms = now.mono_ms + limits::SUMMARY_MS;
        }
        has_worked
    }

    fn scan(&mut self, agenda: &mut Agenda, now: Now) {
        // So that it is known how the files that it finds have come there.
        self.watch.read(|hint| self.tailer.hint(hint, now));
        let directories = self.tailer.scan_entering(now, &mut |directory| self.watch.enter(directory));
        if self.watch.set(&directories) {
            // What happened before in a directory that no walk has entered went unnoticed.
            self.tailer.hint(&Hint::Scan, now);
        }
        let end_ms = self.clock.now().mono_ms;
        let scan_ms = end_ms - now.mono_ms;
        let rest_ms = scan_ms.saturating_mul(limits::SCAN_SHARE).max(limits::SETTLE_MS);
        agenda.scan_earliest_ms = end_ms + rest_ms;
        // A tenth more or less, so that a thousand agents don't scan one file server in step.
        let period = match self.watch.is_complete() {
            true => {
                self.scan_ms.max(scan_ms.saturating_mul(limits::WATCHED_SCAN_SHARE).min(limits::SCAN_MS_MAX))
            }
            false => limits::POLL_MS.max(rest_ms),
        };
        agenda.scan_ms = end_ms + period - period / 10 + crate::random::number() % (period / 5 + 1);
    }

    /// Time until the next thing is due.
    fn patience(&self, agenda: &Agenda) -> Duration {
        let now_ms = self.clock.now().mono_ms;
        let scan = if self.tailer.needs_scan() { agenda.scan_earliest_ms } else { agenda.scan_ms };
        let settle = self.tailer.has_ending_files().then_some(agenda.settle_ms);
        let others = [agenda.status_ms, agenda.summary_ms, agenda.watchdog_ms].map(Some);
        let due = [Some(scan), settle, self.tailer.due_ms()].into_iter().chain(others);
        let next = due.flatten().min().unwrap_or(now_ms);
        Duration::from_millis(next.saturating_sub(now_ms))
    }

    fn watchdog_ms(&self) -> u64 {
        (self.stalled_ms / 4).clamp(1, limits::WATCHDOG_MS_MAX)
    }

    fn report(&mut self, now: Now) -> Report {
        Report::new(&self.shared, &mut self.tailer, self.stalled_ms, now)
    }

    fn write_status(&mut self, now: Now) {
        let report = self.report(now);
        self.status.write(report);
    }

    fn summarise(&self) {
        let mut text = String::new();
        for (name, value) in self.shared.counters.all() {
            if value > 0 {
                text.push_str(&format!(" {name}={value}"));
            }
        }
        let lag_bytes: u64 = self.tailer.generations().map(|(_, generation)| generation.lag_bytes()).sum();
        tracing::info!("since the start:{text} lag_bytes={lag_bytes}");
    }
}

/// The time of the look after one that was due at `look_ms` and came at `now_ms`: in step with it, unless it came at
/// the end of a rest.
fn next_look_ms(look_ms: u64, rest_ms: u64, now_ms: u64) -> u64 {
    let in_step_ms = look_ms.saturating_add(rest_ms);
    if in_step_ms > now_ms { in_step_ms } else { now_ms.saturating_add(rest_ms) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_keep_their_step() {
        for (look_ms, now_ms, expected_ms) in [
            (0, 5_000, 5_200),
            (5_200, 5_200, 5_400),
            // Late, by what a round takes.
            (5_400, 5_417, 5_600),
            (5_600, 5_799, 5_800),
            (5_600, 5_800, 6_000),
        ] {
            assert_eq!(next_look_ms(look_ms, 200, now_ms), expected_ms, "{look_ms} {now_ms}");
        }
    }
}

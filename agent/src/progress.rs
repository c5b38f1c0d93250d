//! How far a long piece of work is, as a line of text. Pure: what to show comes in, the clock too; where it is
//! shown and how often is the caller's business.

use std::fmt::Write;

/// Width of the bar itself, in characters.
const BAR_WIDTH: u64 = 24;
/// Characters that are kept of a name; the end tells most.
const NAME_CHARS_MAX: usize = 32;

/// What there is to show.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Bytes that are done with.
    pub done_bytes: u64,
    /// Bytes that there are.
    pub total_bytes: u64,
    /// Of them, those that were done with at the start.
    pub before_bytes: u64,
    /// Time since then, in milliseconds.
    pub elapsed_ms: u64,
    /// What is being worked on.
    pub name: &'a str,
}

impl Progress<'_> {
    fn percent(&self) -> u64 {
        (self.done_bytes.saturating_mul(100) / self.total_bytes.max(1)).min(100)
    }

    fn bytes_per_s(&self) -> u64 {
        let done = self.done_bytes.saturating_sub(self.before_bytes);
        done.saturating_mul(1_000) / self.elapsed_ms.max(1)
    }

    /// `None` while nothing is known of the speed.
    fn seconds_left(&self) -> Option<u64> {
        let left = self.total_bytes.saturating_sub(self.done_bytes);
        Some(self.bytes_per_s()).filter(|rate| *rate > 0).map(|rate| left.div_ceil(rate))
    }

    /// As plain text, for a log.
    pub fn line(&self) -> String {
        let (done, total) = (bytes(self.done_bytes), bytes(self.total_bytes));
        let mut line = format!("{:3} %  {done} of {total}  {}/s", self.percent(), bytes(self.bytes_per_s()));
        if let Some(seconds) = self.seconds_left().filter(|_| self.done_bytes < self.total_bytes) {
            let _ = write!(line, "  {} left", duration(seconds));
        }
        if !self.name.is_empty() {
            let _ = write!(line, "  {}", end_of(self.name));
        }
        line
    }

    /// With a bar, for a terminal.
    pub fn bar(&self) -> String {
        let filled = self.percent() * BAR_WIDTH / 100;
        let bar: String = (0..BAR_WIDTH).map(|at| if at < filled { '█' } else { '░' }).collect();
        format!("{bar} {}", self.line())
    }
}

/// A number of bytes for people.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes / 100;
    let mut unit = UNITS[0];
    for larger in UNITS.iter().skip(1).take_while(|_| bytes >= 1_000_000) {
        if tenths < 10_000 {
            break;
        }
        tenths /= 1_000;
        unit = larger;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// A number of seconds for people.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3_600, seconds / 60 % 60),
    }
}

/// Without control characters, which a terminal would obey.
fn end_of(name: &str) -> String {
    let clean: Vec<char> = name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    match clean.len().checked_sub(NAME_CHARS_MAX) {
        Some(surplus) if surplus > 0 => std::iter::once('…').chain(clean.into_iter().skip(surplus)).collect(),
        _ => clean.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_bars() {
        let progress = |done_bytes, total_bytes, elapsed_ms| Progress {
            done_bytes,
            total_bytes,
            before_bytes: 0,
            elapsed_ms,
            name: "",
        };
        for (shown, expected) in [
            (progress(0, 1_000, 0), "  0 %  0 B of 1.0 kB  0 B/s"),
            (progress(500_000, 1_000_000, 1_000), " 50 %  500.0 kB of 1.0 MB  500.0 kB/s  1 s left"),
            (progress(1_000_000, 1_000_000, 500), "100 %  1.0 MB of 1.0 MB  2.0 MB/s"),
            (progress(9, 0, 9), "100 %  9 B of 0 B  1.0 kB/s"),
            (progress(1, u64::MAX, 1_000), "  0 %  1 B of 18446744.0 TB  1 B/s  5124095576030431:00 h left"),
            (
                Progress { before_bytes: 600, name: "/l/a\n.log", ..progress(800, 1_000, 1_000) },
                " 80 %  800 B of 1.0 kB  200 B/s  1 s left  /l/a?.log",
            ),
            (
                Progress { name: "/var/log/some/long/path/to/app.log.2.gz", ..progress(1, 1, 0) },
                "100 %  1 B of 1 B  1.0 kB/s  …g/some/long/path/to/app.log.2.gz",
            ),
        ] {
            assert_eq!(shown.line(), expected);
            assert_eq!(shown.bar().chars().take_while(|c| "█░".contains(*c)).count(), 24);
        }
    }

    #[test]
    fn amounts() {
        for (amount, expected) in
            [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (999_999, "999.9 kB"), (1_500_000_000, "1.5 GB")]
        {
            assert_eq!(bytes(amount), expected);
        }
        for (seconds, expected) in [(0, "0 s"), (59, "59 s"), (61, "1:01 min"), (3_660, "1:01 h")] {
            assert_eq!(duration(seconds), expected);
        }
    }
}

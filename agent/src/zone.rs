//! The machine's time zone, for lines whose time names none.

use std::cell::Cell;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use millpond_parsers::Zone;

/// Offsets change on quarters of an hour at most.
const STEP_SECONDS: i64 = 900;

/// The zone of the system, with the latest answer kept: neighbouring lines ask the same.
#[derive(Debug)]
pub struct SystemZone {
    zone: TimeZone,
    latest: Cell<(i64, i32)>,
}

impl SystemZone {
    /// Reads the zone of the machine (`TZ`, `/etc/localtime`); UTC when there is none.
    pub fn new() -> Self {
        Self::of(TimeZone::try_system().unwrap_or(TimeZone::UTC))
    }

    fn of(zone: TimeZone) -> Self {
        Self { zone, latest: Cell::new((i64::MIN, 0)) }
    }

    /// In an overlap the earlier of the two times is meant, in a gap the time as if the clock had not been
    /// put forward (RFC 5545, section 3.3.5).
    fn look_up(&self, local_seconds: i64) -> i32 {
        let Ok(local) = Timestamp::from_second(local_seconds) else { return 0 };
        let local = TimeZone::UTC.to_datetime(local);
        let Ok(instant) = self.zone.to_ambiguous_timestamp(local).compatible() else { return 0 };
        i32::try_from(local_seconds - instant.as_second()).unwrap_or(0)
    }
}

impl Default for SystemZone {
    fn default() -> Self {
        Self::new()
    }
}

impl Zone for SystemZone {
    fn utc_offset_seconds(&self, local_seconds: i64) -> i32 {
        let step = local_seconds.div_euclid(STEP_SECONDS);
        let (latest_step, latest_offset) = self.latest.get();
        if step == latest_step {
            return latest_offset;
        }
        let offset = self.look_up(local_seconds);
        self.latest.set((step, offset));
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_follow_summer_time() {
        // Central European rules as a POSIX string: no database needed.
        let zone = SystemZone::of(TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap());
        let check = |local: &str, expected: i32| {
            let seconds = format!("{local}Z").parse::<Timestamp>().unwrap().as_second();
            assert_eq!(zone.utc_offset_seconds(seconds), expected, "{local}");
        };
        check("2026-01-10T12:00:00", 3600);
        check("2026-07-10T12:00:00", 7200);
        check("2026-03-29T01:59:59", 3600);
        check("2026-03-29T02:30:00", 3600);
        check("2026-03-29T03:00:00", 7200);
        check("2026-10-25T02:30:00", 7200);
        check("2026-10-25T03:00:00", 3600);
    }
}

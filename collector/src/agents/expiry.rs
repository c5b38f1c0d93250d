//! When the certificates of agents end. An agent whose certificate has ended can't connect any more, so
//! whoever looks after them has to hear of it before.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use millpond_wire::identity::AgentId;

use crate::limits::CERTIFICATE_WARNING_S;

/// The end of the certificate that each agent showed last, since the start. No more entries than agents
/// that were ever enrolled: only certificates of our own CA get here.
#[derive(Debug, Default)]
pub struct Expiries {
    /// Unix seconds. Held for a few instructions a connection.
    ends_s: Mutex<HashMap<AgentId, i64>>,
}

impl Expiries {
    /// Notes what an agent connected with. Returns how many whole days are left if it is time to care.
    pub(super) fn note(&self, agent: &AgentId, end_s: i64, now_s: i64) -> Option<i64> {
        self.ends_s.lock().unwrap_or_else(PoisonError::into_inner).insert(agent.clone(), end_s);
        is_soon(end_s, now_s).then(|| end_s.saturating_sub(now_s).div_euclid(86_400))
    }

    /// Agents whose certificate ends within [`CERTIFICATE_WARNING_S`] of `now_s`, or has ended.
    pub fn expiring(&self, now_s: i64) -> u64 {
        let ends_s = self.ends_s.lock().unwrap_or_else(PoisonError::into_inner);
        ends_s.values().filter(|end_s| is_soon(**end_s, now_s)).count() as u64
    }
}

fn is_soon(end_s: i64, now_s: i64) -> bool {
    end_s.saturating_sub(now_s) < CERTIFICATE_WARNING_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_counted_from_thirty_days_before_until_there_is_a_new_certificate() {
        const DAY: i64 = 86_400;
        let expiries = Expiries::default();
        let [web, db] = ["web", "db"].map(|id| id.parse::<AgentId>().unwrap());
        assert_eq!(expiries.note(&web, 398 * DAY, 0), None);
        assert_eq!(expiries.note(&db, 500 * DAY, 0), None);
        // A connection may last; the end comes nearer all the same.
        let rows = [(0, 0), (368 * DAY, 0), (368 * DAY + 1, 1), (399 * DAY, 1), (600 * DAY, 2)];
        for (now_s, expected) in rows {
            assert_eq!(expiries.expiring(now_s), expected, "at {now_s}");
        }
        assert_eq!(expiries.note(&web, 398 * DAY, 368 * DAY + 1), Some(29));
        assert_eq!(expiries.note(&web, 800 * DAY, 390 * DAY), None, "enrolled again");
        assert_eq!(expiries.expiring(390 * DAY), 0);
    }
}

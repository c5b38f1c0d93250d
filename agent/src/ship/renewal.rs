//! Another certificate in time: when to ask for it, and the asking. The new key is made here and never leaves. The
//! files are replaced so that at every moment, also after a crash, they hold a pair that fits.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use millpond_wire::tls;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::UnixTime;
use serde::Deserialize;

use super::backoff::Backoff;
use super::client::{Client, Endpoint, Request};
use crate::certificate::{self, Validity};
use crate::time::Now;
use crate::{limits, state_dir};

/// When to ask.
#[derive(Debug, Default)]
pub struct Renewal {
    /// Says where in the window this agent asks.
    random: u64,
    backoff: Backoff,
    /// Not before, on the monotonic clock.
    held_until_ms: u64,
    warned_ms: Option<u64>,
}

impl Renewal {
    /// A schedule that is this agent's own: a thousand that were enrolled in one moment don't ask in one.
    pub fn new(random: u64) -> Self {
        Self { random, ..Self::default() }
    }

    /// Milliseconds until it is time to ask.
    pub fn due_in_ms(&self, validity: Validity, now: Now) -> u64 {
        let left_s = asked_at_s(validity, self.random).saturating_sub(now.unix_s());
        let left_ms = u64::try_from(left_s).unwrap_or(0).saturating_mul(1_000);
        left_ms.max(self.held_until_ms.saturating_sub(now.mono_ms))
    }

    /// It went wrong: the pause before the next try grows, and is no shorter than a small part of the life.
    pub fn failed(&mut self, validity: Validity, now: Now, random: u64) {
        let share_ms =
            u64::try_from(validity.life_s()).unwrap_or(0).saturating_mul(1_000) / limits::RENEWAL_PAUSE_SHARE;
        let least = Duration::from_millis(share_ms.min(limits::RENEWAL_PAUSE_MS_MAX));
        let pause = self.backoff.next(random).max(least);
        self.held_until_ms = now.mono_ms.saturating_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
    }

    /// There is another certificate.
    pub fn succeeded(&mut self) {
        *self = Self::new(self.random);
    }

    /// True when it is time to say that the certificate ends: once a day at most.
    pub fn warns(&mut self, validity: Validity, now: Now) -> bool {
        let is_due = self
            .warned_ms
            .is_none_or(|warned_ms| now.mono_ms.saturating_sub(warned_ms) >= limits::CERTIFICATE_WARNING_MS);
        let warns = validity.ends_soon(now.unix_s()) && is_due;
        if warns {
            self.warned_ms = Some(now.mono_ms);
        }
        warns
    }
}

/// Between two thirds and three quarters of the life, Unix seconds.
fn asked_at_s(validity: Validity, random: u64) -> i64 {
    let life_s = validity.life_s();
    let window_s = life_s / 12;
    let offset_s = i64::try_from(random % (window_s.unsigned_abs() + 1)).unwrap_or(0);
    validity.start_s.saturating_add(life_s / 3 * 2 + life_s % 3 * 2 / 3).saturating_add(offset_s)
}

#[derive(Deserialize)]
struct Granted {
    certificate: String,
    ca: String,
}

/// Asks for a certificate and puts it in the place of the old one; also the collector's list of CAs.
///
/// # Errors
/// Why there is none; the files are as they were, or hold a pair that fits.
pub async fn renew(client: &mut Client, endpoint: &Endpoint, now: Now) -> Result<(), String> {
    let made = || {
        let key = KeyPair::generate()?;
        let request = CertificateParams::default().serialize_request(&key)?.pem()?;
        Ok((key.serialize_pem(), request))
    };
    let (key_pem, csr) = made().map_err(|error: rcgen::Error| error.to_string())?;
    let request = Request {
        method: Method::POST,
        path: "/v1/renew",
        headers: &[("content-type", "application/json")],
        body: Bytes::from(serde_json::json!({ "csr": csr }).to_string()),
        answer_bytes_max: limits::ANSWER_BYTES_MAX,
    };
    let answer = client.send(request).await.map_err(|error| error.to_string())?;
    if answer.status != 200 {
        return Err(format!("the collector answered {}: {}", answer.status, answer.text()));
    }
    let granted: Granted = serde_json::from_slice(&answer.body)
        .map_err(|error| format!("the answer to a request for a certificate: {error}"))?;
    // Fits the key, or is of no use.
    tls::client_config(granted.ca.as_bytes(), granted.certificate.as_bytes(), key_pem.as_bytes())
        .map_err(|error| error.to_string())?;
    let unix = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.unix_s()).unwrap_or(0)));
    let is_news = std::fs::read(&endpoint.ca).ok().as_deref() != Some(granted.ca.as_bytes());
    if is_news && tls::is_trusted(granted.ca.as_bytes(), client.server_chain(), unix) {
        let name = &endpoint.ca;
        state_dir::replace(name, granted.ca.as_bytes())
            .map_err(|error| format!("{}: {error}", name.display()))?;
    } else if is_news {
        tracing::warn!(
            collector = endpoint.name,
            "the collector's new list of CAs doesn't have the one of its own certificate; the old list stays"
        );
    }
    certificate::replace_pair(&endpoint.certificate, &endpoint.key, &granted.certificate, &key_pem)
        .map_err(|error| format!("the new certificate can't be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: i64 = 86_400;

    fn at(unix_s: i64, mono_ms: u64) -> Now {
        Now { mono_ms, unix_ns: unix_s * 1_000_000_000 }
    }

    #[test]
    fn it_is_asked_between_two_thirds_and_three_quarters_of_the_life() {
        // Begin and end, the random number, when.
        let rows = [
            (0, 30 * DAY_S, 0, 20 * DAY_S),
            (0, 30 * DAY_S, 30 * DAY_S as u64 / 12, 20 * DAY_S + 5 * DAY_S / 2),
            (0, 30 * DAY_S, u64::MAX, 20 * DAY_S + i64::try_from(u64::MAX % 216_001).unwrap()),
            (1_000, 1_016, 0, 1_010),
            (1_000, 1_016, 1, 1_011),
            (1_000, 1_016, 2, 1_010),
            (1_000, 1_000, 7, 1_000),
        ];
        for (start_s, end_s, random, expected) in rows {
            let validity = Validity { start_s, end_s };
            assert_eq!(asked_at_s(validity, random), expected, "{start_s} {end_s} {random}");
            let renewal = Renewal::new(random);
            assert_eq!(renewal.due_in_ms(validity, at(expected - 3, 0)), 3_000);
            assert_eq!(renewal.due_in_ms(validity, at(expected + 9, 0)), 0);
        }
        let backwards = Validity { start_s: i64::MAX, end_s: i64::MIN };
        let _ = asked_at_s(backwards, u64::MAX);
    }

    #[test]
    fn failures_make_pauses_that_fit_the_life() {
        let (short, long) = (Validity { start_s: 0, end_s: 15 }, Validity { start_s: 0, end_s: 30 * DAY_S });
        let now = at(29 * DAY_S, 5_000);
        let mut renewal = Renewal::new(0);
        renewal.failed(short, now, 0);
        assert_eq!(renewal.due_in_ms(short, now), 125);
        renewal.failed(long, now, 0);
        assert_eq!(renewal.due_in_ms(long, now), limits::RENEWAL_PAUSE_MS_MAX);
        renewal.succeeded();
        assert_eq!(renewal.due_in_ms(long, now), 0);
    }

    #[test]
    fn the_end_is_told_of_once_a_day() {
        let validity = Validity { start_s: 0, end_s: 40 * DAY_S };
        let mut renewal = Renewal::new(0);
        let day_ms = limits::CERTIFICATE_WARNING_MS;
        let rows = [(29, 0, false), (31, 0, true), (31, 1, false), (32, day_ms, true), (41, day_ms, false)];
        for (day, mono_ms, expected) in rows {
            assert_eq!(renewal.warns(validity, at(day * DAY_S, mono_ms)), expected, "day {day}, {mono_ms}");
        }
    }
}

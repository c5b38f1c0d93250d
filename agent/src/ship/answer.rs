//! What an answer of the collector means. Pure.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use millpond_wire::otlp::decode_response;
use millpond_wire::position::StreamPosition;

use crate::limits;
use crate::tail::Outcome;

/// An answer, read whole.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    /// Header `Retry-After`, in seconds; dates aren't read.
    pub retry_after_s: Option<u64>,
    /// Its content.
    pub body: Bytes,
}

impl Answer {
    /// What the body says, for messages: the words of a problem (RFC 9457), or its beginning.
    pub fn text(&self) -> String {
        const SHOWN_CHARACTERS: usize = 400;
        let text = match serde_json::from_slice(&self.body) {
            Ok(Problem { code, detail }) => Cow::from(format!("{code}: {detail}")),
            Err(_) => String::from_utf8_lossy(&self.body),
        };
        text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARACTERS).collect()
    }
}

#[derive(serde::Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

/// What to do after an answer to a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The batch is done with.
    Done(Outcome),
    /// The same batch again.
    Retry {
        /// Not before.
        after: Option<Duration>,
        /// For the log.
        reason: String,
    },
}

/// Decides. Only what says that this very content will never be taken refuses it; everything else may heal:
/// a wrong certificate, a collector that is starting, a proxy in between.
pub fn decide(answer: &Answer) -> Decision {
    match answer.status {
        200 => accepted(answer),
        400 | 413 | 422 => Decision::Done(Outcome::Refused { status: answer.status, reason: answer.text() }),
        status => {
            let seconds = answer.retry_after_s.map(|seconds| seconds.min(limits::RETRY_AFTER_SECONDS_MAX));
            let reason = format!("the collector answered {status}: {}", answer.text());
            Decision::Retry { after: seconds.map(Duration::from_secs), reason }
        }
    }
}

fn accepted(answer: &Answer) -> Decision {
    match decode_response(&answer.body) {
        Some((rejected, message)) => {
            if rejected > 0 {
                tracing::warn!(rejected, message, "the collector left records out");
            }
            Decision::Done(Outcome::Accepted)
        }
        None => {
            let reason =
                format!("200 without an OTLP answer; is this a Millpond collector? {}", answer.text());
            Decision::Retry { after: None, reason }
        }
    }
}

/// Reads a list of positions, one JSON object a line.
///
/// # Errors
/// When a line isn't one.
pub fn positions(body: &[u8]) -> serde_json::Result<Vec<StreamPosition>> {
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    lines.map(serde_json::from_slice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let check =
            |status: u16, retry_after_s: Option<u64>, body: &'static [u8], expected: Option<Outcome>| {
                let answer = Answer { status, retry_after_s, body: Bytes::from_static(body) };
                match (decide(&answer), expected) {
                    (Decision::Done(outcome), Some(expected)) => assert_eq!(outcome, expected, "{status}"),
                    (Decision::Retry { after, .. }, None) => {
                        let seconds = retry_after_s.map(|seconds| Duration::from_secs(seconds.min(300)));
                        assert_eq!(after, seconds, "{status}");
                    }
                    (decision, expected) => panic!("{status}: {decision:?}, not {expected:?}"),
                }
            };
        let refused = |status, reason: &str| Some(Outcome::Refused { status, reason: reason.into() });
        check(200, None, b"", Some(Outcome::Accepted));
        check(200, None, b"<html>", None);
        check(400, None, b"bad\n", refused(400, "bad"));
        check(413, None, b"", refused(413, ""));
        check(400, None, br#"{"code":"bad_body","detail":"no","status":400}"#, refused(400, "bad_body: no"));
        for status in [401, 403, 404, 408, 415, 429, 500, 502, 503] {
            check(status, None, b"", None);
        }
        check(429, Some(7), b"", None);
        check(503, Some(1_000_000), b"", None);
    }

    #[test]
    fn lists_of_positions() {
        let list = br#"{"stream":"0000000000000007","offset":42,"state":"x"}
{"stream":"0000000000000008","offset":0,"state":""}
"#;
        assert_eq!(positions(list).unwrap().len(), 2);
        assert_eq!(positions(b"").unwrap(), []);
        assert!(positions(b"<html>").is_err());
    }
}

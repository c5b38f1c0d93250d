//! Enrolment: a join token and a certificate request against a certificate. The token is spent last,
//! so that a bad request does not cost one, and before the answer, so that it lets in only once.
//!
//! An id is given once. Who asks for one that is known is refused, unless the token was made for that
//! id: two hosts of one name would share positions, and lines of one would be dropped as duplicates of
//! the other's.
//!
//! Renewal: a certificate request over a connection that the present certificate made. The new one is for the same
//! id, whatever the request says.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::StatusCode;
use millpond_wire::identity::AgentId;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::identity::{
    AgentRegistry, Authority, DataDir, IdentityError, Revocations, TokenError, TokenStore, made_s,
};
use crate::limits::BAD_TOKENS_PER_SECOND_MAX;

/// What lets agents in.
#[derive(Debug)]
pub struct Enrollment {
    authority: Authority,
    tokens: TokenStore,
    agents: AgentRegistry,
    revocations: Revocations,
    site: String,
    /// Of a certificate.
    life: Duration,
    /// Held while an id is given and the token for it is spent, some fsyncs long: what a failure takes
    /// back is then never what somebody else was given.
    giving: Mutex<()>,
    /// Guards against guessing. Held for a few instructions.
    rate: Mutex<RateLimit>,
}

/// The request's body.
#[derive(Debug, Deserialize)]
struct EnrollRequest<'a> {
    #[serde(borrow)]
    secret: Cow<'a, str>,
    /// Its line ends are escaped.
    csr: String,
    #[serde(borrow)]
    agent_id: Cow<'a, str>,
}

/// The body of a request for another certificate.
#[derive(Debug, Deserialize)]
struct RenewRequest {
    csr: String,
}

/// The answer's body.
#[derive(Debug, Serialize)]
struct EnrollResponse<'a> {
    certificate: String,
    ca: &'a str,
    site: &'a str,
    agent_id: &'a str,
}

impl Enrollment {
    /// Enrolment at this site, with the folders of a data directory. Certificates live for `life`.
    pub fn new(authority: Authority, dir: &DataDir, site: String, life: Duration) -> Self {
        Self {
            authority,
            tokens: TokenStore::new(dir.tokens()),
            agents: AgentRegistry::new(dir.agents()),
            revocations: Revocations::new(dir.revoked()),
            site,
            life,
            giving: Mutex::default(),
            rate: Mutex::default(),
        }
    }

    /// The site that agents are enrolled at.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// Answers an enrolment request; reads and writes the files of tokens and agents. `now_ns` is Unix
    /// time.
    pub(super) fn enroll(&self, body: &[u8], now_ns: i64) -> Result<Vec<u8>, Problem> {
        let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "bad_enrolment", detail);
        let request: EnrollRequest<'_> = serde_json::from_slice(body)
            .map_err(|error| bad(format!("the body is no enrolment request: {error}")))?;
        let agent: AgentId = request.agent_id.parse().map_err(|error| bad(format!("{error}")))?;
        let now_s = u64::try_from(now_ns).unwrap_or_default() / 1_000_000_000;
        let terms = self.tokens.check(&request.secret, now_s).map_err(|error| self.refusal(error, now_ns))?;
        if let Some(bound) = terms.agent.as_ref().filter(|bound| **bound != agent) {
            return Err(for_another(bound));
        }
        let certificate = self
            .authority
            .sign_agent(&request.csr, &self.site, &agent, now_s, self.life)
            .map_err(|error| bad(error.to_string()))?;
        let is_new = self.give(&agent, terms.agent.is_some(), &request.secret, now_s, now_ns)?;
        if !is_new {
            // A kill before this leaves the agent revoked and the token spent: another token does it.
            let spared = self.revocations.spare_from(&agent, made_s(now_s, self.life));
            spared.map_err(|error| registry_failed(&error))?;
        }
        tracing::info!(agent = %agent, is_new, "an agent enrolled");
        self.response(&agent, certificate)
    }

    /// Answers a request of an agent, which was let in just now, for another certificate. `now_ns` is Unix time.
    pub(super) fn renew(&self, agent: &AgentId, body: &[u8], now_ns: i64) -> Result<Vec<u8>, Problem> {
        let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "bad_renewal", detail);
        let request: RenewRequest = serde_json::from_slice(body)
            .map_err(|error| bad(format!("the body is no request for a certificate: {error}")))?;
        let now_s = u64::try_from(now_ns).unwrap_or_default() / 1_000_000_000;
        let certificate = self
            .authority
            .sign_agent(&request.csr, &self.site, agent, now_s, self.life)
            .map_err(|error| bad(error.to_string()))?;
        tracing::info!(%agent, "a certificate was renewed");
        self.response(agent, certificate)
    }

    fn response(&self, agent: &AgentId, certificate: String) -> Result<Vec<u8>, Problem> {
        let response = EnrollResponse {
            certificate,
            ca: self.authority.ca_pem(),
            site: &self.site,
            agent_id: agent.as_str(),
        };
        serde_json::to_vec(&response).map_err(|error| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "enrolment_failed", error.to_string())
        })
    }

    /// Spends the token for the id, and says whether the id is new. The id is noted first and durably:
    /// a kill in between leaves an id that nobody has, which a token made for it gives out.
    fn give(
        &self,
        agent: &AgentId,
        may_replace: bool,
        secret: &str,
        now_s: u64,
        now_ns: i64,
    ) -> Result<bool, Problem> {
        let _giving = self.giving.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = self.agents.note(agent, now_s).map_err(|error| registry_failed(&error))?;
        if !is_new && !may_replace {
            return Err(exists(agent));
        }
        if let Err(error) = self.tokens.spend(secret, now_s) {
            if is_new {
                self.agents.forget(agent);
            }
            return Err(self.refusal(error, now_ns));
        }
        Ok(is_new)
    }

    /// Refuses a token. Beyond so many a second it doesn't even say why; a good token is not held up
    /// by others' bad ones.
    fn refusal(&self, error: TokenError, now_ns: i64) -> Problem {
        if !self.rate.lock().unwrap_or_else(PoisonError::into_inner).allows(now_ns) {
            let detail = "too many bad tokens at once; try again in a second";
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "enrolment_rate", detail);
            return Problem { retry_after_s: Some(1), ..problem };
        }
        let status = match error {
            TokenError::Files(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::FORBIDDEN,
        };
        Problem::new(status, error.code(), error.to_string())
    }
}

fn exists(agent: &AgentId) -> Problem {
    let detail = format!(
        "there is an agent `{agent}` already: use another name, or, if it is to be replaced, a token made with \
         `millpond-collector enroll --agent {agent}`"
    );
    Problem::new(StatusCode::CONFLICT, "agent_exists", detail)
}

fn for_another(bound: &AgentId) -> Problem {
    let detail = format!("this join token is for the agent `{bound}` only: enrol with --name {bound}");
    Problem::new(StatusCode::FORBIDDEN, "token_for_another_agent", detail)
}

fn registry_failed(error: &IdentityError) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "agent_store_failed", error.to_string())
}

/// A bucket of [`BAD_TOKENS_PER_SECOND_MAX`] refusals that fills within a second. Pure.
#[derive(Debug, Default)]
struct RateLimit {
    /// When the bucket is full again, Unix nanoseconds.
    full_at_ns: i64,
}

impl RateLimit {
    fn allows(&mut self, now_ns: i64) -> bool {
        const SECOND_NS: i64 = 1_000_000_000;
        let cost_ns = SECOND_NS / i64::from(BAD_TOKENS_PER_SECOND_MAX);
        // A clock that was set back must not lock anyone out.
        let full_at_ns =
            if self.full_at_ns > now_ns.saturating_add(SECOND_NS) { now_ns } else { self.full_at_ns };
        let after_ns = full_at_ns.max(now_ns).saturating_add(cost_ns);
        let allows = after_ns <= now_ns.saturating_add(SECOND_NS);
        if allows {
            self.full_at_ns = after_ns;
        }
        allows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_limited_per_second() {
        let mut rate = RateLimit::default();
        let start_ns = 5_000_000_000;
        let allowed = (0..30).filter(|_| rate.allows(start_ns)).count();
        assert_eq!(allowed, BAD_TOKENS_PER_SECOND_MAX as usize);
        assert!(rate.allows(start_ns + 100_000_000));
        assert!(!rate.allows(start_ns + 100_000_000));
        assert!(rate.allows(1_000_000_000), "after the clock was set back");
    }
}

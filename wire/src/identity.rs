//! What an agent's identity is: a name, and the URI that carries it in a certificate. Certificates
//! themselves are read by the collector; this module knows no X.509.

use std::fmt;
use std::str::FromStr;

/// Longest agent id in bytes.
const AGENT_ID_BYTES_MAX: usize = 64;

/// Name of an agent: 1 to 64 of `a-z 0-9 . _ -`, beginning with a letter or digit. Unique at one
/// collector; stamped on every record from the client certificate, whatever the records say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(String);

/// A text that is no agent identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not a valid agent id.
    #[error("`{0}` is no agent id: use 1 to 64 of a-z, 0-9, `.`, `_` and `-`, a letter or digit first")]
    Id(String),
    /// Not a URI of the form `spiffe://<site>/agent/<id>`.
    #[error("`{0}` is no agent URI: expected spiffe://<site>/agent/<id>")]
    Uri(String),
}

impl AgentId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URI subject alternative name of this agent's certificate (SPIFFE ID, section 2).
    pub fn uri(&self, site: &str) -> String {
        format!("spiffe://{site}/agent/{}", self.0)
    }

    /// Reads a URI made by [`uri`](Self::uri): the site and the id.
    ///
    /// # Errors
    /// The text is of another form.
    pub fn from_uri(uri: &str) -> Result<(String, Self), IdentityError> {
        let bad = || IdentityError::Uri(uri.chars().take(200).collect());
        let (site, id) = uri
            .strip_prefix("spiffe://")
            .and_then(|rest| rest.split_once("/agent/"))
            .filter(|(site, _)| !site.is_empty() && !site.contains('/'))
            .ok_or_else(bad)?;
        Ok((site.to_owned(), id.parse().map_err(|_| bad())?))
    }

    /// The closest valid id to any text, for host names: lower-cased, other characters become `-`.
    /// `None` if nothing usable is left.
    pub fn from_host_name(name: &str) -> Option<Self> {
        let id: String = name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' })
            .map(|c| c.to_ascii_lowercase())
            .skip_while(|c| !c.is_ascii_alphanumeric())
            .take(AGENT_ID_BYTES_MAX)
            .collect();
        id.parse().ok()
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AgentId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        let first_is_alphanumeric = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if text.len() <= AGENT_ID_BYTES_MAX && first_is_alphanumeric && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdentityError::Id(text.chars().take(200).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        let long = "a".repeat(65);
        let rows = [
            ("web-01", true),
            ("7.a_b", true),
            ("", false),
            ("-a", false),
            ("Web", false),
            ("a/b", false),
            ("a\n", false),
            (long.as_str(), false),
        ];
        for (text, valid) in rows {
            assert_eq!(text.parse::<AgentId>().is_ok(), valid, "{text:?}");
        }
    }

    #[test]
    fn uris_round_trip_and_reject_others() {
        let id: AgentId = "web-01".parse().unwrap();
        assert_eq!(AgentId::from_uri(&id.uri("mill.example")), Ok(("mill.example".into(), id)));
        for bad in [
            "spiffe:///agent/a",
            "spiffe://s/agent/",
            "spiffe://s/user/a",
            "https://s/agent/a",
            "spiffe://s/x/agent/a",
            "spiffe://s/agent/a/b",
        ] {
            assert!(AgentId::from_uri(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn host_names_become_ids() {
        let rows =
            [("Web 01.Example.com", Some("web-01.example.com")), ("__a", Some("a")), ("é", None), ("", None)];
        for (name, expected) in rows {
            assert_eq!(AgentId::from_host_name(name).map(|id| id.to_string()).as_deref(), expected);
        }
    }
}

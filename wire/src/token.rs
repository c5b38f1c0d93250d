//! Join tokens: one printable word that holds all an agent needs to enrol once: where the collector
//! is, which CA to expect there, and a secret to show it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::tls::sha256;

/// What a token text begins with; the digit is the version of its form.
const PREFIX: &str = "mp1_";

/// Longest address in bytes: a DNS name of 253, a colon and a port.
const ADDRESS_BYTES_MAX: usize = 260;

/// A one-use secret for enrolment, bound to one collector's CA. As text it is
/// `mp1_` and the base64url (RFC 4648, section 5) of hash, secret and address.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinToken {
    /// `host:port` of the agents' port.
    pub address: String,
    /// SHA-256 of the CA certificate's DER form.
    pub ca_sha256: [u8; 32],
    /// 256 random bits.
    pub secret: [u8; 32],
}

/// A text that is no join token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no join token: copy the whole line that `millpond-collector enroll` printed, from `mp1_` on"
)]
pub struct BadToken;

impl JoinToken {
    /// What the collector keeps of the secret.
    pub fn secret_hash(&self) -> [u8; 32] {
        sha256(&self.secret)
    }

    /// The secret as the enrolment request carries it: base64url.
    pub fn secret_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.secret)
    }

    /// Reads [`secret_text`](Self::secret_text) and hashes it. `None` if it is no such text.
    pub fn hash_secret_text(text: &str) -> Option<[u8; 32]> {
        let secret: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(sha256(&secret))
    }
}

impl fmt::Display for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.ca_sha256[..], &self.secret[..], self.address.as_bytes()].concat();
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinToken").field("address", &self.address).finish_non_exhaustive()
    }
}

impl FromStr for JoinToken {
    type Err = BadToken;

    fn from_str(text: &str) -> Result<Self, BadToken> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(BadToken)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| BadToken)?;
        let (ca_sha256, rest) = bytes.split_first_chunk::<32>().ok_or(BadToken)?;
        let (secret, address) = rest.split_first_chunk::<32>().ok_or(BadToken)?;
        let address = std::str::from_utf8(address).map_err(|_| BadToken)?;
        let has_port = address
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0));
        if !has_port || address.len() > ADDRESS_BYTES_MAX {
            return Err(BadToken);
        }
        Ok(Self { address: address.to_owned(), ca_sha256: *ca_sha256, secret: *secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> JoinToken {
        JoinToken { address: "logs.example:7514".into(), ca_sha256: [7; 32], secret: [9; 32] }
    }

    #[test]
    fn tokens_round_trip_and_hide_their_secret() {
        let token = token();
        assert_eq!(format!(" {token}\n").parse(), Ok(token.clone()));
        assert_eq!(JoinToken::hash_secret_text(&token.secret_text()), Some(token.secret_hash()));
        assert_eq!(format!("{token:?}"), r#"JoinToken { address: "logs.example:7514", .. }"#);
    }

    #[test]
    fn other_texts_are_refused() {
        let whole = token().to_string();
        let no_port = JoinToken { address: "logs".into(), ..token() }.to_string();
        for bad in ["", "mp1_", "mp1_!!", "mp2_AAAA", &whole[..60], &whole[4..], &no_port] {
            assert_eq!(bad.parse::<JoinToken>(), Err(BadToken), "{bad}");
        }
        assert_eq!(JoinToken::hash_secret_text("AAAA"), None);
    }
}

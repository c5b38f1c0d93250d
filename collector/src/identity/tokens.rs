//! Join tokens on the collector's side: one file each, named by the hash of the secret, so that a
//! running collector sees a token that another process made, and nothing in the folder can be used
//! to enrol.
//!
//! A token is spent by renaming its file, which the file system does once, whoever else tries at the
//! same moment and whatever is killed in between.

use std::fmt::Write;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use millpond_wire::identity::AgentId;
use millpond_wire::token::JoinToken;

use super::IdentityError;
use super::files::{create_private, failed, make_dir, sync_dir};

/// Spent and expired tokens are remembered for this long after their expiry, to tell their users
/// what is wrong.
const REMEMBERED: Duration = Duration::from_secs(30 * 86_400);

/// Ending of a token's file while it can be used: the contents are its [`Terms`].
pub(super) const OPEN: &str = "open";
/// Ending of a spent token's file.
pub(super) const USED: &str = "used";

/// The folder of tokens.
#[derive(Clone, Debug)]
pub struct TokenStore {
    dir: PathBuf,
}

/// What a token is good for. As text: the expiry, and behind a space the agent, if it is for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Unix seconds from which on it lets nobody in.
    pub expiry_s: u64,
    /// The one id that it enrols, known already or not. `None`: any id that is not known yet.
    pub agent: Option<AgentId>,
}

/// A token that does not let in.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There never was such a token here, or it is long gone.
    #[error("this join token is not one of this collector's: make one with `millpond-collector enroll`")]
    Unknown,
    /// It was used before.
    #[error("this join token was used already: a token enrols one agent, make another one")]
    Used,
    /// Its time is over.
    #[error("this join token has expired: make another one")]
    Expired,
    /// The folder can't be read or written.
    #[error(transparent)]
    Files(#[from] IdentityError),
}

impl TokenError {
    /// Machine-readable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "token_unknown",
            Self::Used => "token_used",
            Self::Expired => "token_expired",
            Self::Files(_) => "token_store_failed",
        }
    }
}

impl TokenStore {
    /// The tokens in a folder, which need not exist yet.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Keeps the hash of a token's secret; the token lets in one agent on these terms. Also removes
    /// tokens that are long over at `now_s`.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn add(&self, secret_hash: &[u8; 32], terms: &Terms, now_s: u64) -> Result<(), IdentityError> {
        make_dir(&self.dir)?;
        self.remove_old(now_s);
        create_private(&self.path(secret_hash, OPEN), terms.text().as_bytes())?;
        sync_dir(&self.dir)
    }

    /// Looks whether a secret, as the enrolment request carries it, would let in now, and on what
    /// terms.
    ///
    /// # Errors
    /// It would not.
    pub fn check(&self, secret_text: &str, now_s: u64) -> Result<Terms, TokenError> {
        let hash = JoinToken::hash_secret_text(secret_text).ok_or(TokenError::Unknown)?;
        let path = self.path(&hash, OPEN);
        match std::fs::read_to_string(&path) {
            Ok(text) => Terms::parse(&text).filter(|terms| now_s < terms.expiry_s).ok_or(TokenError::Expired),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(self.why_not_open(&hash)),
            Err(error) => Err(failed(&path)(error).into()),
        }
    }

    /// Spends a token: of any number of calls with the same secret, one succeeds. It is spent for
    /// good when this returns.
    ///
    /// # Errors
    /// It does not let in; then it is as it was.
    pub fn spend(&self, secret_text: &str, now_s: u64) -> Result<(), TokenError> {
        self.check(secret_text, now_s)?;
        let hash = JoinToken::hash_secret_text(secret_text).ok_or(TokenError::Unknown)?;
        let open = self.path(&hash, OPEN);
        match std::fs::rename(&open, self.path(&hash, USED)) {
            Ok(()) => Ok(sync_dir(&self.dir)?),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(self.why_not_open(&hash)),
            Err(error) => Err(failed(&open)(error).into()),
        }
    }

    fn why_not_open(&self, hash: &[u8; 32]) -> TokenError {
        if self.path(hash, USED).exists() { TokenError::Used } else { TokenError::Unknown }
    }

    fn path(&self, hash: &[u8; 32], ending: &str) -> PathBuf {
        let mut name = String::with_capacity(72);
        for byte in hash {
            // Writing to a String can't fail.
            let _ = write!(name, "{byte:02x}");
        }
        self.dir.join(format!("{name}.{ending}"))
    }

    /// Best effort: a file that stays does no harm.
    fn remove_old(&self, now_s: u64) {
        for entry in std::fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let terms = std::fs::read_to_string(&path).ok().and_then(|text| Terms::parse(&text));
            if terms.is_some_and(|terms| terms.expiry_s.saturating_add(REMEMBERED.as_secs()) < now_s) {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

impl Terms {
    fn text(&self) -> String {
        match &self.agent {
            Some(agent) => format!("{} {agent}", self.expiry_s),
            None => self.expiry_s.to_string(),
        }
    }

    /// `None`: something else, which is good for nothing.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (expiry_s, agent) = match text.split_once(' ') {
            Some((expiry_s, agent)) => (expiry_s, Some(agent.parse().ok()?)),
            None => (text, None),
        };
        Some(Self { expiry_s: expiry_s.parse().ok()?, agent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(expiry_s: u64) -> Terms {
        Terms { expiry_s, agent: None }
    }

    fn token(fill: u8) -> JoinToken {
        JoinToken { address: "a:1".into(), ca_sha256: [0; 32], secret: [fill; 32] }
    }

    fn code<T>(outcome: Result<T, TokenError>) -> &'static str {
        outcome.err().map_or("", |error| error.code())
    }

    #[test]
    fn a_token_lets_in_once_and_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = TokenStore::new(dir.path().join("tokens"));
        let (good, late, forged) = (token(1), token(2), token(3));
        store.add(&good.secret_hash(), &until(1100), 1000).unwrap();
        store.add(&late.secret_hash(), &until(1100), 1000).unwrap();
        let rows = [
            (good.secret_text(), 1099, ""),
            (good.secret_text(), 1099, "token_used"),
            (late.secret_text(), 1100, "token_expired"),
            (late.secret_text(), 1099, ""),
            (forged.secret_text(), 1000, "token_unknown"),
            ("../../etc/passwd".into(), 1000, "token_unknown"),
            (String::new(), 1000, "token_unknown"),
        ];
        for (secret, now_s, expected) in rows {
            assert_eq!(code(store.check(&secret, now_s)), expected, "check {secret} at {now_s}");
            assert_eq!(code(store.spend(&secret, now_s)), expected, "spend {secret} at {now_s}");
        }
    }

    #[test]
    fn of_many_that_race_one_wins() {
        let dir = tempfile::tempdir().unwrap();
        let store = TokenStore::new(dir.path().to_owned());
        store.add(&token(1).secret_hash(), &until(100), 0).unwrap();
        let secret = token(1).secret_text();
        let wins = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..8).map(|_| scope.spawn(|| store.spend(&secret, 1).is_ok())).collect();
            racers.into_iter().map(|racer| u32::from(racer.join().unwrap())).sum::<u32>()
        });
        assert_eq!(wins, 1);
    }

    #[test]
    fn nothing_in_the_folder_lets_in_and_old_tokens_go() {
        let dir = tempfile::tempdir().unwrap();
        let store = TokenStore::new(dir.path().to_owned());
        store.add(&token(1).secret_hash(), &until(100), 0).unwrap();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.contains(&token(1).secret_text()));
        }
        store.add(&token(2).secret_hash(), &until(u64::MAX), REMEMBERED.as_secs() + 200).unwrap();
        assert_eq!(code(store.check(&token(1).secret_text(), 1)), "token_unknown");
    }

    #[test]
    fn terms_are_kept_and_a_damaged_file_lets_nobody_in() {
        let agent = || Some("web-01".parse().unwrap());
        let rows = [
            ("100", Some(until(100))),
            (" 100\n", Some(until(100))),
            ("100 web-01", Some(Terms { expiry_s: 100, agent: agent() })),
            ("", None),
            ("soon", None),
            ("100 Not An Id", None),
            ("web-01 100", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Terms::parse(text), expected, "{text:?}");
        }
        let dir = tempfile::tempdir().unwrap();
        let store = TokenStore::new(dir.path().to_owned());
        let terms = Terms { expiry_s: 100, agent: agent() };
        store.add(&token(1).secret_hash(), &terms, 0).unwrap();
        assert_eq!(store.check(&token(1).secret_text(), 1).unwrap(), terms);
        std::fs::write(store.path(&token(1).secret_hash(), OPEN), "100 /").unwrap();
        assert_eq!(code(store.spend(&token(1).secret_text(), 1)), "token_expired");
    }
}

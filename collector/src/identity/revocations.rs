//! Agents that are kept out: one file each, named by the id, so that a running collector sees at the next request
//! what another process wrote. There is no copy in memory that could be old.
//!
//! The name alone revokes: a file that is empty or damaged keeps every certificate of its agent out. Only
//! `before <Unix s>` spares certificates that begin then or later: those of an agent that was enrolled again.
//! A folder that can't be read lets nobody in; one that is not there revokes nothing.

use std::io::ErrorKind;
use std::path::PathBuf;

use millpond_wire::identity::AgentId;

use super::IdentityError;
use super::files::{failed, ids_in, make_dir, replace_private, sync_dir};

/// The folder of revocations.
#[derive(Clone, Debug)]
pub struct Revocations {
    dir: PathBuf,
}

/// Which certificates of an agent are void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// All.
    All,
    /// Those that begin before this, Unix seconds.
    Before(u64),
}

impl Revocations {
    /// The revocations in a folder, which need not exist yet.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// What is revoked of an agent.
    ///
    /// # Errors
    /// That can't be read; the agent must not be let in then.
    pub fn of(&self, agent: &AgentId) -> Result<Option<Revocation>, IdentityError> {
        let path = self.path(agent);
        match std::fs::read(&path) {
            Ok(text) => {
                let revocation = Revocation::parse(&String::from_utf8_lossy(&text));
                Ok(Some(revocation.unwrap_or(Revocation::All)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path)(error)),
        }
    }

    /// Voids every certificate of an agent, also those that it will get without another enrolment; durable when
    /// this returns.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn revoke(&self, agent: &AgentId) -> Result<(), IdentityError> {
        self.set(agent, Revocation::All)
    }

    /// The agent was enrolled again: if it was revoked, its certificates from `made_s` on (Unix seconds) are good, the
    /// earlier ones stay void. Durable when this returns.
    ///
    /// # Errors
    /// The folder can't be read or written.
    pub fn spare_from(&self, agent: &AgentId, made_s: u64) -> Result<(), IdentityError> {
        match self.of(agent)? {
            Some(_) => self.set(agent, Revocation::Before(made_s)),
            None => Ok(()),
        }
    }

    /// Takes a revocation back: all certificates of the agent are good again. False: there was none.
    ///
    /// # Errors
    /// The folder can't be written.
    pub fn unrevoke(&self, agent: &AgentId) -> Result<bool, IdentityError> {
        let path = self.path(agent);
        match std::fs::remove_file(&path) {
            Ok(()) => sync_dir(&self.dir).map(|()| true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(&path)(error)),
        }
    }

    /// Every agent with a revocation, in order.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn all(&self) -> Result<Vec<AgentId>, IdentityError> {
        ids_in(&self.dir)
    }

    fn set(&self, agent: &AgentId, revocation: Revocation) -> Result<(), IdentityError> {
        make_dir(&self.dir)?;
        replace_private(&self.path(agent), revocation.text().as_bytes())?;
        sync_dir(&self.dir)?;
        // The folder's own name, too, should it be new.
        self.dir.parent().map_or(Ok(()), sync_dir)
    }

    /// An id begins with a letter or digit and has no `/`, so it is a plain file name.
    fn path(&self, agent: &AgentId) -> PathBuf {
        self.dir.join(agent.as_str())
    }
}

impl Revocation {
    /// Whether a certificate that begins at `made_s`, Unix seconds, is void.
    pub fn covers(self, made_s: i64) -> bool {
        match self {
            Self::All => true,
            Self::Before(spared_s) => i64::try_from(spared_s).map_or(true, |spared_s| made_s < spared_s),
        }
    }

    fn text(self) -> String {
        match self {
            Self::All => "all\n".into(),
            Self::Before(spared_s) => format!("before {spared_s}\n"),
        }
    }

    /// `None`: something else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.trim_end().split_once(' ') {
            None if text.trim_end() == "all" => Some(Self::All),
            Some(("before", spared_s)) => spared_s.parse().ok().map(Self::Before),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revocations() -> (tempfile::TempDir, Revocations) {
        let dir = tempfile::tempdir().unwrap();
        let revocations = Revocations::new(dir.path().join("revoked"));
        (dir, revocations)
    }

    #[test]
    fn what_is_revoked_stays_so_until_it_is_taken_back_or_enrolled_again() {
        let (_dir, revocations) = revocations();
        let [web, db] = ["web", "db.new"].map(|id| id.parse::<AgentId>().unwrap());
        assert_eq!(revocations.of(&web).unwrap(), None);
        assert!(!revocations.unrevoke(&web).unwrap());
        revocations.spare_from(&web, 5).unwrap();
        assert_eq!(revocations.of(&web).unwrap(), None, "there was nothing to spare");
        for agent in [&web, &web, &db] {
            revocations.revoke(agent).unwrap();
            assert_eq!(revocations.of(agent).unwrap(), Some(Revocation::All));
        }
        revocations.spare_from(&web, 1000).unwrap();
        assert_eq!(revocations.of(&web).unwrap(), Some(Revocation::Before(1000)));
        assert_eq!(revocations.all().unwrap(), [db.clone(), web.clone()]);
        assert!(revocations.unrevoke(&db).unwrap());
        assert_eq!(revocations.of(&db).unwrap(), None);
    }

    #[test]
    fn what_is_not_understood_revokes_everything() {
        let (_dir, revocations) = revocations();
        let web: AgentId = "web".parse().unwrap();
        revocations.revoke(&web).unwrap();
        let rows: [(&[u8], i64, bool); 8] = [
            (b"all\n", i64::MAX, true),
            (b"", i64::MAX, true),
            (b"before", i64::MAX, true),
            (b"before 1x", i64::MAX, true),
            (b"\xff\xfe", i64::MAX, true),
            (b"before 99999999999999999999", i64::MAX, true),
            (b"before 1000\n", 999, true),
            (b"before 1000\n", 1000, false),
        ];
        for (text, made_s, expected) in rows {
            std::fs::write(revocations.path(&web), text).unwrap();
            let covers = revocations.of(&web).unwrap().is_some_and(|revocation| revocation.covers(made_s));
            assert_eq!(covers, expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("revoked");
        std::fs::write(&path, "a file").unwrap();
        assert!(Revocations::new(path).of(&"web".parse().unwrap()).is_err());
    }
}

//! Which agent ids were given out: one file each, named by the id, so that two hosts never get one
//! identity. What an id may do is in its certificate; `revocations` takes one back.

use std::io::ErrorKind;
use std::path::PathBuf;

use millpond_wire::identity::AgentId;

use super::IdentityError;
use super::files::{create_private, ids_in, make_dir, sync_dir};

/// The folder of agents.
#[derive(Clone, Debug)]
pub struct AgentRegistry {
    dir: PathBuf,
}

impl AgentRegistry {
    /// The agents in a folder, which need not exist yet.
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Notes that the id is given out at `now_s`, Unix time; durable when this returns. False: it was
    /// noted before. Of any number of calls with one id, one returns true.
    ///
    /// # Errors
    /// The folder can't be written; the id may be noted or not then.
    pub fn note(&self, agent: &AgentId, now_s: u64) -> Result<bool, IdentityError> {
        make_dir(&self.dir)?;
        match create_private(&self.path(agent), now_s.to_string().as_bytes()) {
            Ok(()) => {}
            Err(IdentityError::File { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        sync_dir(&self.dir)?;
        // The folder's own name, too, should it be new.
        self.dir.parent().map_or(Ok(()), sync_dir)?;
        Ok(true)
    }

    /// Every id that was given out, in order.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn all(&self) -> Result<Vec<AgentId>, IdentityError> {
        ids_in(&self.dir)
    }

    /// Takes a note back whose id was not given out after all. Best effort: an id that stays noted can
    /// be had with a token for it.
    pub fn forget(&self, agent: &AgentId) {
        let _ = std::fs::remove_file(self.path(agent));
    }

    /// An id begins with a letter or digit and has no `/`, so it is a plain file name.
    fn path(&self, agent: &AgentId) -> PathBuf {
        self.dir.join(agent.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_noted_once_and_for_good() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("agents");
        let (web, db): (AgentId, AgentId) = ("web".parse().unwrap(), "db".parse().unwrap());
        let registry = AgentRegistry::new(folder.clone());
        assert!(registry.note(&web, 7).unwrap());
        for registry in [registry, AgentRegistry::new(folder.clone())] {
            assert!(!registry.note(&web, 8).unwrap());
        }
        assert!(AgentRegistry::new(folder).note(&db, 9).unwrap());
    }

    #[test]
    fn of_many_that_race_one_has_the_id() {
        let dir = tempfile::tempdir().unwrap();
        let registry = AgentRegistry::new(dir.path().to_owned());
        let web: AgentId = "web".parse().unwrap();
        let wins = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..8).map(|_| scope.spawn(|| registry.note(&web, 1).unwrap())).collect();
            racers.into_iter().map(|racer| u32::from(racer.join().unwrap())).sum::<u32>()
        });
        assert_eq!(wins, 1);
        registry.forget(&web);
        assert!(registry.note(&web, 2).unwrap(), "an id that was not given out after all");
    }
}

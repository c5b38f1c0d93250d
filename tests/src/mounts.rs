//! File systems of a test's own: a small one that can be full, one that is read-only, one that gives inodes
//! again at once, one that loses power. They need root and a system that allows mounts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted file system. Dropping it unmounts.
#[derive(Debug)]
pub struct Mount {
    at: PathBuf,
}

impl Mount {
    /// A file system in memory.
    ///
    /// # Errors
    /// Why it can't be had here.
    pub fn tmpfs(at: &Path, size_bytes: u64) -> Result<Self, String> {
        fs::create_dir_all(at).map_err(|error| error.to_string())?;
        let options = format!("size={size_bytes},mode=0700");
        run("mount", &["-t", "tmpfs", "-o", &options, "tmpfs", &text(at)])?;
        Ok(Self { at: at.to_owned() })
    }

    /// An ext4 in a new file.
    ///
    /// # Errors
    /// Why it can't be had here.
    pub fn ext4(at: &Path, image: &Path, size_bytes: u64) -> Result<Self, String> {
        let file = File::create(image).map_err(|error| error.to_string())?;
        file.set_len(size_bytes).map_err(|error| error.to_string())?;
        run("mkfs.ext4", &["-q", "-F", &text(image)])?;
        Self::image(at, image)
    }

    /// What is in a file already; its journal is replayed, as after a power cut.
    ///
    /// # Errors
    /// Why it can't be had here.
    pub fn image(at: &Path, image: &Path) -> Result<Self, String> {
        fs::create_dir_all(at).map_err(|error| error.to_string())?;
        run("mount", &["-o", "loop", &text(image), &text(at)])?;
        Ok(Self { at: at.to_owned() })
    }

    /// Lets nobody write to it any more.
    ///
    /// # Errors
    /// From the system.
    pub fn make_read_only(&self) -> Result<(), String> {
        run("mount", &["-o", "remount,ro", &text(&self.at)])
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: a failed test may leave a process in it.
        let _ = run("umount", &["-l", &text(&self.at)]);
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output =
        Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said.lines().next().unwrap_or("no reason given");
    if output.status.success() { Ok(()) } else { Err(reason.to_owned()) }
}

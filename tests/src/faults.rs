//! Faults of system calls in a real process, by strace: the n-th call of a thread does not happen and
//! gives an error in its stead. The kernel, the file system and the program are the real ones.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::eventually;

/// Longest time for strace to attach.
const ATTACH_LIMIT: Duration = Duration::from_secs(10);

/// A failing call.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Names of system calls, separated by commas; a `?` before one that not every machine has.
    pub calls: &'static str,
    /// What they fail with, such as `EIO`.
    pub error: &'static str,
    /// Which call of a thread fails, from 1; with a `+` behind it, all from that one on.
    pub when: String,
}

/// strace on one thread. Dropping it ends the faults and leaves the program running.
#[derive(Debug)]
pub struct Attached(Child);

impl Fault {
    /// Why faults can't be made on this machine; `None` if they can.
    pub fn unavailable() -> Option<String> {
        let probe = Command::new("strace")
            .args([
                "-o",
                "/dev/null",
                "-f",
                "-e",
                "trace=none",
                "-e",
                "inject=fsync:error=EIO:when=1",
                "true",
            ])
            .output();
        match probe {
            Err(error) => Some(format!("strace: {error}; install the package `strace`")),
            Ok(output) if !output.status.success() => {
                Some(format!("strace does not work here: {}", String::from_utf8_lossy(&output.stderr)))
            }
            Ok(_) => None,
        }
    }

    /// A command to which a program and its arguments are still to be added: all its threads have the
    /// fault, each with a count of its own, in calls on `paths` (none: on any). The process that is
    /// spawned is the program, so that signals reach it.
    pub fn launch(&self, log: &str, paths: &[String]) -> Command {
        let mut command = self.strace(log, paths);
        command.args(["-D", "-f"]);
        command
    }

    /// Gives one thread of a process the fault, and waits until it has it.
    ///
    /// # Panics
    /// There is no such thread, or strace can't attach.
    pub fn attach(&self, pid: u32, thread: &str, log: &str, paths: &[String]) -> Attached {
        // A thread gives itself its name, so it may be there before that.
        let task = eventually(&format!("a thread named {thread}"), ATTACH_LIMIT, || {
            let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("a running process").flatten();
            let is_named = |name: String| name.trim_end() == thread;
            tasks
                .map(|task| task.path())
                .find(|task| fs::read_to_string(task.join("comm")).is_ok_and(is_named))
        });
        let id = task.file_name().expect("a number").to_string_lossy().into_owned();
        let mut command = self.strace(log, paths);
        command.args(["-p", &id]).stdin(Stdio::null()).stderr(Stdio::null());
        let attached = Attached(command.spawn().expect("strace runs"));
        eventually("strace is attached", ATTACH_LIMIT, || {
            let status = fs::read_to_string(task.join("status")).unwrap_or_default();
            (!status.contains("TracerPid:\t0\n")).then_some(())
        });
        attached
    }

    fn strace(&self, log: &str, paths: &[String]) -> Command {
        let mut command = Command::new("strace");
        command.args(["-qq", "-A", "-o", log]);
        command.args(["-e", &format!("trace={}", self.calls)]);
        command.args(["-e", &format!("inject={}:error={}:when={}", self.calls, self.error, self.when)]);
        command.args(paths.iter().flat_map(|path| ["-P", path]));
        command
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // SIGTERM lets strace detach; SIGKILL would as well, but for threads that are stopped at the moment.
        let _ = crate::cluster::stop(&mut self.0, crate::cluster::Signal::TERM);
    }
}

//! A real file system on which one chosen operation fails, for tests of everything durable.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::disk::{Disk, LogFile, RealDisk};

/// Operations that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Create,
    Append,
    Sync,
    Cut,
    Rename,
    Remove,
    SyncDir,
}

/// One failure to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) op: Op,
    /// So many operations of the kind succeed before it.
    pub(crate) after: u32,
    pub(crate) kind: ErrorKind,
}

/// The disk, and the handle to what happens on it. Clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct FaultyDisk {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug)]
struct Plan {
    faults: Vec<Fault>,
    free_bytes: u64,
}

#[derive(Debug)]
struct FaultyFile {
    file: Box<dyn LogFile>,
    disk: FaultyDisk,
}

impl FaultyDisk {
    pub(crate) fn new() -> Self {
        Self { plan: Arc::new(Mutex::new(Plan { faults: Vec::new(), free_bytes: u64::MAX })) }
    }

    pub(crate) fn fail(&self, op: Op, after: u32, kind: ErrorKind) {
        self.plan.lock().unwrap().faults.push(Fault { op, after, kind });
    }

    pub(crate) fn heal(&self) {
        self.plan.lock().unwrap().faults.clear();
    }

    pub(crate) fn set_free_bytes(&self, free_bytes: u64) {
        self.plan.lock().unwrap().free_bytes = free_bytes;
    }

    fn check(&self, op: Op) -> io::Result<()> {
        let mut plan = self.plan.lock().unwrap();
        let Some(at) = plan.faults.iter().position(|fault| fault.op == op) else { return Ok(()) };
        if plan.faults[at].after == 0 {
            return Err(plan.faults.remove(at).kind.into());
        }
        plan.faults[at].after -= 1;
        Ok(())
    }

    fn wrap(&self, file: Box<dyn LogFile>) -> Box<dyn LogFile> {
        Box::new(FaultyFile { file, disk: self.clone() })
    }
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        self.check(Op::Create)?;
        RealDisk.create(path).map(|file| self.wrap(file))
    }

    fn open(&self, path: &Path, len_bytes: u64) -> io::Result<Box<dyn LogFile>> {
        RealDisk.open(path, len_bytes).map(|file| self.wrap(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Op::Rename)?;
        RealDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check(Op::Remove)?;
        RealDisk.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.check(Op::SyncDir)?;
        RealDisk.sync_dir(dir)
    }

    fn free_bytes(&self, _dir: &Path) -> io::Result<u64> {
        Ok(self.plan.lock().unwrap().free_bytes)
    }
}

impl LogFile for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.disk.check(Op::Append) {
            // A failed write leaves a part of itself.
            self.file.append(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.file.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.check(Op::Sync)?;
        // Tests kill the program and not the machine: the page cache is durable enough, and fast.
        Ok(())
    }

    fn cut(&mut self, len_bytes: u64) -> io::Result<()> {
        self.disk.check(Op::Cut)?;
        self.file.cut(len_bytes)
    }
}

//! What this process costs, as the system counts it.

use std::fs;

/// Memory and processor time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    /// Resident memory; `None` where the system has no `/proc`.
    pub(super) resident_bytes: Option<u64>,
    /// Since the start, user and system together.
    pub(super) cpu_seconds: f64,
}

impl Usage {
    /// Asks the system.
    pub(super) fn now() -> Self {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            resident_bytes: resident_bytes(&status),
            cpu_seconds: time.tv_sec as f64 + time.tv_nsec as f64 / 1e9,
        }
    }
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read() {
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    1234 kB\nThreads:\t2\n"), Some(1_263_616));
        assert_eq!(resident_bytes("VmRSS:\tmuch"), None);
        assert!(Usage::now().cpu_seconds > 0.0);
    }
}

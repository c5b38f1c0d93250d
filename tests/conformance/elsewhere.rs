//! Scenarios that have no test here. `tests/CONFORMANCE.md` names the tests that hold them, or says why there are none.

use crate::scenario::{Run, Scenario};

const fn elsewhere(number: u32, title: &'static str) -> Scenario {
    Scenario { number, title, run: Run::Elsewhere }
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    elsewhere(61, "a stack trace written slowly, and a thousand read at once"),
    elsewhere(62, "two files with traces at the same time"),
    elsewhere(63, "both outputs of a container interleaved"),
    elsewhere(64, "a trace torn by a rotation"),
    elsewhere(65, "the agent is killed in the middle of a trace"),
    elsewhere(66, "container pieces across a rotation"),
    elsewhere(67, "container pieces of 16 KiB"),
    elsewhere(68, "a trace of 5,000 lines"),
    elsewhere(69, "a million lines of each format"),
    elsewhere(73, "certificates replaced on the disk"),
    elsewhere(74, "a certificate expired or revoked"),
];

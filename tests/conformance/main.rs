//! The agent's conformance suite: numbered scenarios with exact expected results, each with the real agent and
//! the real collector as processes. `cargo test -p millpond-tests --test conformance -- 9` runs one,
//! `-- rotat` those with that word in their title, `-- --list` lists them. `tests/CONFORMANCE.md` says what each
//! holds; the runner holds that page to the list.
//!
//! `MILLPOND_CONFORMANCE=all` runs everything at full length, `MILLPOND_CONFORMANCE_THREADS` says how many
//! at a time.

mod delivery;
mod elsewhere;
mod gone;
mod identity;
mod limits;
mod lines;
mod page;
mod parsing;
mod relay;
mod rotation;
mod runner;
mod scale;
mod scenario;
mod security;
mod site;
mod state;
mod successors;
mod truncation;

use std::process::ExitCode;

use scenario::Scenario;

/// Every scenario, in order. One line each.
fn scenarios() -> Vec<Scenario> {
    let families = [
        rotation::SCENARIOS,
        truncation::SCENARIOS,
        gone::SCENARIOS,
        identity::SCENARIOS,
        successors::SCENARIOS,
        lines::SCENARIOS,
        scale::SCENARIOS,
        limits::SCENARIOS,
        delivery::SCENARIOS,
        state::SCENARIOS,
        parsing::SCENARIOS,
        security::SCENARIOS,
        elsewhere::SCENARIOS,
    ];
    let mut all: Vec<Scenario> = families.into_iter().flatten().copied().collect();
    all.sort_by_key(|scenario| scenario.number);
    all
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    runner::run(&scenarios(), &arguments)
}

//! What a scenario is, and what may go on while it runs.

/// A numbered scenario.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    /// As on the page.
    pub(crate) number: u32,
    /// As on the page.
    pub(crate) title: &'static str,
    /// How it is run.
    pub(crate) run: Run,
}

/// How a scenario is run. A failure is a panic.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// As it is.
    Once(fn() -> Outcome),
    /// In steady state, and with one of the programs away while it happens.
    Disturbed(fn(Disturbance) -> Outcome),
    /// Only at full length: it takes minutes, or much space.
    Long(fn() -> Outcome),
    /// Not here, for the reason on the page.
    Elsewhere,
}

/// What became of it; an error says why it can't be run on this machine.
pub(crate) type Outcome = Result<(), String>;

/// Which program is away while the scenario happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disturbance {
    /// None.
    Steady,
    /// The agent, stopped in order and started again.
    AgentStopped,
    /// The agent, killed and started again.
    AgentKilled,
    /// The collector, killed and started again.
    CollectorKilled,
}

impl Disturbance {
    pub(crate) const ALL: [Self; 4] =
        [Self::Steady, Self::AgentStopped, Self::AgentKilled, Self::CollectorKilled];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Steady => "",
            Self::AgentStopped => "agent stopped",
            Self::AgentKilled => "agent killed",
            Self::CollectorKilled => "collector killed",
        }
    }
}

/// True when everything is to run at full length.
pub(crate) fn is_long() -> bool {
    std::env::var_os("MILLPOND_CONFORMANCE").is_some_and(|value| value == "all")
}

/// One of two, by the length of the run.
pub(crate) fn by_length<T>(normal: T, long: T) -> T {
    if is_long() { long } else { normal }
}

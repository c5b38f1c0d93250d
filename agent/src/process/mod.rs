//! Steps between parsing and shipping: what is left out, masked, renamed or added, before a line leaves the
//! host. Pure: no I/O and no clock; a step sees one event and what it remembers of earlier ones.
//!
//! ```text
//! Parsed ─► Event ─► step 1 ─► step 2 ─► … ─► kept, and written into the batch
//!                     when?     when?     └─► or dropped: the position moves on all the same
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `event` | the event under way, and how steps read and change it |
//! | `condition` | `when`: the query language on an event |
//! | `step/` | one file a step, one line in the list of [`Action`] |
//! | `redact/` | what is found in texts: one file a pattern, one line in the list of built-in ones |
//!
//! **Exactly once.** A line may be read again, after a crash or a refused batch, and is then judged again. What is
//! shipped twice by that the collector drops by its position, so a line is there once or not at all, whatever the
//! judgement. All steps but one judge by the event and its place in the stream alone, and so alike each time. A rate
//! limit has a memory, which begins anew: see [`step::rate_limit`].

pub mod condition;
pub mod event;
pub mod redact;
pub mod step;

use self::condition::Condition;
pub use self::event::{Event, Source};
use crate::metrics::Counters;

/// What a step does, with all that it needs. One line a step; their files are in `step/`.
#[derive(Debug, Clone)]
pub enum Action {
    /// `drop`, and `keep` with its condition turned round.
    Drop,
    /// `sample`
    Sample(step::sample::Sample),
    /// `rate_limit`
    RateLimit(step::rate_limit::RateLimit),
    /// `redact`
    Redact(step::redact::Redact),
    /// `rename`
    Rename(step::rename::Rename),
    /// `set`
    Set(step::set::Set),
    /// `remove`
    Remove(step::remove::Remove),
}

/// What a step did to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// So many of its values are other ones now, or gone.
    Changed(u64),
    /// It is not to be shipped.
    Dropped,
}

/// One `[[process]]` section, checked.
#[derive(Debug, Clone)]
pub struct Step {
    /// For the status: its `name`, or its action.
    pub name: String,
    /// Its action, as written in the configuration.
    pub kind: &'static str,
    /// Events that it looks at; `None`: all.
    pub when: Option<Condition>,
    /// What it does to them.
    pub action: Action,
    /// What it has done.
    pub done: Done,
}

/// What a step has done since the start of the process. Lines that were read again count again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Lines left out.
    pub dropped_lines: u64,
    /// Lines of which something was changed.
    pub changed_lines: u64,
}

/// The steps in their order. Owned by whoever reads the files.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    steps: Vec<Step>,
    /// Fields that every event of this host has, for conditions.
    resource: Vec<(&'static str, String)>,
    /// What the configuration says, to tell another one.
    source: String,
}

impl Chain {
    /// Of these steps. `resource`: what the batch says of the host, once for all lines.
    pub fn new(steps: Vec<Step>, resource: Vec<(&'static str, String)>) -> Self {
        Self { steps, resource, source: String::new() }
    }

    /// Remembers what it was made of.
    pub fn made_of(self, source: String) -> Self {
        Self { source, ..self }
    }

    /// True when the other one has the same steps; what they have done so far doesn't count.
    pub fn is_like(&self, other: &Self) -> bool {
        self.source == other.source && self.masks().eq(other.masks())
    }

    /// What the steps make of one text: a key file may hold another key under the same configuration.
    fn masks(&self) -> impl Iterator<Item = String> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Redact(redact) => Some(redact.mask_of("")),
            _ => None,
        })
    }

    /// There is nothing to do: lines needn't be shown to it.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps, with what they have done.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Takes an event through the steps. False: it is not to be shipped.
    pub fn keeps(&mut self, event: &mut Event<'_, '_>, counters: &Counters) -> bool {
        event.begin();
        for step in &mut self.steps {
            if step.when.as_ref().is_some_and(|when| !when.holds(event, &self.resource)) {
                continue;
            }
            match step.action.apply(event, counters) {
                Effect::None => {}
                Effect::Changed(_) => step.done.changed_lines += 1,
                Effect::Dropped => {
                    step.done.dropped_lines += 1;
                    return false;
                }
            }
        }
        true
    }

    /// What was read since the last acknowledgement will be read again: rates begin anew, as after a crash.
    pub fn forget_rates(&mut self) {
        for step in &mut self.steps {
            if let Action::RateLimit(limit) = &mut step.action {
                limit.forget();
            }
        }
    }
}

impl Action {
    fn apply(&mut self, event: &mut Event<'_, '_>, counters: &Counters) -> Effect {
        match self {
            Self::Drop => {
                counters.dropped_lines.increment();
                Effect::Dropped
            }
            Self::Sample(sample) => sample.apply(event, counters),
            Self::RateLimit(limit) => limit.apply(event, counters),
            Self::Redact(redact) => redact.apply(event, counters),
            Self::Rename(rename) => rename.apply(event),
            Self::Set(set) => set.apply(event),
            Self::Remove(remove) => remove.apply(event),
        }
    }
}

#[cfg(test)]
mod tests;

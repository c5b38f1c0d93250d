//! `remove`: takes fields out. Where the original line would be shipped beside the fields it is left out as well,
//! since it holds what was taken out.

use millpond_wire::names;

use crate::process::{Effect, Event};

/// See the module.
#[derive(Debug, Clone)]
pub struct Remove {
    /// Names.
    pub fields: Vec<String>,
}

impl Remove {
    pub(in crate::process) fn apply(&self, event: &mut Event<'_, '_>) -> Effect {
        let has_original = event.original.is_some() && !event.parsed.rebuilds_line;
        let mut removed = 0;
        for name in &self.fields {
            let is_there = if name == names::ORIGINAL { has_original } else { event.take(name).is_some() };
            removed += u64::from(is_there);
        }
        if removed == 0 {
            return Effect::None;
        }
        event.original = None;
        Effect::Changed(removed)
    }
}

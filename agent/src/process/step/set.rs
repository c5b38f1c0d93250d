//! `set`: gives fields a value, over whatever the line or its section says. With `when` it sorts lines: by
//! `service.name`, by a field of one's own.

use crate::process::{Effect, Event};

/// See the module.
#[derive(Debug, Clone)]
pub struct Set {
    /// Names and values.
    pub fields: Vec<(String, String)>,
}

impl Set {
    pub(in crate::process) fn apply(&self, event: &mut Event<'_, '_>) -> Effect {
        for (name, value) in &self.fields {
            event.set(name, value);
        }
        Effect::Changed(self.fields.len() as u64)
    }
}

//! `rename`: gives fields of a line other names. A field that has the new name already is replaced: two values under
//! one name would become an array.

use crate::process::{Effect, Event};

/// See the module.
#[derive(Debug, Clone)]
pub struct Rename {
    /// Old names and new ones.
    pub fields: Vec<(String, String)>,
}

impl Rename {
    pub(in crate::process) fn apply(&self, event: &mut Event<'_, '_>) -> Effect {
        let mut renamed = 0;
        for (old, new) in &self.fields {
            if let Some(value) = event.take(old) {
                event.put_as(new, value);
                renamed += 1;
            }
        }
        if renamed > 0 { Effect::Changed(renamed) } else { Effect::None }
    }
}

//! A condition on what is in residuals only: each document's is read.

use std::ops::ControlFlow;

use millpond_query::aliases::searched_by_bare_words;
use millpond_query::{Scope, Test};
use millpond_wire::batch::for_each_leaf_of;
use millpond_wire::names;

use crate::query::meter::Halt;
use crate::query::zone::ZoneView;
use crate::row::scalar;
use crate::split::bits::Bits;
use crate::split::residual;

/// A test of what is in residuals only.
#[derive(Clone)]
pub(crate) struct ResidualTest<'q> {
    pub(super) test: &'q Test,
    pub(super) scope: &'q Scope,
}

impl ResidualTest<'_> {
    /// The documents of `among` that match.
    pub(super) fn eval(&self, view: &ZoneView<'_>, among: &Bits) -> Result<Bits, Halt> {
        let mut bits = Bits::none(view.len());
        let original = match self.scope {
            Scope::Field(name) => name == names::ORIGINAL,
            Scope::Object(object) => Scope::is_inside(names::ORIGINAL, object),
            Scope::Any => false,
        };
        if (view.zone.unindexed == 0 && !original) || among.is_empty() {
            return Ok(bits);
        }
        let rows = view.rows()?;
        for at in among.ones() {
            if self.matches(rows.residual(at), original) {
                bits.set(at as u32);
            }
        }
        Ok(bits)
    }

    fn matches(&self, bytes: &[u8], original: bool) -> bool {
        residual::entries(bytes).any(|entry| {
            let looked_into = entry.unindexed || (original && entry.name == names::ORIGINAL);
            let Some(value) = entry.value.filter(|_| looked_into) else { return false };
            let found = for_each_leaf_of(entry.name, value, &mut |name, value| {
                let in_scope = match self.scope {
                    Scope::Field(field) => field == name,
                    Scope::Object(object) => Scope::is_inside(name, object),
                    Scope::Any => searched_by_bare_words(name),
                };
                if in_scope && self.test.matches(scalar(value)) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            found.is_break()
        })
    }
}

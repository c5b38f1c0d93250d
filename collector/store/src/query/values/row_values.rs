//! The values of one field that are in the rows only: messages, and what has no column. Rows are decompressed for it.

use std::ops::ControlFlow;

use millpond_wire::batch::{ScalarRef, for_each_leaf_of};
use millpond_wire::names;

use crate::query::meter::Halt;
use crate::query::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;
use crate::split::residual;

/// Which of a field's values are in the rows of a split.
#[derive(Clone, Copy)]
pub(crate) struct RowValues<'s> {
    name: &'s str,
    message: bool,
    residuals: bool,
}

impl<'s> RowValues<'s> {
    /// Those of the field in the split.
    pub(crate) fn new(name: &'s str, split: &Split) -> Self {
        let residuals = name == names::ORIGINAL || split.meta().has_unindexed(name);
        Self { name, message: name == names::MESSAGE, residuals }
    }

    /// True when no row is to be read.
    pub(crate) fn is_empty(self) -> bool {
        !self.message && !self.residuals
    }

    /// Visits the values of the documents in `bits`, with the place in the zone.
    pub(crate) fn for_each(
        self,
        view: &ZoneView<'_>,
        bits: &Bits,
        visit: &mut dyn FnMut(u32, ScalarRef<'_>),
    ) -> Result<(), Halt> {
        let residuals = self.residuals && (view.zone.unindexed > 0 || self.name == names::ORIGINAL);
        if !self.message && !residuals {
            return Ok(());
        }
        let rows = view.rows()?;
        for at in bits.ones() {
            if self.message
                && let Some(message) = rows.message(at)
            {
                visit(at as u32, ScalarRef::Str(&message));
            }
            if residuals {
                self.for_each_residual(rows.residual(at), at as u32, visit);
            }
        }
        Ok(())
    }

    fn for_each_residual(self, bytes: &[u8], at: u32, visit: &mut dyn FnMut(u32, ScalarRef<'_>)) {
        for entry in residual::entries(bytes) {
            let original = self.name == names::ORIGINAL && entry.name == names::ORIGINAL;
            let Some(value) = entry.value.filter(|_| entry.unindexed || original) else { continue };
            let _ = for_each_leaf_of(entry.name, value, &mut |name, value| {
                if name == self.name {
                    visit(at, value);
                }
                ControlFlow::Continue(())
            });
        }
    }
}

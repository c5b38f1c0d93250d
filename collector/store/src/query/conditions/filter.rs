//! A filter, planned for one split and evaluated zone by zone into bitmaps.
//!
//! Planning looks up what the split's dictionaries and word lists say about each condition; a filter
//! that can't match is known before any document is read. Parts of a conjunction run in order of
//! cost, on the documents that are left.

use millpond_query::Filter;

use super::leaf::{LeafTest, plan_leaf};
use crate::log_store::TimeRange;
use crate::query::meter::{Halt, Meter};
use crate::query::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;

/// A filter, planned for one split.
#[derive(Clone)]
pub(crate) enum Node<'q> {
    /// Every document.
    All,
    /// No document.
    Never,
    /// Documents of a time range.
    Time(TimeRange),
    /// All of the parts, the cheapest first.
    And(Vec<Node<'q>>),
    /// Any of the parts, the cheapest first.
    Or(Vec<Node<'q>>),
    /// Not the part.
    Not(Box<Node<'q>>),
    /// A test on one part of the split.
    Test(LeafTest<'q>),
}

impl<'q> Node<'q> {
    /// Plans `filter` for `split`.
    pub(crate) fn plan(filter: &'q Filter, split: &'q Split, meter: &Meter<'_>) -> Result<Self, Halt> {
        Ok(match filter {
            Filter::All => Self::All,
            Filter::None => Self::Never,
            Filter::Time { start_ns, end_ns } => {
                let range = TimeRange { start_ns: *start_ns, end_ns: *end_ns };
                let meta = split.meta();
                if range.covers(meta.min_ns, meta.max_ns) {
                    Self::All
                } else if range.overlaps(meta.min_ns, meta.max_ns) {
                    Self::Time(range)
                } else {
                    Self::Never
                }
            }
            Filter::And(parts) => Self::plan_and(parts, split, meter)?,
            Filter::Or(parts) => {
                let parts = parts.iter().map(|part| Self::plan(part, split, meter));
                Self::or(parts.collect::<Result<_, _>>()?)
            }
            Filter::Not(part) => match Self::plan(part, split, meter)? {
                Self::All => Self::Never,
                Self::Never => Self::All,
                part => Self::Not(Box::new(part)),
            },
            Filter::Leaf(leaf) => plan_leaf(leaf, split, meter)?,
        })
    }

    /// Conditions on one field are planned before those on all fields, so that an impossible one
    /// saves the dictionary scans of the others.
    fn plan_and(parts: &'q [Filter], split: &'q Split, meter: &Meter<'_>) -> Result<Self, Halt> {
        let mut order: Vec<&Filter> = parts.iter().collect();
        order.sort_by_key(|part| planning_cost(part));
        let mut planned = Vec::with_capacity(order.len());
        for part in order {
            match Self::plan(part, split, meter)? {
                Self::Never => return Ok(Self::Never),
                Self::All => {}
                part => planned.push(part),
            }
        }
        planned.sort_by_key(Self::cost);
        Ok(match planned.len() {
            0 => Self::All,
            1 => planned.swap_remove(0),
            _ => Self::And(planned),
        })
    }

    /// Any of `parts`, simplified.
    pub(crate) fn or(parts: Vec<Self>) -> Self {
        if parts.iter().any(|part| matches!(part, Self::All)) {
            return Self::All;
        }
        let mut parts: Vec<_> = parts.into_iter().filter(|part| !matches!(part, Self::Never)).collect();
        parts.sort_by_key(Self::cost);
        match parts.len() {
            0 => Self::Never,
            1 => parts.swap_remove(0),
            _ => Self::Or(parts),
        }
    }

    /// The documents of `among` that match.
    pub(crate) fn eval(&mut self, view: &ZoneView<'_>, among: &Bits) -> Result<Bits, Halt> {
        match self {
            Self::All => Ok(among.clone()),
            Self::Never => Ok(Bits::none(among.len())),
            Self::Time(range) => {
                let mut bits = view.in_range(*range);
                bits.and(among);
                Ok(bits)
            }
            Self::And(parts) => {
                let mut bits = among.clone();
                for part in parts {
                    if bits.is_empty() {
                        break;
                    }
                    bits = part.eval(view, &bits)?;
                }
                Ok(bits)
            }
            Self::Or(parts) => {
                let (mut bits, mut rest) = (Bits::none(among.len()), among.clone());
                for part in parts {
                    if rest.is_empty() {
                        break;
                    }
                    let found = part.eval(view, &rest)?;
                    rest.and_not(&found);
                    bits.or(&found);
                }
                Ok(bits)
            }
            Self::Not(part) => {
                let found = part.eval(view, among)?;
                let mut bits = among.clone();
                bits.and_not(&found);
                Ok(bits)
            }
            Self::Test(test) => test.eval(view, among),
        }
    }

    /// Rank by the cost of evaluating a zone.
    fn cost(&self) -> u8 {
        match self {
            Self::All | Self::Never => 0,
            Self::Time(_) => 1,
            Self::And(parts) => parts.iter().map(Self::cost).min().unwrap_or(0),
            Self::Or(parts) => parts.iter().map(Self::cost).max().unwrap_or(0),
            Self::Not(part) => part.cost(),
            Self::Test(test) => test.cost(),
        }
    }
}

fn planning_cost(filter: &Filter) -> u8 {
    match filter {
        Filter::All | Filter::None | Filter::Time { .. } => 0,
        Filter::Leaf(leaf) => match leaf.scope {
            millpond_query::Scope::Field(_) | millpond_query::Scope::Object(_) => 1,
            millpond_query::Scope::Any => 3,
        },
        Filter::Not(part) => planning_cost(part),
        Filter::And(parts) => parts.iter().map(planning_cost).min().unwrap_or(0),
        Filter::Or(parts) => parts.iter().map(planning_cost).max().unwrap_or(0),
    }
}

/// The time range that every matching document is in, as far as the filter's top level says.
pub(crate) fn time_bounds(filter: &Filter, range: TimeRange) -> TimeRange {
    match filter {
        Filter::Time { start_ns, end_ns } => {
            range.intersect(TimeRange { start_ns: *start_ns, end_ns: *end_ns })
        }
        Filter::And(parts) => parts.iter().fold(range, |range, part| time_bounds(part, range)),
        _ => range,
    }
}

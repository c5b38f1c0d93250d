//! The pipes that make fields: what each does to one row, wherever rows are: in tables, on their way to a client, in a
//! live tail. Who calls it puts the fields in the row.

mod extract;
mod unpack;

use std::fmt;
use std::ops::ControlFlow;

pub(crate) use self::extract::BadTemplate;
pub use self::extract::Extract;
pub use self::unpack::Unpack;
use crate::aliases::{LEVEL, TIMESTAMP};
use crate::ast::ParseFormat;
use crate::eval::{Computation, Fields, Work};
use crate::limits::MAX_MADE_ROW_BYTES;
use crate::row::Row;
use crate::scalar::Scalar;
use crate::table::Cell;
use crate::test::Level;

/// Makes fields of a row.
#[derive(Debug, Clone)]
pub enum Maker {
    /// Computes fields, one after the other: each sees those before it. A field whose value is null is removed.
    Eval(Vec<(String, Computation)>),
    /// Fields from the places of a text. Where the text is another one, the row stays as it is.
    Extract(Extract),
    /// Fields from JSON or logfmt.
    Parse(Unpack),
}

/// Fields that a row gets instead of those it has under these names.
#[derive(Debug, Default, PartialEq)]
pub struct Made {
    /// Canonical names and values, each name once; null for a field that goes.
    pub fields: Vec<(String, Cell)>,
    /// True when fields were left out, because there are more than [`MAX_PARSED_FIELDS`](crate::limits::MAX_PARSED_FIELDS),
    /// or [`MAX_MADE_ROW_BYTES`] of them, or computing them takes too long.
    pub cut: bool,
    /// Of all values.
    bytes: usize,
}

impl Maker {
    /// The names of the fields that it may make; those that only a text knows are not among them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (computed, extract) = match self {
            Maker::Eval(fields) => (fields.as_slice(), None),
            Maker::Extract(extract) => (&[][..], Some(extract)),
            Maker::Parse(_) => (&[][..], None),
        };
        let computed = computed.iter().map(|(name, _)| name.as_str());
        computed.chain(extract.into_iter().flat_map(Extract::names))
    }

    /// What the row gets.
    #[must_use]
    pub fn make(&self, row: &dyn Row) -> Made {
        let mut made = Made::default();
        match self {
            Maker::Eval(fields) => {
                let work = Work::default();
                for (name, computation) in fields {
                    let value = computation.value(&Fields { row, made: &made.fields, work: &work });
                    made.set(name, value);
                }
                made.cut |= work.is_over();
            }
            Maker::Extract(extract) => {
                if let Some(text) = first_text(row, extract.from()) {
                    extract.each(&text, &mut |name, value| made.set(name, value));
                }
            }
            Maker::Parse(unpack) => {
                if let Some(text) = first_text(row, unpack.from()) {
                    unpack.each(&text, &mut made);
                }
            }
        }
        made
    }
}

impl Made {
    /// Sets a field. Levels are spelled as everywhere.
    fn set(&mut self, name: &str, value: Cell) {
        let value = match &value {
            Cell::Str(text) if name == LEVEL => {
                Level::parse(text).map_or(value, |level| Cell::Str(level.name().to_owned()))
            }
            _ => value,
        };
        self.bytes = self.bytes.saturating_add(value.heap_bytes());
        if self.bytes > MAX_MADE_ROW_BYTES {
            self.cut = true;
            return;
        }
        match self.fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.fields.push((name.to_owned(), value)),
        }
    }
}

/// The first value of a field if it is a text.
fn first_text(row: &dyn Row, field: &str) -> Option<String> {
    let mut first = None;
    row.field(field, &mut |value| {
        if let Scalar::Str(text) = value {
            first = Some(text.to_owned());
        }
        ControlFlow::Break(())
    });
    first
}

/// Whether documents keep this name to themselves: their time and id can't be made.
#[must_use]
pub(crate) fn is_reserved(name: &str) -> bool {
    matches!(name, TIMESTAMP | "_id")
}

/// For people and tests: one line, not a query text.
impl fmt::Display for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Maker::Eval(fields) => {
                f.write_str("eval")?;
                fields.iter().try_for_each(|(name, computation)| write!(f, " {name}={computation}"))
            }
            Maker::Extract(extract) => write!(f, "extract {extract}"),
            Maker::Parse(unpack) => {
                let format = match unpack.format() {
                    ParseFormat::Json => "json",
                    ParseFormat::Logfmt => "logfmt",
                };
                write!(f, "parse {format} {} {:?}", unpack.from(), unpack.prefix())
            }
        }
    }
}

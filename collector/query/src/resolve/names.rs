//! What a name in a query stands for: a field of documents, a field that a pipe has made, or a column of a table.

use crate::Context;
use crate::aliases::{self, LEVEL, TIMESTAMP, canonical};
use crate::ast::Name;
use crate::error::{QueryError, QueryErrorCode};
use crate::filter::{Filter, Scope};
use crate::make::is_reserved;
use crate::nearest::nearest;

/// The names that mean something at one place of the query.
#[derive(Clone)]
pub(super) struct Names<'c> {
    known: Known<'c>,
    /// True when rows are those of a table; false for documents, which keep their time and id.
    is_table: bool,
    /// True when rows may have any field: they were parsed.
    open: bool,
    /// Names that pipes have made or taken away. Those made mean what was made, also where they are aliases otherwise.
    touched: Vec<(String, Touch)>,
}

#[derive(Clone)]
enum Known<'c> {
    /// Fields of documents: any name, and the aliases.
    Documents(Option<&'c dyn Fn(&str) -> bool>),
    /// Columns of a table: these, and aliases of these.
    Columns(Vec<String>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Touch {
    Made,
    Gone,
}

impl<'c> Names<'c> {
    pub(super) fn of_documents(context: &Context<'c>) -> Names<'c> {
        let known = Known::Documents(context.has_field);
        Names { known, is_table: false, open: false, touched: Vec::new() }
    }

    pub(super) fn of_columns(columns: Vec<String>) -> Names<'c> {
        Names { known: Known::Columns(columns), is_table: true, open: false, touched: Vec::new() }
    }

    /// Only these are left of documents or columns, and what rows are still to be parsed for is gone, too.
    pub(super) fn keep(&mut self, names: Vec<String>) {
        (self.known, self.open) = (Known::Columns(names), false);
    }

    /// These are not left.
    pub(super) fn drop(&mut self, names: &[String]) {
        if let Known::Columns(columns) = &mut self.known {
            columns.retain(|column| !names.contains(column));
        }
        names.iter().for_each(|name| self.touch(name.clone(), Touch::Gone));
    }

    /// Whether rows are those of a table, whose order means something.
    pub(super) fn is_table(&self) -> bool {
        self.is_table
    }

    /// Rows may have any field from here on.
    pub(super) fn open(&mut self) {
        self.open = true;
    }

    /// The one field or column that a pipe means.
    pub(super) fn one(&self, name: &Name) -> Result<String, QueryError> {
        let typed = name.text.as_str();
        if self.is_made(typed) {
            return Ok(typed.to_owned());
        }
        let readings = aliases::readings(typed);
        let means_level = readings.first() == Some(&LEVEL);
        match &self.known {
            Known::Documents(has_field) => {
                let found =
                    has_field.and_then(|has_field| readings.iter().find(|reading| has_field(reading)));
                Ok(found.or(readings.first()).map_or(typed, |reading| reading).to_owned())
            }
            Known::Columns(columns) => {
                let is_column = |wanted: &&str| columns.iter().any(|column| column == wanted);
                match std::iter::once(typed).chain(readings).find(is_column) {
                    Some(column) => Ok(column.to_owned()),
                    None if self.open && means_level => Ok(LEVEL.to_owned()),
                    None if self.open => Ok(typed.to_owned()),
                    None => Err(unknown_column(name, columns)),
                }
            }
        }
    }

    /// Every field or column that a condition looks at.
    pub(super) fn every(&self, name: &Name) -> Result<Vec<String>, QueryError> {
        match &self.known {
            Known::Documents(_) if !self.is_made(&name.text) => {
                Ok(aliases::readings(&name.text).into_iter().map(str::to_owned).collect())
            }
            _ => Ok(vec![self.one(name)?]),
        }
    }

    /// The name of a field that a pipe makes: as it is typed, so that `path` from a text does not replace the path of the
    /// file; only the level has one name. In a table, the column that the name stands for.
    pub(super) fn make(&mut self, name: &Name) -> Result<String, QueryError> {
        let (typed, alias_of) = (name.text.as_str(), canonical(&name.text));
        if !self.is_table && is_reserved(alias_of) {
            return Err(reserved(name));
        }
        let made = match &mut self.known {
            Known::Documents(_) if alias_of == LEVEL => alias_of,
            Known::Documents(_) => typed,
            Known::Columns(columns) => {
                let is_column = |wanted: &&str| columns.iter().any(|column| column == wanted);
                let made = [typed, alias_of].into_iter().find(is_column).unwrap_or(typed);
                if !columns.iter().any(|column| column == made) {
                    columns.push(made.to_owned());
                }
                made
            }
        };
        let made = made.to_owned();
        self.touch(made.clone(), Touch::Made);
        Ok(made)
    }

    /// A field is called otherwise from here on.
    pub(super) fn rename(&mut self, old: &str, name: &Name) -> Result<String, QueryError> {
        if let Known::Columns(columns) = &mut self.known {
            columns.retain(|column| column != old);
        }
        self.touch(old.to_owned(), Touch::Gone);
        self.make(name)
    }

    /// Whether a condition says the same of the rows as they were stored.
    pub(super) fn says_the_same_of_stored(&self, filter: &Filter) -> bool {
        let untouched = |name: &str| {
            !self.open
                && self.touched.iter().all(|(touched, _)| {
                    let inside = name.strip_prefix(touched.as_str());
                    touched != LEVEL && inside.is_none_or(|rest| !rest.is_empty() && !rest.starts_with('.'))
                })
        };
        match filter {
            Filter::All | Filter::None | Filter::Time { .. } => true,
            Filter::And(parts) | Filter::Or(parts) => {
                parts.iter().all(|part| self.says_the_same_of_stored(part))
            }
            Filter::Not(part) => self.says_the_same_of_stored(part),
            Filter::Leaf(leaf) => match &leaf.scope {
                Scope::Any => self.touched.is_empty() && !self.open,
                Scope::Field(name) => untouched(name),
            },
        }
    }

    fn is_made(&self, name: &str) -> bool {
        self.touched.iter().any(|(touched, touch)| touched == name && *touch == Touch::Made)
    }

    fn touch(&mut self, name: String, touch: Touch) {
        match self.touched.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = touch,
            None => self.touched.push((name, touch)),
        }
    }
}

fn reserved(name: &Name) -> QueryError {
    let what = if canonical(&name.text) == TIMESTAMP { "time" } else { "id" };
    let message = format!("the {what} of a document can't be made");
    QueryError::new(QueryErrorCode::Unexpected, name.span, message).hint("use another name")
}

fn unknown_column(name: &Name, columns: &[String]) -> QueryError {
    let message = format!("the pipes before make no column {}", name.text);
    let error = QueryError::new(QueryErrorCode::UnknownColumn, name.span, message);
    let columns_of = columns.iter().map(String::as_str);
    let aliases_of = aliases::all().iter().filter(|(_, field)| columns.iter().any(|column| column == field));
    let known = columns_of.chain(aliases_of.map(|(alias, _)| *alias));
    error.hint(match nearest(&name.text, known) {
        Some(known) => format!("did you mean {known}?"),
        None => format!("there are {}", columns.join(", ")),
    })
}

//! What a name in a query stands for: a field of documents, a field that a pipe has made, or a column of a table.

use crate::Context;
use crate::aliases::{self, LEVEL, SEVERITY_TEXT, TIMESTAMP, canonical};
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
    /// Names and the fields whose values they hold, for the unit of those.
    sources: Vec<(String, String)>,
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
        Names { known, is_table: false, open: false, touched: Vec::new(), sources: Vec::new() }
    }

    /// `sources` are the fields whose values columns hold, as far as that is so.
    pub(super) fn of_columns(columns: Vec<String>, sources: Vec<(String, String)>) -> Names<'c> {
        Names { known: Known::Columns(columns), is_table: true, open: false, touched: Vec::new(), sources }
    }

    /// The field of documents whose values this one holds: itself, unless pipes gave them another name.
    pub(super) fn source(&self, name: &str) -> String {
        let held = self.sources.iter().find_map(|(holder, source)| {
            let rest = name.strip_prefix(holder.as_str())?;
            (rest.is_empty() || rest.starts_with('.')).then(|| format!("{source}{rest}"))
        });
        held.unwrap_or_else(|| name.to_owned())
    }

    /// A field that was made holds the values of `source`.
    pub(super) fn holds(&mut self, made: &str, source: String) {
        self.sources.push((made.to_owned(), source));
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
                let called = super::stats::column_of(typed);
                let names = std::iter::once(typed).chain(readings).chain(called.as_deref());
                match names.clone().find(is_column) {
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

    /// The name as that of an object of documents, which has fields inside it. Short names are none.
    pub(super) fn object<'n>(&self, name: &'n Name) -> Option<&'n str> {
        let typed = name.text.as_str();
        let of_documents = matches!(self.known, Known::Documents(_));
        (of_documents && canonical(typed) == typed).then_some(typed)
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
        self.sources.retain(|(holder, _)| *holder != made);
        self.touch(made.clone(), Touch::Made);
        Ok(made)
    }

    /// A field is called otherwise from here on.
    pub(super) fn rename(&mut self, old: &str, name: &Name) -> Result<String, QueryError> {
        let source = self.source(old);
        if let Known::Columns(columns) = &mut self.known {
            columns.retain(|column| column != old);
        }
        self.touch(old.to_owned(), Touch::Gone);
        let made = self.make(name)?;
        self.holds(&made, source);
        Ok(made)
    }

    /// Whether a condition says the same of the rows as they were stored.
    pub(super) fn says_the_same_of_stored(&self, filter: &Filter) -> bool {
        let untouched = |name: &str| {
            !self.open
                && self.touched.iter().all(|(touched, _)| {
                    let inside = name.strip_prefix(touched.as_str());
                    // The level may be taken of that field.
                    !matches!(touched.as_str(), LEVEL | SEVERITY_TEXT)
                        && inside.is_none_or(|rest| !rest.is_empty() && !rest.starts_with('.'))
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
                Scope::Object(object) => {
                    untouched(object)
                        && !self.touched.iter().any(|(touched, _)| Scope::is_inside(touched, object))
                }
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

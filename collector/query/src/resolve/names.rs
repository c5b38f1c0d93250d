//! What a name in a query stands for: a field of documents, or a column that the pipes before have made.

use crate::Context;
use crate::aliases;
use crate::ast::Name;
use crate::error::{QueryError, QueryErrorCode};
use crate::nearest::nearest;

/// The names that mean something at one place of the query.
#[derive(Clone)]
pub(super) enum Names<'c> {
    /// Fields of documents: any name, and the aliases.
    Documents(Option<&'c dyn Fn(&str) -> bool>),
    /// Columns of a table: these, and aliases of these.
    Columns(Vec<String>),
}

impl<'c> Names<'c> {
    pub(super) fn of_documents(context: &Context<'c>) -> Names<'c> {
        Names::Documents(context.has_field)
    }

    /// The one field or column that a pipe means.
    pub(super) fn one(&self, name: &Name) -> Result<String, QueryError> {
        let readings = aliases::readings(&name.text);
        let found = match self {
            Names::Documents(Some(has_field)) => readings.iter().find(|reading| has_field(reading)),
            Names::Documents(None) => None,
            Names::Columns(columns) => {
                let typed = std::iter::once(name.text.as_str());
                let is_column = |reading: &&str| columns.iter().any(|column| column == reading);
                let found = typed.chain(readings).find(is_column).map(str::to_owned);
                return found.ok_or_else(|| unknown_column(name, columns));
            }
        };
        Ok(found.or(readings.first()).map_or(name.text.as_str(), |reading| reading).to_owned())
    }

    /// Every field or column that a condition looks at.
    pub(super) fn every(&self, name: &Name) -> Result<Vec<String>, QueryError> {
        match self {
            Names::Documents(_) => Ok(aliases::readings(&name.text).into_iter().map(str::to_owned).collect()),
            Names::Columns(_) => Ok(vec![self.one(name)?]),
        }
    }
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

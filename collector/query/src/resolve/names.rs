//! What a name in a query stands for: a field of documents, or a column that the pipes before have made.

use crate::Context;
use crate::aliases::{self, may_be_a_field, meant};
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
        let (typed, alias_of) = (name.text.as_str(), meant(&name.text));
        match self {
            Names::Documents(Some(has_field))
                if alias_of != typed && may_be_a_field(typed) && !has_field(alias_of) && has_field(typed) =>
            {
                Ok(typed.to_owned())
            }
            Names::Documents(_) => Ok(alias_of.to_owned()),
            Names::Columns(columns) => [typed, alias_of]
                .into_iter()
                .find(|wanted| columns.iter().any(|column| column == wanted))
                .map(str::to_owned)
                .ok_or_else(|| unknown_column(name, columns)),
        }
    }

    /// Every field or column that a condition looks at: with an alias, also the field of that name.
    pub(super) fn every(&self, name: &Name) -> Result<Vec<String>, QueryError> {
        let alias_of = meant(&name.text);
        match self {
            Names::Documents(_) if alias_of != name.text && may_be_a_field(&name.text) => {
                Ok(vec![alias_of.to_owned(), name.text.clone()])
            }
            _ => Ok(vec![self.one(name)?]),
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

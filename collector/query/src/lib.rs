//! The query language: text to AST with spans, AST to a resolved filter and pipes, their evaluation on rows and
//! tables, and the printer. Pure: no I/O, and no clock but the `now` that callers pass.
//!
//! ```text
//! text ──parse──► Query (AST, spans) ──resolve(now)──► Resolved { Filter, Vec<Pipe> }
//!                   │                                     ├── matches(&filter, &row)   live tail, alerts
//!                   └── Display: canonical text           ├── store: Test on terms and numbers
//!                                                         ├── Maker::make(&row)        eval, extract, parse
//!                                                         └── table::apply             pipes after stats
//! ```
//!
//! What a condition means for one value is decided in [`Test::matches`] and nowhere else. The language itself
//! is described in `LANGUAGE.md` beside this crate.

pub mod accumulate;
pub mod aliases;
pub mod ast;
mod calendar;
pub mod complete;
mod error;
mod eval;
mod fields;
mod filter;
pub mod formula;
pub mod limits;
mod make;
mod names;
mod nearest;
pub mod number;
mod pipe;
mod print;
mod reads;
mod resolve;
mod room;
mod row;
mod scalar;
mod syntax;
pub mod table;
mod test;
pub mod time;
pub mod tokens;
mod units;
mod warnings;

pub use crate::error::{QueryError, QueryErrorCode, Span};
pub use crate::eval::Computation;
pub use crate::filter::{Filter, Leaf, Scope};
pub use crate::make::{Extract, Made, Maker, Unpack};
pub use crate::nearest::{field_hint, nearest};
pub use crate::number::NumberRange;
pub use crate::pipe::{Agg, AggFunction, GroupKey, Pipe, Series, SortKey, Stats, bucket_start_ns};
pub use crate::reads::deciding_fields;
pub use crate::room::{Limits, Room};
pub use crate::row::{Row, matches};
pub use crate::scalar::Scalar;
pub use crate::test::{
    AddressRange, Cidr, Equal, Level, LevelSet, Moment, NumericRange, Pattern, Regex, Test, Text, TextRange,
};
pub use crate::units::Unit;

/// A parsed query. Its `Display` is the canonical text, which parses to the same query.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The condition before the first pipe.
    pub filter: ast::Expr,
    /// The stages after it.
    pub pipes: Vec<ast::PipeExpr>,
}

/// A query ready to run.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The condition, with any leading `where` in it.
    pub filter: Filter,
    /// What is left to do with the rows that pass, in order.
    pub pipes: Vec<Pipe>,
}

/// What a query is resolved against.
#[derive(Clone, Copy, Default)]
pub struct Context<'a> {
    /// The time that `now` means, nanoseconds since the Unix epoch.
    pub now_ns: i64,
    /// Start of the range searched, for the step of a `timechart` without a `span`.
    pub start_ns: Option<i64>,
    /// End of the range searched; `now_ns` when none.
    pub end_ns: Option<i64>,
    /// Whether any document has a field of this name. Pipes use it to tell whether `host` is the alias or a
    /// field that scripts sent under this name; without it they take the alias.
    pub has_field: Option<&'a dyn Fn(&str) -> bool>,
}

/// Reads a query. Every text gives a query or an error that says where and why; none panics.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    syntax::parse(text)
}

/// One sentence for a field that no document has, if `name:…` may have been meant as a text, as in `localhost:5432`.
/// `text`: what the query was parsed from.
#[must_use]
pub fn as_text(name: &ast::Name, text: &str) -> Option<String> {
    warnings::as_text(name, text)
}

/// Reads a condition: a query without pipes, which are an error at the first `|`. What uses conditions alone is spared the
/// code of the pipes.
pub fn parse_condition(text: &str) -> Result<ast::Expr, QueryError> {
    syntax::parse_condition(text)
}

/// As [`Query::resolve`], for a condition.
pub fn resolve_condition(condition: &ast::Expr, now_ns: i64) -> Result<Filter, QueryError> {
    resolve::resolve_condition(condition, &Context { now_ns, ..Context::default() })
}

impl Query {
    /// The names that the filter and the pipes before the first `stats` use for fields of documents, as typed and
    /// with their places, in the order of the text. For a warning about those that no document has.
    #[must_use]
    pub fn fields(&self) -> Vec<&ast::Name> {
        fields::of(self).into_iter().map(|(name, _)| name).collect()
    }

    /// Those of [`fields`](Self::fields) that have to be fields with values: an object, as `user` of `user.id`, has none.
    #[must_use]
    pub fn fields_with_values(&self) -> Vec<&ast::Name> {
        fields::of(self)
            .into_iter()
            .filter(|(_, may_be_object)| !may_be_object)
            .map(|(name, _)| name)
            .collect()
    }

    /// What is often meant otherwise, one sentence each. `text`: what the query was parsed from.
    #[must_use]
    pub fn warnings(&self, text: &str) -> Vec<String> {
        warnings::of(self, text)
    }

    /// Makes times absolute, units numbers, aliases names, and compiles regular expressions.
    pub fn resolve(&self, now_ns: i64) -> Result<Resolved, QueryError> {
        self.resolve_in(&Context { now_ns, ..Context::default() })
    }

    /// As [`resolve`](Self::resolve), knowing more about where the query is to run.
    pub fn resolve_in(&self, context: &Context<'_>) -> Result<Resolved, QueryError> {
        resolve::resolve(self, context)
    }
}

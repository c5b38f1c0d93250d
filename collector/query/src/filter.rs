//! The resolved filter: what the store plans and the row evaluator runs. Names are canonical, times are
//! absolute, regular expressions are compiled.

use std::fmt;

use crate::test::Test;

/// A condition on a document.
#[derive(Debug, Clone)]
pub enum Filter {
    /// Every document.
    All,
    /// No document.
    None,
    /// All of them; never empty after [`Query::resolve`](crate::Query::resolve).
    And(Vec<Filter>),
    /// At least one of them; never empty after [`Query::resolve`](crate::Query::resolve).
    Or(Vec<Filter>),
    /// Every document that the inner filter refuses, so also those without the field.
    Not(Box<Filter>),
    /// A condition on `@timestamp`, in nanoseconds since the Unix epoch.
    Time {
        /// Inclusive; none means unbounded.
        start_ns: Option<i64>,
        /// Exclusive; none means unbounded.
        end_ns: Option<i64>,
    },
    /// A test of the values of one field or of all.
    Leaf(Leaf),
}

/// True for a document when `test` matches at least one value in `scope`.
#[derive(Debug, Clone)]
pub struct Leaf {
    /// Whose values are tested.
    pub scope: Scope,
    /// What is asked of a value.
    pub test: Test,
}

/// Which values of a document a test looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The message and every attribute value, except of the fields that
    /// [`searched_by_bare_words`](crate::aliases::searched_by_bare_words) leaves out.
    Any,
    /// The field with this canonical dotted name; aliases are already resolved.
    Field(String),
    /// Every field inside the object with this dotted name: `user.id` and `user.name` for `user`.
    Object(String),
}

impl Scope {
    /// Whether a field with this name is inside an object.
    #[must_use]
    pub fn is_inside(name: &str, object: &str) -> bool {
        name.strip_prefix(object).is_some_and(|rest| rest.starts_with('.'))
    }
}

/// For people and tests: one line, unambiguous, not a query text.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::All => f.write_str("all"),
            Filter::None => f.write_str("none"),
            Filter::And(parts) => join(f, "and", parts),
            Filter::Or(parts) => join(f, "or", parts),
            Filter::Not(part) => write!(f, "not({part})"),
            Filter::Time { start_ns, end_ns } => {
                f.write_str("time[")?;
                start_ns.map_or(Ok(()), |start| write!(f, "{start}"))?;
                f.write_str("..")?;
                end_ns.map_or(Ok(()), |end| write!(f, "{end}"))?;
                f.write_str("]")
            }
            Filter::Leaf(Leaf { scope: Scope::Any, test }) => write!(f, "any {test}"),
            Filter::Leaf(Leaf { scope: Scope::Field(name), test }) => write!(f, "{name} {test}"),
            Filter::Leaf(Leaf { scope: Scope::Object(name), test }) => write!(f, "{name}.* {test}"),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, name: &str, parts: &[Filter]) -> fmt::Result {
    write!(f, "{name}(")?;
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{part}")?;
    }
    f.write_str(")")
}

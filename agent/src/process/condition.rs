//! `when`: a condition of the query language on an event. What it means is decided by [`millpond_query::matches`]
//! alone; here an event is shown to it as the document that the collector would make of it.

use std::ops::ControlFlow;

use millpond_query::ast::{self, Expr};
use millpond_query::{Filter, Level, QueryError, Row, Scalar, aliases};
use millpond_wire::batch::{ScalarRef, ValueRef, for_each_leaf_of};
use millpond_wire::names;

use super::event::{Event, value_ref};

type Visit<'v> = dyn FnMut(&str, Scalar<'_>) -> ControlFlow<()> + 'v;

/// A condition, compiled.
#[derive(Debug, Clone)]
pub struct Condition(Filter);

/// Two clocks. What a condition says of time must not depend on which of them it is read by.
const CLOCKS_NS: [i64; 2] = [1_000_000_000_000_000_000, 1_900_000_123_456_789_012];

impl Condition {
    /// Reads a condition.
    ///
    /// # Errors
    /// One sentence with the place, for people: when the text can't be read, has pipes, or speaks of a time that moves.
    pub fn new(text: &str) -> Result<Self, String> {
        let condition = millpond_query::parse_condition(text).map_err(|error| explain(&error))?;
        if let Some(moving) = moving_time(&condition) {
            let at = moving.span.offset_bytes;
            return Err(format!(
                "a condition can't speak of a time that depends on the clock (at byte {at}): a line that is read again would be judged differently"
            ));
        }
        if let Some((word, meant, at)) = mistyped_level(&condition) {
            return Err(format!("no line has the level {word} (at byte {at}); did you mean {meant}?"));
        }
        let filter = millpond_query::resolve_condition(&condition, CLOCKS_NS[0]);
        filter.map(Self).map_err(|error| explain(&error))
    }

    /// The opposite.
    pub fn negated(self) -> Self {
        Self(Filter::Not(Box::new(self.0)))
    }

    /// Whether it holds for an event. `resource`: fields of all events of this host.
    pub fn holds(&self, event: &Event<'_, '_>, resource: &[(&'static str, String)]) -> bool {
        millpond_query::matches(&self.0, &EventRow { event, resource })
    }
}

fn explain(error: &QueryError) -> String {
    match &error.hint {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

/// The first condition on a time that means another one at another time.
fn moving_time(filter: &Expr) -> Option<&ast::FieldExpr> {
    match filter {
        Expr::All | Expr::Any(_) => None,
        Expr::And(parts) | Expr::Or(parts) => parts.iter().find_map(moving_time),
        Expr::Not(part) => moving_time(part),
        Expr::Field(field) => {
            let [first, second] = CLOCKS_NS.map(|now_ns| {
                millpond_query::resolve_condition(filter, now_ns).map(|filter| filter.to_string()).ok()
            });
            (first != second).then_some(field)
        }
    }
}

/// The first word that a level is to be equal to and that nearly spells one, with the spelling and its place. What is
/// far from every level may be one of the application's own.
fn mistyped_level(filter: &Expr) -> Option<(&str, &'static str, usize)> {
    let Expr::Field(field) = filter else {
        return match filter {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().find_map(mistyped_level),
            Expr::Not(part) => mistyped_level(part),
            Expr::All | Expr::Any(_) | Expr::Field(_) => None,
        };
    };
    let values = match &field.condition {
        ast::Condition::Has(value) | ast::Condition::Equals(value) | ast::Condition::Differs(value) => {
            std::slice::from_ref(value)
        }
        ast::Condition::In(values) => values,
        _ => &[],
    };
    let is_level = aliases::canonical(&field.name.text) == names::LEVEL;
    values.iter().filter(|_| is_level).find_map(|value| match &value.kind {
        ast::ValueKind::Text(text) if Level::parse(text).is_none() => {
            Level::nearest(text).map(|meant| (text.as_str(), meant, value.span.offset_bytes))
        }
        _ => None,
    })
}

/// An event as the document that it becomes.
struct EventRow<'r, 'e, 'a> {
    event: &'r Event<'e, 'a>,
    resource: &'r [(&'static str, String)],
}

impl Row for EventRow<'_, '_, '_> {
    fn timestamp_ns(&self) -> i64 {
        self.event.timestamp_ns()
    }

    fn leaves(&self, visit: &mut dyn FnMut(&str, Scalar<'_>) -> ControlFlow<()>) {
        let _ = self.visit_all(visit);
    }

    fn field(&self, name: &str, visit: &mut dyn FnMut(Scalar<'_>) -> ControlFlow<()>) {
        // The commonest conditions cost no walk through the fields.
        match name {
            names::LEVEL => {
                let _ = self.visit_level(&mut |_, value| visit(value));
            }
            names::MESSAGE => {
                let message = visit(Scalar::Str(&self.event.parsed.message));
                if let (ControlFlow::Continue(()), Some(own)) = (message, self.own(name)) {
                    let _ = visit_value(name, own, &mut |_, value| visit(value));
                }
            }
            _ if name == self.event.source.place.0 && self.own(name).is_none() => {
                let _ = visit(Scalar::Str(self.event.source.place.1));
            }
            _ => {
                let _ = self.visit_all(&mut |leaf, value| {
                    if leaf == name { visit(value) } else { ControlFlow::Continue(()) }
                });
            }
        }
    }
}

impl EventRow<'_, '_, '_> {
    fn own(&self, name: &str) -> Option<ValueRef<'_>> {
        self.event.parsed.field(name).map(value_ref)
    }

    /// The normalised level; what is written under its name only where it spells none.
    fn visit_level(&self, visit: &mut Visit<'_>) -> ControlFlow<()> {
        match (self.event.level(), self.own(names::LEVEL)) {
            (Some(level), _) => visit(names::LEVEL, Scalar::Str(level.name())),
            (None, Some(value)) => visit_value(names::LEVEL, value, visit),
            (None, None) => ControlFlow::Continue(()),
        }
    }

    fn visit_all(&self, visit: &mut Visit<'_>) -> ControlFlow<()> {
        let Event { parsed, original, source, .. } = self.event;
        visit(names::MESSAGE, Scalar::Str(&parsed.message))?;
        self.visit_level(visit)?;
        let ids = [(names::TRACE_ID, &parsed.trace_id), (names::SPAN_ID, &parsed.span_id)];
        for (name, id) in ids {
            if let Some(id) = id.as_deref() {
                // Ids travel as bytes and come back in lower case.
                if id.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    visit(name, Scalar::Str(&id.to_ascii_lowercase()))?;
                } else {
                    visit(name, Scalar::Str(id))?;
                }
            }
        }
        if let Some(text) = self.event.severity_text() {
            visit(names::SEVERITY_TEXT, Scalar::Str(text))?;
        }
        for (name, value) in parsed.fields.iter().filter(|(name, _)| name != names::LEVEL) {
            visit_value(name, value_ref(value), visit)?;
        }
        if let Some(line) = original.as_deref().filter(|_| !parsed.rebuilds_line) {
            visit(names::ORIGINAL, Scalar::Str(line))?;
        }
        let labels = source.labels.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let metadata = source.metadata.iter().map(|(name, value)| (*name, value.as_str()));
        let resource = self.resource.iter().map(|(name, value)| (*name, value.as_str()));
        let place = std::iter::once(source.place);
        let common = || place.clone().chain(labels.clone()).chain(metadata.clone()).chain(resource.clone());
        for (index, (name, value)) in common().enumerate() {
            // A line's own field wins, and of two common ones the nearer.
            if parsed.field(name).is_none() && common().take(index).all(|(nearer, _)| nearer != name) {
                visit(name, Scalar::Str(value))?;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Visits the scalars of a value. Only arrays and the like are taken apart, which allocates.
fn visit_value(name: &str, value: ValueRef<'_>, visit: &mut Visit<'_>) -> ControlFlow<()> {
    match value {
        // A number beyond `i64` and `f64` travels as text.
        ValueRef::Json(text) if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
            visit(name, Scalar::Str(text))
        }
        _ => for_each_leaf_of(name, value, &mut |name, value| visit(name, scalar(value))),
    }
}

fn scalar(value: ScalarRef<'_>) -> Scalar<'_> {
    match value {
        ScalarRef::Str(text) => Scalar::Str(text),
        ScalarRef::I64(number) => Scalar::I64(number),
        ScalarRef::F64(number) => Scalar::F64(number),
        ScalarRef::Bool(truth) => Scalar::Bool(truth),
    }
}

//! Conditions on values: which test a literal becomes, by what it looks like and by the field it is for.

use std::cmp::Ordering;
use std::net::IpAddr;
use std::ops::Bound;

use super::names::Names;
use super::{any_of, not, time};
use crate::Context;
use crate::aliases::{LEVEL, MESSAGE, TIMESTAMP};
use crate::ast::{Comparison, Condition, FieldExpr, Literal, Value, ValueKind};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::filter::{Filter, Leaf, Scope};
use crate::number::{Number, NumberRange};
use crate::test::{
    AddressRange, Cidr, Equal, Level, LevelSet, Moment, NumericRange, Pattern, Regex, Test, Text, TextRange,
};
use crate::time::{is_time_text, parse_time};
use crate::units::{Quantity, Unit, field_duration_unit_ns, field_size_unit_bytes, quantity};

/// A value without a field.
pub(super) fn any(value: &Value) -> Result<Filter, QueryError> {
    let test = match &value.kind {
        ValueKind::Text(text) if text.is_empty() => return Ok(Filter::All),
        ValueKind::Text(text) => Test::Text(Text::new(text, None)),
        ValueKind::Pattern(pieces) => Test::Pattern(Pattern::within(pieces, false)),
        ValueKind::Regex { source, ignore_case } => regex(source, *ignore_case, false, value.span)?,
    };
    Ok(Filter::Leaf(Leaf { scope: Scope::Any, test }))
}

/// A field with its condition.
pub(super) fn field(
    field: &FieldExpr,
    names: &Names<'_>,
    context: &Context<'_>,
) -> Result<Filter, QueryError> {
    let fields = names.every(&field.name)?;
    if fields == [TIMESTAMP] {
        return time::condition(field, context.now_ns);
    }
    let mut parts = Vec::with_capacity(fields.len());
    for name in fields {
        let field_of = Field { source: names.source(&name), name, now_ns: context.now_ns };
        parts.push(field_of.condition(&field.condition, field.span)?);
    }
    if matches!(field.condition, Condition::Exists) {
        parts.extend(
            names
                .object(&field.name)
                .map(|name| Filter::Leaf(Leaf { scope: Scope::Object(name.to_owned()), test: Test::Exists })),
        );
    }
    let found = any_of(parts);
    Ok(if matches!(field.condition, Condition::Differs(_)) { not(found) } else { found })
}

/// One field that a condition is on.
struct Field {
    name: String,
    /// The field of documents whose values it holds, which says the unit of numbers.
    source: String,
    now_ns: i64,
}

impl Field {
    fn leaf(&self, test: Test) -> Filter {
        Filter::Leaf(Leaf { scope: Scope::Field(self.name.clone()), test })
    }

    /// `!=` without its "not".
    fn condition(&self, condition: &Condition, span: Span) -> Result<Filter, QueryError> {
        Ok(match condition {
            Condition::Exists => self.leaf(Test::Exists),
            Condition::Has(value) => self.has(value)?,
            Condition::Equals(value) | Condition::Differs(value) => self.equals(value)?,
            Condition::Compare(comparison, literal) => {
                let (low, high) = ends_of(*comparison, literal);
                self.leaf(self.interval(low, high, span)?)
            }
            Condition::Range { low, low_inclusive, high, high_inclusive } => {
                let low = bound(low.as_ref(), *low_inclusive);
                let high = bound(high.as_ref(), *high_inclusive);
                self.leaf(self.interval(low, high, span)?)
            }
            Condition::Length(length) => self.leaf(Test::Length(*length)),
            Condition::In(values) => {
                let mut parts = Vec::with_capacity(values.len());
                for value in values {
                    parts.push(self.equals(value)?);
                }
                any_of(parts)
            }
        })
    }

    /// `name:value`
    fn has(&self, value: &Value) -> Result<Filter, QueryError> {
        Ok(match &value.kind {
            ValueKind::Text(text) => match self.level(text) {
                Some(level) => self.leaf(Test::Level(LevelSet::of(|other| other == level))),
                None if text.is_empty() => self.leaf(Test::Equal(Equal::new(text, None))),
                None => {
                    let as_text = Test::Text(Text::new(text, self.number_in_unit(text)));
                    self.text_or(as_text, Cidr::parse(text).map(Test::Cidr), text)
                }
            },
            ValueKind::Pattern(pieces) => self.leaf(Test::Pattern(Pattern::within(pieces, true))),
            ValueKind::Regex { source, ignore_case } => {
                self.leaf(regex(source, *ignore_case, true, value.span)?)
            }
        })
    }

    /// `name=value`
    fn equals(&self, value: &Value) -> Result<Filter, QueryError> {
        Ok(match &value.kind {
            ValueKind::Text(text) => match self.level(text) {
                Some(level) => self.leaf(Test::Level(LevelSet::of(|other| other == level))),
                None => self.text_or(Test::Equal(Equal::new(text, self.number_in_unit(text))), None, text),
            },
            ValueKind::Pattern(pieces) => self.leaf(Test::Pattern(Pattern::whole(pieces))),
            ValueKind::Regex { source, ignore_case } => {
                self.leaf(regex(source, *ignore_case, true, value.span)?)
            }
        })
    }

    /// A text, and what else it may mean: a network, a moment or day, a number with a unit, which texts may have in
    /// other words. A message as a whole is none of the last two, and to try them would take a look at every one.
    fn text_or(&self, as_text: Test, network: Option<Test>, text: &str) -> Filter {
        let mut parts = vec![self.leaf(as_text)];
        parts.extend(network.map(|network| self.leaf(network)));
        if self.name != MESSAGE {
            let day = parse_time(text, self.now_ns).filter(|_| is_time_text(text));
            let day = day.map(|day| Moment { start_ns: Some(day.start_ns), end_ns: Some(day.end_ns) });
            parts.extend(day.map(|day| self.leaf(Test::Moment(day))));
            let unit = unit(&self.source, text);
            let number = unit.and_then(|unit| unit.read(text)).map(Bound::Included);
            let range = number.map(|number| NumericRange::new(number, number, unit));
            parts.extend(range.map(|range| self.leaf(Test::Numeric(range))));
        }
        any_of(parts)
    }

    /// The level that a text spells, if the field is the level. Any other text is compared as text.
    fn level(&self, text: &str) -> Option<Level> {
        if self.name == LEVEL { Level::parse(text) } else { None }
    }

    /// `5ms` for a field of numbers: so many of the field's unit. None without a unit.
    fn number_in_unit(&self, text: &str) -> Option<NumberRange> {
        unit(&self.source, text).and_then(|unit| unit.read(text)).map(NumberRange::exactly)
    }

    /// An interval of levels if the field is the level, else of times, addresses or numbers if the bounds are, else of
    /// texts.
    fn interval(&self, low: Bound<&Literal>, high: Bound<&Literal>, span: Span) -> Result<Test, QueryError> {
        if self.name == LEVEL {
            let (low, high) = (level_bound(low)?, level_bound(high)?);
            check_order(ends(low).zip(ends(high)).map(|(low, high)| low.cmp(&high)), span)?;
            return Ok(Test::Level(LevelSet::of(|level| within(&level, low.as_ref(), high.as_ref()))));
        }
        if [low, high].into_iter().filter_map(ends).any(|literal| is_time_text(&literal.text)) {
            let (start_ns, end_ns) = time::interval(low, high, span, self.now_ns)?;
            return Ok(Test::Moment(Moment { start_ns, end_ns }));
        }
        let unit = [low, high].into_iter().find_map(|bound| unit(&self.source, &ends(bound)?.text));
        if let (Some(low), Some(high)) = (number(low, unit), number(high, unit)) {
            check_order(ends(low).zip(ends(high)).and_then(|(low, high)| low.partial_cmp(&high)), span)?;
            return Ok(match (low, high) {
                (Bound::Unbounded, Bound::Unbounded) => Test::Exists,
                (low, high) => Test::Numeric(NumericRange::new(low, high, unit)),
            });
        }
        if let (Some(low), Some(high)) = (address(low), address(high)) {
            check_order(ends(low).zip(ends(high)).map(|(low, high)| low.cmp(&high)), span)?;
            return Ok(Test::Addresses(AddressRange::new(low, high)));
        }
        check_order(ends(low).zip(ends(high)).map(|(low, high)| low.text.cmp(&high.text)), span)?;
        let text = |literal: &Literal| literal.text.clone();
        Ok(Test::TextRange(TextRange::new(low.map(text), high.map(text))))
    }
}

/// The interval that a comparison is.
pub(super) fn ends_of(comparison: Comparison, literal: &Literal) -> (Bound<&Literal>, Bound<&Literal>) {
    match comparison {
        Comparison::Less => (Bound::Unbounded, Bound::Excluded(literal)),
        Comparison::AtMost => (Bound::Unbounded, Bound::Included(literal)),
        Comparison::More => (Bound::Excluded(literal), Bound::Unbounded),
        Comparison::AtLeast => (Bound::Included(literal), Bound::Unbounded),
    }
}

/// An end of an interval; unbounded where `*` stands.
pub(super) fn bound(literal: Option<&Literal>, inclusive: bool) -> Bound<&Literal> {
    match literal {
        None => Bound::Unbounded,
        Some(literal) if inclusive => Bound::Included(literal),
        Some(literal) => Bound::Excluded(literal),
    }
}

/// The unit of the field's numbers, when the text names any unit of the kind.
pub(super) fn unit(name: &str, text: &str) -> Option<Unit> {
    match quantity(text)? {
        Quantity::Plain(_) => None,
        Quantity::Duration(_) if name == TIMESTAMP => Some(Unit::Duration { ns: 1.0 }),
        Quantity::Duration(_) => Some(Unit::Duration { ns: field_duration_unit_ns(name) }),
        Quantity::Bytes(_) => Some(Unit::Size { bytes: field_size_unit_bytes(name) }),
    }
}

/// The bound as a level. Levels have an order of their own, so no other text can be compared with them: in the order of
/// texts, `level>=wran` would hold for levels that nobody means.
fn level_bound(bound: Bound<&Literal>) -> Result<Bound<Level>, QueryError> {
    let read = |literal: &Literal| Level::parse(&literal.text).ok_or_else(|| unknown_level(literal));
    Ok(match bound {
        Bound::Included(literal) => Bound::Included(read(literal)?),
        Bound::Excluded(literal) => Bound::Excluded(read(literal)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}

fn unknown_level(literal: &Literal) -> QueryError {
    let message = format!("{} is no level, so none is above or below it", literal.text);
    QueryError::new(QueryErrorCode::UnknownLevel, literal.span, message).hint(
        match Level::nearest(&literal.text) {
            Some(level) => format!("did you mean {level}?"),
            None => "levels are trace, debug, info, warn, error and fatal".to_owned(),
        },
    )
}

/// The bound as a number of the unit; none when the text is no number.
fn number(bound: Bound<&Literal>, unit: Option<Unit>) -> Option<Bound<Number>> {
    let read = |literal: &Literal| match unit {
        Some(unit) => unit.read(&literal.text),
        None => Number::parse(&literal.text),
    };
    Some(match bound {
        Bound::Included(literal) => Bound::Included(read(literal)?),
        Bound::Excluded(literal) => Bound::Excluded(read(literal)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}

/// The bound as an address; none when the text is none.
fn address(bound: Bound<&Literal>) -> Option<Bound<IpAddr>> {
    let read = |literal: &Literal| literal.text.parse::<IpAddr>().ok().map(|address| address.to_canonical());
    Some(match bound {
        Bound::Included(literal) => Bound::Included(read(literal)?),
        Bound::Excluded(literal) => Bound::Excluded(read(literal)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}

/// The value at a bound.
fn ends<T>(bound: Bound<T>) -> Option<T> {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(value),
        Bound::Unbounded => None,
    }
}

fn within<T: PartialOrd>(value: &T, low: Bound<&T>, high: Bound<&T>) -> bool {
    let above = match low {
        Bound::Included(low) => low <= value,
        Bound::Excluded(low) => low < value,
        Bound::Unbounded => true,
    };
    above
        && match high {
            Bound::Included(high) => value <= high,
            Bound::Excluded(high) => value < high,
            Bound::Unbounded => true,
        }
}

/// A range whose ends are the wrong way round would be empty without a word.
pub(super) fn check_order(order: Option<Ordering>, span: Span) -> Result<(), QueryError> {
    if order == Some(Ordering::Greater) {
        return Err(QueryError::new(QueryErrorCode::BadRange, span, "nothing can be in this range")
            .hint("put the smaller end first"));
    }
    Ok(())
}

fn regex(source: &str, ignore_case: bool, numbers: bool, span: Span) -> Result<Test, QueryError> {
    Regex::new(source, ignore_case, numbers).map(Test::Regex).map_err(|reason| {
        QueryError::new(
            QueryErrorCode::BadRegex,
            span,
            format!("the regular expression can't be used: {reason}"),
        )
        .hint("quote the text to search for it as it is")
    })
}

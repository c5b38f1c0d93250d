//! Formulas as written: what `eval` computes, and what aggregates and group keys are computed from. Their grammar
//! is in `syntax/formula.rs`, their values in `eval/`.

mod functions;
mod print;

use serde::{Serialize, Serializer};

pub use self::functions::Function;
use crate::aliases::{TIMESTAMP, canonical};
use crate::ast::{Literal, Name};
use crate::error::Span;
use crate::number::Number;
use crate::units::duration_ns;

/// A value, or how to compute one. At most [`MAX_FORMULA_PARTS`](crate::limits::MAX_FORMULA_PARTS) of these in one,
/// which bounds every recursion over it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Formula {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `5`, `-0.5`
    Number(#[serde(serialize_with = "number")] Number),
    /// `5ms`, `10MB`
    Quantity(Literal),
    /// `"text"`
    Text(Literal),
    /// The first value of a field.
    Field(Name),
    /// `-a`
    Negate(Box<Formula>),
    /// `not a`
    Not(Box<Formula>),
    /// `a + b`
    Binary(Operator, Box<Formula>, Box<Formula>),
    /// `lower(a)`
    Call {
        /// Which function.
        function: Function,
        /// As many as it takes.
        arguments: Vec<Formula>,
        /// From the name to the parenthesis.
        span: Span,
    },
}

impl Formula {
    /// Whether its value is true or false, so that counting it means counting where it is true.
    #[must_use]
    pub fn is_condition(&self) -> bool {
        match self {
            Formula::Bool(_) | Formula::Not(_) => true,
            Formula::Binary(operator, ..) => operator.is_condition(),
            Formula::Call { function, .. } => function.is_condition(),
            _ => false,
        }
    }

    /// The step of `bin(_time, 5m)`, nanoseconds: such a key is a step of time.
    #[must_use]
    pub fn time_step_ns(&self) -> Option<i64> {
        let Formula::Call { function: Function::Bin, arguments, .. } = self else { return None };
        match arguments.as_slice() {
            [Formula::Field(field), Formula::Quantity(step)] if canonical(&field.text) == TIMESTAMP => {
                duration_ns(&step.text)
            }
            _ => None,
        }
    }

    /// Visits the names of fields in it.
    pub fn for_each_name<'f>(&'f self, visit: &mut impl FnMut(&'f Name)) {
        match self {
            Formula::Field(name) => visit(name),
            Formula::Negate(part) | Formula::Not(part) => part.for_each_name(visit),
            Formula::Binary(_, left, right) => {
                left.for_each_name(visit);
                right.for_each_name(visit);
            }
            Formula::Call { arguments, .. } => {
                arguments.iter().for_each(|argument| argument.for_each_name(visit));
            }
            Formula::Null | Formula::Bool(_) | Formula::Number(_) => {}
            Formula::Quantity(_) | Formula::Text(_) => {}
        }
    }
}

/// The operators between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `or`
    Or,
    /// `and`
    And,
    /// `=`
    Equal,
    /// `!=`
    Differ,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `.`
    Join,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

fn number<S: Serializer>(number: &Number, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Number::I64(number) => serializer.serialize_i64(*number),
        Number::F64(number) => serializer.serialize_f64(*number),
    }
}

/// As JSON it is what is written.
impl Serialize for Operator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// As JSON it is its name.
impl Serialize for Function {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Operator {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Operator::Or => "or",
            Operator::And => "and",
            Operator::Equal => "=",
            Operator::Differ => "!=",
            Operator::Less => "<",
            Operator::AtMost => "<=",
            Operator::More => ">",
            Operator::AtLeast => ">=",
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Join => ".",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Remainder => "%",
        }
    }

    /// How tightly it binds; `not` stands between `and` and the comparisons.
    #[must_use]
    pub fn binding(self) -> u8 {
        match self {
            Operator::Or => 0,
            Operator::And => 1,
            Operator::Equal
            | Operator::Differ
            | Operator::Less
            | Operator::AtMost
            | Operator::More
            | Operator::AtLeast => 3,
            Operator::Add | Operator::Subtract | Operator::Join => 4,
            Operator::Multiply | Operator::Divide | Operator::Remainder => 5,
        }
    }

    /// Whether it compares or combines truths.
    #[must_use]
    pub fn is_condition(self) -> bool {
        self.binding() <= 3
    }
}

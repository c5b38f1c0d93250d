//! Formulas as canonical text: parentheses only where they are needed to read the same again.

use std::fmt::{self, Display, Formatter};

use super::{Formula, Operator};
use crate::names::in_formula;
use crate::number::Number;
use crate::print::quote;

/// How tightly `not` binds: between `and` and the comparisons.
pub(crate) const NOT_BINDING: u8 = 2;

/// How tightly a sign binds: more than every operator.
const SIGN_BINDING: u8 = 6;

impl Formula {
    fn binding(&self) -> u8 {
        match self {
            Formula::Binary(operator, ..) => operator.binding(),
            Formula::Not(_) => NOT_BINDING,
            Formula::Negate(_) => SIGN_BINDING,
            _ => SIGN_BINDING + 1,
        }
    }

    /// The formula where only what binds at least so tightly can stand.
    fn at_least(&self, binding: u8, f: &mut Formatter<'_>) -> fmt::Result {
        if self.binding() < binding { write!(f, "({self})") } else { write!(f, "{self}") }
    }
}

impl Display for Formula {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Formula::Null => f.write_str("null"),
            Formula::Bool(truth) => write!(f, "{truth}"),
            Formula::Number(Number::I64(number)) => write!(f, "{number}"),
            Formula::Number(Number::F64(number)) => write!(f, "{number:?}"),
            Formula::Quantity(literal) => f.write_str(&literal.text),
            Formula::Text(literal) => quote(f, &literal.text),
            Formula::Field(name) => in_formula(f, &name.text),
            Formula::Negate(part) => {
                f.write_str("-")?;
                part.at_least(SIGN_BINDING, f)
            }
            Formula::Not(part) => {
                f.write_str("not ")?;
                part.at_least(NOT_BINDING, f)
            }
            Formula::Binary(operator, left, right) => {
                let binding = operator.binding();
                // Comparisons don't chain; the other operators do, to the left.
                let is_chain = matches!(operator, Operator::Or | Operator::And) || binding > 3;
                left.at_least(if is_chain { binding } else { binding + 1 }, f)?;
                write!(f, " {} ", operator.as_str())?;
                right.at_least(binding + 1, f)
            }
            Formula::Call { function, arguments, .. } => {
                write!(f, "{}(", function.name())?;
                for (index, argument) in arguments.iter().enumerate() {
                    f.write_str(if index > 0 { ", " } else { "" })?;
                    write!(f, "{argument}")?;
                }
                f.write_str(")")
            }
        }
    }
}

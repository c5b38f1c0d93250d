//! Formulas: recursive descent, one function for each level of precedence. `-` and `/` are operators here, so that
//! names that have them stand in backticks.

use crate::ast::{Literal, Name};
use crate::error::{QueryError, QueryErrorCode};
use crate::formula::{Formula, Function, Operator};
use crate::limits::MAX_FORMULA_PARTS;
use crate::names::{FORMULA_WORDS, continues_name_in_formula};
use crate::nearest::nearest;
use crate::number::Number;
use crate::syntax::cursor::Cursor;
use crate::syntax::pipes::is_aggregate;
use crate::syntax::value;
use crate::units::{Quantity, quantity};

/// Reads a formula; stops at what can't continue it.
pub(super) fn formula(cursor: &mut Cursor<'_>) -> Result<Formula, QueryError> {
    let start = cursor.at();
    Parser { cursor, start, parts: 0 }.any_of()
}

/// Reads one call of a function.
pub(super) fn call(cursor: &mut Cursor<'_>) -> Result<Formula, QueryError> {
    let start = cursor.at();
    Parser { cursor, start, parts: 0 }.primary()
}

struct Parser<'p, 'a> {
    cursor: &'p mut Cursor<'a>,
    start: usize,
    /// Read so far.
    parts: usize,
}

/// Operators that chain to the left, by how tightly they bind.
const CHAINS: [&[(&str, Operator)]; 2] = [
    &[("+", Operator::Add), ("-", Operator::Subtract), (".", Operator::Join)],
    &[("*", Operator::Multiply), ("/", Operator::Divide), ("%", Operator::Remainder)],
];

/// Longer ones first.
const COMPARISONS: [(&str, Operator); 7] = [
    ("==", Operator::Equal),
    ("!=", Operator::Differ),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::More),
];

impl Parser<'_, '_> {
    fn any_of(&mut self) -> Result<Formula, QueryError> {
        let mut left = self.all_of()?;
        loop {
            self.cursor.skip_space();
            if !self.cursor.eat("||") && !self.cursor.eat_keyword("or") {
                return Ok(left);
            }
            let right = self.all_of()?;
            left = self.binary(Operator::Or, left, right)?;
        }
    }

    fn all_of(&mut self) -> Result<Formula, QueryError> {
        let mut left = self.negated()?;
        loop {
            self.cursor.skip_space();
            if !self.cursor.eat("&&") && !self.cursor.eat_keyword("and") {
                return Ok(left);
            }
            let right = self.negated()?;
            left = self.binary(Operator::And, left, right)?;
        }
    }

    fn negated(&mut self) -> Result<Formula, QueryError> {
        self.cursor.skip_space();
        let start = self.cursor.at();
        let bang = self.cursor.sees("!") && !self.cursor.sees("!=") && self.cursor.eat("!");
        if !bang && !self.cursor.eat_keyword("not") {
            return self.comparison();
        }
        self.count()?;
        let inner = self.deeper(start, Self::negated)?;
        Ok(Formula::Not(Box::new(inner)))
    }

    fn comparison(&mut self) -> Result<Formula, QueryError> {
        let left = self.chain(&CHAINS)?;
        self.cursor.skip_space();
        let Some((_, operator)) = COMPARISONS.iter().find(|(text, _)| self.cursor.eat(text)) else {
            return Ok(left);
        };
        let right = self.chain(&CHAINS)?;
        self.binary(*operator, left, right)
    }

    /// Operators of the first level between terms of the others.
    fn chain(&mut self, levels: &[&[(&str, Operator)]]) -> Result<Formula, QueryError> {
        let Some((level, tighter)) = levels.split_first() else { return self.signed() };
        let mut left = self.chain(tighter)?;
        loop {
            self.cursor.skip_space();
            let Some((_, operator)) = level.iter().find(|(text, _)| self.cursor.eat(text)) else {
                return Ok(left);
            };
            let right = self.chain(tighter)?;
            left = self.binary(*operator, left, right)?;
        }
    }

    fn signed(&mut self) -> Result<Formula, QueryError> {
        self.cursor.skip_space();
        let start = self.cursor.at();
        if self.cursor.eat("+") {
            return self.deeper(start, Self::signed);
        }
        if !self.cursor.eat("-") {
            return self.primary();
        }
        self.count()?;
        let digits = self.cursor.at();
        let inner = self.deeper(start, Self::signed)?;
        // The smallest whole number has no positive twin.
        if let Ok(number) = format!("-{}", self.cursor.since(digits)).parse::<i64>() {
            return Ok(Formula::Number(Number::I64(number)));
        }
        Ok(match inner {
            Formula::Number(Number::I64(number)) => Formula::Number(Number::I64(number.saturating_neg())),
            Formula::Number(Number::F64(number)) => Formula::Number(Number::F64(-number)),
            other => Formula::Negate(Box::new(other)),
        })
    }

    fn primary(&mut self) -> Result<Formula, QueryError> {
        self.count()?;
        let start = self.cursor.at();
        if self.cursor.eat("(") {
            let inner = self.deeper(start, Self::any_of)?;
            self.close(start)?;
            return Ok(inner);
        }
        let is_name = self.cursor.peek() == Some('`');
        if let Some(text) = value::quoted(self.cursor)? {
            let span = self.cursor.span_from(start);
            return Ok(if is_name {
                Formula::Field(Name { text, span })
            } else {
                Formula::Text(Literal { text, span })
            });
        }
        match self.cursor.peek() {
            Some(c) if c.is_ascii_digit() => self.number(start),
            Some('.') if self.cursor.peek_second().is_some_and(|c| c.is_ascii_digit()) => self.number(start),
            Some(c) if c.is_alphabetic() || matches!(c, '_' | '@') => self.word(start),
            _ => Err(self.missing()),
        }
    }

    /// `5`, `1.5e3`, `5ms`
    fn number(&mut self, start: usize) -> Result<Formula, QueryError> {
        while let Some(c) = self.cursor.peek() {
            let signs_exponent = matches!(c, '+' | '-')
                && self.cursor.since(start).ends_with(['e', 'E'])
                && self.cursor.peek_second().is_some_and(|c| c.is_ascii_digit());
            if !signs_exponent && !c.is_alphanumeric() && c != '.' {
                break;
            }
            self.cursor.bump();
        }
        let text = self.cursor.since(start);
        let span = self.cursor.span_from(start);
        match quantity(text) {
            Some(Quantity::Plain(number)) => Ok(Formula::Number(number)),
            Some(_) => Ok(Formula::Quantity(Literal { text: text.to_owned(), span })),
            None => Err(QueryError::new(
                QueryErrorCode::BadNumber,
                span,
                format!("{text} is no number, and no number with a unit"),
            )
            .hint(format!("write \"{text}\" for a text, `{text}` for a field"))),
        }
    }

    /// A word, a name, or a function with its arguments.
    fn word(&mut self, start: usize) -> Result<Formula, QueryError> {
        while self.cursor.peek().is_some_and(continues_name_in_formula) {
            self.cursor.bump();
        }
        // A point at the end joins what follows: `host." "`.
        let name = self.cursor.since(start).trim_end_matches('.').to_owned();
        self.cursor.set(start + name.len());
        let span = self.cursor.span_from(start);
        match FORMULA_WORDS.iter().find(|word| word.eq_ignore_ascii_case(&name)) {
            Some(&"true") => return Ok(Formula::Bool(true)),
            Some(&"false") => return Ok(Formula::Bool(false)),
            Some(&"null") => return Ok(Formula::Null),
            Some(_) => {
                let message = format!("a value is missing before {name}");
                return Err(QueryError::new(QueryErrorCode::Missing, span, message)
                    .hint(format!("a field of this name is written `{name}`")));
            }
            None => {}
        }
        let after = self.cursor.at();
        self.cursor.skip_space();
        if self.cursor.eat("(") {
            return self.call(&Name { text: name, span });
        }
        self.cursor.set(after);
        Ok(Formula::Field(Name { text: name, span }))
    }

    /// What follows the parenthesis behind a name.
    fn call(&mut self, name: &Name) -> Result<Formula, QueryError> {
        let start = name.span.offset_bytes;
        let mut arguments = self.deeper(start, Self::arguments)?;
        self.close(start)?;
        let span = self.cursor.span_from(start);
        if name.text.eq_ignore_ascii_case("field") {
            return match (arguments.pop(), arguments.is_empty()) {
                (Some(Formula::Text(literal)), true) => {
                    Ok(Formula::Field(Name { text: literal.text, span: literal.span }))
                }
                _ => Err(QueryError::new(QueryErrorCode::Unexpected, span, "field takes one name in quotes")
                    .hint("write field(\"odd name\")")),
            };
        }
        let Some((function, takes)) = Function::called(&name.text) else {
            let message = format!("there is no function {}", name.text);
            let error = QueryError::new(QueryErrorCode::UnknownFunction, name.span, message);
            return Err(error.hint(match nearest(&name.text, Function::names()) {
                _ if is_aggregate(&name.text) => {
                    "an aggregate stands in stats; write its column in backticks: `avg(status)`".to_owned()
                }
                Some(known) => format!("did you mean {known}?"),
                None => "some of the functions are if, case, coalesce, lower, replace, round".to_owned(),
            }));
        };
        if matches!(function, Function::Matches | Function::Replace) {
            self.cursor.count_regex(start)?;
        }
        if takes.contains(&arguments.len()) {
            return Ok(Formula::Call { function, arguments, span });
        }
        let (least, most) = (*takes.start(), *takes.end());
        let wanted = match (least, most) {
            (0, 0) => "nothing".to_owned(),
            (least, most) if least == most => format!("{least}"),
            (least, usize::MAX) => format!("at least {least}"),
            _ => format!("{least} to {most}"),
        };
        let message = format!("{} takes {wanted}, not {} values", name.text, arguments.len());
        let code = if arguments.len() < least { QueryErrorCode::Missing } else { QueryErrorCode::Unexpected };
        Err(QueryError::new(code, span, message).hint("separate values by commas"))
    }

    fn arguments(&mut self) -> Result<Vec<Formula>, QueryError> {
        let mut arguments = Vec::new();
        self.cursor.skip_space();
        if self.cursor.peek() == Some(')') {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.any_of()?);
            self.cursor.skip_space();
            if !self.cursor.eat(",") {
                return Ok(arguments);
            }
        }
    }

    fn close(&mut self, start: usize) -> Result<(), QueryError> {
        self.cursor.skip_space();
        if self.cursor.eat(")") {
            return Ok(());
        }
        Err(match self.cursor.peek() {
            None | Some('|') => self
                .cursor
                .error_from(start, QueryErrorCode::Unclosed, "this ( is never closed")
                .hint("add a )"),
            Some(c) => self
                .cursor
                .error_here(QueryErrorCode::Unexpected, format!("{c} can't stand here"))
                .hint("separate values by commas, or put an operator between them"),
        })
    }

    fn missing(&self) -> QueryError {
        let message = match self.cursor.peek() {
            None => "a value is missing at the end".to_owned(),
            Some(c) => format!("a value can't start with {c}"),
        };
        let code = if self.cursor.at_end() { QueryErrorCode::Missing } else { QueryErrorCode::Unexpected };
        self.cursor
            .error_here(code, message)
            .hint("write a field, a number, a \"text\", a function such as lower(host), or a ( formula )")
    }

    fn binary(&mut self, operator: Operator, left: Formula, right: Formula) -> Result<Formula, QueryError> {
        self.count()?;
        Ok(Formula::Binary(operator, Box::new(left), Box::new(right)))
    }

    fn count(&mut self) -> Result<(), QueryError> {
        if self.parts == MAX_FORMULA_PARTS {
            let message = format!("a formula has at most {MAX_FORMULA_PARTS} values and operators");
            return Err(self
                .cursor
                .error_from(self.start, QueryErrorCode::TooMany, message)
                .hint("compute parts of it in an eval of their own"));
        }
        self.parts += 1;
        Ok(())
    }

    fn deeper<T>(
        &mut self,
        start: usize,
        inner: impl FnOnce(&mut Self) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        self.cursor.enter(start)?;
        let result = inner(self);
        self.cursor.leave();
        result
    }
}

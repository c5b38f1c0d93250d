//! The pipes that make fields: names settled, patterns compiled.

use super::formula::{formula, regex, source, source_of};
use super::pipes::Stages;
use crate::ast::{ExtractPattern, Literal, Name, ParseFormat};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::formula::Formula;
use crate::make::{BadTemplate, Extract, Maker, Unpack};
use crate::pipe::Pipe;

/// Why a pattern is refused: itself, or a name in it.
enum Refused {
    Pattern(BadTemplate),
    Name(QueryError),
}

impl From<BadTemplate> for Refused {
    fn from(bad: BadTemplate) -> Self {
        Refused::Pattern(bad)
    }
}

impl Stages<'_> {
    pub(super) fn eval(&mut self, fields: &[(Name, Formula)]) -> Result<(), QueryError> {
        let mut resolved = Vec::with_capacity(fields.len());
        for (name, written) in fields {
            let computation = formula(written, &self.names, self.context)?;
            let source = source_of(written, &self.names);
            let made = self.names.make(name)?;
            source.into_iter().for_each(|source| self.names.holds(&made, source));
            resolved.push((made, computation));
        }
        self.pipes.push(Pipe::Make(Maker::Eval(resolved)));
        Ok(())
    }

    pub(super) fn extract(
        &mut self,
        pattern: &ExtractPattern,
        from: Option<&Name>,
        span: Span,
    ) -> Result<(), QueryError> {
        let from = source(from, &self.names, span)?;
        let (ExtractPattern::Template(written) | ExtractPattern::Regex(written)) = pattern;
        let names = &mut self.names;
        let make = |name: &str| {
            names.make(&Name { text: name.to_owned(), span: written.span }).map_err(Refused::Name)
        };
        let extract = match pattern {
            ExtractPattern::Template(written) => Extract::template(&written.text, from, make),
            ExtractPattern::Regex(written) => Extract::regex(regex(written, false)?, from, make),
        };
        let extract = extract.map_err(|refused| refusal(refused, pattern, written))?;
        self.pipes.push(Pipe::Make(Maker::Extract(extract)));
        Ok(())
    }

    pub(super) fn parse(
        &mut self,
        format: ParseFormat,
        from: Option<&Name>,
        prefix: &str,
        span: Span,
    ) -> Result<(), QueryError> {
        let from = source(from, &self.names, span)?;
        self.names.open();
        self.pipes.push(Pipe::Make(Maker::Parse(Unpack::new(format, from, prefix.to_owned()))));
        Ok(())
    }

    pub(super) fn rename(&mut self, names: &[(Name, Name)]) -> Result<(), QueryError> {
        let mut resolved = Vec::with_capacity(names.len());
        for (old, new) in names {
            let old = self.names.one(old)?;
            let new = self.names.rename(&old, new)?;
            if old != new {
                resolved.push((old, new));
            }
        }
        self.pipes.push(Pipe::Rename(resolved));
        Ok(())
    }
}

fn refusal(refused: Refused, pattern: &ExtractPattern, written: &Literal) -> QueryError {
    let (message, hint) = match (refused, pattern) {
        (Refused::Name(error), _) => return error,
        (Refused::Pattern(BadTemplate::Adjacent), _) => {
            ("nothing tells where one place ends and the next begins", "put a text between them: \"<a> <b>\"")
        }
        (Refused::Pattern(BadTemplate::NoName), ExtractPattern::Template(_)) => {
            ("the text has no place with a name", "write extract \"from <ip> port <port>\"")
        }
        (Refused::Pattern(BadTemplate::NoName), ExtractPattern::Regex(_)) => {
            ("the regular expression has no group with a name", "write rex \"user (?<user>\\w+)\"")
        }
    };
    QueryError::new(QueryErrorCode::Missing, written.span, message).hint(hint)
}

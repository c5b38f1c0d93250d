//! One JSON object a line. Objects flatten to dotted names, arrays stay verbatim; `crate::roles` finds time, level,
//! message and trace. Without a message member the line itself is the message, so there is always something to read.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::cursor::Outcome;
use crate::event::{NoteKind, Parsed, Value};
use crate::fields::Names;
use crate::json::{Reader, Sink, flatten_object};
use crate::roles::Roles;
use crate::time::Context;

pub(crate) fn parse<'a>(line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    let mut reader = Reader::new(line);
    out.rebuilds_line = true;
    out.message = Cow::Borrowed(line);
    let mut members = Members { out, context, names: Names::default(), roles: Roles::default() };
    flatten_object(&mut reader, &mut members)?;
    reader.end()?;
    let Members { roles, .. } = members;
    roles.apply(out);
    Ok(())
}

struct Members<'o, 'a, 'z> {
    out: &'o mut Parsed<'a>,
    context: &'o Context<'z>,
    names: Names,
    roles: Roles<'a>,
}

impl<'a> Sink<'a> for Members<'_, 'a, '_> {
    fn field(&mut self, name: Cow<'a, str>, value: Value<'a>, number: &'a str, offset_bytes: usize) {
        let Some(index) = self.names.add(self.out, name, value, offset_bytes) else { return };
        if let Some((name, value)) = self.out.fields.get(index) {
            self.roles.see(index, name, value, number, self.context);
        }
    }

    fn broken_escape(&mut self, offset_bytes: usize) {
        self.out.rebuilds_line = false;
        self.out.note(NoteKind::BrokenEscape, offset_bytes);
    }
}

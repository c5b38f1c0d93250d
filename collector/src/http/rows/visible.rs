//! Which fields of a row are left after `| fields`. The id and the time always are.

use std::ops::ControlFlow;

use millpond_query::{Row, Scalar, aliases};
use millpond_store::DocRow;
use millpond_wire::batch::{Batch, BatchBuilder, DocRef};
use millpond_wire::names;

/// The effect of all `| fields` up to some place.
#[derive(Clone, Debug, Default)]
pub(in crate::http) struct Visible(Vec<Choice>);

#[derive(Clone, Debug)]
struct Choice {
    names: Vec<String>,
    exclude: bool,
}

impl Visible {
    /// Adds the effect of one more `| fields`.
    pub(in crate::http) fn restrict(&mut self, names: Vec<String>, exclude: bool) {
        self.0.push(Choice { names, exclude });
    }

    /// Appends what is visible of the row as one JSON object.
    pub(in crate::http) fn write_json(&self, row: DocRef<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        if self.0.is_empty() {
            row.write_json(out);
        } else if let Some(row) = self.copy(row).doc(0) {
            row.write_json(out);
        }
        // Arrays are kept as they came, and JSON allows line breaks between their items; here a line is a row.
        for byte in out.iter_mut().skip(start).filter(|byte| matches!(**byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
    }

    /// What is visible of the row as a batch of its own.
    pub(in crate::http) fn copy(&self, row: DocRef<'_>) -> Batch {
        let mut copy = BatchBuilder::new();
        copy.begin_numbered(row.timestamp_ns(), row.sequence());
        for field in row.fields().filter(|field| self.shows(field.name)) {
            copy.field(field.name, field.value);
        }
        copy.end();
        copy.finish().0
    }

    /// Whether the field is visible.
    pub(in crate::http) fn shows(&self, name: &str) -> bool {
        self.0.iter().all(|choice| choice.names.iter().any(|chosen| is_of(name, chosen)) != choice.exclude)
    }
}

/// Whether a name in `fields` means this field: its name, one it is an alias of, an object it is in, or a prefix
/// with `*`.
pub(super) fn is_of(name: &str, chosen: &str) -> bool {
    if let Some(prefix) = chosen.strip_suffix('*') {
        return name.starts_with(prefix);
    }
    name == chosen
        || aliases::canonical(name) == chosen
        || name.strip_prefix(chosen).is_some_and(|rest| rest.starts_with('.'))
        || (chosen == names::LEVEL && names::LEVEL_SOURCES.contains(&name))
}

/// What is visible of a row, for conditions and keys.
pub(in crate::http) struct VisibleRow<'a> {
    pub(in crate::http) row: DocRef<'a>,
    pub(in crate::http) visible: &'a Visible,
}

impl Row for VisibleRow<'_> {
    fn timestamp_ns(&self) -> i64 {
        self.row.timestamp_ns()
    }

    fn leaves(&self, visit: &mut dyn FnMut(&str, Scalar<'_>) -> ControlFlow<()>) {
        DocRow(self.row).leaves(&mut |name, value| {
            if self.visible.shows(name) { visit(name, value) } else { ControlFlow::Continue(()) }
        });
    }

    fn field(&self, name: &str, visit: &mut dyn FnMut(Scalar<'_>) -> ControlFlow<()>) {
        if self.visible.shows(name) {
            DocRow(self.row).field(name, visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use millpond_wire::batch::ValueRef;

    use super::*;

    fn check(choices: &[(&[&str], bool)], expected: &str) {
        let mut builder = BatchBuilder::new();
        builder.begin_numbered(0, 7);
        builder.field("message", ValueRef::Str("m"));
        builder.field("http.method", ValueRef::Str("GET"));
        builder.field("level", ValueRef::Str("INFO"));
        builder.field("tags", ValueRef::Json("[1,\n2]"));
        builder.end();
        let (batch, _) = builder.finish();
        let mut visible = Visible::default();
        for (names, exclude) in choices {
            visible.restrict(names.iter().map(|name| (*name).to_owned()).collect(), *exclude);
        }
        let mut out = Vec::new();
        visible.write_json(batch.doc(0).unwrap(), &mut out);
        let head = r#"{"_id":"80000000000000000000000000000007","@timestamp":"1970-01-01T00:00:00Z""#;
        assert_eq!(String::from_utf8(out).unwrap(), format!("{head}{expected}}}"), "{choices:?}");
    }

    #[test]
    fn fields_keep_the_id_and_the_time() {
        check(&[], r#","message":"m","http.method":"GET","level":"INFO","tags":[1, 2]"#);
        check(&[(&["message"], false)], r#","message":"m""#);
        check(&[(&["log.level"], false)], r#","level":"INFO""#);
        check(&[(&["http"], false)], r#","http.method":"GET""#);
        check(&[(&["ht*"], false)], r#","http.method":"GET""#);
        check(&[(&["message", "tags"], true)], r#","http.method":"GET","level":"INFO""#);
        check(&[(&["message", "tags"], false), (&["tags"], true)], r#","message":"m""#);
        check(&[(&["nothing"], false)], "");
    }
}

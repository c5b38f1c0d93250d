//! The pipes that make fields of a document, or call them otherwise: the document that comes out is one of its own, with
//! the time and the id of the one that went in.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use millpond_query::Maker;
use millpond_query::aliases::{LEVEL, TIMESTAMP};
use millpond_query::table::Cell;
use millpond_wire::batch::{Batch, BatchBuilder, DocRef, ValueRef, write_json_string};
use millpond_wire::names;

use super::visible::{Visible, VisibleRow, is_of};
use super::{Outcome, Stage};
use crate::http::search::rfc3339;

/// What a pipe does to each document.
#[derive(Clone, Debug)]
pub(in crate::http) enum Change {
    /// `eval`, `extract`, `parse`
    Make(Maker),
    /// `rename`: old and new names.
    Rename(Vec<(String, String)>),
}

impl Change {
    /// What is visible of the document, changed; and whether fields were left out because they are too many.
    pub(in crate::http) fn apply(&self, row: DocRef<'_>, visible: &Visible) -> (Batch, bool) {
        match self {
            Self::Make(maker) => {
                let made = maker.make(&VisibleRow { row, visible });
                (with_fields(row, visible, &made.fields), made.cut)
            }
            Self::Rename(names) => (renamed(row, visible, names), false),
        }
    }
}

/// The stage of such a pipe.
pub(super) struct Changed<'w> {
    pub(super) change: Change,
    pub(super) visible: Visible,
    pub(super) cut: bool,
    pub(super) next: Box<dyn Stage + 'w>,
}

impl Stage for Changed<'_> {
    fn push(&mut self, row: DocRef<'_>) -> ControlFlow<()> {
        let (batch, cut) = self.change.apply(row, &self.visible);
        self.cut |= cut;
        batch.doc(0).map_or(ControlFlow::Continue(()), |row| self.next.push(row))
    }

    fn end(&mut self, outcome: &mut Outcome) {
        if self.cut {
            outcome.partial = outcome.partial.or(Some("parsed_fields"));
        }
        self.next.end(outcome);
    }
}

/// A copy in which these fields take the place of those with their names.
fn with_fields(row: DocRef<'_>, visible: &Visible, made: &[(String, Cell)]) -> Batch {
    let replaced: BTreeSet<&str> = made.iter().map(|(name, _)| name.as_str()).collect();
    let replaces_level = replaced.contains(LEVEL);
    let is_replaced =
        |name: &str| replaced.contains(name) || (replaces_level && names::LEVEL_SOURCES.contains(&name));
    let mut copy = BatchBuilder::new();
    copy.begin_numbered(row.timestamp_ns(), row.sequence());
    for field in row.fields().filter(|field| visible.shows(field.name) && !is_replaced(field.name)) {
        copy.field(field.name, field.value);
    }
    for (name, cell) in made.iter().filter(|(name, _)| !matches!(name.as_str(), TIMESTAMP | names::ID)) {
        add(&mut copy, name, cell);
    }
    copy.end();
    copy.finish().0
}

/// Adds a field; nothing for a value that documents can't have.
fn add(copy: &mut BatchBuilder, name: &str, cell: &Cell) {
    match cell {
        Cell::Null => {}
        Cell::Bool(truth) => copy.field(name, ValueRef::Bool(*truth)),
        Cell::I64(number) => copy.field(name, ValueRef::I64(*number)),
        Cell::F64(number) if number.is_finite() => copy.field(name, ValueRef::F64(*number)),
        Cell::F64(_) => {}
        Cell::Str(text) => copy.field(name, ValueRef::Str(text)),
        Cell::TimeNs(timestamp_ns) => copy.field(name, ValueRef::Str(&rfc3339(*timestamp_ns))),
        Cell::List(items) => {
            let mut json = Vec::new();
            write_list(items, &mut json);
            copy.field(name, ValueRef::Json(&String::from_utf8(json).unwrap_or_default()));
        }
    }
}

fn write_list(items: &[Cell], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        match item {
            Cell::Bool(truth) => out.extend_from_slice(truth.to_string().as_bytes()),
            Cell::I64(number) => out.extend_from_slice(number.to_string().as_bytes()),
            // As JSON has it: with a point, so that it stays a float.
            Cell::F64(number) if number.is_finite() => {
                out.extend_from_slice(format!("{number:?}").as_bytes())
            }
            Cell::Str(text) => write_json_string(text, out),
            Cell::TimeNs(timestamp_ns) => write_json_string(&rfc3339(*timestamp_ns), out),
            Cell::F64(_) | Cell::Null | Cell::List(_) => out.extend_from_slice(b"null"),
        }
    }
    out.push(b']');
}

/// A copy with other names: of a field, or of all fields in an object. A field that has the new name already goes.
fn renamed(row: DocRef<'_>, visible: &Visible, pairs: &[(String, String)]) -> Batch {
    let shown = row.fields().filter(|field| visible.shows(field.name));
    let mut fields: Vec<(Cow<'_, str>, ValueRef<'_>)> =
        shown.map(|field| (Cow::Borrowed(field.name), field.value)).collect();
    let time = rfc3339(row.timestamp_ns());
    for (old, new) in pairs {
        let level = row.level().filter(|_| old == LEVEL).map(|level| ValueRef::Str(level.name()));
        if old == TIMESTAMP {
            fields.retain(|(name, _)| name != new);
            fields.push((Cow::Borrowed(new), ValueRef::Str(&time)));
        } else if let Some(level) = level {
            fields.retain(|(name, _)| name != new && !names::LEVEL_SOURCES.contains(&&**name));
            fields.push((Cow::Borrowed(new), level));
        } else if fields.iter().any(|(name, _)| rest_of(name, old).is_some()) {
            fields.retain(|(name, _)| {
                rest_of(name, old).is_some() || !(name == new || (new == LEVEL && is_of(name, LEVEL)))
            });
            for (name, _) in &mut fields {
                if let Some(rest) = rest_of(name, old) {
                    *name = Cow::Owned(format!("{new}{rest}"));
                }
            }
        }
    }
    let mut copy = BatchBuilder::new();
    copy.begin_numbered(row.timestamp_ns(), row.sequence());
    fields.iter().for_each(|(name, value)| copy.field(name, *value));
    copy.end();
    copy.finish().0
}

/// What follows `old` in the name of the field itself or of one inside it.
fn rest_of<'n>(name: &'n str, old: &str) -> Option<&'n str> {
    name.strip_prefix(old).filter(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use millpond_query::Pipe;

    use super::*;

    /// The document after the pipes, as JSON.
    fn check(pipes: &str, expected: &str) {
        let mut builder = BatchBuilder::new();
        builder.begin_numbered(0, 7);
        builder.field("message", ValueRef::Str("from 10.0.0.1 port 22"));
        builder.field("level", ValueRef::Str("INFO"));
        builder.field("http.method", ValueRef::Str("GET"));
        builder.field("tags", ValueRef::Json("[1,2]"));
        builder.end();
        let (batch, _) = builder.finish();
        let resolved = millpond_query::parse(pipes).unwrap().resolve(0).unwrap();
        let (mut row, mut visible) = (batch, Visible::default());
        for pipe in resolved.pipes {
            let change = match pipe {
                Pipe::Make(maker) => Change::Make(maker),
                Pipe::Rename(names) => Change::Rename(names),
                Pipe::Fields { names, exclude } => {
                    visible.restrict(names, exclude);
                    continue;
                }
                other => panic!("{other}"),
            };
            row = change.apply(row.doc(0).unwrap(), &std::mem::take(&mut visible)).0;
        }
        let mut out = Vec::new();
        visible.write_json(row.doc(0).unwrap(), &mut out);
        let out = String::from_utf8(out).unwrap();
        let after_time = out.split_once(r#""@timestamp":"1970-01-01T00:00:00Z""#).map(|(_, rest)| rest);
        assert_eq!(after_time, Some(format!("{expected}}}").as_str()), "{pipes}: {out}");
    }

    #[test]
    fn documents_get_fields_and_names() {
        let message = r#","message":"from 10.0.0.1 port 22""#;
        let http = r#","http.method":"GET""#;
        let tags = r#","tags":[1,2]"#;
        let level = r#","level":"INFO""#;
        check("* | eval n = 1, t = tags", &format!(r#"{message}{level}{http}{tags},"n":1,"t":1"#));
        check("* | fields tags | eval tags = null, x = \"a\nb\"", r#","x":"a\nb""#);
        check("* | fields level | eval level = \"warn\"", r#","log.level":"warn""#);
        check("* | extract \"from <ip> port <port>\" | fields ip, port", r#","ip":"10.0.0.1","port":22"#);
        check("* | rename http as h | fields h", r#","h.method":"GET""#);
        check(
            "* | rename level as severity_name | fields -message, tags, http",
            r#","severity_name":"info""#,
        );
        check("* | rename tags as message | fields message", r#","message":[1,2]"#);
        check("* | rename _time as t | fields t", r#","t":"1970-01-01T00:00:00Z""#);
        check("* | rename nothing as message | fields message", message);
        check(
            r#"* | eval j = "{\"a\":[true,1.0,\"x\",null],\"@timestamp\":5}" | fields j | parse json from j | fields a"#,
            r#","a":[true,1.0,"x"]"#,
        );
    }
}

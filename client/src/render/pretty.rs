//! A document on a terminal: local time, level, where it comes from, message, and what else it has. Long lines are
//! left to the terminal, so that what is copied from it is whole. Pure.

use std::borrow::Cow;

use millpond_query::Level;
use serde_json::Value;

use super::Look;
use crate::escape::{self, Breaks};
use crate::row::{self, Row};
use crate::style::Style;
use crate::when;

/// Shown in their places, or the same again in other words, or what the host is and how the document came here: no
/// news beside a message. NDJSON has them.
const NOT_EXTRA: [&str; 14] = [
    "_id",
    "@timestamp",
    "message",
    "log.level",
    "service.name",
    "host.name",
    "event.original",
    "severity_text",
    "agent.id",
    "host.arch",
    "log.file.path",
    "os.name",
    "os.type",
    "os.version",
];

/// The fields that may hold the level, as the collector believes them.
const LEVELS: [&str; 4] = ["log.level", "level", "severity", "severity_text"];

/// Columns of the level, so that messages begin in line.
const LEVEL_WIDTH: usize = 5;

/// Appends the document and a line break.
pub(crate) fn push(row: &Row, look: &Look, out: &mut String) {
    let start = out.len();
    let mut part = |style: Style, text: &str| {
        if !text.is_empty() {
            if out.len() > start {
                out.push(' ');
            }
            look.palette.push(style, text, out);
        }
    };
    if let Some(time) = row.text("@timestamp") {
        let shown = when::local(&time, &look.zone).unwrap_or_else(|| escape::line(&time));
        part(Style::Dim, &shown);
    }
    let level = level(row);
    if let Some((_, text)) = &level {
        let style = Level::parse(text).map_or(Style::Plain, |level| Style::of_level(level.name()));
        part(style, &format!("{:LEVEL_WIDTH$}", escape::line(text)));
    } else if row.get("message").is_some() {
        part(Style::Plain, &format!("{:LEVEL_WIDTH$}", "-"));
    }
    // A file tells something where no service does.
    let path = row.text("log.file.path").filter(|_| row.text("service.name").is_none());
    let file = path.as_ref().and_then(|path| path.rsplit('/').next()).map(Cow::from);
    let origin = [row.text("host.name"), row.text("service.name"), file];
    let origin: Vec<_> = origin.iter().flatten().map(|name| escape::line(name)).collect();
    if !origin.is_empty() {
        part(Style::Dim, &format!("{}:", origin.join(" ")));
    }
    if let Some(message) = row.text("message") {
        let mut shown = String::new();
        escape::push(&message, Breaks::Indented, &mut shown);
        part(Style::Plain, &shown);
    }
    for (name, value) in &row.0 {
        let is_level = level.as_ref().is_some_and(|(field, _)| field == name);
        if !is_level && !NOT_EXTRA.contains(&name.as_str()) && !value.is_null() {
            part(Style::Dim, &pair(name, value));
        }
    }
    out.push('\n');
}

/// The first field that names a level, else what stands in the place of one; and its text.
fn level(row: &Row) -> Option<(&'static str, Cow<'_, str>)> {
    let mut texts = LEVELS.into_iter().filter_map(|name| Some((name, row.text(name)?)));
    let named = texts.find(|(_, text)| Level::parse(text).is_some());
    named.or_else(|| Some((LEVELS[0], row.text(LEVELS[0])?)))
}

/// `name=value`, with quotes where a space would make it unclear where the value ends.
fn pair(name: &str, value: &Value) -> String {
    let text = escape::line(&row::text(value));
    let is_bare = !text.is_empty() && !text.contains([' ', '"', '=']);
    let is_text = value.is_string();
    let text = if is_text && !is_bare { format!("\"{}\"", text.replace('"', "\\\"")) } else { text };
    format!("{}={text}", escape::line(name))
}

/// Appends the text of the line as it was written, or the message where that is the same, and a line break.
pub(crate) fn push_raw(row: &Row, is_terminal: bool, out: &mut String) {
    let text = row.text("event.original").or_else(|| row.text("message")).unwrap_or_default();
    if is_terminal {
        escape::push(&text, Breaks::Indented, out);
    } else {
        out.push_str(&text);
    }
    out.push('\n');
}

/// Appends a line of JSON, on a terminal with escapes for what JSON may have bare and a terminal must not get.
pub(crate) fn push_json(line: &str, is_terminal: bool, out: &mut String) {
    if is_terminal {
        escape::push_json(line, out)
    } else {
        out.push_str(line)
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str, look: &Look) -> String {
        let mut out = String::new();
        push(&serde_json::from_str(json).unwrap(), look, &mut out);
        out
    }

    #[test]
    fn documents() {
        let rows = [
            (
                r#"{"_id":"98","@timestamp":"2026-11-22T10:00:01.25Z","message":"timeout after 5 s","log.level":"error","service.name":"shop","host.name":"web-01","user.id":7,"url.path":"/a b","agent.id":"x","log.file.path":"/var/log/a.log"}"#,
                "2026-11-22 10:00:01.250 error web-01 shop: timeout after 5 s user.id=7 url.path=\"/a b\"\n",
            ),
            (
                r#"{"@timestamp":"2026-11-22T10:00:01Z","message":"x","log.level":"info"}"#,
                "2026-11-22 10:00:01.000 info  x\n",
            ),
            (
                r#"{"@timestamp":"2026-11-22T10:00:01Z","message":"no level"}"#,
                "2026-11-22 10:00:01.000 -     no level\n",
            ),
            (r#"{"message":"m","log.file.path":"/var/log/a.log"}"#, "-     a.log: m\n"),
            (r#"{"message":"m","level":"ERROR","n":1}"#, "ERROR m n=1\n"),
            (r#"{"message":"m","log.level":"warn","level":"ERROR"}"#, "warn  m level=ERROR\n"),
            (r#"{"message":"m","log.level":"odd","severity":"err"}"#, "err   m\n"),
            (r#"{"message":"m","log.level":"odd","severity":3}"#, "odd   m severity=3\n"),
            (r#"{"@timestamp":"odd","n":null,"list":[1,"a b"],"e":""}"#, "odd list=[1,\"a b\"] e=\"\"\n"),
            (
                r#"{"message":"Trace:\n  at a\n  at b\n","k":"two\nlines"}"#,
                "-     Trace:\n      at a\n      at b k=two\\nlines\n",
            ),
            ("{}", "\n"),
        ];
        for (json, expected) in rows {
            assert_eq!(shown(json, &Look::plain(None)), expected, "{json}");
        }
    }

    #[test]
    fn only_our_own_escape_sequences_reach_the_terminal() {
        let hostile = "\\u001b[2J\\u009b1m\\u0007";
        let json = format!(
            r#"{{"@timestamp":"{hostile}","message":"{hostile}","log.level":"{hostile}","service.name":"{hostile}","host.name":"{hostile}","{hostile}":"{hostile}","o":{{"{hostile}":"{hostile}"}}}}"#
        );
        let out = shown(&json, &Look::plain(None));
        assert!(!out.trim_end().contains(char::is_control), "{out:?}");
        let coloured = shown(&json, &Look::coloured(None));
        let rest = coloured.replace("\x1b[2m", "").replace("\x1b[0m", "");
        assert!(!rest.trim_end().contains(char::is_control), "{rest:?}");
        let mut raw = String::new();
        push_raw(&serde_json::from_str(&json).unwrap(), true, &mut raw);
        assert_eq!(raw, "\\x1b[2J\\x9b1m\\x07\n");
    }

    #[test]
    fn colours_by_level() {
        let out = shown(r#"{"message":"m","log.level":"warn","a":1}"#, &Look::coloured(None));
        assert_eq!(out, "\x1b[33mwarn \x1b[0m m \x1b[2ma=1\x1b[0m\n");
        let out = shown(r#"{"message":"m","level":"ERR"}"#, &Look::coloured(None));
        assert_eq!(out, "\x1b[31mERR  \x1b[0m m\n");
    }

    #[test]
    fn raw_is_the_line_as_it_was_written() {
        let rows = [
            (r#"{"message":"m","event.original":"<13>m"}"#, "<13>m\n"),
            (r#"{"message":"\u001b[1mm"}"#, "\x1b[1mm\n"),
        ];
        for (json, expected) in rows {
            let mut out = String::new();
            push_raw(&serde_json::from_str(json).unwrap(), false, &mut out);
            assert_eq!(out, expected);
        }
    }
}

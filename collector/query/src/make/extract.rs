//! `extract "from <ip> port <port>"`: the places of a text, told by what stands between them; or by the named groups of a
//! regular expression.

use std::fmt;

use super::unpack::typed;
use crate::ast::ExtractPattern;
use crate::table::Cell;
use crate::test::Regex;

/// A pattern and the field it is applied to.
#[derive(Debug, Clone)]
pub struct Extract {
    from: String,
    pattern: Pattern,
}

#[derive(Debug, Clone)]
enum Pattern {
    /// What the text has first, and then each place with what stands behind it.
    Template(String, Vec<Place>),
    /// Named groups, by number, and how the fields are called.
    Regex(Regex, Vec<(usize, String)>),
}

#[derive(Debug, Clone, PartialEq)]
struct Place {
    /// Empty for one that nobody wants.
    name: String,
    ends: End,
}

#[derive(Debug, Clone, PartialEq)]
enum End {
    /// Before this text.
    Before(String),
    /// At white space.
    Word,
    /// With the text.
    Rest,
}

/// What is wrong with a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadTemplate {
    /// It has no place with a name.
    NoName,
    /// Nothing tells where one place ends and the next begins.
    Adjacent,
}

impl Extract {
    /// A template. `name` gives what a placeholder's field is called.
    pub(crate) fn template<E: From<BadTemplate>>(
        template: &str,
        from: String,
        mut name: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Extract, E> {
        let parts = parts(template);
        let first = match parts.first() {
            Some(Part::Text(text)) => (*text).to_owned(),
            _ => String::new(),
        };
        let mut places = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let Part::Place(written) = part else { continue };
            let rest = written.strip_suffix('*');
            let ends = match parts.get(index + 1) {
                Some(Part::Text(text)) => End::Before((*text).to_owned()),
                Some(Part::Place(_)) => return Err(BadTemplate::Adjacent.into()),
                None if rest.is_some() => End::Rest,
                None => End::Word,
            };
            let written = rest.unwrap_or(written);
            let name = if matches!(written, "" | "_") { String::new() } else { name(written)? };
            places.push(Place { name, ends });
        }
        if places.iter().all(|place| place.name.is_empty()) {
            return Err(BadTemplate::NoName.into());
        }
        Ok(Extract { from, pattern: Pattern::Template(first, places) })
    }

    /// A regular expression. `name` gives what a group's field is called.
    pub(crate) fn regex<E: From<BadTemplate>>(
        regex: Regex,
        from: String,
        mut name: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Extract, E> {
        let mut groups = Vec::new();
        for (number, group) in regex.compiled().capture_names().enumerate() {
            if let Some(group) = group {
                groups.push((number, name(group)?));
            }
        }
        if groups.is_empty() {
            return Err(BadTemplate::NoName.into());
        }
        Ok(Extract { from, pattern: Pattern::Regex(regex, groups) })
    }

    /// The names that a pattern as written has, in its text.
    pub(crate) fn names_in(pattern: &ExtractPattern) -> Vec<&str> {
        match pattern {
            ExtractPattern::Template(text) => parts(&text.text)
                .into_iter()
                .filter_map(|part| match part {
                    Part::Place(name) => Some(name.strip_suffix('*').unwrap_or(name)),
                    Part::Text(_) => None,
                })
                .collect(),
            ExtractPattern::Regex(text) => {
                let starts = text.text.split("(?").skip(1);
                let names = starts.filter_map(|group| group.trim_start_matches('P').strip_prefix('<'));
                names.filter_map(|group| group.split_once('>')).map(|(name, _)| name).collect()
            }
        }
    }

    /// The names of its fields.
    pub(super) fn names(&self) -> Vec<&str> {
        match &self.pattern {
            Pattern::Template(_, places) => {
                places.iter().map(|place| place.name.as_str()).filter(|name| !name.is_empty()).collect()
            }
            Pattern::Regex(_, groups) => groups.iter().map(|(_, name)| name.as_str()).collect(),
        }
    }

    /// The field it reads.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }

    /// Visits the fields that the text has. A text that lacks a part of the pattern has none.
    pub(super) fn each(&self, text: &str, visit: &mut dyn FnMut(&str, Cell)) {
        match &self.pattern {
            Pattern::Template(first, places) => {
                let Some(found) = places_in(text, first, places) else { return };
                for (place, found) in places.iter().zip(found).filter(|(place, _)| !place.name.is_empty()) {
                    visit(&place.name, typed(found));
                }
            }
            Pattern::Regex(regex, groups) => {
                let Some(captures) = regex.compiled().captures(text) else { return };
                for (number, name) in groups {
                    if let Some(found) = captures.get(*number) {
                        visit(name, typed(found.as_str()));
                    }
                }
            }
        }
    }
}

/// What stands at each place: as little as possible, since what is not found behind the first place where a text stands
/// is not found behind a later one either.
fn places_in<'t>(text: &'t str, first: &str, places: &[Place]) -> Option<Vec<&'t str>> {
    let mut rest = text.get(text.find(first)? + first.len()..)?;
    let mut found = Vec::with_capacity(places.len());
    for place in places {
        let (length, skip) = match &place.ends {
            End::Before(end) => (rest.find(end.as_str())?, end.len()),
            End::Word => (rest.find(char::is_whitespace).unwrap_or(rest.len()), 0),
            End::Rest => (rest.len(), 0),
        };
        found.push(rest.get(..length)?);
        rest = rest.get(length + skip..)?;
    }
    Some(found)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part<'t> {
    Text(&'t str),
    Place(&'t str),
}

/// Texts and places of a template. `<` is a text unless a name and `>` follow.
fn parts(template: &str) -> Vec<Part<'_>> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@');
    let (mut parts, mut text_start, mut at) = (Vec::new(), 0, 0);
    while let Some(open) = template.get(at..).and_then(|rest| rest.find('<')).map(|open| at + open) {
        let inside = template.get(open + 1..).unwrap_or_default();
        let length = inside.find(|c| !is_name(c)).unwrap_or(inside.len());
        let star = usize::from(inside.get(length..).is_some_and(|rest| rest.starts_with("*>")));
        let closed = inside.get(length + star..).is_some_and(|rest| rest.starts_with('>'));
        at = open + 1;
        if !closed {
            continue;
        }
        if let Some(text) = template.get(text_start..open).filter(|text| !text.is_empty()) {
            parts.push(Part::Text(text));
        }
        parts.push(Part::Place(inside.get(..length + star).unwrap_or_default()));
        at = open + 1 + length + star + 1;
        text_start = at;
    }
    if let Some(text) = template.get(text_start..).filter(|text| !text.is_empty()) {
        parts.push(Part::Text(text));
    }
    parts
}

/// For people and tests: one line, not a query text.
impl fmt::Display for Extract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.from)?;
        match &self.pattern {
            Pattern::Template(first, places) => {
                write!(f, "{first:?}")?;
                places.iter().try_for_each(|Place { name, ends }| write!(f, " {name} {ends:?}"))
            }
            Pattern::Regex(regex, groups) => {
                write!(f, "{regex}")?;
                groups.iter().try_for_each(|(_, name)| write!(f, " {name}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, text: &str, expected: &[(&str, &str)]) {
        let extract =
            Extract::template(template, String::new(), |name| Ok::<_, BadTemplate>(name.to_owned()));
        let mut found = Vec::new();
        extract.expect("the template is right").each(text, &mut |name, value| {
            let value = match value {
                Cell::Str(text) => text,
                Cell::I64(number) => format!("#{number}"),
                other => format!("{other:?}"),
            };
            found.push((name.to_owned(), value));
        });
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{template} in {text}");
    }

    #[test]
    fn places_are_told_by_what_stands_between_them() {
        let ssh = "Failed password for root from 10.1.2.3 port 2200 ssh2";
        check("from <ip> port <port>", ssh, &[("ip", "10.1.2.3"), ("port", "#2200")]);
        check("for <user> from <_> port", ssh, &[("user", "root")]);
        check("port <rest*>", ssh, &[("rest", "2200 ssh2")]);
        check("<first> password", ssh, &[("first", "Failed")]);
        check("<all*>", "a b", &[("all", "a b")]);
        check("from <ip> via <x>", ssh, &[]);
        check("user=\"<user>\"", "x user=\"a b\" y", &[("user", "a b")]);
        check("[<level>] <text*>", "[WARN] a < b", &[("level", "WARN"), ("text", "a < b")]);
        check("a < b <c>", "a < b 007", &[("c", "007")]);
        check("é<x>é", "éßé", &[("x", "ß")]);
        check("k=<v>", "k= x", &[("v", "")]);
    }

    #[test]
    fn templates_that_say_nothing_are_refused() {
        let name = |name: &str| Ok::<_, BadTemplate>(name.to_owned());
        for (template, expected) in [
            ("", BadTemplate::NoName),
            ("from port", BadTemplate::NoName),
            ("a <_> b", BadTemplate::NoName),
            ("<a><b>", BadTemplate::Adjacent),
        ] {
            let refused = Extract::template(template, String::new(), name).map(drop);
            assert_eq!(refused, Err(expected), "{template}");
        }
    }
}

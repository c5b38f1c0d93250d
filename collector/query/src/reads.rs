//! Which fields of a row decide whether pipes let it pass: rows with the same values of these are all let pass, or none.

use std::collections::BTreeSet;

use crate::aliases::{LEVEL, MESSAGE, SEVERITY_TEXT, TIMESTAMP};
use crate::eval::Node;
use crate::filter::{Filter, Scope};
use crate::make::Maker;
use crate::pipe::Pipe;

/// The canonical names of the fields by which `pipes`, all of them `eval` or `where`, decide about a row, in their order;
/// `None` when other pipes are among them, or when that depends on more than the values of some fields: on the time, the
/// id, an object, the whole row, or on how these fields came into the row. Messages are not among them: they have to be read.
#[must_use]
pub fn deciding_fields(pipes: &[Pipe]) -> Option<Vec<String>> {
    let (mut read, mut made): (BTreeSet<&str>, BTreeSet<&str>) = Default::default();
    for pipe in pipes {
        let mut names = BTreeSet::new();
        match pipe {
            Pipe::Where(filter) => of_filter(filter, &mut names)?,
            Pipe::Make(Maker::Eval(fields)) => {
                for (name, computation) in fields {
                    let mut names = BTreeSet::new();
                    of_node(&computation.0, &mut names);
                    read.extend(names.difference(&made));
                    made.insert(name.as_str());
                }
            }
            _ => return None,
        }
        read.extend(names.difference(&made));
    }
    let is_plain = |name: &&str| !matches!(*name, TIMESTAMP | MESSAGE | "_id" | "event.original");
    // An array of objects has leaves that are not replaced with the field of their name, and goes as a whole.
    let is_apart = |made: &&str| !made.contains('.') && !read.iter().any(|read| Scope::is_inside(read, made));
    let all_told = read.iter().all(is_plain) && made.iter().all(is_apart);
    // Of several fields that tell the level, this one may take the place of the one that did.
    let makes_level = read.contains(LEVEL) && made.contains(SEVERITY_TEXT);
    (all_told && !makes_level).then(|| read.into_iter().map(str::to_owned).collect())
}

fn of_filter<'f>(filter: &'f Filter, names: &mut BTreeSet<&'f str>) -> Option<()> {
    match filter {
        Filter::All | Filter::None => Some(()),
        Filter::Time { .. } => None,
        Filter::And(parts) | Filter::Or(parts) => parts.iter().try_for_each(|part| of_filter(part, names)),
        Filter::Not(part) => of_filter(part, names),
        Filter::Leaf(leaf) => match &leaf.scope {
            Scope::Field(name) => {
                names.insert(name);
                Some(())
            }
            Scope::Any | Scope::Object(_) => None,
        },
    }
}

fn of_node<'f>(node: &'f Node, names: &mut BTreeSet<&'f str>) {
    match node {
        Node::Constant(_) => {}
        Node::Field(name) => _ = names.insert(name),
        Node::Negate(part) | Node::Not(part) | Node::Test(part, _) | Node::Replace(part, ..) => {
            of_node(part, names);
        }
        Node::Binary(_, left, right) => {
            of_node(left, names);
            of_node(right, names);
        }
        Node::Call(_, arguments) => arguments.iter().for_each(|argument| of_node(argument, names)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_decide_are_told_when_they_are_all() {
        for (text, expected) in [
            ("| eval s = took / 1000, t = s + lag | where s>1 and t<5", Some(&["lag", "took"][..])),
            ("| eval a = b | where a:1 or level:warn", Some(&["b", "log.level"])),
            ("| eval took = 5 | where took>1", Some(&[])),
            ("| eval a.b = c | where a.b=1", None),
            ("| eval a = c | where a=1 and a.b=1", None),
            ("| eval a = c | where a=1 and ab=1", Some(&["ab", "c"])),
            ("| eval severity_text = c | where severity_text=1 or level:error", None),
            ("| eval severity_text = c | where severity_text=1", Some(&["c"])),
            ("| eval level = \"warn\" | where level:warn", None),
            ("| eval a = len(message) | where a=1", None),
            ("| extract \"took <took> ms\" | where took>1", None),
            ("| parse json from note | where k:1", None),
            (r#"| eval h = strftime(_time, "%H") | where h:3"#, None),
            ("| eval a = b | where a:1 or error", None),
            ("| eval a = b | where a:1 or user:*", None),
            ("| eval a = b | where a:1 or _time>\"2024-01-01T00:00:00Z\"", None),
            ("| eval a = b | sort a", None),
            ("| eval a = b | rename a as c", None),
        ] {
            let query = crate::parse(text).and_then(|query| query.resolve(0));
            let pipes = query.unwrap_or_else(|error| panic!("{text}: {error}")).pipes;
            let expected: Option<Vec<_>> =
                expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(deciding_fields(&pipes), expected, "{text}");
        }
    }
}

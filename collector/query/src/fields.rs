//! Which fields a query names, for "no document has this field".

use crate::Query;
use crate::ast::{Condition, Expr, KeyExpr, Name, PipeExpr};

/// A name, and whether it may be that of an object, too: `user:*`, `rename user as person`.
type Named<'q> = (&'q Name, bool);

/// Field names in the order of the text, without those that pipes have made. After the first pipe that makes a table, or
/// fields that only the rows know, names are its columns, and resolving has checked them.
pub(crate) fn of(query: &Query) -> Vec<Named<'_>> {
    let (mut names, mut made) = (Vec::new(), Vec::new());
    of_condition(&query.filter, &mut names);
    for pipe in &query.pipes {
        let (mut of_this, before) = (Vec::new(), made.len());
        let goes_on = of_pipe(pipe, &mut of_this, &mut made);
        let is_made = |(name, _): &Named<'_>| made.iter().take(before).any(|made| *made == name.text);
        names.extend(of_this.into_iter().filter(|name| !is_made(name)));
        if !goes_on {
            break;
        }
    }
    names
}

fn of_condition<'q>(expr: &'q Expr, names: &mut Vec<Named<'q>>) {
    match expr {
        Expr::All | Expr::Any(_) => {}
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| of_condition(part, names)),
        Expr::Not(part) => of_condition(part, names),
        Expr::Field(field) => names.push((&field.name, matches!(field.condition, Condition::Exists))),
    }
}

/// A name that has to be that of a field.
fn value(name: &Name) -> Named<'_> {
    (name, false)
}

/// Adds the names of a pipe to `names`, and to `made` what it makes. False when later names are columns of it.
fn of_pipe<'q>(pipe: &'q PipeExpr, names: &mut Vec<Named<'q>>, made: &mut Vec<&'q str>) -> bool {
    match pipe {
        PipeExpr::Stats { aggs, by } | PipeExpr::Timechart { aggs, by, .. } => {
            for agg in aggs {
                names.extend(agg.field.iter().map(value));
                let computed = agg.computed.iter();
                computed.for_each(|formula| formula.for_each_name(&mut |name| names.push(value(name))));
            }
            for key in by {
                match key {
                    KeyExpr::Field(name) => names.push(value(name)),
                    KeyExpr::Computed { formula, .. } => {
                        formula.for_each_name(&mut |name| names.push(value(name)));
                    }
                    KeyExpr::Time(_) => {}
                }
            }
            return false;
        }
        PipeExpr::Top(top) | PipeExpr::Rare(top) => {
            names.extend(top.fields.iter().map(value));
            return false;
        }
        PipeExpr::Fields { names: kept, exclude } => {
            names.extend(kept.iter().map(|name| (name, true)));
            return *exclude;
        }
        PipeExpr::Sort(keys) => names.extend(keys.iter().map(|key| value(&key.name))),
        PipeExpr::Where(expr) => of_condition(expr, names),
        PipeExpr::Dedup(by) => names.extend(by.iter().map(value)),
        PipeExpr::Limit(_) => {}
        PipeExpr::Eval(fields) => {
            for (name, formula) in fields {
                let is_made = |name: &Name| made.contains(&name.text.as_str());
                formula.for_each_name(&mut |name| names.extend((!is_made(name)).then_some(value(name))));
                made.push(&name.text);
            }
        }
        PipeExpr::Extract { from, pattern, .. } => {
            names.extend(from.iter().map(value));
            made.extend(crate::make::Extract::names_in(pattern));
        }
        PipeExpr::Parse { from, .. } => {
            names.extend(from.iter().map(value));
            return false;
        }
        PipeExpr::Rename(renamed) => {
            names.extend(renamed.iter().map(|(old, _)| (old, true)));
            made.extend(renamed.iter().map(|(_, new)| new.text.as_str()));
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_listed_until_a_table_is_made() {
        let check = |text: &str, expected: &[&str]| {
            let query = crate::parse(text).expect("the query is right");
            let found: Vec<&str> = query
                .fields()
                .iter()
                .map(|name| &text[name.span.offset_bytes..][..name.span.length_bytes])
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check("error a:1 (b>2 or not c:*) d:(x or y)", &["a", "b", "c", "d", "d"]);
        check(
            "x | where e=1 | sort -f | stats count(), sum(g) by h, _time:5m | sort count",
            &["e", "f", "g", "h"],
        );
        check("x | dedup by i | fields j, k | sort j", &["i", "j", "k"]);
        check("x | fields -l | top m", &["l", "m"]);
        check("x | eval n = o + 1, p = n | where p>1 and q:1 | top n, r", &["o", "q", "r"]);
        check(
            "x | extract \"a <b> c\" from d | rename e as f | stats sum(b), avg(f) by lower(g)",
            &["d", "e", "g"],
        );
        check("x | eval n = n + 1 | parse json from h | top i", &["n", "h"]);
    }
}

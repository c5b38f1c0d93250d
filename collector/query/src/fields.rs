//! Which fields a query names, for "no document has this field".

use crate::Query;
use crate::ast::{AggExpr, Expr, KeyExpr, Name, PipeExpr};

/// Field names in the order of the text. After the first pipe that makes a table, names are its columns, and
/// resolving has checked them.
pub(crate) fn of(query: &Query) -> Vec<&Name> {
    let mut names = Vec::new();
    of_condition(&query.filter, &mut names);
    for pipe in &query.pipes {
        let makes_table = of_pipe(pipe, &mut names);
        if makes_table {
            break;
        }
    }
    names
}

fn of_condition<'q>(expr: &'q Expr, names: &mut Vec<&'q Name>) {
    match expr {
        Expr::All | Expr::Any(_) => {}
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| of_condition(part, names)),
        Expr::Not(part) => of_condition(part, names),
        Expr::Field(field) => names.push(&field.name),
    }
}

/// Adds the names of a pipe. True when later names are columns of what it makes.
fn of_pipe<'q>(pipe: &'q PipeExpr, names: &mut Vec<&'q Name>) -> bool {
    let mut of_aggs = |aggs: &'q [AggExpr]| names.extend(aggs.iter().filter_map(|agg| agg.field.as_ref()));
    match pipe {
        PipeExpr::Stats { aggs, by } => {
            of_aggs(aggs);
            names.extend(by.iter().filter_map(|key| match key {
                KeyExpr::Field(name) => Some(name),
                KeyExpr::Time(_) => None,
            }));
            true
        }
        PipeExpr::Timechart { aggs, by, .. } => {
            of_aggs(aggs);
            names.extend(by);
            true
        }
        PipeExpr::Top(top) | PipeExpr::Rare(top) => {
            names.extend(&top.fields);
            true
        }
        PipeExpr::Sort(keys) => {
            names.extend(keys.iter().map(|key| &key.name));
            false
        }
        PipeExpr::Fields { names: kept, exclude } => {
            names.extend(kept);
            !exclude
        }
        PipeExpr::Where(expr) => {
            of_condition(expr, names);
            false
        }
        PipeExpr::Dedup(by) => {
            names.extend(by);
            false
        }
        PipeExpr::Limit(_) => false,
    }
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
    }
}

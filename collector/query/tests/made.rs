//! The pipes that make fields: what each makes of one row, from the text of the query to the cells.

mod support;

use millpond_query::table::{Cell, Table, TableError, apply};
use millpond_query::{QueryErrorCode, parse};

use crate::support::{NOW_NS, document, run, show};

/// The pipes, and the columns they make or change.
#[test]
fn fields_are_made_and_renamed() {
    let rows: &[(&str, &[(&str, &str)])] = &[
        (r#"| extract "from <ip> port <port>""#, &[("ip", "\"10.1.2.3\""), ("port", "2200")]),
        (r#"| extract "from <ip> via <x>""#, &[]),
        (r#"| extract "<a>-<b>" from host"#, &[("a", "\"web\""), ("b", "\"01\"")]),
        (r#"| rex "for (?<user>\w+) from (?P<ip>\S+)""#, &[("user", "\"root\""), ("ip", "\"10.1.2.3\"")]),
        (r#"| rex field=host "(?<n>\d+)""#, &[("n", "\"01\"")]),
        (r#"| extract /PORT (?<port>\d+)/i"#, &[("port", "2200")]),
        (
            "| parse json from json",
            &[("log.level", "\"warn\""), ("a", "1"), ("b.c", "\"x\""), ("tags", r#"["\"t\"", "\"u\""]"#)],
        ),
        ("| parse json from json prefix p. | fields p.a, p.b.c", &[("p.a", "1"), ("p.b.c", "\"x\"")]),
        ("| parse logfmt from logfmt", &[("time", "\"now\""), ("port", "80"), ("msg", "\"a b\"")]),
        ("| logfmt from logfmt | where port=80", &[("time", "\"now\""), ("port", "80"), ("msg", "\"a b\"")]),
        ("| parse json", &[]),
        ("| eval a = 1, b = a + 1, a = b * 10", &[("b", "2"), ("a", "20")]),
        ("| eval status = status + 1 | eval status = status + 1", &[("status", "505")]),
        ("| eval level = \"WARNING\"", &[("log.level", "\"warn\"")]),
        ("| eval path = \"/x\" | where path=\"/x\"", &[("path", "\"/x\"")]),
        ("| eval host = upper(host), h = host", &[("host", "\"WEB-01\""), ("h", "\"WEB-01\"")]),
        ("| eval t = null | where missing(t)", &[("t", "null")]),
        ("| rename status as code, bytes as status", &[("code", "503"), ("status", "1500")]),
        ("| rename host as server | where server:web-01 | fields server", &[("server", "\"web-01\"")]),
    ];
    for (pipes, expected) in rows {
        let (before, after) = (document(), run(pipes));
        assert_eq!(after.rows.len(), 1, "{pipes}");
        let changed = after.columns.iter().zip(&after.rows[0]).filter(|(name, cell)| {
            before
                .column(name)
                .is_none_or(|column| format!("{:?}", before.rows[0][column]) != format!("{cell:?}"))
        });
        let mut changed: Vec<_> = changed.map(|(name, cell)| (name.clone(), show(cell))).collect();
        let mut expected: Vec<_> =
            expected.iter().map(|(name, cell)| ((*name).to_owned(), (*cell).to_owned())).collect();
        changed.sort();
        expected.sort();
        assert_eq!(changed, expected, "{pipes}");
    }
}

#[test]
fn texts_that_double_again_and_again_are_cut() {
    let doubling = "| eval x = concat(message, message)".to_owned() + &" | eval x = x . x . x . x".repeat(12);
    let table = run(&doubling);
    let column = table.column("x").expect("it is made");
    let Cell::Str(text) = &table.rows[0][column] else { panic!("{:?}", table.rows[0][column]) };
    assert_eq!(text.len(), millpond_query::limits::MAX_MADE_TEXT_BYTES);
    let replaced =
        format!("{doubling} | eval y = replace(x, \"(?s).*\", \"{}\"), z = len(y)", "$0".repeat(20_000));
    let table = run(&replaced);
    assert!(table.column("z").is_some());
}

/// What a row-wise condition asks of stored fields goes to the filter, the rest stays behind.
#[test]
fn conditions_go_to_the_filter_where_that_is_the_same() {
    let rows = [
        ("x | eval a = 1 | where b:2", r#"and(any has "x", b has "2")"#, "eval a=I64(1)"),
        ("x | eval a = 1 | where a:2", r#"any has "x""#, r#"eval a=I64(1) | where a has "2""#),
        ("x | eval a = 1 | where y", r#"any has "x""#, r#"eval a=I64(1) | where any has "y""#),
        ("x | rename a as b | where a.c:1", r#"any has "x""#, r#"rename a=b | where a.c has "1""#),
        ("x | parse json | where b:1", r#"any has "x""#, r#"parse json message "" | where b has "1""#),
        ("x | limit 5 | where b:1", r#"any has "x""#, r#"limit 5 | where b has "1""#),
        (
            "x | eval a = 1 | top b",
            r#"and(any has "x", b exists)"#,
            "eval a=I64(1) | stats count=count() by b | sort -count b | limit 10",
        ),
        ("x | sort b | fields b | stats count() by b", r#"any has "x""#, "stats count=count() by b"),
        (
            "x | fields b | top b",
            r#"and(any has "x", b exists)"#,
            "stats count=count() by b | sort -count b | limit 10",
        ),
        (
            "x | sort b | limit 5 | sort c | stats count()",
            r#"any has "x""#,
            "sort b | limit 5 | stats count=count()",
        ),
    ];
    for (text, filter, pipes) in rows {
        let resolved = parse(text).and_then(|query| query.resolve(NOW_NS)).expect("the query is right");
        assert_eq!(resolved.filter.to_string(), filter, "{text}");
        let stages: Vec<String> = resolved.pipes.iter().map(ToString::to_string).collect();
        assert_eq!(stages.join(" | "), pipes, "{text}");
    }
}

/// The query, the part the error points at, the code, and part of the hint.
#[test]
fn errors_point_at_the_place() {
    use QueryErrorCode::*;
    let rows = [
        ("| eval x", "", Missing, "x = "),
        ("| eval", "", Missing, "eval seconds"),
        ("| eval x =", "", Missing, "a function"),
        ("| eval x = a +", "", Missing, "a function"),
        ("| eval x = a b", "b", Unexpected, "|"),
        ("| eval x = lowr(a)", "lowr", UnknownFunction, "did you mean lower?"),
        ("| eval x = lower(a, b)", "lower(a, b)", Unexpected, "commas"),
        ("| eval x = if(a)", "if(a)", Missing, "commas"),
        ("| eval x = lower(a", "lower(a", Unclosed, "add a )"),
        ("| eval x = (a", "(a", Unclosed, "add a )"),
        ("| eval x = 4xx", "4xx", BadNumber, "\"4xx\""),
        ("| eval x = and", "and", Missing, "`and`"),
        ("| eval _time = 1", "_time", Unexpected, "another name"),
        ("| eval x = match(a, \"(\")", "\"(\"", BadRegex, "\\"),
        ("| eval x = match(a, b)", "match(a, b)", Unexpected, "the pattern itself"),
        ("| eval x = cidr(a, \"b\")", "\"b\"", Unexpected, "10.0.0.0/8"),
        ("| stats count() | eval x = cuont + 1", "cuont", UnknownColumn, "did you mean count?"),
        ("| extract from", "", Missing, "from message"),
        ("| extract 5", "5", Missing, "port <port>"),
        ("| extract \"abc\"", "\"abc\"", Missing, "<ip>"),
        ("| extract \"<a><b>\"", "\"<a><b>\"", Missing, "<a> <b>"),
        ("| extract \"at <_time>\"", "\"at <_time>\"", Unexpected, "another name"),
        ("| rex \"a\"", "\"a\"", Missing, "(?<user>"),
        ("| rex \"(?<a\"", "\"(?<a\"", BadRegex, "\\"),
        ("| parse xml", "xml", Missing, "parse json"),
        ("| stats count() | parse json", "json", UnknownColumn, "count"),
        ("| rename a b", "b", Missing, "old as new"),
        ("| rename a as", "", Missing, "old as new"),
        ("| rename a as _id", "_id", Unexpected, "another name"),
        ("| stats rate()", "rate()", Missing, "_time:1h"),
        ("| timechart limit=x count()", "x", BadNumber, "limit=10"),
        ("| timechart useother=x count()", "x", Missing, "useother"),
        ("| stats avg(a b)", "b", Unclosed, ""),
    ];
    for (text, marked, code, hint) in rows {
        let outcome = parse(text).and_then(|query| query.resolve(NOW_NS));
        let Err(error) = outcome else { panic!("{text} is taken") };
        let end = error.offset_bytes + error.length_bytes;
        assert_eq!((error.code, text.get(error.offset_bytes..end)), (code, Some(marked)), "{text}: {error}");
        assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{text}: {:?}", error.hint);
    }
    let long = format!("| eval x = 1{}", " + 1".repeat(millpond_query::limits::MAX_FORMULA_PARTS));
    assert_eq!(parse(&long).map(drop).map_err(|error| error.code), Err(TooMany));
    let deep = format!("| eval x = {}1{}", "(".repeat(65), ")".repeat(65));
    assert_eq!(parse(&deep).map(drop).map_err(|error| error.code), Err(TooDeep));
}

#[test]
fn the_work_on_one_row_is_bounded() {
    let table = |length: usize| Table {
        columns: vec!["message".to_owned()],
        rows: vec![vec![Cell::Str("ab".repeat(length / 2))]],
    };
    let replaced: Vec<String> =
        (0..30).map(|at| format!("len(replace(message, \"a+{at}\", \"c\"))")).collect();
    let resolved = parse(&format!("| eval x = {}", replaced.join(" + "))).and_then(|query| query.resolve(0));
    let pipes = resolved.expect("resolves").pipes;
    assert!(apply(table(1_000), &pipes).is_ok());
    assert_eq!(apply(table(1 << 20), &pipes), Err(TableError::Columns));
}

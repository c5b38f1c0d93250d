//! The pipes that make fields: what each makes of one row, from the text of the query to the cells.

use millpond_query::table::{Cell, Table, apply};
use millpond_query::{QueryErrorCode, parse};
use proptest::prelude::*;

/// 2026-11-22T10:30:00Z
const NOW_NS: i64 = 1_795_343_400_000_000_000;

fn document() -> Table {
    let text = |text: &str| Cell::Str(text.to_owned());
    let cells = [
        ("@timestamp", Cell::TimeNs(NOW_NS - 1_500_000_000)),
        ("message", text("Failed password for root from 10.1.2.3 port 2200 ssh2")),
        ("host.name", text("web-01")),
        ("log.level", text("error")),
        ("status", Cell::I64(503)),
        ("bytes", Cell::I64(1_500)),
        ("duration", Cell::F64(2_500.0)),
        ("ok", Cell::Bool(true)),
        ("n", text("7")),
        ("json", text(r#"{"a":1,"b":{"c":"x"},"level":"WARN","tags":["t","u"]}"#)),
        ("logfmt", text(r#"time=now port=80 msg="a b""#)),
        ("odd-name", Cell::I64(3)),
        ("tags", Cell::List(vec![text("blue"), text("green")])),
        ("none", Cell::Null),
    ];
    let (columns, row) = cells.into_iter().map(|(name, cell)| (name.to_owned(), cell)).unzip();
    Table { columns, rows: vec![row] }
}

fn show(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::I64(value) | Cell::TimeNs(value) => value.to_string(),
        Cell::F64(value) => format!("{value:?}"),
        Cell::Str(value) => format!("{value:?}"),
        Cell::List(values) => format!("{:?}", values.iter().map(show).collect::<Vec<_>>()),
    }
}

/// The row after the pipes, and its columns.
#[track_caller]
fn run(pipes: &str) -> Table {
    let resolved = parse(pipes)
        .and_then(|query| query.resolve(NOW_NS))
        .unwrap_or_else(|error| panic!("{pipes}: {error}"));
    apply(document(), &resolved.pipes).expect("it is one row")
}

#[track_caller]
fn check(formula: &str, expected: &str) {
    let table = run(&format!("| eval result = {formula}"));
    let column = table.column("result").expect("it is made");
    assert_eq!(show(&table.rows[0][column]), expected, "{formula}");
}

#[test]
fn arithmetic() {
    let rows = [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 2 - 3", "5"),
        ("10 / 4", "2.5"),
        ("10 / 5", "2"),
        ("7 % 4", "3"),
        ("-7 % 4", "-3"),
        ("2 * -3", "-6"),
        ("-(status)", "-503"),
        ("--1", "1"),
        ("status / 0", "null"),
        ("status % 0", "null"),
        ("9223372036854775807 + 1", "9.223372036854776e18"),
        ("9007199254740993 + 0", "9007199254740993"),
        ("n * 2", "14"),
        ("n + 1", "8"),
        ("none + 1", "null"),
        ("message - 1", "null"),
        ("ok + 1", "\"true1\""),
        ("`odd-name` * 2", "6"),
        ("field(\"odd-name\") + 0", "3"),
        ("1e3 + 0.5", "1000.5"),
        ("5ms", "5000000"),
        ("1.5KiB", "1536"),
        ("(now() - _time) / 1s", "1.5"),
    ];
    rows.iter().for_each(|(formula, expected)| check(formula, expected));
}

#[test]
fn comparisons_and_truths() {
    let rows = [
        ("status >= 500", "true"),
        ("status = 503.0", "true"),
        ("status == \"503\"", "true"),
        ("status != 503", "false"),
        ("n < 10", "true"),
        ("n < \"10\"", "false"),
        ("level = \"error\" and status > 500", "true"),
        ("host = \"WEB-01\"", "false"),
        ("duration > 2s", "true"),
        ("2500ms = duration", "true"),
        ("bytes > 1kB and bytes < 2kB", "true"),
        ("none = 1", "null"),
        ("none = 1 or ok", "true"),
        ("none = 1 and ok", "null"),
        ("none = 1 and not ok", "false"),
        ("not none", "null"),
        ("not (status > 500) || !ok", "false"),
        ("tags = \"blue\"", "true"),
        ("status > 500 = true", "error"),
    ];
    for (formula, expected) in rows {
        if expected == "error" {
            assert!(parse(&format!("| eval x = {formula}")).is_err(), "{formula}");
        } else {
            check(formula, expected);
        }
    }
}

#[test]
fn texts() {
    let rows = [
        ("host . \":\" . status", "\"web-01:503\""),
        ("host.\"/\".n", "\"web-01/7\""),
        ("\"a\" + \"b\"", "\"ab\""),
        ("\"1\" + \"2\"", "\"12\""),
        ("host + status", "\"web-01503\""),
        ("host . none", "null"),
        ("concat(host, \"-\", ok, 1.5)", "\"web-01-true1.5\""),
        ("lower(\"ÄB\")", "\"äb\""),
        ("upper(host)", "\"WEB-01\""),
        ("len(\"äöü\")", "3"),
        ("trim(\"  a \")", "\"a\""),
        ("substr(host, 1, 3)", "\"web\""),
        ("substr(host, 5)", "\"01\""),
        ("substr(host, -2)", "\"01\""),
        ("substr(host, 99)", "\"\""),
        ("substr(host, 1, none)", "null"),
        ("replace(host, \"-(\\d+)\", \"#$1\")", "\"web#01\""),
        ("replace(message, \"\\d+\", \"N\")", "\"Failed password for root from N.N.N.N port N sshN\""),
        ("contains(message, \"root\")", "true"),
        ("startswith(host, \"web\")", "true"),
        ("endswith(host, \"02\")", "false"),
        ("like(host, \"web-*\")", "true"),
        ("like(host, \"web-?\")", "false"),
        ("match(message, \"port \\d+ \")", "true"),
        ("match(none, \"a\")", "null"),
        ("tostring(1.0)", "\"1\""),
        ("tonumber(n) + tonumber(\"2\")", "9"),
        ("tonumber(host)", "null"),
    ];
    rows.iter().for_each(|(formula, expected)| check(formula, expected));
}

#[test]
fn choices_numbers_times_and_networks() {
    let rows = [
        ("if(status >= 500, \"bad\", \"good\")", "\"bad\""),
        ("if(none > 1, 1, 2)", "2"),
        ("case(status < 400, \"ok\", status < 500, \"client\", \"server\")", "\"server\""),
        ("case(status < 400, \"ok\", status < 500, \"client\")", "null"),
        ("coalesce(none, nothing, n)", "\"7\""),
        ("isnull(none)", "true"),
        ("exists(tags)", "true"),
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("round(3.14159, 2)", "3.14"),
        ("round(status, -2)", "500"),
        ("floor(-1.5)", "-2"),
        ("ceil(1.2)", "2"),
        ("abs(-3)", "3"),
        ("sqrt(9)", "3.0"),
        ("sqrt(-1)", "null"),
        ("log(1000)", "3.0"),
        ("log(8, 2)", "3.0"),
        ("pow(2, 10)", "1024.0"),
        ("ln(exp(1))", "1.0"),
        ("min(3, n, 2.5)", "2.5"),
        ("max(3, n, none)", "\"7\""),
        ("bin(status, 100)", "500"),
        ("bin(-1, 100)", "-100"),
        ("bin(2.7, 0.5)", "2.5"),
        ("bin(status, 0)", "null"),
        (
            "strftime(_time, \"%Y-%m-%d %H:%M:%S.%L %a %b %j %%\")",
            "\"2026-11-22 10:29:58.500 Sun Nov 326 %\"",
        ),
        ("strftime(-1, \"%FT%T.%N\")", "\"1969-12-31T23:59:59.999999999\""),
        ("totime(\"2026-11-22T10:30\") - now()", "0"),
        ("totime(\"now\")", "null"),
        ("cidr(\"10.1.2.3\", \"10.0.0.0/8\")", "error"),
        ("cidrmatch(\"10.0.0.0/8\", host)", "false"),
        ("cidr(ip, \"10.0.0.0/8\")", "true"),
    ];
    for (formula, expected) in rows {
        if expected == "error" {
            continue;
        }
        let table = run(&format!("| extract \"from <ip> port\" | eval result = {formula}"));
        let column = table.column("result").expect("it is made");
        assert_eq!(show(&table.rows[0][column]), expected, "{formula}");
    }
}

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

/// Formulas of every kind, as text.
fn formula() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "-1",
        "0.5",
        "1e300",
        "9223372036854775807",
        "5ms",
        "2kB",
        "true",
        "false",
        "null",
        "\"a\"",
        "\"\"",
        "'5'",
        "\"x\\\"y\"",
        "status",
        "bytes",
        "n",
        "none",
        "host",
        "ok",
        "duration",
        "tags",
        "`odd-name`",
        "field(\"a`b\")",
        "_time",
        "now()",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(5, 40, 3, |inner| {
        let operator = prop::sample::select(vec![
            "+", "-", "*", "/", "%", ".", "=", "!=", "<", "<=", ">", ">=", "and", "or", "&&", "||", "==",
        ]);
        let function = prop::sample::select(vec![
            "lower", "len", "round", "abs", "sqrt", "tostring", "tonumber", "isnull", "coalesce", "floor",
            "trim", "totime", "log",
        ]);
        let pair = prop::sample::select(vec![
            "bin", "contains", "min", "max", "pow", "substr", "strftime", "round", "case", "concat", "log",
        ]);
        prop_oneof![
            (inner.clone(), operator, inner.clone(), any::<bool>()).prop_map(
                |(a, operator, b, parentheses)| {
                    if parentheses {
                        format!("({a}) {operator} ({b})")
                    } else {
                        format!("{a} {operator} {b}")
                    }
                }
            ),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.clone().prop_map(|a| format!("not ({a})")),
            (function, inner.clone()).prop_map(|(function, a)| format!("{function}({a})")),
            (pair, inner.clone(), inner.clone()).prop_map(|(function, a, b)| format!("{function}({a},{b})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("if({a}, {b}, {c})")),
            inner.prop_map(|a| format!("replace({a}, \"a|1\", \"<$0>\")")),
        ]
    })
}

/// The table of formulas in LANGUAGE.md: what it says they give.
#[test]
fn described_formulas_give_what_is_described() {
    let text = include_str!("../LANGUAGE.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `eval x = "));
    let mut checked = 0;
    for row in rows {
        let (formula, rest) = row.split_once("` | `").expect("a result stands beside");
        let (expected, _) = rest.split_once("` |").expect("the result ends");
        check(formula, expected);
        checked += 1;
    }
    assert!(checked > 25, "{checked} formulas");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printed_formulas_have_the_same_value(text in formula()) {
        let query = format!("| eval result = {text}");
        // Chained comparisons are refused.
        let Ok(parsed) = parse(&query) else { return Ok(()) };
        let printed = parsed.to_string();
        let again = parse(&printed);
        prop_assert!(again.is_ok(), "{} printed as {}: {:?}", text, printed, again);
        prop_assert_eq!(&again.expect("checked above").to_string(), &printed);
        let value = |query: &str| {
            let resolved = parse(query).and_then(|query| query.resolve(NOW_NS)).expect("names are of documents");
            let table = apply(document(), &resolved.pipes).expect("it is one row");
            let column = table.column("result").expect("it is made");
            show(&table.rows[0][column])
        };
        prop_assert_eq!(value(&query), value(&printed), "{} printed as {}", text, printed);
    }
}

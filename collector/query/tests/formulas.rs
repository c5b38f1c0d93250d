//! Formulas: what each operator and function gives.

mod support;

use millpond_query::parse;
use proptest::prelude::*;

use crate::support::{NOW_NS, run, show};

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
        ("replace(\"abc\", \"(b)\", \"\\1x\")", "\"abxc\""),
        ("replace(\"abc\", \"(b)\", \"\\\\1x\")", "\"abxc\""),
        ("replace(\"abc\", \"(?<m>b)\", \"<${m}$0${1}1>\")", "\"a<bbb1>c\""),
        ("replace(\"abc\", \"b\", \"$$1 $ \\\\n\")", "\"a$1 $ \\\\nc\""),
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
        ("totime(\"now/d\")", "null"),
        ("totime(\"/d\")", "null"),
        ("totime(\"-1d@d\")", "null"),
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
            let table = millpond_query::table::apply(support::document(), &resolved.pipes).expect("it is one row");
            let column = table.column("result").expect("it is made");
            show(&table.rows[0][column])
        };
        prop_assert_eq!(value(&query), value(&printed), "{} printed as {}", text, printed);
    }
}

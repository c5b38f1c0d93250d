//! Every kind of wrong query: which bytes the error points at, and what it proposes.

use millpond_query::QueryErrorCode::{
    BadNumber, BadRange, BadRegex, BadTime, Missing, Unclosed, Unexpected, UnknownColumn, UnknownFunction,
    UnknownLevel, UnknownPipe,
};
use millpond_query::limits::{MAX_CLAUSES, MAX_DEPTH, MAX_PATTERN_BYTES, MAX_TEXT_BYTES};
use millpond_query::{QueryError, QueryErrorCode, parse};

fn error_of(text: &str) -> QueryError {
    match parse(text).and_then(|query| query.resolve(1_795_343_400_000_000_000)) {
        Ok(resolved) => panic!("{text} means {}", resolved.filter),
        Err(error) => error,
    }
}

/// The query, the offset of the part that the error points at, that part (empty for a place), the code, and part of the
/// hint.
const ROWS: &[(&str, usize, &str, QueryErrorCode, &str)] = &[
    ("a or", 4, "", Missing, "quote"),
    ("a AND ", 6, "", Missing, "quote"),
    ("NOT", 3, "", Missing, "quote"),
    ("or b", 0, "or", Missing, "\"or\""),
    ("a or and b", 5, "and", Missing, "\"and\""),
    ("(a b", 0, "(", Unclosed, "add a )"),
    ("f:(a or b", 2, "(", Unclosed, "add a )"),
    ("a) b", 1, ")", Unexpected, "quote"),
    ("()", 0, "()", Missing, "quote"),
    ("x \"abc", 2, "\"", Unclosed, "add a \""),
    ("f:`abc", 2, "`", Unclosed, "add a `"),
    ("status:", 0, "status:", Missing, "status:*"),
    ("status: | limit 5", 0, "status: ", Missing, "status:*"),
    ("status>=", 0, "status>=", Missing, "status:*"),
    ("f:[1 TO", 2, "[1 TO", BadRange, "[400 TO 499]"),
    ("f:[1 2]", 2, "[1 ", BadRange, "[400 TO 499]"),
    ("f:[5 TO 1]", 0, "f:[5 TO 1]", BadRange, "smaller end first"),
    ("duration:[2s TO 5ms]", 0, "duration:[2s TO 5ms]", BadRange, "smaller end first"),
    ("f>a*", 2, "a*", Unexpected, "quote"),
    ("f in (a, b", 5, "(", Unclosed, "add a )"),
    ("f in ()", 5, "()", Missing, "in (a, b)"),
    ("exists(a", 0, "exists(a", Unexpected, "quote"),
    ("{app=\"x\", 5}", 0, "{app=\"x\", 5}", Unexpected, "quote"),
    ("x /(/", 2, "/(/", BadRegex, "quote"),
    ("f:/\\w{900}{900}/", 2, "/\\w{900}{900}/", BadRegex, "quote"),
    (r#"x f:~"a\\""#, 5, r#""a\\""#, BadRegex, "\\\\"),
    (r#"{app=~""}"#, 6, r#""""#, BadRegex, "regular"),
    ("@timestamp>yesterday", 11, "yesterday", BadTime, "now-1h"),
    ("_time:2026-*", 6, "2026-*", BadTime, "now-1h"),
    ("@timestamp>5m", 11, "5m", BadTime, "now-5m"),
    ("event.created:[now-1h TO soon]", 25, "soon", BadTime, "now-1h"),
    ("level>=wran", 7, "wran", UnknownLevel, "did you mean warn?"),
    ("severity<\"erorr\"", 9, "\"erorr\"", UnknownLevel, "did you mean error?"),
    ("log.level:[infor TO error]", 11, "infor", UnknownLevel, "did you mean info?"),
    ("level:[info TO 5]", 15, "5", UnknownLevel, "trace, debug"),
    ("level>x", 6, "x", UnknownLevel, "trace, debug"),
    ("level:[error TO warn]", 0, "level:[error TO warn]", BadRange, "smaller end first"),
    ("x len(f)", 2, "len(f)", Unexpected, "len(message)>1000"),
    ("len(f)>a", 0, "len(f)>a", Unexpected, "len(message)>1000"),
    ("x mising(f)", 2, "mising", UnknownFunction, "did you mean missing?"),
    ("a f:lenrange(1, 2)", 4, "lenrange", UnknownFunction, "did you mean len_range?"),
    ("a f:main(x)", 4, "main", UnknownFunction, "quotes"),
    ("cidr(ip, nonsense)", 0, "cidr(ip, nonsense)", Unexpected, "10.0.0.0/8"),
    ("x roam~1", 2, "roam~1", Unexpected, "ro*"),
    ("x \"a b\"~3 y", 2, "\"a b\"~3", Unexpected, "write a b"),
    ("x os.*:win", 2, "os.*", Unexpected, "*:value"),
    ("user:{ name:bob }", 0, "user:{ name:", Unexpected, "user.name:"),
    ("_stream:{5}", 0, "_stream:", Unexpected, "_stream:{host"),
    (" SELECT a FROM b WHERE c = 1", 1, "SELECT", Unexpected, "write c = 1"),
    ("FROM logs | LIMIT 5", 0, "FROM", Unexpected, "* | LIMIT 5"),
    ("rate({a=\"b\"}[5m])", 0, "rate", Unexpected, "span=5m"),
    ("x | foo", 4, "foo", UnknownPipe, "quote"),
    ("x | eventstats count()", 4, "eventstats", UnknownPipe, "stats count() by host"),
    ("x | regex", 9, "", Missing, "regex message="),
    ("x | stat count()", 4, "stat", UnknownPipe, "did you mean stats?"),
    ("x | ", 4, "", Missing, "stats"),
    ("x || ", 5, "", Missing, "quote"),
    ("x | stats cuont() by y", 10, "cuont", UnknownFunction, "did you mean count?"),
    ("x | stats sum() by y", 10, "sum()", Missing, "sum(duration)"),
    ("x | stats percentile(a, 101)", 10, "percentile(a, 101)", BadNumber, "p95"),
    ("x | stats count() by", 20, "", Missing, "by host"),
    ("x | stats count(), count()", 19, "count()", Unexpected, "as errors"),
    ("x | stats count() by _time:5", 27, "5", BadTime, "5m"),
    ("x | timechart span=5 count()", 19, "5 ", BadTime, "5m"),
    ("x | stats count() by service | sort servce", 36, "servce", UnknownColumn, "did you mean"),
    ("x | stats count() by a | where z:1", 31, "z", UnknownColumn, "there are a, count"),
    ("x | fields a | sort bcd", 20, "bcd", UnknownColumn, "there are a"),
    ("x | top 0 y", 8, "0", BadNumber, "smaller"),
    ("x | limit 99999999999999999999", 10, "99999999999999999999", BadNumber, "smaller"),
    ("x | eval y = replace(a, \"(b)\", \"$1x\")", 31, "\"$1x\"", Unexpected, "${1}x"),
    ("x | eval y = replace(a, \"(b)\", \"\\2\")", 31, "\"\\2\"", Unexpected, "${1}x"),
    ("x | stats count() by _time:1h, _time:1d", 10, "count()", Unexpected, "one step of time"),
    (
        "x | stats count() by _time:1h as hour, _time:1d as day",
        39,
        "_time:1d",
        Unexpected,
        "one step of time",
    ),
    ("x | limit 5 10", 12, "10", Unexpected, "put a |"),
    ("x | sort", 8, "", Missing, "sort host"),
    ("é | größe", 5, "größe", UnknownPipe, "quote"),
];

#[test]
fn errors_point_at_the_place_and_say_what_to_do() {
    for (text, offset, marked, code, hint) in ROWS {
        let error = error_of(text);
        let place = (error.offset_bytes, error.offset_bytes + error.length_bytes);
        assert_eq!(
            (error.offset_bytes, text.get(place.0..place.1)),
            (*offset, Some(*marked)),
            "{text}: {error}"
        );
        assert_eq!(error.code, *code, "{text}");
        assert!(error.hint.as_deref().unwrap_or_default().contains(hint), "{text}: {:?}", error.hint);
    }
}

#[test]
fn limits_are_errors() {
    let deep = |levels: usize| format!("{}a{}", "(".repeat(levels), ")".repeat(levels));
    assert!(parse(&deep(MAX_DEPTH)).is_ok());
    assert_eq!(error_of(&deep(MAX_DEPTH + 1)).code, QueryErrorCode::TooDeep);
    assert_eq!(error_of(&format!("{}a", "NOT ".repeat(MAX_DEPTH + 1))).code, QueryErrorCode::TooDeep);
    assert!(parse(&"a ".repeat(MAX_CLAUSES)).is_ok());
    assert_eq!(error_of(&"a ".repeat(MAX_CLAUSES + 1)).code, QueryErrorCode::TooMany);
    assert_eq!(error_of(&format!("f in ({})", "a,".repeat(MAX_CLAUSES + 1))).code, QueryErrorCode::TooMany);
    assert_eq!(error_of(&"a".repeat(MAX_TEXT_BYTES + 1)).code, QueryErrorCode::TooLong);
    assert_eq!(error_of(&format!("{}*", "a".repeat(MAX_PATTERN_BYTES))).code, QueryErrorCode::TooLong);
    assert_eq!(error_of(&format!("x{}", "| limit 1".repeat(33))).code, QueryErrorCode::TooMany);
    assert_eq!(error_of(&"/a/ ".repeat(33)).code, QueryErrorCode::TooMany);
    assert_eq!(error_of(&"f=~a ".repeat(33)).code, QueryErrorCode::TooMany);
    assert_eq!(error_of(&format!("x | fields {}", "a ".repeat(65))).code, QueryErrorCode::TooMany);
}

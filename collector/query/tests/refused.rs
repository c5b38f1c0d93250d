//! Forms of other languages and slips of the hand that must not silently mean something else: each is an error at the
//! place, with the form that it has here.

use millpond_query::parse;

/// 2026-11-22T10:30:00Z
const NOW_NS: i64 = 1_795_343_400_000_000_000;

/// The query, the part that the error points at, and a part of the hint.
#[track_caller]
fn check(rows: &[(&str, &str, &str)]) {
    let mut wrong = Vec::new();
    for (query, marked, hint) in rows {
        let outcome = parse(query).and_then(|query| query.resolve(NOW_NS).map(|_| query.to_string()));
        match outcome {
            Ok(meant) => wrong.push(format!("{query} is taken as {meant}")),
            Err(error) => {
                let place = query.get(error.offset_bytes..error.offset_bytes + error.length_bytes);
                let proposed = error.hint.as_deref().unwrap_or_default();
                if place != Some(*marked) || !proposed.contains(hint) {
                    wrong.push(format!("{query}: {error}, at {place:?}, not {marked:?}; hint {proposed}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_sign_does_not_begin_a_value() {
    check(&[
        ("status=>500", "status=>", "status>=…"),
        ("status=<500", "status=<", "status<=…"),
        ("status==>500", "status==>", "status>=…"),
        ("status>>500", "status>>", "one sign"),
        ("status = = 500", "status = =", "one sign"),
        ("msg=<html>", "msg=<", "in quotes"),
        ("status>500<600", "500<600", "a number"),
        ("500 < status < 600", "<", "status>=500 status<600"),
        ("status >= 500 and < 600", "<", "status>=500 status<600"),
        ("status >= 500 and <600", "<600", "status>=500 status<600"),
        ("status: not 404", "not", "NOT status:"),
        ("status=not 404", "not", "NOT status:"),
    ]);
}

#[test]
fn a_bound_that_is_nearly_a_number_is_none() {
    check(&[
        ("status>=5xx", "5xx", "status:[500 TO 599]"),
        ("n>=0x1", "0x1", "\"0x1\""),
        ("n>1,000", "1,000", "a number"),
        ("bytes>10Mx", "10Mx", "MB"),
        ("n:[1 TO 5x]", "5x", "a number"),
        ("n BETWEEN 1 AND 5x", "5x", "a number"),
        ("t>now-5", "now-5", "a time"),
        ("id>4bf92f35", "4bf92f35", "\"4bf92f35\""),
        ("_time:5", "5", "5m"),
        ("_time>=12345678", "12345678", "2026-11-22"),
        ("_time:20261345", "20261345", "2026-11-22"),
    ]);
}

#[test]
fn arithmetic_is_no_name() {
    check(&[
        ("status/100=5", "status/100", "eval x = status/100"),
        ("status/100 > 4", "status/100", "eval x = status/100"),
        ("x+1>5", "x+1", "eval x = x+1"),
        ("bytes*8>1000", "bytes*8", "eval x = bytes*8"),
        ("status%2=0", "status%2", "eval x = status%2"),
        ("x + 1 > 5", ">", "before each sign"),
        ("500<status", "500<status", "write status>500"),
        ("500<status<600", "500<status<600", "status<500"),
    ]);
}

#[test]
fn searches_are_not_nested() {
    check(&[("error [search index=x]", "[search", "one thing first")]);
}

#[test]
fn functions_are_no_words() {
    check(&[
        ("avg(status)>300", "avg", "| stats avg(status) by host | where avg(status)>5"),
        ("* | where sum(bytes)>10MB", "sum", "stats sum(bytes)"),
        ("p95(status)>300", "p95", "stats p95(status)"),
        ("lower(host)=\"web-01\"", "lower", "| eval x = lower(host) | where x="),
        ("* | where abs(x)>5", "abs", "eval x = abs(x)"),
        ("substr(host,1,3)=\"web\"", "substr", "eval x = substr(host,1,3)"),
        ("contains(message,\"refused\")", "contains", "field:*text*"),
        ("startswith(host, \"web\")", "startswith", "field=text*"),
        ("TO_LOWER(a)==\"x\"", "TO_LOWER", "finds any case"),
        ("mvcount(x)>1", "mvcount", "field:value"),
        ("searchmatch(\"x\")", "searchmatch", "words themselves"),
        ("seq(\"a\",\"b\")", "seq", "/first.*second/"),
        ("if(a)", "if", "eval x = if(a)"),
        ("range(1, 5)", "range", "field:[1 TO 5]"),
        ("* | stats avg(status) by host | where avg(bytes)>300", "avg(bytes)", "avg(status)"),
        ("* | stats avg(status) by host | where avg(status)", "avg(status)", "avg(status)>5"),
        ("* | stats avg(status) by host | where lower(host)=x", "lower", "eval x = lower(host)"),
        ("* | sort lower(host)", "lower", "eval x = lower(host)"),
        ("* | stats avg(x) | eval y = avg(x) + 1", "avg", "`avg(status)`"),
        ("* | sort num(x)", "num", "alone"),
    ]);
}

#[test]
fn arithmetic_in_aggregates_is_a_formula_or_refused() {
    check(&[
        ("* | stats avg(bytes/requests)", "bytes/requests", "bytes / requests with spaces"),
        ("* | stats sum(a-b*2)", "a-b*2", "backticks"),
        ("* | stats sum(x-request-id / 2)", "x-request-id", "backticks"),
        ("* | stats count() by status/100", "status/100", "eval x = status/100"),
        ("* | top 5 a+b", "a+b", "eval x = a+b"),
        ("* | stats sum(5xx)", "5xx", "`5xx`"),
    ]);
}

#[test]
fn only_the_time_has_steps_with_a_colon() {
    check(&[
        ("* | stats count() by event.created:1h", "event.created:1h", "bin(event.created, 1h)"),
        ("* | stats count() by event.duration:5ms", "event.duration:5ms", "bin(event.duration, 5ms)"),
        ("* | stats count() by time:5m", "time:5m", "_time:5m"),
        ("* | stats count() by status:100", "status", "bin(status, 100)"),
        ("* | timechart count() by event.created:1h", "event.created:1h", "bin("),
        ("* | stats count() by 5m", "5m", "_time:5m"),
        ("* | stats count() by _time:5m as t, _time:1h as u", "_time:1h", "one step of time"),
        ("* | timechart count() by bin(5m) as t", "bin(5m)", "rename _time"),
    ]);
}

#[test]
fn words_in_lists_of_names_are_no_names() {
    check(&[
        ("* | top 5 host by service", "by", "stats count() by a, b | sort -count"),
        ("* | top host limit 5", "limit", "put a | before limit"),
        ("* | stats count() by host sort -count", "sort", "put a | before sort"),
        ("* | stats count() by host limit 5", "limit", "put a | before limit"),
        ("* | stats count() by host, 5", "5", "in quotes"),
        ("* | sort 10 -n", "10", "sort -count | limit 10"),
        ("* | sort 0 -n", "0", "leave it out"),
        ("* | stats count() by host having count>5", "having", "| where count>5"),
        ("* | stats by host count() as n", "count", "before by"),
        ("* | dedup host keepempty=true", "keepempty", "leave the option out"),
        ("* | sort n limit 5", "limit", "put a | before limit"),
        ("* | sort @timestamp DESC NULLS FIRST", " NULLS ", "nulls last"),
        ("* | dedup 3 host", "3", "dedup host"),
        ("* | dedup host sortby -_time", "sortby", "sort -_time | dedup host"),
        ("* | dedup host limit 1", "limit", "put a | before limit"),
        ("* | uniq by (host) limit 1", "limit", "put a |"),
        ("* | fields host as h", "as", "rename old as new"),
        ("* | fields host, -message", "-message", "fields -message"),
        ("* | fields host, 5", "5", "in quotes"),
        ("* | timechart count() by host usenull=f", "f", "where service:*"),
    ]);
}

#[test]
fn pipes_of_other_languages() {
    check(&[
        ("* | bin _time span=5m", "bin", "by _time:5m"),
        ("* | bucket _time span=5m", "bucket", "by _time:5m"),
        ("* | fillnull value=0", "fillnull", "coalesce(x, 0)"),
        ("* | tail 5", "tail", "sort -_time | limit 10"),
        ("* | reverse", "reverse", "sort _time"),
        ("* | pattern `<ip> - <_>`", "pattern", "extract \"from <ip>"),
        ("* | grok message \"%{IP:ip}\"", "grok", "rex \"(?<ip>"),
        ("* | dissect message \"%{a} b\"", "dissect", "extract \"from <ip>"),
        ("* | count()", "count", "stats count"),
        ("* | count by host", "count", "stats count"),
        ("* | level:error", "level:error", "| where level:error"),
    ]);
}

#[test]
fn regular_expressions_of_formulas_count() {
    let query = |count: usize| format!("| eval {}", vec!["b = match(a, \"x\")"; count].join(", "));
    assert!(parse(&query(32)).is_ok());
    let error = parse(&query(33)).expect_err("too many");
    assert_eq!(error.code, millpond_query::QueryErrorCode::TooMany);
    assert!(parse(&format!("{} | eval c = replace(a, \"x\", \"y\")", query(32))).is_err());
}

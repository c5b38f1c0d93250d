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
    ]);
}

#[test]
fn searches_are_not_nested() {
    check(&[("error [search index=x]", "[search", "one thing first")]);
}

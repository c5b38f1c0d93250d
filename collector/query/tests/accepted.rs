//! Forms of other languages that mean here what they mean there: what each is in the words of this one.

use millpond_query::parse;

/// The query, and its canonical text, which is stable.
#[track_caller]
fn check(rows: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (query, canonical) in rows {
        match parse(query).and_then(|query| query.resolve(0).map(|_| query.to_string())) {
            Ok(printed) if printed == *canonical => {
                let again = parse(canonical).map(|query| query.to_string());
                assert_eq!(again.as_deref(), Ok(*canonical), "not stable: {query}");
            }
            outcome => wrong.push(format!("{query} is {outcome:?}, not {canonical}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn operators() {
    check(&[
        ("a<>b", "a!=b"),
        ("status <> 500", "status!=500"),
        ("!!a", "NOT NOT a"),
        ("!!(a b)", "NOT NOT (a b)"),
        ("wow!!!", "\"wow!!!\""),
        ("!!!", "\"!!!\""),
        ("<html> -> --> =====", "\"<html>\" \"->\" \"-->\" \"=====\""),
        ("answer:not", "answer:\"not\""),
        ("status:(not 404)", "NOT status:404"),
        ("expr:a=b>c", "expr:\"a=b>c\""),
        ("msg=\"<html>\"", "msg=\"<html>\""),
    ]);
}

#[test]
fn texts_with_colons() {
    check(&[
        ("std::io::Error", "\"std::io::Error\""),
        ("ActiveRecord::RecordNotFound", "\"ActiveRecord::RecordNotFound\""),
        ("fe80::1", "\"fe80::1\""),
        ("fe80:0:0:0:0:0:0:1", "\"fe80:0:0:0:0:0:0:1\""),
        ("aa:bb:cc:dd:ee:ff", "\"aa:bb:cc:dd:ee:ff\""),
        (r"C:\temp\x", r#""C:\\temp\\x""#),
        ("ip:::1", "ip:\"::1\""),
        ("a:b", "a:b"),
        ("aa:bb", "aa:bb"),
        ("mac:aa:bb:cc:dd:ee:ff", "mac:\"aa:bb:cc:dd:ee:ff\""),
        (r"c:\/api*", r"c:\/api*"),
        ("message:std::io", "message:\"std::io\""),
    ]);
}

#[test]
fn bounds() {
    check(&[
        ("bytes>10M", "bytes>10M"),
        ("version>=1.2.3", "version>=1.2.3"),
        ("version>=1.2.3-rc1", "version>=1.2.3-rc1"),
        ("at>=12:30", "at>=\"12:30\""),
        ("ip>10.0.0.1", "ip>10.0.0.1"),
        ("t>=2026-11-22T10", "t>=2026-11-22T10"),
        ("n>-5", "n>\"-5\""),
        ("id>\"4bf92f35\"", "id>\"4bf92f35\""),
        ("_time:2026", "_time:2026"),
        ("_time>=20261122", "_time>=20261122"),
    ]);
}

#[test]
fn like_of_sql_and_of_es_ql() {
    check(&[
        ("host LIKE \"web-0_\"", "host=web-0?"),
        ("host LIKE \"web_%\"", "host=web?*"),
        ("host LIKE \"web_0*\"", "host=web_0*"),
        (r#"host LIKE "web\_0%""#, "host=web_0*"),
        (r#"host LIKE "100\%""#, "host=\"100%\""),
    ]);
}

#[test]
fn regular_expressions_of_labels_match_the_whole_value() {
    check(&[
        ("{host.name=~\"web\"}", "host.name:/^(?:web)$/"),
        ("{host.name!~\"web|db\"}", "NOT host.name:/^(?:web|db)$/"),
        ("{app=\"x\"} | pod=~\"web\" and b=~\"c\"", "app=x | where pod:/^(?:web)$/ b:/^(?:c)$/"),
        ("{app=\"x\"} | where pod=~\"web\"", "app=x | where pod:/web/"),
        ("{app=\"x\"} |~ \"web\"", "app=x message:/web/"),
        ("host.name=~\"web\"", "host.name:/web/"),
    ]);
}

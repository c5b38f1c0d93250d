//! What conditions say of documents. The store is held to the same answers.

use std::ops::ControlFlow;

use millpond_query::{Row, Scalar, matches, parse};

/// 2026-11-22T10:30:00Z
const NOW_NS: i64 = 1_795_343_400_000_000_000;

struct Document {
    at_ns: i64,
    fields: Vec<(&'static str, Scalar<'static>)>,
}

impl Row for Document {
    fn timestamp_ns(&self) -> i64 {
        self.at_ns
    }

    fn leaves(&self, visit: &mut dyn FnMut(&str, Scalar<'_>) -> ControlFlow<()>) {
        for (name, value) in &self.fields {
            if visit(name, *value).is_break() {
                return;
            }
        }
    }
}

fn document() -> Document {
    let text = Scalar::Str;
    Document {
        at_ns: NOW_NS - 60_000_000_000,
        fields: vec![
            (
                "message",
                text(
                    "Connection refused: dial tcp 10.0.0.17:5432, retry_in=5ms [worker-3] café NullPointerException",
                ),
            ),
            ("event.original", text("onlyintheoriginal")),
            ("log.level", text("error")),
            ("host.name", text("web-01.example.org")),
            ("service", text("Cart")),
            ("status", Scalar::I64(500)),
            ("ratio", Scalar::F64(0.25)),
            ("duration", Scalar::F64(1500.0)),
            ("took", text("2s")),
            ("bytes", text("20 MiB")),
            ("retried", Scalar::Bool(true)),
            ("client.ip", text("10.20.30.40")),
            ("url.path", text("/api/v1/users/42")),
            ("tags", text("blue")),
            ("tags", text("green")),
            ("id", Scalar::I64(9_007_199_254_740_993)),
            ("empty", text("")),
            ("note", text("数据库连接错误 STRASSE Größe")),
            ("version", text("v2.10")),
        ],
    }
}

#[track_caller]
fn check(query: &str, expected: bool) {
    let parsed = parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let resolved = parsed.resolve(NOW_NS).unwrap_or_else(|error| panic!("{query}: {error}"));
    assert_eq!(matches(&resolved.filter, &document()), expected, "{query} as {}", resolved.filter);
}

#[test]
fn words_and_phrases() {
    let found = [
        "",
        "*",
        "refused",
        "CONNECTION",
        r#""connection refused""#,
        "retry_in",
        "10.0.0.17",
        "10.0.0.17:5432 or tcp",
        "\"10.0.0.17:5432\"",
        "worker",
        "worker-3",
        "[worker-3]",
        "500",
        "0.25",
        "true",
        "café",
        "CAFÉ",
        "错误",
        "数据库",
        "strasse",
        "GRÖSSE or größe",
        "blue green",
        "/api/v1",
        "web-01",
        "users",
        "message:refused",
        "msg:dial",
        "note:连接",
        "\"refused:\"",
        "\"\"",
        "refused nothing OR tcp",
    ];
    for query in found {
        check(query, true);
    }
    let missed = [
        "refuse",
        "onnection",
        "10.0.0.1",
        "0.0.0.17",
        "10.0.0.170",
        "nothing",
        r#""refused connection""#,
        "retry",
        "onlyintheoriginal",
        "caf",
        "50",
        "501",
        "false",
        "message:cart",
        "\"connection  refused\"",
        "库数",
        "conn",
        "web_01",
    ];
    for query in missed {
        check(query, false);
    }
}

#[test]
fn fields_by_text_and_by_value() {
    let found = [
        "service:cart",
        "service=Cart",
        "host:web-01",
        "host=web-01.example.org",
        "status:500",
        "status=500",
        "status=500.0",
        "status:\"500\"",
        "retried:true",
        "retried=TRUE",
        "tags:blue",
        "tags=green",
        "tags:*",
        "exists(tags)",
        "missing(nope)",
        "empty=\"\"",
        "empty:*",
        "host!=other",
        "nope!=x",
        "service in (Cart, Shop)",
        "id=9007199254740993",
        "url.path:\"/api/v1/\"*",
        "duration:1.5s",
        "duration=1500ms",
    ];
    for query in found {
        check(query, true);
    }
    let missed = [
        "service=cart",
        "host=web-01",
        "status:50",
        "status!=500",
        "nope:*",
        "missing(status)",
        "tags!=blue",
        "service in (cart)",
        "id=9007199254740992",
        "empty:x",
        "nope=\"\"",
        "duration=1.6s",
        "retried=1",
    ];
    for query in missed {
        check(query, false);
    }
}

#[test]
fn order_and_ranges() {
    let found = [
        "status>=500",
        "status>499.5",
        "status<=500",
        "status:[400 TO 500]",
        "status:{499 TO 501}",
        "status:[* TO 500]",
        "duration>1.4s",
        "duration<2s",
        "took>1.5s",
        "took:[1s TO 1m]",
        "bytes>10MB",
        "bytes<1GB",
        "id>9007199254740992",
        "ratio<1",
        "version>=v2",
        "host<x",
        "level>=warn",
        "level:err",
        "level=ERROR",
        "level!=info",
        "level:[warn TO fatal]",
        "level in (error, fatal)",
        "status:(404 or >499)",
    ];
    for query in found {
        check(query, true);
    }
    let missed = [
        "status>500",
        "status<500",
        "status:{500 TO 600]",
        "duration>1.5s",
        "took<1s",
        "bytes>1GB",
        "service>5",
        "id>9007199254740993",
        "level>error",
        "level:warn",
        "level<error",
        "nope>1",
        "client.ip>5",
    ];
    for query in missed {
        check(query, false);
    }
}

#[test]
fn wildcards_regexes_and_networks() {
    let found = [
        "conn*",
        "*Exception",
        "null*exception",
        "refus?d",
        "host:web-*",
        "host:*.example.*",
        "host=web-*",
        "host=*",
        "url.path:/api/*/users/*",
        "url.path=/api/*/42",
        "status:5*",
        "status=5??",
        "*连接*",
        "caf?",
        "dial*",
        "tcp*",
        "*refused*",
        "\"connection ref\"*",
        "message:/ref.sed/",
        "/(?i)CONNECTION/",
        "/connection/i",
        "status:/^5\\d\\d$/",
        "client.ip:10.0.0.0/8",
        "client.ip:10.20.0.0/16",
        "retried:tr*",
        "*10.0.0.17*",
        "w*3",
    ];
    for query in found {
        check(query, true);
    }
    let missed = [
        "onn*",
        "*Exceptio",
        "conn*dial",
        "refus?",
        "host:eb-*",
        "host=web-?",
        "host=WEB-*",
        "url.path=/api/*/43",
        "status:6*",
        "/CONNECTION/",
        "/^refused/",
        "client.ip:10.0.0.0/16",
        "client.ip=10.0.0.0/8",
        "message:10.0.0.0/8",
        "status=5?",
        "5?? nothing",
        "conn* nothing",
    ];
    for query in missed {
        check(query, false);
    }
}

#[test]
fn time_and_logic() {
    let found = [
        "_time:5m",
        "@timestamp>now-5m",
        "@timestamp<now",
        "_time:2026-11-22",
        "_time:[2026-11-22T10 TO 2026-11-22T10:30]",
        "_time!=2026-11-21",
        "_time>=2026-11-22T10:29:00Z",
        "_time:*",
        "NOT nothing",
        "-nothing refused",
        "refused (nothing or tcp)",
        "nothing or not nothing",
        "_time in (2026-11-21, 2026-11-22)",
    ];
    for query in found {
        check(query, true);
    }
    let missed = [
        "_time:30s",
        "@timestamp>now",
        "_time:2026-11-21",
        "_time>2026-11-22T10:29:00Z",
        "-_time:*",
        "refused nothing",
        "NOT (refused or nothing)",
        "!refused",
    ];
    for query in missed {
        check(query, false);
    }
}

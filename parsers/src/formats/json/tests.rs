//! Rows by logger, then lines that are no object of JSON.

use crate::format::Format;
use crate::formats::testing::check;

#[test]
fn loggers() {
    let rows = [
        // zap
        (
            r#"{"level":"info","ts":1531171074.6310017,"caller":"a.go:1","msg":"hello","n":1,"f":0.5,"ok":true}"#,
            "time=2018-07-09T21:17:54.6310017 | level=9 info | message=hello | caller=a.go:1 | n=i1 | f=f0.5 | ok=true",
        ),
        // pino and bunyan
        (
            r#"{"level":30,"time":1531171074631,"pid":657,"hostname":"x","msg":"hi","req":{"method":"GET","headers":{"a":"b"}}}"#,
            "time=2018-07-09T21:17:54.631 | level=9 30 | message=hi | pid=i657 | hostname=x | req.method=GET | req.headers.a=b",
        ),
        // logback and ECS
        (
            r#"{"@timestamp":"2024-05-01T12:00:00.123Z","log.level":"WARN","message":"m","ecs":{"version":"1.2.0"},"tags":["a", 1, {"b":null}],"time":"x"}"#,
            r#"time=2024-05-01T12:00:00.123 | level=13 WARN | message=m | ecs.version=1.2.0 | tags=json ["a", 1, {"b":null}] | time=x"#,
        ),
        // log4j2
        (
            r#"{"instant":{"epochSecond":1531171074,"nanoOfSecond":631001000},"level":"FATAL","loggerName":"a.B","message":"x"}"#,
            "time=2018-07-09T21:17:54.631001 | level=21 FATAL | message=x | loggerName=a.B",
        ),
        // OpenTelemetry
        (
            r#"{"Timestamp":"1531171074631001002","SeverityText":"Error","SeverityNumber":18,"Body":"b","TraceId":"4bf92f3577b34da6a3ce929d0e0e4736","SpanId":"00f067aa0ba902b7","Attributes":{"k":{}}}"#,
            "time=2018-07-09T21:17:54.631001002 | level=18 Error | message=b | Attributes.k=json {} | trace 4bf92f3577b34da6a3ce929d0e0e4736 | span 00f067aa0ba902b7",
        ),
        // Google Cloud
        (
            r#"{"severity":"NOTICE","message":"m","timestamp":{"seconds":1531171074,"nanos":5},"logging.googleapis.com/trace":"projects/p/traces/4bf92f3577b34da6a3ce929d0e0e4736"}"#,
            "time=2018-07-09T21:17:54.000000005 | level=10 NOTICE | message=m | trace 4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        // structlog
        (
            r#"{"event":"login","level":"debug","timestamp":"2024-05-01 12:00:00"}"#,
            "time=2024-05-01T12:00:00 assumed | level=5 debug | message=login",
        ),
        // GELF
        (
            r#"{"version":"1.1","host":"h","short_message":"s","timestamp":1531171074.5,"level":3}"#,
            "time=2018-07-09T21:17:54.5 | level=17 3 | message=s | version=1.1 | host=h",
        ),
        // Unusable candidates stay fields; no message means the whole line.
        (
            r#" {"level":"high","ts":12.5,"msg":5,"trace_id":"00000000000000000000000000000000"} "#,
            r#"message= {"level":"high","ts":12.5,"msg":5,"trace_id":"00000000000000000000000000000000"}  | level=high | ts=f12.5 | msg=i5 | trace_id=00000000000000000000000000000000"#,
        ),
        (r"{}", "message={}"),
        (r#"{"":{"":1}}"#, r#"message={"":{"":1}} | .=i1"#),
        (r#"{"msg":"é\u00e9\n\ud83d\ude00\"","k\u0041":"/\/"}"#, "message=éé\n😀\" | kA=//"),
        (
            r#"{"msg":"\ud83d!"}"#,
            "message=\u{fffd}! | keep raw | note: half a surrogate pair in an escape at byte 8",
        ),
        (
            r#"{"msg":"a","x":1,"x":2}"#,
            "message=a | x=i1 | keep raw | note: a field name occurs twice at byte 21",
        ),
        (
            r#"{"a.b":1,"a":{"b":2}}"#,
            r#"message={"a.b":1,"a":{"b":2}} | a.b=i1 | keep raw | note: a field name occurs twice at byte 18"#,
        ),
        (
            r#"{"m":"","a":9223372036854775808,"b":1e400,"c":-0,"d":0.12345678901234567890,"e":1e2,"f":null,"g":1e-400}"#,
            r#"message={"m":"","a":9223372036854775808,"b":1e400,"c":-0,"d":0.12345678901234567890,"e":1e2,"f":null,"g":1e-400} | m= | a=json 9223372036854775808 | b=json 1e400 | c=f-0 | d=json 0.12345678901234567890 | e=f100 | f=json null | g=json 1e-400"#,
        ),
    ];
    for (line, expected) in rows {
        check(Format::Json, line, expected);
    }
}

#[test]
fn not_an_object() {
    let rows = [
        ("", "`{` at byte 0"),
        ("[1]", "`{` at byte 0"),
        ("{", "a string at byte 1"),
        (r#"{"a"}"#, "`:` at byte 4"),
        (r#"{"a":}"#, "a value at byte 5"),
        (r#"{"a":1"#, "`,` or `}` at byte 6"),
        (r#"{"a":1,}"#, "a string at byte 7"),
        (r#"{"a":1} x"#, "the end of the line after the object at byte 8"),
        (r#"{"a":01}"#, "a number without leading zero at byte 7"),
        (r#"{"a":1.}"#, "a digit at byte 7"),
        (r#"{"a":.5}"#, "a value at byte 5"),
        (r#"{"a":1e}"#, "a digit at byte 7"),
        (r#"{"a":NaN}"#, "a value at byte 5"),
        (r#"{"a":"\x"}"#, "an escape of JSON at byte 7"),
        (r#"{"a":"\u12"}"#, "an escape of JSON at byte 7"),
        (r#"{"a":"x}"#, "a closing `\"` at byte 6"),
        (r#"{"a":[1,,2]}"#, "a value at byte 8"),
        (r#"{"a":[1 2]}"#, "`,` or `]` at byte 8"),
    ];
    for (line, expected) in rows {
        check(Format::Json, line, &format!("message={line} | note: not json: expected {expected}"));
    }
}

//! Rows that the store leaves out are those that the pipes would: the same questions with the pipes behind a `limit`, where
//! the store can leave out nothing, over documents that are alike only at first sight.

use serde_json::Value;

use super::{Server, encoded};

const LINES: [&str; 28] = [
    r#"{"n":1,"x":1}"#,
    r#"{"n":1.0,"x":"1"}"#,
    r#"{"n":-0.0,"x":true}"#,
    r#"{"n":"1","x":null}"#,
    r#"{"n":9007199254740993,"x":9007199254740992.0}"#,
    r#"{"n":9007199254740992,"x":9007199254740993}"#,
    r#"{"n":[1,2],"x":[2,1]}"#,
    r#"{"n":[1,1],"x":["a","b"]}"#,
    r#"{"n":[2,1],"x":["b","a"]}"#,
    r#"{"n":[],"x":{"y":1}}"#,
    r#"{"x":[{"y":1},{"y":2}]}"#,
    r#"{"x":[{"y":5}],"x.y":7}"#,
    r#"{"level":"error","severity_text":"debug"}"#,
    r#"{"severity":"WARN","log.level":"unheard-of"}"#,
    r#"{"severity_text":"fatal"}"#,
    r#"{"level":"audit","message":"level=error n=5"}"#,
    r#"{"severity":"warn","message":"level=error x.y=3"}"#,
    r#"{"message":"from a to b","from":"z"}"#,
    r#"{"message":["from a to b","from c to d"]}"#,
    r#"{"message":"{\"n\":7,\"level\":\"error\"}","n":1}"#,
    r#"{"event":{"original":"raw"},"n":1e300}"#,
    r#"{"message":"","n":false}"#,
    r#"{"severity_text":"WARN","message":"{\"severity_text\":\"error\"}"}"#,
    r#"{"severity_text":"WARN","message":"lvl=error x"}"#,
    r#"{"u":[{"name":"bob"}]}"#,
    r#"{"u":{"name":"bob"}}"#,
    r#"{"n":3.0,"x":3}"#,
    r#"{"n":3,"x":3.0}"#,
];

const PIPES: [&str; 36] = [
    "eval m = n + 1 | where m=2",
    "eval m = n + 1 | where m>9007199254740992",
    "eval m = concat(n) | where m:1",
    "eval m = n | where not m:1",
    "eval n = x | where n:a",
    "eval n = x | where n:*",
    "eval y = n | where y=1 | eval y = x | where y:*",
    "eval x.y = 5 | where x.y=1",
    "eval x.y = 5 | where not x.y=1",
    "eval severity_text = \"error\" | where level:error or severity_text=no",
    "eval severity_text = \"error\" | where level:fatal or severity_text=no",
    "eval level = \"error\" | where level:error",
    "eval level = null | where not level:*",
    "parse logfmt | where level:error or n:5",
    "parse logfmt | where level:warn or n:5",
    "parse logfmt | where x.y=3",
    "parse json | where n:7 or level:error",
    "extract \"from <from> to <to>\" | where from:a or to:d",
    "extract \"from <from> to <to>\" | where not from:z",
    "parse json | where level:error",
    "eval severity_text=\"error\", a=1 | where level:error and a:1",
    "eval severity_text=null, a=1 | where a:1 and not level:warn",
    "extract \"lvl=<severity_text> \" | where level:error",
    "eval u.name=\"x\" | where u.name:bob",
    "eval u=1 | where u:1 and not u.name:bob",
    "eval m = n * 9007199254740993 | where m<27021597764222978",
    "eval m = concat(n, \"x\") | where m:\"-0x\"",
    "eval m = concat(n, \"\") | where m=\"3\"",
    "eval m = n / 2 | where m>1 | eval k = m + 1 | where k<3",
    "eval m = concat(n, level) | where m:*",
    "eval m = if(n > 2, x, n) | where m>=3",
    "dedup n",
    "dedup by n, x",
    "dedup by x.y",
    "dedup level",
    "fields n, x | dedup x",
];

const SORTS: [&str; 10] = [
    "sort n",
    "sort -n",
    "sort -x, n",
    "sort x.y",
    "sort level, -n",
    "sort -message",
    "sort event.original",
    "fields n, x | sort x, -n",
    "sort -n | limit 3",
    "sort n | dedup n",
];

#[tokio::test]
async fn what_the_store_leaves_out_the_pipes_would() {
    let server = Server::new();
    // In one split and in several.
    for lines in [&LINES[..], &LINES[..11], &LINES[11..]] {
        let lines: Vec<String> = (0..).zip(lines).map(|(at, line)| stamped(at, line)).collect();
        server.ingest(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    for pipes in PIPES.iter().chain(&SORTS) {
        let skipping = rows(&server, &format!("* | {pipes}")).await;
        let reading = rows(&server, &format!("* | limit 1000 | {pipes}")).await;
        assert_eq!(skipping, reading, "{pipes}");
    }
}

/// The line with a time; every third has that of another.
fn stamped(at: u64, line: &str) -> String {
    format!(r#"{{"@timestamp":{},{}"#, 1_795_366_800 + at / 3, &line[1..])
}

async fn rows(server: &Server, query: &str) -> Vec<Value> {
    let path = format!("/api/v1/query?q={}&limit=1000&start=2026-01-01&end=2027-01-01", encoded(query));
    let reply = server.get(&path).await;
    assert_eq!(reply.status, http::StatusCode::OK, "{query}: {}", reply.body);
    let lines = reply.body.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line.get("_meta").is_none()).collect()
}

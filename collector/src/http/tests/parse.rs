//! `/api/v1/parse`: meaning, errors and completions of a text.

use serde_json::{Value, json};

use super::{Server, encoded};

const LINES: [&str; 4] = [
    r#"{"message":"a","level":"error","service.name":"shop front","host.name":"web-01","http.status":500}"#,
    r#"{"message":"b","level":"error","service.name":"shop","host.name":"web-02","http.status":404}"#,
    r#"{"message":"c","level":"info","service.name":"shop","host.name":"web-01"}"#,
    r#"{"message":"d","odd name":1}"#,
];

async fn parse(server: &Server, text: &str, at: Option<usize>) -> Value {
    let at = at.map(|at| format!("&at={at}")).unwrap_or_default();
    server.json(&format!("/api/v1/parse?q={}{at}", encoded(text))).await
}

#[tokio::test]
async fn a_text_is_explained_or_its_error_shown() {
    let server = Server::holding(&LINES).await;
    let good = parse(&server, "level:error   OR  (host=web-01)|stats count() by service", None).await;
    assert_eq!((&good["ok"], &good["error"]), (&json!(true), &Value::Null));
    assert_eq!(good["canonical"], "level:error OR host=web-01 | stats count() by service");
    assert_eq!(good["fields"], json!(["host", "level", "service"]));
    assert_eq!(good.get("completions"), None);
    let first = &good["ast"]["filter"]["or"][0]["field"];
    assert_eq!(first["name"], json!({"text": "level", "span": {"offset": 0, "length": 5}}));
    assert_eq!(first["condition"]["has"]["kind"], json!({"text": "error"}));
    assert_eq!(good["ast"]["pipes"][0]["stats"]["aggs"][0]["function"], "count");

    let unclosed = parse(&server, "level:(error or", None).await;
    assert_eq!(
        (&unclosed["ok"], &unclosed["canonical"], &unclosed["ast"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    assert!(unclosed["error"]["message"].is_string() && unclosed["error"]["offset"].is_u64());
    // It can be read, but not run.
    let unknown = parse(&server, "* | stats count() | sort nothing", None).await;
    assert_eq!((&unknown["ok"], &unknown["error"]["code"]), (&json!(false), &json!("unknown_column")));
    assert!(unknown["ast"].is_object());
    let warned = parse(&server, "servce:x", None).await;
    assert_eq!((&warned["ok"], warned["warnings"].as_array().unwrap().len()), (&json!(true), 1));
}

#[tokio::test]
async fn completions_are_what_the_store_has() {
    let server = Server::holding(&LINES).await;
    // Kind and text of the choices, the first ones.
    let rows: [(&str, &[&str]); 9] = [
        ("lev", &["field level", "field log.level"]),
        ("service.n", &["field service.name"]),
        ("odd", &["field \"odd name\""]),
        ("host.name", &["field host.name", "operator :", "operator ="]),
        ("level:", &["value error", "value info"]),
        ("service:sh", &["value shop", "value \"shop front\""]),
        ("* | to", &["pipe top"]),
        ("* | stats cou", &["function count", "function countif"]),
        ("a ", &["field"]),
    ];
    for (text, expected) in rows {
        let reply = parse(&server, text, Some(text.len())).await;
        let choices = reply["completions"].as_array().unwrap();
        let named = |choice: &Value| {
            format!("{} {}", choice["kind"].as_str().unwrap(), choice["text"].as_str().unwrap())
        };
        let found: Vec<String> = choices.iter().map(named).take(expected.len()).collect();
        assert_eq!(found.len(), expected.len(), "{text}: {found:?}");
        assert!(
            found.iter().zip(expected).all(|(found, start)| found.starts_with(start)),
            "{text}: {found:?}"
        );
    }
    let inside = parse(&server, "level:e and x", Some(7)).await;
    let error = &inside["completions"][0];
    assert_eq!((&error["text"], &error["offset"], &error["length"]), (&json!("error"), &json!(6), &json!(1)));
    assert_eq!(error["detail"], "2 documents");
    let broken = parse(&server, "level:(", Some(7)).await;
    assert_eq!((&broken["ok"], &broken["completions"][0]["text"]), (&json!(false), &json!("error")));
    let reply = server.get("/api/v1/parse?q=ab&at=3").await;
    assert_eq!((reply.status.as_u16(), &reply.json()["parameter"]), (400, &json!("at")));
}

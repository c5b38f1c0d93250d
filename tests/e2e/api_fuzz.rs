//! The API keeps to its own description: Schemathesis reads `/api/v1/openapi.json` and asks a real collector for what is in
//! it, well and badly formed. No 500, no status, media type or member that is not described.
//!
//! `tests/setup` installs it; without it the test says so and is skipped.

use std::path::Path;
use std::process::Command;

use millpond_tests::cluster::Cluster;

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,unsupported_method";

/// Seconds after which generated requests are enough.
const TIME_MAX_S: &str = "40";

#[test]
fn the_api_is_as_it_is_described() {
    let fuzzer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/schemathesis/bin/schemathesis");
    if !fuzzer.exists() {
        eprintln!("skipped: {} is not there; tests/setup installs it from PyPI", fuzzer.display());
        return;
    }
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let lines = [
        r#"{"message":"timeout after 5 s","level":"error","service.name":"shop","event.duration":5000000000}"#,
        r#"{"message":"GET /cart 200","level":"info","http.response.status_code":200,"tags":["a","b"]}"#,
    ];
    let accepted = cluster.client().post("/api/v1/ingest", &[], lines.join("\n").as_bytes());
    assert_eq!(accepted.status, 200);
    let output = Command::new(&fuzzer)
        .arg("run")
        .arg(format!("http://{}/api/v1/openapi.json", cluster.http_address()))
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--seed", "20240501"])
        .args(["--max-time", TIME_MAX_S, "--request-timeout", "30", "--continue-on-failure"])
        // A tail has no end, and it makes no lines of JSON.
        .args(["--exclude-path", "/api/v1/tail", "--exclude-path", "/api/v1/ingest"])
        .current_dir(cluster.path("."))
        .output()
        .expect("the fuzzer starts");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{told}\n{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        cluster.log("collector.log")
    );
    assert!(told.contains("Test cases:"), "nothing was asked: {told}");
}

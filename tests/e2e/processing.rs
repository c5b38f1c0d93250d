//! Steps at the edge: what is dropped, sampled, masked and set by `[[process]]`, and what paths say of containers.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

/// A cluster whose agent has these sections; it isn't started before there is a first file.
fn start(sections: &str, first: (&str, &str)) -> Cluster {
    let mut cluster = Cluster::new();
    append(&cluster, first.0, first.1);
    cluster.start_collector();
    let include = cluster.path("logs/**");
    cluster.start_agent(&include);
    cluster.kill_agent();
    cluster.edit_config("agent/agent.toml", "\n[metadata]\n", &format!("\n{sections}\n[metadata]\n"));
    let _ = fs::remove_file(cluster.path("agent/status.json"));
    cluster
}

fn append(cluster: &Cluster, name: &str, text: &str) {
    let path = cluster.path(&format!("logs/{name}"));
    fs::create_dir_all(Path::new(&path).parent().expect("a directory")).expect("a directory");
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).expect("a log file");
    file.write_all(text.as_bytes()).expect("a writable log file");
}

/// Waits until documents match, and gives them.
fn found(cluster: &Cluster, query: &str, count: u64) -> Vec<Value> {
    let client = cluster.client();
    eventually(query, LIMIT, || client.count(query).filter(|found| *found >= count));
    client.all(query)
}

fn status(cluster: &Cluster) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(cluster.path("agent/status.json")).ok()?).ok()
}

#[test]
fn lines_are_dropped_masked_and_sorted_before_they_leave_the_host() {
    let sections = r#"
[[process]]
name = "health checks"
when = 'url.path:/healthz level<warn'
drop = true

[[process]]
redact = { patterns = ["email", "card", "password"] }

[[process]]
when = 'message:payment'
set = { "service.name" = "payment" }
"#;
    let mut cluster = start(sections, ("app.log", ""));
    cluster.start_agent("");
    append(
        &cluster,
        "app.log",
        concat!(
            r#"{"level":"info","msg":"ok","url":{"path":"/healthz"}}"#,
            "\n",
            r#"{"level":"error","msg":"down","url":{"path":"/healthz"}}"#,
            "\n",
            r#"{"level":"info","msg":"payment of bob@example.com with 4111111111111111","mail":"bob@example.com","mail":"x\u0040y.org"}"#,
            "\n",
            r#"{"level":"info","msg":"other","a":"1","a":"eve@example.com"}"#,
            "\nthe end\n",
        ),
    );
    let documents = found(&cluster, "", 4);
    let text = serde_json::to_string(&documents).unwrap();
    assert_eq!(documents.len(), 4, "{text}");
    for leak in ["@example.com", "4111111111111111", "u0040"] {
        assert!(!text.contains(leak), "{leak} in {text}");
    }
    let payment = &found(&cluster, "service:payment", 1)[0];
    assert_eq!(payment["message"], "payment of [email] with [card]");
    assert!(payment.get("event.original").is_none(), "an escape may hide what was masked: {payment}");
    let other = &found(&cluster, "message:other", 1)[0];
    assert_eq!(other["event.original"], r#"{"level":"info","msg":"other","a":"1","a":"[email]"}"#);
    let steps = eventually("the status tells what the steps did", LIMIT, || {
        status(&cluster)
            .map(|status| status["process"].clone())
            .filter(|steps| steps[0]["dropped_lines"] == 1)
    });
    assert_eq!(steps[0]["name"], "health checks");
    assert_eq!((&steps[1]["changed_lines"], &steps[2]["changed_lines"]), (&2.into(), &1.into()));
    let size = fs::metadata(cluster.path("logs/app.log")).unwrap().len();
    eventually("the position moves on", LIMIT, || {
        status(&cluster).filter(|status| status["files"][0]["acknowledged_offset"] == size)
    });
    append(&cluster, "app.log", &"{\"level\":\"info\",\"url\":{\"path\":\"/healthz\"}}\n".repeat(100));
    let size = fs::metadata(cluster.path("logs/app.log")).unwrap().len();
    eventually("… past lines that are all dropped", LIMIT, || {
        status(&cluster).filter(|status| status["files"][0]["acknowledged_offset"] == size)
    });
    assert!(cluster.stop_agent());
}

#[test]
fn a_sample_is_exact_through_kills() {
    const LINES: usize = 20_000;
    const ROUNDS: usize = 10;
    let sections = "[[process]]\nwhen = 'message:sampled'\nsample = { percent = 25, key = \"message\" }\n";
    let mut cluster = start(sections, ("app.log", ""));
    let line = |n: usize| format!("{} number {n}\n", if n.is_multiple_of(2) { "sampled" } else { "whole" });
    for round in 0..ROUNDS {
        cluster.start_agent("");
        let part = round * LINES / ROUNDS..(round + 1) * LINES / ROUNDS;
        let half = part.start + part.len() / 2;
        append(&cluster, "app.log", &(part.start..half).map(line).collect::<String>());
        // Some of it has arrived and some hasn't.
        let client = cluster.client();
        eventually("lines arrive", LIMIT, || {
            client.count("message:whole").filter(|n| *n as usize > part.start / 2)
        });
        append(&cluster, "app.log", &(half..part.end).map(line).collect::<String>());
        cluster.kill_agent();
    }
    cluster.start_agent("");
    let whole = found(&cluster, "message:whole", LINES as u64 / 2);
    assert_eq!(whole.len(), LINES / 2, "every line that no step dropped, once");
    append(&cluster, "app.log", "the end\n");
    found(&cluster, "message:\"the end\"", 1);
    let sampled = cluster.client().all("message:sampled");
    let messages = messages_of(&sampled);
    assert_eq!(messages.len(), sampled.len(), "none twice");
    assert!((2_250..2_750).contains(&sampled.len()), "a quarter of 10,000: {}", sampled.len());
    assert!(cluster.stop_agent());

    // Whoever reads them, and if nobody is killed: the same lines are kept.
    let mut other = start(sections, ("other.log", &(0..LINES).map(line).collect::<String>()));
    other.start_agent("");
    append(&other, "other.log", "the end\n");
    found(&other, "message:\"the end\"", 1);
    assert_eq!(messages_of(&other.client().all("message:sampled")), messages);
}

fn messages_of(documents: &[Value]) -> BTreeSet<String> {
    documents.iter().map(|document| document["message"].to_string()).collect()
}

#[test]
fn paths_name_pods_and_containers() {
    let pod = "pods/shop_cart-7d9f-x2x_0fe2f3b8-1c1a/cart/3.log";
    let mut cluster = start("", (pod, "2026-11-22T10:00:00Z stdout F hello from the cart\n"));
    cluster.start_agent("");
    let query = "k8s.namespace.name=shop k8s.pod.name=cart-7d9f-x2x k8s.container.name=cart service:cart os.type=linux";
    let document = &found(&cluster, query, 1)[0];
    assert_eq!(document["message"], "hello from the cart");
    assert_eq!(document["k8s.pod.uid"], "0fe2f3b8-1c1a");
    assert_eq!(document["k8s.container.restart_count"], "3");
    assert!(document.get("host.arch").is_some(), "{document}");
}

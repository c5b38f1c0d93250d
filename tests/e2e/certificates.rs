//! Certificates that end, are replaced and are taken back, while lines flow: each line is there once, and what is
//! wrong is said.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

/// A cluster that runs, and a log that its agent follows.
struct Site {
    cluster: Cluster,
    log: File,
    written: u64,
}

impl Site {
    fn start(life: &str) -> Self {
        let mut cluster = Cluster::new();
        let life = format!("certificate_life = \"{life}\"");
        cluster.edit_config("collector/collector.toml", "certificate_life = \"30d\"", &life);
        cluster.start_collector();
        fs::create_dir(cluster.path("logs")).expect("a file of the test");
        let log = File::create(cluster.path("logs/app.log")).expect("a file of the test");
        cluster.start_agent(&cluster.path("logs/*.log"));
        Self { cluster, log, written: 0 }
    }

    fn write(&mut self, count: u64) {
        for _ in 0..count {
            writeln!(self.log, "line {}", self.written).expect("a file of the test");
            self.written += 1;
        }
    }

    /// Writes a few lines a turn until something is so.
    fn write_until<T>(&mut self, what: &str, mut probe: impl FnMut(&Self) -> Option<T>) -> T {
        eventually(what, LIMIT, || {
            self.write(3);
            probe(self)
        })
    }

    /// Waits until all lines are there, and sees that each is there once.
    fn verify(&self) {
        let client = self.cluster.client();
        eventually("all lines are there", LIMIT, || client.count("").filter(|count| *count >= self.written));
        let mut lines: Vec<String> = client
            .all("")
            .iter()
            .map(|document| document["message"].as_str().expect("a message").to_owned())
            .collect();
        let mut expected: Vec<String> = (0..self.written).map(|number| format!("line {number}")).collect();
        lines.sort_unstable();
        expected.sort_unstable();
        assert!(lines == expected, "{} documents of {} lines", lines.len(), self.written);
    }

    fn status(&self) -> Value {
        let text = fs::read(self.cluster.path("agent/status.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn agents(&self, arguments: &[&str]) -> (i32, String) {
        let config = self.cluster.path("collector/collector.toml");
        self.cluster.run_collector(&[&["agents", "--config", &config], arguments].concat())
    }

    fn id(&self) -> String {
        let ids = fs::read_dir(self.cluster.path("collector/agents")).expect("a file of the test").flatten();
        let mut ids: Vec<_> = ids.map(|entry| entry.file_name().into_string().expect("an id")).collect();
        assert_eq!(ids.len(), 1);
        ids.remove(0)
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.cluster.path(&format!("agent/{name}"))).expect("a file of the test")
    }
}

#[test]
fn certificates_are_renewed_while_lines_flow() {
    let mut site = Site::start("15s");
    let (key, first) = (site.file("agent.key"), site.file("agent.crt"));
    // Twice: with the second one, the first renewed certificate has proved itself.
    for _ in 0..2 {
        let before = site.file("agent.crt");
        site.write_until("another certificate", |site| (site.file("agent.crt") != before).then_some(()));
    }
    // The first one has ended by now.
    let start = Instant::now();
    site.write_until("some time", |_| (start.elapsed() > Duration::from_secs(3)).then_some(()));
    assert!(site.file("agent.key") != key && site.file("agent.crt") != first);
    site.verify();
    let status = eventually("the status", LIMIT, || {
        Some(site.status()).filter(|status| status["counters"]["certificates_renewed"].as_u64() >= Some(2))
    });
    assert_eq!(status["counters"]["certificate_errors"], 0, "{status}");
    assert_eq!(status["collectors"][0]["state"], "answers", "{status}");
    // While nothing is written it is renewed as well.
    let before = site.file("agent.crt");
    eventually("another one", LIMIT, || (site.file("agent.crt") != before).then_some(()));
    site.write(1);
    site.verify();
}

#[test]
fn a_revoked_agent_keeps_its_lines_and_goes_on_exactly_once() {
    let mut site = Site::start("30d");
    site.write(50);
    site.verify();
    let id = site.id();
    let (code, said) = site.agents(&["revoke", "nobody"]);
    assert!(code != 0 && said.contains("there is no agent `nobody`"), "{said}");

    // Taken back; then enrolled again, which the earlier certificate must not profit from.
    for is_enrolled_again in [false, true] {
        assert_eq!(site.agents(&["revoke", &id]).0, 0);
        let revoked = site.written;
        site.write(20);
        site.write_until("the agent says why", |site| {
            let collector = &site.status()["collectors"][0];
            let error = collector["last_error"].as_str().unwrap_or_default();
            (collector["state"] == "fails" && error.contains("agent_revoked")).then_some(())
        });
        assert!(site.cluster.log("agent.log").contains(&format!("agents unrevoke {id}")));
        let (_, list) = site.agents(&[]);
        assert!(list.lines().any(|line| line.starts_with(&id) && line.ends_with("revoked")), "{list}");
        assert_eq!(site.cluster.client().count(""), Some(revoked), "nothing came in");
        if is_enrolled_again {
            let config = site.cluster.path("collector/collector.toml");
            let address = site.cluster.ingest_address();
            let token = site.cluster.collector_command(&[
                "enroll",
                "--config",
                &config,
                "--agent",
                &id,
                "--address",
                address,
            ]);
            let data_dir = site.cluster.path("agent");
            let arguments = ["enroll", "--data-dir", &data_dir, "--token", token.trim(), "--name", &id];
            site.cluster.agent_command(&arguments);
        } else {
            assert_eq!(site.agents(&["unrevoke", &id]).0, 0);
        }
        site.verify();
        // The list is written every ten seconds.
        eventually("the agent is listed as good", LIMIT, || {
            let (_, list) = site.agents(&[]);
            list.lines().any(|line| line.starts_with(&id) && line.ends_with("good")).then_some(())
        });
    }
    site.cluster.kill_agent();
    site.cluster.kill_collector();
    let (code, said) = site.cluster.check();
    assert_eq!(code, 0, "{said}");
    fs::write(site.cluster.path(&format!("collector/revoked/{id}")), "later").unwrap();
    let (code, said) = site.cluster.check();
    assert!(code == 1 && said.contains("it is no revocation"), "{said}");
}

#[test]
fn replaced_files_are_used_for_the_next_connection_and_halves_of_them_never() {
    let mut site = Site::start("30d");
    site.write(10);
    site.verify();
    let id = site.id();
    let end_of = |site: &Site| site.status()["certificate_ends_unix_s"].as_i64();
    let before = eventually("the status", LIMIT, || end_of(&site));
    // Another pair, made elsewhere, which ends at another time.
    site.cluster.stop_collector();
    site.cluster.edit_config("collector/collector.toml", "\"30d\"\n\n[storage]", "\"20d\"\n\n[storage]");
    site.cluster.start_collector();
    let config = site.cluster.path("collector/collector.toml");
    let address = site.cluster.ingest_address();
    let token = site.cluster.collector_command(&[
        "enroll",
        "--config",
        &config,
        "--agent",
        &id,
        "--address",
        address,
    ]);
    let other = site.cluster.path("other");
    site.cluster.agent_command(&["enroll", "--data-dir", &other, "--token", token.trim(), "--name", &id]);

    let put = |site: &Site, name: &str| {
        fs::copy(site.cluster.path(&format!("other/{name}")), site.cluster.path(&format!("agent/{name}")))
            .unwrap();
    };
    put(&site, "agent.crt");
    site.write_until("the half is told of", |site| {
        site.cluster.log("agent.log").contains("the old ones stay in use").then_some(())
    });
    assert_eq!(end_of(&site), Some(before));
    site.verify();
    put(&site, "agent.key");
    site.write_until("the new pair is in use", |site| end_of(site).filter(|end| *end < before));
    site.verify();
    assert_eq!(site.status()["collectors"][0]["state"], "answers");
}

#[test]
fn an_agent_whose_certificate_has_ended_waits_and_says_what_to_do() {
    let mut site = Site::start("10s");
    site.write(10);
    site.verify();
    let id = site.id();
    site.cluster.kill_agent();
    let ends = Instant::now() + Duration::from_secs(11);
    eventually("the end of the certificate", LIMIT, || (Instant::now() > ends).then_some(()));
    site.cluster.start_agent(&site.cluster.path("logs/*.log"));
    site.write_until("the agent says what to do", |site| {
        site.cluster.log("agent.log").contains("this agent's certificate has ended").then_some(())
    });
    let config = site.cluster.path("collector/collector.toml");
    let address = site.cluster.ingest_address();
    let token = site.cluster.collector_command(&[
        "enroll",
        "--config",
        &config,
        "--agent",
        &id,
        "--address",
        address,
    ]);
    let data_dir = site.cluster.path("agent");
    site.cluster.agent_command(&["enroll", "--data-dir", &data_dir, "--token", token.trim(), "--name", &id]);
    site.verify();
}

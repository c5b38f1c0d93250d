//! Promise 1: each line is in the index exactly once, whatever is killed or rotated.
//!
//! `MILLPOND_CHAOS_LINES` sets the number of lines (the default keeps `make test` short; `make chaos`
//! runs the long one), `MILLPOND_CHAOS_SEED` repeats a run.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;
use millpond_tests::log_writer::{LogWriter, number_in};
use millpond_tests::random::Random;

const KILLS_OF_EACH: u64 = 10;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn exactly_once_through_rotations_and_kills() {
    let lines = setting("MILLPOND_CHAOS_LINES", 30_000);
    let seed = setting("MILLPOND_CHAOS_SEED", 7);
    let mut random = Random::new(seed);
    let mut cluster = Cluster::new();
    let logs = PathBuf::from(cluster.path("logs"));
    let mut writer = LogWriter::new(&logs, seed).unwrap();
    let include = logs.join("**").to_string_lossy().into_owned();
    cluster.start_collector();
    cluster.start_agent(&include);

    // Kills are spread over the writing: after each share of the lines, one side dies at a moment
    // that neither can foresee, and comes back while the other goes on.
    let rounds = KILLS_OF_EACH * 2;
    for round in 0..rounds {
        let share = lines * (round + 1) / rounds - writer.written();
        let pause = Duration::from_millis(random.below(400));
        let kill_after = random.below(share.max(1));
        writer.write_lines(kill_after).unwrap();
        writer.rotate().unwrap();
        let moment = Instant::now() + pause;
        eventually("the moment of the kill", Duration::from_secs(5), || {
            (Instant::now() >= moment).then_some(())
        });
        if round % 2 == 0 {
            cluster.kill_agent();
        } else {
            cluster.kill_collector();
        }
        writer.write_lines(share - kill_after).unwrap();
        if random.below(2) == 0 {
            writer.rotate().unwrap();
        }
        if round % 2 == 0 {
            cluster.start_agent(&include);
        } else {
            cluster.start_collector();
        }
    }

    verify(&cluster, writer.written());
    assert!(cluster.stop_agent(), "the agent stops in order");
    assert!(cluster.stop_collector(), "the collector stops in order");
    cluster.start_collector();
    verify(&cluster, writer.written());
}

fn verify(cluster: &Cluster, lines: u64) {
    let client = cluster.client();
    let deadline = Instant::now() + Duration::from_secs(120);
    while client.count("").unwrap_or(0) < lines && Instant::now() < deadline {
        std::thread::park_timeout(Duration::from_millis(100));
    }
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let mut strangers = Vec::new();
    for document in client.all("") {
        match number_in(&document.to_string()) {
            Some(number) => *seen.entry(number).or_default() += 1,
            None => strangers.push(document),
        }
    }
    let missing: Vec<u64> = (0..lines).filter(|number| !seen.contains_key(number)).collect();
    let repeated: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
    let head = |list: &[u64]| list.iter().take(10).copied().collect::<Vec<_>>();
    assert!(
        missing.is_empty() && repeated.is_empty() && strangers.is_empty(),
        "of {lines} lines {} are missing ({:?} …), {} are repeated ({:?} …), {} documents are no line ({:?})",
        missing.len(),
        head(&missing),
        repeated.len(),
        repeated.iter().take(10).collect::<Vec<_>>(),
        strangers.len(),
        strangers.first(),
    );
}

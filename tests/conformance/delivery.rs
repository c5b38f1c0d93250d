//! What is on its way when something dies, is refused, or can't be delivered.

use std::fs;
use std::time::{Duration, Instant};

use millpond_tests::eventually;
use millpond_tests::proxy::Proxy;
use millpond_tests::random::Random;
use serde_json::Value;

use crate::lines::peak_memory_bytes;
use crate::relay::Relay;
use crate::scenario::{Outcome, Run, Scenario, by_length};
use crate::site::{PATIENCE, Site, line};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { number: 46, title: "the collector is away for long", run: Run::Once(long_absence) },
    Scenario { number: 47, title: "the answer is lost after the commit", run: Run::Once(lost_answers) },
    Scenario { number: 48, title: "the agent is killed, again and again", run: Run::Once(agent_kills) },
    Scenario {
        number: 49,
        title: "the collector is killed, again and again",
        run: Run::Once(collector_kills),
    },
    Scenario { number: 55, title: "a line that the collector refuses", run: Run::Once(refused) },
    Scenario { number: 56, title: "SIGTERM under load", run: Run::Once(stopped_under_load) },
    Scenario { number: 79, title: "a trace goes on after it was sent", run: Run::Once(late_lines) },
];

fn long_absence() -> Outcome {
    let (absence, lines_at_once) =
        by_length((Duration::from_secs(6), 1_000), (Duration::from_secs(600), 140));
    let mut site = Site::start(&["app.log*"]);
    site.append("app.log", "app", 100);
    site.await_all();
    site.cluster.kill_collector();
    let (mut rounds, mut bytes) = (0_u64, 0);
    let end = Instant::now() + absence;
    while Instant::now() < end {
        site.append("app.log", "app", lines_at_once);
        bytes += lines_at_once * (line("app", 1).len() as u64 + 1);
        rounds += 1;
        if rounds.is_multiple_of(10) {
            fs::rename(site.path("app.log"), site.path(format!("app.log.{rounds}"))).expect("writable");
            site.another_file("app");
        }
        site.pause(Duration::from_millis(100));
    }
    eventually("the agent says how far it is behind", PATIENCE, || {
        (site.cluster.agent_status()["lag_bytes"] == bytes).then_some(())
    });
    site.cluster.start_collector();
    site.verify();
    let peak = peak_memory_bytes(&site);
    assert!(peak < 64 << 20, "{peak} bytes of memory");
    Ok(())
}

fn lost_answers() -> Outcome {
    let mut site = Site::new(&["*.log"]);
    let proxy = Proxy::start(site.cluster.ingest_address());
    site.collector_address = Some(proxy.address().to_owned());
    site.start_both();
    site.append("app.log", "app", 100);
    site.await_all();
    for round in 0..3 {
        proxy.swallow_answers();
        let before = proxy.swallowed_bytes();
        site.append("app.log", "app", 1_000);
        // It is in the index, so it was committed; and the agent does not know. The last line is held for a moment, as
        // others may belong to it, and then comes in a batch of its own, which waits for the answer to this one.
        site.await_count("", 100 + round * 1_500 + 999);
        eventually("an answer is lost", PATIENCE, || (proxy.swallowed_bytes() > before).then_some(()));
        proxy.cut();
        site.append("app.log", "app", 500);
        site.await_all();
    }
    site.verify();
    site.stop_agent();
    assert!(site.counter("retries") >= 3);
    Ok(())
}

/// Which side dies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Victim {
    Agent,
    Collector,
}

fn kills(victim: Victim) {
    let mut random = Random::new(match victim {
        Victim::Agent => 48,
        Victim::Collector => 49,
    });
    let mut site = Site::start(&["app.log*"]);
    for round in 0..by_length(10, 100) {
        site.append("app.log", "app", 1 + random.below(1_500));
        if random.below(3) == 0 {
            fs::rename(site.path("app.log"), site.path(format!("app.log.{round}"))).expect("writable");
            site.another_file("app");
            site.append("app.log", "app", 1 + random.below(500));
        }
        site.pause(Duration::from_millis(random.below(400)));
        site.append("app.log", "app", random.below(500));
        match victim {
            Victim::Agent => site.cluster.kill_agent(),
            Victim::Collector => site.cluster.kill_collector(),
        }
        site.append("app.log", "app", random.below(500));
        match victim {
            Victim::Agent => site.start_agent(),
            Victim::Collector => site.cluster.start_collector(),
        }
    }
    site.verify();
}

fn agent_kills() -> Outcome {
    kills(Victim::Agent);
    Ok(())
}

fn collector_kills() -> Outcome {
    kills(Victim::Collector);
    Ok(())
}

fn refused() -> Outcome {
    const POISON: &str = "this line is poison";
    let mut site = Site::new(&["*.log"]);
    site.cluster.start_collector();
    site.enroll();
    let relay = Relay::start(&site.cluster, POISON.as_bytes());
    site.collector_address = Some(relay.address().to_owned());
    site.configure();
    site.start_agent();
    site.append("other.log", "other", 200);
    for _ in 0..2 {
        site.append("app.log", "app", 150);
        site.append_bytes("app.log", format!("{POISON}\n"));
    }
    site.append("app.log", "app", 150);
    site.verify();
    let letters = fs::read_to_string(site.cluster.path("agent/dead_letters.ndjson")).expect("there are some");
    let letters: Vec<Value> = letters.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(letters.len(), 2, "{letters:?}");
    for letter in &letters {
        assert_eq!(letter["line"], format!("{POISON}\n"), "{letter}");
        assert_eq!((&letter["status"], &letter["path"]), (&400.into(), &site.text("app.log").into()));
        assert!(letter["reason"].as_str().is_some_and(|reason| reason.contains("poison")), "{letter}");
    }
    assert!(relay.refusals() > 2, "a batch was taken apart");
    site.stop_agent();
    assert_eq!(site.counter("dead_letters"), 2);
    site.start_agent();
    site.append("app.log", "app", 10);
    site.verify();
    Ok(())
}

/// The collector has an event that time closed; the agent is killed before it knows, and learns nothing from the collector
/// when it starts again.
fn late_lines() -> Outcome {
    let mut site = Site::new(&["*.log"]);
    let proxy = Proxy::start(site.cluster.ingest_address());
    site.collector_address = Some(proxy.address().to_owned());
    site.start_both();
    site.append("app.log", "app", 100);
    site.await_all();
    for round in 0..2 {
        proxy.swallow_answers();
        let before = proxy.swallowed_bytes();
        let head = format!("java.lang.IllegalStateException: round {round}");
        site.append_bytes("app.log", format!("{head}\n"));
        site.expect(head);
        site.await_all();
        eventually("the answer is lost", PATIENCE, || (proxy.swallowed_bytes() > before).then_some(()));
        site.cluster.kill_agent();
        let late = format!("\tat com.example.Late.m{round}(Late.java:1)");
        site.append_bytes("app.log", format!("{late}\n"));
        site.expect(late);
        let begun = site.logged(" started ");
        site.start_agent();
        eventually("it starts without positions", PATIENCE, || {
            (site.logged(" started ") > begun).then_some(())
        });
        proxy.cut();
        site.verify();
    }
    Ok(())
}

fn stopped_under_load() -> Outcome {
    let mut site = Site::start(&["*.log"]);
    for is_alone in [false, true, false] {
        site.append("app.log", "app", 30_000);
        site.await_count("app", 1);
        if is_alone {
            site.cluster.kill_collector();
            site.append("app.log", "app", 30_000);
        }
        let start = Instant::now();
        site.stop_agent();
        let took = start.elapsed();
        // Four seconds for the answer, and what a busy machine takes.
        assert!(took < Duration::from_secs(8), "it took {took:?}");
        if is_alone {
            site.cluster.start_collector();
        }
        site.start_agent();
        site.append("app.log", "app", 100);
    }
    site.verify();
    Ok(())
}

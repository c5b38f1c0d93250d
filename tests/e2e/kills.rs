//! SIGKILL under load, without an agent that would send again: several senders post numbered batches while
//! the collector dies at random moments, in a replay, a build, a flush, a merge, in retention. What it
//! acknowledged is there once; what it did not is there in whole or not at all; and what lies on the disk
//! is sound each time.
//!
//! `MILLPOND_CHAOS_SEED` repeats a run. `exactly_once` is the same promise with agents.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;
use millpond_tests::ledger::Ledger;
use millpond_tests::random::Random;

/// Kills while documents come in.
const KILLS: usize = 12;
/// Kills while retention removes them again.
const RETENTION_KILLS: usize = 4;
/// Connections that send.
const SENDERS: usize = 4;
/// Blanks behind each batch: the log is long enough to be begun anew at a start.
const BLANK_BYTES: usize = 16 << 10;
/// Pause of a sender that gets no answer, or that lets others have the processor.
const PAUSE: Duration = Duration::from_millis(4);

/// How a run ends.
#[derive(Clone, Copy, Debug)]
enum Death {
    /// At any moment after it was ready.
    Serving,
    /// At any moment of an orderly stop, which writes splits.
    Stopping,
    /// At any moment of the start, which reads the log again, begins a new one, and merges splits.
    Starting,
}

fn wait(moment: Duration) {
    let until = Instant::now() + moment;
    eventually("the moment of the kill", Duration::from_secs(10), || (Instant::now() >= until).then_some(()));
}

fn die(cluster: &mut Cluster, death: Death, random: &mut Random) {
    match death {
        Death::Starting => {
            cluster.spawn_collector();
            wait(Duration::from_millis(random.below(120)));
            cluster.kill_collector();
        }
        Death::Serving => {
            cluster.start_collector();
            wait(Duration::from_millis(random.below(700)));
            cluster.kill_collector();
        }
        Death::Stopping => {
            cluster.start_collector();
            wait(Duration::from_millis(400 + random.below(300)));
            cluster.stop_or_kill_collector(Duration::from_millis(random.below(250)));
        }
    }
    let (code, said) = cluster.check();
    assert_eq!(code, 0, "after a death while {death:?}: {said}");
}

#[test]
fn kills_under_load_lose_and_repeat_nothing() {
    let seed = std::env::var("MILLPOND_CHAOS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(11);
    let mut random = Random::new(seed);
    let mut cluster = Cluster::new();
    let (ledger, client, done) = (Ledger::new(100), cluster.client(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let _ = ledger.send_long(&client, BLANK_BYTES);
                    std::thread::park_timeout(PAUSE);
                }
            });
        }
        // A death of each kind in turn, so that every start finds something to do.
        let deaths = [Death::Serving, Death::Stopping, Death::Starting].into_iter().cycle();
        let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            deaths.take(KILLS).for_each(|death| die(&mut cluster, death, &mut random));
        }));
        done.store(true, Ordering::Relaxed);
        if let Err(panic) = killed {
            std::panic::resume_unwind(panic);
        }
    });
    let (sent, acknowledged) = ledger.counts();
    assert!(acknowledged > 50, "only {acknowledged} of {sent} batches were acknowledged");
    cluster.start_collector();
    ledger.verify(&client, "after the kills");
    assert!(cluster.stop_collector());

    // Retention takes whole splits, and with them whole batches.
    ledger.doubt();
    cluster.edit_config("collector/collector.toml", "max_bytes = \"50GB\"", "max_bytes = \"1B\"");
    for _ in 0..RETENTION_KILLS {
        die(&mut cluster, Death::Starting, &mut random);
    }
    cluster.start_collector();
    ledger.verify(&client, "after retention");
    cluster.kill_collector();
    let (code, said) = cluster.check();
    assert_eq!(code, 0, "{said}");
}

//! Prints MB/s of log text and nanoseconds a line for each pattern of `redact`, for the usual ones together,
//! on one core: `cargo bench -p millpond-agent --bench process`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use millpond_agent::process::redact::{Mask, Pattern, Redactor, names};

const ROUND: Duration = Duration::from_millis(100);
/// The best of some rounds: what disturbs a measurement only makes it slower.
const ROUNDS: usize = 5;

const LINES: [&str; 6] = [
    r#"203.0.113.7 - - [10/Oct/2023:13:55:36 +0000] "GET /static/js/app.4f3a2b.js?v=12 HTTP/1.1" 200 48213 "https://shop.example.com/cart" "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/118.0""#,
    "order 4711 placed by user 42 in 12 ms, trace 4bf92f3577b34da6a3ce929d0e0e4736, cart 1795343400123 items 3 total 99.50 EUR",
    "2026-11-22T10:30:00.123456Z ERROR [worker-3] com.example.checkout.PaymentService - Connection refused: dial tcp, retry_in=5ms attempt=3",
    "operationExecutor.VerifyControllerAttachedVolume started for volume kube-api-access pod default/web-0 at 2026-11-22 10:30:00",
    "Failed password for invalid user webmaster from 173.234.31.186 port 38926 ssh2",
    "processed batch 00f067aa0ba902b7 of 1024 records (size 262144 bytes) in 17.3 ms; queue depth 12, lag 3 s, next flush at 10:30:05",
];

fn measure(name: &str, lines: &[&str], patterns: &[&str]) {
    let patterns = patterns.iter().filter_map(|name| Pattern::built_in(name)).collect();
    let mut redactor = Redactor::new(patterns, Mask::Name);
    let bytes: usize = lines.iter().map(|line| line.len()).sum();
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut passes = 0u32;
        while start.elapsed() < ROUND {
            for _ in 0..100 {
                for line in lines {
                    black_box(redactor.redact(black_box(line), &mut |hidden| {
                        black_box(hidden);
                    }));
                }
            }
            passes += 100;
        }
        best = best.min(start.elapsed().as_secs_f64() / f64::from(passes));
    }
    let (mb_s, ns) = (bytes as f64 / best / 1e6, best / lines.len() as f64 * 1e9);
    println!("{name:<44} {mb_s:>8.0} MB/s {ns:>8.0} ns a line");
}

fn main() {
    for name in names() {
        measure(name, &LINES, &[name]);
    }
    let ordinary = &LINES[1..4];
    measure(
        "email+card+token+ipv4+ipv6, ordinary lines",
        ordinary,
        &["email", "card", "token", "ipv4", "ipv6"],
    );
    measure("all, ordinary lines", ordinary, &names().collect::<Vec<_>>());
    measure("all, lines with addresses among them", &LINES, &names().collect::<Vec<_>>());
}

//! A seeded corpus of microservice logs: access lines, application messages, some stack traces, many
//! ids; about 440 bytes of JSON a document, spread over the last 24 hours in order of time.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use millpond_tests::random::Random;

/// The time that the corpus covers.
const SPAN_MS: u64 = 24 * 3600 * 1000;

/// Documents still to come.
#[derive(Clone, Debug)]
pub(crate) struct Corpus {
    random: Random,
    total: u64,
    next: u64,
    start_ms: u64,
    middle_trace: String,
}

const SERVICES: [&str; 12] = [
    "checkout",
    "cart",
    "catalog",
    "payment",
    "shipping",
    "search",
    "auth",
    "gateway",
    "inventory",
    "email",
    "ads",
    "recommendation",
];
const PATHS: [&str; 8] = ["cart", "checkout", "items", "users", "orders", "search", "login", "health"];
const METHODS: [&str; 4] = ["GET", "GET", "GET", "POST"];
const MESSAGES: [&str; 10] = [
    "order placed successfully for customer",
    "cache miss while loading product details",
    "connection refused by upstream after retry",
    "payment authorised by provider",
    "user session refreshed",
    "queue depth above threshold, slowing consumers",
    "request validation failed: missing field",
    "background reconciliation finished",
    "timeout while waiting for inventory lock",
    "feature flag evaluated",
];

impl Corpus {
    /// `total` documents; the same seed gives the same documents but for their times, which end now.
    pub(crate) fn new(seed: u64, total: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let start_ms = now.as_millis() as u64 - SPAN_MS;
        Self { random: Random::new(seed), total, next: 0, start_ms, middle_trace: String::new() }
    }

    /// NDJSON of at least `bytes` bytes, or what is left; empty at the end.
    pub(crate) fn next_body(&mut self, bytes: usize) -> Vec<u8> {
        let mut body = String::with_capacity(bytes + 4096);
        while body.len() < bytes && self.next < self.total {
            self.document(&mut body);
            body.push('\n');
            self.next += 1;
        }
        body.into_bytes()
    }

    /// A trace id of the middle, once that has come.
    pub(crate) fn middle_trace(&self) -> &str {
        &self.middle_trace
    }

    fn document(&mut self, out: &mut String) {
        let at_ms = self.start_ms + self.next * SPAN_MS / self.total.max(1);
        let random = &mut self.random;
        let service = random.pick(&SERVICES);
        let (trace_high, trace_low, span) = (random.bits(), random.bits(), random.bits());
        if self.next == self.total / 2 {
            self.middle_trace = format!("{trace_high:016x}{trace_low:016x}");
        }
        let (user, pod) = (random.below(1_500_000) * random.below(1000) / 1000, random.below(8));
        let level = match random.below(100) {
            0..=4 => "error",
            5..=14 => "warn",
            15..=84 => "info",
            _ => "debug",
        };
        let _ = write!(
            out,
            r#"{{"@timestamp":{at_ms},"log.level":"{level}","service.name":"{service}","host.name":"node-{:02}","kubernetes":{{"namespace":"prod","pod":{{"name":"{service}-7d9f8b6c5-{pod}"}}}},"trace.id":"{trace_high:016x}{trace_low:016x}","span.id":"{span:016x}","user":{{"id":"u{user}"}}"#,
            pod * 3
        );
        match random.below(100) {
            0..=44 => access(random, out),
            45..=97 => application(random, out),
            _ => stack_trace(random, service, out),
        }
        out.push('}');
    }
}

fn access(random: &mut Random, out: &mut String) {
    let (method, path, id) = (random.pick(&METHODS), random.pick(&PATHS), random.below(50_000));
    let status = [200, 200, 200, 200, 201, 304, 404, 500][random.below(8) as usize];
    let (bytes, micros) = (random.below(60_000), random.below(900_000));
    let _ = write!(
        out,
        r#","message":"{method} /api/v1/{path}/{id} HTTP/1.1 {status} {bytes}","http":{{"request":{{"method":"{method}"}},"response":{{"status_code":{status},"bytes":{bytes}}}}},"url.path":"/api/v1/{path}/{id}","client.ip":"10.{}.{}.{}","duration_ms":{}.{:03}"#,
        random.below(4),
        random.below(250),
        random.below(250),
        micros / 1000,
        micros % 1000
    );
}

fn application(random: &mut Random, out: &mut String) {
    let (message, id) = (random.pick(&MESSAGES), random.below(u64::MAX));
    let micros = random.below(90_000);
    let _ = write!(
        out,
        r#","message":"{message} id={id:016x} attempt={}","logger":"com.example.{}.Handler","thread":"worker-{}","duration_ms":{}.{:03}"#,
        random.below(4),
        random.pick(&PATHS),
        random.below(16),
        micros / 1000,
        micros % 1000
    );
}

fn stack_trace(random: &mut Random, service: &str, out: &mut String) {
    let _ = write!(
        out,
        r#","message":"java.lang.IllegalStateException: lock {} not held"#,
        random.below(100_000)
    );
    for depth in 0..6 + random.below(12) {
        let _ = write!(
            out,
            r"\n\tat com.example.{service}.{}.step{depth}(Handler.java:{})",
            random.pick(&PATHS),
            random.below(400)
        );
    }
    out.push_str(r#"","error.type":"IllegalStateException""#);
}

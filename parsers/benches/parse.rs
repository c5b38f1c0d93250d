//! Prints MB/s and nanoseconds a line for each format on one core: `cargo bench -p millpond-parsers`.
//! Arguments that name formats limit it to them. Lines are of usual length; the output value is reused.

use std::hint::black_box;
use std::time::{Duration, Instant};

use millpond_parsers::multiline::Rules;
use millpond_parsers::{Context, Detector, FixedZone, Format, NoteKind, Parsed, parse};

const CONTEXT: Context<'static> = Context { now_ns: 1_795_348_800_000_000_000, zone: &FixedZone(0) };

const ROUND: Duration = Duration::from_millis(100);
/// The best of some rounds: what disturbs a measurement only makes it slower.
const ROUNDS: usize = 5;
/// Lines between two looks at the clock.
const BATCH: usize = 1000;

const SAMPLES: &[(Format, &str)] = &[
    (
        Format::Docker,
        r#"{"log":"10.0.0.1 GET /api/v1/orders/4711 200 12ms user=42 trace=4bf92f3577b34da6\n","stream":"stdout","time":"2024-05-01T12:00:00.123456789Z"}"#,
    ),
    (
        Format::Docker,
        r#"{"log":"{\"level\":\"info\",\"ts\":1531171074.631,\"caller\":\"api/orders.go:81\",\"msg\":\"order placed\",\"order\":4711}\n","stream":"stdout","time":"2024-05-01T12:00:00.123456789Z"}"#,
    ),
    (
        Format::Cri,
        r#"2024-05-01T12:00:00.123456789Z stdout F {"level":"info","ts":1531171074.631,"caller":"api/orders.go:81","msg":"order placed","order":4711}"#,
    ),
    (
        Format::Json,
        r#"{"@timestamp":"2024-05-01T12:00:00.123Z","log.level":"INFO","message":"order 4711 placed by user 42 in 12 ms","service":{"name":"checkout","version":"1.2.3"},"http":{"request":{"method":"POST"},"response":{"status_code":201}},"url":{"path":"/api/v1/orders"},"duration_ms":12.5,"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}"#,
    ),
    (
        Format::Json,
        r#"{"level":"info","ts":1531171074.631,"logger":"api","caller":"api/orders.go:81","msg":"order placed","order":4711,"user":"u-42","amount":99.5,"currency":"EUR","cached":false}"#,
    ),
    (
        Format::Klog,
        "I0102 15:04:05.000123   12345 reconciler.go:224] operationExecutor.VerifyControllerAttachedVolume started for volume kube-api-access pod default/web-0",
    ),
    (
        Format::Access,
        r#"203.0.113.7 - - [10/Oct/2023:13:55:36 +0000] "GET /static/js/app.4f3a2b.js?v=12 HTTP/1.1" 200 48213 "https://shop.example.com/cart" "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/118.0""#,
    ),
    (
        Format::NginxError,
        r#"2024/05/01 12:00:00 [error] 12345#12345: *67890 open() "/usr/share/nginx/html/favicon.ico" failed (2: No such file or directory), client: 203.0.113.7, server: example.com, request: "GET /favicon.ico HTTP/1.1", host: "example.com""#,
    ),
    (
        Format::ApacheError,
        "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 4328636416] [client 72.15.99.187:52712] AH00124: Request exceeded the limit of 10 internal redirects",
    ),
    (
        Format::Syslog,
        "Nov 10 06:55:46 web-01 sshd[24200]: Failed password for invalid user webmaster from 173.234.31.186 port 38926 ssh2",
    ),
    (
        Format::Syslog,
        r#"<165>1 2024-05-01T12:00:00.123456+02:00 web-01.example.com checkout 8710 ORD01 [meta@32473 sequenceId="29" region="eu"] order 4711 placed by user 42 in 12 ms"#,
    ),
    (
        Format::Logfmt,
        r#"ts=2024-05-01T12:00:00.123Z caller=metrics.go:159 level=info component=frontend org_id=fake latency=fast query_type=labels duration=1.5ms status=200 msg="request served""#,
    ),
    (
        Format::Text,
        "2024-05-01 12:00:00,123 [http-nio-8080-exec-7] INFO  com.example.shop.OrderService - order 4711 placed by user 42 in 12 ms",
    ),
    (
        Format::Text,
        "    at com.example.shop.OrderService.place(OrderService.java:118) ~[shop-1.2.3.jar:1.2.3]",
    ),
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    println!(
        "{:<13} {:>5} {:>9} {:>9} {:>9} {:>9}",
        "format", "bytes", "MB/s", "ns/line", "auto MB/s", "ns/line"
    );
    for (format, line) in SAMPLES {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == format.name()) {
            continue;
        }
        let mut out = Parsed::new();
        let fixed_ns = ns_per_line(|| parse(*format, black_box(line), &CONTEXT, &mut out));
        let is_hit = !matches!(out.note.map(|note| note.kind), Some(NoteKind::NotOfFormat { .. }));
        assert!(is_hit, "{format}: {:?}", out.note);
        let mut detector = Detector::new();
        let mut out = Parsed::new();
        let auto_ns = ns_per_line(|| detector.parse(black_box(line), &CONTEXT, &mut out));
        assert_eq!(detector.format(), Some(*format));
        let mb_per_s = |ns: f64| line.len() as f64 * 1e3 / ns;
        println!(
            "{:<13} {:>5} {:>9.0} {:>9.0} {:>9.0} {:>9.0}",
            format.name(),
            line.len(),
            mb_per_s(fixed_ns),
            fixed_ns,
            mb_per_s(auto_ns),
            auto_ns
        );
    }
    print_grouping(&wanted);
}

/// Nanoseconds for the question whether a line carries on the one before it, without and with a structured format.
fn print_grouping(wanted: &[String]) {
    if !wanted.is_empty() && !wanted.iter().any(|name| name == "multiline") {
        return;
    }
    println!("\n{:<13} {:>5} {:>9} {:>9}", "multiline", "bytes", "text", "struct.");
    for (format, line) in SAMPLES {
        let grouping_ns = [false, true].map(|stands_alone| {
            let mut group = Rules::Auto.begin(line.as_bytes(), stands_alone);
            ns_per_line(|| {
                let line = black_box(line.as_bytes());
                if !Rules::Auto.continues(&mut group, line) {
                    group = Rules::Auto.begin(line, stands_alone);
                }
            })
        });
        println!("{:<13} {:>5} {:>9.1} {:>9.1}", format.name(), line.len(), grouping_ns[0], grouping_ns[1]);
    }
}

fn ns_per_line(mut work: impl FnMut()) -> f64 {
    let mut best_ns = f64::INFINITY;
    for _ in 0..ROUNDS {
        let (start, mut lines) = (Instant::now(), 0usize);
        while start.elapsed() < ROUND {
            (0..BATCH).for_each(|_| work());
            lines += BATCH;
        }
        best_ns = best_ns.min(start.elapsed().as_nanos() as f64 / lines as f64);
    }
    best_ns
}

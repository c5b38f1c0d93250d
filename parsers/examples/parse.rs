//! Shows what becomes of a file: `cargo run -p millpond-parsers --example parse < /var/log/dpkg.log`.
//! Container lines are followed by what their text becomes; their pieces aren't joined here.

use std::io::BufRead;
use std::time::{SystemTime, UNIX_EPOCH};

use millpond_parsers::{Context, Detector, FixedZone, Parsed};

fn main() -> std::io::Result<()> {
    let now_ns = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_nanos());
    let context = Context { now_ns: i64::try_from(now_ns).unwrap_or(i64::MAX), zone: &FixedZone(0) };
    let mut detector = Detector::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let mut out = Parsed::new();
        detector.parse(&line, &context, &mut out);
        println!("{out:?}");
        if let Some(partial) = out.partial {
            let mut inner = Parsed::new();
            detector.parse_inner(partial.stream, &out.message, out.timestamp_ns, &context, &mut inner);
            println!("  {inner:?}");
        }
    }
    eprintln!("{} lines, {:?}", detector.lines(), detector.format());
    Ok(())
}

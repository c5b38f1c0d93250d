//! Real logs against the ground truth that comes with them: the samples of 2,000 lines of the loghub collection
//! (Zhu et al., "Loghub: A Large Collection of System Log Datasets for AI-driven Log Analytics", ISSRE 2023).
//!
//! They aren't in this repository. The test looks in `$MILLPOND_LOGHUB`, then in `../../shared/loghub`, and says so
//! when it finds neither. It prints the ratios and holds them to a floor.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use millpond_parsers::{Context, Detector, FixedZone, Format, Parsed};

/// 2026-11-22T12:00:00Z, which decides on the years that the logs leave out.
const CONTEXT: Context<'static> = Context { now_ns: 1_795_348_800_000_000_000, zone: &FixedZone(0) };

struct Dataset {
    name: &'static str,
    format: Format,
    /// The columns of the ground truth that make the time, in the order year, month, day, time where it has them.
    time_columns: &'static [&'static str],
    /// How their numbers are ordered.
    order: Order,
    has_level: bool,
    /// Whether the ground truth cuts the same header off the message as we do.
    content_min: Option<f64>,
}

enum Order {
    /// Year, month, day in numbers; a year of two digits is in this century.
    YearMonthDay,
    /// All digits run together, `081109` and `203615`.
    Compact,
    /// No year: the one given is right for the clock above.
    MonthDay(i64),
    /// The month as a name, and no year.
    NamedMonthDay(i64),
    /// `Sun Dec 04 04:47:44 2005`.
    Ctime,
}

const DATASETS: &[Dataset] = &[
    Dataset {
        name: "Android",
        format: Format::Text,
        time_columns: &["Date", "Time"],
        order: Order::MonthDay(2026),
        has_level: true,
        content_min: Some(1.0),
    },
    Dataset {
        name: "Apache",
        format: Format::ApacheError,
        time_columns: &["Time"],
        order: Order::Ctime,
        has_level: true,
        // Its text keeps `[client 1.2.3.4]`, which we make a field.
        content_min: Some(0.98),
    },
    Dataset {
        name: "HDFS",
        format: Format::Text,
        time_columns: &["Date", "Time"],
        order: Order::Compact,
        has_level: true,
        content_min: Some(1.0),
    },
    Dataset {
        name: "Linux",
        format: Format::Syslog,
        time_columns: &["Month", "Date", "Time"],
        order: Order::NamedMonthDay(2026),
        has_level: false,
        // `syslogd 1.4.1:` has a space, so it is no tag for us.
        content_min: Some(0.995),
    },
    Dataset {
        name: "OpenSSH",
        format: Format::Syslog,
        time_columns: &["Date", "Day", "Time"],
        order: Order::NamedMonthDay(2025),
        has_level: false,
        content_min: Some(1.0),
    },
    Dataset {
        name: "OpenStack",
        format: Format::Text,
        time_columns: &["Date", "Time"],
        order: Order::YearMonthDay,
        has_level: true,
        // These lines have the name of their file in front, so the message is all of the line.
        content_min: None,
    },
    Dataset {
        name: "Spark",
        format: Format::Text,
        time_columns: &["Date", "Time"],
        order: Order::YearMonthDay,
        has_level: true,
        // `Remoting:` could be the start of a text; we take a logger only for one with a dot.
        content_min: Some(0.998),
    },
    Dataset {
        name: "Zookeeper",
        format: Format::Text,
        time_columns: &["Date", "Time"],
        order: Order::YearMonthDay,
        has_level: true,
        content_min: Some(1.0),
    },
];

#[test]
fn ground_truth() {
    let Some(root) = root() else {
        eprintln!(
            "skipped: no loghub samples; set MILLPOND_LOGHUB to a copy of https://github.com/logpai/loghub"
        );
        return;
    };
    println!(
        "{:<10} {:>13} {:>6} {:>7} {:>7} {:>8}",
        "dataset", "format", "lines", "time", "level", "content"
    );
    for dataset in DATASETS {
        let score = score(&root, dataset);
        let ratio = |count: usize| count as f64 / score.lines as f64;
        let (time, level, content) = (ratio(score.time), ratio(score.level), ratio(score.content));
        let shown =
            |is_known: bool, ratio: f64| if is_known { format!("{ratio:.4}") } else { "-".to_owned() };
        println!(
            "{:<10} {:>13} {:>6} {time:>7.4} {:>7} {:>8}  {}",
            dataset.name,
            score.format.map_or("none", Format::name),
            score.lines,
            shown(dataset.has_level, level),
            shown(dataset.content_min.is_some(), content),
            score.first_difference
        );
        assert_eq!(score.format, Some(dataset.format), "{}", dataset.name);
        assert!(score.lines >= 1999, "{}: {} lines", dataset.name, score.lines);
        assert_eq!(time, 1.0, "time of {}: {}", dataset.name, score.first_difference);
        assert!(!dataset.has_level || level == 1.0, "level of {}: {}", dataset.name, score.first_difference);
        assert!(
            content >= dataset.content_min.unwrap_or(0.0),
            "{}: {}",
            dataset.name,
            score.first_difference
        );
    }
}

fn root() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/loghub");
    let named = std::env::var_os("MILLPOND_LOGHUB").map(PathBuf::from);
    named.into_iter().chain([beside]).find(|path| path.is_dir())
}

#[derive(Default)]
struct Score {
    format: Option<Format>,
    lines: usize,
    time: usize,
    level: usize,
    content: usize,
    first_difference: String,
}

fn score(root: &Path, dataset: &Dataset) -> Score {
    let read = |suffix: &str| {
        let path = root.join(dataset.name).join(format!("{}_2k.log{suffix}", dataset.name));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let (log, truth) = (read(""), read("_structured.csv"));
    let mut rows = truth.lines().map(csv_row);
    let header = rows.next().expect("a header");
    let mut detector = Detector::new();
    let mut out = Parsed::new();
    let mut score = Score::default();
    for (line, row) in log.lines().zip(rows) {
        let row: HashMap<&str, &str> =
            header.iter().map(String::as_str).zip(row.iter().map(String::as_str)).collect();
        detector.parse(line, &CONTEXT, &mut out);
        let time = Some(expected_ns(dataset, &row));
        let level = row.get("Level").copied().filter(|_| dataset.has_level);
        let content = row.get("Content").map_or("", |content| content.trim());
        let is_same = [
            out.timestamp_ns == time,
            level.is_some() && out.severity_text.as_deref() == level,
            out.message.trim() == content,
        ];
        score.lines += 1;
        score.time += usize::from(is_same[0]);
        score.level += usize::from(is_same[1]);
        score.content += usize::from(is_same[2]);
        let is_different = !is_same[0] || (dataset.has_level && !is_same[1]) || !is_same[2];
        if is_different && score.first_difference.is_empty() && dataset.content_min.is_some() {
            score.first_difference = format!("{content:?} is {:?}", out.message);
        }
    }
    score.format = detector.format();
    score
}

/// The time of the ground truth, reckoned in a way of its own.
fn expected_ns(dataset: &Dataset, row: &HashMap<&str, &str>) -> i64 {
    let text: Vec<&str> = dataset.time_columns.iter().filter_map(|name| row.get(name).copied()).collect();
    let text = text.join(" ");
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let numbers: Vec<i64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let named_month = || {
        let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
        words.iter().find_map(|word| months.find(*word)).map_or(0, |at| at as i64 / 3 + 1)
    };
    let (year, month, day, time) = match dataset.order {
        Order::YearMonthDay => (numbers[0], numbers[1], numbers[2], numbers[3..].to_vec()),
        Order::Compact => {
            let parts = |n: i64| [n / 10_000, n / 100 % 100, n % 100];
            let [year, month, day] = parts(numbers[0]);
            (year, month, day, parts(numbers[1]).to_vec())
        }
        Order::MonthDay(year) => (year, numbers[0], numbers[1], numbers[2..].to_vec()),
        Order::NamedMonthDay(year) => (year, named_month(), numbers[0], numbers[1..].to_vec()),
        Order::Ctime => (numbers[4], named_month(), numbers[0], numbers[1..4].to_vec()),
    };
    let year = if year < 100 { 2000 + year } else { year };
    let leap = |year: i64| i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let lengths = [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days = (1970..year).map(|year| 365 + leap(year)).sum::<i64>()
        + lengths.iter().take(month as usize - 1).sum::<i64>()
        + day
        - 1;
    let seconds = days * 86_400 + time[0] * 3600 + time[1] * 60 + time[2];
    seconds * 1_000_000_000 + time.get(3).copied().unwrap_or(0) * 1_000_000
}

fn csv_row(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cells.last_mut().expect("there is always a cell").push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            _ => cells.last_mut().expect("there is always a cell").push(char),
        }
    }
    cells
}

//! Counts over time as horizontal bars, a line for each bucket. With `by` the parts of a bar are coloured, or are
//! letters where there are no colours. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthStr;

use super::{Look, bars, count, table};
use crate::escape;
use crate::limits::WIDTH_DEFAULT;
use crate::style::{SERIES, Style};
use crate::when;

/// An answer of the API.
#[derive(Debug, Deserialize)]
pub(crate) struct Histogram {
    /// Width of a bucket, milliseconds.
    pub(crate) step_ms: u64,
    pub(crate) total: u64,
    pub(crate) buckets: Vec<Bucket>,
}

/// Documents between `start` and the next bucket's.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Bucket {
    start: String,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<BTreeMap<String, u64>>,
}

/// Documents without the field.
const MISSING: &str = "(without)";

/// The API's name for values that it doesn't tell apart.
const OTHER: &str = "other";

/// Shortest longest bar.
const BAR_MIN: usize = 10;

/// Widest name in the legend.
const NAME_MAX: usize = 40;

/// The bars, the legend, and a line that says what they are.
pub(crate) fn chart(histogram: &Histogram, look: &Look) -> String {
    let label = |bucket: &Bucket| {
        when::bucket(&bucket.start, histogram.step_ms, &look.zone)
            .unwrap_or_else(|| escape::line(&bucket.start))
    };
    let labels: Vec<String> = histogram.buckets.iter().map(label).collect();
    let counts: Vec<String> = histogram.buckets.iter().map(|bucket| count(bucket.count)).collect();
    let widest = |texts: &[String]| texts.iter().map(|text| text.width()).max().unwrap_or(0);
    let (label_width, count_width) = (widest(&labels), widest(&counts));
    let total_width = look.width.unwrap_or(WIDTH_DEFAULT);
    let bar_width = total_width.saturating_sub(label_width + count_width + 3).max(BAR_MIN);
    let max = histogram.buckets.iter().map(|bucket| bucket.count).max().unwrap_or(0);
    let series = series(histogram);
    let mut out = String::new();
    for ((bucket, label), count) in histogram.buckets.iter().zip(&labels).zip(&counts) {
        look.palette.push(Style::Dim, &format!("{label:label_width$}"), &mut out);
        out.push_str(&format!(" {count:>count_width$} "));
        match &bucket.by {
            Some(_) => push_parts(bucket, &series, max, bar_width, look, &mut out),
            None => look.palette.push(Style::Blue, &bars::bar(bucket.count, max, bar_width), &mut out),
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
    push_legend(&series, look, &mut out);
    let summary = format!("{} in bars of {}", count(histogram.total), duration(histogram.step_ms));
    look.palette.push(Style::Dim, &summary, &mut out);
    out.push('\n');
    out
}

/// Counts by value, and of the documents that have none.
fn counts(bucket: &Bucket) -> impl Iterator<Item = (&str, u64)> {
    let by = bucket.by.iter().flatten().map(|(value, count)| (value.as_str(), *count));
    let sum = by.clone().fold(0, |sum: u64, (_, count)| sum.saturating_add(count));
    let missing = bucket.count.saturating_sub(sum);
    by.chain((bucket.by.is_some() && missing > 0).then_some((MISSING, missing)))
}

/// Values and their counts over all buckets, the most frequent first, and what isn't told apart at the end.
fn series(histogram: &Histogram) -> Vec<(String, u64)> {
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    for (value, count) in histogram.buckets.iter().flat_map(counts) {
        *totals.entry(value).or_default() += count;
    }
    let mut series: Vec<_> = totals.into_iter().map(|(value, count)| (value.to_owned(), count)).collect();
    series.sort_by_key(|(value, count)| (value == MISSING, value == OTHER, std::cmp::Reverse(*count)));
    series
}

fn style(value: &str, index: usize) -> Style {
    match (value, Style::of_level(value)) {
        (MISSING, _) => Style::Plain,
        (OTHER, _) => Style::Dim,
        // Levels have their own colours everywhere.
        (_, Style::Plain) => SERIES.get(index % SERIES.len()).copied().unwrap_or(Style::Plain),
        (_, style) => style,
    }
}

/// What a part of a bar is made of.
fn mark(index: usize, look: &Look) -> char {
    if look.palette.is_coloured { '█' } else { char::from(b'a' + (index % 26) as u8) }
}

fn push_parts(
    bucket: &Bucket,
    series: &[(String, u64)],
    max: u64,
    width: usize,
    look: &Look,
    out: &mut String,
) {
    let by: BTreeMap<&str, u64> = counts(bucket).collect();
    let values: Vec<u64> =
        series.iter().map(|(value, _)| by.get(value.as_str()).copied().unwrap_or(0)).collect();
    let parts = bars::parts(&values, max, width);
    for (index, ((value, _), columns)) in series.iter().zip(parts).enumerate() {
        let text: String = std::iter::repeat_n(mark(index, look), columns).collect();
        look.palette.push(style(value, index), &text, out);
    }
}

fn push_legend(series: &[(String, u64)], look: &Look, out: &mut String) {
    for (index, (value, total)) in series.iter().enumerate() {
        let sign = look.palette.paint(style(value, index), &mark(index, look).to_string());
        let name = table::cut(&escape::line(value), NAME_MAX);
        out.push_str(&format!("{sign} {name} {}\n", count(*total)));
    }
}

/// A round duration in its largest unit.
fn duration(step_ms: u64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let whole =
        units.into_iter().find(|(unit_ms, _)| step_ms >= *unit_ms && step_ms.is_multiple_of(*unit_ms));
    match whole {
        Some((unit_ms, name)) => format!("{} {name}", step_ms / unit_ms),
        None => format!("{step_ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_the_width() {
        let histogram: Histogram = serde_json::from_str(
            r#"{"step_ms":1800000,"total":1004,"buckets":[
                {"start":"2026-11-22T09:30:00Z","count":1000},
                {"start":"2026-11-22T10:00:00Z","count":0},
                {"start":"2026-11-22T10:30:00Z","count":4}]}"#,
        )
        .unwrap();
        let expected = "2026-11-22 09:30 1,000 ████████████████\n\
                        2026-11-22 10:00     0\n\
                        2026-11-22 10:30     4 ▏\n\
                        1,004 in bars of 30 min\n";
        assert_eq!(chart(&histogram, &Look::plain(Some(40))), expected);
    }

    #[test]
    fn parts_are_told_apart_with_colours_and_without() {
        let histogram: Histogram = serde_json::from_str(
            r#"{"step_ms":90000,"total":6,"buckets":[
                {"start":"2026-11-22T10:00:00Z","count":4,"by":{"error":1,"\u001b[2J":2,"other":1}},
                {"start":"2026-11-22T10:01:30Z","count":2,"by":{"error":1}}]}"#,
        )
        .unwrap();
        let expected = "2026-11-22 10:00:00 4 aaaaaaaaabbbbcccc\n\
                        2026-11-22 10:01:30 2 bbbbbdddd\n\
                        a \\x1b[2J 2\nb error 2\nc other 1\nd (without) 1\n6 in bars of 90 s\n";
        assert_eq!(chart(&histogram, &Look::plain(Some(40))), expected);
        let coloured = chart(&histogram, &Look::coloured(Some(40)));
        assert!(coloured.contains("\x1b[31m████\x1b[0m"), "{coloured}");
    }

    #[test]
    fn durations() {
        let rows =
            [(500, "500 ms"), (30_000, "30 s"), (3_600_000, "1 h"), (172_800_000, "2 d"), (90_000, "90 s")];
        for (step_ms, expected) in rows {
            assert_eq!(duration(step_ms), expected);
        }
    }
}

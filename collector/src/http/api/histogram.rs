//! `/api/v1/histogram`: how many documents there are over time, in buckets of a round width.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use millpond_query::Filter;
use millpond_store::log_store::{Bucket, Histogram, HistogramPlan};
use serde::Serialize;

use crate::http::Http;
use crate::http::endpoints::HISTOGRAM;
use crate::http::limits::{BREAKDOWN_VALUES_MAX, BUCKETS_DEFAULT, BUCKETS_MAX, BUCKETS_MIN};
use crate::http::params::Unchecked;
use crate::http::problem::Problem;
use crate::http::search::{Reply, Search, reason, rfc3339};
use crate::http::steps::Buckets;
use crate::http::time;

/// Counts of the values that are not told apart.
const OTHER: &str = "other";

const MS_NS: i64 = 1_000_000;

/// Told where there are no buckets.
const MINUTE_NS: i64 = 60_000 * MS_NS;

/// The counts.
#[derive(Debug, Serialize)]
struct Bars {
    step_ms: i64,
    total: u64,
    buckets: Vec<Bar>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Bar {
    start: String,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<BTreeMap<String, u64>>,
}

/// Answers with the counts. Pipes of the query other than a leading `where` change nothing: it is its filter that
/// is counted.
pub(in crate::http) async fn histogram(
    State(http): State<Http>,
    given: Unchecked,
) -> Result<Response, Problem> {
    let parameters = given.only(&HISTOGRAM)?;
    http.answer(parameters, bars).await
}

fn bars(search: &Search<'_>) -> Result<Reply<Bars>, Problem> {
    let filter = search.filter()?;
    let by = match search.parameters.text("by")? {
        Some(name) => Some(search.field_name("by", name)?),
        None => None,
    };
    let width = Width::read(search)?;
    let (buckets, exact) = match range(search) {
        Some((start_ns, end_ns)) => {
            let buckets = width.buckets(start_ns, end_ns)?;
            (buckets, buckets.start_ns == start_ns && buckets.end_ns() == end_ns)
        }
        None => (Buckets { start_ns: 0, step_ns: MINUTE_NS, count: 0 }, true),
    };
    // The outer buckets reach out of the range; what is counted does not.
    let filter = if exact {
        filter
    } else {
        let (start_ns, end_ns) = (search.range.start_ns, search.range.end_ns);
        Filter::And(vec![Filter::Time { start_ns, end_ns }, filter])
    };
    let by_is_wanted = by.is_some();
    let plan = HistogramPlan {
        filter,
        start_ns: buckets.start_ns,
        step_ns: buckets.step_ns,
        bucket_count: buckets.count,
        by,
    };
    let answer = search.store.histogram(&plan, search.budget)?;
    let Histogram { buckets: counted, total } = answer.value;
    let named = top_values(&counted);
    let bars = buckets.starts_ns().zip(counted).map(|(start_ns, bucket)| Bar {
        start: rfc3339(start_ns),
        count: bucket.count,
        by: by_is_wanted.then(|| breakdown(bucket, &named)),
    });
    let value = Bars { step_ms: buckets.step_ns / MS_NS, total, buckets: bars.collect() };
    Ok(Reply::new(value, answer.partial.map(reason)))
}

/// How wide buckets are to be.
enum Width {
    AtMost(usize),
    Step(i64),
}

impl Width {
    fn read(search: &Search<'_>) -> Result<Self, Problem> {
        let count_max = search.parameters.count("buckets", BUCKETS_DEFAULT, BUCKETS_MAX)?;
        let step_ns = search.parameters.read("step", time::duration_ns)?;
        Ok(step_ns.map_or(Self::AtMost(count_max.max(BUCKETS_MIN)), Self::Step))
    }

    fn buckets(&self, start_ns: i64, end_ns: i64) -> Result<Buckets, Problem> {
        match *self {
            Self::AtMost(count_max) => Ok(Buckets::at_most(count_max, start_ns, end_ns)),
            Self::Step(step_ns) => Buckets::with_step(step_ns, start_ns, end_ns)
                .map_err(|error| Problem::parameter("step", format!("`step`: {error}."))),
        }
    }
}

/// The range that is shown: as given, else from the oldest document, else to the newest or, after a given start, at
/// least to now. `None`: there is nothing.
fn range(search: &Search<'_>) -> Option<(i64, i64)> {
    let stored = || search.store.health().time_range;
    let start_ns = match search.range.start_ns {
        Some(start_ns) => start_ns,
        None => stored()?.0,
    };
    let end_ns = search.range.end_ns.or_else(|| {
        let newest_ns = stored().map(|(_, newest_ns)| newest_ns.saturating_add(1));
        newest_ns.max(search.range.start_ns.map(|_| search.now_ns))
    })?;
    (start_ns < end_ns).then_some((start_ns, end_ns))
}

/// The most frequent values over all buckets, ties by value.
fn top_values(buckets: &[Bucket]) -> Vec<String> {
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    for (value, count) in buckets.iter().flat_map(|bucket| &bucket.by) {
        *totals.entry(value).or_default() += count;
    }
    let mut totals: Vec<_> = totals.into_iter().collect();
    totals.sort_by_key(|&(value, count)| (std::cmp::Reverse(count), value));
    totals.into_iter().take(BREAKDOWN_VALUES_MAX).map(|(value, _)| value.to_owned()).collect()
}

fn breakdown(bucket: Bucket, named: &[String]) -> BTreeMap<String, u64> {
    let mut by = BTreeMap::new();
    for (value, count) in bucket.by {
        let name = if named.contains(&value) { value } else { OTHER.to_owned() };
        *by.entry(name).or_default() += count;
    }
    by
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_values_are_counted_as_other() {
        let mut values: Vec<_> = (0..12).map(|n| (format!("v{n:02}"), 2)).collect();
        values.push(("loud".into(), 50));
        let first = Bucket { count: 74, by: values };
        let second = Bucket { count: 3, by: vec![("v11".into(), 2), ("v00".into(), 1)] };
        let named = top_values(&[first.clone(), second.clone()]);
        assert_eq!(named.first().map(String::as_str), Some("loud"));
        assert_eq!(named.get(1).map(String::as_str), Some("v11"));
        assert_eq!(named.len(), BREAKDOWN_VALUES_MAX);
        let by = breakdown(first, &named);
        assert_eq!(by.values().sum::<u64>(), 74);
        assert_eq!(by.get(OTHER), Some(&6));
        assert_eq!(breakdown(second, &named).get("v11"), Some(&2));
    }
}

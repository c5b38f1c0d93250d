//! `histogram`: counts over time; bars on a terminal, a bucket a line elsewhere.

use serde::Deserialize;

use super::{Meta, Outcome, Shell};
use crate::arguments;
use crate::failure::Failure;
use crate::limits::BUCKETS_DEFAULT;
use crate::render::histogram::{Histogram, chart};

#[derive(Deserialize)]
struct Answer {
    #[serde(flatten)]
    histogram: Histogram,
    #[serde(flatten)]
    meta: Meta,
}

pub(crate) fn run(wanted: &arguments::Histogram, shell: &mut Shell) -> Result<Outcome, Failure> {
    let mut parameters = shell.parameters(&wanted.query.text(), &wanted.range)?;
    match &wanted.step {
        Some(step) => parameters.push(("step", step.clone())),
        None => parameters.push(("buckets", BUCKETS_DEFAULT.to_string())),
    }
    parameters.extend(wanted.by.clone().map(|by| ("by", by)));
    let Answer { histogram, meta } = shell.api.json("/api/v1/histogram", &parameters)?;
    if shell.out.is_terminal() {
        if histogram.total > 0 {
            shell.out.write(chart(&histogram, &shell.look).as_bytes())?;
        }
    } else {
        shell.objects(&histogram.buckets)?;
    }
    shell.tell(&meta);
    Ok(Outcome::of(histogram.total > 0))
}

//! `values`: the values of a field that begin with a text, the most frequent first.

use serde::Deserialize;

use super::top::Counted;
use super::{Meta, Outcome, Shell};
use crate::arguments;
use crate::failure::Failure;
use crate::render::table;

#[derive(Deserialize)]
struct Answer {
    values: Vec<Counted>,
    #[serde(flatten)]
    meta: Meta,
}

pub(crate) fn run(wanted: &arguments::Values, shell: &mut Shell) -> Result<Outcome, Failure> {
    let mut parameters = shell.range(&wanted.range)?;
    parameters.push(("field", wanted.field.clone()));
    parameters.push(("limit", wanted.limit.to_string()));
    parameters.extend(wanted.prefix.clone().map(|prefix| ("prefix", prefix)));
    let answer: Answer = shell.api.json("/api/v1/values", &parameters)?;
    if !shell.out.is_terminal() {
        shell.objects(&answer.values)?;
    } else if !answer.values.is_empty() {
        let heads = ["DOCUMENTS", "VALUE"].map(str::to_owned);
        let rows: Vec<_> =
            answer.values.iter().map(|counted| vec![counted.count.into(), counted.value.clone()]).collect();
        shell.out.write(table::table(&heads, &rows, &shell.look).as_bytes())?;
    }
    shell.tell(&answer.meta);
    Ok(Outcome::of(!answer.values.is_empty()))
}

//! `explain`: runs a query and shows its plan and its cost.

use serde_json::Value;

use super::{Outcome, Shell};
use crate::arguments::Explain;
use crate::failure::Failure;
use crate::render::plan;

pub(crate) fn run(explain: &Explain, shell: &mut Shell) -> Result<Outcome, Failure> {
    let parameters = shell.parameters(&explain.query.text(), &explain.range)?;
    let bytes = shell.api.whole("/api/v1/explain", &parameters)?;
    let answer: Value = shell.api.parse(&bytes)?;
    if shell.out.is_terminal() {
        shell.out.write(plan::plan(&answer, &shell.look).as_bytes())?;
    } else {
        shell.out.write(&bytes)?;
        shell.out.write(b"\n")?;
    }
    shell.tell(&serde_json::from_value(answer.clone()).unwrap_or_default());
    Ok(Outcome::of(answer["documents"]["matched"].as_u64() != Some(0)))
}

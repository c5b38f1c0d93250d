//! `fields`: the fields there are, with their types.

use serde::{Deserialize, Serialize};

use super::{Meta, Outcome, Shell};
use crate::arguments;
use crate::failure::Failure;
use crate::render::table;

#[derive(Deserialize)]
struct Answer {
    fields: Vec<Field>,
    #[serde(flatten)]
    meta: Meta,
}

/// `count` is an upper bound of the documents that have it.
#[derive(Deserialize, Serialize)]
struct Field {
    name: String,
    types: Vec<String>,
    count: u64,
}

pub(crate) fn run(wanted: &arguments::Fields, shell: &mut Shell) -> Result<Outcome, Failure> {
    let parameters = shell.range(&wanted.range)?;
    let mut answer: Answer = shell.api.json("/api/v1/fields", &parameters)?;
    if let Some(prefix) = &wanted.prefix {
        answer.fields.retain(|field| field.name.starts_with(prefix));
    }
    if !shell.out.is_terminal() {
        shell.objects(&answer.fields)?;
    } else if !answer.fields.is_empty() {
        let heads = ["FIELD", "TYPES", "DOCUMENTS (AT MOST)"].map(str::to_owned);
        let row = |field: &Field| {
            vec![field.name.as_str().into(), field.types.join(", ").into(), field.count.into()]
        };
        let rows: Vec<_> = answer.fields.iter().map(row).collect();
        shell.out.write(table::table(&heads, &rows, &shell.look).as_bytes())?;
    }
    shell.tell(&answer.meta);
    Ok(Outcome::of(!answer.fields.is_empty()))
}

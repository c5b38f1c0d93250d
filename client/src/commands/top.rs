//! `top`: the most frequent values of a field, exact, with bars on a terminal.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Meta, Outcome, Shell};
use crate::arguments;
use crate::failure::Failure;
use crate::limits::WIDTH_DEFAULT;
use crate::render::{Look, bars, count, table};
use crate::style::Style;
use crate::{escape, row};

/// An answer of `/api/v1/facets`.
#[derive(Deserialize)]
struct Facets {
    fields: Vec<Facet>,
    #[serde(flatten)]
    meta: Meta,
}

#[derive(Deserialize)]
struct Facet {
    values: Vec<Counted>,
    #[serde(default)]
    distinct: u64,
    #[serde(default)]
    missing: u64,
}

/// A value and in how many documents it is.
#[derive(Deserialize, Serialize)]
pub(super) struct Counted {
    pub(super) value: Value,
    pub(super) count: u64,
}

pub(crate) fn run(top: &arguments::Top, shell: &mut Shell) -> Result<Outcome, Failure> {
    let mut parameters = shell.parameters(&top.query.text(), &top.range)?;
    parameters.push(("fields", top.field.clone()));
    parameters.push(("top", top.limit.to_string()));
    let mut facets: Facets = shell.api.json("/api/v1/facets", &parameters)?;
    let Some(facet) = facets.fields.pop() else { return Ok(Outcome::Nothing) };
    if shell.out.is_terminal() {
        let shown = chart(&facet.values, &shell.look);
        shell.out.write(shown.as_bytes())?;
        let summary =
            format!("{} different values; {} without the field", count(facet.distinct), count(facet.missing));
        let summary = shell.look.palette.paint(Style::Dim, &summary);
        shell.out.write(format!("{summary}\n").as_bytes())?;
    } else {
        shell.objects(&facet.values)?;
    }
    shell.tell(&facets.meta);
    Ok(Outcome::of(!facet.values.is_empty()))
}

/// A line for each value: its count, a bar, the value.
fn chart(values: &[Counted], look: &Look) -> String {
    let counts: Vec<String> = values.iter().map(|value| count(value.count)).collect();
    let count_width = counts.iter().map(String::len).max().unwrap_or(0);
    let max = values.iter().map(|value| value.count).max().unwrap_or(0);
    let width = look.width.unwrap_or(WIDTH_DEFAULT);
    // A third for the bars, the rest for the values.
    let bar_width = width.saturating_sub(count_width) / 3;
    let value_width = width.saturating_sub(count_width + bar_width + 2);
    let mut out = String::new();
    for (value, count) in values.iter().zip(&counts) {
        let text = table::cut(&escape::line(&row::text(&value.value)), value_width);
        let bar = format!("{:bar_width$}", bars::bar(value.count, max, bar_width));
        out.push_str(&format!("{count:>count_width$} {} {text}\n", look.palette.paint(Style::Blue, &bar)));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_stand_beside_their_bars() {
        let values = [("shop", 1_200), ("\u{1b}[2J", 600)]
            .map(|(value, count)| Counted { value: json!(value), count });
        let expected = "1,200 ███████████ shop\n  600 █████▌      \\x1b[2J\n";
        assert_eq!(chart(&values, &Look::plain(Some(40))), expected);
    }
}

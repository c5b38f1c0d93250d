//! Holds `tests/CONFORMANCE.md` to the list of scenarios: a row of its tables for each, and none for another.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::scenario::{Run, Scenario};

/// Begins the third cell of a scenario that has no test here.
const NO_TEST: &str = "No test: ";

/// # Errors
/// What differs.
pub(crate) fn check(scenarios: &[Scenario]) -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("CONFORMANCE.md");
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let mut rows: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let Some(number) = cells.first().and_then(|cell| cell.parse().ok()) else { continue };
        if rows.insert(number, cells).is_some() {
            return Err(format!("{number} is on the page twice"));
        }
    }
    for (index, Scenario { number, title, run }) in scenarios.iter().enumerate() {
        if scenarios.iter().skip(index + 1).any(|other| other.number == *number) {
            return Err(format!("{number} is in the list twice"));
        }
        let cells = rows.remove(number).ok_or(format!("{number} is not on the page"))?;
        let (named, held) = (cells.get(1).copied(), cells.get(2).copied().unwrap_or_default());
        if named != Some(*title) {
            return Err(format!(
                "{number} is `{title}` in the list and `{}` on the page",
                named.unwrap_or("")
            ));
        }
        if held.starts_with(NO_TEST) != matches!(run, Run::Elsewhere) || held.is_empty() {
            return Err(format!("{number}: the page must say what is held, or `{NO_TEST}` and why"));
        }
    }
    match rows.into_keys().next() {
        Some(number) => Err(format!("{number} is not in the list")),
        None => Ok(()),
    }
}

//! Holds `tests/CONFORMANCE.md` to the list of scenarios: a row of its tables for each, and none for another; and to the
//! tests that it names: each is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::scenario::{Run, Scenario};

/// Begins the third cell of a scenario that has no test here, but elsewhere; then it names some.
const ELSEWHERE: &str = "Elsewhere: ";
/// The same where there is none at all; then it says why.
const NO_TEST: &str = "No test: ";

/// # Errors
/// What differs.
pub(crate) fn check(scenarios: &[Scenario]) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace has a directory")?;
    let text = fs::read_to_string(root.join("tests/CONFORMANCE.md")).map_err(|error| error.to_string())?;
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
        let tests: Vec<_> = tests_named(held).collect();
        let is_here = !held.starts_with(NO_TEST) && !held.starts_with(ELSEWHERE);
        if is_here == matches!(run, Run::Elsewhere) || held.is_empty() {
            return Err(format!(
                "{number}: what is held, `{ELSEWHERE}` and the tests, or `{NO_TEST}` and why"
            ));
        }
        if held.starts_with(ELSEWHERE) && tests.is_empty() {
            return Err(format!("{number}: no test is named, as `path/of/file.rs::function`"));
        }
        for (file, function) in tests {
            let source = fs::read_to_string(root.join(file)).unwrap_or_default();
            if !is_test(&source, function) {
                return Err(format!("{number}: there is no test {function} in {file}"));
            }
        }
    }
    match rows.into_keys().next() {
        Some(number) => Err(format!("{number} is not in the list")),
        None => Ok(()),
    }
}

/// The tests that a cell names, as `path/of/file.rs::function`: the file, from the root on, and the function.
fn tests_named(cell: &str) -> impl Iterator<Item = (&str, &str)> {
    cell.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::"))
}

fn is_test(source: &str, function: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let head = format!("fn {function}(");
    lines.windows(2).any(|pair| pair[0] == "#[test]" && pair[1].starts_with(&head))
}

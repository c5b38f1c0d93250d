//! "Did you mean": the candidate that a typing error is nearest to.

/// The candidate with the fewest inserted, deleted, changed or swapped characters, if they are few enough for
/// a typing error: a third of the name, at most three. Case does not count.
#[must_use]
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    const LONGEST: usize = 128;
    let name: Vec<char> = name.to_lowercase().chars().take(LONGEST).collect();
    let allowed = (name.len() / 3).min(3);
    candidates
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(name.len()) <= allowed)
        .map(|candidate| (distance(&name, &candidate.to_lowercase().chars().collect::<Vec<_>>()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance, three rows at a time.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut previous_a = None;
    for (row, ca) in a.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut previous_b = None;
        for (column, cb) in b.iter().enumerate() {
            let at = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut cost = (at(&last, column) + usize::from(ca != cb))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            if previous_a == Some(cb) && previous_b == Some(ca) {
                cost = cost.min(at(&before_last, column.wrapping_sub(1)) + 1);
            }
            current.push(cost);
            previous_b = Some(cb);
        }
        previous_a = Some(ca);
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_typing_errors_only() {
        let candidates = ["service.name", "host.name", "stats", "sort", "log.level"];
        let rows = [
            ("stat", Some("stats")),
            ("tsats", Some("stats")),
            ("Sort", Some("sort")),
            ("hots.name", Some("host.name")),
            ("servce.name", Some("service.name")),
            ("killed", None),
            ("", None),
        ];
        for (name, expected) in rows {
            assert_eq!(nearest(name, candidates), expected, "{name}");
        }
    }
}

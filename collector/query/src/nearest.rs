//! "Did you mean": the candidate that a typing error is nearest to, and the field that another name may be for.

use crate::aliases;

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

/// One sentence about a field that no document has, for people: which of the `known` fields may be meant, or what to do
/// without it.
#[must_use]
pub fn field_hint<'k>(name: &str, known: impl Iterator<Item = &'k str> + Clone) -> Option<String> {
    let advice = match name {
        "index" | "_index" => "There is one index, which needs no name: leave it out.",
        "sourcetype" | "source" => "Choose by `log.file.path` or `service.name`.",
        "_stream" | "_stream_id" => "Choose by labels, _stream:{host=\"web-01\"}.",
        _ => return nearest_field(name, known).map(|field| format!("Did you mean `{field}`?")),
    };
    Some(advice.to_owned())
}

/// The known field that a name is nearest to: by a typing error in it or in its alias, by other signs between its parts
/// (`serviceName`, `service_name`), or by being its end (`status_code` of `http.response.status_code`).
fn nearest_field<'k>(name: &str, known: impl Iterator<Item = &'k str> + Clone) -> Option<&'k str> {
    let is_known = |field: &str| known.clone().find(|known| *known == field);
    let aliases =
        aliases::all().iter().filter(|(_, field)| is_known(field).is_some()).map(|(alias, _)| *alias);
    if let Some(found) = nearest(name, known.clone().chain(aliases)) {
        return is_known(found).or_else(|| is_known(aliases::canonical(found)));
    }
    let bare = |name: &str| -> String {
        name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
    };
    let wanted = bare(name);
    let ends_so = |field: &&str| {
        let starts = field.match_indices('.').filter_map(|(dot, _)| field.get(dot + 1..));
        std::iter::once(*field).chain(starts).any(|end| bare(end) == wanted)
    };
    let by_length = |field: &&'k str| (field.len(), *field);
    known.filter(ends_so).filter(|_| !wanted.is_empty()).min_by_key(by_length)
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
    use super::{field_hint, nearest};

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

    #[test]
    fn another_name_leads_to_the_field() {
        let known = [
            "service.name",
            "host.name",
            "http.response.status_code",
            "http.status_code",
            "user_id",
            "log.level",
        ];
        let rows = [
            ("servce.name", Some("Did you mean `service.name`?")),
            ("servcie", Some("Did you mean `service.name`?")),
            ("service_name", Some("Did you mean `service.name`?")),
            ("serviceName", Some("Did you mean `service.name`?")),
            ("status_code", Some("Did you mean `http.status_code`?")),
            ("statusCode", Some("Did you mean `http.status_code`?")),
            ("userId", Some("Did you mean `user_id`?")),
            ("levle", Some("Did you mean `log.level`?")),
            ("index", Some("There is one index, which needs no name: leave it out.")),
            ("something", None),
            ("...", None),
        ];
        for (name, expected) in rows {
            assert_eq!(field_hint(name, known.into_iter()).as_deref(), expected, "{name}");
        }
    }
}

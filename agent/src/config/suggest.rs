//! Names the key or word that was probably meant.

/// The message of the TOML reader, with a suggestion where it is about an unknown key. The form of that
/// message is serde's (`unknown field`, the key, then the known ones, each in backticks); a test holds it.
pub(super) fn explain(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    match (message.starts_with("unknown field"), quoted.next()) {
        (true, Some("multiline")) => {
            "`multiline` is a key of [[files]]: each message of an input is an event of its own; \
                                      what has events of several lines is to write a file"
                .to_owned()
        }
        (true, Some(written)) => unknown("key", written, quoted),
        _ => message.to_owned(),
    }
}

/// Says that `written` is unknown and which of the known words is nearest.
pub(super) fn unknown<'a>(kind: &str, written: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    match known.iter().min_by_key(|word| distance(written, word)) {
        Some(nearest) if distance(written, nearest) <= nearest.chars().count().max(3) / 2 => {
            format!("unknown {kind} `{written}`; did you mean `{nearest}`?")
        }
        _ => format!("unknown {kind} `{written}`; known are {}", known.join(", ")),
    }
}

/// Insertions, deletions and substitutions between two words (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (above, y) in row.iter_mut().skip(1).zip(&b) {
            let cost = diagonal + usize::from(x != *y);
            diagonal = *above;
            *above = cost.min(left + 1).min(diagonal + 1);
            left = *above;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "abc", 3),
            ("adress", "address", 1),
            ("kitten", "sitting", 3),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn suggestions() {
        for (message, expected) in [
            ("unknown field `adress`, expected `address`", "unknown key `adress`; did you mean `address`?"),
            (
                "unknown field `inclde`, expected one of `include`, `exclude`",
                "unknown key `inclde`; did you mean `include`?",
            ),
            (
                "unknown field `colour`, expected one of `include`, `exclude`",
                "unknown key `colour`; known are include, exclude",
            ),
            (
                "unknown field `multiline`, expected one of `format`, `service`",
                "`multiline` is a key of [[files]]: each message of an input is an event of its own; what has events of \
                 several lines is to write a file",
            ),
            ("missing field `address`", "missing field `address`"),
        ] {
            assert_eq!(explain(message), expected);
        }
    }
}

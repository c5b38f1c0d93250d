//! Words of a text: what the index holds and what bare words are compared by.
//!
//! A token is a run of letters, digits and `_`, lower-cased. Writing without spaces (Chinese, Japanese) gives
//! one token for each character, so that any part of a sentence can be searched.

/// Longest token, bytes. The rest of a longer run is not in the index, so a text with such a run is verified.
pub const MAX_TOKEN_BYTES: usize = 128;

/// Below this length a token is certainly whole: cutting at a character boundary leaves at least this much.
pub(crate) const CUT_TOKEN_MIN_BYTES: usize = MAX_TOKEN_BYTES - 3;

/// Calls `f` with every token, in order: lower-cased, cut at [`MAX_TOKEN_BYTES`] on a character boundary.
/// Allocates nothing.
pub fn for_each_token(text: &str, mut f: impl FnMut(&str)) {
    for_each_token_at(text, |token, _| f(token));
}

/// As [`for_each_token`], with the byte offset of each token in `text`.
pub fn for_each_token_at(text: &str, mut f: impl FnMut(&str, usize)) {
    let bytes = text.as_bytes();
    let mut buffer = [0_u8; MAX_TOKEN_BYTES];
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte.is_ascii() && !is_ascii_word(byte) {
            at += 1;
            continue;
        }
        let start = at;
        let mut has_upper = false;
        while let Some(&byte) = bytes.get(at).filter(|byte| is_ascii_word(**byte)) {
            has_upper |= byte.is_ascii_uppercase();
            at += 1;
        }
        if bytes.get(at).is_some_and(|byte| !byte.is_ascii()) {
            // A character beyond ASCII takes part: read this run again, by characters.
            at = slow_run(text, start, &mut buffer, &mut f);
            continue;
        }
        let token = text.get(start..at.min(start + MAX_TOKEN_BYTES)).unwrap_or_default();
        if has_upper {
            lower(token, &mut buffer, |token| f(token, start));
        } else {
            f(token, start);
        }
    }
}

/// Calls `f` with a run of ASCII in lower case; it fits the buffer.
fn lower(token: &str, buffer: &mut [u8; MAX_TOKEN_BYTES], f: impl FnOnce(&str)) {
    let Some(slot) = buffer.get_mut(..token.len()) else { return };
    slot.copy_from_slice(token.as_bytes());
    slot.make_ascii_lowercase();
    if let Ok(token) = std::str::from_utf8(slot) {
        f(token);
    }
}

/// Reads one run of word characters, or skips one other character, from `start`. Returns where it ends.
fn slow_run(text: &str, start: usize, buffer: &mut [u8], f: &mut impl FnMut(&str, usize)) -> usize {
    let mut length = 0;
    let mut full = false;
    let mut previous = None;
    let mut end = start;
    for c in text.get(start..).unwrap_or_default().chars() {
        if !is_word(c) || previous.is_some_and(|previous| !joins(previous, c)) {
            if previous.is_none() {
                end += c.len_utf8();
            }
            break;
        }
        let folded = fold(c);
        match buffer.get_mut(length..length + folded.len_utf8()) {
            Some(slot) if !full => {
                folded.encode_utf8(slot);
                length += folded.len_utf8();
            }
            _ => full = true,
        }
        previous = Some(c);
        end += c.len_utf8();
    }
    if length > 0
        && let Some(Ok(token)) = buffer.get(..length).map(std::str::from_utf8)
    {
        f(token, start);
    }
    end
}

/// The lower-case form that texts are compared by: one character for one character. The only letter whose
/// lower case is two characters (U+0130) stays itself.
pub(crate) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => c,
    }
}

/// The whole text in the form that texts are compared by.
pub(crate) fn fold_text(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().map(fold).collect() }
}

/// Whether the character belongs to words.
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() {
        return is_ascii_word(c as u8);
    }
    c.is_alphanumeric() || is_combining(c)
}

/// Whether two neighbouring characters belong to the same token.
pub(crate) fn joins(left: char, right: char) -> bool {
    is_word(left) && is_word(right) && !stands_alone(left) && !stands_alone(right)
}

fn is_ascii_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Accents that follow their letter, as in a decomposed `é`.
fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}')
}

/// Characters of scripts that put no space between words.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let mut found = Vec::new();
        for_each_token(text, |token| found.push(token.to_owned()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn words_are_runs_of_letters_digits_and_underscores() {
        check("", &[]);
        check(" .,-/ ", &[]);
        check("GET /api/v1?user_id=42", &["get", "api", "v1", "user_id", "42"]);
        check("10.0.0.17:5432", &["10", "0", "0", "17", "5432"]);
        check("4bf92f35-77b3", &["4bf92f35", "77b3"]);
        check("Größe ÄÖÜ naïve", &["größe", "äöü", "naïve"]);
        check("e\u{301}te\u{301}", &["e\u{301}te\u{301}"]);
        check("Привет, мир", &["привет", "мир"]);
        check("数据库error", &["数", "据", "库", "error"]);
        check("a错b", &["a", "错", "b"]);
        check("İ \u{212A}elvin ǅ", &["İ", "kelvin", "ǆ"]);
        check("ok 😀 fine", &["ok", "fine"]);
        check("x\0y\u{1b}[31mred", &["x", "y", "31mred"]);
    }

    #[test]
    fn long_tokens_are_cut_on_a_character_boundary() {
        check(&"A".repeat(500), &["a".repeat(MAX_TOKEN_BYTES).as_str()]);
        check(&format!("{} b", "é".repeat(500)), &["é".repeat(MAX_TOKEN_BYTES / 2).as_str(), "b"]);
        check(&format!("{}é", "a".repeat(MAX_TOKEN_BYTES - 1)), &["a".repeat(MAX_TOKEN_BYTES - 1).as_str()]);
    }

    #[test]
    fn offsets_are_those_of_the_text() {
        let mut found = Vec::new();
        for_each_token_at("a é-错b", |token, at| found.push((token.to_owned(), at)));
        let expected = [("a", 0), ("é", 2), ("错", 5), ("b", 8)];
        assert_eq!(found, expected.map(|(token, at)| (token.to_owned(), at)));
    }
}

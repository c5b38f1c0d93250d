//! The words that every match of a regular expression contains, so that an index of tokens finds candidates.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use crate::limits::MAX_REGEX_DEPTH;
use crate::tokens::{fold, for_each_token_at};

/// Tokens that occur in every text that matches; empty when none is certain. Of `timed out after \d+ms` they are
/// `out` and `after`: what touches an unknown part, or an end that is not anchored, may be half a word.
pub(super) fn required_tokens(source: &str, ignore_case: bool) -> Vec<String> {
    let parsed =
        ParserBuilder::new().case_insensitive(ignore_case).nest_limit(MAX_REGEX_DEPTH).build().parse(source);
    let Ok(hir) = parsed else { return Vec::new() };
    let mut runs = Runs::default();
    runs.read(&hir);
    runs.end();
    runs.tokens
}

/// Characters that stand at the ends of lines in place of an anchor: they separate words.
const ANCHOR: char = '\n';

#[derive(Default)]
struct Runs {
    /// Known characters side by side, folded.
    run: String,
    tokens: Vec<String>,
}

impl Runs {
    fn read(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.read(part)),
            HirKind::Capture(capture) => self.read(&capture.sub),
            HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
                Ok(text) => self.run.extend(text.chars().map(fold)),
                Err(_) => self.end(),
            },
            HirKind::Class(class) => match one_letter(class) {
                Some(letter) => self.run.push(letter),
                None => self.end(),
            },
            HirKind::Look(Look::Start | Look::End | Look::StartLF | Look::EndLF) => self.run.push(ANCHOR),
            // What a regular expression calls a word is not exactly a token, so that `\b` proves nothing.
            HirKind::Look(_) | HirKind::Repetition(_) | HirKind::Alternation(_) => self.end(),
        }
    }

    /// Ends the run at an unknown part: tokens that touch neither end of it are whole.
    fn end(&mut self) {
        let length = self.run.len();
        for_each_token_at(&self.run, |token, at| {
            // A token has as many bytes as its folded text, unless it was cut, when it is long anyway.
            if at > 0 && at + token.len() < length {
                self.tokens.push(token.to_owned());
            }
        });
        self.run.clear();
    }
}

/// The letter that all characters of a class fold to, as in `[Ee]`.
fn one_letter(class: &Class) -> Option<char> {
    const MOST_CASES: usize = 4;
    let Class::Unicode(class) = class else { return None };
    let mut letters = class
        .iter()
        .flat_map(|range| (range.start()..=range.end()).take(MOST_CASES + 1))
        .take(MOST_CASES + 1);
    let letter = fold(letters.next()?);
    let mut count = 1;
    for other in letters {
        count += 1;
        if fold(other) != letter {
            return None;
        }
    }
    (count <= MOST_CASES).then_some(letter)
}

#[cfg(test)]
mod tests {
    use super::required_tokens;

    #[test]
    fn words_between_known_signs() {
        let rows: &[(&str, bool, &[&str])] = &[
            (r"timed out after \d+ms", false, &["out", "after"]),
            (r"^Connection refused$", false, &["connection", "refused"]),
            (r"(the) (last) word", false, &["last"]),
            (r" error | warning ", false, &[]),
            (r"a big? deal here", false, &["deal"]),
            (r" Not Found ", true, &["not", "found"]),
            (r" disk ", true, &[]),
            (r"x\bfoo\by", false, &[]),
            (r"=[45]\d\d path=/api/", false, &["path", "api"]),
            (r"数据错误", false, &["据", "错"]),
            (r"(", false, &[]),
            (r"", false, &[]),
            (r".* ok .*", false, &["ok"]),
        ];
        for (source, ignore_case, expected) in rows {
            assert_eq!(required_tokens(source, *ignore_case), *expected, "{source}");
        }
    }
}

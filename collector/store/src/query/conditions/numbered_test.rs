//! A condition on a column of numbered strings. One that names a string, or has a word with a number, is a number to
//! compare; the rest is asked about the text of each.

use millpond_query::tokens::for_each_token;
use millpond_query::{Scalar, Test};

use super::filter::Node;
use super::leaf::LeafTest;
use crate::query::values::picked::for_each_picked;
use crate::query::zone::ZoneView;
use crate::split::bits::Bits;
use crate::split::numbered::{Numbered, parse};

/// Plans the test.
pub(crate) fn plan<'q>(numbered: &'q Numbered, test: &'q Test) -> Node<'q> {
    let one = |number: Option<u32>| match number.map(i64::from) {
        Some(number) if test.matches(Scalar::Str(&numbered.text(number))) => {
            Node::Test(LeafTest::Integers(numbered.column(), (number, number), None))
        }
        _ => Node::Never,
    };
    if let Some(only) = test.exact_str() {
        return one(numbered.number_of(only));
    }
    match required_number(numbered.prefix(), test.required_tokens()) {
        Required::Any => Node::Test(LeafTest::Numbered(numbered, test)),
        Required::Number(number) => one(Some(number)),
        Required::Nothing => Node::Never,
    }
}

/// What the words that a test requires leave of the strings with a prefix.
#[derive(Debug, PartialEq, Eq)]
enum Required {
    /// All of them.
    Any,
    /// The one with this number.
    Number(u32),
    /// None.
    Nothing,
}

fn required_number<T: AsRef<str>>(prefix: &str, tokens: &[T]) -> Required {
    let mut words = Vec::new();
    for_each_token(&format!("{prefix}0"), |token| words.push(token.to_owned()));
    // The number is the end of the last word.
    let last = words.pop().unwrap_or_default();
    let stem = last.strip_suffix('0').unwrap_or_default();
    let mut required = None;
    for token in tokens.iter().map(AsRef::as_ref).filter(|token| !words.iter().any(|word| word == token)) {
        let number = token.strip_prefix(stem).and_then(parse).filter(|(prefix, _)| prefix.is_empty());
        match number {
            Some((_, number)) if required.is_none_or(|other| other == number) => required = Some(number),
            _ => return Required::Nothing,
        }
    }
    required.map_or(Required::Any, Required::Number)
}

/// Sets the bits of the documents of `among` with a string that matches.
pub(crate) fn eval(numbered: &Numbered, test: &Test, view: &ZoneView<'_>, among: &Bits, bits: &mut Bits) {
    for_each_picked(numbered.column(), view, among, |at, number| {
        if test.matches(Scalar::Str(&numbered.text(number))) {
            bits.set(at);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_leave_one_number_or_none_or_all() {
        let rows: &[(&str, &[&str], Required)] = &[
            ("u", &["u48"], Required::Number(48)),
            ("U", &["u48"], Required::Number(48)),
            ("u", &["u"], Required::Nothing),
            ("u", &["u048"], Required::Nothing),
            ("u", &["v48"], Required::Nothing),
            ("u", &["u48", "u48"], Required::Number(48)),
            ("u", &["u48", "u49"], Required::Nothing),
            ("u", &[], Required::Any),
            ("", &["404"], Required::Number(404)),
            ("", &["x404"], Required::Nothing),
            ("pod/web-", &["web", "pod"], Required::Any),
            ("pod/web-", &["web", "7"], Required::Number(7)),
            ("pod/web-", &["7", "web"], Required::Number(7)),
            ("pod/web-", &["db"], Required::Nothing),
            ("u", &["u1234567890"], Required::Nothing),
        ];
        for (prefix, tokens, expected) in rows {
            assert_eq!(required_number(prefix, tokens), *expected, "{prefix} {tokens:?}");
        }
    }
}

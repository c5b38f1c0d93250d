//! What may stand at a place of a query that is being typed: which kinds of words, what is typed of them so far, and which
//! part of the text a choice replaces. Pure: which fields and values there are is known to whoever asks.

mod scan;

use self::scan::{Kind, Piece, pieces};
use crate::error::Span;
use crate::limits::MAX_TEXT_BYTES;
use crate::{aliases, syntax};

/// What would help at a place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// In the order in which it is likely; empty where nothing helps, as in a regular expression.
    pub wanted: Vec<Wanted>,
    /// What is typed so far, without quotes and escapes.
    pub prefix: String,
    /// What a choice replaces: all of the word that the place is in.
    pub span: Span,
}

/// A kind of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Names of fields.
    Field,
    /// Values of this field, its name as typed.
    Value(String),
    /// Operators after the name of a field.
    Operator,
    /// Names of pipes.
    Pipe,
    /// Names of aggregates.
    Function,
    /// One of these words.
    Keyword(&'static [&'static str]),
}

/// The operators that may follow a field's name.
pub const OPERATORS: [(&str, &str); 7] = [
    (":", "has the word or value"),
    ("=", "is exactly"),
    ("!=", "is anything else, or missing"),
    (">", "is more than"),
    (">=", "is at least"),
    ("<", "is less than"),
    ("<=", "is at most"),
];

const JOINS: &[&str] = &["and", "or", "not"];
const JOINS_OR_PIPE: &[&str] = &["and", "or", "not", "|"];

/// Names of pipes, synonyms included.
pub fn pipe_names() -> impl Iterator<Item = &'static str> {
    syntax::pipe_names()
}

/// Names of aggregates, synonyms included.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    syntax::function_names()
}

/// What may stand at `at`, a number of bytes, in `text`. A place within a character is its beginning.
#[must_use]
pub fn complete(text: &str, at: usize) -> Completion {
    if text.len() > MAX_TEXT_BYTES {
        return Completion::default();
    }
    let at = text.floor_char_boundary(at);
    let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
    let pieces = pieces(before);
    let pipe = pieces.iter().rposition(|piece| piece.kind == Kind::Pipe);
    let (current, earlier) = match pieces.split_last() {
        Some((last, earlier)) if is_open(last, at) => (Some(last), earlier),
        _ => (None, &pieces[..]),
    };
    let earlier = earlier.get(pipe.map_or(0, |pipe| pipe + 1)..).unwrap_or_default();
    let wanted = match (current.map(|piece| piece.kind), pipe) {
        (Some(Kind::Regex), _) => Vec::new(),
        (_, None) => in_filter(earlier, current),
        (_, Some(_)) => in_pipe(earlier, current),
    };
    let typed = current.filter(|piece| matches!(piece.kind, Kind::Word | Kind::Quoted));
    Completion { wanted, prefix: typed.map(Piece::content).unwrap_or_default(), span: span(typed, at, after) }
}

/// Whether the caret is in or directly behind a piece that goes on there.
fn is_open(piece: &Piece<'_>, at: usize) -> bool {
    let goes_on = match piece.kind {
        Kind::Word | Kind::Regex => true,
        Kind::Quoted => {
            let quote = piece.text.chars().next().unwrap_or_default();
            piece.text.len() < 2 || !piece.text.ends_with(quote)
        }
        _ => false,
    };
    piece.end() == at && goes_on
}

/// From the beginning of what is typed to the end of the word.
fn span(typed: Option<&Piece<'_>>, at: usize, after: &str) -> Span {
    let Some(typed) = typed else { return Span::between(at, at) };
    let quote = typed.text.chars().next().filter(|_| typed.kind == Kind::Quoted);
    let rest = match quote {
        Some(quote) => after.find(quote).map_or(after.len(), |end| end + quote.len_utf8()),
        None => {
            let ends = |c: char| c.is_whitespace() || "()[]{}\"|,:=<>!~".contains(c);
            after.find(ends).unwrap_or(after.len())
        }
    };
    Span::between(typed.start, at + rest)
}

/// In a condition, after the pieces `earlier` of it.
fn in_filter(earlier: &[Piece<'_>], current: Option<&Piece<'_>>) -> Vec<Wanted> {
    if let Some(field) = field_before_operator(earlier, current) {
        return vec![Wanted::Value(field)];
    }
    if let Some(field) = field_of_group(earlier) {
        return vec![Wanted::Value(field), Wanted::Keyword(JOINS)];
    }
    let begins = earlier.last().is_none_or(|last| {
        matches!(last.kind, Kind::Open | Kind::Sign) || JOINS.iter().any(|join| last.is_word(join))
    });
    match (begins, current) {
        (_, Some(current)) if current.kind == Kind::Quoted => Vec::new(),
        (true, Some(_)) => vec![Wanted::Field, Wanted::Operator, Wanted::Keyword(&["not"])],
        (true, None) => vec![Wanted::Field, Wanted::Keyword(&["not"])],
        (false, Some(_)) => vec![Wanted::Field, Wanted::Operator, Wanted::Keyword(JOINS)],
        (false, None) => vec![Wanted::Field, Wanted::Keyword(JOINS_OR_PIPE)],
    }
}

/// The field whose value is typed: `level:`, `level:err`.
fn field_before_operator(earlier: &[Piece<'_>], current: Option<&Piece<'_>>) -> Option<String> {
    let (operator, earlier) = earlier.split_last()?;
    let name = earlier.last()?;
    let touches =
        current.is_none_or(|current| current.start == operator.end() || current.kind == Kind::Quoted);
    let is_pair = operator.kind == Kind::Operator && matches!(name.kind, Kind::Word | Kind::Quoted);
    (is_pair && touches).then(|| name.content())
}

/// The field of a list that is open: `level:(`, `level in (error, `.
fn field_of_group(earlier: &[Piece<'_>]) -> Option<String> {
    let mut closed = 0_usize;
    let open = earlier.iter().rposition(|piece| match piece.kind {
        Kind::Close => {
            closed += 1;
            false
        }
        Kind::Open if closed > 0 => {
            closed -= 1;
            false
        }
        kind => kind == Kind::Open,
    })?;
    let before = earlier.get(..open)?;
    let (joint, before) = before.split_last()?;
    let name = before.last()?;
    let joins = joint.kind == Kind::Operator || joint.is_word("in");
    (joins && matches!(name.kind, Kind::Word | Kind::Quoted)).then(|| name.content())
}

/// Behind a `|`, after the pieces `earlier` of the pipe.
fn in_pipe(earlier: &[Piece<'_>], current: Option<&Piece<'_>>) -> Vec<Wanted> {
    let Some((name, arguments)) = earlier.split_first() else { return vec![Wanted::Pipe] };
    let is_one_of = |names: &[&str]| names.iter().any(|known| name.is_word(known));
    if is_one_of(&["where", "filter", "search"]) {
        return in_filter(arguments, current);
    }
    if is_one_of(&["limit", "head"]) {
        return Vec::new();
    }
    if is_one_of(&["parse"]) && arguments.is_empty() {
        return vec![Wanted::Keyword(&["json", "logfmt"])];
    }
    if is_one_of(&["stats", "timechart"]) && !arguments.iter().any(|piece| piece.is_word("by")) {
        return in_aggregates(arguments);
    }
    let after_field = arguments.last().is_some_and(|last| matches!(last.kind, Kind::Word | Kind::Quoted));
    match after_field {
        true if is_one_of(&["sort", "order"]) => vec![Wanted::Keyword(&["desc", "asc"]), Wanted::Field],
        true if is_one_of(&["dedup", "uniq", "sort", "top", "rare"]) => {
            vec![Wanted::Field, Wanted::Keyword(&["by"])]
        }
        _ => vec![Wanted::Field],
    }
}

/// In `stats` or `timechart`, before `by`.
fn in_aggregates(arguments: &[Piece<'_>]) -> Vec<Wanted> {
    match arguments.last().map(|last| last.kind) {
        None | Some(Kind::Comma) => vec![Wanted::Function],
        Some(Kind::Open) => vec![Wanted::Field],
        Some(Kind::Close) => vec![Wanted::Keyword(&["by", "as"])],
        Some(Kind::Word | Kind::Quoted) if arguments.iter().any(|piece| piece.kind == Kind::Operator) => {
            // `span=5m `
            vec![Wanted::Function, Wanted::Keyword(&["by"])]
        }
        Some(Kind::Word | Kind::Quoted) => vec![Wanted::Keyword(&["by", "as"])],
        Some(_) => Vec::new(),
    }
}

/// How well a name fits what is typed of it, in any case: the lower, the better; `None` when not at all. A name that
/// begins with it comes first, then one of which a part does, then one that has it in it.
#[must_use]
pub fn rank(name: &str, prefix: &str) -> Option<u8> {
    let (name, prefix) = (name.to_lowercase(), prefix.to_lowercase());
    let part = |separator: char| name.contains(&format!("{separator}{prefix}"));
    match name.find(&prefix) {
        Some(0) => Some(0),
        Some(_) if part('.') || part('_') => Some(1),
        Some(_) => Some(2),
        None => None,
    }
}

/// The short names of a field.
pub fn aliases_of(field: &str) -> impl Iterator<Item = &'static str> {
    aliases::all().iter().filter(move |(_, canonical)| *canonical == field).map(|(alias, _)| *alias)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop_assert, prop_oneof, proptest};

    use super::*;

    /// What is wanted, its prefix and what is replaced, for a text with the caret at `^`.
    fn at_caret(text: &str) -> String {
        let at = text.find('^').unwrap();
        let text = text.replacen('^', "", 1);
        let found = complete(&text, at);
        let wanted: Vec<String> = found
            .wanted
            .iter()
            .map(|wanted| match wanted {
                Wanted::Value(field) => format!("value {field}"),
                Wanted::Keyword(words) => words.join("/"),
                other => format!("{other:?}").to_lowercase(),
            })
            .collect();
        let Span { offset_bytes, length_bytes } = found.span;
        let replaced = &text[offset_bytes..offset_bytes + length_bytes];
        format!("{} <{}> {replaced}", wanted.join(", "), found.prefix)
    }

    #[test]
    fn what_may_stand_at_the_caret() {
        let rows = [
            ("^", "field, not <> "),
            ("lev^", "field, operator, not <lev> lev"),
            ("l^evel:error", "field, operator, not <l> level"),
            ("level^", "field, operator, not <level> level"),
            ("level:^", "value level <> "),
            ("level:err^or x", "value level <err> error"),
            ("level:\"a b^", "value level <a b> \"a b"),
            ("level:\"a^b\" x", "value level <a> \"ab\""),
            ("\"odd name\"=x^", "value odd name <x> x"),
            ("host!=we^", "value host <we> we"),
            ("level:(error or w^", "value level, and/or/not <w> w"),
            ("level:(error or ^)", "value level, and/or/not <> "),
            ("level in (error, ^", "value level, and/or/not <> "),
            ("level:(a or b) ^", "field, and/or/not/| <> "),
            ("(a or ^", "field, not <> "),
            ("not ^", "field, not <> "),
            ("-le^", "field, operator, not <le> le"),
            ("error ^", "field, and/or/not/| <> "),
            ("error o^", "field, operator, and/or/not <o> o"),
            ("12:30 ^", "field, and/or/not/| <> "),
            ("http://x ^", "field, and/or/not/| <> "),
            ("\"fail^", " <fail> \"fail"),
            ("/tim.*^/", "field, operator, not </tim.*> /tim.*/"),
            ("/tim.*/^", " <> "),
            ("path:/var/l^", "value path </var/l> /var/l"),
            ("é level:^", "value level <> "),
            ("|^", "pipe <> "),
            ("error | st^ats count()", "pipe <st> stats"),
            ("a || b^", "field, operator, not <b> b"),
            ("* | stats ^", "function <> "),
            ("* | stats co^", "function <co> co"),
            ("* | stats count(^", "field <> "),
            ("* | stats avg(du^)", "field <du> du"),
            ("* | stats count() ^", "by/as <> "),
            ("* | stats count(), p^", "function <p> p"),
            ("* | stats count() by se^", "field <se> se"),
            ("* | timechart span=5m ^", "function, by <> "),
            ("* | sort ^", "field <> "),
            ("* | sort n ^", "desc/asc, field <> "),
            ("* | top 10 ^", "field, by <> "),
            ("* | where level:^", "value level <> "),
            ("* | where a:1 and ^", "field, not <> "),
            ("* | limit ^", " <> "),
            ("* | parse ^", "json/logfmt <> "),
            ("* | eval x = du^", "field <du> du"),
            ("* | fields a, b^", "field <b> b"),
            ("\"a | b^", " <a | b> \"a | b"),
        ];
        for (text, expected) in rows {
            assert_eq!(at_caret(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_and_place_give_a_part_of_the_text(
            pieces in proptest::collection::vec(prop_oneof![
                proptest::sample::select(vec![
                    "(", ")", "\"", "'", "`", "/", "\\", ":", "=", "!=", ">", "*", "-", ",", "|", "||", " ", " ", "é",
                    "stats ", "sort ", "where ", " by ", " in ", "level", "count", "a/b", "12:30",
                ]).prop_map(str::to_owned),
                "\\PC{0,3}",
            ], 0..16),
            at in 0..64_usize,
        ) {
            let text = pieces.concat();
            let found = complete(&text, at);
            let end = found.span.offset_bytes + found.span.length_bytes;
            prop_assert!(text.get(found.span.offset_bytes..end).is_some());
            prop_assert!(found.span.offset_bytes <= at.min(text.len()));
        }
    }

    #[test]
    fn the_best_fit_comes_first() {
        let rows = [
            ("log.level", "LOG", Some(0)),
            ("log.level", "lev", Some(1)),
            ("user_name", "na", Some(1)),
            ("log.level", "eve", Some(2)),
            ("log.level", "x", None),
            ("log.level", "", Some(0)),
        ];
        for (name, prefix, expected) in rows {
            assert_eq!(rank(name, prefix), expected, "{name} {prefix}");
        }
    }

    #[test]
    fn every_name_that_is_offered_is_understood() {
        for name in pipe_names() {
            let problem = crate::parse(&format!("* | {name} x")).err();
            let unknown = problem.is_some_and(|error| error.code == crate::QueryErrorCode::UnknownPipe);
            assert!(!unknown, "{name}");
        }
        for name in function_names() {
            let problem = crate::parse(&format!("* | stats {name}(x)")).err();
            let unknown = problem.is_some_and(|error| error.code == crate::QueryErrorCode::UnknownFunction);
            assert!(!unknown, "{name}");
        }
    }
}

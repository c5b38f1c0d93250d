//! The functions of formulas: one line in [`ALL`] for each name. What they compute is in `eval/`.

use std::ops::RangeInclusive;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is described in LANGUAGE.md under its name")]
pub enum Function {
    If,
    Case,
    Coalesce,
    IsNull,
    IsNotNull,
    Lower,
    Upper,
    Len,
    Trim,
    Substr,
    Concat,
    Contains,
    StartsWith,
    EndsWith,
    Like,
    Matches,
    Replace,
    Cidr,
    ToNumber,
    ToText,
    ToTime,
    Round,
    Floor,
    Ceil,
    Abs,
    Sqrt,
    Power,
    Log,
    Ln,
    Exp,
    Min,
    Max,
    Bin,
    FormatTime,
    Now,
}

/// As many arguments as anyone writes; [`MAX_FORMULA_PARTS`](crate::limits::MAX_FORMULA_PARTS) is the limit.
const MANY: usize = usize::MAX;

/// Names, of which the first of a function is the canonical one, and how many arguments it takes.
const ALL: [(&str, Function, RangeInclusive<usize>); 50] = [
    ("if", Function::If, 3..=3),
    ("case", Function::Case, 2..=MANY),
    ("coalesce", Function::Coalesce, 1..=MANY),
    ("isnull", Function::IsNull, 1..=1),
    ("missing", Function::IsNull, 1..=1),
    ("isnotnull", Function::IsNotNull, 1..=1),
    ("exists", Function::IsNotNull, 1..=1),
    ("lower", Function::Lower, 1..=1),
    ("upper", Function::Upper, 1..=1),
    ("len", Function::Len, 1..=1),
    ("length", Function::Len, 1..=1),
    ("trim", Function::Trim, 1..=1),
    ("substr", Function::Substr, 2..=3),
    ("concat", Function::Concat, 1..=MANY),
    ("contains", Function::Contains, 2..=2),
    ("startswith", Function::StartsWith, 2..=2),
    ("starts_with", Function::StartsWith, 2..=2),
    ("endswith", Function::EndsWith, 2..=2),
    ("ends_with", Function::EndsWith, 2..=2),
    ("like", Function::Like, 2..=2),
    ("match", Function::Matches, 2..=2),
    ("matches", Function::Matches, 2..=2),
    ("replace", Function::Replace, 3..=3),
    ("cidr", Function::Cidr, 2..=2),
    ("cidrmatch", Function::Cidr, 2..=2),
    ("cidr_match", Function::Cidr, 2..=2),
    ("tonumber", Function::ToNumber, 1..=1),
    ("to_number", Function::ToNumber, 1..=1),
    ("tostring", Function::ToText, 1..=1),
    ("to_string", Function::ToText, 1..=1),
    ("totime", Function::ToTime, 1..=1),
    ("to_time", Function::ToTime, 1..=1),
    ("round", Function::Round, 1..=2),
    ("floor", Function::Floor, 1..=1),
    ("ceil", Function::Ceil, 1..=1),
    ("ceiling", Function::Ceil, 1..=1),
    ("abs", Function::Abs, 1..=1),
    ("sqrt", Function::Sqrt, 1..=1),
    ("pow", Function::Power, 2..=2),
    ("log", Function::Log, 1..=2),
    ("ln", Function::Ln, 1..=1),
    ("exp", Function::Exp, 1..=1),
    ("min", Function::Min, 1..=MANY),
    ("least", Function::Min, 1..=MANY),
    ("max", Function::Max, 1..=MANY),
    ("greatest", Function::Max, 1..=MANY),
    ("bin", Function::Bin, 2..=2),
    ("strftime", Function::FormatTime, 2..=2),
    ("format_time", Function::FormatTime, 2..=2),
    ("now", Function::Now, 0..=0),
];

impl Function {
    /// The function that is called so, in any case, and how many arguments it takes.
    pub(crate) fn called(name: &str) -> Option<(Function, RangeInclusive<usize>)> {
        let found = ALL.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))?;
        Some((found.1, found.2.clone()))
    }

    /// The canonical name.
    #[must_use]
    pub fn name(self) -> &'static str {
        ALL.iter().find(|(_, function, _)| *function == self).map_or("", |(name, ..)| name)
    }

    /// Every name of every function, for completions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ALL.iter().map(|(name, ..)| *name)
    }

    /// Whether its value is true or false.
    pub(crate) fn is_condition(self) -> bool {
        matches!(
            self,
            Function::IsNull
                | Function::IsNotNull
                | Function::Contains
                | Function::StartsWith
                | Function::EndsWith
                | Function::Like
                | Function::Matches
                | Function::Cidr
        )
    }
}

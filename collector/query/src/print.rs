//! AST to canonical text: one spelling for each meaning. Printing what was parsed from it gives the same text.

use std::fmt::{self, Display, Formatter};

use crate::Query;
use crate::ast::{
    AggCall, AggExpr, Condition, Expr, ExtractPattern, FieldExpr, KeyExpr, Length, Literal, Name, Piece,
    PipeExpr, SortExpr, TopExpr, Value, ValueKind,
};
use crate::formula::Formula;
use crate::names::{is_arithmetic, is_field_name, is_name_in_aggregate};
use crate::pipe::AggFunction;
use crate::syntax::is_misspelt_number;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let silent = self.filter == Expr::All && !self.pipes.is_empty();
        if !silent {
            write!(f, "{}", self.filter)?;
        }
        for (index, pipe) in self.pipes.iter().enumerate() {
            let bar = if silent && index == 0 { "| " } else { " | " };
            write!(f, "{bar}{pipe}")?;
        }
        Ok(())
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::All => f.write_str("*"),
            Expr::And(parts) => list(f, parts, " ", |f, part| match part {
                Expr::Or(_) => write!(f, "({part})"),
                _ => write!(f, "{part}"),
            }),
            Expr::Or(parts) => list(f, parts, " OR ", |f, part| write!(f, "{part}")),
            Expr::Not(part) => match **part {
                Expr::And(_) | Expr::Or(_) => write!(f, "NOT ({part})"),
                _ => write!(f, "NOT {part}"),
            },
            Expr::Any(value) => write!(f, "{value}"),
            Expr::Field(field) => write!(f, "{field}"),
        }
    }
}

impl Display for FieldExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.condition {
            Condition::Exists => write!(f, "{name}:*"),
            Condition::Has(value) => write!(f, "{name}:{value}"),
            Condition::Equals(value) => write!(f, "{name}={value}"),
            Condition::Differs(value) => write!(f, "{name}!={value}"),
            Condition::Compare(comparison, literal) => {
                write!(f, "{name}{}", comparison.as_str())?;
                bound(f, Some(literal))
            }
            Condition::Range { low, low_inclusive, high, high_inclusive } => {
                write!(f, "{name}:{}", if *low_inclusive { '[' } else { '{' })?;
                bound(f, low.as_ref())?;
                f.write_str(" TO ")?;
                bound(f, high.as_ref())?;
                f.write_str(if *high_inclusive { "]" } else { "}" })
            }
            Condition::In(values) => {
                write!(f, "{name} in (")?;
                list(f, values, ", ", |f, value| write!(f, "{value}"))?;
                f.write_str(")")
            }
            Condition::Length(Length { min, max: None }) => write!(f, "len({name})>={min}"),
            Condition::Length(Length { min, max: Some(max) }) if min == max => {
                write!(f, "len({name})={min}")
            }
            Condition::Length(Length { min, max: Some(max) }) => write!(f, "len({name}):[{min} TO {max}]"),
        }
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if is_field_name(&self.text) && !is_arithmetic(&self.text) && !is_reserved(&self.text) {
            f.write_str(&self.text)
        } else {
            quote(f, &self.text)
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ValueKind::Text(text) => write!(f, "{}", Text(text)),
            ValueKind::Pattern(pieces) => {
                for (index, piece) in pieces.iter().enumerate() {
                    match piece {
                        Piece::Literal(text) => escape(f, text, index == 0)?,
                        Piece::AnyRun => f.write_str("*")?,
                        Piece::AnyChar => f.write_str("?")?,
                    }
                }
                Ok(())
            }
            ValueKind::Regex { source, ignore_case } => {
                f.write_str("/")?;
                escape_regex(f, source)?;
                f.write_str(if *ignore_case { "/i" } else { "/" })
            }
        }
    }
}

impl Display for PipeExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            PipeExpr::Stats { aggs, by } => {
                f.write_str("stats ")?;
                list(f, aggs, ", ", |f, agg| write!(f, "{agg}"))?;
                by_clause(f, by, |f, key| write!(f, "{key}"))
            }
            PipeExpr::Timechart { step_ns, aggs, by, limit, other } => {
                f.write_str("timechart ")?;
                step_ns.map_or(Ok(()), |step_ns| write!(f, "span={} ", Step(step_ns)))?;
                limit.map_or(Ok(()), |limit| write!(f, "limit={limit} "))?;
                f.write_str(if *other { "" } else { "useother=false " })?;
                list(f, aggs, ", ", |f, agg| write!(f, "{agg}"))?;
                by_clause(f, by, |f, key| write!(f, "{key}"))
            }
            PipeExpr::Top(top) => write!(f, "top {top}"),
            PipeExpr::Rare(top) => write!(f, "rare {top}"),
            PipeExpr::Sort(keys) => {
                f.write_str("sort ")?;
                list(f, keys, ", ", |f, key| write!(f, "{key}"))
            }
            PipeExpr::Limit(rows) => write!(f, "limit {rows}"),
            PipeExpr::Fields { names, exclude } => {
                f.write_str("fields ")?;
                let sign = if *exclude { "-" } else { "" };
                list(f, names, ", ", |f, name| write!(f, "{sign}{name}"))
            }
            PipeExpr::Where(filter) => write!(f, "where {filter}"),
            PipeExpr::Dedup(names) => {
                f.write_str("dedup by ")?;
                list(f, names, ", ", |f, name| write!(f, "{name}"))
            }
            PipeExpr::Eval(fields) => {
                f.write_str("eval ")?;
                list(f, fields, ", ", |f, (name, formula)| write!(f, "{name} = {formula}"))
            }
            PipeExpr::Extract { pattern, from, .. } => {
                let (pipe, text) = match pattern {
                    ExtractPattern::Template(text) => ("extract ", text),
                    ExtractPattern::Regex(text) => ("rex ", text),
                };
                f.write_str(pipe)?;
                quote(f, &text.text)?;
                from.as_ref().map_or(Ok(()), |from| write!(f, " from {from}"))
            }
            PipeExpr::Parse { format, from, prefix, .. } => {
                write!(f, "parse {}", format.as_str())?;
                from.as_ref().map_or(Ok(()), |from| write!(f, " from {from}"))?;
                if prefix.is_empty() {
                    return Ok(());
                }
                f.write_str(" prefix ")?;
                quote(f, prefix)
            }
            PipeExpr::Rename(names) => {
                f.write_str("rename ")?;
                list(f, names, ", ", |f, (old, new)| write!(f, "{old} as {new}"))
            }
        }
    }
}

impl Display for TopExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.rows)?;
        list(f, &self.fields, ", ", |f, name| write!(f, "{name}"))
    }
}

impl Display for SortExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.name)
    }
}

impl Display for KeyExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            KeyExpr::Field(name) => write!(f, "{name}"),
            KeyExpr::Time(step_ns) => write!(f, "_time:{}", Step(*step_ns)),
            KeyExpr::Computed { formula, column, .. } => {
                write!(f, "{formula}")?;
                column.as_ref().map_or(Ok(()), |column| write!(f, " as {column}"))
            }
        }
    }
}

impl Display for AggExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.function)?;
        f.write_str("(")?;
        match &self.field {
            Some(field) if is_name_in_aggregate(&field.text) => write!(f, "{field}")?,
            Some(field) => quote(f, &field.text)?,
            None => {}
        }
        match &self.computed {
            None => {}
            Some(formula @ (Formula::Binary(..) | Formula::Call { .. })) => write!(f, "{formula}")?,
            // In parentheses, so that it is no name of a field.
            Some(formula) => write!(f, "({formula})")?,
        }
        f.write_str(")")?;
        self.column.as_ref().map_or(Ok(()), |column| write!(f, " as {column}"))
    }
}

impl Display for AggCall {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            AggCall::Of(function) => write!(f, "{function}"),
            AggCall::Rate => f.write_str("rate"),
        }
    }
}

/// The name without parentheses: `count`, `p99.9`.
impl Display for AggFunction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            AggFunction::Count => f.write_str("count"),
            AggFunction::Distinct => f.write_str("dc"),
            AggFunction::Sum => f.write_str("sum"),
            AggFunction::Avg => f.write_str("avg"),
            AggFunction::Min => f.write_str("min"),
            AggFunction::Max => f.write_str("max"),
            AggFunction::Deviation => f.write_str("stdev"),
            AggFunction::Values => f.write_str("values"),
            AggFunction::First => f.write_str("first"),
            AggFunction::Last => f.write_str("last"),
            // Percents are typed in decimal: a millionth is more than anyone types, and hides binary dust.
            AggFunction::Percentile(part) => write!(f, "p{}", (part * 100.0 * 1e6).round() / 1e6),
        }
    }
}

/// A text as a word if it reads back as the same text, else in quotes.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let starts = self.0.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@' | '/');
        if starts && self.0.chars().all(inside) && !is_reserved(self.0) {
            f.write_str(self.0)
        } else {
            quote(f, self.0)
        }
    }
}

fn bound(f: &mut Formatter<'_>, literal: Option<&Literal>) -> fmt::Result {
    match literal {
        Some(literal) if is_misspelt_number(&literal.text) => quote(f, &literal.text),
        Some(literal) => write!(f, "{}", Text(&literal.text)),
        None => f.write_str("*"),
    }
}

/// A duration in the largest unit that keeps it whole.
struct Step(i64);

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const UNITS: [(i64, &str); 7] = [
            (86_400_000_000_000, "d"),
            (3_600_000_000_000, "h"),
            (60_000_000_000, "m"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
            (1, "ns"),
        ];
        match UNITS.into_iter().find(|(ns, _)| self.0 % ns == 0) {
            Some((ns, unit)) => write!(f, "{}{unit}", self.0 / ns),
            None => write!(f, "{}ns", self.0),
        }
    }
}

/// Words that mean something where a name or a value may stand.
fn is_reserved(text: &str) -> bool {
    const WORDS: [&str; 21] = [
        "and",
        "or",
        "not",
        "in",
        "to",
        "by",
        "as",
        "asc",
        "desc",
        "span",
        "bin",
        "offset",
        "select",
        "from",
        "prefix",
        "result_prefix",
        "field",
        "input",
        "limit",
        "useother",
        "usenull",
    ];
    const IN_CAPITALS: [&str; 4] = ["IS", "LIKE", "RLIKE", "BETWEEN"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) || IN_CAPITALS.contains(&text)
}

/// Writes a text in quotes, escaped.
pub(crate) fn quote(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

/// A literal of a pattern: escaped is what would end the word, or mean something at its start.
fn escape(f: &mut Formatter<'_>, text: &str, starts_word: bool) -> fmt::Result {
    for (at, c) in text.char_indices() {
        let plain = c.is_alphanumeric() || matches!(c, '_' | '.');
        if plain || (matches!(c, '-' | '/' | '@') && (at > 0 || !starts_word)) {
            write!(f, "{c}")?;
        } else {
            write!(f, "\\{c}")?;
        }
    }
    Ok(())
}

/// A regular expression: `/` escaped, escapes as they are.
fn escape_regex(f: &mut Formatter<'_>, source: &str) -> fmt::Result {
    let mut escaped = false;
    for c in source.chars() {
        if c == '/' && !escaped {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
        escaped = c == '\\' && !escaped;
    }
    Ok(())
}

fn list<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    separator: &str,
    mut one: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        one(f, item)?;
    }
    Ok(())
}

fn by_clause<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    one: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    f.write_str(" by ")?;
    list(f, items, ", ", one)
}

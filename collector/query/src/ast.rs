//! The query as it was written: names, values and their places, with groups and lists already taken apart
//! where that changes nothing. Consumers other than the printer use what [`resolve`](crate::Query::resolve)
//! makes of it.
//!
//! As JSON (for editors) an enum is an object with one member, named after the variant, or its name alone.

use serde::Serialize;

use crate::error::Span;
use crate::formula::Formula;

/// A name of a field or column as typed, before aliases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Name {
    /// Unescaped.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A text that is compared, not searched for: a bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Literal {
    /// Unescaped.
    pub text: String,
    /// Where it stands, quotes included.
    pub span: Span,
}

/// A condition with its place in the text. `And` and `Or` are flat and have at least two parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expr {
    /// Nothing, or `*`.
    All,
    /// Terms side by side, or `AND`.
    And(Vec<Expr>),
    /// `OR`.
    Or(Vec<Expr>),
    /// `NOT`, `-` or `!`.
    Not(Box<Expr>),
    /// A value without a field.
    Any(Value),
    /// A value, range or list for a field.
    Field(FieldExpr),
}

/// `name op operand`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldExpr {
    /// The field, as typed.
    pub name: Name,
    /// What is asked of it.
    pub condition: Condition,
    /// From the name to the end of the operand. In a group, `f:(a or b)`, the part that is the operand.
    pub span: Span,
}

/// What is asked of a field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// `f:*`
    Exists,
    /// `f:v`
    Has(Value),
    /// `f=v`
    Equals(Value),
    /// `f!=v`
    Differs(Value),
    /// `f>v` and its kin.
    Compare(Comparison, Literal),
    /// `f:[a TO b]`; none where `*` stands.
    Range {
        /// Lower end.
        low: Option<Literal>,
        /// Whether the lower end is in it: `[`, not `{`.
        low_inclusive: bool,
        /// Upper end.
        high: Option<Literal>,
        /// Whether the upper end is in it: `]`, not `}`.
        high_inclusive: bool,
    },
    /// `f in (a, b)`: equal to one of them.
    In(Vec<Value>),
    /// `len(f)>5` and its kin.
    Length(Length),
}

/// How many characters a value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Length {
    /// At least so many.
    pub min: u64,
    /// At most so many; none means any number.
    pub max: Option<u64>,
}

/// The operators of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::More => ">",
            Comparison::AtLeast => ">=",
        }
    }
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Value {
    /// What it is.
    pub kind: ValueKind,
    /// Where it stands, quotes included.
    pub span: Span,
}

impl Value {
    /// A text that is searched for.
    pub(crate) fn text(literal: Literal) -> Value {
        Value { kind: ValueKind::Text(literal.text), span: literal.span }
    }
}

/// The kinds of values. Quotes make no difference to a text, except that `*` and `?` are themselves in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// A word or a quoted text, unescaped.
    Text(String),
    /// A word with `*` or `?`, or a quoted text followed by `*`.
    Pattern(Vec<Piece>),
    /// `/source/i`
    Regex {
        /// Between the slashes, `\/` unescaped.
        source: String,
        /// Whether `i` follows.
        ignore_case: bool,
    },
}

/// A part of a wildcard pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// This text; never empty, and never next to another literal.
    Literal(String),
    /// `*`; never next to another one.
    AnyRun,
    /// `?`
    AnyChar,
}

/// A pipe as written.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PipeExpr {
    /// `stats aggs by keys`
    Stats {
        /// At least one.
        aggs: Vec<AggExpr>,
        /// Group keys.
        by: Vec<KeyExpr>,
    },
    /// `timechart span=5m aggs by field`
    Timechart {
        /// Nanoseconds; none lets the range decide.
        step_ns: Option<i64>,
        /// At least one.
        aggs: Vec<AggExpr>,
        /// One series for each value.
        by: Vec<KeyExpr>,
        /// `limit=n`: the largest series; 0 for all, none for [`TIMECHART_SERIES`](crate::limits::TIMECHART_SERIES).
        limit: Option<u64>,
        /// Whether the others make one series: not after `useother=f`.
        other: bool,
    },
    /// `top 10 fields`
    Top(TopExpr),
    /// `rare 10 fields`
    Rare(TopExpr),
    /// `sort -a, b`
    Sort(Vec<SortExpr>),
    /// `limit n`
    Limit(u64),
    /// `fields a, b` or `fields -a, -b`
    Fields {
        /// At least one.
        names: Vec<Name>,
        /// Whether these are dropped, not kept.
        exclude: bool,
    },
    /// `where condition`
    Where(Expr),
    /// `dedup by a, b`
    Dedup(Vec<Name>),
    /// `eval a = b + 1, c = lower(d)`: each sees those before it. At least one.
    Eval(Vec<(Name, Formula)>),
    /// `extract "from <ip> port <port>" from message`, `rex field=message "(?<ip>…)"`
    Extract {
        /// With placeholders or named groups.
        pattern: ExtractPattern,
        /// The field; the message when none.
        from: Option<Name>,
        /// The whole pipe.
        span: Span,
    },
    /// `parse json from message prefix x.`
    Parse {
        /// What the text is.
        format: ParseFormat,
        /// The field; the message when none.
        from: Option<Name>,
        /// What the names of the fields begin with; empty for nothing.
        prefix: String,
        /// The whole pipe.
        span: Span,
    },
    /// `rename a as b, c as d`. At least one.
    Rename(Vec<(Name, Name)>),
}

/// What `extract` looks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtractPattern {
    /// Text with `<name>` in it.
    Template(Literal),
    /// A regular expression with named groups.
    Regex(Literal),
}

/// What `parse` takes apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParseFormat {
    /// One JSON object.
    Json,
    /// `key=value other="a b"`
    Logfmt,
}

impl ParseFormat {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ParseFormat::Json => "json",
            ParseFormat::Logfmt => "logfmt",
        }
    }
}

/// The arguments of `top` and `rare`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TopExpr {
    /// Rows wanted.
    pub rows: u64,
    /// Whose values are counted; at least one.
    pub fields: Vec<Name>,
}

/// An aggregate as written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AggExpr {
    /// What is computed.
    pub function: AggCall,
    /// From which field; none counts rows.
    pub field: Option<Name>,
    /// From what, when it is not a field as it stands: `avg(bytes / 1000)`, `count(status >= 500)`.
    pub computed: Option<Formula>,
    /// The name after `as`, or after the parenthesis.
    pub column: Option<Name>,
    /// The whole aggregate.
    pub span: Span,
}

impl AggExpr {
    /// What its column is called when it has no name: `avg(status)`, or `count` alone.
    #[must_use]
    pub fn plain_column(&self) -> String {
        let function = self.function;
        match (&self.field, &self.computed) {
            (_, Some(formula)) => format!("{function}({formula})"),
            (Some(field), None) => format!("{function}({})", field.text),
            (None, None) => function.to_string(),
        }
    }
}

/// The function of an aggregate as written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AggCall {
    /// One that stands for itself.
    Of(crate::pipe::AggFunction),
    /// `rate()`: rows a second, or with a field the sum of it a second.
    Rate,
}

/// As JSON, one that stands for itself is that.
impl Serialize for AggCall {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            AggCall::Of(function) => function.serialize(serializer),
            AggCall::Rate => serializer.serialize_str("rate"),
        }
    }
}

/// A group key as written.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyExpr {
    /// A field.
    Field(Name),
    /// `_time:5m` or `bin(5m)`, nanoseconds.
    Time(i64),
    /// `bin(bytes, 1000) as size`
    Computed {
        /// A call of a function, or a field or step of time that is called otherwise.
        formula: Formula,
        /// The name after `as`.
        column: Option<Name>,
        /// The formula.
        span: Span,
    },
}

/// A sort key as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SortExpr {
    /// A field, a column, or the text of an aggregate such as `count()`.
    pub name: Name,
    /// Largest first.
    pub descending: bool,
}

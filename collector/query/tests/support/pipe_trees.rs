//! Trees that a text can be parsed to, for the property tests: pipes and formulas.

use millpond_query::ast::{
    AggCall, AggExpr, ExtractPattern, KeyExpr, Literal, Name, ParseFormat, PipeExpr, SortExpr, TopExpr,
};
use millpond_query::formula::{Formula, Function, Operator};
use millpond_query::number::Number;
use millpond_query::{AggFunction, Span};
use proptest::prelude::*;

use crate::texts::hard_text;
use crate::trees::{literal, tree};

pub(crate) fn name() -> impl Strategy<Value = Name> {
    let odd = prop::sample::select(vec![
        "limit",
        "sort",
        "as",
        "by",
        "nulls",
        "last",
        "eval",
        "search",
        "count",
        "avg(x)",
        "a/5",
        "a/b",
        "x-request-id",
        "a-5",
        "5",
        "5m",
        "-a",
        "+a",
        "a+b",
        "usenull",
    ]);
    let text = prop_oneof![
        4 => "[a-z@_][a-z._-]{0,5}[a-z]",
        1 => hard_text().prop_filter("a name", |text| !text.is_empty()),
        1 => odd.prop_map(str::to_owned),
    ];
    text.prop_map(|text| Name { text, span: Span::default() })
}

fn number() -> impl Strategy<Value = Number> {
    let finite = any::<f64>().prop_filter("a number", |number| number.is_finite());
    prop_oneof![
        any::<i64>().prop_map(Number::I64),
        Just(Number::I64(i64::MIN)),
        (-9..9_i64).prop_map(Number::I64),
        finite.prop_map(Number::F64),
    ]
}

fn quantity() -> impl Strategy<Value = Literal> {
    let text = prop::sample::select(vec!["5ms", "1h30m", "10MB", "10M", "1.5KiB", "2d"]);
    text.prop_map(|text| Literal { text: text.to_owned(), span: Span::default() })
}

fn operator() -> impl Strategy<Value = Operator> {
    prop::sample::select(vec![
        Operator::Or,
        Operator::And,
        Operator::Equal,
        Operator::Differ,
        Operator::Less,
        Operator::AtMost,
        Operator::More,
        Operator::AtLeast,
        Operator::Add,
        Operator::Subtract,
        Operator::Join,
        Operator::Multiply,
        Operator::Divide,
        Operator::Remainder,
    ])
}

fn call_of(
    arguments: impl Strategy<Value = Formula> + Clone + 'static,
) -> impl Strategy<Value = Formula> + Clone {
    let functions = vec![
        (Function::Now, 0),
        (Function::Lower, 1),
        (Function::IsNull, 1),
        (Function::Bin, 2),
        (Function::Contains, 2),
        (Function::Round, 2),
        (Function::If, 3),
        (Function::Case, 4),
    ];
    prop::sample::select(functions).prop_flat_map(move |(function, count)| {
        prop::collection::vec(arguments.clone(), count).prop_map(move |arguments| Formula::Call {
            function,
            arguments,
            span: Span::default(),
        })
    })
}

/// A sign before a number is part of the number.
fn negated(formula: Formula) -> Formula {
    match formula {
        Formula::Number(_) => formula,
        formula => Formula::Negate(Box::new(formula)),
    }
}

pub(crate) fn formula() -> impl Strategy<Value = Formula> + Clone {
    let leaf = prop_oneof![
        1 => Just(Formula::Null),
        1 => any::<bool>().prop_map(Formula::Bool),
        3 => number().prop_map(Formula::Number),
        1 => quantity().prop_map(Formula::Quantity),
        2 => literal().prop_map(Formula::Text),
        4 => name().prop_map(Formula::Field),
    ];
    let tree = leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            1 => inner.clone().prop_map(negated),
            1 => inner.clone().prop_map(|part| Formula::Not(Box::new(part))),
            4 => (operator(), inner.clone(), inner.clone())
                .prop_map(|(operator, left, right)| Formula::Binary(operator, Box::new(left), Box::new(right))),
            2 => call_of(inner),
        ]
    });
    tree.boxed()
}

fn aggregate() -> impl Strategy<Value = AggExpr> {
    let functions = [
        AggFunction::Count,
        AggFunction::Distinct,
        AggFunction::Sum,
        AggFunction::Avg,
        AggFunction::Max,
        AggFunction::Values,
        AggFunction::First,
        AggFunction::Percentile(0.95),
    ];
    let functions = functions.map(AggCall::Of).into_iter().chain([AggCall::Rate]).collect::<Vec<_>>();
    let of = prop_oneof![
        Just((None, None)),
        name().prop_map(|name| (Some(name), None)),
        formula().prop_map(|formula| (None, Some(formula))),
    ];
    let named = (prop::sample::select(functions), of, prop::option::of(name()));
    named
        .prop_filter("needs a field", |(function, of, _)| match (function, of) {
            (_, (_, Some(Formula::Field(_)))) => false,
            (AggCall::Of(AggFunction::Count), (_, Some(Formula::Number(_)))) => false,
            (AggCall::Of(AggFunction::Count) | AggCall::Rate, _) => true,
            (_, (field, computed)) => field.is_some() || computed.is_some(),
        })
        .prop_map(|(function, (field, computed), column)| AggExpr {
            function,
            field,
            computed,
            column,
            span: Span::default(),
        })
}

fn key() -> impl Strategy<Value = KeyExpr> {
    let computed = |formula, column| KeyExpr::Computed { formula, column, span: Span::default() };
    let is_step = |formula: &Formula| formula.time_step_ns().is_some();
    prop_oneof![
        3 => name().prop_map(KeyExpr::Field),
        1 => (call_of(formula()).prop_filter("a step", move |call| !is_step(call)), prop::option::of(name()))
            .prop_map(move |(formula, column)| computed(formula, column)),
        1 => (name(), name()).prop_map(move |(field, column)| computed(Formula::Field(field), Some(column))),
    ]
}

fn step() -> impl Strategy<Value = KeyExpr> {
    let named = name().prop_map(|column| {
        let time = Formula::Field(Name { text: "_time".to_owned(), span: Span::default() });
        let step = Formula::Quantity(Literal { text: "1h30m".to_owned(), span: Span::default() });
        let formula =
            Formula::Call { function: Function::Bin, arguments: vec![time, step], span: Span::default() };
        KeyExpr::Computed { formula, column: Some(column), span: Span::default() }
    });
    prop_oneof![(1..9_000_000_000_000_000_i64).prop_map(KeyExpr::Time), named]
}

fn some<T: std::fmt::Debug>(one: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(one, 1..4)
}

/// The pipes that make fields.
fn making() -> impl Strategy<Value = PipeExpr> {
    let pattern =
        prop_oneof![literal().prop_map(ExtractPattern::Template), literal().prop_map(ExtractPattern::Regex),];
    let format = prop::sample::select(vec![ParseFormat::Json, ParseFormat::Logfmt]);
    let span = Span::default();
    prop_oneof![
        some((name(), formula())).prop_map(PipeExpr::Eval),
        (pattern, prop::option::of(name())).prop_map(move |(pattern, from)| PipeExpr::Extract {
            pattern,
            from,
            span
        }),
        (format, prop::option::of(name()), hard_text())
            .prop_map(move |(format, from, prefix)| PipeExpr::Parse { format, from, prefix, span }),
        some((name(), name())).prop_map(PipeExpr::Rename),
    ]
}

pub(crate) fn pipe() -> impl Strategy<Value = PipeExpr> {
    let top = || (1..9_u64, some(name())).prop_map(|(rows, fields)| TopExpr { rows, fields });
    let sort = (name(), any::<bool>()).prop_map(|(name, descending)| SortExpr { name, descending });
    let chart = (
        prop::option::of(1..9_000_000_000_000_000_i64),
        some(aggregate()),
        prop::collection::vec(key(), 0..3),
        prop::option::of(0..20_u64),
        any::<bool>(),
    );
    let keys = prop::collection::vec(prop_oneof![3 => key(), 1 => step()], 0..3);
    prop_oneof![
        (some(aggregate()), keys).prop_map(|(aggs, by)| PipeExpr::Stats { aggs, by }),
        chart.prop_map(|(step_ns, aggs, by, limit, other)| PipeExpr::Timechart {
            step_ns,
            aggs,
            by,
            limit,
            other
        }),
        top().prop_map(PipeExpr::Top),
        top().prop_map(PipeExpr::Rare),
        some(sort).prop_map(PipeExpr::Sort),
        (1..99_u64).prop_map(PipeExpr::Limit),
        (some(name()), any::<bool>()).prop_map(|(names, exclude)| PipeExpr::Fields { names, exclude }),
        tree().prop_map(PipeExpr::Where),
        some(name()).prop_map(PipeExpr::Dedup),
        making(),
    ]
}

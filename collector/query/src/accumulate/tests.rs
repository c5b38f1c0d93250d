//! Accumulators against the plain computation, in one part and in merged parts.

use proptest::prelude::*;

use super::{Accumulator, Sketch, hash};
use crate::number::Number;
use crate::pipe::{Agg, AggFunction};
use crate::scalar::Scalar;
use crate::table::Cell;

fn run(function: AggFunction, field: &str, values: &[Scalar<'_>]) -> Cell {
    let agg = Agg { function, field: Some(field.to_owned()), column: "x".to_owned() };
    let (left, right) = values.split_at(values.len() / 2);
    let mut whole = Accumulator::new(&agg);
    let mut parts = [Accumulator::new(&agg), Accumulator::new(&agg)];
    values.iter().for_each(|value| whole.add(*value));
    left.iter().for_each(|value| parts[0].add(*value));
    right.iter().for_each(|value| parts[1].add(*value));
    let [mut first, second] = parts;
    first.merge(&second);
    assert_eq!(first.finish(), whole.finish(), "{function:?} merged");
    whole.finish()
}

#[test]
fn results_by_kind_of_value() {
    use AggFunction::{Avg, Count, Distinct, Max, Min, Percentile, Sum};
    let (int, float, text) = (Scalar::I64, Scalar::F64, Scalar::Str);
    let big = int(9_007_199_254_740_993);
    let rows: &[(AggFunction, &[Scalar<'_>], Cell)] = &[
        (Count, &[], Cell::I64(0)),
        (Count, &[int(1), text("a"), Scalar::Bool(true)], Cell::I64(3)),
        (Distinct, &[int(5), float(5.0), text("5"), text("a"), text("a")], Cell::I64(3)),
        (Sum, &[], Cell::Null),
        (Sum, &[text("a"), Scalar::Bool(true)], Cell::Null),
        (Sum, &[big, int(1)], Cell::I64(9_007_199_254_740_994)),
        (Sum, &[int(i64::MAX), int(i64::MAX)], Cell::F64(1.844_674_407_370_955_2e19)),
        (Sum, &[int(1), float(0.5), text("2")], Cell::F64(3.5)),
        (Sum, &[float(1e16), float(1.0), float(-1e16)], Cell::F64(1.0)),
        (Avg, &[int(1), int(2)], Cell::F64(1.5)),
        (Avg, &[float(f64::NAN), int(2)], Cell::F64(2.0)),
        (Min, &[int(3), float(2.5), text("a")], Cell::F64(2.5)),
        (Max, &[int(3), float(2.5)], Cell::I64(3)),
        (Max, &[text("a"), text("b"), int(9)], Cell::Str("b".to_owned())),
        (Min, &[float(f64::NAN)], Cell::Null),
        (Percentile(0.5), &[], Cell::Null),
        (Percentile(0.5), &[int(7)], Cell::F64(7.0)),
        (Percentile(1.0), &[int(-7), int(0), int(7)], Cell::F64(7.0)),
        (Percentile(0.0), &[int(-7), int(0), int(7)], Cell::F64(-7.0)),
        (Percentile(0.5), &[int(-7), int(0), int(7)], Cell::F64(0.0)),
        (Percentile(1.0), &[float(0.5), text("9"), float(f64::NAN), Scalar::Bool(true)], Cell::F64(9.0)),
        (Percentile(0.0), &[float(0.5), text("a"), int(9)], Cell::F64(0.5)),
    ];
    for (function, values, expected) in rows {
        assert_eq!(run(*function, "f", values), *expected, "{function:?} of {values:?}");
    }
}

#[test]
fn extremes_of_times_are_times() {
    assert!(matches!(
        run(AggFunction::Max, "@timestamp", &[Scalar::I64(1), Scalar::I64(2)]),
        Cell::TimeNs(2)
    ));
}

#[test]
fn a_weight_is_as_many_values() {
    let agg = |function| Agg { function, field: Some("f".to_owned()), column: "x".to_owned() };
    for function in [AggFunction::Count, AggFunction::Sum, AggFunction::Avg, AggFunction::Percentile(0.9)] {
        let (mut once, mut each) = (Accumulator::new(&agg(function)), Accumulator::new(&agg(function)));
        once.add_weighted(Scalar::I64(4), 3);
        once.add_weighted(Scalar::I64(9), 0);
        (0..3).for_each(|_| each.add(Scalar::I64(4)));
        assert_eq!(once.finish(), each.finish(), "{function:?}");
    }
}

#[test]
fn a_distinct_count_says_when_it_is_full() {
    let mut distinct = super::Distinct::default();
    (0..crate::limits::MAX_DISTINCT as u64).for_each(|hash| distinct.add_hash(hash));
    distinct.add_hash(7);
    assert!(!distinct.is_full());
    distinct.add_hash(u64::MAX);
    assert!(distinct.is_full());
    assert_eq!(distinct.count(), crate::limits::MAX_DISTINCT);
}

#[test]
fn a_distinct_count_counts_each_hash_once() {
    let (mut distinct, mut other) = (super::Distinct::default(), super::Distinct::default());
    let mut expected = std::collections::BTreeSet::new();
    for at in 0..20_000_u64 {
        let hash = (at * at) % 7_919;
        if at % 3 == 0 {
            distinct.add_hash(hash)
        } else {
            other.add_hash(hash)
        }
        expected.insert(hash);
        if at % 4_999 == 0 {
            distinct.merge(&other);
            assert_eq!(distinct.count(), expected.len(), "{at}");
        }
    }
    other.merge(&distinct);
    assert_eq!((other.count(), other.is_full()), (expected.len(), false));
}

#[test]
fn a_sketch_stays_bounded() {
    let mut sketch = Sketch::default();
    (-300..300)
        .for_each(|exponent| (1..40).for_each(|n| sketch.add(f64::from(n) * 10_f64.powi(exponent), 1)));
    assert!(sketch.heap_bytes() < 24 * (crate::limits::MAX_SKETCH_BUCKETS + 1));
    let largest = sketch.quantile(1.0).expect("there are numbers");
    assert!((largest / 3.9e300 - 1.0).abs() < 0.01);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn percentiles_are_within_one_percent(
        mut numbers in prop::collection::vec(prop_oneof![-1e6..1e6_f64, 0.001..10.0_f64], 1..300),
        part in 0.0..=1.0_f64,
    ) {
        let mut sketch = Sketch::default();
        numbers.iter().for_each(|number| sketch.add(*number, 1));
        numbers.sort_by(f64::total_cmp);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank below 300")]
        let exact = numbers[(part * (numbers.len() - 1) as f64).floor() as usize];
        let found = sketch.quantile(part).expect("there are numbers");
        prop_assert!((found - exact).abs() <= exact.abs() * 0.01 + 1e-9, "{} for {}", found, exact);
    }

    #[test]
    fn equal_numbers_hash_alike(whole in any::<i64>()) {
        let float = Number::I64(whole).as_f64();
        let equal = Number::I64(whole) == Number::F64(float);
        prop_assert_eq!(hash(Scalar::I64(whole)) == hash(Scalar::F64(float)), equal);
    }
}

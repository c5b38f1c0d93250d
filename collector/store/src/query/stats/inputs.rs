//! The fields that aggregates read, within one split: values counted by group and number, and numbers that come
//! in millions of different values accumulated as they come.

use millpond_query::accumulate::Accumulator;
use millpond_query::{Agg, AggFunction, Room, Scalar};

use super::group_by::GroupBy;
use crate::query::meter::{Halt, Meter};
use crate::query::values::field_keys::{FieldKeys, Pairs, REFUSED};
use crate::query::values::tally::Tally;
use crate::query::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;

/// Values that are added to groups between two looks at the budget: some milliseconds.
const READ_STEP: usize = 1 << 18;

/// Numbers that are accumulated at least between two looks at the memory of all groups.
const MEASURE_STEP: usize = 1 << 20;

/// One field, for all aggregates of it.
pub(crate) struct Input<'s> {
    keys: FieldKeys<'s>,
    tally: Tally,
    values: Pairs,
    states: Vec<State<'s>>,
    /// By group, then by state: the numbers that are not worth counting by value.
    numbers: Vec<Vec<Accumulator>>,
    /// Their memory when it was last looked at, and how many numbers were accumulated since.
    numbers_bytes: usize,
    unmeasured: usize,
}

/// Aggregates that one accumulator serves: the percentiles of a field have one sketch.
struct State<'s> {
    agg: &'s Agg,
    /// Among all aggregates.
    places: Vec<usize>,
}

/// The fields of all aggregates.
pub(crate) fn inputs<'s>(aggs: &'s [Agg], split: &'s Split) -> Result<Vec<Input<'s>>, Halt> {
    let mut names: Vec<&str> = aggs.iter().filter_map(|agg| agg.field.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| Input::new(name, aggs, split)).collect()
}

fn states<'s>(name: &str, aggs: &'s [Agg]) -> Vec<State<'s>> {
    let percentile = |agg: &Agg| matches!(agg.function, AggFunction::Percentile(_));
    let mut states: Vec<State<'s>> = Vec::new();
    for (place, agg) in aggs.iter().enumerate().filter(|(_, agg)| agg.field.as_deref() == Some(name)) {
        match states.iter_mut().find(|state| percentile(agg) && percentile(state.agg)) {
            Some(state) => state.places.push(place),
            None => states.push(State { agg, places: vec![place] }),
        }
    }
    states
}

impl<'s> Input<'s> {
    fn new(name: &'s str, aggs: &'s [Agg], split: &'s Split) -> Result<Self, Halt> {
        let keys = FieldKeys::new(name, split)?.leaving_numbers();
        let (tally, states) = (Tally::new(keys.known()), states(name, aggs));
        let (values, numbers) = (Pairs::new(), Vec::new());
        Ok(Self { keys, tally, values, states, numbers, numbers_bytes: 0, unmeasured: 0 })
    }

    /// Takes the values of the documents in `bits`, which `groups` has just grouped.
    pub(crate) fn read(
        &mut self,
        view: &ZoneView<'_>,
        bits: &Bits,
        groups: &GroupBy<'_>,
        meter: &Meter<'_>,
    ) -> Result<(), Halt> {
        let Self { keys, tally, values, states, numbers, .. } = self;
        keys.read(view, bits, false, values)?;
        // Arrays make many of few documents.
        let (mut added, mut go_on) = (0, Ok(()));
        let mut check = |more: usize| {
            added += more;
            if added >= READ_STEP {
                (added, go_on) = (0, meter.check());
            }
            go_on.is_ok()
        };
        for (at, number) in values.iter().filter(|(_, number)| *number != REFUSED) {
            if !check(groups.count_at(*at)) {
                break;
            }
            groups.for_each_group(*at, |group| tally.add(group, *number));
        }
        let mut accumulated = 0;
        let mut add = |group: usize, value: Scalar<'_>| {
            accumulated += 1;
            match value {
                Scalar::F64(number) => add_number(states, numbers, group, number, Scalar::F64),
                Scalar::I64(number) => add_number(states, numbers, group, number, Scalar::I64),
                other => numbers_of(states, numbers, group).iter_mut().for_each(|result| result.add(other)),
            }
        };
        if let Some(cells) = groups.cells() {
            keys.for_each_number(view, bits, |at, value| add(cells.of(at), value));
        } else {
            keys.for_each_number(view, bits, |at, value| {
                if check(groups.count_at(at)) {
                    groups.for_each_group(at, |group| add(group, value));
                }
            });
        }
        go_on?;
        self.measure(accumulated);
        Ok(())
    }

    /// Looks at the memory of the numbers, from time to time: that takes a look at every group.
    fn measure(&mut self, accumulated: usize) {
        self.unmeasured += accumulated * self.states.len();
        if self.unmeasured < MEASURE_STEP.max(self.numbers.len()) {
            return;
        }
        let of_group = |results: &Vec<Accumulator>| {
            let own = size_of::<Vec<Accumulator>>() + size_of_val(results.as_slice());
            own + results.iter().map(Accumulator::heap_bytes).sum::<usize>()
        };
        (self.unmeasured, self.numbers_bytes) = (0, self.numbers.iter().map(of_group).sum());
    }

    /// Memory on the heap that grows with values, bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.tally.heap_bytes() + self.keys.heap_bytes() + self.numbers_bytes
    }

    /// True when values have the same numbers in every reader of the split.
    pub(crate) fn numbers_agree(&self) -> bool {
        self.keys.numbers_agree()
    }

    /// Adds what another reader of the split has taken, when numbers of values and groups agree.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.tally.absorb(&other.tally);
        for (group, results) in other.numbers.iter().enumerate().filter(|(_, results)| !results.is_empty()) {
            let own = numbers_of(&self.states, &mut self.numbers, group);
            own.iter_mut().zip(results).for_each(|(own, result)| own.merge(result));
        }
    }

    /// Adds everything to the accumulators of all aggregates, by group, while there is room.
    pub(crate) fn finish(&self, groups: &mut [Vec<Accumulator>], room: &mut Room) -> Result<(), Halt> {
        for (group, results) in groups.iter_mut().zip(&self.numbers) {
            for (state, result) in self.states.iter().zip(results) {
                for place in &state.places {
                    if let Some(merged) = group.get_mut(*place)
                        && !room.is_full()
                    {
                        room.change(merged, |merged| merged.merge(result));
                    }
                }
            }
        }
        let places: Vec<usize> = self.states.iter().flat_map(|state| state.places.iter().copied()).collect();
        let beside = self.tally.beside_table();
        let mut beside = beside.iter().peekable();
        self.keys.for_each(&self.tally.numbers(), &mut |number, value| {
            let mut add = |group: usize, count| {
                let Some(group) = groups.get_mut(group).filter(|_| !room.is_full()) else { return };
                for place in &places {
                    if let Some(result) = group.get_mut(*place) {
                        room.change(result, |result| result.add_weighted(value, count));
                    }
                }
            };
            self.tally.in_table(number, &mut add);
            while beside.next_if(|(other, ..)| *other < number).is_some() {}
            while let Some((_, group, count)) = beside.next_if(|(other, ..)| *other == number) {
                add(*group, *count);
            }
        })
    }
}

/// The accumulators of a group, made when they are first used.
fn numbers_of<'a>(
    states: &[State<'_>],
    numbers: &'a mut Vec<Vec<Accumulator>>,
    group: usize,
) -> &'a mut [Accumulator] {
    if numbers.len() <= group {
        numbers.resize_with(group + 1, Vec::new);
    }
    let Some(results) = numbers.get_mut(group) else { return &mut [] };
    if results.is_empty() {
        results.extend(states.iter().map(|state| Accumulator::new(state.agg)));
    }
    results
}

/// Adds a number that comes in a register. As a [`Scalar`] it would come in memory, written in two parts and read in
/// one, for which processors wait; and what is called here is not copied into each loop over a column.
#[inline(never)]
fn add_number<T: Copy>(
    states: &[State<'_>],
    numbers: &mut Vec<Vec<Accumulator>>,
    group: usize,
    number: T,
    scalar: impl Fn(T) -> Scalar<'static>,
) {
    let results = match numbers.get_mut(group) {
        Some(results) if !results.is_empty() => results,
        _ => numbers_of(states, numbers, group),
    };
    results.iter_mut().for_each(|result| result.add(scalar(number)));
}

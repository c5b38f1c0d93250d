//! Several collectors' positions of this agent's streams made into one list. Pure.
//!
//! With failover, what one of them has is done: the furthest position counts. With a mirror all must have it: the
//! nearest counts, and what a collector doesn't know it gets from the beginning; each drops what it has. For that the
//! furthest is told, too: see [`crate::tail::sent`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use millpond_wire::position::{StreamId, StreamPosition};

use super::route::Mode;
use crate::limits;
use crate::tail::identity::{Identity, Mark};
use crate::tail::sent::Known;

/// Positions of one collector; `None`: it has not answered.
pub type Answer = Option<Vec<StreamPosition>>;

/// True when no more is waited for. `is_intact`: the agent's own positions are in order.
pub fn is_enough(mode: Mode, answers: &[Answer], is_intact: bool, waited_ms: u64) -> bool {
    let answered = answers.iter().flatten().count();
    if answered == answers.len() {
        return true;
    }
    match mode {
        _ if is_intact => waited_ms >= limits::POSITIONS_SECONDS * 1_000,
        // What only a dead collector has is sent again; that nothing is sent would be worse.
        Mode::Failover => answered > 0 && waited_ms >= limits::POSITIONS_OTHERS_SECONDS * 1_000,
        Mode::Mirror => false,
    }
}

/// One list. Of a mirror that did not answer in full there is none: the agent's own positions hold.
pub fn merge(mode: Mode, answers: Vec<Answer>) -> Vec<Known> {
    let count = answers.len();
    let lists: Vec<_> = answers.into_iter().flatten().collect();
    if mode == Mode::Mirror && lists.len() < count {
        return Vec::new();
    }
    let mut merged: HashMap<StreamId, (Known, usize)> = HashMap::new();
    for position in lists.into_iter().flatten() {
        match merged.entry(position.stream) {
            Entry::Vacant(entry) => {
                let furthest = position.offset;
                entry.insert((Known { position, furthest }, 1));
            }
            Entry::Occupied(mut entry) => {
                let (known, count) = entry.get_mut();
                *count += 1;
                known.furthest = known.furthest.max(position.offset);
                let is_better = match mode {
                    Mode::Failover => position.offset > known.position.offset,
                    Mode::Mirror => position.offset < known.position.offset,
                };
                if is_better {
                    known.position = position;
                }
            }
        }
    }
    let from_its_start = |(known, answers): (Known, usize)| {
        let is_everywhere = mode == Mode::Failover || answers == count;
        if is_everywhere { known } else { Known { position: at_start(known.position), ..known } }
    };
    merged.into_values().map(from_its_start).collect()
}

/// The same stream, nothing of which was shipped. A state that isn't understood stays, and is told of later.
fn at_start(position: StreamPosition) -> StreamPosition {
    let Ok(mut identity) = position.state.parse::<Identity>() else { return position };
    let Mark { offset, tail_len, tail_hash } = Mark::start();
    identity.tail = (tail_len, tail_hash);
    StreamPosition { offset, state: identity.to_string(), ..position }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "1 1 2 3 00000000000000000000000000000004 5 0000000000000006 0 7 /a";

    fn at(stream: u64, offset: u64) -> StreamPosition {
        StreamPosition { stream: StreamId(stream), offset, state: STATE.into() }
    }

    fn merged(mode: Mode, answers: Vec<Answer>) -> Vec<(u64, u64, u64)> {
        let told = |known: Known| (known.position.stream.0, known.position.offset, known.furthest);
        let mut list: Vec<_> = merge(mode, answers).into_iter().map(told).collect();
        list.sort_unstable();
        list
    }

    #[test]
    fn lists_are_merged() {
        use Mode::{Failover, Mirror};
        let a = || Some(vec![at(1, 10), at(2, 20), at(3, 30)]);
        let b = || Some(vec![at(1, 15), at(2, 5)]);
        let rows = [
            (Failover, vec![a()], vec![(1, 10, 10), (2, 20, 20), (3, 30, 30)]),
            (Mirror, vec![a()], vec![(1, 10, 10), (2, 20, 20), (3, 30, 30)]),
            (Failover, vec![a(), b()], vec![(1, 15, 15), (2, 20, 20), (3, 30, 30)]),
            (Failover, vec![None, b()], vec![(1, 15, 15), (2, 5, 5)]),
            (Mirror, vec![a(), b()], vec![(1, 10, 15), (2, 5, 20), (3, 0, 30)]),
            (Mirror, vec![b(), a()], vec![(1, 10, 15), (2, 5, 20), (3, 0, 30)]),
            (Mirror, vec![a(), Some(vec![])], vec![(1, 0, 10), (2, 0, 20), (3, 0, 30)]),
            (Mirror, vec![a(), None], vec![]),
            (Failover, vec![None], vec![]),
        ];
        for (row, (mode, answers, expected)) in rows.into_iter().enumerate() {
            assert_eq!(merged(mode, answers), expected, "row {row}");
        }
    }

    #[test]
    fn a_stream_from_its_start_is_still_recognised() {
        let position = at_start(at(3, 30));
        let identity: Identity = position.state.parse().unwrap();
        assert_eq!(identity.mark(position.offset), Mark::start());
        assert_eq!(identity.head, STATE.parse::<Identity>().unwrap().head);
        let odd = StreamPosition { state: "odd".into(), ..at(3, 30) };
        assert_eq!(at_start(odd.clone()), odd);
    }

    #[test]
    fn how_long_answers_are_waited_for() {
        use Mode::{Failover, Mirror};
        let lists = |answered: usize, count: usize| -> Vec<Answer> {
            (0..count).map(|index| (index < answered).then(Vec::new)).collect()
        };
        let rows = [
            (Failover, 0, 1, false, u64::MAX, false),
            (Failover, 1, 1, false, 0, true),
            (Failover, 0, 1, true, 4_999, false),
            (Failover, 0, 1, true, 5_000, true),
            (Failover, 1, 2, false, 59_999, false),
            (Failover, 1, 2, false, 60_000, true),
            (Failover, 0, 2, false, u64::MAX, false),
            (Mirror, 1, 2, false, u64::MAX, false),
            (Mirror, 1, 2, true, 5_000, true),
            (Mirror, 2, 2, false, 0, true),
        ];
        for (mode, answered, count, is_intact, waited_ms, expected) in rows {
            let enough = is_enough(mode, &lists(answered, count), is_intact, waited_ms);
            assert_eq!(enough, expected, "{mode:?} {answered}/{count} {is_intact} {waited_ms}");
        }
    }
}

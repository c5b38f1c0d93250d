//! All generations, with the three ways to find one: by inode, by path, by the head of a file. Keeps the
//! indexes true; decides nothing.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use millpond_wire::position::StreamId;

use crate::tail::generation::{Generation, Life};
use crate::tail::identity::{Head, Inode};

/// See the module.
#[derive(Debug, Default)]
pub struct Table {
    generations: HashMap<StreamId, Generation>,
    /// Of generations that have a file or may have one again. Several may be remembered under one inode.
    by_inode: HashMap<Inode, Vec<StreamId>>,
    by_path: HashMap<PathBuf, StreamId>,
    /// By length, then by hash, so that a file's head is hashed once for each length that occurs.
    by_head: BTreeMap<u16, HashMap<u128, Vec<StreamId>>>,
}

impl Table {
    /// Adds a generation under a stream id that isn't in use.
    pub fn insert(&mut self, stream: StreamId, generation: Generation) {
        self.index_head(stream, generation.head);
        self.by_inode.entry(generation.inode).or_default().push(stream);
        if generation.life == Life::Live {
            self.by_path.insert(generation.path.clone(), stream);
        }
        self.generations.insert(stream, generation);
    }

    /// Forgets a generation.
    pub fn remove(&mut self, stream: StreamId) -> Option<Generation> {
        let generation = self.generations.remove(&stream)?;
        self.unindex_inode(stream, generation.inode);
        self.unindex_path(stream, &generation.path);
        self.unindex_head(stream, generation.head);
        Some(generation)
    }

    /// By id.
    pub fn get(&self, stream: StreamId) -> Option<&Generation> {
        self.generations.get(&stream)
    }

    /// By id. Inode, path, life and head must be changed through the table.
    pub fn get_mut(&mut self, stream: StreamId) -> Option<&mut Generation> {
        self.generations.get_mut(&stream)
    }

    /// The one whose file this is, if it is there.
    pub fn live_at(&self, inode: Inode) -> Option<StreamId> {
        let has_file = |stream: &StreamId| {
            self.get(*stream).is_some_and(|generation| matches!(generation.life, Life::Live | Life::Deleted))
        };
        self.by_inode.get(&inode)?.iter().copied().find(has_file)
    }

    /// Those that are remembered with this inode and have no file yet, the furthest read first.
    pub fn dormant_at(&self, inode: Inode) -> Vec<StreamId> {
        let of_inode = self.by_inode.get(&inode).map(Vec::as_slice).unwrap_or_default();
        let dormant = of_inode.iter().filter_map(|stream| Some((*stream, self.get(*stream)?)));
        let mut dormant: Vec<_> =
            dormant.filter(|(_, generation)| generation.life == Life::Dormant).collect();
        dormant.sort_by_key(|(_, generation)| std::cmp::Reverse(generation.read.offset));
        dormant.into_iter().map(|(stream, _)| stream).collect()
    }

    /// The live one with this name.
    pub fn at_path(&self, path: &Path) -> Option<StreamId> {
        self.by_path.get(path).copied()
    }

    /// Those whose file begins the way a file with these first bytes does.
    pub fn with_head_of(&self, start: &[u8]) -> Vec<StreamId> {
        let mut found = Vec::new();
        for (len, by_hash) in &self.by_head {
            let Some(start) = start.get(..usize::from(*len)).filter(|start| !start.is_empty()) else {
                continue;
            };
            found.extend(by_hash.get(&Head::of(start).hash).into_iter().flatten());
        }
        found
    }

    /// Gives a generation a file: a new one, its old one under a new name, or a copy.
    pub fn place(&mut self, stream: StreamId, inode: Inode, path: &Path) {
        let Some(generation) = self.generations.get_mut(&stream) else { return };
        let (old_inode, old_path) =
            (generation.inode, std::mem::replace(&mut generation.path, path.to_owned()));
        generation.inode = inode;
        generation.life = Life::Live;
        self.unindex_inode(stream, old_inode);
        self.unindex_path(stream, &old_path);
        self.by_inode.entry(inode).or_default().push(stream);
        self.by_path.insert(path.to_owned(), stream);
    }

    /// Changes a life to one without a name. A cut generation also loses its inode: it is another's now.
    pub fn set_life(&mut self, stream: StreamId, life: Life) {
        let Some(generation) = self.generations.get_mut(&stream) else { return };
        generation.life = life;
        let (inode, path) = (generation.inode, generation.path.clone());
        if life != Life::Live {
            self.unindex_path(stream, &path);
        }
        if matches!(life, Life::Cut { .. }) {
            self.unindex_inode(stream, inode);
        }
    }

    /// Replaces the head by a longer one of the same file.
    pub fn set_head(&mut self, stream: StreamId, head: Head) {
        let Some(generation) = self.generations.get_mut(&stream) else { return };
        let old = std::mem::replace(&mut generation.head, head);
        self.unindex_head(stream, old);
        self.index_head(stream, head);
    }

    /// All, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (StreamId, &Generation)> {
        self.generations.iter().map(|(stream, generation)| (*stream, generation))
    }

    /// All, in no order; see [`Self::get_mut`].
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (StreamId, &mut Generation)> {
        self.generations.iter_mut().map(|(stream, generation)| (*stream, generation))
    }

    /// The ids for which `wanted` holds: a list of its own, so that the table may be changed along it.
    pub fn streams(&self, wanted: impl Fn(&Generation) -> bool) -> Vec<StreamId> {
        self.iter().filter(|(_, generation)| wanted(generation)).map(|(stream, _)| stream).collect()
    }

    /// Number of generations.
    pub fn len(&self) -> usize {
        self.generations.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.generations.is_empty()
    }

    fn index_head(&mut self, stream: StreamId, head: Head) {
        self.by_head.entry(head.len).or_default().entry(head.hash).or_default().push(stream);
    }

    fn unindex_head(&mut self, stream: StreamId, head: Head) {
        let Some(by_hash) = self.by_head.get_mut(&head.len) else { return };
        if let Some(streams) = by_hash.get_mut(&head.hash) {
            streams.retain(|other| *other != stream);
            if streams.is_empty() {
                by_hash.remove(&head.hash);
            }
        }
        if by_hash.is_empty() {
            self.by_head.remove(&head.len);
        }
    }

    fn unindex_inode(&mut self, stream: StreamId, inode: Inode) {
        let Some(streams) = self.by_inode.get_mut(&inode) else { return };
        streams.retain(|other| *other != stream);
        if streams.is_empty() {
            self.by_inode.remove(&inode);
        }
    }

    /// Another generation may have taken the name already.
    fn unindex_path(&mut self, stream: StreamId, path: &Path) {
        if self.by_path.get(path) == Some(&stream) {
            self.by_path.remove(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tail::identity::Mark;

    fn inode(number: u64) -> Inode {
        Inode { device: 1, number }
    }

    fn generation(number: u64, path: &str, start: &[u8]) -> Generation {
        Generation::new(0, Path::new(path), inode(number), Head::of(start), Mark::start(), 0)
    }

    #[test]
    fn every_index_follows() {
        let (a, b) = (StreamId(1), StreamId(2));
        let mut table = Table::default();
        table.insert(a, generation(10, "/a", b"head of a"));
        assert_eq!(table.live_at(inode(10)), Some(a));
        assert_eq!(table.at_path(Path::new("/a")), Some(a));
        assert_eq!(table.with_head_of(b"head of a, and more"), [a]);

        // Renamed; another file takes its name.
        table.place(a, inode(10), Path::new("/a.1"));
        table.insert(b, generation(11, "/a", b"head of b"));
        assert_eq!((table.at_path(Path::new("/a")), table.at_path(Path::new("/a.1"))), (Some(b), Some(a)));

        // Cut: its inode and name are another's now, its head still finds copies.
        table.set_life(a, Life::Cut { since_ms: 0 });
        assert_eq!((table.live_at(inode(10)), table.at_path(Path::new("/a.1"))), (None, None));
        assert_eq!(table.with_head_of(b"head of a"), [a]);
        table.place(a, inode(12), Path::new("/a.copy"));
        assert_eq!(table.live_at(inode(12)), Some(a));

        table.set_head(a, Head::of(b"head of a, and more"));
        assert!(table.with_head_of(b"head of a").is_empty());
        table.remove(a);
        table.remove(b);
        assert!(
            table.is_empty()
                && table.by_inode.is_empty()
                && table.by_path.is_empty()
                && table.by_head.is_empty()
        );
    }

    #[test]
    fn several_may_be_remembered_with_one_inode() {
        let mut table = Table::default();
        for (stream, offset) in [(1, 5), (2, 50)] {
            let mut generation = generation(10, "/a", b"x");
            generation.life = Life::Dormant;
            generation.read.offset = offset;
            table.insert(StreamId(stream), generation);
        }
        assert_eq!(table.dormant_at(inode(10)), [StreamId(2), StreamId(1)]);
        assert_eq!(table.live_at(inode(10)), None);
    }
}

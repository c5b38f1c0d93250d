//! The line for query threads, fair between clients: they take turns, whatever each has in line. A client with a
//! hundred requests and one with a single request are served alternately, and when the line is full, the one with the
//! most in line has to give a place up. Pure: who waits for what is the caller's business.

use std::collections::VecDeque;
use std::sync::Arc;

/// Those who wait, by client. Only clients that have something in line are in it.
#[derive(Debug)]
pub(super) struct Line<T> {
    /// In the order in which they are served next.
    clients: VecDeque<Client<T>>,
    waiting: usize,
    places: usize,
}

#[derive(Debug)]
struct Client<T> {
    name: Arc<str>,
    /// First come, first served.
    line: VecDeque<T>,
}

impl<T> Line<T> {
    /// A line with so many places.
    pub(super) fn new(places: usize) -> Self {
        Self { clients: VecDeque::new(), waiting: 0, places }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting
    }

    /// Puts one in line. When the line is full, gives back who has no place: the last of the client with the most
    /// in line, or the newcomer.
    pub(super) fn enter(&mut self, name: &Arc<str>, newcomer: T) -> Option<T> {
        let mut turned_away = None;
        if self.waiting >= self.places {
            let own = self.clients.iter().find(|client| client.name == *name);
            let own = own.map_or(0, |client| client.line.len());
            let longest = self.clients.iter_mut().max_by_key(|client| client.line.len());
            let Some(longest) = longest.filter(|longest| longest.line.len() > own + 1) else {
                return Some(newcomer);
            };
            turned_away = longest.line.pop_back();
            self.waiting -= 1;
        }
        self.waiting += 1;
        match self.clients.iter_mut().find(|client| client.name == *name) {
            Some(client) => client.line.push_back(newcomer),
            None => {
                self.clients.push_back(Client { name: Arc::clone(name), line: VecDeque::from([newcomer]) })
            }
        }
        turned_away
    }

    /// Takes the next: the first of the client whose turn it is.
    pub(super) fn next(&mut self) -> Option<T> {
        let mut client = self.clients.pop_front()?;
        let next = client.line.pop_front();
        self.waiting -= usize::from(next.is_some());
        if !client.line.is_empty() {
            self.clients.push_back(client);
        }
        next
    }

    /// Takes those out of line that are meant.
    pub(super) fn leave(&mut self, mut is_meant: impl FnMut(&T) -> bool) {
        for client in &mut self.clients {
            client.line.retain(|waiter| !is_meant(waiter));
        }
        self.clients.retain(|client| !client.line.is_empty());
        self.waiting = self.clients.iter().map(|client| client.line.len()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets them enter, written as client and number; who was turned away, and who is served in which order.
    fn serve(places: usize, entering: &str) -> (String, String) {
        let mut line = Line::new(places);
        let mut turned_away = Vec::new();
        for word in entering.split(' ') {
            turned_away.extend(line.enter(&word[..1].into(), word));
        }
        assert!(line.len() <= places);
        let served = std::iter::from_fn(|| line.next()).collect::<Vec<_>>();
        assert_eq!(line.len(), 0);
        (turned_away.join(" "), served.join(" "))
    }

    #[test]
    fn clients_take_turns_and_the_longest_line_gives_way() {
        let rows = [
            (9, "a1 a2 a3", "", "a1 a2 a3"),
            (9, "a1 a2 a3 b1", "", "a1 b1 a2 a3"),
            (9, "a1 a2 b1 b2 c1", "", "a1 b1 c1 a2 b2"),
            (3, "a1 a2 a3 a4", "a4", "a1 a2 a3"),
            (3, "a1 a2 a3 b1", "a3", "a1 b1 a2"),
            (3, "a1 a2 a3 b1 b2", "a3 b2", "a1 b1 a2"),
            (3, "a1 b1 c1 d1", "d1", "a1 b1 c1"),
            (4, "a1 a2 a3 a4 b1 c1 b2", "a4 a3 b2", "a1 b1 c1 a2"),
            (0, "a1 b1", "a1 b1", ""),
        ];
        for (places, entering, turned_away, served) in rows {
            assert_eq!(serve(places, entering), (turned_away.to_owned(), served.to_owned()), "{entering}");
        }
    }

    #[test]
    fn who_leaves_gives_the_place_back() {
        let mut line = Line::new(2);
        assert_eq!(line.enter(&"a".into(), 1), None);
        assert_eq!(line.enter(&"b".into(), 2), None);
        line.leave(|waiter| *waiter == 1);
        assert_eq!((line.len(), line.enter(&"c".into(), 3)), (1, None));
        assert_eq!([line.next(), line.next(), line.next()], [Some(2), Some(3), None]);
    }
}

//! A TCP proxy that can lose what is on its way: a connection that dies after the request has arrived and
//! before the answer has. It looks at no byte.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Bytes that are passed on at once.
const CHUNK_BYTES: usize = 64 << 10;

/// A running proxy. Its threads end with the connections; the one that accepts, with the process.
#[derive(Clone, Debug)]
pub struct Proxy {
    address: String,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    swallows: AtomicBool,
    swallowed_bytes: AtomicU64,
    connections: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Listens on a port of its own and connects through to `target`.
    ///
    /// # Panics
    /// There is no free port.
    pub fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it listens").to_string();
        let (state, target) = (Arc::new(State::default()), target.to_owned());
        let proxy = Self { address, state: Arc::clone(&state) };
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&target) else { continue };
                let copies = [client.try_clone(), server.try_clone(), client.try_clone(), server.try_clone()];
                let [Ok(from_client), Ok(to_server), Ok(kept_client), Ok(kept_server)] = copies else {
                    continue;
                };
                with(&state, |connections| connections.extend([kept_client, kept_server]));
                let of_requests = Arc::clone(&state);
                thread::spawn(move || pass(from_client, to_server, &of_requests, false));
                let of_answers = Arc::clone(&state);
                thread::spawn(move || pass(server, client, &of_answers, true));
            }
        });
        proxy
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// From now on answers are lost.
    pub fn swallow_answers(&self) {
        self.state.swallows.store(true, Ordering::SeqCst);
    }

    /// Bytes of answers that were lost so far.
    pub fn swallowed_bytes(&self) -> u64 {
        self.state.swallowed_bytes.load(Ordering::SeqCst)
    }

    /// Closes every connection; new ones work.
    pub fn cut(&self) {
        let connections = with(&self.state, std::mem::take);
        for connection in connections {
            let _ = connection.shutdown(Shutdown::Both);
        }
        self.state.swallows.store(false, Ordering::SeqCst);
    }
}

fn with<T>(state: &State, change: impl FnOnce(&mut Vec<TcpStream>) -> T) -> T {
    change(&mut state.connections.lock().unwrap_or_else(PoisonError::into_inner))
}

fn pass(mut from: TcpStream, mut to: TcpStream, state: &State, are_answers: bool) {
    let mut chunk = vec![0; CHUNK_BYTES];
    while let Ok(count @ 1..) = from.read(&mut chunk) {
        if are_answers && state.swallows.load(Ordering::SeqCst) {
            state.swallowed_bytes.fetch_add(count as u64, Ordering::SeqCst);
            continue;
        }
        if to.write_all(chunk.get(..count).unwrap_or_default()).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

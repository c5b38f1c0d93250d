//! The rows that both sides have: every field in some rows only, values in several cases, zeros, negative numbers.

use millpond_tests::random::Random;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

/// 2026-11-22T10:00:00Z, in seconds.
const START_S: i64 = 1_795_341_600;
/// Rows come this many seconds apart.
const STEP_S: i64 = 7;
const ROWS: u32 = 1_500;

const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];
const SERVICES: [&str; 4] = ["api", "cart", "web-front", "pay.core"];
const HOSTS: [&str; 4] = ["web-01", "web-02", "db1.example.org", "web-011"];
const USERS: [&str; 5] = ["bob", "Bob", "alice", "eve_2", "o'neil"];
const PATHS: [&str; 5] = ["/api/v1/cart", "/api/v1", "/api/v2/cart", "/health", "/static/app.js"];
const ADDRESSES: [&str; 5] = ["10.0.0.1", "10.0.0.17", "10.0.0.170", "10.1.2.3", "192.168.7.9"];
const STATUSES: [i64; 8] = [200, 200, 201, 302, 404, 500, 503, -1];
const MESSAGES: [&str; 12] = [
    "connection refused by upstream",
    "Connection reset by peer",
    "refused connection from {ip}",
    "request took {n} units",
    "timeout after 5 s",
    "NullPointerException in CartService",
    "java.lang.IllegalStateException: bad state",
    "user {user} logged in from {ip}",
    "GET {path} done",
    "errors: none, error: 0",
    "disk sda1 is 97% full",
    "a_b and a-b are not one",
];

/// One row; `None`: it lacks the field.
pub(super) struct Row {
    n: u32,
    message: String,
    level: &'static str,
    service: Option<&'static str>,
    host: &'static str,
    status: Option<i64>,
    duration_ms: Option<f64>,
    bytes: Option<i64>,
    user: Option<&'static str>,
    ip: Option<&'static str>,
    path: Option<&'static str>,
    cached: Option<bool>,
}

/// The same rows in every run.
pub(super) fn all() -> Vec<Row> {
    let mut random = Random::new(7);
    (0..ROWS).map(|n| row(n, &mut random)).collect()
}

fn row(n: u32, random: &mut Random) -> Row {
    let (ip, path, user) = (random.pick(&ADDRESSES), random.pick(&PATHS), random.pick(&USERS));
    let message = random.pick(&MESSAGES).replace("{ip}", ip).replace("{path}", path).replace("{user}", user);
    let message = message.replace("{n}", &random.below(40).to_string());
    Row {
        n,
        message,
        level: random.pick(&LEVELS),
        service: maybe(random, 8, random_of(&SERVICES)),
        host: random.pick(&HOSTS),
        status: maybe(random, 4, |random| STATUSES[random.below(8) as usize]),
        duration_ms: maybe(random, 3, |random| random.below(12_000) as f64 / 4.0),
        bytes: maybe(random, 5, |random| random.below(3_000_000) as i64 - 1_000),
        user: maybe(random, 2, |_| user),
        ip: maybe(random, 6, |_| ip),
        path: maybe(random, 6, |_| path),
        cached: maybe(random, 2, |random| random.below(2) == 0),
    }
}

fn random_of(values: &'static [&'static str]) -> impl FnOnce(&mut Random) -> &'static str {
    move |random| random.pick(values)
}

/// Nothing for one in `one_in` rows.
fn maybe<T>(random: &mut Random, one_in: u64, value: impl FnOnce(&mut Random) -> T) -> Option<T> {
    (random.below(one_in) > 0).then(|| value(random))
}

impl Row {
    /// Unix seconds.
    fn at_s(&self) -> i64 {
        START_S + i64::from(self.n) * STEP_S
    }

    pub(super) fn to_json(&self) -> Value {
        let mut row = json!({
            "@timestamp": self.at_s(), "message": self.message, "n": self.n, "log.level": self.level,
            "host.name": self.host, "service.name": self.service, "http.status": self.status,
            "took_ms": self.duration_ms, "http.bytes": self.bytes, "user.name": self.user,
            "client.ip": self.ip, "url.path": self.path, "cached": self.cached,
        });
        row.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        row
    }
}

/// The table `logs`, and `words`, in which `WHERE words MATCH …` finds words of any text.
pub(super) fn database(rows: &[Row]) -> Connection {
    let database = Connection::open_in_memory().expect("memory");
    database
        .execute_batch(
            "CREATE TABLE logs (n INTEGER PRIMARY KEY, ts INTEGER, message TEXT, level TEXT, rank INTEGER, service TEXT,
               host TEXT, status INTEGER, took REAL, bytes INTEGER, user TEXT, ip TEXT, path TEXT, cached INTEGER);
             CREATE VIRTUAL TABLE words USING fts5(message, level, service, host, user, ip, path,
               tokenize = \"unicode61 remove_diacritics 0 tokenchars '_'\");
             PRAGMA case_sensitive_like = ON;",
        )
        .expect("tables");
    for row in rows {
        let rank = LEVELS.iter().position(|level| *level == row.level).map(|rank| rank as i64);
        let Row { n, message, level, service, host, user, ip, path, .. } = row;
        database
            .execute(
                "INSERT INTO logs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
                params![
                    n,
                    row.at_s(),
                    message,
                    level,
                    rank,
                    service,
                    host,
                    row.status,
                    row.duration_ms,
                    row.bytes,
                    user,
                    ip,
                    path,
                    row.cached
                ],
            )
            .expect("a row");
        database
            .execute(
                "INSERT INTO words (rowid, message, level, service, host, user, ip, path)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![n, message, level, service, host, user, ip, path],
            )
            .expect("its words");
    }
    database
}

//! Who asks, and under which id: known of every request before an endpoint sees it, and told with every reply.
//!
//! A request has an id: the client's, where it sent a sane one in `X-Request-Id`, else one made here. It is in the
//! reply, in errors, and in all log lines about the request. A client has a name, by which the line for query threads
//! is fair: what it calls itself in `X-Client`, else the product in its `User-Agent`. Everybody who reaches this port
//! comes from this machine, so addresses tell nobody apart; and a name proves nothing and permits nothing.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{HeaderName, USER_AGENT};
use http::request;
use http::{HeaderMap, HeaderValue};
use tracing::Instrument;

use super::limits::CALLER_NAME_BYTES_MAX;
use super::problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const CLIENT: HeaderName = HeaderName::from_static("x-client");

/// The name of clients that say nothing of themselves.
const UNNAMED: &str = "unnamed";

/// One request: its id, who sent it and when. Clones share everything.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Printable ASCII.
    pub(super) id: Arc<str>,
    /// Printable ASCII.
    pub(super) client: Arc<str>,
    /// When the request's head was here.
    pub(super) since: Instant,
    spent: Arc<Spent>,
}

/// Microseconds of the parts that are over.
#[derive(Debug, Default)]
struct Spent {
    /// The request had to do with a thread.
    is_query: AtomicBool,
    queue_us: AtomicU64,
    plan_us: AtomicU64,
    client_us: AtomicU64,
}

impl Caller {
    fn new(id: Arc<str>, client: Arc<str>) -> Self {
        Self { id, client, since: Instant::now(), spent: Arc::default() }
    }

    /// Notes how long the request waited for a thread.
    pub(super) fn waited(&self, time: Duration) {
        self.spent.is_query.store(true, Ordering::Relaxed);
        add(&self.spent.queue_us, time);
    }

    /// Notes time that went into reading and planning a query.
    pub(super) fn planned(&self, time: Duration) {
        add(&self.spent.plan_us, time);
    }

    /// Notes time in which a query waited for its client to take rows.
    pub(super) fn waited_for_client(&self, time: Duration) {
        add(&self.spent.client_us, time);
    }

    /// All of that time until now.
    pub(super) fn client_wait(&self) -> Duration {
        Duration::from_micros(self.spent.client_us.load(Ordering::Relaxed))
    }

    /// Time that the query itself took: neither waiting for a thread nor for the client.
    pub(super) fn worked(&self) -> Duration {
        let [_, plan, search, _] = self.stages();
        plan.1 + search.1
    }

    /// What took how long until now: name and duration. The search is what is no other part.
    pub(super) fn stages(&self) -> [(&'static str, Duration); 4] {
        let part = |us: &AtomicU64| Duration::from_micros(us.load(Ordering::Relaxed));
        let (queue, plan) = (part(&self.spent.queue_us), part(&self.spent.plan_us));
        let (client, total) = (part(&self.spent.client_us), self.since.elapsed());
        let search = total.saturating_sub(queue + plan + client);
        [("queue", queue), ("plan", plan), ("search", search), ("total", total)]
    }
}

fn add(counter: &AtomicU64, time: Duration) {
    counter.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

/// Handlers may ask who calls.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _state: &S) -> Result<Self, Infallible> {
        let known = parts.extensions.get::<Self>().cloned();
        Ok(known.unwrap_or_else(|| Self::new("-".into(), UNNAMED.into())))
    }
}

/// Makes ids that differ: by request, and between runs of the program.
#[derive(Debug, Default)]
pub(super) struct RequestIds {
    keys: RandomState,
    made: AtomicU64,
}

impl RequestIds {
    fn next(&self) -> Arc<str> {
        format!("{:016x}", self.keys.hash_one(self.made.fetch_add(1, Ordering::Relaxed))).into()
    }
}

/// The outermost middleware: names the request, and tells its id and its times with the reply.
pub(super) async fn observe(
    State(ids): State<Arc<RequestIds>>,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let id = sane(headers, &REQUEST_ID).map_or_else(|| ids.next(), Arc::from);
    let caller = Caller::new(id, client(headers).into());
    request.extensions_mut().insert(caller.clone());
    let span = tracing::info_span!("request", id = &*caller.id);
    let response = next.run(request).instrument(span).await;
    let mut response = problem::with_request_id(response, &caller.id);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(&*caller.id) {
        headers.insert(REQUEST_ID, id);
    }
    if let Ok(timing) = HeaderValue::try_from(server_timing(&caller)) {
        headers.insert(SERVER_TIMING, timing);
    }
    response
}

/// The value of `Server-Timing` (W3C Server Timing), milliseconds. What did not happen is left out.
fn server_timing(caller: &Caller) -> String {
    let is_query = caller.spent.is_query.load(Ordering::Relaxed);
    let stages = caller.stages();
    let told = stages.iter().filter(|(name, _)| is_query || *name == "total");
    let told = told.map(|(name, time)| format!("{name};dur={:.3}", time.as_secs_f64() * 1e3));
    told.collect::<Vec<_>>().join(", ")
}

/// What a client calls itself.
fn client(headers: &HeaderMap) -> &str {
    let product = || {
        let agent = headers.get(USER_AGENT)?.to_str().ok()?;
        agent.split(['/', ' ']).next().filter(|product| is_sane(product))
    };
    sane(headers, &CLIENT).or_else(product).unwrap_or(UNNAMED)
}

/// The value of a header, unless it is one that could do harm in a log line.
fn sane<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().filter(|text| is_sane(text))
}

fn is_sane(text: &str) -> bool {
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&byte);
    (1..=CALLER_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_harmless)
}

#[cfg(test)]
pub(super) mod testing {
    //! A caller without a request.

    use super::{Caller, UNNAMED};

    /// Somebody.
    pub(in crate::http) fn caller() -> Caller {
        Caller::new("test".into(), UNNAMED.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_apart_by_what_they_say_of_themselves() {
        let long = "x".repeat(CALLER_NAME_BYTES_MAX + 1);
        let rows: [(&[(&'static str, &str)], &str); 8] = [
            (&[], UNNAMED),
            (&[("user-agent", "curl/8.5.0")], "curl"),
            (&[("user-agent", "Mozilla/5.0 (X11; Linux x86_64)")], "Mozilla"),
            (&[("user-agent", "curl/8.5.0"), ("x-client", "nightly-report")], "nightly-report"),
            (&[("user-agent", "curl/8.5.0"), ("x-client", "a b")], "curl"),
            (&[("user-agent", "")], UNNAMED),
            (&[("user-agent", &long)], UNNAMED),
            (&[("x-client", &long)], UNNAMED),
        ];
        for (given, expected) in rows {
            let given = given
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
            assert_eq!(client(&given.collect()), expected);
        }
    }

    #[test]
    fn ids_differ() {
        let (one, other) = (RequestIds::default(), RequestIds::default());
        let made = [one.next(), one.next(), other.next()];
        assert!(made.iter().all(|id| is_sane(id) && id.len() == 16));
        assert!(made[0] != made[1] && made[0] != made[2]);
    }
}

//! The API as a script would use it.

use std::time::Duration;

use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

/// A blocking client of one collector.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    http: Agent,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Seconds of the header Retry-After.
    pub retry_after_s: Option<u64>,
    /// Whole body.
    pub text: String,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    /// The body as lines of JSON.
    pub fn lines(&self) -> Vec<Value> {
        self.text.lines().map(|line| serde_json::from_str(line).expect("NDJSON")).collect()
    }
}

impl Client {
    /// A client of the collector whose API listens on `address`.
    pub fn new(address: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .max_idle_connections(0);
        Self { base: format!("http://{address}"), http: config.build().new_agent() }
    }

    /// GET with query parameters. `None` when nobody answers.
    pub fn try_get(&self, path: &str, parameters: &[(&str, &str)]) -> Option<Reply> {
        let request = self.http.get(format!("{}{path}", self.base)).query_pairs(parameters.iter().copied());
        request.call().ok().and_then(read)
    }

    /// GET that must be answered.
    pub fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Reply {
        self.try_get(path, parameters).unwrap_or_else(|| panic!("no answer to GET {path}"))
    }

    /// POST. `None` when nobody answers.
    pub fn try_post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Reply> {
        let request = self.http.post(format!("{}{path}", self.base));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send(body).ok().and_then(read)
    }

    /// POST that must be answered.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.try_post(path, headers, body).unwrap_or_else(|| panic!("no answer to POST {path}"))
    }

    /// Number of documents that match, by histogram; `None` when nobody answers.
    pub fn count(&self, query: &str) -> Option<u64> {
        let reply = self.try_get("/api/v1/histogram", &[("q", query), ("buckets", "1")])?;
        if reply.status == 200 { reply.json()["total"].as_u64() } else { None }
    }

    /// Every document that matches, page by page, oldest first.
    pub fn all(&self, query: &str) -> Vec<Value> {
        let mut documents = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut parameters = vec![("q", query), ("limit", "5000"), ("order", "asc")];
            if !cursor.is_empty() {
                parameters.push(("cursor", &cursor));
            }
            let mut page = self.get("/api/v1/query", &parameters).lines();
            let meta = page.pop().expect("a last line");
            assert_eq!(meta["_meta"]["partial"], false, "{meta}");
            documents.append(&mut page);
            match meta["_meta"]["cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => return documents,
            }
        }
    }
}

fn read(mut response: Response<Body>) -> Option<Reply> {
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let retry_after_s = retry_after.and_then(|value| value.parse().ok());
    let text = response.body_mut().with_config().limit(1 << 30).read_to_string().ok()?;
    Some(Reply { status, retry_after_s, text })
}

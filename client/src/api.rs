//! HTTP: requests to one collector and their answers. The only file that knows how they travel.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Timeout};

use crate::failure::{Failure, Problem};
use crate::limits::{
    CONNECT_LIMIT, LINE_BYTES_MAX, PROBLEM_BYTES_MAX, REPLY_BYTES_MAX, SILENCE_MAX, TAIL_SILENCE_MAX,
};
use crate::settings::Settings;

/// Names and values of a request. `q` is the query.
pub(crate) type Parameters = Vec<(&'static str, String)>;

/// One collector.
#[derive(Clone)]
pub(crate) struct Api {
    agent: Agent,
    settings: Settings,
    /// The address, and the proxy on the way there, for people.
    place: String,
}

impl Api {
    /// Connects to nothing yet.
    pub(crate) fn new(settings: Settings) -> Result<Self, Failure> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // A page to sign in at is no answer; it is shown where it leads.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_LIMIT))
            .user_agent(concat!("millpond/", env!("CARGO_PKG_VERSION")));
        if settings.is_loopback() {
            config = config.proxy(None);
        }
        // Reading the certificates of the system takes longer than a query.
        if settings.url.starts_with("https://") {
            config = config.tls_config(tls(&settings)?);
        }
        let config = config.build();
        let uri = settings.url.parse().unwrap_or_default();
        let place = match config.proxy().filter(|proxy| !proxy.is_no_proxy(&uri)) {
            // Not its address as it was given, which may have a password.
            Some(proxy) => format!("{} (by the proxy {}:{})", settings.url, proxy.host(), proxy.port()),
            None => settings.url.clone(),
        };
        Ok(Self { agent: config.new_agent(), settings, place })
    }

    /// An answer that is one JSON value.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &Parameters,
    ) -> Result<T, Failure> {
        self.parse(&self.whole(path, parameters)?)
    }

    /// The bytes of an answer that is one JSON value.
    pub(crate) fn whole(&self, path: &str, parameters: &Parameters) -> Result<Vec<u8>, Failure> {
        let mut response = self.post(path, parameters)?;
        let bytes = response.body_mut().with_config().limit(REPLY_BYTES_MAX).read_to_vec();
        bytes.map_err(|error| Failure::CutOff(error.to_string()))
    }

    /// What the bytes of an answer say.
    pub(crate) fn parse<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Failure> {
        serde_json::from_slice(bytes).map_err(|_| self.stranger(200, bytes))
    }

    /// An answer that is read line by line.
    pub(crate) fn lines(&self, path: &str, parameters: &Parameters) -> Result<Lines, Failure> {
        Ok(Lines::new(self.post(path, parameters)?))
    }

    /// An answer that is read as it is.
    pub(crate) fn bytes(&self, path: &str, parameters: &Parameters) -> Result<impl Read + use<>, Failure> {
        Ok(self.post(path, parameters)?.into_body().into_reader())
    }

    /// The events of a live tail, line by line. Ends with an error when the collector is silent for too long.
    pub(crate) fn events(&self, query: &str) -> Result<Lines, Failure> {
        let request = self.agent.get(self.path("/api/v1/tail")).query("q", query);
        let request = request.config().timeout_per_read(Some(TAIL_SILENCE_MAX)).build();
        let sent = self.authorized(request).call();
        Ok(Lines::new(self.check(sent, query)?))
    }

    /// Parameters go as a form: a query may be longer than a URL may be.
    fn post(&self, path: &str, parameters: &Parameters) -> Result<Response<Body>, Failure> {
        let request = self.agent.post(self.path(path));
        let request = request.config().timeout_per_read(Some(SILENCE_MAX)).build();
        let pairs = parameters.iter().map(|(name, value)| (*name, value.as_str()));
        let query = parameters.iter().find(|(name, _)| *name == "q").map_or("", |(_, query)| query);
        self.check(self.authorized(request).send_form(pairs), query)
    }

    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.settings.url)
    }

    fn authorized<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.settings.token {
            Some(token) => request.header("Authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// An answer of status 200, or what is wrong.
    fn check(
        &self,
        sent: Result<Response<Body>, ureq::Error>,
        query: &str,
    ) -> Result<Response<Body>, Failure> {
        let mut response =
            sent.map_err(|error| Failure::Unreachable { url: self.place.clone(), why: why(&error) })?;
        let status = response.status().as_u16();
        if status == 200 {
            return Ok(response);
        }
        let place = response.headers().get("location").and_then(|place| place.to_str().ok());
        let place = place.map(|place| format!("it leads to {place}"));
        let is_problem = response
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
        let body =
            response.body_mut().with_config().limit(PROBLEM_BYTES_MAX).read_to_vec().unwrap_or_default();
        if is_problem && let Ok(mut problem) = serde_json::from_slice::<Problem>(&body) {
            query.clone_into(&mut problem.query);
            return Err(Failure::Refused(Box::new(problem)));
        }
        Err(match place {
            Some(place) => self.stranger(status, place.as_bytes()),
            None => self.stranger(status, &body),
        })
    }

    fn stranger(&self, status: u16, said: &[u8]) -> Failure {
        let said = String::from_utf8_lossy(said);
        let mut line: String = said.lines().next().unwrap_or_default().chars().take(200).collect();
        if status == 401 {
            line = "it asks for a token; see `millpond login --help`".into();
        }
        Failure::Stranger { url: self.place.clone(), status, said: line }
    }
}

/// The cause in the words of a person.
fn why(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "connection refused; is the collector running there? See --url and `millpond login`".into()
        }
        ureq::Error::HostNotFound => "there is no host of this name".into(),
        ureq::Error::Timeout(Timeout::Connect) => "it takes no connection in time".into(),
        error => error.to_string(),
    }
}

fn tls(settings: &Settings) -> Result<TlsConfig, Failure> {
    let roots = match &settings.ca {
        Some(file) => {
            let bad = |error: rustls::pki_types::pem::Error| {
                Failure::Usage(format!("{}: no certificates: {error}", file.display()))
            };
            let found = rustls::pki_types::CertificateDer::pem_file_iter(file).map_err(bad)?;
            found.collect::<Result<Vec<_>, _>>().map_err(bad)?
        }
        None => rustls_native_certs::load_native_certs().certs,
    };
    if roots.is_empty() {
        let why = "this system has no certificates to check https with; see `millpond login --ca`";
        return Err(Failure::Usage(why.into()));
    }
    let roots: Vec<_> = roots.iter().map(|root| Certificate::from_der(root).to_owned()).collect();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(roots)));
    Ok(config.unversioned_rustls_crypto_provider(provider).build())
}

/// An answer, line by line.
pub(crate) struct Lines {
    body: BufReader<Box<dyn Read + Send>>,
    line: Vec<u8>,
}

impl Lines {
    fn new(response: Response<Body>) -> Self {
        Self::of(Box::new(response.into_body().into_reader()))
    }

    fn of(body: Box<dyn Read + Send>) -> Self {
        Self { body: BufReader::with_capacity(64 << 10, body), line: Vec::new() }
    }

    /// The next line without its break; `None` at the end.
    pub(crate) fn read(&mut self) -> Result<Option<&str>, Failure> {
        self.line.clear();
        let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
        let read = (&mut self.body).take(most).read_until(b'\n', &mut self.line);
        if read.map_err(|error| Failure::CutOff(error.to_string()))? == 0 {
            return Ok(None);
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if self.line.len() >= LINE_BYTES_MAX {
            return Err(Failure::CutOff("a line is longer than any document".into()));
        }
        let text = std::str::from_utf8(&self.line);
        text.map(Some).map_err(|_| Failure::CutOff("a line is no UTF-8".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_the_answer() {
        let rows: [(&[u8], &[&str]); 4] = [
            (b"a\nb\n", &["a", "b"]),
            (b"a\n\nb", &["a", "", "b"]),
            (b"", &[]),
            ("ü\r\n".as_bytes(), &["ü\r"]),
        ];
        for (bytes, expected) in rows {
            let mut lines = Lines::of(Box::new(bytes));
            let mut found = Vec::new();
            while let Some(line) = lines.read().unwrap() {
                found.push(line.to_owned());
            }
            assert_eq!(found, expected);
        }
        assert!(Lines::of(Box::new(&b"\xff\n"[..])).read().is_err());
    }
}

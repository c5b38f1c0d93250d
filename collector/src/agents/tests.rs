//! The port over real sockets: who gets in, who doesn't, and what they are told.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use millpond_wire::otlp::{RecordRef, RequestEncoder};
use millpond_wire::position::StreamId;
use millpond_wire::tls::{SERVER_NAME, client_config, enroll_client_config};
use millpond_wire::token::JoinToken;
use rcgen::{CertificateParams, KeyPair};
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::*;
use crate::clock::now_ns;
use crate::identity::{Authority, DataDir, Revocations, Terms, TokenStore};
use crate::ingest::testing::Running;
use crate::stop::{Stopper, stop_signal};

mod certificates;

const SITE: &str = "mill";
const LIFE: Duration = Duration::from_secs(398 * 86_400);

/// A port that is open, and what is behind it.
struct Port {
    address: std::net::SocketAddr,
    running: Running,
    dir: DataDir,
    authority: Authority,
    seen: Arc<Seen>,
    revocations: Revocations,
    stopper: Stopper,
    serving: tokio::task::JoinHandle<()>,
    _temporary: tempfile::TempDir,
}

/// An agent's key and certificate.
struct Agent {
    key_pem: String,
    chain_pem: String,
}

type Reply = (StatusCode, Bytes);

fn now_s() -> u64 {
    (now_ns() / 1_000_000_000) as u64
}

impl Port {
    async fn open() -> Self {
        Self::open_for(10).await
    }

    async fn open_for(agents_max: u32) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let dir = DataDir::new(temporary.path().join("collector"));
        Authority::create(&dir, &[], now_s()).unwrap();
        let authority = Authority::load(&dir).unwrap();
        let (chain, key) =
            (std::fs::read(dir.server_chain()).unwrap(), std::fs::read(dir.server_key()).unwrap());
        let tls = PortTls::new(&chain, &key, authority.ca_pem().as_bytes()).unwrap();
        let running = Running::start(100 << 20);
        let enrollment = Enrollment::new(Authority::load(&dir).unwrap(), &dir, SITE.into(), LIFE);
        let (seen, revocations) = (Arc::new(Seen::default()), Revocations::new(dir.revoked()));
        let routes = Arc::new(Routes {
            ingest: running.ingest.clone(),
            enrollment: Arc::new(enrollment),
            revocations: revocations.clone(),
            seen: Arc::clone(&seen),
            metrics: Arc::clone(&running.metrics),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stopper, stop) = stop_signal();
        let serving = tokio::spawn(serve(listener, tls, routes, agents_max, stop));
        Self { address, running, dir, authority, seen, revocations, stopper, serving, _temporary: temporary }
    }

    fn token(&self, fill: u8, ttl: Duration) -> JoinToken {
        self.token_on(fill, &Terms { expiry_s: now_s() + ttl.as_secs(), agent: None })
    }

    fn token_on(&self, fill: u8, terms: &Terms) -> JoinToken {
        let ca_sha256 = self.authority.fingerprint().unwrap();
        let token = JoinToken { address: self.address.to_string(), ca_sha256, secret: [fill; 32] };
        TokenStore::new(self.dir.tokens()).add(&token.secret_hash(), terms, now_s()).unwrap();
        token
    }

    /// A certificate as `site` would have given, straight from the CA.
    fn agent(&self, site: &str) -> Agent {
        self.agent_of("web-01", site, now_s())
    }

    fn agent_of(&self, id: &str, site: &str, signed_s: u64) -> Agent {
        let (key_pem, csr) = key_and_request();
        let id = id.parse().unwrap();
        Agent { key_pem, chain_pem: self.authority.sign_agent(&csr, site, &id, signed_s, LIFE).unwrap() }
    }

    fn config_of(&self, agent: &Agent) -> Arc<ClientConfig> {
        let ca = self.authority.ca_pem().as_bytes();
        let config = client_config(ca, agent.chain_pem.as_bytes(), agent.key_pem.as_bytes()).unwrap();
        over_http1(&config)
    }

    fn enroll_config(&self) -> Arc<ClientConfig> {
        enroll_client_config(self.authority.fingerprint().unwrap()).unwrap()
    }

    /// One request on a connection of its own; an error is one of the handshake.
    async fn send(&self, config: Arc<ClientConfig>, request: Request<Full<Bytes>>) -> Result<Reply, String> {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let name = SERVER_NAME.try_into().unwrap();
        let tls = TlsConnector::from(config).connect(name, tcp).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(tls)).await.map_err(|error| error.to_string())?;
        let connection = tokio::spawn(connection);
        let reply = sender.send_request(request).await.map_err(|error| format!("{error:?}"))?;
        let status = reply.status();
        let body = reply.into_body().collect().await.unwrap().to_bytes();
        drop(sender);
        let _ = connection.await;
        Ok((status, body))
    }

    async fn enroll(&self, secret: &str, csr: &str, id: &str) -> Reply {
        let body = serde_json::json!({ "secret": secret, "csr": csr, "agent_id": id }).to_string();
        self.send(self.enroll_config(), post("/v1/enroll", body.into())).await.unwrap()
    }
}

/// The agent's configuration speaks HTTP/2 alone; these tests are shorter in HTTP/1.1.
fn over_http1(config: &ClientConfig) -> Arc<ClientConfig> {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

fn key_and_request() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap();
    (key.serialize_pem(), request.pem().unwrap())
}

fn post(path: &str, body: Bytes) -> Request<Full<Bytes>> {
    let request =
        Request::post(path).header("host", SERVER_NAME).header(CONTENT_TYPE, "application/x-protobuf");
    request.body(Full::new(body)).unwrap()
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).header("host", SERVER_NAME).body(Full::default()).unwrap()
}

fn logs() -> Bytes {
    let mut request = RequestEncoder::new(&[]);
    request.begin_stream(StreamId(7), 0, &[]);
    let record = RecordRef {
        offset: 0,
        timestamp_ns: 1,
        observed_ns: 1,
        severity_number: 9,
        severity_text: "",
        body: "hello",
        trace_id: &[],
        span_id: &[],
    };
    request.record(&record, std::iter::empty());
    request.end_stream(6, "{}");
    request.finish().to_vec().into()
}

fn code((status, body): &Reply) -> (u16, String) {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap();
    assert_eq!(problem["status"], status.as_u16());
    (status.as_u16(), problem["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_token_becomes_a_certificate_that_ships() {
    let port = Port::open().await;
    let token = port.token(1, Duration::from_secs(60));
    let (key_pem, csr) = key_and_request();
    let (status, body) = port.enroll(&token.secret_text(), &csr, "web-01").await;
    assert_eq!(status, StatusCode::OK, "{body:?}");
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((answer["site"].as_str(), answer["agent_id"].as_str()), (Some(SITE), Some("web-01")));
    assert_eq!(answer["ca"].as_str(), Some(port.authority.ca_pem()));
    let agent = Agent { key_pem, chain_pem: answer["certificate"].as_str().unwrap().to_owned() };
    for _ in 0..2 {
        let (status, body) = port.send(port.config_of(&agent), post("/v1/logs", logs())).await.unwrap();
        assert_eq!((status, body.len()), (StatusCode::OK, 0));
    }
    let (status, body) = port.send(port.config_of(&agent), get("/v1/positions")).await.unwrap();
    let line = "{\"stream\":\"0000000000000007\",\"offset\":6,\"state\":\"{}\"}\n";
    assert_eq!((status, &body[..]), (StatusCode::OK, line.as_bytes()));
    // The stop lets the port end by itself.
    port.stopper.stop();
    port.serving.await.unwrap();
    let store = port.running.stop().await;
    assert_eq!(store.documents(), [(0, "hello".to_owned())]);
}

#[tokio::test]
async fn tokens_that_do_not_let_in_say_why() {
    let port = Port::open().await;
    let (_, csr) = key_and_request();
    let good = port.token(1, Duration::from_secs(60)).secret_text();
    let expired = port.token(2, Duration::ZERO).secret_text();
    let forged = JoinToken { address: "a:1".into(), ca_sha256: [0; 32], secret: [3; 32] }.secret_text();
    let rows = [
        (forged.as_str(), csr.as_str(), "a", 403, "token_unknown"),
        (&expired, &csr, "a", 403, "token_expired"),
        (&good, "no request", "a", 400, "bad_enrolment"),
        (&good, &csr, "Not An Id", 400, "bad_enrolment"),
    ];
    for (secret, csr, id, status, expected) in rows {
        let reply = port.enroll(secret, csr, id).await;
        assert_eq!(code(&reply), (status, expected.to_owned()));
    }
    assert_eq!(port.enroll(&good, &csr, "a").await.0, StatusCode::OK, "bad requests did not spend it");
    assert_eq!(code(&port.enroll(&good, &csr, "a").await), (403, "token_used".to_owned()));
    assert_eq!(port.running.metrics.enroll_refused_total.value(), 5);
}

#[tokio::test]
async fn an_id_is_given_once_unless_a_token_says_so() {
    let port = Port::open().await;
    let (_, csr) = key_and_request();
    let [first, second] = [1, 2].map(|fill| port.token(fill, Duration::from_secs(60)).secret_text());
    let bound = |fill| {
        let terms = Terms { expiry_s: now_s() + 60, agent: Some("web-01".parse().unwrap()) };
        port.token_on(fill, &terms).secret_text()
    };
    let (early, replacing) = (bound(3), bound(4));
    // What was used, the id, what comes of it.
    let rows = [
        (&first, "web-01", 200, ""),
        (&second, "web-01", 409, "agent_exists"),
        (&second, "web-02", 200, ""),
        (&replacing, "web-02", 403, "token_for_another_agent"),
        (&replacing, "web-03", 403, "token_for_another_agent"),
        (&replacing, "web-01", 200, ""),
        (&replacing, "web-01", 403, "token_used"),
        (&early, "web-01", 200, ""),
    ];
    for (secret, id, status, expected) in rows {
        let reply = port.enroll(secret, &csr, id).await;
        assert_eq!(reply.0.as_u16(), status, "{id}: {:?}", reply.1);
        if status != 200 {
            assert_eq!(code(&reply).1, expected, "{id}");
        }
    }
}

#[tokio::test]
async fn of_many_that_race_for_an_id_one_has_it() {
    let port = Arc::new(Port::open().await);
    let (_, csr) = key_and_request();
    let racing: Vec<_> = (1..9)
        .map(|fill| {
            let (port, csr) = (Arc::clone(&port), csr.clone());
            let secret = port.token(fill, Duration::from_secs(60)).secret_text();
            tokio::spawn(async move { port.enroll(&secret, &csr, "web-01").await.0.as_u16() })
        })
        .collect();
    let mut outcomes = Vec::new();
    for one in racing {
        outcomes.push(one.await.unwrap());
    }
    outcomes.sort_unstable();
    assert_eq!(outcomes, [200, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn nobody_gets_past_the_handshake_without_a_certificate_of_ours() {
    let (port, other) = (Port::open().await, Port::open().await);
    let without = {
        let mut config = (*port.enroll_config()).clone();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    };
    let foreign = other.agent(SITE);
    let foreign = client_config(
        port.authority.ca_pem().as_bytes(),
        foreign.chain_pem.as_bytes(),
        foreign.key_pem.as_bytes(),
    );
    for config in [without, over_http1(&foreign.unwrap())] {
        assert!(port.send(config, post("/v1/logs", logs())).await.is_err());
    }
    assert_eq!(port.running.metrics.agents_connections_total.value(), 0);
    // The other way round: a client with a token for one collector sends nothing to another.
    let wrong_ca = other.enroll_config();
    assert!(port.send(wrong_ca, post("/v1/enroll", Bytes::new())).await.is_err());
}

#[tokio::test]
async fn certificates_that_end_soon_are_counted() {
    const DAY_S: u64 = 86_400;
    let port = Port::open().await;
    let rows = [("a", 0, 0), ("b", 367, 0), ("c", 369, 1), ("d", 397, 2), ("c", 1, 1)];
    for (id, age_days, expected) in rows {
        let agent = port.config_of(&port.agent_of(id, SITE, now_s() - age_days * DAY_S));
        assert_eq!(port.send(agent, get("/v1/positions")).await.unwrap().0, StatusCode::OK);
        assert_eq!(port.seen.expiring(now_s() as i64), expected, "{id}, {age_days} days old");
    }
}

#[tokio::test]
async fn each_connection_is_good_for_its_own_requests_only() {
    let port = Port::open().await;
    let agent = port.config_of(&port.agent(SITE));
    let stranger = port.config_of(&port.agent("elsewhere"));
    let rows = [
        (port.enroll_config(), post("/v1/logs", logs()), 404, "not_found"),
        (port.enroll_config(), get("/v1/positions"), 404, "not_found"),
        (Arc::clone(&agent), post("/v1/enroll", Bytes::new()), 404, "not_found"),
        (Arc::clone(&agent), get("/"), 404, "not_found"),
        (stranger, post("/v1/logs", logs()), 403, "foreign_identity"),
        (Arc::clone(&agent), post("/v1/logs", Bytes::from_static(b"\xff\xff")), 400, "bad_body"),
        (Arc::clone(&agent), post("/v1/logs", vec![0; (16 << 20) + 1].into()), 413, "too_large"),
    ];
    for (config, request, status, expected) in rows {
        let path = request.uri().path().to_owned();
        let reply = port.send(config, request).await.unwrap();
        assert_eq!(code(&reply), (status, expected.to_owned()), "{path}");
    }
    for (name, value) in [(CONTENT_TYPE, "application/json"), (CONTENT_ENCODING, "br")] {
        let mut request = post("/v1/logs", logs());
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(
            port.send(Arc::clone(&agent), request).await.unwrap().0,
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        );
    }
}

/// A `ClientHello` as TLS 1.2 has it (RFC 5246, section 7.4.1.2): without `supported_versions`.
fn client_hello_of_tls_1_2() -> Vec<u8> {
    // signature_algorithms: ecdsa_secp256r1_sha256; supported_groups: secp256r1.
    let extensions = [0, 13, 0, 4, 0, 2, 4, 3, 0, 10, 0, 4, 0, 2, 0, 23];
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    // No session, one cipher suite, no compression.
    hello.extend([0, 0, 2, 0xc0, 0x2b, 1, 0, 0, extensions.len() as u8]);
    hello.extend(extensions);
    let mut record = vec![22, 3, 1, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    record.extend(hello);
    record
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let port = Port::open().await;
    let mut tcp = TcpStream::connect(port.address).await.unwrap();
    tcp.write_all(&client_hello_of_tls_1_2()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tcp.read_to_end(&mut answer).await;
    // A fatal alert, protocol_version (RFC 8446, section 6).
    assert_eq!(answer, [21, 3, 3, 0, 2, 2, 70]);
}

#[tokio::test]
async fn noise_is_refused_and_counted() {
    let port = Port::open().await;
    let mut tcp = TcpStream::connect(port.address).await.unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = tcp.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
    assert_eq!(port.running.metrics.agents_refused_total.value(), 1);
}

#[tokio::test]
async fn connections_are_bounded_and_newcomers_take_no_agents_place() {
    let port = Port::open_for(1).await;
    let agent = port.config_of(&port.agent(SITE));
    // Half-open connections and enrolling ones are counted apart.
    let _silent = TcpStream::connect(port.address).await.unwrap();
    assert_eq!(port.send(port.enroll_config(), get("/")).await.unwrap().0, StatusCode::NOT_FOUND);
    let tcp = TcpStream::connect(port.address).await.unwrap();
    let connector = TlsConnector::from(Arc::clone(&agent));
    let tls = connector.connect(SERVER_NAME.try_into().unwrap(), tcp).await.unwrap();
    let (mut held, connection) = http1::handshake(TokioIo::new(tls)).await.unwrap();
    let connection = tokio::spawn(connection);
    assert_eq!(held.send_request(get("/v1/positions")).await.unwrap().status(), StatusCode::OK);
    assert!(port.send(Arc::clone(&agent), get("/v1/positions")).await.is_err(), "one too many");
    drop(held);
    connection.await.unwrap().unwrap();
    // The place is free a moment after the connection ended.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while port.send(Arc::clone(&agent), get("/v1/positions")).await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the place was not given back");
    }
}

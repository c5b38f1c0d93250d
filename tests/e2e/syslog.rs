//! Syslog from the network. A sender gets no acknowledgement, so what can be promised begins with the spool: a message
//! that stands in it is in the index exactly once, whatever is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use millpond_tests::client::Client;
use millpond_tests::cluster::{Cluster, free_address};
use millpond_tests::eventually;

use super::inputs::{SOON, await_count};

/// Messages over each transport.
const MESSAGES: u64 = 10_000;

/// The ids in a text: what stands behind `id=`.
fn ids(text: &str) -> Vec<u64> {
    let digits = |rest: &str| rest.chars().take_while(char::is_ascii_digit).collect::<String>();
    text.split("id=").skip(1).filter_map(|rest| digits(rest).parse().ok()).collect()
}

/// Whole lines in the spool of an input.
fn spooled(cluster: &Cluster, input: &str) -> String {
    let directory = cluster.path(&format!("agent/spool/{input}"));
    let Ok(entries) = fs::read_dir(directory) else { return String::new() };
    let read = |entry: fs::DirEntry| {
        let text = String::from_utf8_lossy(&fs::read(entry.path()).expect("a segment")).into_owned();
        text[..text.rfind('\n').map_or(0, |at| at + 1)].to_owned()
    };
    entries.flatten().map(read).collect()
}

/// One way to the agent.
trait Sender {
    /// False when it can't be sent any more.
    fn send(&mut self, id: u64) -> bool;
}

struct Udp {
    socket: UdpSocket,
    to: String,
}

impl Sender for Udp {
    fn send(&mut self, id: u64) -> bool {
        self.socket.send_to(message(id).as_bytes(), &self.to).is_ok()
    }
}

/// Over a connection, or through a program that speaks TLS, in both framings by turns.
struct Stream<W>(W);

impl<W: Write> Sender for Stream<W> {
    fn send(&mut self, id: u64) -> bool {
        let message = message(id);
        let framed = match id % 2 {
            0 => format!("{} {message}", message.len()),
            _ => format!("{message}\n"),
        };
        self.0.write_all(framed.as_bytes()).is_ok()
    }
}

/// The one without an id is a greeting.
fn message(id: u64) -> String {
    let text = if id == 0 { "hello".to_owned() } else { format!("interface down id={id} end") };
    format!("<165>1 2026-11-26T10:00:00Z router app 42 - - {text}")
}

/// `openssl` as a client of TLS. Dropping it ends it.
struct Openssl(Child);

impl Openssl {
    fn connect(address: &str, certificate: &str, key: &str) -> Self {
        let child = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect", address, "-cert", certificate, "-key", key])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.expect("openssl"))
    }
}

impl Write for Openssl {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.stdin.as_mut().expect("a pipe").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Openssl {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A certificate that is its own anchor and signs no other, for a listener or for a sender.
fn certificate(cluster: &Cluster, name: &str) -> (String, String) {
    let config = cluster.path("openssl.cnf");
    fs::write(
        &config,
        "[req]\ndistinguished_name=d\nx509_extensions=e\n[d]\n[e]\nbasicConstraints=CA:FALSE\n",
    )
    .expect("writable");
    let (certificate, key) = (cluster.path(&format!("{name}.crt")), cluster.path(&format!("{name}.key")));
    let made = Command::new("openssl")
        .args([
            "req",
            "-config",
            &config,
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ])
        .args(["-subj", "/CN=localhost", "-days", "2", "-keyout", &key, "-out", &certificate])
        .output()
        .expect("openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

fn connect(scheme: &str, address: &str, certificate: &str, key: &str) -> Box<dyn Sender> {
    if scheme == "udp" {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        return Box::new(Udp { socket, to: address.to_owned() });
    }
    let stream = eventually("a listener", SOON, || TcpStream::connect(address).ok());
    match scheme {
        "tcp" => Box::new(Stream(stream)),
        _ => Box::new(Stream(Openssl::connect(address, certificate, key))),
    }
}

/// Each message is in the index once, and says where it comes from.
fn verify(client: &Client) {
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for document in client.all("interface") {
        for id in ids(document["message"].as_str().expect("a message")) {
            *counts.entry(id).or_default() += 1;
        }
        assert_eq!(document["service.name"], "app", "{document}");
        assert_eq!(document["input.type"], "syslog");
        let sender = document["log.source.address"].as_str();
        assert!(sender.is_some_and(|sender| sender.starts_with("127.0.0.1:")), "{document}");
        assert!(document.get("log.file.path").is_none());
    }
    assert!(counts.keys().copied().eq(1..=MESSAGES), "{} of {MESSAGES}", counts.len());
    assert!(counts.values().all(|count| *count == 1), "in the index as often as in the spool");
}

/// Messages are sent while the collector is away and the agent is killed in the middle; the sender sends again what
/// isn't in the spool. After that each is in the index exactly once.
fn survives_kills(scheme: &str) {
    let mut cluster = Cluster::new();
    let address = free_address();
    let (own, own_key) = certificate(&cluster, "listener");
    let (theirs, their_key) = certificate(&cluster, "sender");
    let tls = match scheme {
        "tls" => format!("certificate = '{own}'\nkey = '{own_key}'\nclient_ca = '{theirs}'\n"),
        _ => String::new(),
    };
    cluster.start_collector();
    cluster.enroll_agent_with(&format!("[[syslog]]\nlisten = '{scheme}://{address}'\n{tls}"));
    let input = format!("syslog-{scheme}-{}", address.replace(':', "-"));
    cluster.start_agent("");
    let connect = || connect(scheme, &address, &theirs, &their_key);
    // Shows that the listener is there.
    let mut greeter = connect();
    eventually("a greeting", SOON, || {
        greeter.send(0);
        cluster.client().count("hello").filter(|count| *count > 0)
    });
    drop(greeter);
    assert!(cluster.stop_collector());

    let all: BTreeSet<u64> = (1..=MESSAGES).collect();
    let mut kills = 0;
    loop {
        let there: BTreeSet<u64> = ids(&spooled(&cluster, &input)).into_iter().collect();
        let missing: Vec<u64> = all.difference(&there).copied().collect();
        if missing.is_empty() {
            break;
        }
        let mut sender = connect();
        let upto = if kills < 3 { missing.len() / 2 } else { missing.len() };
        for (count, id) in missing[..upto].iter().enumerate() {
            if !sender.send(*id) {
                break;
            }
            // A datagram isn't made to wait: some breath for the receiver.
            if scheme == "udp" && count % 100 == 99 {
                std::thread::park_timeout(Duration::from_millis(1));
            }
        }
        if kills < 3 {
            // What is on its way dies with the agent.
            cluster.kill_agent();
            kills += 1;
            cluster.start_agent("");
            continue;
        }
        let expected = there.len() + missing.len();
        let (mut before, mut rest) = (usize::MAX, 0);
        eventually("everything, or rest", SOON, || {
            let now = ids(&spooled(&cluster, &input)).len();
            rest = if std::mem::replace(&mut before, now) == now { rest + 1 } else { 0 };
            // A datagram may be lost before it reaches us.
            (now >= expected || (scheme == "udp" && rest > 50)).then_some(())
        });
    }
    cluster.kill_agent();
    assert_eq!(ids(&spooled(&cluster, &input)).len() as u64, MESSAGES, "none is in the spool twice");
    cluster.start_collector();
    cluster.start_agent("");
    let client = cluster.client();
    await_count(&client, "interface", MESSAGES);
    verify(&client);
    assert!(cluster.stop_agent());
}

#[test]
fn udp_messages_in_the_spool_arrive_once() {
    survives_kills("udp");
}

#[test]
fn tcp_messages_in_the_spool_arrive_once() {
    survives_kills("tcp");
}

#[test]
fn tls_messages_in_the_spool_arrive_once() {
    survives_kills("tls");
}

#[test]
fn a_full_spool_makes_senders_wait_and_loses_nothing() {
    const LONG: u64 = 11_000;
    let mut cluster = Cluster::new();
    let address = free_address();
    cluster.start_collector();
    // The least that there may be: 32 MiB.
    let sections = format!("[[syslog]]\nlisten = 'tcp://{address}'\nspool_bytes = 33554432\n");
    cluster.enroll_agent_with(&sections);
    cluster.start_agent("");
    let mut stream = eventually("a listener", SOON, || TcpStream::connect(&address).ok());
    eventually("the agent has its positions", SOON, || cluster.log("agent.log").find("started"));
    assert!(cluster.stop_collector());
    let padding = "x".repeat(4_000);
    let sender = std::thread::spawn(move || {
        (1..=LONG)
            .for_each(|id| stream.write_all(format!("{} {padding}\n", message(id)).as_bytes()).unwrap());
    });
    let status = cluster.path("agent/status.json");
    eventually("the spool is full", SOON, || {
        let status: serde_json::Value = serde_json::from_str(&fs::read_to_string(&status).ok()?).ok()?;
        status["counters"]["spool_waits"].as_u64().filter(|waits| *waits > 0)
    });
    assert!(!sender.is_finished(), "it waits");
    cluster.start_collector();
    sender.join().unwrap();
    let client = cluster.client();
    await_count(&client, "interface", LONG);
    assert_eq!(client.count("interface"), Some(LONG));
    let segments = || fs::read_dir(cluster.path("agent/spool")).unwrap().flatten().next().unwrap().path();
    eventually("only the newest segment is left", SOON, || {
        (fs::read_dir(segments()).unwrap().count() == 1).then_some(())
    });
    assert!(cluster.stop_agent());
}

#[test]
fn logger_is_understood_in_all_its_ways() {
    if Command::new("logger").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no logger");
        return;
    }
    let mut cluster = Cluster::new();
    let (udp, tcp) = (free_address(), free_address());
    cluster.start_collector();
    cluster.enroll_agent_with(&format!(
        "[[syslog]]\nlisten = 'udp://{udp}'\n[[syslog]]\nlisten = 'tcp://{tcp}'\nfields = {{ team = 'net' }}\n"
    ));
    cluster.start_agent("");
    eventually("a listener", SOON, || TcpStream::connect(&tcp).ok());
    for (number, (address, protocol, format)) in [
        (&udp, "--udp", &["--rfc3164"][..]),
        (&udp, "--udp", &["--rfc5424"]),
        (&tcp, "--tcp", &["--rfc3164"]),
        (&tcp, "--tcp", &["--rfc5424"]),
        (&tcp, "--tcp", &["--rfc5424", "--octet-count"]),
    ]
    .into_iter()
    .enumerate()
    {
        let (server, port) = address.split_once(':').unwrap();
        let status = Command::new("logger")
            .args(["--server", server, "--port", port, protocol, "--priority", "daemon.warning"])
            .args(["--tag", "tagged"])
            .args(format)
            .arg(format!("way {number}"))
            .status();
        assert!(status.unwrap().success());
    }
    let client = cluster.client();
    await_count(&client, "way level:warn service:tagged", 5);
    let of_tcp = client.count("team:net").unwrap();
    assert_eq!((client.count("").unwrap(), of_tcp), (5, 3));
}

#[test]
fn an_input_that_can_not_run_stops_nothing_else() {
    let mut cluster = Cluster::new();
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (address, other) = (taken.local_addr().unwrap(), free_address());
    let nowhere = cluster.path("nowhere");
    cluster.start_collector();
    cluster.enroll_agent_with(&format!(
        "[[syslog]]\nlisten = 'udp://{address}'\n[[syslog]]\nlisten = 'tcp://{other}'\n[journald]\ndirectory = '{nowhere}'\n"
    ));
    cluster.start_agent("");
    let mut sender = Stream(eventually("a listener", SOON, || TcpStream::connect(&other).ok()));
    assert!(sender.send(1));
    let client = cluster.client();
    await_count(&client, "", 1);
    let said = cluster.log("agent.log");
    assert!(said.contains("this input doesn't run") && said.contains(&address.to_string()), "{said}");
    // It runs as soon as it can.
    drop(taken);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    eventually("a message", SOON, || {
        socket.send_to(message(2).as_bytes(), address).unwrap();
        client.count("interface").filter(|count| *count > 1)
    });
    assert!(cluster.stop_agent());
}

//! Enrolment: a key is made here and never leaves; the collector signs a certificate for it in exchange for a
//! join token. The collector's CA is checked against the token during the handshake, before the secret is sent.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use millpond_wire::identity::AgentId;
use millpond_wire::tls::{self, TlsError};
use millpond_wire::token::JoinToken;
use rcgen::{CertificateParams, KeyPair};
use serde::Deserialize;
use tokio::time::timeout;

use crate::certificate;
use crate::config::{Config, TEMPLATE, collectors};
use crate::limits;
use crate::random;
use crate::ship::client::{ClientError, chain, connect_tls};
use crate::state_dir::{self, StateDirError};

/// Name of the configuration file in the data directory.
pub const CONFIG_NAME: &str = "agent.toml";

/// Name of the certificate's file in the data directory.
const CERTIFICATE_NAME: &str = "agent.crt";

/// What the collector says when an id is somebody's.
const CODE_AGENT_EXISTS: &str = "agent_exists";

/// How often another id is tried after that of the machine's name. With random ends, the first is nearly
/// always free.
const OTHER_NAMES_MAX: usize = 3;

/// What the user gives.
#[derive(Debug)]
pub struct Enrolment {
    /// Where key, certificates and configuration go.
    pub data_dir: PathBuf,
    /// From `millpond-collector enroll`.
    pub token: JoinToken,
    /// `None`: made from the machine's name; if the collector has an agent of that name, something random
    /// is put behind it.
    pub name: Option<AgentId>,
    /// What the new configuration follows; the default if empty.
    pub logs: Vec<String>,
    /// Name of a further collector; `None`: the one of the section `[collector]`.
    pub collector: Option<String>,
    /// Another id than the one that the directory has is wanted.
    pub force: bool,
}

/// What enrolment has made.
#[derive(Debug)]
pub struct Enrolled {
    /// As the collector knows this agent now.
    pub agent_id: String,
    /// The collector's.
    pub site: String,
    /// To be given to `run`.
    pub config: PathBuf,
    /// There was one already, which was left as it was.
    pub config_was_kept: bool,
    /// What is to be added to the configuration by hand, since it isn't there or can't be understood.
    pub to_add: Option<String>,
}

/// Why enrolment failed.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// No name was given and the machine's can't be used.
    #[error("no agent id can be made from this machine's name; give one with --name")]
    NoName,
    /// The directory or a file in it.
    #[error(transparent)]
    StateDir(#[from] StateDirError),
    /// Writing a file.
    #[error("{path}: {source}")]
    Write {
        /// Which.
        path: PathBuf,
        /// From the system.
        source: io::Error,
    },
    /// The collector can't be reached, or isn't the one that the token is for.
    #[error("{0}; if the collector was set up anew, its old tokens are void")]
    Connect(#[from] ClientError),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Making key or request.
    #[error("making a key and a certificate request: {0}")]
    Key(#[from] rcgen::Error),
    /// The connection broke.
    #[error("{address}: {reason}")]
    Broken {
        /// Where to.
        address: String,
        /// What happened.
        reason: String,
    },
    /// The collector said no.
    #[error("the collector refused ({status}, {code}): {detail}")]
    Refused {
        /// Of HTTP.
        status: u16,
        /// token_unknown, token_used, token_expired, …
        code: String,
        /// In words.
        detail: String,
    },
    /// The directory is another agent's.
    #[error(
        "{directory} is enrolled as `{own}`, not as `{wanted}`: to a collector that would be another agent, and the lines \
         that it already has count for `{own}`. Give --name {own} or another --data-dir, or --force if you mean it"
    )]
    OtherId {
        /// Of the certificate.
        directory: PathBuf,
        /// As it is.
        own: AgentId,
        /// As it would be.
        wanted: AgentId,
    },
    /// The id is another agent's, or this one's from before.
    #[error(
        "the collector has an agent `{0}` already. If this is another machine, give it another --name; if it is that \
         agent, get a token made for it with `millpond-collector enroll --agent {0}` and give --name {0}"
    )]
    NameTaken(AgentId),
}

#[derive(Deserialize)]
struct Granted {
    certificate: String,
    ca: String,
    site: String,
    agent_id: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Problem {
    code: String,
    detail: String,
}

/// Enrols. An agent that was enrolled before gets a new key and certificate; its configuration and positions stay.
///
/// # Errors
/// When anything fails; nothing of an earlier enrolment is changed then.
pub async fn enroll(enrolment: &Enrolment) -> Result<Enrolled, EnrollError> {
    let data_dir = std::path::absolute(&enrolment.data_dir)
        .map_err(|source| EnrollError::Write { path: enrolment.data_dir.clone(), source })?;
    state_dir::create(&data_dir)?;
    let directory = match &enrolment.collector {
        Some(name) => collectors::directory(&data_dir, name),
        None => data_dir.clone(),
    };
    state_dir::create(&directory)?;
    let key = KeyPair::generate()?;
    let request = CertificateParams::default().serialize_request(&key)?.pem()?;
    // A machine that was enrolled before must not become a second agent only because it asks again.
    let certificate = std::fs::read(directory.join(CERTIFICATE_NAME));
    let was_enrolled = certificate.is_ok();
    let own = certificate.ok().filter(|_| !enrolment.force).and_then(|pem| certificate::agent_of_pem(&pem));
    if let (Some(own), Some(wanted)) = (&own, &enrolment.name)
        && own != wanted
    {
        let (own, wanted) = (own.clone(), wanted.clone());
        return Err(EnrollError::OtherId { directory, own, wanted });
    }
    let granted = match enrolment.name.as_ref().or(own.as_ref()) {
        Some(name) => ask_for(&enrolment.token, &request, name).await?,
        None => ask_for_any(&enrolment.token, &request, &host_name()?, was_enrolled).await?,
    };
    // Fits the key and the CA, or is of no use.
    let key_pem = key.serialize_pem();
    tls::client_config(granted.ca.as_bytes(), granted.certificate.as_bytes(), key_pem.as_bytes())?;
    let (path, key_path) = (directory.join(CERTIFICATE_NAME), directory.join("agent.key"));
    certificate::replace_pair(&path, &key_path, &granted.certificate, &key_pem)
        .map_err(|source| EnrollError::Write { path, source })?;
    write(&directory, "ca.crt", &granted.ca)?;
    let config = data_dir.join(CONFIG_NAME);
    let (address, mut config_was_kept, mut to_add) = (&enrolment.token.address, config.exists(), None);
    if let Some(name) = &enrolment.collector {
        match with_collector(&config, name, address) {
            Ok(Some(text)) => {
                write(&data_dir, CONFIG_NAME, &text)?;
                config_was_kept = false;
            }
            Ok(None) => {}
            Err(section) => to_add = Some(section),
        }
    } else if !config_was_kept {
        write(&data_dir, CONFIG_NAME, &configuration(address, &enrolment.logs))?;
    }
    Ok(Enrolled { agent_id: granted.agent_id, site: granted.site, config, config_was_kept, to_add })
}

/// The configuration with a section for a further collector; `None` if it has one already. The error is the section,
/// if there is no configuration that could be understood with it.
fn with_collector(path: &Path, name: &str, address: &str) -> Result<Option<String>, String> {
    let [name_value, address_value] = [name, address].map(toml::Value::from);
    let section = format!("[[collectors]]\nname = {name_value}\naddress = {address_value}\n");
    let parse = |text: &str| Config::parse(text, path).map_err(|_| section.clone());
    let text = std::fs::read_to_string(path).map_err(|_| section.clone())?;
    if parse(&text)?.collectors.endpoints.iter().any(|endpoint| endpoint.name == name) {
        return Ok(None);
    }
    let text = format!("{}\n\n{section}", text.trim_end());
    parse(&text)?;
    Ok(Some(text))
}

fn host_name() -> Result<String, EnrollError> {
    let host = hostname::get().unwrap_or_default();
    AgentId::from_host_name(&host.to_string_lossy()).map(|id| id.to_string()).ok_or(EnrollError::NoName)
}

/// Asks for a name, and if it is another machine's, for that with a random end. `is_known`: this machine has
/// an id already, so the name may well be its own.
async fn ask_for_any(
    token: &JoinToken,
    request: &str,
    host: &str,
    is_known: bool,
) -> Result<Granted, EnrollError> {
    let own = AgentId::from_host_name(host).ok_or(EnrollError::NoName)?;
    let mut outcome = ask_for(token, request, &own).await;
    if is_known {
        return outcome;
    }
    for _ in 0..OTHER_NAMES_MAX {
        let Err(EnrollError::NameTaken(taken)) = &outcome else { break };
        let other = with_random_end(host, random::number()).ok_or(EnrollError::NoName)?;
        tracing::warn!(
            %taken, %other,
            "the collector has an agent of this machine's name already: trying another one. If this machine is that \
             agent, enrol it with a token made with `millpond-collector enroll --agent {taken}`: otherwise its logs \
             are shipped again"
        );
        outcome = ask_for(token, request, &other).await;
    }
    outcome
}

/// The name and four hex digits, cut so that it is an id.
fn with_random_end(host: &str, random: u64) -> Option<AgentId> {
    let mut head = AgentId::from_host_name(host)?.to_string();
    loop {
        if let Ok(id) = format!("{head}-{:04x}", random & 0xffff).parse() {
            return Some(id);
        }
        head.pop()?;
    }
}

async fn ask_for(token: &JoinToken, request: &str, agent: &AgentId) -> Result<Granted, EnrollError> {
    let body = serde_json::json!({
        "secret": token.secret_text(),
        "csr": request,
        "agent_id": agent.as_str(),
    });
    match ask(token, body.to_string()).await {
        Err(EnrollError::Refused { code, .. }) if code == CODE_AGENT_EXISTS => {
            Err(EnrollError::NameTaken(agent.clone()))
        }
        outcome => outcome,
    }
}

fn write(directory: &Path, name: &str, text: &str) -> Result<(), EnrollError> {
    let path = directory.join(name);
    state_dir::replace(&path, text.as_bytes()).map_err(|source| EnrollError::Write { path, source })
}

async fn ask(token: &JoinToken, body: String) -> Result<Granted, EnrollError> {
    let address = token.address.clone();
    let stream = connect_tls(&address, tls::enroll_client_config(token.ca_sha256)?).await?;
    let broken = |reason: String| EnrollError::Broken { address: address.clone(), reason };
    let exchange = async {
        let (mut requests, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| chain(&error))?;
        let request = http::Request::post("/v1/enroll")
            .header(http::header::HOST, tls::SERVER_NAME)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        // The answer and the connection that carries it, together: no task outlives this function.
        let answer = async {
            let response = requests.send_request(request).await.map_err(|error| chain(&error))?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), limits::ANSWER_BYTES_MAX).collect().await;
            Ok::<_, String>((status, body.map_err(|error| error.to_string())?.to_bytes()))
        };
        tokio::pin!(connection);
        tokio::pin!(answer);
        tokio::select! {
            answer = &mut answer => answer,
            ended = &mut connection => match ended {
                // Closed after the answer was sent; what is left of it is in memory.
                Ok(()) => answer.await,
                Err(error) => Err(chain(&error)),
            },
        }
    };
    let answer = timeout(Duration::from_secs(limits::REQUEST_SECONDS), exchange).await;
    let (status, body) = answer.unwrap_or_else(|_| Err("no answer".into())).map_err(broken)?;
    if status != 200 {
        let problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
        return Err(EnrollError::Refused { status, code: problem.code, detail: problem.detail });
    }
    serde_json::from_slice(&body).map_err(|error| EnrollError::Broken {
        address: address.clone(),
        reason: format!("the answer to the enrolment: {error}"),
    })
}

/// The shipped configuration with an address and, if any were given, patterns.
fn configuration(address: &str, logs: &[String]) -> String {
    let lines = TEMPLATE.lines().map(|line| match line.split_once(" = ") {
        Some(("address", _)) => format!("address = {}\n", toml::Value::from(address)),
        Some(("include", _)) if !logs.is_empty() => {
            let logs: Vec<toml::Value> =
                logs.iter().map(|pattern| toml::Value::from(pattern.as_str())).collect();
            format!("include = {}\n", toml::Value::from(logs))
        }
        _ => format!("{line}\n"),
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::discover::section_of;

    #[test]
    fn another_name_is_an_id_whatever_the_host_is_called() {
        let long = "h".repeat(64);
        let cut = format!("{}-00ff", "h".repeat(59));
        let rows = [
            ("web", 0x12_abcd, Some("web-abcd")),
            ("Web 1", 0, Some("web-1-0000")),
            (&long, 0xff, Some(cut.as_str())),
            ("", 1, None),
        ];
        for (host, random, expected) in rows {
            assert_eq!(with_random_end(host, random).as_ref().map(AgentId::as_str), expected, "{host}");
        }
    }

    #[test]
    fn a_further_collector_is_added_to_the_configuration_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(CONFIG_NAME);
        let section = "[[collectors]]\nname = \"b\"\naddress = \"b:2\"\n";
        assert_eq!(with_collector(&path, "b", "b:2"), Err(section.into()), "no configuration");
        std::fs::write(&path, configuration("a:1", &[])).unwrap();
        let text = with_collector(&path, "b", "b:2").unwrap().unwrap();
        let config = Config::parse(&text, &path).unwrap();
        let names: Vec<_> =
            config.collectors.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
        assert_eq!(names, ["collector", "b"]);
        std::fs::write(&path, text).unwrap();
        assert_eq!(with_collector(&path, "b", "c:3"), Ok(None), "it is there");
        std::fs::write(&path, "[collector\n").unwrap();
        assert_eq!(with_collector(&path, "b", "b:2"), Err(section.into()), "what is not understood stays");
    }

    #[test]
    fn the_configuration_that_is_written_can_be_used() {
        let check = |logs: &[&str], covered: &str| {
            let logs: Vec<String> = logs.iter().map(|text| (*text).to_owned()).collect();
            let text = configuration("logs.example:7514", &logs);
            let config = Config::parse(&text, Path::new("/a/agent.toml")).unwrap();
            assert_eq!(config.collectors.endpoints[0].address, "logs.example:7514");
            assert_eq!(section_of(&config.tailing.coverage, Path::new(covered)), Some(0));
        };
        check(&[], "/var/log/a/b");
        check(&["/srv/\"odd\"/*.log", "/x/**"], "/srv/\"odd\"/a.log");
    }
}

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

use crate::config::TEMPLATE;
use crate::limits;
use crate::ship::client::{ClientError, chain, connect_tls};
use crate::state_dir::{self, StateDirError};

/// Name of the configuration file in the data directory.
pub const CONFIG_NAME: &str = "agent.toml";

/// What the user gives.
#[derive(Debug)]
pub struct Enrolment {
    /// Where key, certificates and configuration go.
    pub data_dir: PathBuf,
    /// From `millpond-collector enroll`.
    pub token: JoinToken,
    /// `None`: made from the machine's name.
    pub name: Option<AgentId>,
    /// What the new configuration follows; the default if empty.
    pub logs: Vec<String>,
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
    let directory = std::path::absolute(&enrolment.data_dir)
        .map_err(|source| EnrollError::Write { path: enrolment.data_dir.clone(), source })?;
    let agent_id = match &enrolment.name {
        Some(name) => name.clone(),
        None => {
            let host = hostname::get().unwrap_or_default();
            AgentId::from_host_name(&host.to_string_lossy()).ok_or(EnrollError::NoName)?
        }
    };
    state_dir::create(&directory)?;
    let key = KeyPair::generate()?;
    let request = CertificateParams::default().serialize_request(&key)?.pem()?;
    let body = serde_json::json!({
        "secret": enrolment.token.secret_text(),
        "csr": request,
        "agent_id": agent_id.as_str(),
    });
    let granted = ask(&enrolment.token, body.to_string()).await?;
    // Fits the key and the CA, or is of no use.
    let key_pem = key.serialize_pem();
    tls::client_config(granted.ca.as_bytes(), granted.certificate.as_bytes(), key_pem.as_bytes())?;
    write(&directory, "agent.key", &key_pem)?;
    write(&directory, "agent.crt", &granted.certificate)?;
    write(&directory, "ca.crt", &granted.ca)?;
    let config = directory.join(CONFIG_NAME);
    let config_was_kept = config.exists();
    if !config_was_kept {
        write(&directory, CONFIG_NAME, &configuration(&enrolment.token.address, &enrolment.logs))?;
    }
    Ok(Enrolled { agent_id: granted.agent_id, site: granted.site, config, config_was_kept })
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
    fn the_configuration_that_is_written_can_be_used() {
        let check = |logs: &[&str], covered: &str| {
            let logs: Vec<String> = logs.iter().map(|text| (*text).to_owned()).collect();
            let text = configuration("logs.example:7514", &logs);
            let config = Config::parse(&text, Path::new("/a/agent.toml")).unwrap();
            assert_eq!(config.endpoint.address, "logs.example:7514");
            assert_eq!(section_of(&config.tailing.coverage, Path::new(covered)), Some(0));
        };
        check(&[], "/var/log/a/b");
        check(&["/srv/\"odd\"/*.log", "/x/**"], "/srv/\"odd\"/a.log");
    }
}

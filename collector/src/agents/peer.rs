//! Who is at the other end of a connection, as its certificate says, and whether they are still to be served: a
//! certificate may be revoked, or end, while a connection is open. Reads X.509 and the folder of revocations.

use http::StatusCode;
use millpond_wire::identity::AgentId;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use super::problem::Problem;
use super::seen::Shown;
use crate::identity::Revocations;
use crate::limits::STORAGE_RETRY_AFTER_S;

/// Hex digits of a serial number that are kept: all of one (RFC 5280, 4.1.2.2).
const SERIAL_DIGITS_MAX: usize = 40;

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// An agent with a certificate of ours.
    Agent(Member),
    /// Someone with a certificate of our CA that names no agent of this site; says why.
    Stranger(String),
    /// Someone without a certificate, on a connection for enrolment.
    Newcomer,
}

/// An agent and the certificate that it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) id: AgentId,
    pub(super) certificate: Shown,
}

impl Member {
    /// Whether its requests are to be answered at `now_s`, Unix seconds.
    ///
    /// # Errors
    /// They aren't: what to tell it.
    pub(super) fn check(&self, revocations: &Revocations, now_s: i64) -> Result<(), Problem> {
        let Self { id, certificate } = self;
        let refuse = |code, detail| Err(Problem::new(StatusCode::FORBIDDEN, code, detail));
        if now_s > certificate.end_s {
            let detail = format!(
                "the certificate of the agent `{id}` has ended: enrol it again, with a token made with \
                 `millpond-collector enroll --agent {id}`"
            );
            return refuse("certificate_ended", detail);
        }
        match revocations.of(id) {
            Ok(revocation) if revocation.is_some_and(|revocation| revocation.covers(certificate.start_s)) => {
                let detail = format!(
                    "the agent `{id}` was revoked at this collector: take that back with `millpond-collector agents \
                     unrevoke {id}`, or enrol it again, with a token made with `millpond-collector enroll --agent {id}`"
                );
                refuse("agent_revoked", detail)
            }
            Ok(_) => Ok(()),
            // Whoever was revoked must not get in because a disk fails.
            Err(error) => {
                tracing::error!(agent = %id, %error, "can't tell who is revoked; nobody is let in");
                let detail = "the collector can't read who is revoked";
                let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "revocations_unreadable", detail);
                Err(Problem { retry_after_s: Some(STORAGE_RETRY_AFTER_S), ..problem })
            }
        }
    }
}

/// Who a verified chain of certificates belongs to; they were heard of at `now_s`.
pub(super) fn identify(chain: &[CertificateDer<'_>], site: &str, now_s: i64) -> Peer {
    let parsed = chain.first().and_then(|first| parse_x509_certificate(first).ok());
    let Some((_, certificate)) = parsed else {
        return Peer::Stranger("your certificate can't be read: enrol again".into());
    };
    let uris = uri_names(&certificate);
    let identities = uris.iter().filter_map(|uri| AgentId::from_uri(uri).ok()).collect::<Vec<_>>();
    match identities.as_slice() {
        [(agent_site, agent)] if agent_site == site => {
            Peer::Agent(Member { id: agent.clone(), certificate: shown(&certificate, now_s) })
        }
        [(agent_site, _)] => Peer::Stranger(format!(
            "your certificate is of site `{agent_site}`, this collector's [identity] site is `{site}`: enrol again"
        )),
        _ => Peer::Stranger("your certificate names no agent: enrol again".into()),
    }
}

fn shown(certificate: &X509Certificate<'_>, seen_s: i64) -> Shown {
    let serial = certificate.raw_serial().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Shown {
        serial: serial.chars().take(SERIAL_DIGITS_MAX).collect(),
        start_s: certificate.validity().not_before.timestamp(),
        end_s: certificate.validity().not_after.timestamp(),
        seen_s,
        is_connected: false,
    }
}

/// The URI subject alternative names of a certificate.
fn uri_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let uri = |name: &GeneralName<'_>| match name {
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    };
    names.value.general_names.iter().filter_map(uri).collect()
}

//! rustls configurations of both sides: TLS 1.3 only, `ring`, client certificates.
//!
//! There are two pairs. The ordinary one: the server demands a client certificate of our CA, the
//! client verifies the server against the CA that it enrolled with. The one for enrolment: the
//! client has no certificate yet and verifies the CA against a join token's hash, during the
//! handshake and so before a byte of the secret is sent. The server tells them apart by the ALPN
//! protocol in the ClientHello. Nothing here does I/O: PEM bytes come in, configurations go out.

use std::sync::Arc;

use ring::digest;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig,
    SignatureScheme,
};

/// A name in every collector's certificate. Agents verify it in place of the address they dial, so
/// that a collector may move; the CA is ours alone and signs no second server.
pub const SERVER_NAME: &str = "millpond-collector";

/// ALPN protocol of a connection that enrols and does nothing else.
pub const ALPN_ENROLL: &[u8] = b"millpond-enroll/1";

/// ALPN protocols of all other connections, preferred first.
const ALPN_HTTP: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a configuration could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file holds no certificate, or not one that can be read.
    #[error("no certificate in the PEM text of the {0}")]
    Certificate(&'static str),
    /// A PEM file holds no private key.
    #[error("no private key in the PEM text")]
    Key,
    /// rustls refused the parts, for instance a key that does not fit its certificate.
    #[error("TLS configuration refused: {0}")]
    Refused(#[from] Error),
    /// The verifier of peers could not be built from the CA.
    #[error("the CA certificate can't verify peers: {0}")]
    Verifier(String),
}

/// SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// SHA-256 of the DER form of the first certificate in `ca_pem`: what a join token pins.
///
/// # Errors
/// There is no certificate in it.
pub fn ca_fingerprint(ca_pem: &[u8]) -> Result<[u8; 32], TlsError> {
    let certificate = certificates(ca_pem, "CA")?;
    certificate.first().map(|der| sha256(der)).ok_or(TlsError::Certificate("CA"))
}

/// An agent's configuration: shows its certificate, trusts these CAs alone. Of several keys the one that fits
/// the certificate is used: while a pair is being replaced, the file of the key holds both keys.
///
/// # Errors
/// The PEM texts hold no certificates or key, or they don't fit together.
pub fn client_config(ca_pem: &[u8], chain_pem: &[u8], key_pem: &[u8]) -> Result<Arc<ClientConfig>, TlsError> {
    let (roots, chain) = (Arc::new(roots(ca_pem)?), certificates(chain_pem, "agent")?);
    let mut refusal = TlsError::Key;
    for key in PrivateKeyDer::pem_slice_iter(key_pem) {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(Arc::clone(&roots));
        match builder.with_client_auth_cert(chain.clone(), key.map_err(|_| TlsError::Key)?) {
            Ok(mut config) => {
                // HTTP/2 alone: one connection carries batches and questions.
                config.alpn_protocols = vec![ALPN_HTTP[0].to_vec()];
                return Ok(Arc::new(config));
            }
            Err(error) => refusal = error.into(),
        }
    }
    Err(refusal)
}

/// True when a server that showed this chain would be trusted with these CAs: asked before an agent takes
/// another list of CAs in place of the one that it has.
pub fn is_trusted(ca_pem: &[u8], chain: &[CertificateDer<'_>], now: UnixTime) -> bool {
    let Some((end_entity, intermediates)) = chain.split_first() else { return false };
    let (Ok(roots), Ok(name)) = (roots(ca_pem), ServerName::try_from(SERVER_NAME)) else { return false };
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .is_ok_and(|verifier| verifier.verify_server_cert(end_entity, intermediates, &name, &[], now).is_ok())
}

/// A configuration for enrolment: no certificate to show, and a server whose chain must hold the CA
/// with this fingerprint.
///
/// # Errors
/// rustls refuses TLS 1.3, which can't happen with `ring`.
pub fn enroll_client_config(ca_sha256: [u8; 32]) -> Result<Arc<ClientConfig>, TlsError> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(PinnedCa { ca_sha256, provider: provider() }))
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN_ENROLL.to_vec()];
    Ok(Arc::new(config))
}

/// The collector's configuration for agents: a client certificate of this CA or no connection.
/// `chain_pem` is the server's certificate followed by the CA's.
///
/// # Errors
/// The PEM texts hold no certificates or key, or they don't fit together.
pub fn server_config(chain_pem: &[u8], key_pem: &[u8], ca_pem: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca_pem)?), provider())
        .build()
        .map_err(|error| TlsError::Verifier(error.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(chain_pem, "server")?, private_key(key_pem)?)?;
    config.alpn_protocols = ALPN_HTTP.map(<[u8]>::to_vec).to_vec();
    Ok(Arc::new(config))
}

/// The collector's configuration for connections that enrol: no client certificate is asked for, so
/// the caller must serve nothing else on them.
///
/// # Errors
/// The PEM texts hold no certificates or key, or they don't fit together.
pub fn enroll_server_config(chain_pem: &[u8], key_pem: &[u8]) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(certificates(chain_pem, "server")?, private_key(key_pem)?)?;
    config.alpn_protocols = vec![ALPN_ENROLL.to_vec()];
    Ok(Arc::new(config))
}

/// A syslog listener's configuration: a client certificate of `client_ca_pem`, or none is asked for. Its names are not
/// looked at (RFC 5425, section 5.2, leaves that to policy): the CA says who may send.
///
/// # Errors
/// The PEM texts hold no certificates or key, or they don't fit together.
pub fn syslog_server_config(
    chain_pem: &[u8],
    key_pem: &[u8],
    client_ca_pem: Option<&[u8]>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let builder =
        ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13])?;
    let builder = match client_ca_pem {
        Some(ca_pem) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca_pem)?), provider());
            let verifier = verifier.build().map_err(|error| TlsError::Verifier(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(certificates(chain_pem, "server")?, private_key(key_pem)?)?;
    Ok(Arc::new(config))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(pem: &[u8], of: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or(TlsError::Certificate(of))
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| TlsError::Key)
}

fn roots(ca_pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca_pem, "CA")? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

/// Accepts a server whose chain is signed by the CA with a known hash, and no other.
#[derive(Debug)]
struct PinnedCa {
    ca_sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedCa {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let ca = intermediates
            .iter()
            .find(|certificate| sha256(certificate) == self.ca_sha256)
            .ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone().into_owned())?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
            .build()
            .map_err(|error| Error::General(error.to_string()))?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;

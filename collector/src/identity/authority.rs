//! The certificate authority: makes itself, the collector's certificate and agents' certificates.
//! It signs for no one else, so a certificate of this CA with the client purpose is an agent of ours.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use millpond_wire::identity::AgentId;
use millpond_wire::tls::{SERVER_NAME, ca_fingerprint};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use x509_parser::pem::parse_x509_pem;

use super::IdentityError;
use super::files::{DataDir, create_private, failed, make_dir, sync_dir};

/// Names of every collector's certificate beside the ones that `init` is told.
const LOCAL_NAMES: [&str; 4] = [SERVER_NAME, "localhost", "127.0.0.1", "::1"];

/// Life of the CA and of the collector's certificate. Their keys lie in one folder, so a shorter
/// life of the second would protect nothing.
const CA_LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Longest time by which a certificate begins before it is made, in seconds: an hour, for clocks that are not
/// quite together.
const CLOCKS_APART_S_MAX: u64 = 3600;

/// The CA, ready to sign.
#[derive(Debug)]
pub struct Authority {
    ca_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate request that can't be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate request can't be used: {0}")]
pub struct BadRequest(String);

impl Authority {
    /// Makes the CA and the collector's certificate in a data directory that has none. `names` are
    /// more DNS names or addresses for the collector's certificate; `now_s` is Unix time.
    ///
    /// # Errors
    /// There is an identity already, a name is none, or the disk refuses.
    pub fn create(dir: &DataDir, names: &[String], now_s: u64) -> Result<(), IdentityError> {
        let finished = dir.identity();
        for path in [dir.config(), finished.clone()] {
            if path.exists() {
                return Err(IdentityError::Exists(path));
            }
        }
        let ca_key = KeyPair::generate()?;
        let ca = ca_params(now_s).self_signed(&ca_key)?;
        let issuer = Issuer::new(ca_params(now_s), ca_key);
        let server_key = KeyPair::generate()?;
        let server = server_params(names, now_s)?.signed_by(&server_key, &issuer)?;
        // Whole or not there: the folder gets its name when all files are in it.
        let unfinished = DataDir::new(dir.root().join("identity.new"));
        make_dir(dir.root())?;
        let _ = std::fs::remove_dir_all(unfinished.root());
        make_dir(&unfinished.identity())?;
        create_private(&unfinished.ca_certificate(), ca.pem().as_bytes())?;
        create_private(&unfinished.ca_key(), issuer.key().serialize_pem().as_bytes())?;
        create_private(&unfinished.server_chain(), (server.pem() + &ca.pem()).as_bytes())?;
        create_private(&unfinished.server_key(), server_key.serialize_pem().as_bytes())?;
        sync_dir(&unfinished.identity())?;
        std::fs::rename(unfinished.identity(), &finished).map_err(failed(&finished))?;
        let _ = std::fs::remove_dir(unfinished.root());
        sync_dir(dir.root())
    }

    /// Reads the CA of a data directory.
    ///
    /// # Errors
    /// It isn't there, or its files are damaged.
    pub fn load(dir: &DataDir) -> Result<Self, IdentityError> {
        let ca_pem = read(&dir.ca_certificate())?;
        let key = KeyPair::from_pem(&read(&dir.ca_key())?)?;
        let issuer = Issuer::from_ca_cert_pem(&ca_pem, key)?;
        Ok(Self { ca_pem, issuer })
    }

    /// The CA's certificate, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// When the CA ends, Unix seconds. No certificate that it signed is good for longer.
    ///
    /// # Errors
    /// The certificate can't be read.
    pub fn ends_s(&self) -> Result<i64, IdentityError> {
        let unreadable = || IdentityError::Certificate(rcgen::Error::CouldNotParseCertificate);
        let (_, pem) = parse_x509_pem(self.ca_pem.as_bytes()).map_err(|_| unreadable())?;
        Ok(pem.parse_x509().map_err(|_| unreadable())?.validity().not_after.timestamp())
    }

    /// SHA-256 of the CA's certificate, as join tokens carry it.
    ///
    /// # Errors
    /// The certificate can't be read.
    pub fn fingerprint(&self) -> Result<[u8; 32], IdentityError> {
        Ok(ca_fingerprint(self.ca_pem.as_bytes())?)
    }

    /// Signs an agent's certificate, PEM, for `life` from `now_s` on. Only the key is taken from the request,
    /// which must be signed by that key; whatever names it asks for are ignored.
    ///
    /// # Errors
    /// The request is none, or its signature is wrong.
    pub fn sign_agent(
        &self,
        request_pem: &str,
        site: &str,
        agent: &AgentId,
        now_s: u64,
        life: Duration,
    ) -> Result<String, BadRequest> {
        let bad = |error: rcgen::Error| BadRequest(error.to_string());
        let request = CertificateSigningRequestParams::from_pem(request_pem).map_err(bad)?;
        let mut params = base_params(agent.as_str(), now_s, life);
        let uri = agent.uri(site).try_into().map_err(bad)?;
        params.subject_alt_names = vec![SanType::URI(uri)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&request.public_key, &self.issuer).map_err(bad)?;
        Ok(certificate.pem())
    }
}

/// When a certificate that is made at `now_s` begins. A certificate of a short life begins little earlier: when it
/// is to be renewed is told by its beginning and its end.
pub fn made_s(now_s: u64, life: Duration) -> u64 {
    now_s.saturating_sub((life.as_secs() / 12).min(CLOCKS_APART_S_MAX))
}

fn base_params(name: &str, now_s: u64, life: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(made_s(now_s, life));
    params.not_after = epoch + Duration::from_secs(now_s) + life;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn ca_params(now_s: u64) -> CertificateParams {
    let mut params = base_params("Millpond CA", now_s, CA_LIFE);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server_params(names: &[String], now_s: u64) -> Result<CertificateParams, IdentityError> {
    let mut all: Vec<String> = LOCAL_NAMES.map(String::from).to_vec();
    all.extend(names.iter().filter(|name| !LOCAL_NAMES.contains(&name.as_str())).cloned());
    let mut params = base_params(SERVER_NAME, now_s, CA_LIFE);
    params.subject_alt_names = CertificateParams::new(all)?.subject_alt_names;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Reads a file of the identity; says how to make one if there is none.
fn read(path: &Path) -> Result<String, IdentityError> {
    std::fs::read_to_string(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => IdentityError::Missing(path.to_owned()),
        _ => failed(path)(source),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use x509_parser::extensions::GeneralName;

    use super::*;

    const NOW_S: u64 = 1_800_000_000;
    const LIFE: Duration = Duration::from_secs(30 * 86_400);

    fn authority() -> (tempfile::TempDir, DataDir, Authority) {
        let temporary = tempfile::tempdir().unwrap();
        let dir = DataDir::new(temporary.path().join("collector"));
        Authority::create(&dir, &["logs.example".into()], NOW_S).unwrap();
        let authority = Authority::load(&dir).unwrap();
        (temporary, dir, authority)
    }

    #[test]
    fn an_identity_is_made_once_and_its_keys_are_private() {
        let (_temporary, dir, authority) = authority();
        for path in [dir.ca_key(), dir.server_key()] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(matches!(Authority::create(&dir, &[], NOW_S), Err(IdentityError::Exists(_))));
        assert_eq!(authority.fingerprint().unwrap(), ca_fingerprint(authority.ca_pem().as_bytes()).unwrap());
        let chain = std::fs::read(dir.server_chain()).unwrap();
        let key = std::fs::read(dir.server_key()).unwrap();
        millpond_wire::tls::server_config(&chain, &key, authority.ca_pem().as_bytes()).unwrap();
        let missing = Authority::load(&DataDir::new("/nonexistent")).unwrap_err();
        assert!(missing.to_string().contains("init --data-dir"));
    }

    #[test]
    fn only_the_key_of_a_request_is_believed() {
        let (_temporary, _dir, authority) = authority();
        let key = KeyPair::generate().unwrap();
        let mut wish = CertificateParams::new(vec!["evil.example".to_owned()]).unwrap();
        wish.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let request = wish.serialize_request(&key).unwrap().pem().unwrap();
        let agent: AgentId = "web-01".parse().unwrap();
        let pem = authority.sign_agent(&request, "mill", &agent, NOW_S, LIFE).unwrap();
        let (_, pem) = parse_x509_pem(pem.as_bytes()).unwrap();
        let certificate = pem.parse_x509().unwrap();
        let names = &certificate.subject_alternative_name().unwrap().unwrap().value.general_names;
        assert_eq!(names, &[GeneralName::URI("spiffe://mill/agent/web-01")]);
        assert!(!certificate.is_ca());
        let usage = certificate.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.client_auth && !usage.server_auth);
        let life_s = certificate.validity().not_after.timestamp() - NOW_S as i64;
        assert_eq!(life_s, LIFE.as_secs() as i64);
        assert_eq!(authority.ends_s().unwrap(), (NOW_S + CA_LIFE.as_secs()) as i64);
    }

    #[test]
    fn certificates_begin_a_little_before_they_are_made() {
        for (life_s, before_s) in [(30 * 86_400, 3600), (86_400, 3600), (3600, 300), (15, 1), (0, 0)] {
            assert_eq!(made_s(NOW_S, Duration::from_secs(life_s)), NOW_S - before_s, "{life_s}");
        }
        assert_eq!(made_s(0, LIFE), 0);
    }

    #[test]
    fn requests_that_are_none_are_refused() {
        let (_temporary, _dir, authority) = authority();
        let agent: AgentId = "a".parse().unwrap();
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default().serialize_request(&key).unwrap();
        let mut forged = request.der().to_vec();
        // The last byte is in the signature.
        *forged.last_mut().unwrap() ^= 1;
        let forged = CertificateSigningRequestParams::from_der(&forged.into()).map(drop);
        assert!(forged.is_err());
        for text in ["", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"] {
            assert!(authority.sign_agent(text, "mill", &agent, NOW_S, LIFE).is_err());
        }
    }
}

//! Who we are at one collector: certificate, key and CAs, read from their files again and again, since enrolment, our
//! own renewal and other programs replace them. What fits together is taken into use; while it doesn't, in the
//! middle of a swap, what was in use stays so. Nothing is written here.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millpond_wire::tls;
use rustls::ClientConfig;
use xxhash_rust::xxh3::xxh3_128;

use super::client::{ClientError, Endpoint};
use crate::certificate::Validity;
use crate::limits;
use crate::metrics::Counters;

/// See the module.
#[derive(Debug)]
pub struct Identity {
    endpoint: Endpoint,
    counters: Arc<Counters>,
    in_use: Option<InUse>,
    looked: Option<Instant>,
    /// Hash of files that don't fit together, told of once.
    told: Option<u128>,
}

#[derive(Debug)]
struct InUse {
    /// Of all three files.
    hash: u128,
    config: Arc<ClientConfig>,
    validity: Option<Validity>,
}

impl Identity {
    /// That of the endpoint's files, which are not read yet.
    pub fn new(endpoint: Endpoint, counters: Arc<Counters>) -> Self {
        Self { endpoint, counters, in_use: None, looked: None, told: None }
    }

    /// Looks at the files. True: something else is in use now.
    ///
    /// # Errors
    /// Nothing is in use, and the files can't be read or don't fit together.
    pub fn refresh(&mut self) -> Result<bool, ClientError> {
        self.looked = Some(Instant::now());
        let read = |path: &PathBuf| {
            std::fs::read(path).map_err(|source: io::Error| ClientError::File { path: path.clone(), source })
        };
        // The certificate first: a renewal lets the key fit the old one until the new one is there.
        let files = [&self.endpoint.certificate, &self.endpoint.key, &self.endpoint.ca].map(read);
        let [certificate, key, ca] = match files {
            [Ok(certificate), Ok(key), Ok(ca)] => [certificate, key, ca],
            files => {
                let error = files.into_iter().find_map(Result::err);
                return error.map_or(Ok(false), |error| self.keep(error, 0));
            }
        };
        let hash = xxh3_128(
            &[xxh3_128(&certificate), xxh3_128(&key), xxh3_128(&ca)].map(u128::to_le_bytes).concat(),
        );
        if self.in_use.as_ref().is_some_and(|in_use| in_use.hash == hash) {
            return Ok(false);
        }
        match tls::client_config(&ca, &certificate, &key) {
            Ok(config) => {
                let validity = Validity::of_pem(&certificate);
                let is_replaced = self.in_use.replace(InUse { hash, config, validity }).is_some();
                if is_replaced {
                    let ends_unix_s = validity.map(|validity| validity.end_s);
                    let collector = &self.endpoint.name;
                    tracing::info!(collector, ends_unix_s, "another certificate is in use now");
                }
                Ok(is_replaced)
            }
            Err(error) => self.keep(error.into(), hash),
        }
    }

    /// As [`Self::refresh`] if the last look was some time ago.
    pub fn refresh_if_due(&mut self) -> bool {
        let period = Duration::from_millis(limits::CERTIFICATE_LOOK_MS);
        let is_due = self.looked.is_none_or(|looked| looked.elapsed() >= period);
        is_due && self.in_use.is_some() && self.refresh().unwrap_or(false)
    }

    /// What to connect with; `None` before the first refresh that went well.
    pub fn config(&self) -> Option<Arc<ClientConfig>> {
        self.in_use.as_ref().map(|in_use| Arc::clone(&in_use.config))
    }

    /// From when until when our certificate is good.
    pub fn validity(&self) -> Option<Validity> {
        self.in_use.as_ref().and_then(|in_use| in_use.validity)
    }

    /// What is in use stays so, whatever is wrong with the files, which is said once.
    fn keep(&mut self, error: ClientError, hash: u128) -> Result<bool, ClientError> {
        if self.in_use.is_none() {
            return Err(error);
        }
        if self.told.replace(hash) != Some(hash) {
            self.counters.certificate_errors.increment();
            tracing::warn!(collector = self.endpoint.name, %error, "new certificates can't be used; the old ones stay in use");
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    /// A certificate that is its own CA, which is enough for a configuration.
    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (CertificateParams::default().self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn endpoint(directory: &Path) -> Endpoint {
        let path = |name: &str| directory.join(name);
        Endpoint {
            name: "collector".into(),
            address: "a:1".into(),
            ca: path("ca.crt"),
            certificate: path("agent.crt"),
            key: path("agent.key"),
            is_renewed: true,
        }
    }

    #[test]
    fn what_does_not_fit_is_never_taken_into_use() {
        let directory = tempfile::tempdir().unwrap();
        let counters = Arc::new(Counters::default());
        let mut identity = Identity::new(endpoint(directory.path()), Arc::clone(&counters));
        assert!(identity.refresh().is_err() && identity.config().is_none());
        let (old, new, other) = (pair(), pair(), pair());
        let both_keys = format!("{}{}", new.1, old.1);
        let both_cas = format!("{}{}", old.0, new.0);
        // What is written to which file, whether it changes what is in use, warnings so far.
        let rows = [
            ("ca.crt", &old.0, false, 0),
            ("agent.key", &old.1, false, 0),
            ("agent.crt", &old.0, false, 0),
            ("agent.crt", &old.0, false, 0),
            // A swap by somebody else: in between they don't fit.
            ("agent.crt", &other.0, false, 1),
            ("agent.crt", &other.0, false, 1),
            ("agent.key", &other.1, true, 1),
            ("agent.key", &"not a key".to_owned(), false, 2),
            ("agent.key", &other.1, false, 2),
            ("ca.crt", &both_cas, true, 2),
            // Our own way: they fit at each step.
            ("agent.key", &old.1, false, 3),
            ("agent.crt", &old.0, true, 3),
            ("agent.key", &both_keys, true, 3),
            ("agent.crt", &new.0, true, 3),
            ("agent.key", &new.1, true, 3),
        ];
        for (row, (name, text, is_changed, warnings)) in rows.into_iter().enumerate() {
            fs::write(directory.path().join(name), text).unwrap();
            // Nothing is in use before all three are there.
            let changed = if row < 2 { identity.refresh().is_ok() } else { identity.refresh().unwrap() };
            assert_eq!((changed, counters.certificate_errors.value()), (is_changed, warnings), "row {row}");
        }
        fs::remove_file(directory.path().join("ca.crt")).unwrap();
        assert!(!identity.refresh().unwrap() && identity.config().is_some(), "a file that is gone");
    }
}

//! When the agent's certificate ends. Nothing else of it is looked at here: what it is worth, TLS decides.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::limits;
use crate::time::Now;

/// Looks at the file now and then, and warns in time.
#[derive(Debug)]
pub struct Expiry {
    path: PathBuf,
    ends_unix_s: Option<i64>,
    looked_ms: Option<u64>,
    warned_ms: Option<u64>,
}

impl Expiry {
    /// Of the certificate in a PEM file.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), ends_unix_s: None, looked_ms: None, warned_ms: None }
    }

    /// The end of the certificate in a PEM file, Unix seconds; `None` when it can't be read.
    pub fn of_file(path: &Path) -> Option<i64> {
        ends_unix_s(&fs::read(path).ok()?)
    }

    /// The end of the certificate, Unix seconds; `None` when the file can't be read. The file is read once an
    /// hour, since another enrolment replaces it; the warning is given once a day.
    pub fn check(&mut self, now: Now) -> Option<i64> {
        let is_due = |since_ms: Option<u64>, period_ms: u64| {
            since_ms.is_none_or(|since_ms| now.mono_ms.saturating_sub(since_ms) >= period_ms)
        };
        if is_due(self.looked_ms, limits::CERTIFICATE_LOOK_MS) {
            self.looked_ms = Some(now.mono_ms);
            self.ends_unix_s = Self::of_file(&self.path);
        }
        let left_s = self.ends_unix_s?.saturating_sub(now.unix_s());
        if left_s < limits::CERTIFICATE_SECONDS_MIN && is_due(self.warned_ms, limits::CERTIFICATE_WARNING_MS)
        {
            self.warned_ms = Some(now.mono_ms);
            let (path, days_left) = (self.path.display(), left_s.div_euclid(24 * 3600));
            tracing::warn!(
                %path,
                days_left,
                "the agent's certificate ends soon or has ended; nothing is accepted after that. Make a token with \
                 `millpond-collector enroll --agent <its id>`, and run `millpond-agent enroll` with the token, this \
                 id as --name and the same --data-dir; a restart isn't needed"
            );
        }
        self.ends_unix_s
    }
}

/// `notAfter` of the first certificate of a PEM text (RFC 5280, 4.1.2.5), in Unix seconds.
fn ends_unix_s(pem: &[u8]) -> Option<i64> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let der = CertificateDer::from_pem_slice(pem).ok()?;
    let (certificate, _) = value(&der, SEQUENCE)?;
    let (mut fields, _) = value(certificate, SEQUENCE)?;
    // Absent in version 1.
    if fields.first() == Some(&VERSION) {
        fields = element(fields)?.2;
    }
    // Serial number, algorithm, issuer.
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (validity, _) = value(fields, SEQUENCE)?;
    let (_, _, not_after) = element(validity)?;
    let (tag, text, _) = element(not_after)?;
    unix_s(tag, std::str::from_utf8(text).ok()?)
}

/// A UTCTime or GeneralizedTime. Two digits of a year stand for 1950 to 2049.
fn unix_s(tag: u8, text: &str) -> Option<i64> {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let text = match tag {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// The content of the first element, which must have this tag, and what stands after it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(der).filter(|(found, ..)| *found == tag).map(|(_, value, rest)| (value, rest))
}

/// Tag and content of the first element of DER (X.690, 8.1), and what stands after it. Tags of several bytes and
/// lengths beyond four bytes occur in no certificate.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (len, rest) = match usize::from(*first) {
        short @ 0..=0x7f => (short, rest),
        long @ 0x81..=0x84 => {
            let (len, rest) = rest.split_at_checked(long - 0x80)?;
            (len.iter().fold(0, |len, byte| (len << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(len)?;
    Some((*tag, value, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn pem(year: i32) -> String {
        let mut params = CertificateParams::default();
        params.not_after = date_time_ymd(year, 2, 28);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[test]
    fn ends() {
        // From 2050 on the other form of time is used.
        for (year, expected) in
            [(1999, 920_160_000), (2027, 1_803_772_800), (2049, 2_498_083_200), (2051, 2_561_155_200)]
        {
            assert_eq!(ends_unix_s(pem(year).as_bytes()), Some(expected), "{year}");
        }
        assert_eq!(ends_unix_s(b"no certificate"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = element(&bytes);
        }
    }

    #[test]
    fn another_enrolment_ends_the_warning() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent.crt");
        let mut expiry = Expiry::new(&path);
        let mut now = Now { mono_ms: 0, unix_ns: 1_803_772_800_000_000_000 };
        assert_eq!(expiry.check(now), None);
        fs::write(&path, pem(2027)).unwrap();
        now.mono_ms += limits::CERTIFICATE_LOOK_MS;
        assert_eq!((expiry.check(now), expiry.warned_ms), (Some(1_803_772_800), Some(now.mono_ms)));
        fs::write(&path, pem(2049)).unwrap();
        let warned_ms = expiry.warned_ms;
        now.mono_ms += limits::CERTIFICATE_WARNING_MS;
        assert_eq!((expiry.check(now), expiry.warned_ms), (Some(2_498_083_200), warned_ms));
    }
}

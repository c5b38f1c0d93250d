//! From when until when an agent's certificate is good, and how it is replaced with its key. What it is worth, TLS
//! decides.

use std::fs;
use std::io;
use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use millpond_wire::identity::AgentId;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::limits;
use crate::state_dir;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Unix seconds.
    pub start_s: i64,
    /// Unix seconds.
    pub end_s: i64,
}

impl Validity {
    /// Of the first certificate of a PEM text (RFC 5280, 4.1.2.5).
    pub fn of_pem(pem: &[u8]) -> Option<Self> {
        let der = CertificateDer::from_pem_slice(pem).ok()?;
        of_der(&der)
    }

    /// Length in seconds, not negative.
    pub fn life_s(self) -> i64 {
        self.end_s.saturating_sub(self.start_s).max(0)
    }

    /// True when it is time to care: renewals should have come before.
    pub fn ends_soon(self, now_s: i64) -> bool {
        let left_s = self.end_s.saturating_sub(now_s);
        left_s < limits::CERTIFICATE_SECONDS_MIN.min(self.life_s() / limits::CERTIFICATE_WARNING_SHARE)
    }
}

/// The agent that the first certificate of a PEM text is for: the URI among its names (RFC 5280, 4.2.1.6).
pub fn agent_of_pem(pem: &[u8]) -> Option<AgentId> {
    const URI: u8 = 0x86;
    const SCHEME: &[u8] = b"spiffe://";
    let der = CertificateDer::from_pem_slice(pem).ok()?;
    // Behind its tag and a length of one byte.
    memchr::memmem::find_iter(&der, SCHEME).find_map(|at| {
        let (uri, _) = value(der.get(at.checked_sub(2)?..)?, URI)?;
        AgentId::from_uri(std::str::from_utf8(uri).ok()?).ok().map(|(_, id)| id)
    })
}

/// Puts a certificate and its key in the place of others, durably. At every moment, also after a crash, the two files
/// hold a pair that fits: the key's file first gets both keys, then the certificate follows, then the old key goes.
///
/// # Errors
/// From the system; what is there then still fits.
pub fn replace_pair(certificate: &Path, key: &Path, certificate_pem: &str, key_pem: &str) -> io::Result<()> {
    let old = match fs::read_to_string(key) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    state_dir::replace(key, format!("{key_pem}\n{old}").as_bytes())?;
    state_dir::replace(certificate, certificate_pem.as_bytes())?;
    state_dir::replace(key, key_pem.as_bytes())
}

fn of_der(der: &[u8]) -> Option<Validity> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (certificate, _) = value(der, SEQUENCE)?;
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
    let (start_tag, start, end) = element(validity)?;
    let (end_tag, end, _) = element(end)?;
    Some(Validity { start_s: unix_s(start_tag, start)?, end_s: unix_s(end_tag, end)? })
}

/// A UTCTime or GeneralizedTime. Two digits of a year stand for 1950 to 2049.
fn unix_s(tag: u8, text: &[u8]) -> Option<i64> {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let text = std::str::from_utf8(text).ok()?;
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
    use rcgen::{CertificateParams, KeyPair, SanType, date_time_ymd};

    use super::*;

    fn pem(years: [i32; 2]) -> String {
        let mut params = CertificateParams::default();
        [params.not_before, params.not_after] = years.map(|year| date_time_ymd(year, 2, 28));
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[test]
    fn begins_and_ends_are_read() {
        // From 2050 on the other form of time is used.
        let years =
            [(1999, 920_160_000), (2027, 1_803_772_800), (2049, 2_498_083_200), (2051, 2_561_155_200)];
        for (year, expected) in years {
            let validity = Validity::of_pem(pem([1999, year]).as_bytes());
            assert_eq!(validity, Some(Validity { start_s: 920_160_000, end_s: expected }), "{year}");
        }
        assert_eq!(Validity::of_pem(b"no certificate"), None);
    }

    #[test]
    fn the_agent_is_read() {
        for (uri, expected) in [
            ("spiffe://mill/agent/web-01", Some("web-01")),
            ("spiffe://mill/user/web-01", None),
            ("https://spiffe://mill/agent/a", None),
        ] {
            let mut params = CertificateParams::new(vec!["spiffe.example".into()]).unwrap();
            params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
            let pem = params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem();
            assert_eq!(agent_of_pem(pem.as_bytes()).as_ref().map(AgentId::as_str), expected, "{uri}");
        }
        assert_eq!(agent_of_pem(b"no certificate"), None);
    }

    #[test]
    fn the_end_is_soon_by_the_measure_of_the_life() {
        const DAY_S: i64 = 86_400;
        let rows = [(398, 367, false), (398, 369, true), (30, 22, false), (30, 23, true), (30, 31, true)];
        for (life_days, day, expected) in rows {
            let validity = Validity { start_s: 0, end_s: life_days * DAY_S };
            assert_eq!(validity.ends_soon(day * DAY_S), expected, "{life_days} {day}");
        }
    }

    #[test]
    fn a_pair_is_replaced_and_private() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let [certificate, key] = ["agent.crt", "agent.key"].map(|name| directory.path().join(name));
        for text in ["one", "two"] {
            replace_pair(&certificate, &key, text, text).unwrap();
            for path in [&certificate, &key] {
                assert_eq!(fs::read_to_string(path).unwrap(), text);
                assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
            }
        }
        // The certificate can't be replaced: the old key is still there.
        fs::remove_file(&certificate).unwrap();
        fs::create_dir(&certificate).unwrap();
        assert!(replace_pair(&certificate, &key, "three", "three").is_err());
        assert_eq!(fs::read_to_string(&key).unwrap(), "three\ntwo");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = element(&bytes);
        }
    }
}

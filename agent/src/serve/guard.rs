//! Keeps web pages away from the port of the figures: a page whose name is made to resolve to 127.0.0.1 (DNS
//! rebinding) still sends its own name as `Host`, and pages elsewhere are named in `Origin` or `Sec-Fetch-Site`.
//! Programs send neither. Pure.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Uri};

/// Whether a request may come from where it says it comes from.
pub(super) fn check(uri: &Uri, headers: &HeaderMap) -> Result<(), &'static str> {
    // A target in absolute form goes before the header (RFC 9112, section 3.2.2).
    let host = match (uri.authority(), headers.get(HOST)) {
        (Some(authority), _) => Some(authority.clone()),
        (None, Some(value)) => {
            Some(Authority::try_from(value.as_bytes()).map_err(|_| "the Host header is no host name")?)
        }
        // HTTP/1.0; no browser sends that.
        (None, None) => None,
    };
    if host.is_some_and(|host| !is_loopback(host.host())) {
        return Err("this port answers to localhost and loopback addresses only");
    }
    let site = headers.get("sec-fetch-site").map_or("none", |value| value.to_str().unwrap_or("?"));
    if headers.contains_key(ORIGIN) || !matches!(site, "none" | "same-origin") {
        return Err("web pages may not use this port");
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::HeaderName;

    use super::*;

    type Headers = &'static [(&'static str, &'static str)];

    #[test]
    fn only_programs_of_this_machine_pass() {
        const OWN: (&str, &str) = ("host", "127.0.0.1:7515");
        let rows: [(&str, Headers, bool); 11] = [
            ("/", &[], true),
            ("/", &[OWN], true),
            ("/", &[("host", "LocalHost:7515")], true),
            ("/", &[("host", "[::1]:7515")], true),
            ("/", &[("host", "evil.example:7515")], false),
            ("/", &[("host", "127.0.0.1.evil.example")], false),
            ("/", &[("host", "a b")], false),
            ("http://evil.example/", &[OWN], false),
            ("/", &[OWN, ("origin", "http://127.0.0.1:7515")], false),
            ("/", &[OWN, ("sec-fetch-site", "cross-site")], false),
            ("/", &[OWN, ("sec-fetch-site", "none")], true),
        ];
        for (uri, headers, expected) in rows {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(check(&Uri::from_static(uri), &headers).is_ok(), expected, "{uri} {headers:?}");
        }
    }
}

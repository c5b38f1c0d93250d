//! Keeps web pages elsewhere away from this port. There are no accounts yet: whoever reaches the port may read
//! everything, and a browser on this machine would reach it for any page that the user has open.
//!
//! - A page whose name is made to resolve to 127.0.0.1 (DNS rebinding) still sends its own name as `Host`: only
//!   loopback names pass.
//! - A page elsewhere that posts to, or fetches from, `http://127.0.0.1:7500` is named by the browser in `Origin` or
//!   `Sec-Fetch-Site`: only our own pages pass. Links from elsewhere to a page of ours are allowed.
//!
//! Programs other than browsers send neither header and are not held up.

use std::net::IpAddr;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, HOST, HeaderName, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, Version};

use super::problem::Problem;

/// Set on every reply. Scripts and styles come from our own files only, nothing may be framed or posted elsewhere.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        http::header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (http::header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// The middleware: refuses foreign requests, sets the security headers on every reply.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = match check(request.version(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, value);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whether the request may come from where it says it comes from.
fn check(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let forbidden = |code, detail: &str| Err(Problem::new(StatusCode::FORBIDDEN, code, detail));
    // Two could be read by a proxy and here in different ways (RFC 9112, section 3.2).
    let hosts = headers.get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && version >= Version::HTTP_11) {
        let detail = "A request of HTTP/1.1 has one Host header.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_host", detail));
    }
    // A target in absolute form goes before the header (RFC 9112, section 3.2.2). HTTP/1.0 may have no host: no browser sends that.
    let host = match (uri.authority(), headers.get(HOST)) {
        (Some(authority), _) => Some(authority.clone()),
        (None, Some(value)) => match Authority::try_from(value.as_bytes()) {
            Ok(authority) => Some(authority),
            Err(_) => return forbidden("foreign_host", "The Host header is no host name."),
        },
        (None, None) => None,
    };
    if host.as_ref().is_some_and(|host| !is_loopback(host.host())) {
        return forbidden(
            "foreign_host",
            "Until there are accounts, this port answers to localhost and loopback addresses only.",
        );
    }
    if let Some(origin) = headers.get(ORIGIN)
        && !is_own_origin(origin, host.as_ref())
    {
        return forbidden("foreign_origin", "Pages of another origin may not use this port.");
    }
    let value = |name: &'static str| headers.get(name).map_or("", |value| value.to_str().unwrap_or("?"));
    if !matches!(value("sec-fetch-site"), "" | "same-origin" | "none")
        && value("sec-fetch-mode") != "navigate"
    {
        return forbidden("foreign_origin", "Pages of another origin may not use this port.");
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A browser names scheme, host and port; the page is ours when host and port are those that it asked. The scheme is that
/// of a proxy where there is one.
fn is_own_origin(origin: &HeaderValue, host: Option<&Authority>) -> bool {
    let origin = origin.to_str().unwrap_or_default();
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let authority = authority.and_then(|authority| Authority::try_from(authority).ok());
    authority.is_some() && authority.as_ref() == host
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The code of the refusal, or "" when the request passes.
    fn check_headers(headers: &[(&'static str, &'static str)]) -> &'static str {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        // Programs of HTTP/1.0 may leave the host out.
        let version = if headers.contains_key(HOST) { Version::HTTP_11 } else { Version::HTTP_10 };
        check(version, &Uri::from_static("/"), &headers).err().map_or("", |problem| problem.code())
    }

    #[test]
    fn only_our_own_pages_and_programs_pass() {
        let own = ("host", "127.0.0.1:7500");
        let rows: &[(&[(&str, &str)], &str)] = &[
            (&[], ""),
            (&[own], ""),
            (&[("host", "localhost")], ""),
            (&[("host", "LOCALHOST:7500")], ""),
            (&[("host", "[::1]:7500")], ""),
            (&[("host", "127.8.9.1")], ""),
            (&[("host", "evil.example:7500")], "foreign_host"),
            (&[("host", "127.0.0.1.evil.example")], "foreign_host"),
            (&[("host", "localhost.evil.example")], "foreign_host"),
            (&[("host", "10.0.0.1")], "foreign_host"),
            (&[("host", "a b")], "foreign_host"),
            (&[own, ("origin", "http://127.0.0.1:7500")], ""),
            (&[own, ("origin", "https://127.0.0.1:7500")], ""),
            (&[own, ("origin", "http://127.0.0.1:8080")], "foreign_origin"),
            (&[own, ("origin", "https://evil.example")], "foreign_origin"),
            (&[own, ("origin", "null")], "foreign_origin"),
            (&[("origin", "http://127.0.0.1:7500")], "foreign_origin"),
            (&[own, ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")], ""),
            (&[own, ("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")], ""),
            (&[own, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], ""),
            (&[own, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], "foreign_origin"),
            (&[own, ("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")], "foreign_origin"),
        ];
        for (headers, expected) in rows {
            assert_eq!(check_headers(headers), *expected, "{headers:?}");
        }
    }

    #[test]
    fn the_host_in_the_address_goes_before_the_header() {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]);
        let check = |uri| check(Version::HTTP_11, &Uri::from_static(uri), &headers);
        let code = |uri| check(uri).err().map_or("", |problem| problem.code());
        assert_eq!(code("http://evil.example/"), "foreign_host");
        assert_eq!(code("http://[::1]:7500/"), "");
    }

    #[test]
    fn a_request_has_one_host() {
        for (version, hosts, expected) in [
            (Version::HTTP_11, 0, "bad_host"),
            (Version::HTTP_11, 1, ""),
            (Version::HTTP_11, 2, "bad_host"),
            (Version::HTTP_10, 0, ""),
            (Version::HTTP_10, 2, "bad_host"),
        ] {
            let mut headers = HeaderMap::new();
            for _ in 0..hosts {
                headers.append(HOST, HeaderValue::from_static("localhost"));
            }
            let checked = check(version, &Uri::from_static("/"), &headers);
            assert_eq!(checked.err().map_or("", |problem| problem.code()), expected, "{version:?} {hosts}");
        }
    }
}

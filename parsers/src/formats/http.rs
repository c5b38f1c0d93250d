//! What access logs and error logs of web servers say of a request, under the names of ECS.

use std::net::IpAddr;

use crate::event::Parsed;

/// The client as an address, or as a name where the server looks names up. `-` is none.
pub(crate) fn client<'a>(host: &'a str, out: &mut Parsed<'a>) {
    match host {
        "" | "-" => {}
        _ if host.parse::<IpAddr>().is_ok() => out.push_str("client.ip", host),
        _ => out.push_str("client.address", host),
    }
}

/// A request line `GET /path?query HTTP/1.1`. Anything else (`-`, a TLS hello on the wrong port) gives no field.
pub(crate) fn request<'a>(line: &'a str, out: &mut Parsed<'a>) {
    let Some((method, rest)) = line.split_once(' ') else { return };
    let is_method =
        !method.is_empty() && method.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-' || b == b'_');
    if !is_method || rest.is_empty() {
        return;
    }
    out.push_str("http.request.method", method);
    let (url, version) = match rest.rsplit_once(' ') {
        Some((url, protocol)) if protocol.starts_with("HTTP/") => (url, protocol.get(5..)),
        _ => (rest, None),
    };
    out.push_str("url.original", url);
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    out.push_str("url.path", path);
    if let Some(query) = query {
        out.push_str("url.query", query);
    }
    if let Some(version) = version {
        out.push_str("http.version", version);
    }
}

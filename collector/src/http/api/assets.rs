//! The page: the files of `millpond-ui`, at every path that is no endpoint.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::http::problem::Problem;

/// Answers with a file, or that there is none.
pub(in crate::http) async fn assets(request: Request) -> Response {
    let Some(asset) = millpond_ui::asset(request.uri().path()) else {
        let detail = "There is nothing at this path; the API is under /api/v1.";
        return Problem::new(StatusCode::NOT_FOUND, "not_found", detail).into_response();
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let problem =
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Files can be read only.");
        return ([(ALLOW, "GET, HEAD")], problem).into_response();
    }
    let headers = request.headers();
    let mut response = match asset.gzip {
        _ if is_known(headers, asset.etag) => StatusCode::NOT_MODIFIED.into_response(),
        Some(gzip) if accepts_gzip(headers) => ([(CONTENT_ENCODING, "gzip")], gzip).into_response(),
        _ => asset.bytes.into_response(),
    };
    let cache = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    // Weak, since one tag names both codings of the file.
    let etag = HeaderValue::try_from(format!("W/{}", asset.etag.trim_start_matches("W/")));
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(etag) = etag {
        headers.insert(ETAG, etag);
    }
    response
}

/// Whether the client has this version already (RFC 9110, 13.1.2: weak comparison).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag.trim_start_matches("W/"))
}

/// Whether gzip is listed and not ruled out with `q=0` (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

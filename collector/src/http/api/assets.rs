//! The page: the files of `millpond-ui`, at every path that is no endpoint.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::http::problem::Problem;

/// Answers with a file, or that there is none.
pub(in crate::http) async fn assets(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let asset = match path {
        "" => millpond_ui::asset("index.html"),
        path if path.starts_with("api/") || path.starts_with("-/") => None,
        path => millpond_ui::asset(path),
    };
    let Some(asset) = asset else {
        let detail = "There is nothing at this path; the API is under /api/v1.";
        return Problem::new(StatusCode::NOT_FOUND, "not_found", detail).into_response();
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let problem =
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Files can be read only.");
        return ([(ALLOW, "GET, HEAD")], problem).into_response();
    }
    let cache = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if is_known(request.headers(), asset.etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(asset.bytes))
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(ETAG, HeaderValue::from_static(asset.etag));
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

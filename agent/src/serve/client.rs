//! How the commands ask a running agent: HTTP over the socket in its state directory.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::limits;

/// Asks the agent of a state directory. `target`: path and query.
///
/// # Errors
/// When nobody answers there, or not in time, or not with 200.
pub async fn get(directory: &Path, target: &str) -> io::Result<Bytes> {
    let patience = Duration::from_millis(limits::OBSERVER_MS);
    timeout(patience, exchange(directory, target))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn exchange(directory: &Path, target: &str) -> io::Result<Bytes> {
    let stream = UnixStream::connect(directory.join(super::SOCKET)).await?;
    let (mut requests, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let request = Request::get(target).header(header::HOST, "localhost").body(Empty::<Bytes>::new());
    let request = request.map_err(io::Error::other)?;
    let answer = async {
        let response = requests.send_request(request).await.map_err(io::Error::other)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), limits::REPORT_BYTES_MAX).collect().await;
        let body = body.map_err(io::Error::other)?.to_bytes();
        if status != StatusCode::OK {
            let reason = String::from_utf8_lossy(&body);
            return Err(io::Error::other(format!("the agent answered {status}: {}", reason.trim_end())));
        }
        Ok(body)
    };
    tokio::pin!(answer, connection);
    tokio::select! {
        result = &mut answer => result,
        // All of the answer may have come with the end of the connection.
        _ = &mut connection => answer.await,
    }
}

/// A path as a query: hexadecimal, since it may hold any byte.
pub fn encode_path(path: &Path) -> String {
    path.as_os_str().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The path of such a query.
pub(super) fn decode_path(query: &str) -> Option<PathBuf> {
    let digits = query.as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    let is_whole = !digits.is_empty() && digits.len().is_multiple_of(2);
    is_whole.then(|| Some(PathBuf::from(OsString::from_vec(bytes?))))?
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn paths_travel_as_queries() {
        for path in [&b"/var/log/a b%.log"[..], b"/\xff\n", "/ü".as_bytes()] {
            let path = Path::new(OsStr::from_bytes(path));
            assert_eq!(decode_path(&encode_path(path)).as_deref(), Some(path));
        }
        for query in ["", "2", "zz", "2f6"] {
            assert_eq!(decode_path(query), None, "{query}");
        }
    }
}

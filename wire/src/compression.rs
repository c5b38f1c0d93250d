//! Bodies compressed with gzip (RFC 1952) or zstd (RFC 8878), opened only up to a limit: a
//! compression bomb costs no more memory than the limit.

use std::borrow::Cow;
use std::io::{self, Read};

/// Content codings that both sides speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// Largest window that a zstd frame may ask for, as a power of two: 8 MiB, what level 19 uses.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Why a body could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum CompressionError {
    /// `Content-Encoding` is none of ours.
    #[error("content encoding `{0}` is not understood: send gzip, zstd or none")]
    Unknown(String),
    /// More than the limit comes out.
    #[error("the body is larger than {limit_bytes} bytes when decompressed: send smaller batches")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// The bytes are not of this coding, or cut short.
    #[error("the body is no valid {encoding}: {source}")]
    Invalid {
        /// Name of the coding.
        encoding: &'static str,
        /// What the decoder says.
        source: io::Error,
    },
}

impl Encoding {
    /// The coding of a `Content-Encoding` header's value; none is identity.
    ///
    /// # Errors
    /// The coding is not known.
    pub fn from_header(value: Option<&str>) -> Result<Self, CompressionError> {
        match value.map(str::trim) {
            None | Some("" | "identity") => Ok(Self::Identity),
            Some("gzip" | "x-gzip") => Ok(Self::Gzip),
            Some("zstd") => Ok(Self::Zstd),
            Some(other) => Err(CompressionError::Unknown(other.chars().take(40).collect())),
        }
    }

    /// The name that goes into `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// Opens a body. Memory is bounded by `limit_bytes`, whatever the body claims.
///
/// # Errors
/// The body is not of the coding, or more than `limit_bytes` comes out.
pub fn decompress(
    encoding: Encoding,
    body: &[u8],
    limit_bytes: usize,
) -> Result<Cow<'_, [u8]>, CompressionError> {
    let invalid = |source| CompressionError::Invalid { encoding: encoding.name(), source };
    let opened = match encoding {
        Encoding::Identity if body.len() > limit_bytes => {
            return Err(CompressionError::TooLarge { limit_bytes });
        }
        Encoding::Identity => return Ok(Cow::Borrowed(body)),
        Encoding::Gzip => {
            read_to_limit(flate2::bufread::MultiGzDecoder::new(body), limit_bytes).map_err(invalid)?
        }
        Encoding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(body).map_err(invalid)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(invalid)?;
            read_to_limit(decoder, limit_bytes).map_err(invalid)?
        }
    };
    if opened.len() > limit_bytes {
        return Err(CompressionError::TooLarge { limit_bytes });
    }
    Ok(Cow::Owned(opened))
}

/// Compresses bodies with zstd, one after the other, with the same memory.
pub struct Compressor {
    context: zstd::bulk::Compressor<'static>,
    out: Vec<u8>,
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

impl Compressor {
    /// At `level` (1 fastest to 19).
    ///
    /// # Errors
    /// Memory for the encoder could not be had.
    pub fn new(level: i32) -> io::Result<Self> {
        Ok(Self { context: zstd::bulk::Compressor::new(level)?, out: Vec::new() })
    }

    /// The body, compressed.
    ///
    /// # Errors
    /// Never in practice: memory could not be had.
    pub fn compress(&mut self, body: &[u8]) -> io::Result<Vec<u8>> {
        self.out.clear();
        // As large as it can get, of which only what is written becomes real.
        self.out.reserve(zstd::zstd_safe::compress_bound(body.len()));
        self.context.compress_to_buffer(body, &mut self.out)?;
        Ok(self.out.as_slice().to_vec())
    }
}

/// Reads at most one byte more than the limit, which tells that there is more.
fn read_to_limit(from: impl Read, limit_bytes: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    from.take(limit_bytes as u64 + 1).read_to_end(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn bodies_open_up_to_the_limit() {
        let zeros = vec![0u8; 1000];
        let packed = [
            (Encoding::Identity, zeros.clone()),
            (Encoding::Gzip, gzip(&zeros)),
            (Encoding::Zstd, Compressor::new(1).unwrap().compress(&zeros).unwrap()),
        ];
        for (encoding, body) in packed {
            assert_eq!(decompress(encoding, &body, 1000).unwrap(), zeros, "{encoding:?}");
            let error = decompress(encoding, &body, 999).unwrap_err();
            assert!(matches!(error, CompressionError::TooLarge { limit_bytes: 999 }), "{encoding:?}");
        }
    }

    #[test]
    fn concatenated_gzip_members_are_one_body() {
        let body = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(&*decompress(Encoding::Gzip, &body, 100).unwrap(), b"one two");
    }

    #[test]
    fn cut_and_foreign_bodies_are_invalid() {
        let whole = gzip(&[7; 500]);
        let rows =
            [(Encoding::Gzip, &whole[..whole.len() - 4]), (Encoding::Gzip, b"{}"), (Encoding::Zstd, b"{}")];
        for (encoding, body) in rows {
            let error = decompress(encoding, body, 1000).unwrap_err();
            assert!(matches!(error, CompressionError::Invalid { .. }), "{error}");
        }
    }

    #[test]
    fn headers() {
        let rows =
            [(None, Some(Encoding::Identity)), (Some(" gzip"), Some(Encoding::Gzip)), (Some("br"), None)];
        for (value, expected) in rows {
            assert_eq!(Encoding::from_header(value).ok(), expected);
        }
    }
}

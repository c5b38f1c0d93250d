//! What is put in the place of what was found.

use std::fmt::Write;

use ring::hmac;

/// Bytes of the digest in a token: with 64 bits a billion different values collide with a chance of 3 percent.
const TOKEN_BYTES: usize = 8;

/// See the module.
#[derive(Debug, Clone)]
pub enum Mask {
    /// `[email]`
    Name,
    /// `[email:0123456789abcdef]`: HMAC-SHA256 (RFC 2104) under a secret key. The same value gives the same token, so
    /// that lines about it can be brought together by those who can't read it. Without the key a token can't be
    /// reversed by trying all values, of which there are few (card numbers, addresses).
    Token(hmac::Key),
}

impl Mask {
    /// Tokens under this key.
    pub fn token(key: &[u8]) -> Self {
        Self::Token(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    pub(super) fn write(&self, out: &mut String, name: &str, hidden: &str) {
        out.push('[');
        out.push_str(name);
        if let Self::Token(key) = self {
            out.push(':');
            for byte in hmac::sign(key, hidden.as_bytes()).as_ref().iter().take(TOKEN_BYTES) {
                let _ = write!(out, "{byte:02x}");
            }
        }
        out.push(']');
    }
}

//! `client.ip:10.0.0.0/8`: an address in a network.

use std::fmt;
use std::net::IpAddr;

use crate::scalar::Scalar;

/// A network in CIDR notation (RFC 4632, RFC 4291 section 2.3). A string matches when the whole of it is an
/// address in the network, or the notation itself. IPv4 addresses written as IPv6 (`::ffff:10.0.0.1`) count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cidr {
    text: String,
    network: u128,
    prefix_bits: u8,
    /// True for IPv4, whose addresses are compared in the low 32 bits.
    v4: bool,
}

impl Cidr {
    /// Reads `address/bits`; none when the text is anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Cidr> {
        let (address, bits) = text.split_once('/')?;
        if bits.is_empty() || !bits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let prefix_bits: u8 = bits.parse().ok()?;
        let (network, v4) = match address.parse().ok()? {
            IpAddr::V4(address) => (u128::from(address.to_bits()), true),
            IpAddr::V6(address) => (address.to_bits(), false),
        };
        let width = if v4 { 32 } else { 128 };
        (prefix_bits <= width).then(|| Cidr { text: text.to_owned(), network, prefix_bits, v4 })
    }

    pub(super) fn matches(&self, value: Scalar<'_>) -> bool {
        let Scalar::Str(text) = value else { return false };
        match text.parse::<IpAddr>() {
            Ok(address) => self.holds(address.to_canonical()) || self.holds(address),
            Err(_) => text == self.text,
        }
    }

    fn holds(&self, address: IpAddr) -> bool {
        let (bits, width) = match address {
            IpAddr::V4(address) if self.v4 => (u128::from(address.to_bits()), 32_u32),
            IpAddr::V6(address) if !self.v4 => (address.to_bits(), 128),
            _ => return false,
        };
        let host_bits = width.saturating_sub(u32::from(self.prefix_bits));
        (bits ^ self.network).checked_shr(host_bits).unwrap_or(0) == 0
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cidr {}", self.text)
    }
}

//! `client.ip:[10.1.2.0 TO 10.1.2.255]`: addresses between two others.

use std::fmt;
use std::net::IpAddr;
use std::ops::{Bound, RangeBounds as _};

use crate::scalar::Scalar;

/// An address in an interval, by its number. A string counts when the whole of it is an address of the same kind as the
/// bounds; IPv4 addresses written as IPv6 (`::ffff:10.0.0.1`) are IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressRange {
    low: Bound<IpAddr>,
    high: Bound<IpAddr>,
}

impl AddressRange {
    /// At least one end is bound.
    pub(crate) fn new(low: Bound<IpAddr>, high: Bound<IpAddr>) -> AddressRange {
        AddressRange { low, high }
    }

    pub(super) fn matches(&self, value: Scalar<'_>) -> bool {
        let Scalar::Str(text) = value else { return false };
        let Ok(address) = text.parse::<IpAddr>() else { return false };
        let address = address.to_canonical();
        let is_of_kind = |bound: Bound<IpAddr>| match bound {
            Bound::Included(other) | Bound::Excluded(other) => other.is_ipv4() == address.is_ipv4(),
            Bound::Unbounded => true,
        };
        is_of_kind(self.low) && is_of_kind(self.high) && (self.low, self.high).contains(&address)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("address ")?;
        super::range::show_interval(
            f,
            self.low.map(|low| low.to_string()),
            self.high.map(|high| high.to_string()),
        )
    }
}

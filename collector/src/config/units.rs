//! Sizes and times with units, as a configuration file has them. Pure.

use std::time::Duration;

/// Units of size. Decimal and binary are kept apart, as on a disk's label and in a kernel's report.
const BYTE_UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Units of time, in milliseconds.
const TIME_UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads `50GB` or `1.5 GiB`: a size in bytes.
///
/// # Errors
/// Says what is wrong and which units there are.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    parse(text, &BYTE_UNITS, "a size", "50GB")
}

/// Reads `30d` or `500 ms`.
///
/// # Errors
/// Says what is wrong and which units there are.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    parse(text, &TIME_UNITS, "a time", "30d").map(Duration::from_millis)
}

/// `unlimited` is `None`; anything else goes to `read`.
///
/// # Errors
/// Those of `read`.
pub(super) fn parse_limit<T>(
    text: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    if text.trim() == "unlimited" { Ok(None) } else { read(text).map(Some) }
}

fn parse(text: &str, units: &[(&str, u64)], what: &str, example: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let names = || units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let bad =
        || format!("`{text}` is not {what}: write a number and one of {}, such as \"{example}\"", names());
    let unit = unit.trim_start();
    let scale = units.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale).ok_or_else(bad)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u64 = whole.parse().map_err(|_| bad())?;
    // Six digits of a fraction are more than anyone writes, and keep the arithmetic in whole numbers.
    let fraction: u64 =
        if fraction.len() <= 6 { fraction.parse().map_err(|_| bad())? } else { return Err(bad()) };
    let fraction_scale = 10u64.pow(number.split_once('.').map_or(1, |(_, digits)| digits.len() as u32));
    let total = u128::from(whole) * u128::from(scale)
        + u128::from(fraction) * u128::from(scale) / u128::from(fraction_scale);
    u64::try_from(total).map_err(|_| format!("`{text}` is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let rows = [
            ("50GB", Some(50_000_000_000)),
            ("1.5 GiB", Some(3 << 29)),
            ("0B", Some(0)),
            ("12", None),
            ("12gb", None),
            ("1.2.3MB", None),
            (".5MB", None),
            ("-1MB", None),
            ("é", None),
            ("99999999TB", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_bytes(text).ok(), expected, "{text}");
        }
        assert!(parse_bytes("12gb").unwrap_err().contains("one of B, kB, MB"));
    }

    #[test]
    fn times() {
        let rows = [
            ("30d", Some(30 * 86_400_000)),
            ("1.5h", Some(5_400_000)),
            ("250ms", Some(250)),
            ("30", None),
            ("1w", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_duration(text).ok(), expected.map(Duration::from_millis), "{text}");
        }
        assert_eq!(parse_limit("unlimited", parse_duration), Ok(None));
    }
}

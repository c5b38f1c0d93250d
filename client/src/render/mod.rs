//! What is printed, as pure functions: values in, text out. Nothing here writes, reads a clock or knows a terminal;
//! how wide it is and whether it has colours comes in. Every text of a log goes through `escape`.

use jiff::tz::TimeZone;

use crate::style::Palette;

pub(crate) mod bars;
pub(crate) mod caret;
pub(crate) mod csv;
pub(crate) mod histogram;
pub(crate) mod plan;
pub(crate) mod pretty;
pub(crate) mod table;

/// How the output is to look.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) palette: Palette,
    /// Zone of the times that are shown.
    pub(crate) zone: TimeZone,
    /// Columns of the terminal; `None`: there is none, and nothing is cut to fit.
    pub(crate) width: Option<usize>,
}

/// A count with its thousands set apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
impl Look {
    /// For tables of tests: no colours, UTC.
    pub(crate) fn plain(width: Option<usize>) -> Self {
        Self { palette: Palette { is_coloured: false }, zone: TimeZone::UTC, width }
    }

    /// The same with colours.
    pub(crate) fn coloured(width: Option<usize>) -> Self {
        Self { palette: Palette { is_coloured: true }, ..Self::plain(width) }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts() {
        for (number, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(super::count(number), expected);
        }
    }
}

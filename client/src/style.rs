//! The colours. Sixteen of them only, so that the terminal's own theme decides what they look like. Pure.

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Bold,
    Dim,
    Red,
    BoldRed,
    Yellow,
    Green,
    Blue,
    Magenta,
    Cyan,
    BrightRed,
    BrightGreen,
    BrightBlue,
    BrightMagenta,
}

/// The styles of the parts of a bar, in order of the legend; they tell apart as many values as the API names, and `other`.
pub(crate) const SERIES: [Style; 11] = [
    Style::Blue,
    Style::Yellow,
    Style::Green,
    Style::Magenta,
    Style::Cyan,
    Style::Red,
    Style::BrightBlue,
    Style::BrightGreen,
    Style::BrightMagenta,
    Style::BrightRed,
    Style::Dim,
];

impl Style {
    /// The parameter of SGR (ECMA-48, 8.3.117).
    fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::Plain => return None,
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Red => "31",
            Self::BoldRed => "1;31",
            Self::Yellow => "33",
            Self::Green => "32",
            Self::Blue => "34",
            Self::Magenta => "35",
            Self::Cyan => "36",
            Self::BrightRed => "91",
            Self::BrightGreen => "92",
            Self::BrightBlue => "94",
            Self::BrightMagenta => "95",
        })
    }

    /// Of a level as Millpond spells it.
    pub(crate) fn of_level(level: &str) -> Self {
        match level {
            "fatal" => Self::BoldRed,
            "error" => Self::Red,
            "warn" => Self::Yellow,
            "info" => Self::Green,
            "debug" => Self::Blue,
            "trace" => Self::Dim,
            _ => Self::Plain,
        }
    }
}

/// Whether there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Palette {
    pub(crate) is_coloured: bool,
}

impl Palette {
    /// Appends the text in a style. The text must be fit for a terminal.
    pub(crate) fn push(self, style: Style, text: &str, out: &mut String) {
        match style.code() {
            Some(code) if self.is_coloured && !text.is_empty() => {
                out.extend(["\x1b[", code, "m", text, "\x1b[0m"]);
            }
            _ => out.push_str(text),
        }
    }

    /// The text in a style.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        let mut out = String::new();
        self.push(style, text, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_plain_without_colours() {
        let rows = [
            (true, Style::Red, "x", "\x1b[31mx\x1b[0m"),
            (true, Style::Plain, "x", "x"),
            (true, Style::Red, "", ""),
            (false, Style::BoldRed, "x", "x"),
        ];
        for (is_coloured, style, text, expected) in rows {
            assert_eq!(Palette { is_coloured }.paint(style, text), expected);
        }
    }
}

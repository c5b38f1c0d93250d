//! What is known of the terminal, if there is one, and the way to standard output.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use jiff::tz::TimeZone;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::arguments::{Colour, Target};
use crate::escape;
use crate::failure::Failure;
use crate::limits::{WIDTH_DEFAULT, WIDTH_MAX, WIDTH_MIN};
use crate::render::Look;
use crate::style::{Palette, Style};

/// Standard output. On a terminal every piece is shown at once; a pipe gets large ones.
pub(crate) struct Output {
    to: BufWriter<Stdout>,
    is_terminal: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        let to = io::stdout();
        let is_terminal = to.is_terminal();
        Self { to: BufWriter::with_capacity(64 << 10, to), is_terminal }
    }

    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.to.write_all(piece).map_err(Failure::output)?;
        if self.is_terminal { self.flush() } else { Ok(()) }
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.to.flush().map_err(Failure::output)
    }
}

/// Writes to standard error. Where that can't be written there is nobody to tell.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// While it is there, the terminal doesn't show what is typed.
pub(crate) struct Hidden(Option<Termios>);

impl Hidden {
    /// Of standard input. Where it is no terminal there is nothing to hide.
    pub(crate) fn new() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut hidden) = before.clone() {
            hidden.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &hidden);
        }
        Self(before)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
            say("\n");
        }
    }
}

/// Says something beside the output.
pub(crate) fn note(text: &str, look: &Look) {
    say(&format!("{} {}\n", look.palette.paint(Style::Yellow, "note:"), escape::line(text)));
}

/// How output to standard output is to look.
pub(crate) fn look_of_output(target: &Target) -> Look {
    look(target, io::stdout().is_terminal())
}

/// How notes on standard error are to look.
pub(crate) fn look_of_notes(target: &Target) -> Look {
    look(target, io::stderr().is_terminal())
}

fn look(target: &Target, is_terminal: bool) -> Look {
    let variable = |name| std::env::var(name).ok();
    let palette = Palette {
        is_coloured: is_coloured(target.color, is_terminal, variable("NO_COLOR"), variable("TERM")),
    };
    let zone = if target.utc { TimeZone::UTC } else { TimeZone::system() };
    let width = is_terminal.then(|| width(variable("COLUMNS")));
    Look { palette, zone, width }
}

/// By <https://no-color.org>: any value but an empty one turns colours off, and what is typed wins.
fn is_coloured(wanted: Colour, is_terminal: bool, no_color: Option<String>, term: Option<String>) -> bool {
    match wanted {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto => {
            is_terminal
                && no_color.is_none_or(|value| value.is_empty())
                && term.is_none_or(|term| term != "dumb")
        }
    }
}

/// Columns: as the terminal says, else as the environment does.
fn width(columns: Option<String>) -> usize {
    let said = rustix::termios::tcgetwinsize(io::stdout()).map_or(0, |size| usize::from(size.ws_col));
    let said = if said > 0 { Some(said) } else { columns.and_then(|columns| columns.parse().ok()) };
    said.unwrap_or(WIDTH_DEFAULT).clamp(WIDTH_MIN, WIDTH_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let rows = [
            (Colour::Auto, true, None, Some("xterm"), true),
            (Colour::Auto, true, None, None, true),
            (Colour::Auto, false, None, Some("xterm"), false),
            (Colour::Auto, true, Some("1"), Some("xterm"), false),
            (Colour::Auto, true, Some(""), Some("xterm"), true),
            (Colour::Auto, true, None, Some("dumb"), false),
            (Colour::Always, false, Some("1"), Some("dumb"), true),
            (Colour::Never, true, None, Some("xterm"), false),
        ];
        for (wanted, is_terminal, no_color, term, expected) in rows {
            let [no_color, term] = [no_color, term].map(|value| value.map(str::to_owned));
            assert_eq!(is_coloured(wanted, is_terminal, no_color.clone(), term), expected, "{no_color:?}");
        }
    }
}

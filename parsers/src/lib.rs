//! Bytes of a log line in, an event out. Pure: no I/O, no clock, no zone database, no thread.
//!
//! ```text
//! line ─► Detector ─► Format ─► formats/<one file> ─► Parsed
//!         (auto)      (list)    cursor, json, time,    message, time, level, fields
//!                               roles, severity
//! ```
//!
//! - [`parse`] reads a line of a known [`Format`]; [`Detector`] finds the format of a file by itself and is what a
//!   tailer holds for each file. Both never fail: what isn't of the format is read as plain text, with a [`Note`].
//! - `formats/` has one file for each format, `format.rs` the list of them. **To add a format**, write
//!   `formats/<name>.rs` with a function `parse` and its table of rows, and add one line to the list: its place there
//!   is its place in detection. It must refuse a line that isn't of its format, soon and without guessing.
//! - `time/` reads timestamps of all layouts, `severity` levels of all dialects, `json/` and `cursor` are what the
//!   formats are written with, `roles` knows what loggers call their time, level and message.
//! - [`limits`] has every bound.
//!
//! Text is borrowed from the line wherever it is verbatim, and [`Parsed`] is reused, so a line costs no allocation
//! unless it has escapes or names that nest. No format parses with regular expressions; [`multiline`] has those of users.
//! What the crate doesn't do: join lines (it says which belong together), decode character sets, choose field types.

mod cursor;
mod detect;
mod event;
mod fields;
mod format;
mod formats;
mod json;
pub mod limits;
pub mod multiline;
mod roles;
mod severity;
mod time;

pub use detect::Detector;
pub use event::{Note, NoteKind, Parsed, Partial, Stream, Value};
pub use format::{Format, parse};
pub use time::{Context, FixedZone, Zone};

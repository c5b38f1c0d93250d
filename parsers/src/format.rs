//! The list of formats. A format is its name, its other names in configuration, and a function from a line to fields.

use std::fmt;

use crate::cursor::Outcome;
use crate::event::{NoteKind, Parsed};
use crate::formats;
use crate::time::Context;

/// Fills a cleared [`Parsed`], or says where the line stops being of the format (then what it filled is forgotten).
type Parser = for<'a> fn(&'a str, &Context<'_>, &mut Parsed<'a>) -> Outcome;

macro_rules! formats {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $(| $alias:literal)* => $parser:path;)+) => {
        /// A format of log lines.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Format {
            $($(#[$doc])* $variant,)+
        }

        impl Format {
            /// All of them, in the order in which detection tries them: the one that is told most surely first. It
            /// comes no further than to text, which every line is.
            pub const ALL: &'static [Format] = &[$(Format::$variant,)+];

            /// Its name in configuration and metrics.
            pub fn name(self) -> &'static str {
                match self {
                    $(Format::$variant => $name,)+
                }
            }

            /// Reads a name, or one of the other names under which users look for the format.
            pub fn from_name(name: &str) -> Option<Format> {
                match name {
                    $($name $(| $alias)* => Some(Format::$variant),)+
                    _ => None,
                }
            }

            fn parser(self) -> Parser {
                match self {
                    $(Format::$variant => $parser,)+
                }
            }
        }
    };
}

formats! {
    /// Docker's json-file driver: `{"log":"…\n","stream":"stdout","time":"…"}`.
    Docker = "docker" | "docker_json" | "json_file" => formats::docker::parse;
    /// Kubernetes container runtimes: `<time> stdout F <text>`.
    Cri = "cri" | "containerd" | "kubernetes" => formats::cri::parse;
    /// The systemd journal: what `journalctl --output=json` prints.
    Journald = "journald" | "journal" | "systemd" => formats::journald::parse;
    /// One JSON object a line.
    Json = "json" | "ndjson" | "jsonl" => formats::json::parse;
    /// klog and glog: `I0102 15:04:05.000000   12345 file.go:123] text`.
    Klog = "klog" | "glog" => formats::klog::parse;
    /// Common and combined access logs of Apache, nginx and others, with or without the virtual host in front.
    Access = "access" | "nginx_access" | "apache_access" | "combined" | "common" => formats::access::parse;
    /// nginx error log.
    NginxError = "nginx_error" => formats::nginx_error::parse;
    /// Apache error log, 2.2 and 2.4.
    ApacheError = "apache_error" => formats::apache_error::parse;
    /// Syslog: RFC 5424, RFC 3164, and the files that daemons write from them.
    Syslog = "syslog" | "syslog_rfc3164" | "syslog_rfc5424" => formats::syslog::parse;
    /// `key=value key="quoted value"`.
    Logfmt = "logfmt" => formats::logfmt::parse;
    /// Anything else; finds a timestamp and a level where there are any. Every line is of this format.
    Text = "text" | "plain" => formats::text::parse;
    /// Not looked at: the line is the message, its time that of reading. Only where configuration says so.
    Raw = "raw" | "none" => formats::raw::parse;
}

impl Format {
    /// Its place in [`Format::ALL`], for arrays of one item a format.
    pub(crate) fn index(self) -> usize {
        self as usize
    }

    /// Reads the line, or leaves `out` cleared and says what was expected where.
    pub(crate) fn attempt<'a>(self, line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
        out.clear();
        self.parser()(line, context, out).inspect_err(|_| out.clear())
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads a line of a known format into `out`, which is cleared first. Never fails: a line that isn't of the format is
/// read as plain text, with a note.
pub fn parse<'a>(format: Format, line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) {
    let Err(miss) = format.attempt(line, context, out) else { return };
    formats::text::read(line, context, out);
    out.note(NoteKind::NotOfFormat { format, expected: miss.expected }, miss.offset_bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_format() {
        for (index, format) in Format::ALL.iter().enumerate() {
            assert_eq!(Format::from_name(format.name()), Some(*format));
            assert_eq!(format.index(), index);
        }
        for (name, expected) in [
            ("nginx_access", Some(Format::Access)),
            ("syslog_rfc5424", Some(Format::Syslog)),
            ("auto", None),
            ("JSON", None),
        ] {
            assert_eq!(Format::from_name(name), expected, "{name}");
        }
    }
}

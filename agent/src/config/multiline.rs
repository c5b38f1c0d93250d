//! `multiline` of a `[[files]]` section or of `[stdin]`: a word, or a table with a pattern and limits.

use std::fmt;

use millpond_parsers::multiline::{Pattern, Place, Rules};
use millpond_wire::limits::MESSAGE_BYTES_MAX;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::{Checked, suggest};
use crate::limits;
use crate::tail::multiline::Multiline;

const MODES: [&str; 3] = ["auto", "off", "indent"];

/// As written; the word alone is the table's `mode`.
#[derive(Debug, Clone, PartialEq)]
pub struct RawMultiline(Table);

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Table {
    /// One of [`MODES`]; not beside a pattern.
    mode: Option<String>,
    start: Option<String>,
    #[serde(rename = "continue")]
    continues: Option<String>,
    end: Option<String>,
    negate: bool,
    timeout_ms: u64,
    max_lines: usize,
    max_bytes: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            mode: None,
            start: None,
            continues: None,
            end: None,
            negate: false,
            timeout_ms: limits::MULTILINE_TIMEOUT_MS,
            max_lines: limits::EVENT_LINES_MAX,
            max_bytes: MESSAGE_BYTES_MAX,
        }
    }
}

impl Default for RawMultiline {
    fn default() -> Self {
        Self(Table { mode: Some("auto".into()), ..Table::default() })
    }
}

impl<'de> Deserialize<'de> for RawMultiline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrTable;
        impl<'de> Visitor<'de> for WordOrTable {
            type Value = Table;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a table")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Table, E> {
                Ok(Table { mode: Some(word.to_owned()), ..Table::default() })
            }

            fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Table, M::Error> {
                Table::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_any(WordOrTable).map(Self)
    }
}

impl RawMultiline {
    pub(super) fn check(self) -> Checked<Multiline> {
        let Self(table) = self;
        let rows = [
            ("timeout_ms", table.timeout_ms, 1, 600_000),
            ("max_lines", table.max_lines as u64, 1, 100_000),
            ("max_bytes", table.max_bytes as u64, 1 << 10, MESSAGE_BYTES_MAX as u64),
        ];
        for (name, value, min, max) in rows {
            if !(min..=max).contains(&value) {
                return Err((format!("multiline.{name}"), format!("{value} is not between {min} and {max}")));
            }
        }
        let patterns = [
            (Place::Start, "start", table.start),
            (Place::Continue, "continue", table.continues),
            (Place::End, "end", table.end),
        ];
        let mut given = patterns.into_iter().filter_map(|(place, name, text)| Some((place, name, text?)));
        let rules = match (given.next(), given.next(), table.mode) {
            (Some((place, name, text)), None, None) => Rules::Pattern(
                Pattern::new(place, &text, table.negate)
                    .map_err(|error| (format!("multiline.{name}"), error.to_string()))?,
            ),
            (None, _, mode) => mode_of(mode.as_deref().unwrap_or("auto"))?,
            _ => return Err(("multiline".into(), "takes one of mode, start, continue and end".into())),
        };
        if table.negate && !matches!(rules, Rules::Pattern(_)) {
            return Err(("multiline.negate".into(), "goes with start, continue or end".into()));
        }
        Ok(Multiline {
            rules,
            timeout_ms: table.timeout_ms,
            lines_max: table.max_lines,
            bytes_max: table.max_bytes,
        })
    }
}

fn mode_of(word: &str) -> Checked<Rules> {
    match word {
        "auto" => Ok(Rules::Auto),
        "off" => Ok(Rules::Off),
        "indent" => Ok(Rules::Indent),
        other => Err(("multiline".into(), suggest::unknown("value", other, MODES.into_iter()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> Result<Multiline, String> {
        #[derive(Deserialize)]
        struct Files {
            multiline: RawMultiline,
        }
        let files: Files =
            toml::from_str(&format!("multiline = {value}")).map_err(|error| error.message().to_owned())?;
        files.multiline.check().map_err(|(key, reason)| format!("{key}: {reason}"))
    }

    #[test]
    fn words_and_tables() {
        let check = |value: &str, expected: &str, limits: (u64, usize, usize)| {
            let multiline = parse(value).unwrap();
            assert!(format!("{:?}", multiline.rules).contains(expected), "{value}: {multiline:?}");
            assert_eq!((multiline.timeout_ms, multiline.lines_max, multiline.bytes_max), limits, "{value}");
        };
        let defaults = (5_000, 2_000, 1 << 20);
        check("'auto'", "Auto", defaults);
        check("'off'", "Off", defaults);
        check("'indent'", "Indent", defaults);
        check("{ mode = 'indent', timeout_ms = 1000 }", "Indent", (1_000, 2_000, 1 << 20));
        check("{ start = '^[0-9]', max_lines = 9, max_bytes = 4096 }", "Start", (5_000, 9, 4_096));
        check("{ continue = '^ ', negate = true }", "negate: true", defaults);
        check("{ end = ';$' }", "End", defaults);
    }

    #[test]
    fn mistakes() {
        let check = |value: &str, expected: &str| {
            let error = parse(value).unwrap_err();
            assert!(error.contains(expected), "{value}: {error}");
        };
        check("'atuo'", "did you mean `auto`?");
        check("3", "expected a word or a table");
        check("{ strat = 'x' }", "unknown field `strat`");
        check("{ start = '(' }", "multiline.start: regex parse error");
        check("{ start = 'a', end = 'b' }", "takes one of mode, start, continue and end");
        check("{ mode = 'auto', end = 'b' }", "takes one of");
        check("{ negate = true }", "multiline.negate: goes with");
        check("{ timeout_ms = 0 }", "multiline.timeout_ms: 0 is not between 1 and 600000");
    }
}

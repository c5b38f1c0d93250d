//! Words of a query that look like options. clap would find `-h` in `-healthcheck`; so such words are marked before it
//! reads them, and every value loses its mark as it is taken over. Knows nothing of what the words mean.

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{CommandFactory, ValueEnum};

use crate::arguments::{Arguments, Format};

/// Marks a word that is no option. An argument can't have this character.
const PROTECTED: char = '\0';

/// Marks words such as `-healthcheck`. Options that stand together or with their value, such as `-fn 5`, `-n100`,
/// `-oraw` and `-Oout.csv`, are left alone where the command has them.
pub(crate) fn protect(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let program = Arguments::command();
    let mut command = None;
    let mut are_words = false;
    let protect = |argument: OsString| {
        let Some(text) = argument.to_str() else { return argument };
        command = command.or_else(|| program.find_subcommand(text));
        are_words |= text == "--";
        let has = |short| command.is_some_and(|command| has_short(command, short));
        if !are_words && is_term(text, has) { format!("{PROTECTED}{text}").into() } else { argument }
    };
    arguments.into_iter().map(protect).collect()
}

/// What was typed, without marks.
pub(crate) fn unprotect(text: &str) -> String {
    text.replace(PROTECTED, "")
}

/// Takes over a text.
pub(crate) fn text(typed: &str) -> Result<String, Infallible> {
    Ok(unprotect(typed))
}

/// Takes over a path.
pub(crate) fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(|typed| {
        typed.to_str().map_or_else(|| PathBuf::from(&typed), |text| PathBuf::from(unprotect(text)))
    })
}

fn has_short(command: &clap::Command, short: char) -> bool {
    command.get_arguments().any(|argument| argument.get_short() == Some(short))
}

fn is_term(text: &str, has: impl Fn(char) -> bool) -> bool {
    let Some(word) = text.strip_prefix('-') else { return false };
    word.chars().nth(1).is_some() && !word.starts_with('-') && !are_options(word, has)
}

/// Whether all of the word can be read as options of one letter, the last of them perhaps with its value.
fn are_options(word: &str, has: impl Fn(char) -> bool) -> bool {
    let mut chars = word.chars();
    while let Some(short) = chars.next().filter(|short| has(*short)) {
        let value = chars.as_str();
        let value = value.strip_prefix('=').unwrap_or(value);
        match short {
            _ if value.is_empty() => return true,
            // The one that has no value.
            'f' => {}
            'n' | 'A' | 'B' => return value.bytes().all(|byte| byte.is_ascii_digit()),
            'o' => return Format::from_str(value, false).is_ok(),
            _ => return short == 'O',
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::Command;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(protect(line.split(' ').map(OsString::from)))
    }

    #[test]
    fn words_of_a_query_need_no_quotes() {
        let rows = [
            ("millpond search level:error service:api", "level:error service:api", 100),
            ("millpond search error -healthcheck -n 5", "error -healthcheck", 5),
            ("millpond search -healthcheck error -n100", "-healthcheck error", 100),
            ("millpond search -service:api -(a or b) --limit 7", "-service:api -(a or b)", 7),
            ("millpond search -n 3 -- --odd -n", "--odd -n", 3),
            ("millpond --utc search -name", "-name", 100),
            ("millpond search -oraw -other x", "-other x", 100),
            ("millpond search", "", 100),
        ];
        for (line, query, limit) in rows {
            let Command::Search(search) = parse(line).unwrap().command else { panic!("{line}") };
            assert_eq!((search.query.text().as_str(), search.limit), (query, limit), "{line}");
        }
        let rows = [
            ("millpond tail -fn 5 x", true, 5),
            ("millpond tail -fn5 x", true, 5),
            ("millpond tail -f -n 0 x", true, 0),
            ("millpond tail x", false, 10),
        ];
        for (line, follow, lines) in rows {
            let Command::Tail(tail) = parse(line).unwrap().command else { panic!("{line}") };
            assert_eq!((tail.query.text().as_str(), tail.follow, tail.lines), ("x", follow, lines), "{line}");
        }
    }

    #[test]
    fn a_file_may_stand_together_with_its_option() {
        let rows = [
            ("millpond export -Oout.x error", "error", Some("out.x")),
            ("millpond export -Ofile -debug", "-debug", Some("file")),
            ("millpond export -O=-file", "", Some("-file")),
            ("millpond export -O -file", "", Some("-file")),
            ("millpond export -odd", "-odd", None),
        ];
        for (line, query, file) in rows {
            let Command::Export(export) = parse(line).unwrap().command else { panic!("{line}") };
            let found = export.file.as_deref().and_then(|file| file.to_str());
            assert_eq!((export.query.text().as_str(), found), (query, file), "{line}");
        }
        let Command::Search(search) = parse("millpond search -Oslo").unwrap().command else { panic!() };
        assert_eq!(search.query.text(), "-Oslo");
    }

    #[test]
    fn no_value_keeps_its_mark() {
        let lines = [
            "millpond values -field -req --since -1h",
            "millpond top -service -xy --until -1h",
            "millpond fields -prefix --since -1h",
            "millpond histogram -xy --by -field --step -5m",
            "millpond search -xy --fields -a,-b",
            "millpond export -xy --fields -a,-b -O -file",
            "millpond login -address --token -abc --ca -file",
            "millpond explain -xy",
            "millpond context -id -xy -A3 -B 2",
            "millpond man -directory",
            "millpond --url -address search",
        ];
        for line in lines {
            assert!(!format!("{:?}", parse(line).unwrap()).contains("\\0"), "{line}");
        }
    }
}

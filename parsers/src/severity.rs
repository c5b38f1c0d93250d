//! Levels of all dialects to OpenTelemetry severity numbers, after the tables in the appendix of its log data model.

/// Longest word that is looked up.
const WORD_BYTES_MAX: usize = 13;

pub(crate) const DEBUG: u8 = 5;
pub(crate) const INFO: u8 = 9;
pub(crate) const WARN: u8 = 13;
pub(crate) const ERROR: u8 = 17;

/// A level word in any case. `crit`, `alert` and `emerg` are syslog's spelling and get its ranks; `critical` is that of
/// Python and .NET, where it is the highest level.
pub(crate) fn from_word(word: &str) -> Option<u8> {
    let mut lower = [0u8; WORD_BYTES_MAX];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    let number = match &*lower {
        b"trace" | b"finest" | b"verbose" | b"trc" | b"silly" => 1,
        b"trace1" | b"trace2" | b"trace3" | b"trace4" | b"trace5" | b"trace6" | b"trace7" | b"trace8" => 1,
        b"debug" | b"finer" | b"dbg" | b"debug1" | b"debug2" | b"debug3" | b"debug4" | b"debug5" => DEBUG,
        b"fine" => 6,
        b"config" => 7,
        b"info" | b"information" | b"informational" | b"inf" => INFO,
        b"notice" | b"success" => 10,
        b"warn" | b"warning" | b"wrn" => WARN,
        b"error" | b"err" | b"severe" | b"eror" => ERROR,
        b"crit" | b"dpanic" => 18,
        b"alert" => 19,
        b"fatal" | b"critical" | b"emerg" | b"emergency" | b"panic" | b"ftl" => 21,
        _ => return None,
    };
    Some(number)
}

/// The words that PostgreSQL puts where others put a level.
pub(crate) fn from_postgres_word(word: &str) -> Option<u8> {
    matches!(word, "LOG" | "STATEMENT" | "DETAIL" | "HINT" | "CONTEXT").then_some(INFO)
}

/// One letter, as klog, glog and Android write it.
pub(crate) fn from_letter(letter: u8) -> Option<u8> {
    Some(match letter {
        b'V' => 1,
        b'D' => DEBUG,
        b'I' => INFO,
        b'W' => WARN,
        b'E' => ERROR,
        b'F' => 21,
        _ => return None,
    })
}

/// Syslog severity 0 (emergency) to 7 (debug), RFC 5424 table 2.
pub(crate) fn from_syslog(code: u8) -> Option<u8> {
    [21, 19, 18, ERROR, WARN, 10, INFO, DEBUG].get(usize::from(code)).copied()
}

/// A number where a level word is usual: 0 to 7 is GELF and syslog; tens are bunyan and pino, who allow values between.
pub(crate) fn from_number(number: i64) -> Option<u8> {
    match number {
        0..=7 => from_syslog(u8::try_from(number).ok()?),
        10..=19 => Some(1),
        20..=29 => Some(DEBUG),
        30..=39 => Some(INFO),
        40..=49 => Some(WARN),
        50..=59 => Some(ERROR),
        60..=100 => Some(21),
        _ => None,
    }
}

/// What an HTTP status means to whoever runs the server.
pub(crate) fn from_http_status(status: i64) -> u8 {
    match status {
        500.. => ERROR,
        400..=499 => WARN,
        _ => INFO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let rows = [
            ("INFO", Some(9)),
            ("Warning", Some(13)),
            ("err", Some(17)),
            ("SEVERE", Some(17)),
            ("Informational", Some(9)),
            ("CRITICAL", Some(21)),
            ("crit", Some(18)),
            ("FINE", Some(6)),
            ("trace8", Some(1)),
            ("", None),
            ("errors", None),
            ("a-word-that-is-too-long", None),
            ("ïnfo", None),
        ];
        for (word, expected) in rows {
            assert_eq!(from_word(word), expected, "{word}");
        }
    }

    #[test]
    fn numbers() {
        for (number, expected) in [
            (0, Some(21)),
            (3, Some(17)),
            (7, Some(5)),
            (8, None),
            (30, Some(9)),
            (35, Some(9)),
            (60, Some(21)),
            (-1, None),
        ] {
            assert_eq!(from_number(number), expected, "{number}");
        }
    }
}

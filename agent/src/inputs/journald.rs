//! The systemd journal, through `journalctl --output=json --follow` as a child: it is on every machine that has a
//! journal, in the version that wrote it, and a reader of our own for the journal's files would be larger than the
//! rest of the inputs. Each line of the spool notes the entry's cursor, so that after a restart reading goes on
//! behind the last entry that was spooled, wherever it was killed. What an entry means is a format of
//! `millpond-parsers`.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::sleep;

use super::lines::take_in;
use super::{InputError, Sink};
use crate::spool::line;
use crate::spool::segments::Segments;

/// How often, and at what distance, a reader that says nothing more is asked whether it has ended.
const END_TRIES: u32 = 50;
const END_PAUSE: Duration = Duration::from_millis(20);

/// `[journald]`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Units; all if there is none.
    pub units: Vec<String>,
    /// Where to begin the first time, in the words of `journalctl --since`; `None`: with the oldest entry.
    pub since: Option<String>,
    /// Of the journal's files; `None`: the machine's own.
    pub directory: Option<PathBuf>,
}

/// See the module.
#[derive(Debug)]
pub struct Journald {
    settings: Settings,
    /// Of the last entry that was handed to the spool.
    cursor: Option<String>,
}

/// The child ends with us, if not by itself: by our end of the pipe at the latest.
struct Reader(Child);

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Journald {
    /// Goes on after the last entry in the spool.
    pub fn new(settings: Settings, segments: &Segments) -> Self {
        let last = segments.last_line().unwrap_or_else(|error| {
            tracing::error!(%error, "the last journal entry in the spool can't be read");
            None
        });
        let last = last.as_deref().map(String::from_utf8_lossy);
        let cursor = last.and_then(|line| line::decode(&line)?.sender.map(str::to_owned));
        Self { settings, cursor }
    }

    /// Takes in entries until the program ends.
    ///
    /// # Errors
    /// When `journalctl` can't be started, or has ended.
    pub async fn receive(&mut self, sink: &Sink) -> Result<(), InputError> {
        let mut command = command(&self.settings, self.cursor.as_deref());
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut reader =
            Reader(child.map_err(|error| InputError(format!("journalctl can't be started: {error}")))?);
        let Some(pipe) = reader.0.stdout.take() else { return Ok(()) };
        let cursor = &mut self.cursor;
        // An entry too long to have its cursor counts as part of the one before.
        let note = |entry: &[u8]| {
            if let Some(next) = cursor_of(entry) {
                *cursor = Some(next.to_owned());
            }
            cursor.clone()
        };
        take_in("journald", pipe, sink, note).await?;
        if sink.is_stopping() {
            return Ok(());
        }
        // It ends a moment after its output; should it not, it is killed.
        for _ in 0..END_TRIES {
            match reader.0.try_wait() {
                Ok(None) => sleep(END_PAUSE).await,
                Ok(Some(status)) => {
                    let reason = format!("journalctl has ended ({status}); what it said stands above");
                    return Err(InputError(reason));
                }
                Err(error) => return Err(InputError(error.to_string())),
            }
        }
        Err(InputError("journalctl has closed its output and goes on".into()))
    }
}

fn command(settings: &Settings, cursor: Option<&str>) -> Command {
    let mut command = Command::new("journalctl");
    command.args(["--output=json", "--all", "--follow", "--no-tail", "--quiet"]);
    command.args(settings.directory.iter().map(|directory| format!("--directory={}", directory.display())));
    command.args(settings.units.iter().map(|unit| format!("--unit={unit}")));
    match (cursor, &settings.since) {
        (Some(cursor), _) => command.arg(format!("--after-cursor={cursor}")),
        (None, Some(since)) => command.arg(format!("--since={since}")),
        (None, None) => &mut command,
    };
    command
}

/// The cursor in an entry: letters, digits, `=` and `;`, so that nothing in it is escaped.
fn cursor_of(entry: &[u8]) -> Option<&str> {
    const NAME: &[u8] = b"\"__CURSOR\"";
    let after = entry.get(memchr::memmem::find(entry, NAME)? + NAME.len()..)?;
    let text = after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    let cursor = text.get(..memchr::memchr(b'"', text)?)?;
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b'\\';
    std::str::from_utf8(cursor)
        .ok()
        .filter(|cursor| !cursor.is_empty() && cursor.bytes().all(|b| is_plain(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors() {
        let rows = [
            (r#"{"__CURSOR":"s=1;i=2","MESSAGE":"x"}"#, Some("s=1;i=2")),
            (r#"{ "MESSAGE" : "x", "__CURSOR" : "s=1" }"#, Some("s=1")),
            // A message that quotes one has its quotes escaped.
            (r#"{"MESSAGE":"{\"__CURSOR\":\"s=0\"}","__CURSOR":"s=1"}"#, Some("s=1")),
            (r#"{"__CURSOR":"s=1 2"}"#, None),
            (r#"{"__CURSOR":""}"#, None),
            (r#"{"__CURSOR":"s=1"#, None),
            (r#"{"MESSAGE":"x"}"#, None),
        ];
        for (entry, expected) in rows {
            assert_eq!(cursor_of(entry.as_bytes()), expected, "{entry}");
        }
    }

    #[test]
    fn commands() {
        let settings = |since: Option<&str>| Settings {
            units: vec!["ssh.service".into(), "-x".into()],
            since: since.map(str::to_owned),
            directory: Some("/j".into()),
        };
        let check = |since: Option<&str>, cursor: Option<&str>, expected: &str| {
            let command = command(&settings(since), cursor);
            let arguments: Vec<_> = command.get_args().map(|argument| argument.to_str().unwrap()).collect();
            let fixed =
                "--output=json --all --follow --no-tail --quiet --directory=/j --unit=ssh.service --unit=-x";
            assert_eq!(arguments.join(" "), format!("{fixed}{expected}"));
        };
        check(None, None, "");
        check(Some("-1h"), None, " --since=-1h");
        check(Some("-1h"), Some("s=1"), " --after-cursor=s=1");
    }
}

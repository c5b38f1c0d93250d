//! What can be typed. `main` runs it.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::words::{path, text};

/// Ask a Millpond collector from the shell: search, follow, count, export.
#[derive(Debug, Parser)]
#[command(name = "millpond", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
Words of a query need no quotes, except for what the shell takes for itself (| > < ( ) \" * $ & !):

  millpond search level:error service:api -healthcheck --since 1h
  millpond search 'level>=warn | stats count() by host | sort -count'
  millpond search '\"connection refused\"'
  millpond tail -f level:error

A word such as -healthcheck is taken for a term to leave out; -h and -n 5 are options; after -- all is query.
Exit codes: 0 found, 1 nothing found, 2 error. A partial answer counts as an answer; standard error tells.";

/// Where the collector is, and how to print. Stands before or after the command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Target {
    /// Address of the collector; else MILLPOND_URL, else that of `login`, else http://127.0.0.1:7500.
    #[arg(long, global = true, value_parser = text)]
    pub(crate) url: Option<String>,
    /// Colours; `auto` has them on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub(crate) color: Colour,
    /// Show times in UTC instead of the local zone.
    #[arg(long, global = true)]
    pub(crate) utc: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show documents, the newest first, or the table of a query that counts.
    Search(Search),
    /// Show the last documents, and with -f those that come in.
    Tail(Tail),
    /// Show what came just before and after a document, in its stream.
    Context(Context),
    /// Count documents over time, as bars.
    Histogram(Histogram),
    /// Show the most frequent values of a field.
    Top(Top),
    /// List the fields there are.
    Fields(Fields),
    /// List values of a field.
    Values(Values),
    /// Write all documents, without a limit.
    Export(Export),
    /// Run a query and show its plan and its cost.
    Explain(Explain),
    /// Keep the address of a collector for the next times.
    Login(Login),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write man pages.
    Man {
        /// An existing directory.
        #[arg(value_parser = path())]
        directory: PathBuf,
    },
}

/// A query as words; everything without one.
#[derive(Debug, Args)]
pub(crate) struct Query {
    /// The query; its words are joined with spaces.
    #[arg(value_name = "QUERY", value_parser = text)]
    words: Vec<String>,
}

impl Query {
    /// The text.
    pub(crate) fn text(&self) -> String {
        self.words.join(" ")
    }
}

/// The part of time that is looked at.
#[derive(Debug, Args)]
pub(crate) struct Range {
    /// From when on: 15m, 2h, 7d, 1y, today, yesterday, 10:30 (the last there was), 2026-11-22, "2026-11-22 10:30", an
    /// RFC 3339 or Unix time. Local time unless it says otherwise.
    #[arg(long, value_name = "TIME", value_parser = text)]
    pub(crate) since: Option<String>,
    /// Until when, exclusive; the same forms.
    #[arg(long, value_name = "TIME", value_parser = text)]
    pub(crate) until: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Pretty on a terminal, NDJSON elsewhere.
    Auto,
    /// For people: documents line by line, tables in columns.
    Pretty,
    /// One JSON object a line, as the API gives it.
    Ndjson,
    /// Aligned columns.
    Table,
    /// Comma-separated, with a header.
    Csv,
    /// The text of the lines alone.
    Raw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// Newest first.
    Desc,
    /// Oldest first.
    Asc,
}

impl Order {
    /// As the API calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Desc => "desc",
            Self::Asc => "asc",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    #[command(flatten)]
    pub(crate) query: Query,
    #[command(flatten)]
    pub(crate) range: Range,
    /// Most documents. Tables are shown whole.
    #[arg(short = 'n', long = "limit", default_value_t = 100, value_name = "N",
          value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) limit: usize,
    /// Newest or oldest first.
    #[arg(long, value_enum, default_value_t = Order::Desc)]
    pub(crate) order: Order,
    /// These fields only. Tables and CSV have them in this order, NDJSON as the collector gives them.
    #[arg(long, value_delimiter = ',', value_name = "FIELD,…", value_parser = text)]
    pub(crate) fields: Vec<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t = Format::Auto, value_name = "FORMAT")]
    pub(crate) output: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TailFormat {
    /// Pretty on a terminal, NDJSON elsewhere.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line, as the API gives it.
    Ndjson,
    /// The text of the lines alone.
    Raw,
}

#[derive(Debug, Args)]
pub(crate) struct Tail {
    #[command(flatten)]
    pub(crate) query: Query,
    /// Go on with what comes in, until interrupted.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// So many of the newest first; with -f, 0 shows only what comes from now on.
    #[arg(short = 'n', long = "lines", default_value_t = 10, value_name = "N",
          value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pub(crate) lines: u16,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t = TailFormat::Auto, value_name = "FORMAT")]
    pub(crate) output: TailFormat,
}

/// Which neighbours of a document count, in the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    /// Of the same host and file, as far as the document has them.
    Stream,
    /// Of the same host.
    Host,
    /// Of everything.
    All,
}

#[derive(Debug, Args)]
pub(crate) struct Context {
    /// The `_id` of the document, as NDJSON has it.
    #[arg(value_parser = text)]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) query: Query,
    /// So many after it.
    #[arg(short = 'A', long, default_value_t = 10, value_name = "N")]
    pub(crate) after: u16,
    /// So many before it.
    #[arg(short = 'B', long, default_value_t = 10, value_name = "N")]
    pub(crate) before: u16,
    /// Whose.
    #[arg(long, value_enum, default_value_t = Scope::Stream)]
    pub(crate) scope: Scope,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t = TailFormat::Auto, value_name = "FORMAT")]
    pub(crate) output: TailFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Histogram {
    #[command(flatten)]
    pub(crate) query: Query,
    #[command(flatten)]
    pub(crate) range: Range,
    /// Split the bars by a field's most frequent values.
    #[arg(long, value_name = "FIELD", value_parser = text)]
    pub(crate) by: Option<String>,
    /// Width of a bar: 30s, 5m, 1h. A round one for the range if not given.
    #[arg(long, value_name = "DURATION", value_parser = text)]
    pub(crate) step: Option<String>,
}

/// Takes over the name of a field. A number is what the pipe `top` takes there.
fn field_name(typed: &str) -> Result<String, String> {
    match typed.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Err(format!("a field comes first; for {typed} values write -n {typed}")),
        false => text(typed).map_err(|never| match never {}),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Top {
    /// The field.
    #[arg(value_parser = field_name)]
    pub(crate) field: String,
    #[command(flatten)]
    pub(crate) query: Query,
    #[command(flatten)]
    pub(crate) range: Range,
    /// So many values.
    #[arg(short = 'n', long = "limit", default_value_t = 10, value_name = "N")]
    pub(crate) limit: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Fields {
    /// What the names begin with.
    #[arg(value_parser = text)]
    pub(crate) prefix: Option<String>,
    #[command(flatten)]
    pub(crate) range: Range,
}

#[derive(Debug, Args)]
pub(crate) struct Values {
    /// The field.
    #[arg(value_parser = text)]
    pub(crate) field: String,
    /// What the values begin with, in any case.
    #[arg(value_parser = text)]
    pub(crate) prefix: Option<String>,
    #[command(flatten)]
    pub(crate) range: Range,
    /// So many values.
    #[arg(short = 'n', long = "limit", default_value_t = 20, value_name = "N")]
    pub(crate) limit: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated (RFC 4180), with a header.
    Csv,
    /// Time, level and message, or --fields, with tabs between them.
    Text,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    pub(crate) query: Query,
    #[command(flatten)]
    pub(crate) range: Range,
    /// What to write.
    #[arg(long, value_enum, default_value_t = ExportFormat::Ndjson)]
    pub(crate) format: ExportFormat,
    /// Newest or oldest first.
    #[arg(long, value_enum, default_value_t = Order::Desc)]
    pub(crate) order: Order,
    /// Columns of CSV and text; of CSV all known fields if not given.
    #[arg(long, value_delimiter = ',', value_name = "FIELD,…", value_parser = text)]
    pub(crate) fields: Vec<String>,
    /// Write to this file, which must not exist yet, instead of to standard output; `-` is standard output.
    #[arg(short = 'O', long = "output-file", value_name = "FILE", value_parser = path())]
    pub(crate) file: Option<PathBuf>,
    /// Go on after the last whole row of the file of an export that was cut off. Everything else must be as it was then;
    /// times such as 1h or today have moved since, so give the times that were told when it was cut off. CSV needs _id
    /// as its first column, which it has without --fields; text, and queries that sort, count or limit, can't go on.
    #[arg(long, requires = "file")]
    pub(crate) resume: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) query: Query,
    #[command(flatten)]
    pub(crate) range: Range,
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Address of the collector, or of the proxy in front of it.
    #[arg(value_parser = text)]
    pub(crate) address: String,
    /// File with the token that a proxy asks for, sent as `Authorization: Bearer`; `-` reads it from standard input, and
    /// asks for it on a terminal. MILLPOND_TOKEN has the same effect for one call, and is not kept.
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) token: Option<PathBuf>,
    /// Send the token over the network in the clear, where anybody on the way can read it.
    #[arg(long)]
    pub(crate) insecure_http: bool,
    /// Certificates (PEM) to trust for https, instead of those of the system.
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) ca: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::CommandFactory;

    use super::*;
    use crate::words::protect;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(protect(line.split(' ').map(OsString::from)))
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn mistakes_are_refused() {
        for line in [
            "millpond search --sicne 1h x",
            "millpond search -n 0",
            "millpond search -x",
            "millpond export --resume",
            "millpond",
        ] {
            assert!(parse(line).is_err_and(|error| error.use_stderr()), "{line}");
        }
    }
}

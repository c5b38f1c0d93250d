//! `millpond`: asks a collector from the shell. This file chooses the command and the exit code; what a command does
//! is in `commands`, how its output looks in `render`, and how requests travel in `api`.
//!
//! Exit codes: 0 found, 1 nothing found, 2 error. Ctrl-C ends it as it ends any program, by its signal.

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::api::Api;
use crate::arguments::{Arguments, Command, Target};
use crate::commands::{Outcome, Shell};
use crate::failure::Failure;
use crate::settings::{Environment, Settings};
use crate::terminal::Output;

mod api;
mod arguments;
mod columns;
mod commands;
mod escape;
mod failure;
mod limits;
mod progress;
mod records;
mod render;
mod resume;
mod row;
mod settings;
mod shown;
mod sse;
mod style;
mod terminal;
mod when;
mod words;

const EXIT_NOTHING: u8 = 1;
/// Also what clap gives for arguments that it doesn't understand.
const EXIT_ERROR: u8 = 2;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse_from(words::protect(std::env::args_os())) {
        Ok(arguments) => arguments,
        Err(error) => {
            say(&error);
            return if error.use_stderr() { ExitCode::from(EXIT_ERROR) } else { ExitCode::SUCCESS };
        }
    };
    match run(&arguments) {
        Ok(Outcome::Found) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Ok(Outcome::Nothing) => ExitCode::from(EXIT_NOTHING),
        Err(failure) => {
            terminal::say(&failure.report(&terminal::look_of_notes(&arguments.target)));
            ExitCode::from(EXIT_ERROR)
        }
    }
}

/// What clap has to say. Words have their marks there, which are no text for people.
fn say(error: &clap::Error) {
    let text = error.to_string();
    let unmarked = words::unprotect(&text);
    if unmarked == text { _ = error.print() } else { terminal::say(&unmarked) }
}

fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    use commands::{context, explain, export, fields, histogram, login, search, tail, top, values};

    let environment = Environment::read();
    let command: &dyn Fn(&mut Shell) -> Result<Outcome, Failure> = match &arguments.command {
        Command::Completions { shell } => return completions(*shell),
        Command::Man { directory } => return man(directory),
        Command::Login(login) => return login::run(login, &environment),
        Command::Search(search) => &|shell| search::run(search, shell),
        Command::Tail(tail) => &|shell| tail::run(tail, shell),
        Command::Context(context) => &|shell| context::run(context, shell),
        Command::Histogram(histogram) => &|shell| histogram::run(histogram, shell),
        Command::Top(top) => &|shell| top::run(top, shell),
        Command::Fields(fields) => &|shell| fields::run(fields, shell),
        Command::Values(values) => &|shell| values::run(values, shell),
        Command::Export(export) => &|shell| export::run(export, shell),
        Command::Explain(explain) => &|shell| explain::run(explain, shell),
    };
    let mut shell = shell(&arguments.target, &environment)?;
    let outcome = command(&mut shell)?;
    shell.out.flush()?;
    if outcome == Outcome::Nothing && shell.out.is_terminal() {
        terminal::say("nothing found\n");
    }
    Ok(outcome)
}

fn shell(target: &Target, environment: &Environment) -> Result<Shell, Failure> {
    let notes = terminal::look_of_notes(target);
    let warn = |failure: &Failure| terminal::note(&failure.to_string(), &notes);
    let settings = Settings::resolve(target.url.as_deref(), environment, warn)?;
    let zone = if target.utc { TimeZone::UTC } else { TimeZone::system() };
    Ok(Shell {
        api: Api::new(settings)?,
        out: Output::new(),
        look: terminal::look_of_output(target),
        notes,
        now: Zoned::now().with_time_zone(zone),
    })
}

fn completions(shell: clap_complete::Shell) -> Result<Outcome, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "millpond", &mut text);
    let mut out = Output::new();
    out.write(&text)?;
    out.flush()?;
    Ok(Outcome::Found)
}

/// Writes `millpond.1` and a page for each command.
fn man(directory: &Path) -> Result<Outcome, Failure> {
    let written = clap_mangen::generate_to(Arguments::command(), directory);
    written.map_err(|error| Failure::file(directory, error))?;
    Ok(Outcome::Found)
}

//! `login`: tries an address and keeps it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::Path;

use super::Outcome;
use crate::api::{Api, Parameters};
use crate::arguments::Login;
use crate::failure::Failure;
use crate::limits::SETTINGS_BYTES_MAX;
use crate::settings::{self, Environment, Settings};
use crate::{escape, terminal};

pub(crate) fn run(login: &Login, environment: &Environment) -> Result<Outcome, Failure> {
    let url = settings::address(&login.address)?;
    let token = login.token.as_deref().map(token).transpose()?;
    let ca = match login.ca.as_ref().or(environment.ca.as_ref()) {
        Some(ca) => Some(ca.canonicalize().map_err(|error| Failure::file(ca, error))?),
        None => None,
    };
    let kept = Settings { url, token, ca };
    let file = environment.file.as_ref();
    let file = file.ok_or_else(|| Failure::Usage("neither XDG_CONFIG_HOME nor HOME is set".into()))?;
    // The environment's token is good for this call, as it is for any, and belongs in no file.
    let tried = Settings { token: kept.token.clone().or(environment.token.clone()), ..kept.clone() };
    if tried.token.is_some()
        && !tried.url.starts_with("https://")
        && !tried.is_loopback()
        && !login.insecure_http
    {
        let why = "the token would go over the network in the clear; use https, or --insecure-http if the way is safe";
        return Err(Failure::Usage(why.into()));
    }
    // The cheapest request that only a collector answers, and only to who may ask it.
    let _: serde_json::Value = Api::new(tried)?.json(
        "/api/v1/histogram",
        &Parameters::from([("start", "now-1m".into()), ("buckets", "1".into())]),
    )?;
    kept.store(file)?;
    let said = format!("{} answers; kept in {}", kept.url, file.display());
    terminal::say(&format!("{}\n", escape::line(&said)));
    Ok(Outcome::Found)
}

/// The first line of a file, or of standard input.
fn token(file: &Path) -> Result<String, Failure> {
    // Whoever types a token there must not see it again in an error.
    let bad =
        |why: &str| Failure::Usage(format!("--token takes a file with the token, or - to type it: {why}"));
    let read = if file == Path::new("-") {
        let _hidden = io::stdin().is_terminal().then(|| {
            terminal::say("token: ");
            terminal::Hidden::new()
        });
        first_line(io::stdin().lock())
    } else {
        File::open(file).and_then(first_line)
    };
    let line = read.map_err(|error| bad(&error.to_string()))?;
    match line.trim() {
        "" => Err(bad("there is none")),
        token => Ok(token.to_owned()),
    }
}

fn first_line(from: impl Read) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(from.take(SETTINGS_BYTES_MAX)).read_line(&mut line)?;
    Ok(line)
}

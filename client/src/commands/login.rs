//! `login`: tries an address and keeps it.

use std::io::{self, BufRead, Read};

use super::Outcome;
use crate::api::{Api, Parameters};
use crate::arguments::Login;
use crate::escape;
use crate::failure::Failure;
use crate::limits::SETTINGS_BYTES_MAX;
use crate::settings::{self, Environment, Settings};
use crate::terminal;

pub(crate) fn run(login: &Login, environment: &Environment) -> Result<Outcome, Failure> {
    let token = match login.token.as_deref() {
        Some("-") => Some(typed_token()?),
        Some(token) => Some(token.to_owned()),
        None => environment.token.clone(),
    };
    let ca = match login.ca.as_ref().or(environment.ca.as_ref()) {
        Some(ca) => Some(ca.canonicalize().map_err(|error| Failure::file(ca, error))?),
        None => None,
    };
    let settings = Settings { url: settings::address(&login.address)?, token, ca };
    let file = environment.file.as_ref();
    let file = file.ok_or_else(|| Failure::Usage("neither XDG_CONFIG_HOME nor HOME is set".into()))?;
    let api = Api::new(settings.clone())?;
    // The cheapest request that only a collector answers, and only to who may ask it.
    let _: serde_json::Value = api.json(
        "/api/v1/histogram",
        &Parameters::from([("start", "now-1m".into()), ("buckets", "1".into())]),
    )?;
    settings.store(file)?;
    let kept = format!("{} answers; kept in {}", settings.url, file.display());
    terminal::say(&format!("{}\n", escape::line(&kept)));
    if settings.token.is_some() && !settings.url.starts_with("https://") && !settings.is_loopback() {
        terminal::say("note: the token goes over the network in the clear; use https\n");
    }
    Ok(Outcome::Found)
}

/// The first line of standard input.
fn typed_token() -> Result<String, Failure> {
    let mut token = String::new();
    let read = io::stdin().lock().take(SETTINGS_BYTES_MAX).read_line(&mut token);
    read.map_err(|error| Failure::Usage(format!("standard input can't be read: {error}")))?;
    let token = token.trim().to_owned();
    if token.is_empty() { Err(Failure::Usage("no token came on standard input".into())) } else { Ok(token) }
}

//! Which collector is asked: what is typed wins over the environment, that over what `login` has kept.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::limits::SETTINGS_BYTES_MAX;

/// Where a collector listens unless told otherwise.
const URL_DEFAULT: &str = "http://127.0.0.1:7500";

/// The file `client.toml`, and with it all that a request needs to know.
#[derive(Clone, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Address of the collector, without a slash at its end.
    pub(crate) url: String,
    /// Sent as `Authorization: Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// File of certificates (PEM) to trust, instead of those of the system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca: Option<PathBuf>,
}

/// What the environment says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    pub(crate) url: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) ca: Option<PathBuf>,
    /// Where `client.toml` is or would be; `None` without a home.
    pub(crate) file: Option<PathBuf>,
}

impl Environment {
    /// Of this process. A variable that is empty counts as not set.
    pub(crate) fn read() -> Self {
        let path = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        // The XDG base directory specification has relative paths ignored.
        let config = path("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
        let config = config.or_else(|| path("HOME").map(|home| home.join(".config")));
        Self {
            url: text("MILLPOND_URL"),
            token: text("MILLPOND_TOKEN"),
            ca: path("MILLPOND_CA"),
            file: config.map(|config| config.join("millpond/client.toml")),
        }
    }
}

impl Settings {
    /// Whom to ask. A token that was kept for one address goes to no other. A file that can't be read matters only where
    /// no address is typed; else its mistake is handed to `warn`.
    pub(crate) fn resolve(
        typed: Option<&str>,
        environment: &Environment,
        warn: impl FnOnce(&Failure),
    ) -> Result<Self, Failure> {
        let kept = match environment.file.as_deref().map_or(Ok(None), Self::load) {
            Err(failure) if typed.is_some() => {
                warn(&failure);
                Self::default()
            }
            kept => kept?.unwrap_or_default(),
        };
        let url = match typed.or(environment.url.as_deref()) {
            Some(url) => address(url)?,
            None if kept.url.is_empty() => URL_DEFAULT.to_owned(),
            None => address(&kept.url)?,
        };
        let kept = if kept.url == url { kept } else { Self::default() };
        let (token, ca) = (environment.token.clone(), environment.ca.clone());
        Ok(Self { url, token: token.or(kept.token), ca: ca.or(kept.ca) })
    }

    fn load(file: &Path) -> Result<Option<Self>, Failure> {
        let opened = match fs::File::open(file) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file(file, error)),
        };
        let mut text = String::new();
        opened
            .take(SETTINGS_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|error| Failure::file(file, error))?;
        let settings = toml::from_str(&text).map_err(|error| {
            // Not the error's own words: they quote the line, which may be that of the token.
            Failure::Usage(format!("{}: {}; run `millpond login` again", file.display(), error.message()))
        })?;
        Ok(Some(settings))
    }

    /// Keeps them, for nobody else to read. The file is whole at any time.
    pub(crate) fn store(&self, file: &Path) -> Result<(), Failure> {
        let text = toml::to_string(self).map_err(|error| Failure::Usage(error.to_string()))?;
        let write = || {
            if let Some(directory) = file.parent() {
                fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            }
            let temporary = file.with_extension(format!("toml.{}", std::process::id()));
            let mut opened = fs::File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
            let written = opened
                .write_all(text.as_bytes())
                .and_then(|()| opened.sync_all())
                .and_then(|()| fs::rename(&temporary, file));
            written.inspect_err(|_| _ = fs::remove_file(&temporary))
        };
        write().map_err(|error| Failure::file(file, error))
    }

    /// The address is this machine's own: what is sent there is on no wire.
    pub(crate) fn is_loopback(&self) -> bool {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or_default();
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        host.eq_ignore_ascii_case("localhost")
            || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    }
}

/// An address as it is typed: `http://` may be left out, a slash at the end does no harm.
pub(crate) fn address(text: &str) -> Result<String, Failure> {
    let bad = |why| Failure::Usage(format!("`{text}` is no address of a collector: {why}"));
    let text_whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let uri: ureq::http::Uri = text_whole.parse().map_err(|_| bad("write http://HOST:PORT"))?;
    match (uri.scheme_str(), uri.authority(), uri.query()) {
        (Some("http" | "https"), Some(authority), None) if !authority.as_str().contains('@') => {
            Ok(text_whole.trim_end_matches('/').to_owned())
        }
        (Some("http" | "https"), Some(_), None) => {
            Err(bad("a name and password don't belong there; see --token"))
        }
        _ => Err(bad("write http://HOST:PORT or https://HOST")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn addresses() {
        let rows = [
            ("http://127.0.0.1:7500", Some("http://127.0.0.1:7500")),
            ("logs.example.com:7500/", Some("http://logs.example.com:7500")),
            ("https://logs.example.com/millpond/", Some("https://logs.example.com/millpond")),
            ("ftp://x", None),
            ("http://user:secret@x", None),
            ("http://x?y", None),
            ("a b", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(address(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn loopback_is_told_by_the_address() {
        let rows = [
            ("http://127.0.0.1:7500", true),
            ("http://[::1]:7500", true),
            ("http://localhost", true),
            ("http://LocalHost:7500", true),
            ("http://localhost.example.com", false),
            ("http://10.0.0.1:7500/127.0.0.1", false),
        ];
        for (url, expected) in rows {
            assert_eq!(Settings { url: url.into(), ..Settings::default() }.is_loopback(), expected, "{url}");
        }
    }

    #[test]
    fn what_is_typed_wins_and_a_token_goes_to_its_own_address_only() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a/b/client.toml");
        let kept = Settings { url: "https://kept".into(), token: Some("secret".into()), ca: None };
        kept.store(&file).unwrap();
        kept.store(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let environment = |url: Option<&str>, token: Option<&str>| Environment {
            url: url.map(Into::into),
            token: token.map(Into::into),
            ca: None,
            file: Some(file.clone()),
        };
        let rows = [
            (None, environment(None, None), "https://kept", Some("secret")),
            (Some("https://kept/"), environment(None, None), "https://kept", Some("secret")),
            (None, environment(Some("http://env"), None), "http://env", None),
            (Some("typed"), environment(Some("http://env"), Some("own")), "http://typed", Some("own")),
            (None, Environment::default(), URL_DEFAULT, None),
        ];
        for (typed, environment, url, token) in rows {
            let settings = Settings::resolve(typed, &environment, |_| ()).unwrap();
            assert_eq!((settings.url.as_str(), settings.token.as_deref()), (url, token));
        }
    }

    #[test]
    fn a_damaged_file_is_named_and_its_token_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("client.toml");
        fs::write(&file, "url = \"x\"\ntoken = secret\n").unwrap();
        let environment = Environment { file: Some(file), ..Environment::default() };
        let said = Settings::resolve(None, &environment, |_| ()).err().unwrap().to_string();
        assert!(said.contains("client.toml") && !said.contains("secret"), "{said}");
        let mut warned = String::new();
        let settings = Settings::resolve(Some("typed"), &environment, |failure| warned = failure.to_string());
        assert_eq!((settings.unwrap().url.as_str(), warned), ("http://typed", said));
    }
}

//! Rows of configurations that are refused, and the shipped file.

use super::*;

fn refusal(text: &str) -> String {
    Config::parse(text, Path::new("/etc/c.toml")).map(drop).unwrap_err().to_string()
}

#[test]
fn the_shipped_file_is_the_defaults_and_has_every_key() {
    let shipped: RawConfig = toml::from_str(DEFAULT_TEXT).unwrap();
    assert_eq!(shipped, RawConfig::default());
    for key in known_keys() {
        assert!(keys::line_of_key(DEFAULT_TEXT, &key).is_some(), "{key} is not in config/collector.toml");
    }
    let config = Config::parse(DEFAULT_TEXT, Path::new("/var/lib/millpond/collector.toml")).unwrap();
    assert_eq!(config.data_dir, Path::new("/var/lib/millpond"));
    assert_eq!(config.retention.bytes_max, Some(50_000_000_000));
    assert_eq!(config.ingest_advertise, None);
}

#[test]
fn an_empty_file_is_the_defaults() {
    let config = Config::parse("", Path::new("c.toml")).unwrap();
    assert_eq!(config.http_listen.to_string(), "127.0.0.1:7500");
    assert_eq!(config.limits.request_memory_bytes, 256_000_000);
}

#[test]
fn wrong_values_are_refused_with_line_and_reason() {
    let rows = [
        (
            "[http]\nlisten = \"0.0.0.0:7500\"",
            "c.toml:2: http.listen: refusing to listen on 0.0.0.0:7500: there are no accounts",
        ),
        ("[http]\nlisten = \"localhost\"", "no address and port"),
        ("\n[retention]\nmax_age = \"30\"", "c.toml:3: retention.max_age: `30` is not a time"),
        (
            "[retention]\nmax_byte = \"1GB\"",
            "c.toml:2: there is no key `retention.max_byte`; did you mean `retention.max_bytes`?",
        ),
        ("[retention]\nmax_bytes = 5", "c.toml:2: invalid type"),
        ("[limits]\nquery_groups = -5", "c.toml:2: invalid value"),
        ("[limits]\nconcurrent_queries = 0", "must be at least 1"),
        ("[limits]\nrequest_memory = \"1MB\"", "must be between 160MB"),
        ("[ingest]\nadvertise = \"logs\"", "no host and port"),
        ("[agents]\ncertificate_life = \"9s\"", "`9s` is not between 10s and 3650d"),
        ("[agents]\ncertificate_life = \"30\"", "`30` is not a time"),
        ("[identity]\nsite = \"My Site\"", "no site name"),
        ("[http\n", "c.toml:1:"),
        ("[a]\n[b]\nx = 1", "c.toml:3: there is no key `b.x`"),
    ];
    for (text, expected) in rows {
        let refusal = refusal(text);
        assert!(refusal.contains(expected), "{text}\n{refusal}");
    }
}

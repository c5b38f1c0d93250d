//! The shipped file against the code, and what is said about mistakes.

use super::*;

const PATH: &str = "/etc/millpond/agent.toml";

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new(PATH))
}

const MINIMAL: &str = "[collector]\naddress = 'c:7514'\n[[files]]\ninclude = ['/var/log/**']\n";

/// The template with the keys that are commented out because they have a default, and with sections that are examples.
fn uncommented() -> String {
    let lines = TEMPLATE.lines().map(|line| match line.strip_prefix("# ") {
        Some(section) if section.starts_with('[') && section.ends_with(']') => section,
        Some(key) if key.split(" = ").next().is_some_and(is_key) && key.contains(" = ") => key,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[test]
fn the_shipped_file_holds_the_defaults() {
    let shipped: RawConfig = toml::from_str(TEMPLATE).unwrap();
    let every_key: RawConfig = toml::from_str(&uncommented()).unwrap();
    assert_eq!(every_key.limits, RawConfig::clone(&shipped).limits);
    assert_eq!(every_key.metadata, shipped.metadata);
    assert!(shipped.process.is_empty() && every_key.process.len() == 8);
    assert!(parse(&uncommented()).is_ok(), "examples are right");
    assert_eq!(every_key.files[0].exclude, shipped.files[0].exclude);
    assert_eq!(every_key.files[0].format, shipped.files[0].format);
    assert_eq!(every_key.files[0].encoding, shipped.files[0].encoding);
    assert_eq!(every_key.files[0].multiline, shipped.files[0].multiline);
    assert_eq!(every_key.files[0].start, shipped.files[0].start);
    let (syslog, stdin) = (&every_key.syslog[0], every_key.stdin.unwrap());
    let spool_bytes = [syslog.spool_bytes, every_key.journald.unwrap().spool_bytes, stdin.spool_bytes];
    assert_eq!(spool_bytes, [crate::limits::SPOOL_BYTES_DEFAULT; 3]);
    assert_eq!((syslog.format.as_str(), stdin.format.as_str()), ("syslog", "auto"));
}

#[test]
fn the_shipped_file_has_every_key() {
    let text = uncommented();
    for key in [
        "data_dir",
        "host_name",
        "address",
        "several",
        "name",
        "ca",
        "certificate",
        "key",
        "include",
        "exclude",
        "format",
        "encoding",
        "multiline",
        "service",
        "start",
        "fields",
        "listen",
        "client_ca",
        "spool_bytes",
        "units",
        "since",
        "directory",
        "batch_bytes",
        "batch_age_ms",
        "open_files",
        "scan_seconds",
        "rotate_grace_seconds",
        "name",
        "when",
        "drop",
        "keep",
        "sample",
        "rate_limit",
        "redact",
        "rename",
        "set",
        "remove",
        "host",
        "containers",
        "stalled_seconds",
        "listen",
    ] {
        assert!(text.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
    }
    let keys =
        text.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).filter(|key| is_key(key));
    assert_eq!(keys.collect::<HashSet<_>>().len(), 39);
}

#[test]
fn a_minimal_file_is_enough() {
    let config = parse(MINIMAL).unwrap();
    assert_eq!(config.data_dir, Path::new("/etc/millpond"));
    assert_eq!(config.collectors.endpoints[0].key, Path::new("/etc/millpond/agent.key"));
    assert_eq!((config.tailing.batch.bytes, config.scan_ms), (1 << 20, 10_000));
    let covers =
        |path: &str| crate::discover::section_of(&config.tailing.coverage, Path::new(path)).is_some();
    assert!(covers("/var/log/syslog") && !covers("/var/log/wtmp") && !covers("/var/log/a/b.gz"));
}

#[test]
fn archives_are_covered_by_patterns_that_name_them() {
    let check = |keys: &str, path: &str, expected: bool| {
        let config = parse(&MINIMAL.replace("include = ['/var/log/**']", keys)).unwrap();
        let section = crate::discover::section_of(&config.tailing.coverage, Path::new(path));
        assert_eq!(section.is_some(), expected, "{keys} {path}");
        assert_eq!(config.tailing.coverage.len(), config.tailing.sections.len());
    };
    let both = "include = ['/l/**', '/l/app/*.gz']";
    check("include = ['/l/app.log*']", "/l/app.log.2.gz", false);
    check("include = ['/l/app.log*.gz']", "/l/app.log.2.gz", true);
    check("include = ['/l/app.log*.zst']", "/l/app.log.2.zst", true);
    check(both, "/l/app/a.gz", true);
    check(both, "/l/other/a.gz", false);
    check(both, "/l/app/a.log", true);
    check("include = ['/l/app.log*.gz']\nexclude = ['*.gz']", "/l/app.log.2.gz", false);
    check("include = ['/l/**']\nexclude = []", "/l/other/a.gz", true);
}

#[test]
fn the_agents_own_directory_is_never_followed() {
    let config = parse("data_dir = '/var/log/agent'\n[collector]\naddress='c:1'\n[[files]]\ninclude=['/var/log/**']\nexclude=[]\n").unwrap();
    let covers =
        |path: &str| crate::discover::section_of(&config.tailing.coverage, Path::new(path)).is_some();
    assert!(covers("/var/log/wtmp") && !covers("/var/log/agent/status.json"));
}

#[test]
fn labels_come_from_service_and_fields() {
    let text = format!(
        "{MINIMAL}service = 'shop'\nformat = 'nginx_access'\nstart = 'end'\nfields = {{ team = 'a' }}\n"
    );
    let config = parse(&text).unwrap();
    let section = &config.tailing.sections[0];
    assert_eq!(section.labels.fields, [("service.name".into(), "shop".into()), ("team".into(), "a".into())]);
    assert!(section.format.is_some() && section.start_at_end);
}

#[test]
fn mistakes_are_named_with_their_place() {
    let check = |text: &str, expected: &str| {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.starts_with(PATH) && error.contains(expected), "{error}");
    };
    check("[collector]\nadress = 'c:7514'\n", ":2:1: unknown key `adress`; did you mean `address`?");
    check("[colector]\naddress = 'c:7514'\n", ":1:2: unknown key `colector`; did you mean `collector`?");
    check(&format!("{MINIMAL}[limits]\nbatch_byte = 1\n"), "did you mean `batch_bytes`?");
    check(&format!("{MINIMAL}exlude = []\n"), ":5:1: unknown key `exlude`; did you mean `exclude`?");
    check("[collector\n", ":1:11: ");
    check("[collector]\naddress = 'c:7514'\n", "files: no [[files]] section");
    check(&MINIMAL.replace("c:7514", "c"), ":2:11: collector.address: `c` is not of the form host:port");
    check(&MINIMAL.replace("/var/log", "logs"), ":4:12: files[1].include[1]: `logs/**` must start with `/`");
    check(
        &format!("{MINIMAL}format = 'ngnix_error'\n"),
        ":5:10: files[1].format: unknown format `ngnix_error`; did you mean `nginx_error`?",
    );
    check(
        &format!("{MINIMAL}encoding = 'utf16le'\n"),
        ":5:12: files[1].encoding: unknown encoding `utf16le`; did you mean `utf-16le`?",
    );
    check(&format!("{MINIMAL}start = 'tail'\n"), ":5:9: files[1].start: unknown value `tail`");
    check(
        &format!("{MINIMAL}[limits]\nopen_files = 1\n"),
        ":6:14: limits.open_files: 1 is not between 8 and 100000",
    );
    check(&format!("{MINIMAL}[limits]\nopen_files = 'many'\n"), ":6:14: invalid type");
    check(&format!("{MINIMAL}[metrics]\nlisten = '0.0.0.0:7515'\n"), ":6:10: metrics.listen: `0.0.0.0:7515`");
}

#[test]
fn all_mistakes_are_named_at_once() {
    let text = "colour = 1\n[collector]\naddress = 'c'\n[[files]]\ninclude = ['/a', 'b', '/[']\nstart = 'x'\n\
                [limits]\nopen_files = 'many'\nbatch_age = 1\n";
    let ConfigError::Invalid { problems, .. } = parse(text).unwrap_err() else { panic!("it was read") };
    let places: Vec<_> = problems.iter().map(|problem| (problem.line, problem.column)).collect();
    assert_eq!(places, [(1, 1), (3, 11), (5, 18), (5, 23), (6, 9), (8, 14), (9, 1)], "{problems:#?}");

    let text = "[collector]\naddress = 'c'\nseveral = 'x'\n[[files]]\ninclude = ['/a']\nstart = 'x'\nformat = 'x'\n\
                [[syslog]]\nlisten = 'x'\n[[syslog]]\nlisten = 'y'\n[stdin]\nformat = 'x'\n\
                [[process]]\ndrop = true\n[[process]]\nset = {}\n[limits]\nopen_files = 1\nbatch_bytes = 1\n";
    let ConfigError::Invalid { problems, .. } = parse(text).unwrap_err() else { panic!("it was read") };
    let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [2, 3, 6, 7, 9, 11, 13, 15, 17, 19, 20], "{problems:#?}");
}

#[test]
fn the_state_directory_is_found_in_a_file_that_is_being_edited() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("agent.toml");
    for (text, expected) in
        [("data_dir = '/d'\n[collec", Path::new("/d")), ("nonsense\n[limits", directory.path())]
    {
        std::fs::write(&path, text).unwrap();
        assert_eq!(Config::data_dir_of(&path).as_deref(), Some(expected));
    }
}

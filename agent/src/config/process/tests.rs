//! Sections as they are written, and what is said about mistakes.

use super::*;

fn steps(text: &str) -> Result<Vec<Step>, String> {
    #[derive(Deserialize)]
    struct File {
        process: Vec<RawProcess>,
    }
    let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let mut errors = Vec::new();
    let steps = check(file.process, &mut errors);
    let of_error = |(key, reason): Mistake| format!("{key}: {reason}");
    if errors.is_empty() {
        Ok(steps)
    } else {
        Err(errors.into_iter().map(of_error).collect::<Vec<_>>().join("\n"))
    }
}

#[test]
fn every_action_is_a_section_of_its_own() {
    for (section, kind) in [
        ("when = 'level:debug'\ndrop = true", "drop"),
        ("when = 'level>=warn service:shop'\nkeep = true", "keep"),
        ("sample = { percent = 0.5 }", "sample"),
        ("rate_limit = { per_second = 10, key = 'service' }", "rate_limit"),
        ("redact = { patterns = ['email', 'card'] }", "redact"),
        ("redact = { regex = { order = 'ORD-\\d+' }, hash_key = '0123456789abcdef' }", "redact"),
        ("rename = { a = 'b', c = 'd' }", "rename"),
        ("set = { 'service.name' = 'shop' }", "set"),
        ("remove = ['a', 'event.original']", "remove"),
    ] {
        let steps = steps(&format!("[[process]]\n{section}")).unwrap();
        assert_eq!((steps.len(), steps[0].kind), (1, kind), "{section}");
    }
}

#[test]
fn mistakes_say_what_was_meant() {
    let rows = [
        ("drop = true", "process[0].drop: without `when` it would drop every line; say which lines"),
        ("keep = true", "process[0].keep: without `when`"),
        ("when = 'a'\ndrop = false", "process[0].drop: write `true`"),
        ("when = 'a'", "process[0]: a section does one thing, and this one none: drop, keep"),
        ("when = 'a'\ndrop = true\nset = { a = 'b' }", "this one 2; give each a section of its own"),
        ("when = 'level:'\ndrop = true", "process[0].when: "),
        (
            "when = 'a | stats count()'\ndrop = true",
            "a condition has no pipes (at byte 2); take out what begins with this |",
        ),
        ("when = '\"a|b\" x | where y'\ndrop = true", "a condition has no pipes (at byte 8)"),
        ("when = 'x @timestamp>now-1h'\ndrop = true", "depends on the clock (at byte 2)"),
        ("when = 'x or not (_time:5m)'\ndrop = true", "depends on the clock (at byte 10)"),
        ("when = 'level:[info'\ndrop = true", "at byte"),
        ("when = 'level<wran'\ndrop = true", "(at byte 6); did you mean warn?"),
        ("when = 'x or -severity:wran'\ndrop = true", "the level wran (at byte 15); did you mean warn?"),
        ("when = 'level in (debug, inof)'\ndrop = true", "did you mean info?"),
        ("sample = { percent = 0 }", "process[0].sample: percent is the share that is kept"),
        ("sample = { percent = 100 }", "is not between 0 and 100"),
        ("sample = { percent = nan }", "is not between 0 and 100"),
        ("sample = { ratio = 1 }", "unknown field `ratio`"),
        ("rate_limit = { per_second = 0 }", "per_second: 0 is not between 1 and 1000000"),
        ("redact = {}", "give `patterns` (of email, card, token, password, ipv4, ipv6), `regex`, or both"),
        ("redact = { patterns = ['e-mail'] }", "unknown pattern `e-mail`; did you mean `email`?"),
        ("redact = { regex = { email = 'x' } }", "the name of a built-in pattern"),
        ("redact = { regex = { x = '(' } }", "regex.x: "),
        ("redact = { regex = { x = 'a*' } }", "matches the empty text"),
        ("redact = { regex = { x = '(\\w{1000}){1000}' } }", "regex.x: "),
        ("redact = { patterns = ['email'], hash_key = 'short' }", "a key has at least 16 bytes, this one 5"),
        (
            "redact = { patterns = ['email'], hash_key_file = '/nonexistent' }",
            "hash_key_file: /nonexistent: ",
        ),
        ("rename = {}", "process[0].rename: names no field"),
        ("rename = { a = 'a' }", "`a` is the new name of `a`"),
        ("rename = { a = 'c', b = 'c' }", "`c` is the new name of `b` and of another field"),
        ("set = { level = 'warn' }", "`level` is a short name of queries; write `log.level`"),
        ("set = { 'log.file.path' = 'x' }", "`log.file.path` can't be changed by a step"),
        ("set = { 'event.original' = 'x' }", "`event.original` can't be changed"),
        ("remove = ['host.name']", "`host.name` can't be changed"),
        ("remove = ['']", "a field needs a name"),
        ("wen = 'a'\ndrop = true", "unknown field `wen`"),
    ];
    for (section, expected) in rows {
        let error = steps(&format!("[[process]]\n{section}")).unwrap_err();
        assert!(error.contains(expected), "{section}\n{error}");
    }
    let many = "[[process]]\nset = { a = 'b' }\n".repeat(limits::STEPS_MAX + 1);
    assert!(steps(&many).unwrap_err().contains("65 sections; at most 64"));
}

#[test]
fn an_absolute_time_is_a_condition_and_so_is_a_level_of_ones_own() {
    assert!(steps("[[process]]\nwhen = 'level:audit'\ndrop = true").is_ok());
    assert!(steps("[[process]]\nwhen = '@timestamp<2026-01-01'\ndrop = true").is_ok());
}

#[test]
fn a_key_file_counts_without_its_newline() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    std::fs::write(&path, "0123456789abcdef\n").unwrap();
    assert_eq!(key_file(&path).unwrap(), b"0123456789abcdef");
    std::fs::write(&path, vec![b'x'; 5_000]).unwrap();
    assert!(key_file(&path).unwrap_err().contains("at most 4096"));
}

//! Rules of the repository that no compiler holds: documents that name what exists, files that say what
//! they are, dependencies that point one way.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_owned()
}

/// All files below `dir` with this ending, without what is built or installed.
fn files(dir: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a readable directory").flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir()
            && !["target", "node_modules", "dist"].contains(&name.as_str())
            && !name.starts_with('.')
        {
            files(&path, ending, found);
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

#[test]
fn every_rust_file_says_what_it_is() {
    let mut sources = Vec::new();
    files(&root(), ".rs", &mut sources);
    assert!(sources.len() > 100, "only {} files were found", sources.len());
    let silent: Vec<_> =
        sources.iter().filter(|path| !fs::read_to_string(path).expect("UTF-8").starts_with("//!")).collect();
    assert!(silent.is_empty(), "no `//!` paragraph: {silent:?}");
}

#[test]
fn documents_name_what_exists() {
    let mut missing = Vec::new();
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "collector/API.md"] {
        let text = fs::read_to_string(root().join(name)).expect(name);
        let quoted = text.split('`').skip(1).step_by(2);
        let linked = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let is_path = |word: &&str| {
            !word.contains([' ', '*', '<', ':', '$', '{'])
                && !word.starts_with(['.', '/'])
                && word.contains('/')
        };
        let names = [
            "agent/",
            "client/",
            "collector/",
            "config/",
            "packaging/",
            "parsers/",
            "tests/",
            "ui/",
            "wire/",
        ];
        for path in quoted.chain(linked).filter(is_path) {
            if names.iter().any(|folder| path.starts_with(folder)) && !root().join(path).exists() {
                missing.push(format!("{name}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "these are named but do not exist: {missing:?}");
}

#[test]
fn dependencies_point_one_way() {
    let rows: [(&str, &[&str]); 9] = [
        ("wire", &[]),
        ("parsers", &[]),
        ("collector/query", &[]),
        ("ui", &[]),
        ("client", &["millpond-query"]),
        ("agent", &["millpond-parsers", "millpond-query", "millpond-wire"]),
        ("collector/store", &["millpond-query", "millpond-wire"]),
        ("collector", &["millpond-query", "millpond-store", "millpond-ui", "millpond-wire"]),
        ("tests", &[]),
    ];
    for (folder, expected) in rows {
        let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).expect(folder);
        let dependencies = text.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        let mut ours: Vec<_> = dependencies
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .filter(|name| name.starts_with("millpond-"))
            .collect();
        ours.sort_unstable();
        assert_eq!(ours, expected, "{folder}");
    }
}

//! The operating system: `/etc/os-release` (os-release(5)) and what this program was built for.

use super::Fields;

const NAME: &str = "os.name";
const VERSION: &str = "os.version";

/// Fields of this machine, given the text of its `os-release`.
pub(super) fn fields(release: &str) -> Fields {
    let assigned = release.lines().filter_map(|line| line.trim().split_once('='));
    let value = |wanted: &str| {
        let value = assigned.clone().find(|(key, _)| *key == wanted).map(|(_, value)| unquoted(value.trim()));
        value.filter(|value| !value.is_empty())
    };
    let read = [(NAME, value("NAME")), (VERSION, value("VERSION_ID"))];
    let read = read.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let built = [("os.type", std::env::consts::OS), ("host.arch", arch(std::env::consts::ARCH))];
    built.map(|(name, value)| (name, value.to_owned())).into_iter().chain(read).collect()
}

/// OpenTelemetry's word for an architecture of Rust's.
fn arch(rust: &str) -> &str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc64" => "ppc64",
        "powerpc" => "ppc32",
        other => other,
    }
}

/// Values may be quoted as in a shell.
fn unquoted(value: &str) -> String {
    let quotes = ['"', '\''].into_iter();
    let inner = quotes.into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    inner.unwrap_or(value).replace('\\', "")
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn releases() {
        for (release, name, version) in [
            ("NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n", Some("Debian GNU/Linux"), Some("12")),
            ("# a comment\nID=arch\nNAME='Arch Linux'\n", Some("Arch Linux"), None),
            ("NAME=Fedora\nVERSION_ID=\n", Some("Fedora"), None),
            ("", None, None),
            ("\"=\n=\nNAME", None, None),
        ] {
            let fields = fields(release);
            let value =
                |name: &str| fields.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str());
            assert_eq!((value("os.name"), value("os.version")), (name, version), "{release:?}");
        }
    }
}

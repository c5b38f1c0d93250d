//! Archives are left out by default, but for patterns that name them: `/var/log/app.log*.gz` means what it says.
//! Such patterns become a section of their own, beside the one that they stand in, so that the others of that
//! section still cover no archives.

use super::raw::{RawFiles, default_excludes};

const ENDINGS: [&str; 2] = [".gz", ".zst"];

/// A `[[files]]` section as the one or two that it stands for.
pub(super) fn apart(mut files: RawFiles) -> Vec<RawFiles> {
    // A list of the user's own is taken as it is.
    if files.exclude != default_excludes() {
        return vec![files];
    }
    let names_archives = |pattern: &String| ENDINGS.iter().any(|ending| pattern.ends_with(ending));
    let (archives, include): (Vec<String>, Vec<String>) = files.include.into_iter().partition(names_archives);
    files.include = include;
    if archives.is_empty() {
        return vec![files];
    }
    let mut of_archives = RawFiles { include: archives, ..files.clone() };
    of_archives.exclude.retain(|exclude| !names_archives(exclude));
    if files.include.is_empty() { vec![of_archives] } else { vec![files, of_archives] }
}

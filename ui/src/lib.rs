//! The web page, embedded in the program: the files of `web/dist` as they were when this crate was compiled.
//!
//! The crate only looks files up. Serving them (conditional requests, `Accept-Encoding`, `Content-Security-Policy`)
//! is the collector's. Without a built page it has one file, which says how to build it.

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// One file of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The file as it is.
    pub bytes: &'static [u8],
    /// The same, compressed with gzip, for clients that accept it; text files of a built page have it.
    pub gzip: Option<&'static [u8]>,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The value of `ETag`, quotes included. With `gzip` served, weaken it (`W/`) or vary on `Accept-Encoding`.
    pub etag: &'static str,
    /// The name carries a hash of the contents: it may be cached for ever. Anything else must be revalidated.
    pub immutable: bool,
}

/// Served as `index.html` where the page was not built before the program.
const FALLBACK: Asset = Asset {
    bytes: include_bytes!("fallback.html"),
    gzip: None,
    content_type: "text/html; charset=utf-8",
    etag: "\"fallback-1\"",
    immutable: false,
};

/// Whether this program carries the page, or only the note that says how to build it.
pub fn is_built() -> bool {
    !ASSETS.is_empty()
}

/// The file at a request's path, with or without the leading slash; `/` and the empty path are the page itself.
///
/// Nothing is ever looked up outside of the embedded table: `..` and other games find nothing.
pub fn asset(path: &str) -> Option<Asset> {
    let name = match path.strip_prefix('/').unwrap_or(path) {
        "" => "index.html",
        name => name,
    };
    if !is_built() && name == "index.html" {
        return Some(FALLBACK);
    }
    let at = ASSETS.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    ASSETS.get(at).map(|(_, asset)| *asset)
}

/// All embedded files with their paths relative to the page, sorted.
pub fn assets() -> impl Iterator<Item = (&'static str, Asset)> {
    ASSETS.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_always_there() {
        for path in ["/", "", "/index.html", "index.html"] {
            let page = asset(path).expect("index.html or the fallback");
            assert_eq!(page.content_type, "text/html; charset=utf-8", "{path:?}");
            assert!(!page.immutable, "the page names the hashed files: it must be revalidated");
            assert!(page.bytes.starts_with(b"<!doctype html>"), "{path:?}");
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_not_found() {
        for path in ["/nothing.js", "/../Cargo.toml", "//index.html", "/assets", "/assets/", "/index.html/"] {
            assert_eq!(asset(path), None, "{path:?}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_every_entry_is_found() {
        let names: Vec<_> = assets().map(|(name, _)| name).collect();
        assert!(names.is_sorted());
        for (name, expected) in assets() {
            assert_eq!(asset(name), Some(expected), "{name}");
            assert!(expected.etag.starts_with('"') && expected.etag.ends_with('"'), "{name}");
            assert!(!name.ends_with(".gz"), "{name} belongs to its neighbour");
        }
    }

    #[test]
    fn the_fallback_obeys_a_strict_policy() {
        let text = std::str::from_utf8(FALLBACK.bytes).expect("our own file");
        for forbidden in ["<script", "<style", "style=", "http://", "https://"] {
            assert!(!text.contains(forbidden), "{forbidden}");
        }
    }
}

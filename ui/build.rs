//! Writes the table of files to embed: everything under `web/dist` if the page has been built, nothing otherwise.
//!
//! The page is built by `npm run build` in `web/`, never from here: `cargo build` needs neither Node.js nor a network.

use std::{
    collections::BTreeSet,
    env,
    error::Error,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

/// Ends a name whose file holds the same bytes as its neighbour without the ending, compressed.
const GZIP_ENDING: &str = ".gz";

fn main() -> Result<(), Box<dyn Error>> {
    let manifest_dir = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let dist = manifest_dir.join("web/dist");
    let built = dist.join("index.html").is_file();
    // Cargo takes a path that doesn't exist as changed at every build; while there is no dist, its parent tells.
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", if built { "web/dist" } else { "web" });

    let mut files = BTreeSet::new();
    if built {
        collect(&dist, &dist, &mut files)?;
    }
    let table = render(&dist, &files)?;
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("assets.rs"), table)?;
    Ok(())
}

/// All files below `dir`, as slash-separated paths relative to `root`.
fn collect(root: &Path, dir: &Path, files: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(relative) = path.strip_prefix(root) {
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            files.insert(parts.join("/"));
        }
    }
    Ok(())
}

/// The Rust source of the table: sorted by path, since lookups search it by halves.
fn render(dist: &Path, files: &BTreeSet<String>) -> Result<String, Box<dyn Error>> {
    let mut table = String::from("static ASSETS: &[(&str, Asset)] = &[\n");
    for name in files.iter().filter(|name| !name.ends_with(GZIP_ENDING)) {
        let path = dist.join(name);
        let bytes = fs::read(&path)?;
        let compressed = format!("{name}{GZIP_ENDING}");
        let gzip = if files.contains(&compressed) {
            format!("Some(include_bytes!({:?}))", dist.join(&compressed))
        } else {
            "None".to_owned()
        };
        writeln!(
            table,
            "    ({name:?}, Asset {{ bytes: include_bytes!({path:?}), gzip: {gzip}, content_type: {:?}, etag: {:?}, immutable: {} }}),",
            content_type(name),
            format!("\"{:016x}-{:x}\"", fnv1a_64(&bytes), bytes.len()),
            is_hashed(name),
        )?;
    }
    table.push_str("];\n");
    Ok(table)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "map" => "application/json",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The bundler puts all files whose name carries a hash of their contents into `assets/`, and only those.
fn is_hashed(name: &str) -> bool {
    name.starts_with("assets/")
}

/// FNV-1a, 64 bits: tells versions of our own files apart, which is all that an `ETag` is for here.
fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

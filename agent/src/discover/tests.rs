//! The walk over real directories, links and pipes.

use std::os::unix::fs::symlink;

use super::*;

fn coverage(root: &Path, include: &[&str], exclude: &[&str]) -> Coverage {
    let absolute = |text: &&str| {
        if text.starts_with('/') { format!("{}{text}", root.display()) } else { (*text).to_owned() }
    };
    Coverage {
        include: include.iter().map(|text| Pattern::new(&absolute(text)).unwrap()).collect(),
        exclude: exclude.iter().map(|text| Pattern::of_exclude(&absolute(text)).unwrap()).collect(),
    }
}

fn check(include: &[&str], exclude: &[&str], expected: &[&str]) {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    for path in ["a.log", "b.log.gz", "app/x.log", "app/old/y.log", "cache/huge/z.log"] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "text\n").unwrap();
    }
    symlink(root.join("app/x.log"), root.join("link.log")).unwrap();
    symlink(root, root.join("app/loop")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("pipe.log"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let listing = walk(&[coverage(root, include, exclude)], &HashSet::new());
    let paths: Vec<_> = listing.files.iter().map(|file| file.path.strip_prefix(root).unwrap()).collect();
    assert_eq!(paths, expected.iter().map(Path::new).collect::<Vec<_>>(), "{include:?} {exclude:?}");
    if exclude.contains(&"/cache") {
        assert!(!listing.directories.contains(&root.join("cache")), "pruned before it is entered");
    }
}

#[test]
fn walks_cover_what_the_patterns_say() {
    check(&["/*.log"], &["link.log"], &["a.log"]);
    check(&["/app/**"], &[], &["app/old/y.log", "app/x.log"]);
    check(&["/**"], &["*.gz", "/cache", "link.log", "pipe.log"], &["a.log", "app/old/y.log", "app/x.log"]);
    check(&["/app/*.log", "/app/old/*.log"], &[], &["app/old/y.log", "app/x.log"]);
    check(&["/missing/*.log"], &[], &[]);
    check(&["/link.log"], &[], &["link.log"]);
}

#[test]
fn pipes_are_reported_and_never_listed() {
    let root = tempfile::tempdir().unwrap();
    let pipe = root.path().join("pipe.log");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
        .unwrap();
    let listing = walk(&[coverage(root.path(), &["/*"], &[])], &HashSet::new());
    assert_eq!(listing.files, []);
    assert_eq!(listing.obstacles, [Obstacle { path: pipe, reason: Skip::NotRegular }]);
}

#[test]
fn each_path_has_its_reason() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::create_dir_all(root.join("app/dir.log")).unwrap();
    for name in ["app/a.log", "app/a.log.gz", "elsewhere.txt"] {
        fs::write(root.join(name), "text\n").unwrap();
    }
    symlink(root.join("app"), root.join("linked")).unwrap();
    symlink(root.join("gone"), root.join("app/broken.log")).unwrap();
    symlink(root.join("app/a.log"), root.join("app/link.log")).unwrap();
    let sections = [coverage(root, &["/app/*", "/**/*.log"], &["*.gz"])];
    let reason = |name: &str| match look_at(&sections, &HashSet::new(), &root.join(name)) {
        Ok(_) => "followed".to_owned(),
        Err(skip) => skip.to_string(),
    };
    for (name, expected) in [
        ("app/a.log", "followed"),
        ("app/link.log", "followed"),
        ("app/a.log.gz", "the exclude pattern `*.gz` matches"),
        ("app/x.gz/y.log", "the exclude pattern `*.gz` matches"),
        ("elsewhere.txt", "/**/*.log`, which matches only as far as"),
        ("linked/a.log", "is a link to a directory"),
        ("app/dir.log", "a directory"),
        ("app/missing.log", "no such file"),
        ("app/broken.log", "no such file"),
    ] {
        assert!(reason(name).contains(expected), "{name}: {}", reason(name));
    }
    let inode = Inode::of(&fs::metadata(root.join("app/a.log")).unwrap());
    assert_eq!(look_at(&sections, &HashSet::from([inode]), &root.join("app/a.log")), Err(Skip::Own));
}

#[test]
fn a_directory_that_is_not_there_yet_is_awaited_in_its_parent() {
    let root = tempfile::tempdir().unwrap();
    let listing = walk(&[coverage(root.path(), &["/a/b/*.log"], &[])], &HashSet::new());
    assert_eq!(listing.directories, HashSet::from([root.path().to_owned()]));
}

/// What appears while a directory is listed would else be missed until the next scan.
#[test]
fn directories_are_named_before_they_are_listed() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    fs::create_dir_all(root.join("a/b")).unwrap();
    let mut entered = Vec::new();
    let sections = [coverage(root, &["/a/**", "/missing/*"], &[])];
    let listing = walk_entering(&sections, &HashSet::new(), &mut |directory| {
        entered.push(directory.strip_prefix(root).unwrap().to_owned());
        let _ = fs::write(directory.join("late.log"), "text\n");
    });
    assert_eq!(entered, ["a", "a/b", "missing"].map(PathBuf::from));
    let paths: Vec<_> = listing.files.iter().map(|file| file.path.strip_prefix(root).unwrap()).collect();
    assert_eq!(paths, ["a/b/late.log", "a/late.log"].map(Path::new));
}

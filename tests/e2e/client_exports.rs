//! `millpond export`: files that were cut off go on where they were, or stay as they are.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use millpond_tests::cluster::Cluster;

use crate::client::{collector, ingest, piped};

#[test]
fn an_export_goes_on_where_it_was_cut_off() {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let lines: Vec<_> = (0..2_000).map(|n| format!(r#"{{"message":"a \"{n}\",\nb","n":{n}}}"#)).collect();
    ingest(&cluster.client(), &lines, 2_000);
    for format in ["ndjson", "csv"] {
        let path = cluster.path(&format!("export.{format}"));
        let arguments = ["export", "--format", format, "-O", &path];
        assert_eq!(piped(&cluster, &arguments).0, 0);
        let whole = fs::read_to_string(&path).unwrap();
        assert!(whole.matches('"').count() > 2_000);
        let (code, stdout, _) = piped(&cluster, &["export", "--format", format]);
        assert_eq!((code, stdout == whole), (0, true), "{format}: a file gets what a pipe gets");
        let (code, _, stderr) = piped(&cluster, &arguments);
        assert!(code == 2 && stderr.contains("--resume"), "{format}: {stderr}");
        for cut in [0, 1, 100, whole.len() / 3, whole.len() - 1, whole.len()] {
            let cut = whole.floor_char_boundary(cut);
            fs::write(&path, &whole[..cut]).unwrap();
            let (code, _, stderr) = piped(&cluster, &[&arguments[..], &["--resume"]].concat());
            assert_eq!(code, 0, "{format}, {cut}: {stderr}");
            assert!(fs::read_to_string(&path).unwrap() == whole, "{format}, cut at {cut}");
        }
    }
}

/// Columns whose names in the file are not those that the collector is asked by: a name that looks like a formula, and
/// one that is short for another.
#[test]
fn columns_of_a_resumed_csv_are_the_same_or_it_is_refused() {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let lines: Vec<_> = (0..50)
        .map(|n| {
            format!(r#"{{"message":"m{n}","@version":"{n}","=x":"y","level":"L{n}","log.level":"warn"}}"#)
        })
        .collect();
    ingest(&cluster.client(), &lines, 50);
    let path = cluster.path("export.csv");
    let rows = [("_id,@timestamp,message,@version,=x", true), ("", false)];
    for (fields, must_go_on) in rows {
        let _ = fs::remove_file(&path);
        let mut arguments = vec!["export", "--format", "csv", "-O", &path];
        if !fields.is_empty() {
            arguments.extend(["--fields", fields]);
        }
        assert_eq!(piped(&cluster, &arguments).0, 0);
        let whole = fs::read_to_string(&path).unwrap();
        let header = whole.lines().next().unwrap();
        assert!(header.contains("'@version") && header.contains("'=x"), "{header}");
        let cut = &whole[..whole.len() / 2];
        fs::write(&path, cut).unwrap();
        let (code, _, stderr) = piped(&cluster, &["export", "--format", "csv", "-O", &path, "--resume"]);
        let left = fs::read_to_string(&path).unwrap();
        if code == 0 || must_go_on {
            assert_eq!((code, left == whole), (0, true), "{stderr}\n{left}");
        } else {
            assert_eq!((code, left == cut), (2, true), "{stderr}\n{left}");
            assert!(stderr.contains("other columns"), "{stderr}");
        }
    }
}

#[test]
fn what_is_no_export_is_left_as_it_is() {
    let cluster = collector();
    let path = cluster.path("file");
    let whole = piped(&cluster, &["export"]).1;
    let (first, _) = whole.split_once('\n').unwrap();
    let rows: [(&[&str], &str, &str); 7] = [
        (&[], "a thesis without any line break", "no export"),
        (&["--format", "csv"], "a thesis without any line break", "no export"),
        (&[], "two lines\nof notes", "no export"),
        (&["--format", "csv"], "host.name,n\r\n", "_id"),
        (&["--since", "1y"], &format!("{first}\n{{\"_id\""), "has moved"),
        (&["--until", "today"], &format!("{first}\n{{\"_id\""), "has moved"),
        (&["level:["], &format!("{first}\n{{\"_id\""), "error:"),
    ];
    for (arguments, text, why) in rows {
        fs::write(&path, text).unwrap();
        let (code, _, stderr) = piped(&cluster, &[&["export", "-O", &path, "--resume"], arguments].concat());
        assert!(code == 2 && stderr.contains(why), "{arguments:?}: {stderr}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{arguments:?}");
    }
    let (code, _, _) = piped(&cluster, &["--url", "127.0.0.1:9", "export", "-O", &path, "--resume"]);
    assert_eq!(code, 2);
    assert_eq!(fs::read_to_string(&path).unwrap(), rows[6].1, "nobody answered");
    let (code, stdout, _) = piped(&cluster, &["export", "-O", "-"]);
    assert_eq!((code, stdout), (0, whole));
    assert_eq!(piped(&cluster, &["export", "-O", "-", "--resume"]).0, 2);
}

/// Answers one request with the beginning of an answer, and hangs up.
fn cut_off(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let mut request = Vec::new();
        let mut chunk = [0; 1_024];
        // The form is the last that comes, and has the format in it.
        while !String::from_utf8_lossy(&request).contains("format=") {
            let length = connection.read(&mut chunk).expect("a request");
            request.extend_from_slice(&chunk[..length]);
        }
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        write!(connection, "{head}{:x}\r\n{body}\r\n", body.len()).expect("a reader");
    });
    address
}

#[test]
fn the_way_on_is_told_where_there_is_one() {
    let cluster = Cluster::new();
    let path = cluster.path("export");
    let json = "{\"_id\":\"98ea00000000000000000000000000ff\"}\n{\"_id\"";
    let csv = "_id,n\r\n98ea00000000000000000000000000ff,1\r\n98";
    let rows: [(&[&str], &'static str, &[&str]); 7] = [
        (&[], json, &["the same command with --resume goes on"]),
        (&["--since", "1h"], json, &["--resume --since 20", "Z goes on"]),
        (&["--since", "2026-11-20", "--until", "now"], json, &["--resume --until 20", "Z goes on"]),
        (&["--format", "csv"], csv, &["--resume goes on"]),
        (&["--format", "csv", "--fields", "n"], "n\r\n1\r\n2\r\n", &[]),
        (&["* | sort n"], json, &[]),
        (&["--format", "text"], "a\nb\n", &[]),
    ];
    for (arguments, body, hints) in rows {
        let _ = fs::remove_file(&path);
        let address = cut_off(body);
        let (code, _, stderr) =
            piped(&cluster, &[&["--url", &address, "export", "-O", &path], arguments].concat());
        assert!(code == 2 && stderr.contains("cut off"), "{arguments:?}: {stderr}");
        assert_eq!(stderr.contains("--resume"), !hints.is_empty(), "{arguments:?}: {stderr}");
        assert!(hints.iter().all(|hint| stderr.contains(hint)), "{arguments:?}: {stderr}");
        assert_eq!(fs::read_to_string(&path).unwrap().len(), body.len() - 6 * usize::from(body == json));
    }
}

//! Pipes on a table of documents, from the text of the query to the cells.

use millpond_query::table::{Cell, Table, TableError, TooManyGroups, apply, apply_within};
use millpond_query::{Filter, Limits, parse};

const SECOND_NS: i64 = 1_000_000_000;

fn documents() -> Table {
    let row = |at: i64, host: &str, status: i64, duration: Option<f64>| {
        vec![
            Cell::TimeNs(at * SECOND_NS),
            Cell::Str(host.to_owned()),
            Cell::I64(status),
            duration.map_or(Cell::Null, Cell::F64),
        ]
    };
    Table {
        columns: ["@timestamp", "host.name", "status", "duration"].map(str::to_owned).to_vec(),
        rows: vec![
            row(0, "a", 200, Some(10.0)),
            row(30, "b", 500, Some(20.0)),
            row(61, "a", 500, None),
            row(62, "c", 200, Some(5.0)),
            row(-1, "a", 404, Some(40.0)),
        ],
    }
}

fn show(cell: &Cell) -> String {
    match cell {
        Cell::Null => "-".to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::I64(value) => value.to_string(),
        Cell::F64(value) => value.to_string(),
        Cell::Str(value) => value.clone(),
        Cell::TimeNs(value) => format!("{}s", value / SECOND_NS),
        Cell::List(values) => format!("[{}]", values.iter().map(show).collect::<Vec<_>>().join(",")),
    }
}

/// The table after the pipes.
#[track_caller]
fn run(pipes: &str) -> Table {
    let resolved =
        parse(pipes).and_then(|query| query.resolve(0)).unwrap_or_else(|error| panic!("{pipes}: {error}"));
    let stages = match resolved.filter {
        Filter::All => resolved.pipes,
        filter => [vec![millpond_query::Pipe::Where(filter)], resolved.pipes].concat(),
    };
    apply(documents(), &stages).expect("there are few groups")
}

/// Runs the pipes and gives the table as text: `a b` for the columns, then a line for each row.
#[track_caller]
fn check(pipes: &str, expected: &[&str]) {
    let table = run(pipes);
    let rows = table.rows.iter().map(|row| row.iter().map(show).collect::<Vec<_>>().join(" "));
    let lines: Vec<String> = std::iter::once(table.columns.join(" ")).chain(rows).collect();
    assert_eq!(lines, expected, "{pipes}");
}

#[test]
fn stats_group_and_aggregate() {
    check("| stats count()", &["count", "5"]);
    check("nothing | stats count(), sum(status)", &["count sum(status)", "0 -"]);
    check("nothing | stats count() by host", &["host.name count"]);
    check(
        "| stats count(), avg(duration) ms, dc(status) by host",
        &["host.name count ms dc(status)", "a 3 25 3", "b 1 20 1", "c 1 5 1"],
    );
    check("| stats count() by _time:1m", &["@timestamp count", "-60s 1", "0s 2", "60s 2"]);
    check("| stats count() by duration | limit 1", &["duration count", "5 1"]);
    check("| stats count(duration), max(_time)", &["count(duration) max(_time)", "4 62s"]);
    check("| stats count() n by host | stats sum(n), max(n)", &["sum(n) max(n)", "5 3"]);
}

#[test]
fn top_rare_and_timechart() {
    check("| top 2 host", &["host.name count", "a 3", "b 1"]);
    check("| rare 2 host", &["host.name count", "b 1", "c 1"]);
    check("| top duration | limit 1", &["duration count", "5 1"]);
    check(
        "| timechart span=1m count() by status",
        &["@timestamp status count", "-60s 404 1", "0s 200 1", "0s 500 1", "60s 200 1", "60s 500 1"],
    );
}

#[test]
fn rows_are_sorted_cut_and_picked() {
    check(
        "| sort -duration | fields host, duration",
        &["host.name duration", "a 40", "b 20", "a 10", "c 5", "a -"],
    );
    check("| sort duration | limit 2 | fields duration", &["duration", "5", "10"]);
    check(
        "| sort status desc, host | fields status host",
        &["status host.name", "500 a", "500 b", "404 a", "200 a", "200 c"],
    );
    check("| dedup host | fields -duration, status", &["@timestamp host.name", "0s a", "30s b", "62s c"]);
    check("| fields nope, status | limit 1", &["nope status", "- 200"]);
    check("| limit 3 | where status:500 | fields host", &["host.name", "b", "a"]);
    check("| stats count() n by host | where n>1 or host:c | sort -n", &["host.name n", "a 3", "c 1"]);
    check("| stats count() by _time:1m | where _time>=1970-01-01T00:01", &["@timestamp count", "60s 2"]);
}

#[test]
fn aggregates_of_all_kinds() {
    let two = parse("| stats count() by host as status, status").and_then(|query| query.resolve(0));
    assert_eq!(two.map(drop).map_err(|error| error.message), Err("there are two columns status".to_owned()));
    check(
        "| stats values(status) v, first(status) f, last(status) l by host",
        &["host.name v f l", "a [200,404,500] 404 500", "b [500] 500 500", "c [200] 200 200"],
    );
    check(
        "| stats stdev(status) by host | limit 1 | eval s = round(`stdev(status)`, 2) | fields s",
        &["s", "153.21"],
    );
    check(
        "| stats stdev(status), values(nope), first(nope) by host | where host:b",
        &["host.name stdev(status) values(nope) first(nope)", "b - [] -"],
    );
    check(
        "| stats count(status>=500) as errors, countif(host=\"a\") as a, count()",
        &["errors a count", "2 3 5"],
    );
    check("| stats avg(duration / 5), sum(status % 100) as s", &["avg(duration / 5) s", "3.75 4"]);
    check(
        "| stats rate() by _time:1m",
        &[
            "@timestamp rate",
            "-60s 0.016666666666666666",
            "0s 0.03333333333333333",
            "60s 0.03333333333333333",
        ],
    );
    check(
        "_time:1m | stats rate() as r, rate(status) as s",
        &["r s", "0.08333333333333333 30.066666666666666"],
    );
    check("| stats count() as n by bin(status, 100)", &["bin(status, 100) n", "200 2", "400 1", "500 2"]);
    check(
        "| stats count() as n, avg(duration) by bin(duration, 10) as d",
        &["d n avg(duration)", "0 1 5", "10 1 10", "20 1 20", "40 1 40", "- 1 -"],
    );
    check("| stats count() by upper(host) as host | sort -host | limit 1", &["host count", "C 1"]);
    check("| stats count() by host as server, status as code | limit 1", &["server code count", "a 200 1"]);
    check(
        "| stats first(_time), last(_time), values(_time) by host | where host=c",
        &["host.name first(_time) last(_time) values(_time)", "c 62s 62s [62s]"],
    );
    check("| stats count() by _time:1m as t | sort -t", &["t count", "60s 2", "0s 2", "-60s 1"]);
    check(
        "| stats avg(status) by host | where avg(status)>300",
        &["host.name avg(status)", "a 368", "b 500"],
    );
    check("| stats by (host) max(duration / 5) m | where host:a", &["host.name m", "a 8"]);
    check("| stats count(1), n = count(eval(status >= 500))", &["count n", "5 2"]);
    check("| stats count() by bin(1m) | limit 1", &["@timestamp count", "-60s 1"]);
    check("| stats count() by bin(_time, 1m) | limit 1", &["@timestamp count", "-60s 1"]);
    check("| stats last(duration) as d by host | stats first(d), last(d)", &["first(d) last(d)", "10 5"]);
}

#[test]
fn the_largest_series_are_kept_and_the_others_merged() {
    check(
        "| timechart span=1d limit=1 avg(duration), count() by host",
        &["@timestamp host.name avg(duration) count", "-86400s a 40 1", "0s a 10 2", "0s other 12.5 2"],
    );
    check(
        "| timechart span=1d limit=1 useother=f count() by host",
        &["@timestamp host.name count", "-86400s a 1", "0s a 2"],
    );
    check(
        "| timechart span=1d count() by duration limit=2",
        &["@timestamp duration count", "-86400s other 1", "0s 5 1", "0s 10 1", "0s (none) 1", "0s other 1"],
    );
    check(
        "| where missing(duration) | timechart span=1d limit=0 count() by duration",
        &["@timestamp duration count", "0s (none) 1"],
    );
}

#[test]
fn values_that_are_called_like_a_series_stay_apart() {
    check(
        "| eval s = case(status = 404, \"other\", status = 200, \"(none)\", host = \"a\", null, \"x\") \
         | timechart span=1w limit=2 count() by s",
        &[
            "@timestamp s count",
            "-259200s ((none)) 1",
            "-259200s (none) 2",
            "-259200s (other) 1",
            "-259200s other 1",
        ],
    );
}

#[test]
fn weeks_begin_on_monday() {
    check("| stats count() by _time:1w", &["@timestamp count", "-259200s 5"]);
    check("| stats count() by bin(_time, 14d)", &["@timestamp count", "-864000s 5"]);
    check("| eval w = bin(_time, 7d) | stats count() by w", &["w count", "-259200000000000 5"]);
    check("| stats count() by bin(status, 100) as s | limit 1", &["s count", "200 2"]);
}

#[test]
fn keys_are_renamed_all_at_once() {
    check(
        "| stats count() by host.name as status, status as host.name | sort host.name, status | limit 2",
        &["status host.name count", "a 200 1", "c 200 1"],
    );
    check("| stats count() by host as a, status as host.name | limit 1", &["a host.name count", "a 200 1"]);
}

#[test]
fn columns_keep_the_unit_of_their_field() {
    // In nanoseconds, of which no other name tells: 10, 20, 5 and 40 ms.
    let rows = [
        ("stats max(event.duration) as slow by host | where slow>15ms", "a b"),
        ("stats max(event.duration) as s by host | rename s as slow | where slow>0.015s", "a b"),
        ("stats max(event.duration) by host | where \"max(event.duration)\">15ms", "a b"),
        ("eval x=event.duration | where x<=5ms", "c"),
        ("rename event.duration as d | where d>=0.04s", "a"),
        ("stats count() by event.duration as d, host | where d>15ms | sort host", "a b"),
        (
            "top event.duration, host | where event.duration>15ms | rename event.duration as d | where d<30ms",
            "b",
        ),
        ("stats max(_time) as last, min(_time) as first by host | eval d = last - first | where d>1m", "a"),
        ("eval d = round(event.duration) + 1ms | where d>40ms", "a"),
        ("eval x = event.duration | stats max(x) as y by host | eval z = y | where z>15ms", "a b"),
    ];
    for (pipes, expected) in rows {
        let table = run(&format!("| eval event.duration = duration * 1000000 | {pipes}"));
        let host = table.column("host.name").expect("it is kept");
        let hosts: Vec<String> = table.rows.iter().map(|row| show(&row[host])).collect();
        assert_eq!(hosts.join(" "), expected, "{pipes}");
    }
}

#[test]
fn quantities_beside_a_field_are_in_its_unit() {
    check("| stats count() by bin(duration, 0.02s) as d", &["d count", "0 2", "20 1", "40 1", "- 1"]);
    check(
        "| where host:b | eval x = duration / 1s, y = duration + 1s, z = 1s - duration | fields x, y, z",
        &["x y z", "0.02 1020 980"],
    );
    check("| where host:b | eval x = _time + 1m | fields x", &["x", "90000000000"]);
}

#[test]
fn synonyms_name_the_column_of_an_aggregate() {
    let columns = ["host.name p50(status) avg(duration) dc(status) first(status)", "c 200 5 1 200"];
    let stats = "| stats median(status), mean(duration), count_distinct(status), earliest(status) by host";
    for order in [
        "median(status)",
        "p50(status)",
        "mean(duration)",
        "distinct(status), -dc(status)",
        "earliest(status), mean(duration)",
    ] {
        check(&format!("{stats} | sort {order} | where host:c"), &columns);
    }
}

/// Each pipe, told to end after some rows.
#[test]
fn pipes_end_when_nobody_waits() {
    let pipes = [
        "where status>1",
        "eval x = 1",
        "extract \"<x>\" from host",
        "stats count() by host",
        "sort status | limit 1",
        "fields status | dedup status",
    ];
    for pipe in pipes {
        let resolved =
            parse(&format!("| limit 9 | {pipe}")).and_then(|query| query.resolve(0)).expect("resolves");
        let asked = std::cell::Cell::new(0);
        let goes_on = || {
            asked.set(asked.get() + 1);
            asked.get() < 3
        };
        let limits = Limits { bytes_max: usize::MAX, goes_on: &goes_on };
        assert_eq!(apply_within(documents(), &resolved.pipes, limits), Err(TableError::Stopped), "{pipe}");
        assert!(asked.get() < 9, "{pipe}");
        assert!(apply_within(documents(), &resolved.pipes, Limits::NONE).is_ok(), "{pipe}");
    }
}

#[test]
fn pipes_take_no_more_memory_than_they_may() {
    let text = "0123456789".repeat(100);
    let rows = [
        (format!("eval x = host . \"{text}\""), TableError::Bytes),
        (
            "eval ".to_owned() + &(0..60).map(|at| format!("x{at} = 1")).collect::<Vec<_>>().join(", "),
            TableError::Bytes,
        ),
        (
            "stats values(host), dc(status), p50(duration) by host, status".to_owned(),
            TableError::Groups(TooManyGroups),
        ),
    ];
    for (pipe, expected) in rows {
        let resolved =
            parse(&format!("| limit 9 | {pipe}")).and_then(|query| query.resolve(0)).expect("resolves");
        let limits = Limits { bytes_max: 1_500, ..Limits::NONE };
        assert_eq!(apply_within(documents(), &resolved.pipes, limits), Err(expected), "{pipe}");
        assert!(apply_within(documents(), &resolved.pipes, Limits::NONE).is_ok(), "{pipe}");
    }
}

//! Queries as people type and paste them, over the documents of `LANGUAGE.md`: which ones each finds, or what the error
//! proposes.

#[path = "support/documents.rs"]
mod documents;

use documents::{NOW_NS, found};
use millpond_query::parse;

#[track_caller]
fn check(rows: &[(&str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .map(|(query, expected)| (query, expected, found(query)))
        .filter(|(_, expected, found)| *expected != found)
        .map(|(query, expected, found)| format!("{query} finds {found}, not {expected}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The part of the hint, for each query that is an error.
#[track_caller]
fn check_hints(rows: &[(&str, &str)]) {
    for (query, hint) in rows {
        let error = match parse(query).and_then(|query| query.resolve(NOW_NS)) {
            Ok(resolved) => panic!("{query} means {}", resolved.filter),
            Err(error) => error,
        };
        let found = error.hint.as_deref().unwrap_or_default();
        assert!(found.contains(hint), "{query}: {error:?}");
    }
}

#[test]
fn ranges_of_addresses_are_compared_as_addresses() {
    check(&[
        ("client.ip:[10.1.2.0 TO 10.1.2.255]", "1 2"),
        ("client.ip:[10.1.2.3 TO 10.1.2.20]", "1 2"),
        ("client.ip:{10.1.2.3 TO 10.1.2.20]", "2"),
        ("client.ip>=10.1.2.4", "2 3"),
        ("client.ip<10.1.2.20", "1 2"),
        ("client.ip>::1", "none"),
        ("client.ip:[10.1.2.0 TO b]", "1 2 3"),
    ]);
}

#[test]
fn a_network_is_found_as_a_text_too() {
    let document = |message: &str| {
        let query =
            parse("message:\"10.0.0.0/8\"").and_then(|query| query.resolve(NOW_NS)).expect("resolves");
        let fields = serde_json::json!({ "@timestamp": "2026-11-22", "message": message });
        let serde_json::Value::Object(fields) = fields else { panic!("{fields}") };
        millpond_query::matches(&query.filter, &documents::Document(fields))
    };
    let rows = [
        ("route to 10.0.0.0/8 added", true),
        ("10.0.0.0/8", true),
        ("10.1.2.3", true),
        ("10.0.0.0/16", false),
        ("from 10.1.2.3", false),
    ];
    for (message, expected) in rows {
        assert_eq!(document(message), expected, "{message}");
    }
}

#[test]
fn dates_and_quantities_are_equal_in_other_words() {
    check(&[
        ("event.created:2026-11-22", "7"),
        ("event.created=2026-11-22", "7"),
        ("event.created:\"2026-11-22T10\"", "7"),
        ("event.created in (2026-11-22)", "7"),
        ("event.created:now/d", "7"),
        ("event.created:2026-11-21", "none"),
        ("event.created!=2026-11-22", "1 2 3 4 5 6 8"),
        ("took=2000ms", "7"),
        ("took:2000ms", "7"),
        ("took=2s", "7"),
        ("took:2001ms", "none"),
        ("took>1.9s took<2.1s", "7"),
        ("duration=1.8s", "7"),
        ("bytes:20MiB", "7"),
    ]);
}

#[test]
fn an_object_is_there_when_a_field_in_it_is() {
    check(&[
        ("user:*", "2 6"),
        ("exists(kubernetes.labels)", "6"),
        ("missing(user)", "1 3 4 5 7 8"),
        ("us:*", "none"),
        ("user:bob", "none"),
    ]);
}

/// The examples that the language was designed by. What comes after a pipe is checked in `tables.rs`.
#[test]
fn the_first_queries_that_people_type() {
    check(&[
        ("", "all"),
        ("*", "all"),
        ("error", "1 6 7"),
        ("connection refused", "1"),
        (r#""connection refused""#, "1"),
        ("timeout OR timed", "3"),
        ("error -healthcheck", "1 6 7"),
        ("error NOT checkout", "1 7"),
        ("conn*", "1"),
        ("*Exception", "6"),
        ("level:error", "1 6"),
        ("level:(error or critical)", "1 5 6"),
        ("level>=warn", "1 3 5 6"),
        ("host:web-01", "1 2"),
        ("host=web-01", "1 2"),
        ("host:web-*", "1 2 3 4 8"),
        ("host!=web-01", "3 4 5 6 7 8"),
        ("service:api status:500", "1"),
        ("status>=500", "1 3"),
        ("status:>=500", "1 3"),
        ("status:[200 TO 299]", "2 4"),
        ("duration>1.5s", "7"),
        ("bytes>10MB", "7"),
        ("client.ip:10.0.0.0/8", "1 2"),
        ("10.0.0.17", "1"),
        (r#"user.email:"bob@example.com""#, "2"),
        ("trace_id:4bf92f3577b34da6a3ce929d0e0e4736", "1"),
        ("user.id:*", "2 6"),
        ("-user.id:*", "1 3 4 5 7 8"),
        ("missing(user.id)", "1 3 4 5 7 8"),
        (r"message:/time(d )?out after \d+ms/", "3"),
        ("/OOM|killed/i host:db*", "5"),
        (r#"url.path:"/api/v1/"*"#, "1 2 3"),
        ("kubernetes.labels.app:cart and not (level:debug or level:trace)", "6"),
        (r"+status:204 -url.path:\/api", "4"),
        (r#"{app="sshd",env!="dev"} root"#, "8"),
        ("method IN (PUT, POST, DELETE)", "3"),
        ("_time:5m refused", "1"),
        ("@timestamp > now-5m refused", "1"),
        (r#""failed login" | stats count() by host"#, "8"),
        ("level:error | timechart span=5m count() by service", "1 6"),
        ("| top 10 url.path", "1 2 3 4"),
        (
            "status>=500 | stats count() n, p95(duration) p by service, _time:1h | sort by n desc | limit 20",
            "1 3",
        ),
        ("level:error | dedup by message | fields _time, host, message", "1 6"),
        ("status:500 | where event.duration > 2s | sort -event.duration | head 50", "1"),
        (r#"sshd | extract "from <ip> port <port>" | top ip"#, "8"),
        ("error | rare 20 service", "1 6"),
    ]);
}

#[test]
fn kql() {
    check(&[
        ("host.name : \"web-01\" and log.level : error", "1"),
        ("host.name: web-* and not status >= 500", "2 4 8"),
        ("status < 300 or status > 500", "2 3 4"),
        ("user.id : *", "2 6"),
        ("log.level : (error or fatal)", "1 5 6"),
        ("@timestamp >= \"now-15m\" and @timestamp < now", "1 2 3"),
        ("event.created >= now-1h", "7"),
        ("event.created < now-2w", "none"),
        ("not host.name : web*", "5 6 7"),
        ("message : (healthcheck and passed)", "4"),
    ]);
    check_hints(&[
        ("user:{ id:bob and email:x }", "user.id:"),
        ("user.*:bob", "*:value"),
        ("kubernetes.labels.*:cart", "*:value"),
    ]);
}

#[test]
fn lucene() {
    check(&[
        ("_exists_:user.id", "2 6"),
        ("NOT _exists_:status", "5 6 7 8"),
        ("+log.level:error +service.name:api", "1"),
        ("status:[400 TO 599] AND method:PUT", "3"),
        ("status:{200 TO 500}", "4"),
        ("status:[500 TO *}", "1 3"),
        ("status:(200 OR 204)", "2 4"),
        ("status:(>=200 AND <300)", "2 4"),
        (r"url.path:\/api\/v1\/*", "1 2 3"),
        ("refused^2 OR killed^0.5", "1 5"),
        ("\"connection refused\"^3", "1"),
        ("(refused OR killed)^2 host.name:db*", "5"),
        ("message:killed^2", "5"),
        ("@timestamp:[now-1h TO now]", "1 2 3 4"),
        ("@timestamp:[now-1d/d TO now/d]", "1 2 3 4 5 6"),
        ("@timestamp:[2026-11-21 TO 2026-11-21]", "6"),
        ("*:killed", "5"),
        ("refused && connection || killed", "1 5"),
        ("tags:memor?", "5"),
        ("message:/.*timed out.*/", "3"),
        ("5.10.0-8~deb11", "none"),
    ]);
    check_hints(&[
        ("conection~", "conec*"),
        ("message:conection~1", "conec*"),
        ("\"connection dial\"~3", r"/connection\W+(\w+\W+){0,3}dial/i"),
        ("\"connection dial\"~3", "write connection dial for all"),
    ]);
    // The proposed form does what was asked for.
    check(&[(r"/connection\W+(\w+\W+){0,3}dial/i", "1")]);
}

#[test]
fn logs_ql() {
    check(&[
        ("_time:5m", "1 2"),
        ("_time:2h offset 1h", "5"),
        ("_time:1h offset 30m passed", "4"),
        ("_time:[2026-11-22T08:00, 2026-11-22T10)", "4 5"),
        (r#"_stream:{host.name="web-02"}"#, "3 4"),
        ("service.name:in(Cart, x)", "6"),
        ("service.name:=Cart", "6"),
        ("service.name:exact(Cart)", "6"),
        ("service.name:exact(cart)", "none"),
        ("service.name:i(CART)", "6"),
        ("i(KILLED)", "5"),
        (r#"exact("healthcheck passed")"#, "4"),
        (r#"message:~"refused|killed""#, "1 5"),
        (r#"message:re("refused|killed")"#, "1 5"),
        ("status:range(200, 500)", "4"),
        ("status:range[200, 500)", "2 4"),
        ("status:range(200, 500]", "1 4"),
        ("message:len_range(1, 20)", "2 4"),
        ("len_range(48, inf)", "8"),
        ("host.name:string_range(web-01, web-03)", "1 2 3 4"),
        (r#"client.ip:ipv4_range("10.1.0.0/16")"#, "1 2"),
        ("user.id:contains_any(bob, alice)", "2 6"),
        ("tags:contains_all(kernel, memory)", "5"),
        ("user.id:!bob user.id:*", "6"),
        ("!passed service.name:api", "1 2 3"),
        ("message:(timed out)", "3"),
        ("user.id:\"\"", "none"),
        ("error | fields _time, _msg", "1 6 7"),
    ]);
    check_hints(&[
        ("message:seq(a, b)", "quotes"),
        ("message:exat(a)", "did you mean exact?"),
        ("user.id:contains_ani(a)", "did you mean contains_any?"),
        ("client.ip:ipv4_range(10.0.0.1, 10.0.0.9)", "field:10.0.0.0/8"),
        ("message:len_range(5, 1)", "smaller end first"),
        ("status:range(1)", "field:range(1, 5)"),
        ("exist(user.id)", "did you mean exists?"),
    ]);
}

#[test]
fn log_ql() {
    check(&[
        (r#"{app="sshd"}"#, "8"),
        (r#"{host_name="x"}"#, "none"),
        (r#"{host="web-01", service="api"} |= "refused""#, "1"),
        (r#"{host=~"web-.+"} |= "onnect""#, "1"),
        (r#"{host=~"web-.+"} |= "CONN""#, "none"),
        (r#"{host=~"web-.+"} != "refused" |~ "GET|timed""#, "2 3"),
        (r#"{host!~"web-.+"} !~ "(?i)oom|null""#, "7"),
        (r#"{app="sshd"} |= "nothing" or "root" | fields message"#, "8"),
        ("|= `checkout`", "6"),
        (r#"{service="api"} | status >= 500 | method="PUT""#, "3"),
    ]);
    check_hints(&[
        (
            r#"sum by (host) (count_over_time({app="nginx"} |= "error" [5m]))"#,
            r#"write {app="nginx"} |= "error" | timechart span=5m count() by host"#,
        ),
        (r#"rate({app="nginx"}[1m])"#, r#"write {app="nginx"} | timechart span=1m count()"#),
        (r#"{app="nginx"} | line_format "{{.msg}}""#, "fields"),
    ]);
}

#[test]
fn spl() {
    check(&[
        ("status>=500 earliest=-1h", "1 3"),
        ("error earliest=-2d@d latest=@d", "6 7"),
        ("host=web-* NOT status=500", "2 3 4 8"),
        ("status IN (200, 204)", "2 4"),
        ("TERM(10.0.0.17)", "1"),
        ("refused | search host=web-01", "1"),
        (r#"host=* | regex message="^GET""#, "2"),
        (r#"status=* | regex url.path!="^/api""#, "4"),
        (r#"| regex _raw="killed$""#, "5"),
        (r#"cidrmatch("10.0.0.0/8", client.ip)"#, "1 2"),
        ("isnull(status)", "5 6 7 8"),
        ("isnotnull(user.id)", "2 6"),
        ("error | head 5 | table host, message", "1 6 7"),
    ]);
    check_hints(&[
        ("error earliest=yesterday", "now-1h"),
        ("match(message, \"x\")", "field:/regex/"),
        ("error | eventstats count by host", "stats count() by host"),
        ("error | transaction trace.id", "by trace.id"),
        ("error | staats count", "did you mean stats?"),
    ]);
}

#[test]
fn es_ql_and_sql() {
    check(&[
        ("| WHERE status == 500", "1"),
        (r#"* | WHERE host.name LIKE "web-*" AND status IS NOT NULL | LIMIT 5"#, "1 2 3 4"),
        (r#"url.path RLIKE "/api/v./.*""#, "1 2 3"),
        (r#"message NOT LIKE "%refused%" AND service.name = 'api'"#, "2 3 4"),
        ("status BETWEEN 200 AND 204 AND method = 'GET'", "2 4"),
        ("user.id IS NULL", "1 3 4 5 7 8"),
        (r#"CIDR_MATCH(client.ip, "10.0.0.0/8", "192.168.0.0/16")"#, "1 2 3"),
        ("status = 500;", "1"),
        ("value is null", "none"),
    ]);
    check_hints(&[
        ("FROM logs-* | WHERE status == 500", "leave FROM out: * | WHERE status == 500"),
        ("FROM logs, other METADATA _id", "leave FROM out"),
        (
            "SELECT * FROM logs WHERE status = 500 ORDER BY status DESC LIMIT 5;",
            "write status = 500 | sort BY status DESC | limit 5",
        ),
        ("select host, count(*) from logs group by host", "write * | stats count() by host"),
        ("status BETWEEN 200", ":[1 TO 5]"),
    ]);
    check(&[("* | WHERE status == 500", "1"), ("status = 500 | sort BY status DESC | limit 5", "1")]);
}

#[test]
fn datadog() {
    check(&[
        ("@status:500", "1"),
        ("@status:>=500 -service:cart", "1 3"),
        ("@status:[200 TO 299]", "2 4"),
        ("@user.id:(bob OR alice)", "2 6"),
        ("service:api -@method:GET", "1 3"),
        ("host:web-0*", "1 2 3 4 8"),
        ("*:killed", "5"),
        ("CIDR(@client.ip, 10.0.0.0/8)", "1 2"),
        ("@level:error", "1 6"),
        ("-@user.id:*", "1 3 4 5 7 8"),
    ]);
}

/// What looks a little like an operator of some language and is a text.
#[test]
fn texts_stay_texts() {
    check(&[
        ("10.0.0.17:5432", "1"),
        ("\"dial tcp 10.0.0.17:5432\"", "1"),
        ("java.lang.NullPointerException", "6"),
        ("from 203.0.113.7 port 52144", "8"),
        ("203.0.113.7 ::1", "none"),
        ("select", "none"),
        ("between", "none"),
        ("failed login for root", "8"),
        ("2^10", "none"),
        ("'a^2'", "none"),
        ("PROGRA\\~1", "none"),
    ]);
}

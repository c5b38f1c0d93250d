//! The examples that the language is described by: what each is printed as, and what it means.

use millpond_query::parse;

/// 2026-11-22T10:30:00Z
const NOW_NS: i64 = 1_795_343_400_000_000_000;

/// The query, its canonical text, its filter, and its pipes joined by ` | `.
const ROWS: &[(&str, &str, &str, &str)] = &[
    ("", "*", "all", ""),
    ("*", "*", "all", ""),
    ("error", "error", r#"any has "error""#, ""),
    ("connection refused", "connection refused", r#"and(any has "connection", any has "refused")"#, ""),
    (r#""connection refused""#, r#""connection refused""#, r#"any has "connection refused""#, ""),
    ("timeout OR timed", "timeout OR timed", r#"or(any has "timeout", any has "timed")"#, ""),
    (
        "error -healthcheck",
        "error NOT healthcheck",
        r#"and(any has "error", not(any has "healthcheck"))"#,
        "",
    ),
    (
        "error NOT healthcheck",
        "error NOT healthcheck",
        r#"and(any has "error", not(any has "healthcheck"))"#,
        "",
    ),
    ("conn*", "conn*", r#"any has like "conn*""#, ""),
    ("*Exception", "*Exception", r#"any has like "*exception""#, ""),
    ("level:error", "level:error", "log.level level in {error}", ""),
    (
        "level:(error or critical)",
        "level:error OR level:critical",
        "or(log.level level in {error}, log.level level in {fatal})",
        "",
    ),
    ("level>=warn", "level>=warn", "log.level level in {warn, error, fatal}", ""),
    ("host:web-01", "host:web-01", r#"or(host.name has "web-01", host has "web-01")"#, ""),
    ("host=web-01", "host=web-01", r#"or(host.name = "web-01", host = "web-01")"#, ""),
    ("host:web-*", "host:web-*", r#"or(host.name has like "web-*", host has like "web-*")"#, ""),
    ("host=web-*", "host=web-*", r#"or(host.name is like "web-*", host is like "web-*")"#, ""),
    ("host!=web-01", "host!=web-01", r#"not(or(host.name = "web-01", host = "web-01"))"#, ""),
    (
        "service:api status:500",
        "service:api status:500",
        r#"and(or(service.name has "api", service has "api"), status has "500")"#,
        "",
    ),
    ("status>=500", "status>=500", "status in [500..)", ""),
    ("status:>=500", "status>=500", "status in [500..)", ""),
    ("status:[400 TO 499]", "status:[400 TO 499]", "status in [400..499]", ""),
    ("status:{400 to *]", "status:{400 TO *]", "status in (400..)", ""),
    ("duration>1.5s", "duration>1.5s", "duration in (1500..)", ""),
    ("request_time>1.5s", "request_time>1.5s", "request_time in (1.5..)", ""),
    ("event.duration<2us", "event.duration<2us", "event.duration in (..2000)", ""),
    ("duration:[5ms TO 2s}", "duration:[5ms TO 2s}", "duration in [5..2000)", ""),
    ("bytes>10MB", "bytes>10MB", "bytes in (10000000..)", ""),
    ("bytes<=1.5GiB", "bytes<=1.5GiB", "bytes in (..1610612736]", ""),
    (
        "client.ip:10.0.0.0/8",
        "client.ip:10.0.0.0/8",
        r#"or(client.ip has "10.0.0.0/8", client.ip cidr 10.0.0.0/8)"#,
        "",
    ),
    (
        "cidr(client.ip, fd00::/8)",
        r#"client.ip:"fd00::/8""#,
        r#"or(client.ip has "fd00::/8", client.ip cidr fd00::/8)"#,
        "",
    ),
    ("10.0.0.17", "10.0.0.17", r#"any has "10.0.0.17""#, ""),
    (
        r#"user.email:"bob@example.com""#,
        "user.email:bob@example.com",
        r#"user.email has "bob@example.com""#,
        "",
    ),
    ("trace_id:4BF92f35", "trace_id:4BF92f35", r#"or(trace.id has "4bf92f35", trace_id has "4bf92f35")"#, ""),
    ("user.id:*", "user.id:*", "or(user.id exists, user.id.* exists)", ""),
    ("-user.id:*", "NOT user.id:*", "not(or(user.id exists, user.id.* exists))", ""),
    ("missing(user.id)", "NOT user.id:*", "not(or(user.id exists, user.id.* exists))", ""),
    (
        r"message:/time(d )?out after \d+ms/",
        r"message:/time(d )?out after \d+ms/",
        r#"message ~ "time(d )?out after \\d+ms""#,
        "",
    ),
    (
        "/OOM|killed/i host:db*",
        "/OOM|killed/i host:db*",
        r#"and(any ~ "OOM|killed", or(host.name has like "db*", host has like "db*"))"#,
        "",
    ),
    (r#"url.path:"/api/v1/"*"#, r"url.path:\/api/v1/*", r#"url.path has like "/api/v1/*""#, ""),
    (
        "kubernetes.labels.app:cart and not (level:debug or level:trace)",
        "kubernetes.labels.app:cart NOT (level:debug OR level:trace)",
        r#"and(kubernetes.labels.app has "cart", not(or(log.level level in {debug}, log.level level in {trace})))"#,
        "",
    ),
    (
        r"+status:500 -url.path:\/health",
        r#"status:500 NOT url.path:"/health""#,
        r#"and(status has "500", not(url.path has "/health"))"#,
        "",
    ),
    (
        r#"{app="nginx",env!="dev",pod=~"web-.+"} error"#,
        "app=nginx env!=dev pod:/^(?:web-.+)$/ error",
        r#"and(app = "nginx", not(env = "dev"), pod ~ "^(?:web-.+)$", any has "error")"#,
        "",
    ),
    (
        "method IN (PUT, POST, DELETE)",
        "method in (PUT, POST, DELETE)",
        r#"or(method = "PUT", method = "POST", method = "DELETE")"#,
        "",
    ),
    (
        "method not in [GET HEAD]",
        "NOT method in (GET, HEAD)",
        r#"not(or(method = "GET", method = "HEAD"))"#,
        "",
    ),
    ("_time:5m error", "_time:5m error", r#"and(time[1795343100000000000..], any has "error")"#, ""),
    (
        "@timestamp > now-5m error",
        "@timestamp>now-5m error",
        r#"and(time[1795343100000000001..], any has "error")"#,
        "",
    ),
    ("_time:2026-11-22", "_time:2026-11-22", "time[1795305600000000000..1795392000000000000]", ""),
    (
        r#""failed login" | stats count() by host"#,
        r#""failed login" | stats count() by host"#,
        r#"any has "failed login""#,
        "stats count=count() by host.name",
    ),
    (
        "level:error | timechart span=5m count() by service",
        "level:error | timechart span=5m count() by service",
        "log.level level in {error}",
        "stats count=count() by time/300000000000 service.name series 10 | sort @timestamp",
    ),
    (
        "| top 10 url.path",
        "| top 10 url.path",
        "url.path exists",
        "stats count=count() by url.path | sort -count url.path | limit 10",
    ),
    (
        "status>=500 | stats count() n, p95(duration) p by service, _time:1h | sort by n desc | limit 20",
        "status>=500 | stats count() as n, p95(duration) as p by service, _time:1h | sort -n | limit 20",
        "status in [500..)",
        "stats n=count() p=p95(duration) by service.name time/3600000000000 | sort -n | limit 20",
    ),
    (
        r#"sshd | extract "from <ip> port <port>" | top ip"#,
        r#"sshd | extract "from <ip> port <port>" | top 10 ip"#,
        r#"any has "sshd""#,
        r#"extract message "from " ip Before(" port ") port Word | where ip exists | stats count=count() by ip | sort -count ip | limit 10"#,
    ),
    (
        "level:error | dedup by message | fields _time, host, message",
        "level:error | dedup by message | fields _time, host, message",
        "log.level level in {error}",
        "dedup message | keep @timestamp host.name message",
    ),
    (
        "status:500 | where duration > 2s | sort -duration | head 50",
        "status:500 | where duration>2s | sort -duration | limit 50",
        r#"and(status has "500", duration in (2000..))"#,
        "sort -duration | limit 50",
    ),
    (
        "error | rare 20 service",
        "error | rare 20 service",
        r#"and(any has "error", service.name exists)"#,
        "stats count=count() by service.name | sort count service.name | limit 20",
    ),
    // What is not a field, a negation or a regular expression, although it looks a little like one.
    (
        r"http://a.org/x 12:30:00 ::1 a->b [error] - --flag /api/v1 a/b",
        r#""http://a.org/x" "12:30:00" "::1" "a->b" "[error]" "-" "--flag" "/api/v1" a/b"#,
        r#"and(any has "http://a.org/x", any has "12:30:00", any has "::1", any has "a->b", any has "[error]", any has "-", any has "--flag", any has "/api/v1", any has "a/b")"#,
        "",
    ),
    // A value may hold operators.
    (
        "url:http://a.org/?q=1 ip:::1 expr:a=b>c",
        r#"url:http\://a.org/?q\=1 ip:"::1" expr:"a=b>c""#,
        r#"and(url has like "http://a.org/?q=1", ip has "::1", expr has "a=b>c")"#,
        "",
    ),
    (
        "status:(404 or >=500, -503)",
        "status:404 OR status>=500 OR NOT status:503",
        r#"or(status has "404", status in [500..), not(status has "503"))"#,
        "",
    ),
    (
        "a (b (c d)) e or (f or g)",
        "a b c d e OR f OR g",
        r#"or(and(any has "a", any has "b", any has "c", any has "d", any has "e"), any has "f", any has "g")"#,
        "",
    ),
    ("a && b || !c", "a b OR NOT c", r#"or(and(any has "a", any has "b"), not(any has "c"))"#, ""),
    ("not not a", "NOT NOT a", r#"any has "a""#, ""),
    (
        r#""and" "or" or "NOT""#,
        r#""and" "or" OR "NOT""#,
        r#"or(and(any has "and", any has "or"), any has "not")"#,
        "",
    ),
    (
        r#""my field":x 'it is' `c:\d`"#,
        r#""my field":x "it is" "c:\\d""#,
        r#"and(my field has "x", any has "it is", any has "c:\\d")"#,
        "",
    ),
    (
        "*:x _exists_:a a!=*",
        "x a:* NOT a:*",
        r#"and(any has "x", or(a exists, a.* exists), not(or(a exists, a.* exists)))"#,
        "",
    ),
    ("version>=v2", "version>=v2", r#"version in ["v2"..)"#, ""),
    ("level:strange", "level:strange", r#"log.level has "strange""#, ""),
    ("level:[warn TO error]", "level:[warn TO error]", "log.level level in {warn, error}", ""),
    ("größe:Ä* 错误", "größe:Ä* 错误", r#"and(größe has like "ä*", any has "错误")"#, ""),
    (
        "| stats count, dc(user) users, median(x), percentile(x, 99.9) by (host) | where users > 5 and count:3 | fields -users",
        "| stats count(), dc(user) as users, p50(x), p99.9(x) by host | where users>5 count:3 | fields -users",
        "all",
        r#"stats count=count() users=dc(user) p50(x)=p50(x) p99.9(x)=p99.9(x) by host.name | where and(users in (5..), count has "3") | drop users"#,
    ),
    ("| stats | sort -count()", "| stats count() | sort -count", "all", "stats count=count() | sort -count"),
    (
        "| stats sum(b) | sort sum(b) desc",
        r#"| stats sum(b) | sort -"sum(b)""#,
        "all",
        "stats sum(b)=sum(b) | sort -sum(b)",
    ),
    (
        "x | sort a | where b:1 | limit",
        "x | sort a | where b:1 | limit 10",
        r#"and(any has "x", b has "1")"#,
        "sort a | limit 10",
    ),
];

#[test]
fn examples_print_and_resolve_as_described() {
    for (text, canonical, filter, pipes) in ROWS {
        let query = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(query.to_string(), *canonical, "{text}");
        let resolved = query.resolve(NOW_NS).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(resolved.filter.to_string(), *filter, "{text}");
        let stages: Vec<String> = resolved.pipes.iter().map(ToString::to_string).collect();
        assert_eq!(stages.join(" | "), *pipes, "{text}");
        let again = parse(canonical).unwrap_or_else(|error| panic!("{canonical}: {error}"));
        assert_eq!(again.to_string(), *canonical, "not stable: {text}");
    }
}

#[test]
fn aliases_in_pipes_give_way_to_fields_that_exist() {
    let check = |fields: &[&str], expected: &str| {
        let has_field = |name: &str| fields.contains(&name);
        let context =
            millpond_query::Context { now_ns: NOW_NS, has_field: Some(&has_field), ..Default::default() };
        let query = parse("| stats count() by host").expect("the query is right");
        let resolved = query.resolve_in(&context).expect("the query is right");
        assert_eq!(resolved.pipes[0].to_string(), expected);
    };
    check(&["host"], "stats count=count() by host");
    check(&["host.name"], "stats count=count() by host.name");
    check(&["host", "host.name"], "stats count=count() by host.name");
    check(&[], "stats count=count() by host.name");
}

#[test]
fn timechart_without_a_span_takes_a_round_step_for_the_range() {
    let check = |length_s: i64, expected_s: i64| {
        let start_ns = Some(NOW_NS - length_s * 1_000_000_000);
        let context = millpond_query::Context { now_ns: NOW_NS, start_ns, ..Default::default() };
        let query = parse("| timechart count()").expect("the query is right");
        let resolved = query.resolve_in(&context).expect("the query is right");
        let expected = format!("stats count=count() by time/{}", expected_s * 1_000_000_000);
        assert_eq!(resolved.pipes[0].to_string(), expected);
    };
    check(60, 1);
    check(3_600, 30);
    check(86_400, 1_800);
    check(30 * 86_400, 21_600);
    check(0, 1);
}

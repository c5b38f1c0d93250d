//! Conditions, and what they are in SQL. `W(…)` stands for the rows in which FTS5 finds the words.

/// Each on its own.
const ONE: &[(&str, &str)] = &[
    ("", "true"),
    ("*", "true"),
    // Words and texts.
    ("error", "W(error)"),
    ("ERROR", "W(error)"),
    ("refused", "W(refused)"),
    ("connection refused", "W(connection refused)"),
    ("\"connection refused\"", "W(\"connection refused\")"),
    ("\"Connection Refused\"", "W(\"connection refused\")"),
    ("'refused connection'", "W(\"refused connection\")"),
    ("conn*", "W(conn*)"),
    ("timeo*", "W(timeo*)"),
    ("10.0.0.17", "W(\"10 0 0 17\")"),
    ("10.0.0.1", "W(\"10 0 0 1\")"),
    ("web-01", "W(\"web 01\")"),
    ("/api/v1", "W(\"api v1\") AND (message LIKE '%/api/v1%' OR path LIKE '%/api/v1%')"),
    ("a_b", "W(a_b)"),
    ("a-b", "W(\"a b\")"),
    ("97%", "message LIKE '%97\\%%' ESCAPE '\\'"),
    ("*Exception", "lower(message) LIKE '%exception%' AND NOT lower(message) LIKE '%exceptions%'"),
    ("java.lang.IllegalStateException", "W(\"java lang IllegalStateException\")"),
    ("cart", "W(cart)"),
    ("api", "W(api)"),
    ("timeout OR took", "W(timeout OR took)"),
    ("timeout || took", "W(timeout OR took)"),
    ("refused NOT connection", "false"),
    ("refused -upstream", "W(refused NOT upstream)"),
    ("connection !peer", "W(connection NOT peer)"),
    ("connection AND NOT (peer OR upstream)", "W(connection NOT (peer OR upstream))"),
    ("bob logged", "W(bob logged)"),
    ("message:refused", "W(message:refused)"),
    ("message:\"by peer\"", "W(message:\"by peer\")"),
    ("message:connection*", "W(message:connection*)"),
    ("message:(peer or upstream)", "W(message:peer OR message:upstream)"),
    ("message:(connection and refused)", "W(message:connection AND message:refused)"),
    ("msg:timeout", "W(message:timeout)"),
    // Whole values.
    ("service=cart", "service = 'cart'"),
    ("service.name=cart", "service = 'cart'"),
    ("service:cart", "service = 'cart'"),
    ("service:CART", "service = 'cart'"),
    ("service=CART", "false"),
    ("service:front", "service = 'web-front'"),
    ("service=front", "false"),
    ("service!=cart", "service IS NOT 'cart'"),
    ("service:* service!=cart", "service <> 'cart'"),
    ("service:*", "service IS NOT NULL"),
    ("-service:*", "service IS NULL"),
    ("missing(service.name)", "service IS NULL"),
    ("exists(service.name)", "service IS NOT NULL"),
    ("NOT service:cart", "service IS NOT 'cart'"),
    ("service in (api, cart)", "service IN ('api', 'cart')"),
    ("service:in(api,cart)", "service IN ('api', 'cart')"),
    ("service not in (api, cart)", "service IS NULL OR service NOT IN ('api', 'cart')"),
    ("service:(api or cart)", "service IN ('api', 'cart')"),
    ("service=c*t", "service GLOB 'c*t'"),
    ("service=*", "service IS NOT NULL"),
    ("service=?pi", "service GLOB '?pi'"),
    ("user.name=bob", "user = 'bob'"),
    ("user.name:bob", "lower(user) = 'bob'"),
    ("user.name=Bob", "user = 'Bob'"),
    ("user.name!=bob", "user IS NOT 'bob'"),
    ("user.name:eve_2", "user = 'eve_2'"),
    ("user.name:eve", "false"),
    ("user.name:eve*", "user = 'eve_2'"),
    ("user.name=\"o'neil\"", "user = 'o''neil'"),
    ("user.name:neil", "user = 'o''neil'"),
    ("user.name=[Bob TO alice]", "user >= 'Bob' AND user <= 'alice'"),
    ("user.name>alice", "user > 'alice'"),
    ("user.name<=alice", "user <= 'alice'"),
    ("host=web-01", "host = 'web-01'"),
    ("host:web-01", "host = 'web-01'"),
    ("host:web", "host LIKE 'web-%'"),
    ("host:web-*", "host LIKE 'web-%'"),
    ("host:web-0?", "host GLOB 'web-0?'"),
    ("host.name:db1.example.org", "host = 'db1.example.org'"),
    ("host:example", "host = 'db1.example.org'"),
    ("hostname:db1*", "host LIKE 'db1%'"),
    ("url.path:\"/api/v1\"", "path IN ('/api/v1', '/api/v1/cart')"),
    ("url.path=\"/api/v1\"", "path = '/api/v1'"),
    ("url.path=/api/*", "path LIKE '/api/%'"),
    ("url.path:/^.api.v[12]$/", "path = '/api/v1'"),
    ("url.path:/v[12]/", "path LIKE '%v1%' OR path LIKE '%v2%'"),
    ("message:/refused|reset/", "message LIKE '%refused%' OR message LIKE '%reset%'"),
    ("message:/REFUSED/i", "message LIKE '%refused%'"),
    ("message:/REFUSED/", "false"),
    ("message:/took [0-9]+ units$/", "message GLOB 'request took [0-9]* units'"),
    ("client.ip:10.0.0.1", "ip = '10.0.0.1'"),
    ("client.ip=10.0.0.17", "ip = '10.0.0.17'"),
    ("client.ip:10.0.0.0/8", "ip LIKE '10.%'"),
    ("client.ip:10.0.0.0/24", "ip LIKE '10.0.0.%'"),
    ("client.ip:10.0.0.16/31", "ip = '10.0.0.17'"),
    ("cidr(client.ip, 192.168.0.0/16)", "ip LIKE '192.168.%'"),
    ("-client.ip:10.0.0.0/8", "ip IS NULL OR ip NOT LIKE '10.%'"),
    // Levels.
    ("level:error", "level = 'error'"),
    ("level:ERR", "level = 'error'"),
    ("level:warning", "level = 'warn'"),
    ("level=info", "level = 'info'"),
    ("level!=info", "level <> 'info'"),
    ("level>=warn", "rank >= 3"),
    ("level<info", "rank < 2"),
    ("level:[info TO error]", "rank BETWEEN 2 AND 4"),
    ("level:(error or fatal)", "rank >= 4"),
    ("level:critical", "level = 'fatal'"),
    ("severity:debug", "level = 'debug'"),
    ("log.level:trace", "level = 'trace'"),
    ("level in (debug, trace)", "rank < 2"),
    // Numbers.
    ("http.status:500", "status = 500"),
    ("http.status=500", "status = 500"),
    ("http.status!=500", "status IS NOT 500"),
    ("http.status>=500", "status >= 500"),
    ("http.status:>=500", "status >= 500"),
    ("http.status>302", "status > 302"),
    ("http.status<200", "status < 200"),
    ("http.status:[400 TO 499]", "status BETWEEN 400 AND 499"),
    ("http.status:{200 TO 500}", "status > 200 AND status < 500"),
    ("http.status:[200 TO 500}", "status >= 200 AND status < 500"),
    ("http.status:[500 TO *]", "status >= 500"),
    ("http.status:[* TO 200]", "status <= 200"),
    ("http.status:(404 or >=500)", "status = 404 OR status >= 500"),
    ("http.status in (404, 503)", "status IN (404, 503)"),
    ("http.status=-1", "status = -1"),
    ("http.status<0", "status < 0"),
    ("http.status:5*", "status BETWEEN 500 AND 599"),
    ("http.status=\"500\"", "status = 500"),
    ("http.status:500.0", "status = 500"),
    ("http.status>=5e2", "status >= 500"),
    ("missing(http.status)", "status IS NULL"),
    ("took_ms>1.5s", "took > 1500"),
    ("took_ms>=250ms", "took >= 250"),
    ("took_ms<1m", "took < 60000"),
    ("took_ms:[5ms TO 2s]", "took BETWEEN 5 AND 2000"),
    ("took_ms>1500", "took > 1500"),
    ("took_ms<0.5", "took < 0.5"),
    ("took_ms=1000.25", "took = 1000.25"),
    ("took_ms>2999.5", "took > 2999.5"),
    ("http.bytes>1MB", "bytes > 1000000"),
    ("http.bytes>1MiB", "bytes > 1048576"),
    ("http.bytes<=10kB", "bytes <= 10000"),
    ("http.bytes:[1kB TO 1MB}", "bytes >= 1000 AND bytes < 1000000"),
    ("http.bytes<0", "bytes < 0"),
    ("http.bytes>=0 http.bytes<100000", "bytes >= 0 AND bytes < 100000"),
    ("n=0", "n = 0"),
    ("n:[100 TO 199]", "n BETWEEN 100 AND 199"),
    // Bools.
    ("cached:true", "cached = 1"),
    ("cached=false", "cached = 0"),
    ("cached!=true", "cached IS NOT 1"),
    ("cached:*", "cached IS NOT NULL"),
    // Times.
    ("@timestamp>=2026-11-22T11", "ts >= 1795345200"),
    ("@timestamp<2026-11-22T11", "ts < 1795345200"),
    ("_time:2026-11-22", "ts >= 1795305600 AND ts < 1795392000"),
    ("_time:2026-11-22T10", "ts >= 1795341600 AND ts < 1795345200"),
    ("_time:2026-11-22T10:30", "ts >= 1795343400 AND ts < 1795343460"),
    ("_time:[2026-11-22T10 TO 2026-11-22T10:30]", "ts >= 1795341600 AND ts < 1795343460"),
    ("_time>2026-11-22T12:30:00Z", "ts > 1795350600"),
    ("_time<=2026-11-22T11:00:00+01:00", "ts <= 1795341600"),
];

/// Combined with each other, all ways.
const PARTS: &[(&str, &str)] = &[
    ("level>=error", "rank >= 4"),
    ("service:api", "service = 'api'"),
    ("http.status>=400", "status >= 400"),
    ("refused", "W(refused)"),
    ("took_ms>1s", "took > 1000"),
    ("user.name=bob", "user = 'bob'"),
    ("-client.ip:*", "ip IS NULL"),
    ("host:web-*", "host LIKE 'web-%'"),
    ("cached:true", "cached = 1"),
];

/// Every pair.
pub(super) fn pairs() -> Vec<(String, String)> {
    let mut pairs: Vec<_> = ONE.iter().map(|(query, sql)| ((*query).to_owned(), (*sql).to_owned())).collect();
    // SQL knows "unknown"; the language doesn't.
    let known = |sql: &str| format!("coalesce({sql}, false)");
    for (first, first_sql) in PARTS {
        for (second, second_sql) in PARTS.iter().filter(|(second, _)| second != first) {
            let (a, b) = (known(first_sql), known(second_sql));
            pairs.push((format!("{first} {second}"), format!("{a} AND {b}")));
            pairs.push((format!("{first} or not {second}"), format!("{a} OR NOT {b}")));
            pairs.push((
                format!("not ({first} or {second}) level<error"),
                format!("NOT ({a} OR {b}) AND rank < 4"),
            ));
        }
    }
    pairs.into_iter().map(|(query, sql)| (query, with_words(&sql))).collect()
}

/// Writes out `W(…)`.
fn with_words(sql: &str) -> String {
    let Some((before, rest)) = sql.split_once("W(") else { return sql.to_owned() };
    let mut depth = 1;
    let end = rest.find(|sign| {
        depth += match sign {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    let (words, after) = rest.split_at(end.expect("a closing parenthesis"));
    let after = after.strip_prefix(')').unwrap_or(after);
    format!("{before}n IN (SELECT rowid FROM words WHERE words MATCH '{words}'){}", with_words(after))
}

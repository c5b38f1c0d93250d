//! Logs as the languages write them. In a table, a line that begins an event is marked by a `>` before it; what
//! follows it belongs to it.

use super::*;

/// The groups of lines, blank ones within them included.
fn groups(rules: &Rules, lines: &[&str], stands_alone: bool) -> Vec<Vec<String>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    let mut open: Option<Group> = None;
    let mut blank = 0;
    for line in lines {
        if line.is_empty() {
            blank += 1;
            continue;
        }
        let goes_on = open.as_mut().is_some_and(|group| rules.continues(group, line.as_bytes()));
        if goes_on {
            let group = groups.last_mut().unwrap();
            group.extend((0..blank).map(|_| String::new()));
            group.push((*line).to_owned());
        } else {
            open = Some(rules.begin(line.as_bytes(), stands_alone));
            groups.push(vec![(*line).to_owned()]);
        }
        blank = 0;
    }
    groups
}

fn check_with(rules: &Rules, log: &str, stands_alone: bool) {
    let log = log.strip_prefix('\n').unwrap_or(log);
    let mut expected: Vec<Vec<String>> = Vec::new();
    for line in log.lines() {
        match line.strip_prefix('>') {
            Some(first) => expected.push(vec![first.to_owned()]),
            None => expected.last_mut().unwrap().push(line.strip_prefix('|').unwrap_or(line).to_owned()),
        }
    }
    for group in &mut expected {
        while group.last().is_some_and(String::is_empty) {
            group.pop();
        }
    }
    let lines: Vec<&str> = log.lines().map(|line| line.strip_prefix(['>', '|']).unwrap_or(line)).collect();
    assert_eq!(groups(rules, &lines, stands_alone), expected);
}

fn check(log: &str) {
    check_with(&Rules::Auto, log, false);
}

#[test]
fn java() {
    check(
        "
>2026-03-01 10:00:00,123 [main] ERROR c.e.Shop - order 4711 failed
|com.example.shop.OrderException: no stock for 'x:1'
|\tat com.example.shop.Orders.place(Orders.java:118) ~[shop-1.2.jar:1.2]
|\tat java.base/java.lang.Thread.run(Thread.java:840)
|\tSuppressed: java.io.IOException: closed
|\t\tat com.example.Res.close(Res.java:9)
|\t\t... 12 more
|Caused by: java.lang.IllegalStateException: pool is empty; nested exception is:
|\tjava.net.ConnectException: refused
|\tat com.example.Pool.take(Pool.java:7)
|\t... 31 common frames omitted
|Wrapped by: com.example.Outer
|at com.example.NoTab.run(NoTab.java:3)
|... 4 more
>2026-03-01 10:00:01,000 [main] INFO  c.e.Shop - next
>Exception in thread \"main\" java.lang.NullPointerException
|\tat Main.main(Main.java:3)
>java.lang.OutOfMemoryError: Java heap space
>java.lang.RuntimeException: one
|\tat A.b(A.java:1)
>java.lang.RuntimeException: two
|\tat A.b(A.java:1)
>[2026-03-01T10:00:02] WARN x
|java.lang.Throwable
|\tat A.b(A.java:1)
>at the end of the day
>... to be continued",
    );
}

#[test]
fn python() {
    check(
        "
>Traceback (most recent call last):
|  File \"/srv/app.py\", line 3, in <module>
|    main()
|    ~~~~^^
|  [Previous line repeated 996 more times]
|KeyError: 'x'

|During handling of the above exception, another exception occurred:

|Traceback (most recent call last):
|  File \"/srv/app.py\", line 9, in f
|requests.exceptions.ConnectionError: refused

|The above exception was the direct cause of the following exception:

|Traceback (most recent call last):
|  File \"/srv/app.py\", line 11, in g
|KeyboardInterrupt
>Traceback (most recent call last):
|  File \"/srv/b.py\", line 1, in h
|__main__.Oops: text
>server listens on 8000
>ERROR:root:it failed
|Traceback (most recent call last):
|  File \"/srv/b.py\", line 1, in h
|ValueError: bad
>ERROR:root:several
|  + Exception Group Traceback (most recent call last):
|  |   File \"/srv/c.py\", line 2, in <module>
|  | ExceptionGroup: several (2 sub-exceptions)
|  +-+---------------- 1 ----------------
|    | ValueError: 1
|    +------------------------------------
>done",
    );
}

#[test]
fn go() {
    check(
        "
>panic: runtime error: index out of range [5] with length 3 [recovered]
|\tpanic: again
|[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x48f7a1]

|goroutine 1 [running]:
|panic({0x4a0f40?, 0xc000012345?})
|\t/usr/local/go/src/runtime/panic.go:770 +0x132
|main.(*Server[...]).handle(0xc000, {0x1, 0x2})
|\t/srv/main.go:12 +0x1d
|created by net/http.(*Server).Serve in goroutine 1
|\t/usr/local/go/src/net/http/server.go:3285 +0x4b4

|goroutine 18 gp=0xc0001 m=nil [select, 5 minutes]:
|main.main.func1()
|\t/srv/main.go:30 +0x3c
|exit status 2
>2026/03/01 10:00:00 http: panic serving 10.0.0.1:4711: boom
|goroutine 34 [running]:
|net/http.(*conn).serve.func1()
|\t/usr/local/go/src/net/http/server.go:1903 +0xbe
>2026/03/01 10:00:01 listening (again)
>fatal error: all goroutines are asleep - deadlock!

|goroutine 1 [chan receive]:
|main.main()
|\t/srv/main.go:5 +0x2d
>SIGQUIT: quit
|PC=0x46e1a1 m=0 sigcode=0

|goroutine 0 [idle]:
|runtime.futex()
|\t/usr/local/go/src/runtime/sys_linux_amd64.s:557 +0x21

|rax    0xca
|rflags 0x286
>started",
    );
}

#[test]
fn ruby_php_and_node() {
    check(
        "
>/srv/app.rb:12:in `fetch': key not found: :x (KeyError)
|\tfrom /srv/app.rb:12:in `block in run'
|\tfrom /srv/app.rb:3:in '<main>'
>E, [2026-03-01T10:00:00.123 #1] ERROR -- : it failed (Oops)
|/srv/app.rb:12:in 'Shop#order'
|/usr/lib/ruby/3.3.0/net/http.rb:987:in `connect'
>I, [2026-03-01T10:00:00.123 #1]  INFO -- : next
>PHP Fatal error:  Uncaught RuntimeException: broken in /srv/a.php:3
|Stack trace:
|#0 /srv/b.php(10): foo('x')
|#1 {main}

|Next LogicException: outer in /srv/a.php:9
|Stack trace:
|#0 {main}
|  thrown in /srv/a.php on line 9
>[01-Mar-2026 10:00:00 UTC] PHP Fatal error:  Uncaught Error: x in /srv/a.php:1
|Stack trace:
|#0 {main}
|  thrown in /srv/a.php on line 1
>[2026-03-01 10:00:00] production.ERROR: broken {\"exception\":\"[object] (Exception(code: 0): broken at /srv/a.php:3)
|[stacktrace]
|#0 /srv/b.php(10): foo()
|#1 {main}
|\"} 
>[2026-03-01 10:00:01] production.INFO: next
>PHP Warning:  Undefined variable $x in /srv/a.php on line 3
|PHP Stack trace:
|PHP   1. {main}() /srv/a.php:0
>/srv/index.js:3
|  throw new Error('x');
|  ^

|Error: x
|    at Object.<anonymous> (/srv/index.js:3:9)
|    at node:internal/main/run_main_module:28:49 {
|  code: 'E_X',
|  [cause]: TypeError: inner
|      at f (/srv/f.js:1:2)
|}

|Node.js v22.1.0
>TypeError [ERR_INVALID_ARG_TYPE]: The \"path\" argument must be of type string
|    at new NodeError (node:internal/errors:405:5)
>{ Error: old style
|    at f (/srv/f.js:1:2)
|  code: 1 }
>Error: one
>Error: two",
    );
}

#[test]
fn dotnet_and_rust() {
    check(
        "
>Unhandled exception. System.InvalidOperationException: outer
| ---> System.IO.IOException: inner
|   at Shop.Files.Open(String path) in /src/Files.cs:line 12
|   --- End of inner exception stack trace ---
|   at Shop.Program.Main() in /src/Program.cs:line 3
|--- End of stack trace from previous location ---
|   at System.Runtime.Foo()
>info: Microsoft.Hosting.Lifetime[14]
|      Now listening on: http://[::]:8080
>fail: Shop[0]
|      System.Exception: x
|         at A.B()
>thread 'main' panicked at src/main.rs:3:5:
|the message, at column 0
|note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
>thread 'tokio-runtime-worker' panicked at 'old', src/main.rs:1:2
|stack backtrace:
|   0: rust_begin_unwind
|             at /rustc/90b35a6239c3d8bdabc530a6a0816f7ff89a0aaf/library/std/src/panicking.rs:665:5
|note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.
>Error: can't start

|Caused by:
|    0: no config
|    1: No such file or directory (os error 2)

|Stack backtrace:
|   0: anyhow::error::msg
>bye",
    );
}

#[test]
fn records_lists_and_tables() {
    check(
        "
>2026-03-01 10:00:00.123 UTC [77] ERROR:  syntax error at or near \"x\"
>2026-03-01 10:00:00.123 UTC [77] STATEMENT:  select
|\t  a
|\tfrom b
>ERROR:  duplicate key
|DETAIL:  Key (id)=(1) already exists.
|HINT:  Try another.
|STATEMENT:  insert
>plain one
>plain two
|  with an indented line
>{\"level\":\"info\"}
>{\"level\":\"info\"}
>   1  a table
>   2  whose lines
>   3  are indented
|      deeper
>{
|  \"pretty\": true
|}
>{}
>\tat com.example.Lost.frame(Lost.java:1)
|\tat com.example.Lost.other(Lost.java:2)
>and so on",
    );
}

/// A program that crashes prints past its logger: the record before is none of it.
#[test]
fn crashes_below_a_record() {
    check(
        "
>2026-03-01 10:00:00 INFO ready
>panic: runtime error: index out of range [5] with length 3

|goroutine 1 [running]:
|main.main()
|\t/srv/main.go:5 +0x2d
>2026/03/01 10:00:00 listening on :80
>panic: boom
>2026-03-01 10:00:00 ERROR lost
>fatal error: all goroutines are asleep - deadlock!
>2026-03-01 10:00:00,123 - shop.orders - INFO - order 1 taken
>Traceback (most recent call last):
|  File \"/srv/app.py\", line 3, in <module>
|KeyError: 'x'
>INFO:root:ready
>Traceback (most recent call last):
|  File \"/srv/app.py\", line 3, in <module>
|KeyError: 'x'
>2026-03-01 10:00:00,123 [info] ready
>Traceback (most recent call last):
>I0301 10:00:00.123456       1 main.go:3] ready
>Traceback (most recent call last):
>2026-03-01 10:00:00 WARNING INFO is missing
|Traceback (most recent call last):
|  File \"/srv/app.py\", line 3, in <module>
|KeyError: 'x'
>2026-03-01 10:00:00 it failed
|Traceback (most recent call last):
|  File \"/srv/app.py\", line 3, in <module>
|KeyError: 'x'
>2026-03-01 10:00:00 INFO ready
>Exception in thread \"main\" java.lang.NullPointerException
|\tat Main.main(Main.java:3)",
    );
}

/// The lines of a structured file never join; a trace that something printed between them does.
#[test]
fn structured_files() {
    check_with(
        &Rules::Auto,
        "
>level=info msg=one
>level=info msg=two
>java.lang.IllegalStateException: raw
|\tat A.b(A.java:1)
|Caused by: java.io.IOException
|\tat A.c(A.java:2)
>level=info msg=three
>  indented
>10.0.0.1 - - [01/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 1",
        true,
    );
}

#[test]
fn other_rules() {
    let pattern =
        |place, expression, negate| Rules::Pattern(Pattern::new(place, expression, negate).unwrap());
    check_with(&Rules::Off, ">a\n>  b\n>Caused by: c", false);
    check_with(&Rules::Indent, ">a\n|  b\n|\tc\n>Caused by: d\n>{}\n| e", false);
    check_with(&pattern(Place::Start, r"^\d{4}-", false), ">lost\n>2026-1\nb\n|  c\n>2026-2", false);
    check_with(&pattern(Place::Continue, r"^[\s+]", false), ">a\n|+b\n| c\n>d", false);
    check_with(&pattern(Place::Continue, r"^\S", true), ">a\n| c\n>d", false);
    check_with(&pattern(Place::End, r";$", false), ">select\n1\nfrom x;\n>select 2;\n>select\n3;", false);
    assert!(Pattern::new(Place::Start, "(", false).is_err());
    assert!(Pattern::new(Place::Start, r"\w{500}{500}", false).is_err());
}

#[test]
fn waiting() {
    let check = |lines: &[&str], stands_alone: bool, expected: Wait| {
        let rules = Rules::Auto;
        let mut group = rules.begin(lines[0].as_bytes(), stands_alone);
        for line in &lines[1..] {
            assert!(rules.continues(&mut group, line.as_bytes()), "{line}");
        }
        assert_eq!(rules.wait(&group, lines[0].as_bytes()), expected, "{lines:?}");
    };
    check(&["2026-03-01 10:00:00 INFO ready"], false, Wait::Short);
    check(&["2026-03-01 10:00:00 INFO ready"], true, Wait::Nothing);
    check(&[r#"{"a":1}"#], false, Wait::Nothing);
    check(&["some text", "  indented"], false, Wait::Short);
    check(&["2026-03-01 10:00:00 ERROR java.lang.RuntimeException: x"], false, Wait::Long);
    check(&["2026-03-01 10:00:00 ERROR x", "java.lang.RuntimeException: x"], false, Wait::Long);
    check(&["java.lang.RuntimeException: x"], true, Wait::Long);
    check(&["Traceback (most recent call last):"], false, Wait::Long);
    check(&["panic: x"], false, Wait::Long);
    check(&["some text", "    at f (/a.js:1:2)"], false, Wait::Long);
}

#[test]
fn exceptions() {
    let check = |text: &str, expected: Option<(&str, &str)>| {
        let expected = expected.map(|(name, message)| Exception { name, message });
        assert_eq!(exception_of(text), expected, "{text}");
    };
    check(
        "order failed\njava.lang.A$BException: x: y\n\tat A.b(A.java:1)\nCaused by: C",
        Some(("java.lang.A$BException", "x: y")),
    );
    check(
        "Exception in thread \"main\" java.lang.NullPointerException\n\tat A",
        Some(("java.lang.NullPointerException", "")),
    );
    check(
        "Unhandled exception. System.FormatException: bad\n   at B",
        Some(("System.FormatException", "bad")),
    );
    check(
        "it failed\nTraceback (most recent call last):\n  File \"a\"\nKeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a\"\npkg.Oops: text",
        Some(("pkg.Oops", "text")),
    );
    check("TypeError: x is not a function\n    at f", Some(("TypeError", "x is not a function")));
    check("plain\n  text", None);
}

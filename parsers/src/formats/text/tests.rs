//! Rows by framework: the line with its header, and the plain lines that must not be taken for one.

use crate::format::Format;
use crate::formats::testing::check;

#[test]
fn jvm_and_android() {
    let rows = [
        (
            "081109 203615 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block blk_38",
            "time=2008-11-09T20:36:15 assumed | level=9 INFO | message=PacketResponder 1 for block blk_38 | process.pid=i148 | log.logger=dfs.DataNode$PacketResponder",
        ),
        (
            "17/06/09 20:10:40 INFO spark.SecurityManager: Changing view acls to: yarn",
            "time=2017-06-09T20:10:40 assumed | level=9 INFO | message=Changing view acls to: yarn | log.logger=spark.SecurityManager",
        ),
        (
            "2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:2181:FastLeaderElection@774] - Notification time out: 3200",
            "time=2015-07-29T17:41:44.747 assumed | level=9 INFO | message=Notification time out: 3200 | log.origin.file.line=i774 | process.thread.name=QuorumPeer[myid=1]/0:0:2181 | log.logger=FastLeaderElection",
        ),
        (
            "2024-05-01 12:00:00,123 ERROR\njava.io.IOException: x\n\tat a.B.c(B.java:1)",
            "time=2024-05-01T12:00:00.123 assumed | level=17 ERROR | message=java.io.IOException: x\n\tat a.B.c(B.java:1)",
        ),
        (
            "2024-05-01 12:00:00 INFO java.io.IOException: x",
            "time=2024-05-01T12:00:00 assumed | level=9 INFO | message=java.io.IOException: x",
        ),
        (
            "2015-07-29 17:41:44,747 - INFO  [QuorumPeer:Follower@63] - FOLLOWING - LEADER ELECTION TOOK - 49",
            "time=2015-07-29T17:41:44.747 assumed | level=9 INFO | message=FOLLOWING - LEADER ELECTION TOOK - 49 | log.origin.file.line=i63 | process.thread.name=QuorumPeer | log.logger=Follower",
        ),
        (
            "03-17 16:13:38.811  1702  2395 D WindowManager: printFreezing",
            "time=2026-03-17T16:13:38.811 assumed | level=5 D | message=printFreezing | process.pid=i1702 | process.thread.id=i2395 | log.logger=WindowManager",
        ),
        (
            "2024-05-01 12:00:00.123  INFO 12345 --- [           main] c.e.demo.Application             : Started",
            "time=2024-05-01T12:00:00.123 assumed | level=9 INFO | message=Started | process.pid=i12345 | process.thread.name=           main | log.logger=c.e.demo.Application",
        ),
        (
            "2024-05-01 12:00:00,123 [main] ERROR com.example.Foo - Something failed",
            "time=2024-05-01T12:00:00.123 assumed | level=17 ERROR | message=Something failed | process.thread.name=main | log.logger=com.example.Foo",
        ),
    ];
    for (line, expected) in rows {
        check(Format::Text, line, expected);
    }
}

#[test]
fn python_postgres_rust_and_others() {
    let rows = [
        (
            "2017-05-16 00:00:00.008 25746 INFO nova.osapi_compute.wsgi.server [req-1 - -] 10.11.10.1",
            "time=2017-05-16T00:00:00.008 assumed | level=9 INFO | message=[req-1 - -] 10.11.10.1 | process.pid=i25746 | log.logger=nova.osapi_compute.wsgi.server",
        ),
        (
            "nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 WARNING nova.x [req-1] a",
            "time=2017-05-16T00:00:00.008 assumed | level=13 WARNING | message=nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 WARNING nova.x [req-1] a",
        ),
        (
            "2024-05-01 12:00:00,123 - my.module - WARNING - careful",
            "time=2024-05-01T12:00:00.123 assumed | level=13 WARNING | message=careful | log.logger=my.module",
        ),
        (
            "2024-05-01 12:00:00.123 UTC [42] app@shop ERROR:  relation \"x\" does not exist",
            "time=2024-05-01T12:00:00.123 | level=17 ERROR | message=relation \"x\" does not exist | process.pid=i42 | user.name=app | db.namespace=shop",
        ),
        (
            "2024-05-01 12:00:00.123 CET [42] LOG:  checkpoint starting: time",
            "time=2024-05-01T12:00:00.123 assumed | level=9 LOG | message=checkpoint starting: time | process.pid=i42 | keep raw",
        ),
        (
            "2024-05-01T12:00:00.000001Z  WARN my_crate::module: text a=1",
            "time=2024-05-01T12:00:00.000001 | level=13 WARN | message=text a=1 | log.logger=my_crate::module",
        ),
        (
            "\u{1b}[2m2024-05-01T12:00:00Z\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m \u{1b}[2mmy_crate\u{1b}[0m\u{1b}[2m:\u{1b}[0m text",
            "time=2024-05-01T12:00:00 | level=9 INFO | message=text | log.logger=my_crate | keep raw",
        ),
        (
            "[2024-05-01T12:00:00Z INFO  my_crate] text",
            "time=2024-05-01T12:00:00 | level=9 INFO | message=text | log.logger=my_crate",
        ),
        (
            "[2024-05-01 12:00:00] production.ERROR: boom",
            "time=2024-05-01T12:00:00 assumed | level=17 ERROR | message=production.ERROR: boom",
        ),
        (
            "[2024-05-01 12:00:00,123: INFO/MainProcess] celery ready",
            "time=2024-05-01T12:00:00.123 assumed | level=9 INFO | message=[2024-05-01 12:00:00,123: INFO/MainProcess] celery ready",
        ),
        (
            "2024-05-01T12:00:00Z\tinfo\tserver up",
            "time=2024-05-01T12:00:00 | level=9 info | message=server up",
        ),
        (
            "[INFO] 2024-05-01 12:00:00 - started",
            "time=2024-05-01T12:00:00 assumed | level=9 INFO | message=started",
        ),
        (
            "1286536309.041    90 10.0.0.1 TCP_HIT/200",
            "time=2010-10-08T11:11:49.041 | message=90 10.0.0.1 TCP_HIT/200",
        ),
    ];
    for (line, expected) in rows {
        check(Format::Text, line, expected);
    }
}

#[test]
fn a_timestamp_and_no_level() {
    let rows = [
        (
            "2009/11/10 23:00:00 listening on :80",
            "time=2009-11-10T23:00:00 assumed | message=listening on :80",
        ),
        (
            "2024-05-01 12:00:00 status installed libc6:amd64 2.36",
            "time=2024-05-01T12:00:00 assumed | message=status installed libc6:amd64 2.36",
        ),
        ("2024-05-01 12:00:00 5 items [done]", "time=2024-05-01T12:00:00 assumed | message=5 items [done]"),
        (
            "update-alternatives 2024-05-01 12:00:00: run with --auto",
            "time=2024-05-01T12:00:00 assumed | message=update-alternatives 2024-05-01 12:00:00: run with --auto",
        ),
        (
            "Log started: 2024-05-01  12:00:00",
            "time=2024-05-01T12:00:00 assumed | message=Log started: 2024-05-01  12:00:00",
        ),
        ("2024-05-01 12:00:00", "time=2024-05-01T12:00:00 assumed | message=2024-05-01 12:00:00"),
        (
            "2024-05-01 12:00:00 error while reading",
            "time=2024-05-01T12:00:00 assumed | level=17 error | message=error while reading",
        ),
        (
            "2024-05-01 12:00:00 worker-3 (x) FATAL no memory",
            "time=2024-05-01T12:00:00 assumed | level=21 FATAL | message=worker-3 (x) FATAL no memory",
        ),
    ];
    for (line, expected) in rows {
        check(Format::Text, line, expected);
    }
}

#[test]
fn a_level_and_no_timestamp() {
    let rows = [
        ("ERROR: disk full", "level=17 ERROR | message=ERROR: disk full"),
        ("[warn] low", "level=13 warn | message=[warn] low"),
        ("INFO:root:hello", "level=9 INFO | message=INFO:root:hello"),
        ("panic: runtime error", "level=21 panic | message=panic: runtime error"),
        (
            "fatal error: all goroutines are asleep - deadlock!",
            "level=17 | message=fatal error: all goroutines are asleep - deadlock!",
        ),
        ("Traceback (most recent call last):", "level=17 | message=Traceback (most recent call last):"),
        (
            "Exception in thread \"main\" java.lang.NullPointerException",
            "level=17 | message=Exception in thread \"main\" java.lang.NullPointerException",
        ),
        ("java.lang.OutOfMemoryError: heap", "level=17 | message=java.lang.OutOfMemoryError: heap"),
        (
            "thread 'main' panicked at src/main.rs:3:5:",
            "level=17 | message=thread 'main' panicked at src/main.rs:3:5:",
        ),
        (
            "12:00:00.123 [main] DEBUG c.e.Foo - text",
            "level=5 DEBUG | message=12:00:00.123 [main] DEBUG c.e.Foo - text",
        ),
    ];
    for (line, expected) in rows {
        check(Format::Text, line, expected);
    }
}

#[test]
fn neither() {
    let rows = [
        "",
        " ",
        "hello world",
        "Error in line 5",
        "Information is power",
        "    at com.example.Foo.bar(Foo.java:10)",
        "2024-02-30 12:00:00 x",
        "éÜ 日本語",
        "\u{1b}[31mred",
        "\u{1b}[",
        "[[[[",
    ];
    for line in rows {
        check(Format::Text, line, &format!("message={line}"));
    }
}

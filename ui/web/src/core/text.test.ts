import { describe, expect, test } from "vitest";

import { ansiRuns } from "./ansi";
import { cutText, levelOfDoc, messageText, sortedFields, sourceOf, typeOf } from "./doc";
import { toCsv, toNdjson } from "./export";
import { formatPercent, formatShort, plural, sentence } from "./format";
import { markPattern, markPieces } from "./marks";

const stripAnsi = (text: string): string =>
  ansiRuns(text)
    .map((run) => run.text)
    .join("");

describe("ANSI escapes", () => {
  test("colours become classes, the rest is taken out", () => {
    expect(ansiRuns("a\u001b[1;31mb\u001b[0mc\u001b[2Kd")).toEqual([
      { text: "a", classes: "" },
      { text: "b", classes: "ansi-31 ansi-bold" },
      { text: "c", classes: "" },
      { text: "d", classes: "" },
    ]);
    expect(ansiRuns("\u001b[38;5;196mx\u001b[92my")).toEqual([
      { text: "x", classes: "" },
      { text: "y", classes: "ansi-32" },
    ]);
    expect(stripAnsi("\u001b]0;title\u0007x\u001b[?25ly")).toBe("xy");
  });

  test("a stray escape swallows nothing", () => {
    expect(stripAnsi("a\u001b[ 1 and more")).toContain("1 and more");
    expect(stripAnsi(`x\u001b]${"y".repeat(2_000)}`)).toContain("y".repeat(2_000));
  });
});

test("marks are cut out of the text and put together again", () => {
  const pattern = markPattern(["refused", "conn", "connection (x)"]);
  const pieces = markPieces("Connection REFUSED by peer", pattern);
  expect(pieces.filter((piece) => piece.marked).map((piece) => piece.text)).toEqual(["Conn", "REFUSED"]);
  expect(pieces.map((piece) => piece.text).join("")).toBe("Connection REFUSED by peer");
  expect(markPattern([])).toBeUndefined();
  expect(() => markPattern(["a-b/[c]*{}|^$\\"])).not.toThrow();
});

describe("documents", () => {
  test("the level is the first field that names one", () => {
    expect(
      [
        { "log.level": "warn" },
        { level: "ERROR" },
        { severity: "Warning" },
        { level: "banana", severity: "err" },
        {},
      ].map(levelOfDoc),
    ).toEqual(["warn", "error", "warn", "error", "none"]);
  });

  test("a document without a message shows its fields", () => {
    expect(messageText({ _id: "1", "@timestamp": "x", a: 1, b: "two", c: [1, 2] })).toBe("a=1 b=two c=[1,2]");
    expect(messageText({ message: "" })).toBe("");
  });

  test("service and host from whatever names them", () => {
    expect(sourceOf({ "service.name": "api", host: "web-1" })).toEqual({ service: "api", host: "web-1" });
    expect(sourceOf({ "log.file.path": "/var/log/dpkg.log" })).toEqual({ service: "dpkg.log", host: "" });
    expect(sourceOf({})).toEqual({ service: "", host: "" });
  });

  test("long text is cut between characters", () => {
    expect(cutText("abcdef", 3)).toBe("abc…");
    expect(cutText("ab😀", 3)).toBe("ab…");
    expect(cutText("abc", 3)).toBe("abc");
  });

  test("types, and the order of the drawer", () => {
    expect(["x", 1, 1.5, true, null, [1]].map(typeOf)).toEqual(["string", "integer", "float", "bool", "null", "array"]);
    expect(sortedFields({ z: 1, _id: "i", a: 2, message: "m", "@timestamp": "t" }).map(([name]) => name)).toEqual([
      "@timestamp",
      "message",
      "a",
      "z",
      "_id",
    ]);
  });
});

test("files: quotes where they are needed, and no formula for a spreadsheet", () => {
  expect(toCsv([{ "@timestamp": "@SUM(1)" }], ["@timestamp"])).toBe("@timestamp\r\n'@SUM(1)\r\n");
  expect(
    toCsv(
      [
        { a: 'x,"y"', b: "=1+2" },
        { a: -5, b: "-cmd" },
      ],
      ["a", "b"],
    ),
  ).toBe('a,b\r\n"x,""y""",\'=1+2\r\n-5,\'-cmd\r\n');
  expect(toNdjson([{ a: 1 }, { b: "\n" }])).toBe('{"a":1}\n{"b":"\\n"}\n');
});

test("numbers for people", () => {
  expect([950, 1_000, 1_250, 34_000, 5_600_000].map(formatShort)).toEqual(["950", "1k", "1.3k", "34k", "5.6M"]);
  expect([formatPercent(1, 3), formatPercent(1, 100_000), formatPercent(3, 3), formatPercent(0, 0)]).toEqual([
    "33.3 %",
    "<0.1 %",
    "100 %",
    "0 %",
  ]);
  expect(["a term is missing", "Done.", "add a )", ""].map(sentence)).toEqual([
    "A term is missing.",
    "Done.",
    "Add a )",
    "",
  ]);
  expect([plural(1, "event"), plural(1_234, "event")]).toEqual(["1 event", "1,234 events"]);
});

import { describe, expect, test } from "vitest";

import {
  addFilter,
  addTerm,
  byteOffsetToIndex,
  equalsTerm,
  errorSpan,
  hasTopLevelOr,
  sourceQuery,
  markedWords,
  producesTable,
  splitPipes,
} from "./query";
import { compareCells, filterColumn } from "./table";
import { tokenize } from "./tokens";

const kinds = (text: string): string =>
  tokenize(text)
    .map((token) => `${token.kind}:${token.text}`)
    .join(" ");

describe("tokenize", () => {
  test.each([
    ["", ""],
    ["error", "word:error"],
    ["level:error", "field:level op:: word:error"],
    ["status>=500", "field:status op:>= number:500"],
    ['host="web 1"', 'field:host op:= string:"web 1"'],
    ['"my field":x', 'field:"my field" op:: word:x'],
    ["a OR b and not c", "word:a keyword:OR word:b keyword:and keyword:not word:c"],
    ["a || b | top 5 path", "word:a keyword:|| word:b pipe:| command:top number:5 word:path"],
    ["-healthcheck a-b", "keyword:- word:healthcheck word:a-b"],
    ["http://x/y 12:30:00 ::1", "word:http://x/y word:12:30:00 op:: op:: number:1"],
    ["/time(d )?out|x/i", "regex:/time(d )?out|x/i"],
    ["/api/v1 ok", "word:/api/v1 word:ok"],
    ["message:/a|b/", "field:message op:: regex:/a|b/"],
    ["status:[400 TO 499]", "field:status op:: paren:[ number:400 keyword:TO number:499 paren:]"],
    ['"never closed', 'string:"never closed'],
    ["größe:日本 x", "field:größe op:: word:日本 word:x"],
    ["a\\ b", "word:a\\ b"],
  ])("%s", (text, expected) => expect(kinds(text)).toBe(expected));

  test("covers any text without failing, in order and without overlaps", () => {
    const alphabet = ['"', "'", "/", "|", "(", ")", "a", "1", ":", "=", "-", "!", " ", "\\", "é", "😀", "*", ">"];
    let seed = 7;
    for (let round = 0; round < 2_000; round += 1) {
      let text = "";
      for (let i = 0; i < 12; i += 1)
        text += alphabet[(seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % alphabet.length] ?? "";
      let at = 0;
      for (const token of tokenize(text)) {
        expect(token.start).toBeGreaterThanOrEqual(at);
        expect(token.end).toBeGreaterThan(token.start);
        expect(text.slice(at, token.start).trim()).toBe("");
        at = token.end;
      }
      expect(text.slice(at).trim()).toBe("");
    }
  });
});

test("pipes are told from what only looks like one", () => {
  expect(splitPipes('a "x | y" || b | stats count()')).toEqual({ filter: 'a "x | y" || b', pipes: "| stats count()" });
  expect(splitPipes("plain ")).toEqual({ filter: "plain", pipes: "" });
  expect(["| top 3 a", "x | STATS count()", "x | sort a | limit 3", '"| stats"'].map(producesTable)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test.each([
  ["service.name", "api", 'service.name="api"'],
  ["n", 5, "n=5"],
  ["ok", true, "ok=true"],
  ["a", null, "NOT a:*"],
  ["my field", "x", '"my field"="x"'],
  ["or", "x", '"or"="x"'],
  ["a-", "x", '"a-"="x"'],
  ["5xx", 1.5, '"5xx"=1.5'],
  ["path", 'C:\\a "b"', 'path="C:\\\\a \\"b\\""'],
])("equalsTerm %s %s", (field, value, expected) => expect(equalsTerm(field, value)).toBe(expected));

describe("addFilter", () => {
  test.each([
    ["", "for", 'a="x"'],
    ["*", "for", 'a="x"'],
    ["error", "for", 'error a="x"'],
    ["error", "out", 'error NOT a="x"'],
    ["error OR warn", "for", '(error OR warn) a="x"'],
    ["(error OR warn)", "for", '(error OR warn) a="x"'],
    ['error a="x"', "for", 'error a="x"'],
    ['error NOT a="x"', "for", 'error a="x"'],
    ['error a="x"', "out", 'error NOT a="x"'],
    ['a="x" AND b', "out", 'b NOT a="x"'],
    ['b AND a="x"', "out", 'b NOT a="x"'],
    ['a="xy"', "for", 'a="xy" a="x"'],
    ['(a="x" b)', "for", '(a="x" b) a="x"'],
    ["error | stats count() by host", "for", 'error a="x" | stats count() by host'],
    ["| top 10 a", "out", 'NOT a="x" | top 10 a'],
  ] as const)("%s %s", (query, mode, expected) => expect(addFilter(query, "a", "x", mode)).toBe(expected));

  test("a null value is a missing field, and its opposite is that it is there", () => {
    expect(addFilter("", "a", null, "for")).toBe("NOT a:*");
    expect(addFilter("NOT a:*", "a", null, "out")).toBe("a:*");
  });

  test("a level of the legend", () => expect(addTerm("x", "level:error")).toBe("x level:error"));
});

test("lines of the same source", () => {
  expect(sourceQuery({ "host.name": "web-1", "log.file.path": "/var/log/a.log", "service.name": "api" })).toBe(
    'host.name="web-1" log.file.path="/var/log/a.log"',
  );
  expect(sourceQuery({ "service.name": "api" })).toBe('service.name="api"');
  expect(sourceQuery({ message: "x" })).toBe("");
});

test("OR inside parentheses needs none around", () => {
  expect(["a OR b", "(a OR b) c", "a:(x or y)", "a || b", '"a OR b"'].map(hasTopLevelOr)).toEqual([
    true,
    false,
    false,
    true,
    false,
  ]);
});

test("rows mark what was searched in them", () => {
  expect(markedWords('timeout "connection refused" level:error NOT quiet -x message:disk conn* | top 3 a')).toEqual([
    "timeout",
    "connection refused",
    "disk",
    "conn",
  ]);
});

test("error offsets count bytes, the page counts UTF-16", () => {
  expect(byteOffsetToIndex("aé日😀b", 0)).toBe(0);
  expect(byteOffsetToIndex("aé日😀b", 3)).toBe(2);
  expect(byteOffsetToIndex("aé日😀b", 10)).toBe(5);
  expect(byteOffsetToIndex("ab", 99)).toBe(2);
  expect(errorSpan("é (", 3, 1)).toEqual({ start: 2, end: 3 });
  expect(errorSpan("ab", 2, 0)).toEqual({ start: 2, end: 3 });
});

test("tables: order of cells, and which columns can be filtered", () => {
  expect([3, null, 1, 2].sort(compareCells)).toEqual([1, 2, 3, null]);
  expect(filterColumn("x | stats count() n by service, host", "host")).toBe("host");
  expect(filterColumn("x | stats count() n by service, host", "n")).toBeUndefined();
  expect(filterColumn("| top 10 url.path", "url.path")).toBe("url.path");
  expect(filterColumn("| top 10 url.path", "count")).toBeUndefined();
  expect(filterColumn("| stats count() by service, _time:5m", "service.name")).toBe("service.name");
  expect(filterColumn("| stats count() by service, _time:5m", "@timestamp")).toBeUndefined();
});

import { expect, test } from "vitest";

import { applyCompletion, completingAt, rankFields } from "./complete";

test.each([
  ["ser|", { kind: "field", prefix: "ser", start: 0, end: 3 }],
  ["a ser|vice", { kind: "field", prefix: "ser", start: 2, end: 9 }],
  ["level:|", { kind: "value", field: "level", prefix: "", start: 6, end: 6 }],
  ["level:er|", { kind: "value", field: "level", prefix: "er", start: 6, end: 8 }],
  ['host="we|"', { kind: "value", field: "host", prefix: "we", start: 5, end: 9 }],
  ["x | st|", { kind: "command", prefix: "st", start: 4, end: 6 }],
  ["x | |", { kind: "command", prefix: "", start: 4, end: 4 }],
  ["x | stats count() by ser|", { kind: "argument", prefix: "ser", start: 21, end: 24 }],
  ["level:error |", undefined],
  ["/rege|x/", undefined],
  ["status>|", undefined],
])("%s", (text, expected) => {
  const caret = text.lastIndexOf("|");
  expect(completingAt(text.slice(0, caret) + text.slice(caret + 1), caret)).toEqual(expected);
});

test("a choice replaces what it completes", () => {
  const apply = (text: string, caret: number, choice: string) => {
    const at = completingAt(text, caret);
    return at && applyCompletion(text, at, choice);
  };
  expect(apply("x ser", 5, "service.name")).toEqual({ text: "x service.name:", caret: 15 });
  expect(apply("ser:x", 3, "service.name")).toEqual({ text: "service.name:x", caret: 12 });
  expect(apply("level:er", 8, "error")).toEqual({ text: "level:error ", caret: 12 });
  expect(apply("host:we", 7, "web 1")).toEqual({ text: 'host:"web 1" ', caret: 13 });
  expect(apply("a | st", 6, "stats")).toEqual({ text: "a | stats ", caret: 10 });
});

test("fields that begin with what was typed come first", () => {
  expect(rankFields(["url.path", "path", "log.file.path", "pathology", "host"], "path", 10)).toEqual([
    "path",
    "pathology",
    "url.path",
    "log.file.path",
  ]);
});

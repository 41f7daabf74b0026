import { expect, test } from "vitest";
import { bytes, duration, money, month, tokens, words } from "./en";

test.each([
  [0, "$0"],
  [12, "< $0.0001"],
  [502, "$0.0005"],
  [1_843, "$0.0018"],
  [23_400, "$0.023"],
  [520_000, "$0.52"],
  [1_500_000, "$1.50"],
])("%d micros read %s", (micros, expected) => {
  expect(money(micros)).toBe(expected);
});

test.each([
  [0, "0.1 s"],
  [412, "0.4 s"],
  [970, "1.0 s"],
  [5_900, "5.9 s"],
  [61_000, "1 min 01 s"],
])("%d ms read %s", (ms, expected) => {
  expect(duration(ms)).toBe(expected);
});

test("many tokens are rounded, few are not", () => {
  expect([tokens(7), tokens(9_999), tokens(18_432)]).toEqual(["7", "9,999", "18.4k"]);
});

test.each([
  [0, "time is up"],
  [59, "59 s left"],
  [60, "1 min left"],
  [61, "2 min left"],
  [3_600, "1 h left"],
  [47 * 3_600, "47 h left"],
  [72 * 3_600, "3 days left"],
])("%d seconds read %s", (seconds, expected) => {
  expect(words.approval.left(seconds)).toBe(expected);
});

test("what was stopped and what was deleted is counted in a sentence", () => {
  expect([0, 1, 2].map(words.stop.stopped)).toEqual([
    "Nothing was running or waiting, so nothing was stopped.",
    "1 answer was stopped. Ask again to start over.",
    "2 answers were stopped. Ask again to start over.",
  ]);
  expect(words.you.forgotten({ conversations: 2, api_keys: 0, facts: 1 })).toBe("Deleted. conversations: 2, facts: 1.");
  expect(words.you.forgotten({ facts: 0 })).toBe("There was nothing to delete.");
});

test("the greeting knows the hour", () => {
  expect([3, 8, 14, 20].map((hour) => words.chat.greeting("Admin", hour))).toEqual([
    "Good evening, Admin.",
    "Good morning, Admin.",
    "Good afternoon, Admin.",
    "Good evening, Admin.",
  ]);
});

test.each([
  [0, "0 bytes"],
  [999, "999 bytes"],
  [1_500, "1.5 kB"],
  [99_400_000, "99.4 MB"],
  [712_000_000_000, "712 GB"],
  [999_700_000_000, "1 TB"],
  [12_340_000_000_000, "12.3 TB"],
])("%d bytes read %s", (count, expected) => {
  expect(bytes(count)).toBe(expected);
});

test("a month is short on an axis, and what is none stays as it came", () => {
  expect([month("2026-10"), month("long ago")]).toEqual(["Oct 26", "long ago"]);
});

test("parts are counted in their own unit", () => {
  expect(words.requests.parts(3, 10, "episode")).toBe("3 of 10 episodes");
  expect(words.requests.parts(0, 1, "episode")).toBe("0 of 1 episode");
  expect(words.requests.parts(2, 8, "")).toBe("2 of 8 parts");
});

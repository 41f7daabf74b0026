import { expect, test } from "vitest";
import { duration, money, tokens, words } from "./en";

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

test("the greeting knows the hour", () => {
  expect([3, 8, 14, 20].map((hour) => words.chat.greeting("Admin", hour))).toEqual([
    "Good evening, Admin.",
    "Good morning, Admin.",
    "Good afternoon, Admin.",
    "Good evening, Admin.",
  ]);
});

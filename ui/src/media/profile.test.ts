import { describe, expect, test } from "vitest";
import {
  applied,
  at,
  type Edit,
  finerPoints,
  inWords,
  listAt,
  type Profile,
  readLessons,
  readProfile,
  updateOf,
  withEdit,
} from "./profile";

const profile: Profile = {
  version: 1,
  likes: { genres: ["noir"], people: ["Buster Keaton"], scents: ["popcorn"] },
  constraints: { eraMinYear: 1920, allowJumpScares: false, runtimeSweetSpotMins: [60, 100] },
  profile: { goreViolence: "none", tone: { horror: "quiet" }, plausibilityScore10: 4 },
  heuristics: { zeroSpoilers: true },
  nested: { deep: [{ odd: 1 }], "a.b": "dotted", empty: {} },
};
const add = (path: string, value: string | number): Edit => ({ path, kind: "add", value });
const remove = (path: string, value: string | number): Edit => ({ path, kind: "remove", value });
const set = (path: string, value: Profile[string]): Edit => ({ path, kind: "set", value });

test("edits change their place and keep everything else, known or not", () => {
  const after = applied(profile, [
    add("likes.genres", "comedy"),
    remove("likes.people", "buster keaton"),
    set("constraints.eraMinYear", null),
    add("neverRecommend.titles", "Nosferatu"),
  ]);
  expect(after).toEqual({
    ...profile,
    likes: { genres: ["noir", "comedy"], people: [], scents: ["popcorn"] },
    constraints: { allowJumpScares: false, runtimeSweetSpotMins: [60, 100] },
    neverRecommend: { titles: ["Nosferatu"] },
  });
});

test("one word alone is a list of one", () => {
  expect(listAt({ likes: { genres: "noir" } }, "likes.genres")).toEqual(["noir"]);
  expect(listAt({}, "likes.genres")).toEqual([]);
});

test("an edit and its opposite leave nothing to save", () => {
  const once = withEdit(profile, [], add("likes.genres", "comedy"));
  expect(once).toHaveLength(1);
  expect(withEdit(profile, once, remove("likes.genres", "comedy"))).toEqual([]);
  expect(withEdit(profile, [], add("likes.genres", "Noir"))).toEqual([]);
  const year = withEdit(profile, [], set("constraints.eraMinYear", 1980));
  expect(withEdit(profile, year, set("constraints.eraMinYear", 1990))).toEqual([set("constraints.eraMinYear", 1990)]);
  expect(withEdit(profile, year, set("constraints.eraMinYear", 1920))).toEqual([]);
});

describe("edits become one call", () => {
  test.each<[string, Edit[], unknown]>([
    ["one word added", [add("likes.genres", "comedy")], { path: "likes.genres", append: "comedy" }],
    [
      "several words added to one list",
      [add("likes.genres", "comedy"), add("likes.genres", "war")],
      { path: "likes.genres", append: ["comedy", "war"] },
    ],
    ["one taken out", [remove("likes.genres", "noir")], { path: "likes.genres", remove_value: "noir" }],
    ["one value", [set("constraints.eraMinYear", 1980)], { path: "constraints.eraMinYear", value: 1980 }],
    ["one value removed", [set("constraints.eraMinYear", null)], { patch: { constraints: { eraMinYear: null } } }],
    [
      "several at once",
      [
        add("likes.genres", "comedy"),
        remove("likes.genres", "noir"),
        set("constraints.eraMinYear", null),
        set("notes", "Short ones."),
      ],
      { patch: { likes: { genres: ["comedy"] }, constraints: { eraMinYear: null }, notes: "Short ones." } },
    ],
  ])("%s", (_name, edits, expected) => {
    expect(updateOf("household", profile, edits)).toEqual({ whose: "household", ...(expected as object) });
  });

  test("nothing becomes none", () => {
    expect(updateOf("me", profile, [])).toBeUndefined();
  });
});

test("what has no place of its own is shown under the name it came with, with a field where its value fits one", () => {
  expect(finerPoints(profile).map(({ path, kind }) => `${path} ${kind ?? "as it is"}`)).toEqual([
    "likes.scents words",
    "profile.goreViolence text",
    "profile.tone.horror text",
    "profile.plausibilityScore10 number",
    "heuristics.zeroSpoilers yes",
    "nested.deep as it is",
    "nested.a.b as it is",
    "nested.empty as it is",
  ]);
  expect(at(profile, "profile.tone.horror")).toBe("quiet");
});

test.each([
  ["profile.goreViolence", "Profile · Gore violence"],
  ["likes.scents", "Likes · Scents"],
  ["profile.plausibilityScore10", "Profile · Plausibility score 10"],
])("%s reads %s", (path, expected) => {
  expect(inWords(path)).toBe(expected);
});

test("only an object is a profile", () => {
  expect(readProfile('{"likes":{}}')).toEqual({ likes: {} });
  expect([readProfile("[]"), readProfile("Nothing is set."), readProfile("null")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test("lessons are read with when, from what and by whom", () => {
  const newest = [
    { id: 2, when: "2026-11-20 19:00 UTC", from: "rated “Nosferatu” 2 of 10", what: [], by: "Admin" },
    { id: 1, when: "", from: "said", what: ["“noir” added to likes.genres"] },
  ];
  expect(readLessons(JSON.stringify({ learned: 2, newest }))).toEqual([
    { id: 2, at_ms: Date.UTC(2026, 10, 20, 19), from: "rated “Nosferatu” 2 of 10", by: "Admin", what: [] },
    { id: 1, at_ms: undefined, from: "said", by: "", what: ["“noir” added to Likes · Genres"] },
  ]);
});

test("where nothing was learned the tool says so in words; something else is not taken for nothing", () => {
  expect(readLessons("Nothing was learned yet.")).toEqual([]);
  expect(readLessons('{"lessons":[]}')).toBeUndefined();
  expect(readLessons('{"newest":[{"id":"x"}]}')).toBeUndefined();
  expect(readLessons('{"newest":[')).toBeUndefined();
});

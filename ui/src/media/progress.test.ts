import { expect, test } from "vitest";
import type { ShownRequest } from "../api/types";
import { barOf, hasParts, isMoving, isWhole } from "./progress";

type Progress = NonNullable<ShownRequest["progress"]>;
const film: Progress = { here: 0, wanted: 1, line: "", percent: null, unit: "" };
const series: Progress = { here: 3, wanted: 10, line: "", percent: null, unit: "episode" };

test.each<[string, string, Progress | null, number | undefined]>([
  ["a film on its way", "downloading", { ...film, percent: 42 }, 42],
  ["a film on its way nobody knows how far", "downloading", film, undefined],
  ["a season on its way", "downloading", { ...series, percent: 80 }, 80],
  ["some of a series ready", "partly", series, 30],
  ["a series between downloads", "downloaded", series, 30],
  ["a film that is here and not shown yet", "downloaded", { ...film, percent: 100 }, undefined],
  ["nothing on its way", "wanted", film, undefined],
  ["waiting for a yes", "asked", null, undefined],
  ["all there", "watchable", { ...film, here: 1, percent: 100 }, undefined],
])("a bar for %s", (_name, state, progress, expected) => {
  expect(barOf({ state, progress })).toBe(expected);
});

test("only what may still change is asked for again", () => {
  const moving = ["asked", "wanted", "downloading", "downloaded", "partly"];
  const states = [...moving, "watchable", "declined", "failed", "cancelled", "new"];
  expect(states.filter((state) => isMoving({ state, closed_at_ms: null }))).toEqual(moving);
  expect(isMoving({ state: "downloading", closed_at_ms: 1 })).toBe(false);
});

test("a film is whole, a series has parts, and before anybody looked it is neither", () => {
  expect([isWhole({ progress: film }), hasParts({ progress: film })]).toEqual([true, false]);
  expect([isWhole({ progress: series }), hasParts({ progress: series })]).toEqual([false, true]);
  expect([isWhole({ progress: null }), hasParts({ progress: null })]).toEqual([false, false]);
});

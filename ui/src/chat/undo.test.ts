import { expect, test } from "vitest";
import type { TakenBack, UndoOffer } from "../api/types";
import { standing } from "./undo";

const offer: UndoOffer = {
  tool: "films_rate",
  arguments: {},
  title: "Give it its 8 stars back",
  until_ms: 1_000,
};
const known = (state: TakenBack["state"]): TakenBack => ({
  call_id: "a",
  turn_id: "t",
  state,
  reason: "",
  may_retry: false,
});

test.each<[string, TakenBack | undefined, number, ReturnType<typeof standing>]>([
  ["nobody pressed, in time", undefined, 1_000, "offered"],
  ["nobody pressed, too late", undefined, 1_001, undefined],
  ["pressed, and told as the service tells it", known("runs"), 500, "runs"],
  ["done stays told when the time is over", known("done"), 9_000, "done"],
  ["refused is not offered again", known("refused"), 500, "refused"],
  ["a wait outlasts the offer", known("waits"), 9_000, "waits"],
])("%s", (_name, taken, now_ms, expected) => {
  expect(standing(offer, taken, now_ms)).toBe(expected);
});

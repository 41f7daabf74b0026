import { expect, test } from "vitest";
import { readHealth } from "./health";

test.each([
  ["components by name", { components: { store: { status: "ok" }, tmdb: { status: "failed", detail: "refused" } } }],
  [
    "components in a list",
    {
      components: [
        { name: "store", status: "up" },
        { name: "tmdb", state: "down", reason: "refused" },
      ],
    },
  ],
])("health is read from %s", (_shape, answer) => {
  expect(readHealth(answer)).toEqual([
    { name: "store", condition: "ok", detail: "" },
    { name: "tmdb", condition: "failed", detail: "refused" },
  ]);
});

test.each([[null], ["ok"], [{}], [{ components: 3 }]])("%j names no components", (answer) => {
  expect(readHealth(answer)).toEqual([]);
});

import { expect, test } from "vitest";
import { readHealth } from "./health";

test("every part stands in one row, with what it said of itself", () => {
  expect(
    readHealth({
      components: {
        database: "operational",
        models: "off",
        concentrate_ai: "off",
        tmdb_api: "degraded",
        tvmaze_api: "new",
      },
      details: { tmdb_api: "did not answer at api.themoviedb.org:443" },
      off: { models: "no api key" },
    }),
  ).toEqual([
    { name: "database", condition: "ok", detail: "" },
    { name: "models", condition: "off", detail: "no api key" },
    { name: "tmdb", condition: "degraded", detail: "did not answer at api.themoviedb.org:443" },
    { name: "tvmaze", condition: "unknown", detail: "" },
  ]);
});

test("no answer names no parts", () => {
  expect(readHealth(undefined)).toEqual([]);
});

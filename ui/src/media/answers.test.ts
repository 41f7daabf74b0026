import { expect, test } from "vitest";
import { agenda, dayIn, knownZone, readCalendar, readLibrary, readMediaHealth, readQueue, timeLeft } from "./answers";

const nobody_silent = { could_not_ask: [] };

test("a library is understood, without disks for who is no admin", () => {
  const told = {
    films: 2,
    series: 1,
    episodes: 10,
    size_bytes: 3,
    by_year: [{ label: "1920s", count: 2 }],
    by_genre: [],
    by_resolution: [],
    growth: [{ month: "2026-10", count: 2, size_bytes: 3 }],
    could_not_ask: [{ service: "plex", reason: "plex at nas:32400 did not answer" }],
  };
  expect(readLibrary(JSON.stringify(told))).toEqual({ ...told, disks: [] });
});

test("a queue keeps what is not known as not known", () => {
  const download = { service: "radarr", title: "Metropolis (1927)", percent: null, time_left: null, problem: null };
  expect(readQueue(JSON.stringify({ downloads: [download], ...nobody_silent }))?.downloads).toEqual([
    { ...download, instance: "", detail: "", size_bytes: 0, state: "", picture: null },
  ]);
});

test("health keeps every service with its complaints", () => {
  const service = { name: "radarr default", state: "down", version: null, problems: [], reason: "no answer" };
  expect(readMediaHealth(JSON.stringify({ state: "degraded", services: [service] }))).toEqual({
    state: "degraded",
    services: [service],
    disks: [],
  });
});

test.each([
  ["no JSON", "Nothing to tell."],
  ["a list", "[]"],
  ["a number that is a text", JSON.stringify({ films: "2", series: 0, episodes: 0, size_bytes: 0 })],
  ["something missing", JSON.stringify({ films: 2 })],
  ["a bucket without its count", JSON.stringify({ films: 2, series: 0, episodes: 0, size_bytes: 0, by_year: [{}] })],
])("%s is not taken for an empty library", (_name, answer) => {
  expect(readLibrary(answer)).toBeUndefined();
});

test.each([
  ["00:12:00", "12 min"],
  ["01:05:09", "1 h 5 min"],
  ["03:00:00", "3 h"],
  ["1.02:03:04", "26 h 3 min"],
  ["2.12:00:00", "3 days"],
  ["00:00:31", "less than a minute"],
  ["00:00:00", undefined],
  ["soon", undefined],
  [null, undefined],
])("%s left reads %s", (span, expected) => {
  expect(timeLeft(span)).toBe(expected);
});

const entry = (title: string, at: string | null) => ({
  kind: "episode",
  title,
  detail: "",
  at,
  is_here: false,
  picture: null,
});
const calendar = {
  days: [
    { date: "2026-11-24", entries: [entry("Late", "2026-11-24T23:30:00Z"), entry("Early", "2026-11-24T01:00:00Z")] },
    { date: "2026-11-25", entries: [entry("Next", "2026-11-25T20:00:00Z"), entry("Some time", null)] },
    { date: "2026-11-26", entries: [entry("A day", "2026-11-26")] },
  ],
  could_not_ask: [],
};
const placed = (zone: string) =>
  agenda(calendar, zone).map(({ date, entries }) => `${date}: ${entries.map(({ title }) => title).join(", ")}`);

test("an evening belongs to the day it is where the person lives", () => {
  expect(placed("Europe/Berlin")).toEqual([
    "2026-11-24: Early",
    "2026-11-25: Some time, Late, Next",
    "2026-11-26: A day",
  ]);
  expect(placed("America/New_York")).toEqual([
    "2026-11-23: Early",
    "2026-11-24: Late",
    "2026-11-25: Some time, Next",
    "2026-11-26: A day",
  ]);
});

test("a bare day keeps its day and claims no hour", () => {
  expect(agenda(calendar, "America/New_York").at(-1)?.entries[0]?.at).toBeNull();
});

test("a zone no browser knows is replaced by the browser's own", () => {
  expect(knownZone("Europe/Berlin")).toBe("Europe/Berlin");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  expect([knownZone("Moon/Crater"), knownZone(undefined), knownZone("")]).toEqual([own, own, own]);
  expect(dayIn(Date.parse("2026-11-24T23:30:00Z"), "Europe/Berlin")).toBe("2026-11-25");
});

test("a calendar without days is one", () => {
  expect(readCalendar(JSON.stringify({ days: [], could_not_ask: [] }))).toEqual({ days: [], could_not_ask: [] });
});

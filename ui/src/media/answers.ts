/**
 * What the media tools answer, understood. Each answer is the JSON in a tool's text; what does not fit makes the whole answer not
 * understood, rather than a page of holes. Pure.
 */

/** Somebody who was asked and did not answer. */
export interface CouldNotAsk {
  service: string;
  reason: string;
}

export interface Counted {
  label: string;
  count: number;
}

export interface Disk {
  path: string;
  free_bytes: number;
  total_bytes: number;
  service: string;
}

export interface Library {
  films: number;
  series: number;
  episodes: number;
  size_bytes: number;
  by_year: Counted[];
  by_genre: Counted[];
  by_resolution: Counted[];
  growth: { month: string; count: number; size_bytes: number }[];
  disks: Disk[];
  could_not_ask: CouldNotAsk[];
}

export interface Download {
  service: string;
  instance: string;
  title: string;
  detail: string;
  percent: number | null;
  time_left: string | null;
  size_bytes: number;
  state: string;
  problem: string | null;
  picture: string | null;
}

export interface Queue {
  downloads: Download[];
  could_not_ask: CouldNotAsk[];
}

export interface CalendarEntry {
  kind: string;
  title: string;
  detail: string;
  /** An instant; null when only the day is known. */
  at: string | null;
  is_here: boolean;
  picture: string | null;
}

export interface Calendar {
  days: { date: string; entries: CalendarEntry[] }[];
  could_not_ask: CouldNotAsk[];
}

export interface ServiceHealth {
  name: string;
  state: string;
  version: string | null;
  problems: string[];
  reason: string | null;
}

export interface MediaHealth {
  state: string;
  services: ServiceHealth[];
  disks: Disk[];
}

type Json = Record<string, unknown>;

/** Thrown within this file only. */
class Unfit extends Error {}

function object(value: unknown): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Unfit();
  return value as Json;
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Unfit();
  return value;
}

function number(value: unknown): number {
  if (typeof value !== "number") throw new Unfit();
  return value;
}

function maybe<Kind>(value: unknown, read: (value: unknown) => Kind): Kind | null {
  return value === null || value === undefined ? null : read(value);
}

/** Lists may be left out where there is nothing to list, such as the disks for who is no admin. */
function list<Kind>(value: unknown, read: (value: Json) => Kind): Kind[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw new Unfit();
  return value.map((one) => read(object(one)));
}

const counted = ({ label, count }: Json): Counted => ({ label: text(label), count: number(count) });
const disk = (value: Json): Disk => ({
  path: text(value.path),
  free_bytes: number(value.free_bytes),
  total_bytes: number(value.total_bytes),
  service: text(value.service ?? ""),
});
const unasked = ({ service, reason }: Json): CouldNotAsk => ({ service: text(service), reason: text(reason) });

/** The answer in a tool's text; undefined when it is not what was expected. */
function read<Kind>(answer: string, understand: (value: Json) => Kind): Kind | undefined {
  try {
    return understand(object(JSON.parse(answer)));
  } catch (reason) {
    if (reason instanceof Unfit || reason instanceof SyntaxError) return undefined;
    throw reason;
  }
}

export function readLibrary(answer: string): Library | undefined {
  return read(answer, (value) => ({
    films: number(value.films),
    series: number(value.series),
    episodes: number(value.episodes),
    size_bytes: number(value.size_bytes),
    by_year: list(value.by_year, counted),
    by_genre: list(value.by_genre, counted),
    by_resolution: list(value.by_resolution, counted),
    growth: list(value.growth, ({ month, count, size_bytes }) => ({
      month: text(month),
      count: number(count),
      size_bytes: number(size_bytes ?? 0),
    })),
    disks: list(value.disks, disk),
    could_not_ask: list(value.could_not_ask, unasked),
  }));
}

export function readQueue(answer: string): Queue | undefined {
  return read(answer, (value) => ({
    downloads: list(value.downloads, (download) => ({
      service: text(download.service),
      instance: text(download.instance ?? ""),
      title: text(download.title),
      detail: text(download.detail ?? ""),
      percent: maybe(download.percent, number),
      time_left: maybe(download.time_left, text),
      size_bytes: number(download.size_bytes ?? 0),
      state: text(download.state ?? ""),
      problem: maybe(download.problem, text),
      picture: maybe(download.picture, text),
    })),
    could_not_ask: list(value.could_not_ask, unasked),
  }));
}

export function readCalendar(answer: string): Calendar | undefined {
  return read(answer, (value) => ({
    days: list(value.days, (one) => ({
      date: text(one.date),
      entries: list(one.entries, (entry) => ({
        kind: text(entry.kind),
        title: text(entry.title),
        detail: text(entry.detail ?? ""),
        at: maybe(entry.at, text),
        is_here: entry.is_here === true,
        picture: maybe(entry.picture, text),
      })),
    })),
    could_not_ask: list(value.could_not_ask, unasked),
  }));
}

export function readMediaHealth(answer: string): MediaHealth | undefined {
  return read(answer, (value) => ({
    state: text(value.state),
    services: list(value.services, (service) => ({
      name: text(service.name),
      state: text(service.state),
      version: maybe(service.version, text),
      problems: Array.isArray(service.problems) ? service.problems.map(text) : [],
      reason: maybe(service.reason, text),
    })),
    disks: list(value.disks, disk),
  }));
}

/** The downloaders' `1.02:03:04` or `00:12:00` as one or two units; undefined for what is no time, or none. */
export function timeLeft(span: string | null): string | undefined {
  const found = /^(?:(\d+)\.)?(\d+):(\d{2}):(\d{2})/.exec(span ?? "");
  if (!found) return undefined;
  const [days, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  const all_hours = days * 24 + hours;
  if (all_hours >= 48) return `${Math.round(all_hours / 24)} days`;
  if (all_hours > 0) return minutes === 0 ? `${all_hours} h` : `${all_hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min`;
  return seconds > 0 ? "less than a minute" : undefined;
}

/** The zone a person lives in where a browser knows it, its own otherwise. */
export function knownZone(zone: string | null | undefined): string {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) return own;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return own;
  }
}

/** The day of an instant in a zone, such as `2026-11-24`. */
export function dayIn(at_ms: number, zone: string): string {
  // Canada writes dates as ISO does.
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" }).format(at_ms);
}

/** The entries under the days of the person's zone, in order; what has no hour stands first under the day it came with. */
export function agenda(calendar: Calendar, zone: string): Calendar["days"] {
  const days = new Map<string, CalendarEntry[]>();
  for (const { date, entries } of calendar.days) {
    for (const entry of entries) {
      const at_ms = entry.at === null ? Number.NaN : Date.parse(entry.at);
      // A bare day is no instant: midnight in London may be yesterday elsewhere.
      const is_instant = Number.isFinite(at_ms) && (entry.at ?? "").includes("T");
      const day = is_instant ? dayIn(at_ms, zone) : date;
      const placed = is_instant ? entry : { ...entry, at: null };
      days.set(day, [...(days.get(day) ?? []), placed]);
    }
  }
  return [...days.entries()]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([date, entries]) => ({
      date,
      entries: entries.toSorted((a, b) => (a.at ?? "").localeCompare(b.at ?? "") || a.title.localeCompare(b.title)),
    }));
}

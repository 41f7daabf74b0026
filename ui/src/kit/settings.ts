/**
 * What this browser remembers: appearance, model, streaming, the last conversation. Nothing that matters elsewhere. That the
 * demo's banner is hidden holds until the tab is closed.
 */

import { useSyncExternalStore } from "react";

export interface Settings {
  theme: "system" | "light" | "dark";
  /** A model's name, or `auto`. */
  model: string;
  streaming: boolean;
  last_conversation: string;
  demo_hidden: boolean;
}

const PREFIX = "majordomo.";
const defaults: Settings = {
  theme: "system",
  model: "auto",
  streaming: true,
  last_conversation: "",
  demo_hidden: false,
};
/** Storage may be closed: reading this may throw. */
function storageOf(name: keyof Settings) {
  return name === "demo_hidden" ? sessionStorage : localStorage;
}

const listeners = new Set<() => void>();
const known = new Map<keyof Settings, unknown>();

function read<Name extends keyof Settings>(name: Name): Settings[Name] {
  if (known.has(name)) return known.get(name) as Settings[Name];
  let value = defaults[name];
  try {
    const stored = storageOf(name).getItem(PREFIX + name);
    if (stored !== null) {
      value = (typeof value === "boolean" ? stored === "true" : stored) as Settings[Name];
    }
  } catch {
    // Storage may be closed; the defaults hold for this visit.
  }
  known.set(name, value);
  return value;
}

export function setting<Name extends keyof Settings>(name: Name): Settings[Name] {
  return read(name);
}

export function changeSetting<Name extends keyof Settings>(name: Name, value: Settings[Name]) {
  known.set(name, value);
  try {
    storageOf(name).setItem(PREFIX + name, String(value));
  } catch {
    // As above.
  }
  if (name === "theme") applyTheme();
  for (const listener of listeners) listener();
}

function applyTheme() {
  const theme = read("theme");
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function useSetting<Name extends keyof Settings>(name: Name): Settings[Name] {
  return useSyncExternalStore(subscribe, () => read(name));
}

// Which conversations have been read, and until when. Conversations of before the first visit count as read.

const READ = `${PREFIX}read`;
const LONGEST = 200;
interface Marks {
  since: number;
  until: Record<string, number>;
}
let marks: Marks | undefined;

function readMarks(): Marks {
  if (marks) return marks;
  let found: Marks = { since: Date.now(), until: {} };
  try {
    const stored = JSON.parse(localStorage.getItem(READ) ?? "null") as Partial<Marks> | null;
    if (typeof stored?.since === "number" && stored.until) found = { since: stored.since, until: stored.until };
    else localStorage.setItem(READ, JSON.stringify(found));
  } catch {
    // Storage may be closed; unreadable marks are begun again.
  }
  marks = found;
  return found;
}

export function isUnread(id: string, updated_at_ms: number) {
  const { since, until } = readMarks();
  return updated_at_ms > (until[id] ?? since);
}

export function markRead(id: string, at_ms: number) {
  const current = readMarks();
  if ((current.until[id] ?? 0) >= at_ms) return;
  const until = { ...current.until, [id]: at_ms };
  const latest = Object.entries(until)
    .sort(([, a], [, b]) => b - a)
    .slice(0, LONGEST);
  marks = { since: current.since, until: Object.fromEntries(latest) };
  try {
    localStorage.setItem(READ, JSON.stringify(marks));
  } catch {
    // As above.
  }
  for (const listener of listeners) listener();
}

/**
 * A profile of taste as a page edits it: which of its places have a field, what an edit does to it, and how edits become one call
 * of `update_household_preferences`. Keys this page does not know are shown and kept. Pure.
 */

export type Json = null | boolean | number | string | Json[] | Profile;
export interface Profile {
  [key: string]: Json;
}
export type Whose = "me" | "household";

/** What stands in a field: words, numbers, one number, a yes, from–to, one text, a long one. */
export type FieldKind = "words" | "numbers" | "number" | "yes" | "no" | "minutes" | "text" | "notes";

export interface Place {
  /** With dots. */
  path: string;
  kind: FieldKind;
}

export type Edit =
  | { path: string; kind: "add"; value: string | number }
  | { path: string; kind: "remove"; value: string | number }
  /** null removes what is there. */
  | { path: string; kind: "set"; value: Json };

const words = (part: string, ...names: string[]): Place[] =>
  names.map((name) => ({ path: `${part}.${name}`, kind: "words" }));

/** The places that have a field even while nothing is said, by section. */
export const SECTIONS = {
  likes: words("likes", "genres", "people", "languages", "vibes", "aesthetics", "motifs"),
  dislikes: [
    ...words("dislikes", "genres", "people", "aesthetics", "tones", "structure", "vibes"),
    { path: "antiPreferences", kind: "words" },
  ],
  limits: [
    { path: "constraints.eraMinYear", kind: "number" },
    { path: "constraints.runtimeSweetSpotMins", kind: "minutes" },
    { path: "constraints.allowJumpScares", kind: "no" },
    ...words("constraints", "languageWhitelist", "contentWarnings", "visualsDisallow"),
  ],
  never: [
    { path: "neverRecommend.titles", kind: "words" },
    { path: "neverRecommend.tmdbIds", kind: "numbers" },
  ],
  tonight: words("currentCuriosities", "vibesTonight", "themesSoon"),
  anchors: words("anchors", "loved", "respondedTo", "comfortSignals", "trustedFaces", "avoidOverEcho"),
  notes: [{ path: "notes", kind: "notes" }],
} satisfies Record<string, Place[]>;
export type Section = keyof typeof SECTIONS;

function isObject(value: Json | undefined): value is Profile {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function readProfile(text: string): Profile | undefined {
  try {
    const value = JSON.parse(text) as Json;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function at(profile: Profile, path: string): Json | undefined {
  let value: Json | undefined = profile;
  for (const step of path.split(".")) value = isObject(value) ? value[step] : undefined;
  return value;
}

/** A list where one is; one word alone is a list of one. */
export function listAt(profile: Profile, path: string): (string | number)[] {
  const value = at(profile, path);
  const list = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
  return list.filter((one): one is string | number => typeof one === "string" || typeof one === "number");
}

function isSame(a: string | number, b: string | number) {
  return String(a).trim().toLowerCase() === String(b).trim().toLowerCase();
}

function put(profile: Profile, path: string, value: Json | undefined): Profile {
  const [step = "", ...rest] = path.split(".");
  const within = profile[step];
  const next = rest.length === 0 ? value : put(isObject(within) ? within : {}, rest.join("."), value);
  const { [step]: _gone, ...others } = profile;
  return next === undefined || next === null ? others : { ...profile, [step]: next };
}

/** The profile as it would be. An edit that is true already does nothing. */
export function applied(profile: Profile, edits: Edit[]): Profile {
  return edits.reduce((before, edit) => {
    if (edit.kind === "set") return put(before, edit.path, edit.value);
    const list = listAt(before, edit.path);
    const has = list.some((one) => isSame(one, edit.value));
    if (edit.kind === "add") return has ? before : put(before, edit.path, [...list, edit.value]);
    return has
      ? put(
          before,
          edit.path,
          list.filter((one) => !isSame(one, edit.value)),
        )
      : before;
  }, profile);
}

/** One edit more: it takes the place of an earlier one of the same thing, and leaves with its opposite. */
export function withEdit(profile: Profile, edits: Edit[], edit: Edit): Edit[] {
  const others = edits.filter((other) => {
    if (other.path !== edit.path) return true;
    if (other.kind === "set" || edit.kind === "set") return false;
    return !isSame(other.value, edit.value);
  });
  const before = JSON.stringify(at(applied(profile, others), edit.path) ?? null);
  const after = JSON.stringify(at(applied(profile, [...others, edit]), edit.path) ?? null);
  return before === after ? others : [...others, edit];
}

/**
 * The arguments of one call that does all edits, so that there is one thing to say yes to. Words added to or taken from a single list
 * are named as such, which disturbs nobody who changes the same list; everything else is merged into the profile as it is now.
 */
export function updateOf(whose: Whose, profile: Profile, edits: Edit[]): Record<string, Json> | undefined {
  const [first] = edits;
  if (!first) return undefined;
  const { path, kind } = first;
  if (edits.every((edit) => edit.path === path && edit.kind === kind)) {
    const values = edits.flatMap((edit) => (edit.value === null ? [] : [edit.value]));
    const value = values.length === 1 ? values[0] : values;
    if (kind === "add" && value !== undefined) return { whose, path, append: value };
    if (kind === "remove" && value !== undefined) return { whose, path, remove_value: value };
    if (kind === "set" && first.value !== null) return { whose, path, value: first.value };
  }
  const after = applied(profile, edits);
  const patch = [...new Set(edits.map((edit) => edit.path))].reduce<Profile>(
    (part, changed) => written(part, changed, at(after, changed) ?? null),
    {},
  );
  return { whose, patch };
}

/** Like `put`, but null stands: in a patch it says that the key goes. */
function written(part: Profile, path: string, value: Json): Profile {
  const [step = "", ...rest] = path.split(".");
  const within = part[step];
  return {
    ...part,
    [step]: rest.length === 0 ? value : written(isObject(within) ? within : {}, rest.join("."), value),
  };
}

const KNOWN = new Set<string>([
  ...Object.values(SECTIONS).flatMap((places) => places.map(({ path }) => path)),
  "version",
]);

/** What else is in the profile: each with the field its value fits, or undefined where it has none and is shown as it is. */
export function finerPoints(profile: Profile): { path: string; kind: FieldKind | undefined; value: Json }[] {
  const found: { path: string; kind: FieldKind | undefined; value: Json }[] = [];
  const walk = (value: Profile, before: string) => {
    for (const [key, within] of Object.entries(value)) {
      const path = before === "" ? key : `${before}.${key}`;
      if (KNOWN.has(path) || within === null) continue;
      // A key with a dot in it has no path of dots, so it is shown and not edited.
      const reached = !key.includes(".");
      if (isObject(within) && Object.keys(within).length > 0 && reached) walk(within, path);
      else found.push({ path, kind: reached ? kindOf(within) : undefined, value: within });
    }
  };
  walk(profile, "");
  return found;
}

function kindOf(value: Json): FieldKind | undefined {
  if (typeof value === "string") return "text";
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "yes";
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return "words";
  if (Array.isArray(value) && value.every((one) => typeof one === "number")) return "numbers";
  return undefined;
}

/** `profile.goreViolence` as `Gore violence`, with the part it is in: `Profile · Gore violence`. */
export function inWords(path: string): string {
  return path
    .split(".")
    .map((step) => {
      const spaced = step
        .replaceAll(/([a-z])([A-Z0-9])/g, "$1 $2")
        .replaceAll("_", " ")
        .toLowerCase();
      return `${spaced.slice(0, 1).toUpperCase()}${spaced.slice(1)}`;
    })
    .join(" · ");
}

/** A tool's words about places of the profile, with the places named as on the page: `likes.people` as `Likes · People`. */
export function plainly(text: string): string {
  return [...KNOWN]
    .filter((path) => path.includes("."))
    .reduce((plain, path) => plain.replaceAll(path, inWords(path)), text);
}

/** One thing that was learned. */
export interface Lesson {
  id: number;
  /** An instant, where the text it came as is one. */
  at_ms: number | undefined;
  from: string;
  by: string;
  /** Empty when it was not enough to change anything yet. */
  what: string[];
}

/**
 * The text of `household_learned`: `{"newest": [{"id", "when": "2026-11-20 19:00 UTC", "from", "by", "what": []}]}`, newest first. Where
 * there is nothing, the tool says so in words. Undefined when it is something else.
 */
export function readLessons(text: string): Lesson[] | undefined {
  const answer = readProfile(text);
  if (!answer) return /^\s*[[{]/.test(text) ? undefined : [];
  if (!Array.isArray(answer.newest)) return undefined;
  const lessons: Lesson[] = [];
  for (const one of answer.newest) {
    if (!isObject(one) || typeof one.id !== "number" || !Array.isArray(one.what)) return undefined;
    const at_ms =
      typeof one.when === "string" ? Date.parse(one.when.replace(" UTC", "Z").replace(" ", "T")) : Number.NaN;
    lessons.push({
      id: one.id,
      at_ms: Number.isNaN(at_ms) ? undefined : at_ms,
      from: typeof one.from === "string" ? one.from : "",
      by: typeof one.by === "string" ? one.by : "",
      what: one.what.filter((what) => typeof what === "string").map(plainly),
    });
  }
  return lessons;
}

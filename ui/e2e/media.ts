/**
 * Films and series of the test server's house: what was asked for, what the media tools answer, whose taste is what. In memory; knows
 * nothing of HTTP.
 */

import type {
  Approval,
  Person,
  RequestStory,
  ShownReport,
  ShownRequest,
  StoryLine,
  ToolAnswer,
  ToolInfo,
} from "../src/api/types";

const DAY = 86_400_000;
const MINUTE = 60_000;
const GB = 1_000_000_000;

interface Asked {
  request: Omit<ShownRequest, "owner_name" | "is_own" | "may_cancel">;
  owner: string;
  watchers: { person: string; level: string; since_ms: number }[];
  story: (Omit<StoryLine, "actor_name"> & { actor?: string })[];
}

type Profile = Record<string, unknown>;

export interface MediaHouse {
  /** Whether the media tools are on offer. */
  connected: boolean;
  /** Whether Radarr answers. */
  radarr_up: boolean;
  /** Whether the shelf is empty. */
  bare: boolean;
  requests(person: Person, wanted: { all: boolean; own: boolean }, name: (id: string) => string): ShownRequest[];
  /** Reported by a child: an admin sees it. */
  reports(person: Person): ShownReport[];
  mended(id: string): void;
  story(person: Person, id: string, name: (id: string) => string): RequestStory | undefined;
  watch(person: Person, id: string, level: string | undefined): void;
  cancel(person: Person, id: string): void;
  /** The request a line of news is of, with its picture. */
  about(text: string): { request: string; picture: string | null } | undefined;
  /** All of it can be watched; the one who asked. */
  arrive(title: string): string | undefined;
  /** Undefined for a tool that is not on offer; `asks` where somebody has to say yes first. */
  run(name: string, body: Record<string, unknown>, person: Person): ToolAnswer | { asks: true } | undefined;
  /** Does what was approved; what came of it, as one sentence. */
  carry(approval: Approval): string;
}

/** The media tools that ask first, as the catalogue describes them. */
export const MEDIA_TOOLS = [
  {
    name: "sonarr_add_series",
    aliases: [],
    description: "Add a series to Sonarr.",
    effect: "write",
    schema: {
      type: "object",
      required: ["tvdb_id"],
      $defs: { NameOrId: { type: ["string", "integer"] } },
      properties: {
        tvdb_id: { type: "integer", description: "TVDB id." },
        quality_profile: {
          anyOf: [{ $ref: "#/$defs/NameOrId" }, { type: "null" }],
          description: "By name; the house's own when absent.",
        },
        root_folder: {
          anyOf: [{ $ref: "#/$defs/NameOrId" }, { type: "null" }],
          description: "By path; the configured one when absent.",
        },
        seasons_to_monitor: { type: ["array", "null"], items: { type: "integer" }, description: "As Sonarr counts." },
        search_now: { type: ["boolean", "null"], description: "Default yes." },
        instance: { type: ["string", "null"], description: "The default one when absent." },
        extra: { type: ["object", "null"], properties: {} },
      },
    },
  },
] as unknown as ToolInfo[];

/** What an approver sees of a call that is not the party's. */
export function mediaWording(tool: string, args: Record<string, unknown>): Pick<Approval, "card" | "wording"> {
  if (tool === "sonarr_add_series") {
    const seasons = ((args.seasons_to_monitor as number[] | undefined) ?? []).join(", ");
    return {
      card: {
        title: "Dragnet (1951)",
        subtitle: "Series · 8 seasons",
        text: "Two detectives of the Los Angeles police work through their cases, day by day.",
        picture: "tmdb:w342/dragnet.jpg",
        facts: [
          { label: "Seasons", value: seasons === "" ? "all" : seasons },
          { label: "Quality", value: String(args.quality_profile ?? "the house's own") },
          { label: "Folder", value: String(args.root_folder ?? "/tv") },
          { label: "Size", value: "about 14 GB of 812 GB free" },
        ],
      },
      wording: {
        question: `Add Dragnet (1951)${seasons === "" ? "" : `, seasons ${seasons}`}?`,
        declined: "Dragnet was not added.",
        reason: "",
      },
    };
  }
  return {
    card: { title: "The household's taste", facts: factsOf(args) },
    wording: {
      question: "Change the household's taste?",
      declined: "The household's taste stays as it was.",
      reason: "",
    },
  };
}

function factsOf(args: Record<string, unknown>) {
  const { patch, path, append, remove_value, value } = args;
  if (patch) return [{ label: "Changed", value: JSON.stringify(patch) }];
  if (append) return [{ label: String(path), value: `with ${append}` }];
  if (remove_value) return [{ label: String(path), value: `without ${remove_value}` }];
  return [{ label: String(path), value: String(value) }];
}

const poster = (title: string) => `tmdb:w342/${title.toLowerCase().replaceAll(/[^a-z]+/g, "-")}.jpg`;

function asked(now: number): Asked[] {
  let last = 0;
  const one = (
    title: string,
    state: string,
    owner: string,
    days: number,
    progress: ShownRequest["progress"],
    story: Asked["story"],
    more: Partial<Asked["request"]> = {},
    watchers: [string, string][] = [[owner, "each"]],
  ): Asked => {
    last += 1;
    return {
      request: {
        id: `r${last}`,
        title,
        picture: poster(title.replace(/ \(.*/, "")),
        state,
        progress,
        approval_id: null,
        size_bytes: null,
        created_at_ms: now - days * DAY,
        updated_at_ms: now - MINUTE,
        closed_at_ms: null,
        ...more,
      },
      owner,
      watchers: watchers.map(([person, level], place) => ({ person, level, since_ms: now - days * DAY + place })),
      story: [{ at_ms: now - days * DAY, kind: "asked", actor: owner, text: "In HD-1080p." }, ...story],
    };
  };
  const film = (line: string, percent: number | null = null, here = 0) => ({
    line,
    percent,
    here,
    wanted: 1,
    unit: "",
  });
  return [
    one(
      "Metropolis (1927)",
      "downloading",
      "p2",
      0.2,
      film("Radarr fetches it; about 12 minutes are left.", 42),
      [
        { at_ms: now - 0.19 * DAY, kind: "approved", actor: "p1", text: "approved" },
        { at_ms: now - 0.19 * DAY, kind: "wanted", text: "Radarr looks for it." },
        {
          at_ms: now - 25 * MINUTE,
          kind: "downloading",
          text: "Metropolis.1927.1080p.BluRay was found and is being fetched.",
        },
      ],
      { size_bytes: 11.4 * GB },
    ),
    one(
      "Dragnet (1951)",
      "partly",
      "p1",
      2,
      {
        line: "Season 2 has 7 episodes to come; the next is looked for at 21:00.",
        percent: null,
        here: 3,
        wanted: 10,
        unit: "episode",
      },
      [
        { at_ms: now - 1.9 * DAY, kind: "wanted", text: "Sonarr looks for Season 2." },
        { at_ms: now - 1.5 * DAY, kind: "joined", actor: "p3", text: "told of whole seasons" },
        {
          at_ms: now - 1.2 * DAY,
          kind: "trouble",
          text: "No release has the whole season, so single episodes are fetched.",
        },
        { at_ms: now - 0.6 * DAY, kind: "partly", text: "Three episodes can be watched." },
        { at_ms: now - 0.6 * DAY, kind: "told", text: "Admin was told: three episodes of Dragnet are ready to watch." },
      ],
      { size_bytes: 14 * GB },
      [
        ["p1", "each"],
        ["p3", "group"],
      ],
    ),
    one("Nosferatu (1922)", "asked", "p3", 0.4, null, []),
    one("Safety Last! (1923)", "downloaded", "p1", 1, film("It is here; Plex does not show it yet.", 100), []),
    one(
      "The Phantom of the Opera (1925)",
      "wanted",
      "p2",
      6,
      film("No release was found yet; it is looked for every six hours."),
      [],
    ),
    one("The General (1926)", "watchable", "p2", 9, film("It can be watched.", 100, 1), [], {
      closed_at_ms: now - 8 * DAY,
    }),
    one(
      "London After Midnight (1927)",
      "failed",
      "p1",
      12,
      film("It is lost: nobody has a copy."),
      [{ at_ms: now - 11 * DAY, kind: "failed", text: "It is lost: nobody has a copy." }],
      { closed_at_ms: now - 11 * DAY },
    ),
    one(
      "The Kid (1921)",
      "cancelled",
      "p3",
      15,
      null,
      [{ at_ms: now - 14 * DAY, kind: "cancelled", actor: "p3", text: "taken back" }],
      { closed_at_ms: now - 14 * DAY },
    ),
  ];
}

const buckets = (text: string) =>
  text.split(", ").map((part) => {
    const [label = "", count = "0"] = part.split(": ");
    return { label, count: Number(count) };
  });

const DISKS = [
  { path: "/films", free_bytes: 812 * GB, total_bytes: 4_000 * GB, service: "radarr" },
  { path: "/series", free_bytes: 61 * GB, total_bytes: 2_000 * GB, service: "sonarr" },
];

const SILENT = [{ service: "radarr default", reason: "radarr at nas:7878 did not answer within 4 s" }];

export function mediaHouse(now: number): MediaHouse {
  const requests = asked(now);
  let queue_asked = 0;
  const taste: Record<string, Profile> = {
    household: {
      version: 1,
      likes: { genres: ["Comedy", "Mystery"], people: ["Buster Keaton", "Mary Pickford"], vibes: ["cosy"] },
      dislikes: { tones: ["cynical"] },
      constraints: { allowJumpScares: false, runtimeSweetSpotMins: [60, 110], languageWhitelist: ["en", "de"] },
      neverRecommend: { titles: ["The Room"] },
      profile: { pacing: "unhurried", tone: { nonHorror: "warm" } },
      heuristics: { zeroSpoilers: true },
      houseRules: { popcorn: { salted: ["always"], sweet: null }, seats: [{ row: 1 }] },
    },
  };
  const profileOf = (whose: unknown, person: Person) => {
    const key = whose === "me" ? person.id : "household";
    taste[key] ??= { version: 1, likes: { genres: ["Silent film"] } };
    return taste[key];
  };
  let lessons = [
    {
      id: 3,
      when: iso(now - 0.5 * DAY),
      from: "rated “Sherlock Jr.” 10 of 10",
      what: ["“Buster Keaton” added to likes.people"],
      by: "Admin",
    },
    { id: 2, when: iso(now - 3 * DAY), from: "said", what: ["“The Room” added to neverRecommend.titles"], by: "Guest" },
    { id: 1, when: iso(now - 9 * DAY), from: "rated “The General” 7 of 10", what: [], by: "Guest" },
  ];
  let reports: ShownReport[] = [
    {
      id: "w1",
      title: "The Lost World (1925)",
      picture: null,
      text: "no subtitles (“only Swedish”)",
      reporter_name: "Kid",
      is_own: false,
      may_close: false,
      request_id: null,
      state: "open",
      answer: null,
      created_at_ms: now - DAY,
      closed_at_ms: null,
    },
  ];
  const find = (id: string) => requests.find(({ request }) => request.id === id);
  const shown = ({ request, owner }: Asked, person: Person, name: (id: string) => string): ShownRequest => ({
    ...request,
    owner_name: name(owner),
    is_own: owner === person.id,
    may_cancel: request.closed_at_ms === null && (owner === person.id || person.standing === "admin"),
  });
  const said = (value: unknown): ToolAnswer => ({
    text: typeof value === "string" ? value : JSON.stringify(value),
    cards: [],
    is_error: false,
  });

  const house: MediaHouse = {
    connected: true,
    radarr_up: true,
    bare: false,
    requests: (person, { all, own }, name) =>
      requests
        .filter(({ request }) => all || request.closed_at_ms === null)
        .filter(
          ({ owner, watchers }) => !own || owner === person.id || watchers.some((one) => one.person === person.id),
        )
        .map((one) => shown(one, person, name))
        .toSorted((a, b) => b.created_at_ms - a.created_at_ms),
    reports: (person) =>
      reports
        .map((report) => ({
          ...report,
          is_own: person.name === report.reporter_name,
          may_close: person.standing === "admin",
        }))
        .filter((report) => report.is_own || report.may_close),
    mended(id) {
      reports = reports.filter((report) => report.id !== id);
    },
    story(person, id, name) {
      const found = find(id);
      return (
        found && {
          request: shown(found, person, name),
          watchers: found.watchers.map((watcher) => ({
            name: name(watcher.person),
            is_caller: watcher.person === person.id,
            level: watcher.level,
            since_ms: watcher.since_ms,
          })),
          story: found.story.map(({ actor, ...line }) => ({ ...line, actor_name: actor ? name(actor) : null })),
        }
      );
    },
    watch(person, id, level) {
      const found = find(id);
      if (!found) return;
      const known = found.watchers.find((watcher) => watcher.person === person.id);
      if (level === undefined) found.watchers = found.watchers.filter((watcher) => watcher.person !== person.id);
      else if (known) known.level = level;
      else {
        found.watchers.push({ person: person.id, level, since_ms: Date.now() });
        found.story.push({ at_ms: Date.now(), kind: "joined", actor: person.id, text: "" });
      }
    },
    cancel(person, id) {
      const found = find(id);
      if (!found) return;
      Object.assign(found.request, { state: "cancelled", closed_at_ms: Date.now() });
      found.story.push({ at_ms: Date.now(), kind: "cancelled", actor: person.id, text: "taken back" });
    },
    about(text) {
      const named = requests.find(({ request }) => text.includes(request.title.replace(/ \(.*| ?, .*/, "")));
      return named && { request: named.request.id, picture: named.request.picture };
    },
    arrive(title) {
      const found = requests.find(({ request }) => request.title === title);
      if (!found) return undefined;
      const { progress } = found.request;
      Object.assign(found.request, {
        state: "watchable",
        closed_at_ms: Date.now(),
        progress: progress && { ...progress, here: progress.wanted, percent: 100, line: "It can be watched." },
      });
      found.story.push({ at_ms: Date.now(), kind: "watchable", text: "It can be watched." });
      return found.owner;
    },
    run(name, body, person) {
      if (!house.connected) return undefined;
      const could_not_ask = house.radarr_up ? [] : SILENT;
      const disks = person.standing === "admin" ? DISKS : [];
      switch (name) {
        case "tmdb_search_multi": {
          const title = String(body.query);
          return { ...said(""), cards: [{ title: `${title} (1921)`, picture: poster(title) }] };
        }
        case "media_library":
          return said(
            house.bare
              ? { films: house.radarr_up ? 0 : null, series: 0, episodes: 0, size_bytes: 0, could_not_ask }
              : {
                  films: 612,
                  series: 48,
                  episodes: 2_316,
                  size_bytes: 5_120 * GB,
                  by_year: buckets(
                    "1900s: 6, 1910s: 31, 1920s: 148, 1930s: 96, 1940s: 122, 1950s: 101, 1960s: 73, 1970s: 35",
                  ),
                  by_genre: buckets(
                    "Comedy: 204, Drama: 171, Mystery: 88, Horror: 64, Western: 51, Science Fiction: 29, Documentary: 12",
                  ),
                  by_resolution: buckets("4K: 41, 1080p: 402, 720p: 133, SD: 84"),
                  growth: Array.from({ length: 12 }, (_, place) => ({
                    month: `${place === 0 ? 2025 : 2026}-${String(place === 0 ? 12 : place).padStart(2, "0")}`,
                    count: 8 + ((place * 7) % 19),
                    size_bytes: (60 + ((place * 37) % 140)) * GB,
                  })),
                  disks,
                  could_not_ask,
                },
          );
        case "media_queue":
          queue_asked += 1;
          return said({
            downloads: house.bare
              ? []
              : [
                  ...(house.radarr_up
                    ? [
                        {
                          service: "radarr",
                          instance: "default",
                          title: "Metropolis (1927)",
                          detail: "HD-1080p",
                          percent: Math.min(99, 41 + queue_asked),
                          time_left: "12 min",
                          size_bytes: 11.4 * GB,
                          state: "downloading",
                          problem: null,
                          picture: poster("Metropolis"),
                        },
                      ]
                    : []),
                  {
                    service: "sonarr",
                    instance: "kids",
                    title: "Dragnet",
                    detail: "Season 2, 10 episodes",
                    percent: 8,
                    time_left: null,
                    size_bytes: 14 * GB,
                    state: "warning",
                    problem: "Nobody offers the rest of it at the moment; it is tried again by itself.",
                    picture: null,
                  },
                ],
            could_not_ask,
          });
        case "media_calendar": {
          const at = (days: number, hour: string) =>
            `${new Date(now + days * DAY).toISOString().slice(0, 10)}T${hour}:00Z`;
          const entry = (kind: string, title: string, detail: string, when: string, is_here = false) => ({
            date: when.slice(0, 10),
            entries: [{ kind, title, detail, at: when, is_here, picture: poster(title) }],
          });
          return said({
            days: house.bare
              ? []
              : [
                  entry("episode", "Dragnet", "S02E03 · The Big Phone", at(0, "20:00")),
                  entry("episode", "One Step Beyond", "S01E08 · The Dead Part of the House", at(1, "18:30"), true),
                  // Late in London, tomorrow in Berlin.
                  entry("episode", "Night Court", "S01E02 · The Late Case", at(1, "23:30")),
                  entry("film", "The Phantom of the Opera", "on disc", at(6, "00:00")),
                ],
            could_not_ask,
          });
        }
        case "media_health":
          return said({
            state: "degraded",
            services: [
              house.radarr_up
                ? { name: "radarr default", state: "up", version: "5.2.6", problems: [], reason: null }
                : { name: "radarr default", state: "down", version: null, problems: [], reason: SILENT[0]?.reason },
              {
                name: "sonarr kids",
                state: "up",
                version: "4.0.9",
                problems: ["The download client is nearly out of space."],
                reason: null,
              },
              {
                name: "plex",
                state: "down",
                version: null,
                problems: [],
                reason: "plex at nas:32400 refused the token",
              },
            ],
            disks,
          });
        case "read_household_preferences":
          return said(profileOf(body.whose, person));
        case "update_household_preferences": {
          if (body.whose === "household") return { asks: true };
          if (JSON.stringify(body).includes("refuse this"))
            return { ...said("nothing was changed: likes.genres does not fit"), is_error: true };
          change(profileOf("me", person), body);
          return { ...said("Changed."), receipt: "Your taste was changed." };
        }
        case "household_learned":
          if (body.whose === "me" || lessons.length === 0) return said("Nothing was learned yet.");
          return said({ learned: lessons.length, newest: lessons });
        case "household_unlearn":
          lessons = lessons.filter(({ id }) => id !== body.id);
          return said("Taken back.");
        default:
          return undefined;
      }
    },
    carry({ tool, arguments: text }) {
      if (tool === "sonarr_add_series") return "Dragnet (1951) was added.";
      change(taste.household ?? {}, JSON.parse(text) as Record<string, unknown>);
      return "The household's taste was changed.";
    },
  };
  return house;
}

function iso(ms: number) {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** As the tool changes a profile: by path, or merged with null removing. */
function change(profile: Profile, { patch, path, value, append, remove_value }: Record<string, unknown>) {
  if (patch) return merge(profile, patch as Profile);
  const steps = String(path).split(".");
  const last = steps.pop() ?? "";
  let place = profile;
  for (const step of steps) {
    place[step] ??= {};
    place = place[step] as Profile;
  }
  const list = (place[last] as unknown[] | undefined) ?? [];
  if (append !== undefined) place[last] = [...list, ...[append].flat()];
  else if (remove_value !== undefined)
    place[last] = list.filter((one) => !([remove_value].flat() as unknown[]).includes(one));
  else place[last] = value;
}

function merge(target: Profile, patch: Profile) {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete target[key];
    else if (typeof value === "object" && !Array.isArray(value)) {
      target[key] ??= {};
      merge(target[key] as Profile, value as Profile);
    } else target[key] = value;
  }
}

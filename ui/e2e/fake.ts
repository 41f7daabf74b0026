/**
 * The page's own test server: serves `dist` under the service's content policy and answers `/api` in its shapes, with
 * a scripted turn. Knows nothing of models or tools. Everything lives in memory and starts afresh with each call.
 */

import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import type { Card, Event, EventKind, Message, Part, RunningTurn, TurnState, Usage } from "../src/api/types";

const here = dirname(fileURLToPath(import.meta.url));

export interface Fake {
  url: string;
  code: string;
  /** Paths asked for, in order, with their method. */
  requests: string[];
  /** While true every request to `/api` is refused with 503. */
  setDown(down: boolean): void;
  /** While true the catalogue of models is refused. */
  setCatalogueDown(down: boolean): void;
  close(): Promise<void>;
}

interface Stored {
  id: string;
  title: string;
  agent: string;
  created_at_ms: number;
  updated_at_ms: number;
  messages: Message[];
  turns: number;
  events: Event[];
  watchers: Set<ServerResponse>;
  running: (RunningTurn & { cancel: () => void }) | null;
  queue: { turn: string; ordinal: number; text: string; model: string }[];
}

interface StoredTurn {
  id: string;
  conversation: string;
  state: TurnState;
  model: string;
  started_at_ms: number;
  finished_at_ms: number | null;
  usage: Usage;
  cost_micros: number;
}

const FILMS: [string, string, string, string, string, string][] = [
  [
    "Metropolis",
    "1927",
    "2 h 33 min · Science Fiction",
    "8.2",
    "Kanopy, Plex",
    "In a city of towers and machines, the son of its master falls in love with a prophet of the workers below.",
  ],
  [
    "The General",
    "1926",
    "1 h 19 min · Comedy, Adventure",
    "7.9",
    "Plex",
    "When Union spies steal his locomotive, an engineer gives chase through enemy lines, alone.",
  ],
  [
    "A Trip to the Moon",
    "1902",
    "13 min · Fantasy",
    "7.9",
    "Internet Archive",
    "Six astronomers are shot to the Moon in a capsule, are captured by its people, and come home.",
  ],
  [
    "Nosferatu",
    "1922",
    "1 h 34 min · Horror",
    "7.7",
    "Kanopy, Shudder",
    "A clerk travels to the Carpathians to sell a house to a count who should have stayed where he was.",
  ],
  [
    "Sherlock Jr.",
    "1924",
    "45 min · Comedy, Mystery",
    "8.1",
    "Plex",
    "A projectionist who studies to be a detective dreams himself into the film he is showing.",
  ],
  [
    "The Kid",
    "1921",
    "1 h 8 min · Comedy, Drama",
    "8.1",
    "Max",
    "A tramp takes in an abandoned child. Events put their bond to the test.",
  ],
  [
    "Safety Last!",
    "1923",
    "1 h 14 min · Comedy",
    "7.9",
    "",
    "A boy goes to the city to make his fortune and ends up hanging from its tallest clock.",
  ],
];

const card = ([title, year, line, score, where, text]: (typeof FILMS)[number], picture = true): Card => ({
  title: `${title} (${year})`,
  subtitle: `Film · ${line}`,
  text,
  ...(picture
    ? { picture: `tmdb:w342/${encodeURIComponent(title.toLowerCase().replaceAll(/[^a-z]+/g, "-"))}.jpg` }
    : {}),
  facts: [
    { label: "Score", value: `${score} / 10` },
    ...(where === "" ? [] : [{ label: "Streams on", value: where }]),
    { label: "For children", value: title === "Nosferatu" ? "no" : "yes" },
  ],
  link: `https://www.themoviedb.org/search?query=${encodeURIComponent(title)}`,
  source: "Data: TMDb",
});

const ANSWER = `Two of this week's seven are made for a family evening, and one I would keep for later.

**For everyone**

- **The General** (1926): a chase on rails from the first minute to the last. Nothing in it to worry about.
- **The Kid** (1921): funny and warm; one sad scene in the middle.

**Not for the small ones:** *Nosferatu* (1922). It is quiet, but the shadow on the stairs stays with you.

| Film | Length | From age |
| --- | --- | ---: |
| The General | 1 h 19 min | 6 |
| The Kid | 1 h 8 min | 6 |
| Nosferatu | 1 h 34 min | 12 |

If you have an hour and a quarter tonight, I would take [The General](https://www.themoviedb.org/movie/961).`;

const LONG = Array.from({ length: 40 }, (_, place) => `This is sentence ${place + 1} of a long answer.`).join(" ");

const CODE = `Here is the part of the settings that does it:

\`\`\`toml
[tools.radarr.default]
base_url = "http://nas:7878/radarr"
api_key  = "env:RADARR_API_KEY"
\`\`\`

Put it into \`majordomo.toml\` and start the service again. A picture from elsewhere is never loaded: ![a poster](https://example.com/poster.png)`;

const usage = (input_tokens: number, output_tokens: number): Usage => ({
  input_tokens,
  cached_input_tokens: Math.round(input_tokens * 0.6),
  output_tokens,
  estimated: false,
});

/** Starts on a free port of the loopback. `pace_ms` is the time between two pieces of an answer. */
export async function startFake({ pace_ms = 28, dist = join(here, "..", "dist") } = {}): Promise<Fake> {
  const code = randomUUID().slice(0, 8).toUpperCase();
  const session = randomUUID();
  const csrf = randomUUID();
  const began = Date.now();
  const requests: string[] = [];
  let down = false;
  let catalogue_down = false;
  const conversations = new Map<string, Stored>();
  const turns = new Map<string, StoredTurn>();
  const people = [
    {
      id: "p1",
      name: "Admin",
      standing: "admin",
      zone: "Europe/Berlin",
      language: "en",
      created_at_ms: began - 40 * 86_400_000,
    },
    { id: "p2", name: "Guest", standing: "member", created_at_ms: began - 12 * 86_400_000 },
    { id: "p3", name: "Kid", standing: "child", created_at_ms: began - 3 * 86_400_000 },
  ];
  const keys: { id: string; name: string; person: string; scopes: string[]; created_at_ms: number }[] = [
    { id: "k1", name: "kitchen display", person: "p1", scopes: ["read"], created_at_ms: began - 9 * 86_400_000 },
  ];

  function conversation(title: string, at: number): Stored {
    const made: Stored = {
      id: randomUUID(),
      title,
      agent: "majordomo",
      created_at_ms: at,
      updated_at_ms: at,
      messages: [],
      turns: 0,
      events: [],
      watchers: new Set(),
      running: null,
      queue: [],
    };
    conversations.set(made.id, made);
    return made;
  }

  function store(turn: string, ordinal: number, place: number, role: Message["role"], parts: Part[]) {
    const message: Message = {
      id: randomUUID(),
      turn,
      position: ordinal * 1000 + place,
      role,
      parts,
      created_at_ms: Date.now(),
    };
    return message;
  }

  function past(title: string, days: number, question: string, answer: string) {
    const made = conversation(title, began - days * 86_400_000);
    const turn = randomUUID();
    made.turns = 1;
    made.messages = [
      store(turn, 1, 0, "user", [{ type: "text", text: question }]),
      store(turn, 1, 1, "assistant", [{ type: "text", text: answer }]),
    ];
    turns.set(turn, {
      id: turn,
      conversation: made.id,
      state: "done",
      model: "openai/gpt-5-mini",
      started_at_ms: made.created_at_ms,
      finished_at_ms: made.created_at_ms + 2_400,
      usage: usage(1_240, 96),
      cost_micros: 502,
    });
    return made;
  }
  past("Connect Radarr to the house", 0.1, "How do I connect Radarr?", CODE);
  past(
    "When is the next episode of The Prisoner?",
    1.2,
    "When is the next episode of The Prisoner?",
    "The series is over: all 17 episodes have aired.",
  );
  past("Something short for Sunday", 4, "Something short for Sunday?", "*A Trip to the Moon* takes 13 minutes.");
  past("Films for an evening alone", 6, "Which films may the kids watch alone?", "The Kid and The General.");
  past("Silent comedies under an hour", 18, "Silent comedies under an hour?", "*Sherlock Jr.* is 45 minutes long.");

  function emit(target: Stored, ordinal: number, turn: string, kind: EventKind) {
    const last = target.events.at(-1)?.number ?? 0;
    const number = Math.max(ordinal * 1_000_000 + 1, last + 1);
    const event = { conversation: target.id, number, turn, ...kind } as Event;
    target.events.push(event);
    for (const watcher of target.watchers) watcher.write(`id: ${number}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  async function run(target: Stored, { turn, ordinal, text, model }: Stored["queue"][number]) {
    let cancelled = false;
    const wake: { now?: () => void } = {};
    const started_at_ms = Date.now();
    const running: NonNullable<Stored["running"]> = {
      turn,
      started_at_ms,
      model,
      text: "",
      thinking: "",
      calls: [],
      cancel: () => {
        cancelled = true;
        wake.now?.();
      },
    };
    target.running = running;
    const say = (kind: EventKind) => emit(target, ordinal, turn, kind);
    const pause = (ms: number) =>
      new Promise<void>((resolve) => {
        if (cancelled) return resolve();
        const timer = setTimeout(resolve, ms);
        wake.now = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    const added: Message[] = [];
    let place = 1;
    const keep = (role: Message["role"], parts: Part[]) => {
      added.push(store(turn, ordinal, place, role, parts));
      place += 1;
    };

    say({ type: "turn_started", started_at_ms });
    say({ type: "model_asked", model, step: 1 });
    await pause(pace_ms * 20);

    const wants_films = /trend|watch|film|kids/i.test(text);
    if (wants_films && !cancelled) {
      const thought =
        "They want this week's titles, and which of them suit children. Ask for the trending list first, then for ratings of each.";
      for (const word of thought.split(" ")) {
        running.thinking += `${word} `;
        say({ type: "thinking_delta", text: `${word} ` });
        await pause(pace_ms / 2);
      }
      const calls = [
        {
          id: "c1",
          name: "tmdb_trending",
          title: "Asking TMDb what is trending this week",
          args: '{"media_type":"movie","window":"week"}',
          cards: FILMS.map((film) => card(film)),
          ms: 412,
          error: false,
        },
        {
          id: "c2",
          name: "tmdb_certifications",
          title: "Looking up age ratings for 7 films",
          args: '{"ids":[19,961,775,653,992,10098,22596]}',
          cards: [],
          ms: 286,
          error: false,
        },
        {
          id: "c3",
          name: "tvmaze_schedule",
          title: "Asking TVmaze for tonight's schedule",
          args: '{"country":"DE"}',
          cards: [],
          ms: 1204,
          error: true,
        },
      ];
      keep("assistant", [
        { type: "thinking", text: thought },
        ...calls.map((call) => ({ type: "call" as const, id: call.id, name: call.name, arguments: call.args })),
      ]);
      const results: Part[] = [];
      for (const call of calls) {
        if (cancelled) break;
        running.calls.push({
          call_id: call.id,
          name: call.name,
          title: call.title,
          finished: false,
          is_error: false,
          summary: "",
          cards: [],
          duration_ms: 0,
        });
        say({ type: "call_started", call_id: call.id, name: call.name, title: call.title });
      }
      for (const call of calls) {
        if (cancelled) break;
        await pause(pace_ms * 12);
        if (cancelled) break;
        const summary = call.error
          ? "TVmaze did not answer within 1 s at api.tvmaze.com:443"
          : `${call.cards.length || 7} found`;
        const seen = running.calls.find((other) => other.call_id === call.id);
        if (seen)
          Object.assign(seen, {
            finished: true,
            is_error: call.error,
            summary,
            cards: call.cards,
            duration_ms: call.ms,
          });
        say({
          type: "call_finished",
          call_id: call.id,
          name: call.name,
          title: call.title,
          is_error: call.error,
          summary,
          cards: call.cards,
          duration_ms: call.ms,
        });
        results.push({
          type: "result",
          call_id: call.id,
          name: call.name,
          text: summary,
          is_error: call.error,
          cards: call.cards,
          duration_ms: call.ms,
          title: call.title,
        });
      }
      if (results.length > 0) keep("tool", results);
      if (!cancelled) say({ type: "model_asked", model, step: 2 });
      await pause(pace_ms * 8);
    }

    const failed = /fail/i.test(text);
    const answer = wants_films
      ? ANSWER
      : /long/i.test(text)
        ? LONG
        : /code|radarr/i.test(text)
          ? CODE
          : `You said: ${text}`;
    const parts: Part[] = [];
    if (/fallback/i.test(text)) {
      const notice = { kind: "fallback" as const, text: "openai was busy, so openrouter/gpt-5-mini answered." };
      say({ type: "noticed", notice });
      parts.push({ type: "notice", ...notice });
    }
    if (!failed) {
      for (const piece of answer.match(/\S+\s*/g) ?? []) {
        if (cancelled) break;
        running.text += piece;
        say({ type: "text_delta", text: piece });
        await pause(pace_ms);
      }
      parts.unshift({ type: "text", text: running.text });
    }
    if (cancelled) parts.push({ type: "notice", kind: "cancelled", text: "You stopped this answer." });
    if (failed)
      parts.push({
        type: "notice",
        kind: "failed",
        text: "No model could be reached: openai refused the key. Nothing was changed.",
      });
    if (/partial/i.test(text))
      parts.push({
        type: "notice",
        kind: "partial",
        text: "This took more steps than allowed, so the answer rests on what was found until then.",
      });
    if (/slow/i.test(text))
      parts.push({ type: "notice", kind: "timed_out", text: "This took longer than 90 s and was stopped." });
    keep("assistant", parts);
    const state: TurnState = cancelled ? "cancelled" : failed ? "failed" : "done";
    target.messages.push(...added);
    target.updated_at_ms = Date.now();
    target.running = null;
    const used = usage(2_318, 274);
    turns.set(turn, {
      id: turn,
      conversation: target.id,
      state,
      model,
      started_at_ms,
      finished_at_ms: Date.now(),
      usage: used,
      cost_micros: 1_843,
    });
    say({
      type: "turn_finished",
      state,
      messages: added,
      model,
      usage: used,
      cost_micros: 1_843,
      duration_ms: Date.now() - started_at_ms,
    });
    next(target);
  }

  function next(target: Stored) {
    const waiting = target.queue.shift();
    if (waiting && conversations.has(target.id)) void run(target, waiting);
  }

  const wire = (target: Stored) => ({
    id: target.id,
    title: target.title,
    agent: target.agent,
    created_at_ms: target.created_at_ms,
    updated_at_ms: target.updated_at_ms,
    message_count: target.messages.length,
    pending: target.running !== null || target.queue.length > 0,
  });

  const me = () => ({
    person: people[0],
    csrf_token: csrf,
    version: "0.1.0",
    demo: {
      parts: ["model", "tmdb", "tvmaze"],
      text: "This is a demo: a scripted model answers, and film data comes from a small built-in library.",
    },
    suggestions: [
      {
        title: "What's trending, and is it good for kids?",
        prompt: "What's trending this week, and is any of it good for kids?",
      },
      {
        title: "A film for tonight under 90 minutes",
        prompt: "What should we watch tonight? Under 90 minutes, please.",
      },
      { title: "Who made Metropolis?", prompt: "Who made the film Metropolis, and what else did they make?" },
      { title: "What is on television tonight?", prompt: "What is on television tonight?" },
    ],
    agents: [{ id: "majordomo", name: "Majordomo" }],
  });

  async function api(request: IncomingMessage, response: ServerResponse, url: URL) {
    const answer = (status: number, body?: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    const refuse = (status: number, error: string, error_code: string) =>
      answer(status, { error, error_code, request_id: randomUUID(), timestamp: new Date().toISOString() });
    if (down) return refuse(503, "the service is shutting down", "UNAVAILABLE");

    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body = (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>;
    const [, , area = "", id = "", part = ""] = url.pathname.split("/");
    const method = request.method ?? "GET";

    if (area === "login") {
      if (body.code !== code) return refuse(401, "this code is not valid any more", "WRONG_CODE");
      return answer(200, me(), { "set-cookie": `majordomo=${session}; HttpOnly; SameSite=Strict; Path=/` });
    }
    if (!request.headers.cookie?.includes(session)) return refuse(401, "sign in first", "NOT_SIGNED_IN");
    if (method !== "GET" && request.headers["x-csrf-token"] !== csrf)
      return refuse(403, "the page is out of date", "CSRF");

    switch (area) {
      case "logout":
        return answer(204, undefined, { "set-cookie": "majordomo=; Max-Age=0; Path=/" });
      case "me":
        return answer(200, me());
      case "models":
        if (catalogue_down) return refuse(502, "the catalogue could not be asked", "UPSTREAM");
        return answer(200, {
          models: [
            {
              name: "openai/gpt-5-mini",
              provider: "openai",
              id: "gpt-5-mini",
              context_tokens: 400_000,
              price: { input: 0.25, output: 2 },
            },
            {
              name: "openai/gpt-5",
              provider: "openai",
              id: "gpt-5",
              context_tokens: 400_000,
              price: { input: 1.25, output: 10 },
            },
            { name: "openrouter/mistral-large", provider: "openrouter", id: "mistral-large", context_tokens: 128_000 },
            {
              name: "ollama/llama3.3",
              provider: "ollama",
              id: "llama3.3",
              context_tokens: 131_072,
              price: { input: 0, output: 0 },
            },
          ],
          default: "openai/gpt-5-mini",
          live: false,
          problem: "openrouter did not answer: connection refused",
        });
      case "usage":
        return answer(200, {
          days: Array.from({ length: 24 }, (_, place) => ({
            day: new Date(began - (23 - place) * 86_400_000).toISOString().slice(0, 10),
            input_tokens: 9_000 + ((place * 7_919) % 31_000),
            output_tokens: 1_200 + ((place * 3_571) % 5_200),
            cost_micros: 4_000 + ((place * 6_151) % 41_000),
            turns: 2 + ((place * 13) % 17),
          })),
        });
      case "people":
        if (part === "link")
          return answer(200, { url: `${url.origin}/#code=DEMO-LINK`, expires_at_ms: Date.now() + 3_600_000 });
        if (method === "GET") return answer(200, { people });
        if (method === "POST") {
          const person = {
            id: randomUUID(),
            name: String(body.name),
            standing: String(body.standing ?? "member"),
            created_at_ms: Date.now(),
          };
          people.push(person);
          return answer(201, person);
        }
        if (method === "DELETE")
          people.splice(
            people.findIndex((person) => person.id === id),
            1,
          );
        return answer(204);
      case "keys":
        if (method === "GET") return answer(200, { keys });
        if (method === "POST") {
          const key = {
            id: randomUUID(),
            name: String(body.name),
            person: "p1",
            scopes: [],
            created_at_ms: Date.now(),
          };
          keys.push(key);
          return answer(201, { ...key, key: `mdk_${randomUUID().replaceAll("-", "")}` });
        }
        keys.splice(
          keys.findIndex((key) => key.id === id),
          1,
        );
        return answer(204);
      case "turns": {
        const turn = turns.get(id);
        if (part === "cancel") {
          const target = [...conversations.values()].find(
            (other) => other.running?.turn === id || other.queue.some((waiting) => waiting.turn === id),
          );
          if (target?.running?.turn === id) target.running.cancel();
          else if (target) target.queue = target.queue.filter((waiting) => waiting.turn !== id);
          return answer(200, { cancelled: target ? 1 : 0 });
        }
        return turn ? answer(200, { turn, steps: [] }) : refuse(404, "there is no such turn", "NOT_FOUND");
      }
      case "pictures":
        return picture(response, decodeURIComponent(url.pathname.split("/").at(-1) ?? ""));
      case "conversations":
        break;
      default:
        return refuse(404, "there is no such path", "NOT_FOUND");
    }

    if (id === "") {
      if (method === "POST")
        return answer(201, wire(conversation(String(body.title ?? "New conversation"), Date.now())));
      const query = (url.searchParams.get("query") ?? "").toLowerCase();
      const found = [...conversations.values()]
        .filter((target) => target.title.toLowerCase().includes(query))
        .sort((a, b) => b.updated_at_ms - a.updated_at_ms);
      return answer(200, { conversations: found.map(wire), more: false });
    }
    const target = conversations.get(id);
    if (!target) return refuse(404, "there is no such conversation", "NOT_FOUND");
    if (part === "events") return events(request, response, target, url);
    if (part === "messages") {
      if (method === "GET") return answer(200, { messages: target.messages, more: false });
      if (method === "DELETE") {
        const deleted = target.messages.length;
        target.messages = [];
        emit(target, target.turns, "", { type: "conversation_cleared" });
        return answer(200, { deleted });
      }
      const said = String(body.text ?? "");
      if (said.trim() === "") return refuse(422, "say something first", "EMPTY");
      const turn = randomUUID();
      target.turns += 1;
      const ordinal = target.turns;
      const files = (body.files ?? []) as { name: string; media_type: string; data: string }[];
      const message = store(turn, ordinal, 0, "user", [
        { type: "text", text: said },
        ...files.map(
          (file): Part =>
            file.media_type.startsWith("image/")
              ? { type: "image", media_type: file.media_type, data: file.data }
              : { type: "file", ...file },
        ),
      ]);
      if (target.messages.length === 0) {
        target.title = said.slice(0, 40);
        emit(target, ordinal, turn, { type: "conversation_renamed", title: target.title });
      }
      target.messages.push(message);
      target.updated_at_ms = Date.now();
      const ahead = (target.running ? 1 : 0) + target.queue.length;
      target.queue.push({ turn, ordinal, text: said, model: String(body.model ?? "openai/gpt-5-mini") });
      emit(target, ordinal, turn, { type: "turn_queued", message, ahead });
      answer(202, { turn_id: turn, ahead });
      if (!target.running) next(target);
      return;
    }
    if (method === "PATCH") {
      target.title = String(body.title);
      emit(target, target.turns, "", { type: "conversation_renamed", title: target.title });
      return answer(200, wire(target));
    }
    if (method === "DELETE") {
      target.running?.cancel();
      emit(target, target.turns, "", { type: "conversation_deleted" });
      conversations.delete(id);
      return answer(204);
    }
    return answer(200, { ...wire(target), usage: usage(6_412, 801), cost_micros: 5_120, turns: target.turns });
  }

  function events(request: IncomingMessage, response: ServerResponse, target: Stored, url: URL) {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": hello\n\n");
    const after = Number(request.headers["last-event-id"] ?? url.searchParams.get("after") ?? Number.NaN);
    if (Number.isFinite(after)) {
      for (const event of target.events) {
        if (event.number > after) response.write(`id: ${event.number}\ndata: ${JSON.stringify(event)}\n\n`);
      }
    } else {
      const running = target.running ? { ...target.running, cancel: undefined } : null;
      const number = target.events.at(-1)?.number ?? 0;
      const snapshot = {
        conversation: target.id,
        number,
        turn: running?.turn ?? "",
        type: "snapshot",
        running,
        queued: target.queue.length,
      };
      response.write(`id: ${number}\ndata: ${JSON.stringify(snapshot)}\n\n`);
    }
    target.watchers.add(response);
    response.on("close", () => target.watchers.delete(response));
  }

  function picture(response: ServerResponse, name: string) {
    const hue = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0) * 7, 0) % 360;
    const title = name.replace(".jpg", "").replaceAll("-", " ").toUpperCase().trim();
    const words = title.split(" ");
    const lines = words
      .map(
        (word, place) =>
          `<text x="24" y="${392 + (place - words.length) * 40 + 70}" font-size="${word.length > 8 ? 34 : 42}" font-weight="700">${word}</text>`,
      )
      .join("");
    const rays = Array.from(
      { length: 9 },
      (_, place) => `<path d="M171 190 L${-60 + place * 58} -40 L${-34 + place * 58} -40 Z" opacity=".16"/>`,
    ).join("");
    response.writeHead(200, { "content-type": "image/svg+xml", "cache-control": "max-age=604800" });
    response.end(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 342 513"><defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="hsl(${hue} 45% 34%)"/><stop offset="1" stop-color="hsl(${(hue + 40) % 360} 50% 14%)"/></linearGradient></defs><rect width="342" height="513" fill="url(#g)"/><g fill="#fff">${rays}</g><circle cx="171" cy="190" r="74" fill="hsl(${(hue + 30) % 360} 65% 70%)"/><rect x="60" y="200" width="222" height="120" fill="hsl(${hue} 40% 18%)"/><g fill="#fff" font-family="Georgia, serif">${lines}</g></svg>`,
    );
  }

  const types: Record<string, string> = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
    requests.push(`${request.method} ${url.pathname}`);
    response.setHeader(
      "content-security-policy",
      "default-src 'self'; img-src 'self' data:; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    response.setHeader("x-content-type-options", "nosniff");
    const handled = (async () => {
      if (url.pathname.startsWith("/api/")) return api(request, response, url);
      if (url.pathname === "/health") {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(
          JSON.stringify({
            status: "degraded",
            version: "0.1.0",
            components: {
              api: "operational",
              concentrate_ai: "operational",
              database: "operational",
              models: "operational",
              tmdb_api: "operational",
              tvmaze_api: "degraded",
            },
            details: { models: "openai", tvmaze_api: "did not answer at api.tvmaze.com:443" },
            off: {},
          }),
        );
        return;
      }
      const path = normalize(url.pathname === "/" ? "/index.html" : url.pathname);
      const content = await readFile(join(dist, path));
      response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream" });
      response.end(content);
    })();
    handled.catch(() => {
      if (!response.headersSent) response.writeHead(404);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    code,
    requests,
    setDown: (value) => {
      down = value;
      if (value) for (const target of conversations.values()) for (const watcher of target.watchers) watcher.destroy();
    },
    setCatalogueDown: (value) => {
      catalogue_down = value;
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

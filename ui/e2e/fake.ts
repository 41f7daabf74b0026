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
import type {
  Approval,
  Card,
  Decision,
  Event,
  EventKind,
  Identity,
  Message,
  Part,
  Person,
  RunningTurn,
  ShownApproval,
  Standing,
  TakenBack,
  TurnState,
  UndoOffer,
  Usage,
} from "../src/api/types";
import { household, type PartyArguments, party, TOOLS } from "./household.ts";
import { MEDIA_TOOLS, type MediaHouse, mediaHouse, mediaWording } from "./media.ts";

const here = dirname(fileURLToPath(import.meta.url));

export interface Fake {
  url: string;
  /** Signs the admin in; `codes` do so for a member and a child. */
  code: string;
  codes: { member: string; child: string };
  /** Paths asked for, in order, with their method. */
  requests: string[];
  /** While true every request to `/api` is refused with 503. */
  setDown(down: boolean): void;
  /** While true the catalogue of models is refused. */
  setCatalogueDown(down: boolean): void;
  /** While true approvals are refused. */
  setApprovalsDown(down: boolean): void;
  /** What is asked for, and what the media tools answer. */
  media: MediaHouse;
  /** Says news to a person in a conversation of theirs of that title. */
  tell(title: string, text: string): void;
  close(): Promise<void>;
}

interface Stored {
  id: string;
  /** Whose it is. */
  person: string;
  title: string;
  agent: string;
  created_at_ms: number;
  updated_at_ms: number;
  messages: Message[];
  turns: number;
  events: Event[];
  watchers: Set<ServerResponse>;
  running: (RunningTurn & { cancel: () => void }) | null;
  queue: { turn: string; ordinal: number; text: string; model: string; decided?: Approval; news?: boolean }[];
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

const LINKS = `The well-known [one](https://www.themoviedb.org/movie/961), the one [you named](https://pages.example/a),
[another](https://evil.example/?d=secret), its bare twin https://evil.example/secret and a
[disguise](https://www.themoviedb.org@evil.example/). ${"Then some more words. ".repeat(20)}`;

const usage = (input_tokens: number, output_tokens: number): Usage => ({
  input_tokens,
  cached_input_tokens: Math.round(input_tokens * 0.6),
  output_tokens,
  estimated: false,
});

/** Starts on a free port of the loopback. `pace_ms` is the time between two pieces of an answer. */
export async function startFake({ pace_ms = 28, dist = join(here, "..", "dist") } = {}): Promise<Fake> {
  const one_time = () => randomUUID().slice(0, 8).toUpperCase();
  const code = one_time();
  const codes = { member: one_time(), child: one_time() };
  const persons: Record<string, string> = { [code]: "p1", [codes.member]: "p2", [codes.child]: "p3" };
  /** Person by session. */
  const sessions = new Map<string, string>();
  const csrf = randomUUID();
  const began = Date.now();
  const requests: string[] = [];
  let down = false;
  let catalogue_down = false;
  let approvals_down = false;
  const conversations = new Map<string, Stored>();
  const turns = new Map<string, StoredTurn>();
  const taken_back = new Map<string, TakenBack[]>();
  const { people, identities, facts, audit } = household(began);
  const approvals = new Map<string, Approval>();
  const media = mediaHouse(began);
  const hooks: { name: string; made_at_ms: number | null }[] = ["radarr", "sonarr", "plex"].map((name) => ({
    name,
    made_at_ms: null,
  }));
  const keys: { id: string; name: string; person: string; scopes: string[]; created_at_ms: number }[] = [
    { id: "k1", name: "kitchen display", person: "p1", scopes: ["read"], created_at_ms: began - 9 * 86_400_000 },
  ];

  function conversation(title: string, at: number, person = "p1"): Stored {
    const made: Stored = {
      id: randomUUID(),
      person,
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

  const RANKS: Standing[] = ["guest", "child", "member", "admin"];

  function mayDecide({ approvers, requester, state }: Approval, person: Person) {
    const { standing } = approvers;
    const fits = standing !== null && RANKS.indexOf(person.standing) >= RANKS.indexOf(standing);
    return state === "open" && ((approvers.requester && person.id === requester) || fits);
  }

  const nameOf = (id: string | null) => people.find((person) => person.id === id)?.name ?? null;

  function shown(approval: Approval, person: Person): ShownApproval {
    return {
      ...approval,
      requester_name: nameOf(approval.requester) ?? "",
      decided_by_name: nameOf(approval.decided_by),
      may_decide: mayDecide(approval, person),
      request_id: null,
    };
  }

  function log(kind: string, subject: string, detail: string, actor: string | null) {
    const seq = (audit[0]?.seq ?? 0) + 1;
    const at_ms = Date.now();
    audit.unshift({
      seq,
      at_ms,
      actor,
      actor_name: nameOf(actor),
      kind,
      subject,
      conversation: null,
      turn: null,
      detail,
    });
  }

  /** Stores an approval, tells of it, and lets it expire. */
  function park(
    target: Stored,
    turn: string,
    call_id: string,
    tool: string,
    args: Record<string, unknown>,
    text: string,
    replaces?: string,
  ) {
    const requester = people.find(({ id }) => id === target.person);
    const now = Date.now();
    const lasts = /quickly/.test(text) ? 3_000 : 600_000;
    const approval: Approval = {
      id: randomUUID(),
      conversation: target.id,
      turn,
      call_id,
      agent: "majordomo",
      requester: target.person,
      tool,
      instance: "",
      arguments: JSON.stringify(args),
      schema_hash: "9f2c",
      fingerprint: randomUUID().replaceAll("-", ""),
      approvers:
        requester?.standing === "child"
          ? { requester: false, standing: "member" }
          : tool.startsWith("party")
            ? { requester: true, standing: null }
            : { requester: false, standing: "admin" },
      ...(tool.startsWith("party") ? party(args as unknown as PartyArguments, text) : mediaWording(tool, args)),
      state: "open",
      created_at_ms: now,
      expires_at_ms: now + lasts,
      decided_at_ms: null,
      decided_by: null,
      decision_turn: null,
      replaces: replaces ?? null,
      outcome: null,
    };
    approvals.set(approval.id, approval);
    const ordinal = target.turns;
    emit(target, ordinal, turn, { type: "approval_opened", approval: { ...approval } });
    setTimeout(() => {
      if (approval.state !== "open") return;
      become(target, approval, { state: "expired" });
      settle(target, approval, `Nobody decided in time: ${approval.wording.question}`);
    }, lasts).unref();
    return approval;
  }

  /** What taking somebody out again is offered as; a name may say that it is offered for a moment only. */
  function undoOf(name: string) {
    return {
      tool: "party_remove",
      arguments: { name } as unknown as Record<string, never>,
      title: `Take ${name} out of the party again`,
      until_ms: Date.now() + (/hasty/i.test(name) ? 1_500 : 3_600_000),
    };
  }

  function offerOf(call_id: string): UndoOffer | undefined {
    const parts = [...conversations.values()].flatMap(({ messages }) => messages).flatMap((one) => one.parts);
    return parts.flatMap((one) => (one.type === "result" && one.call_id === call_id ? (one.undo ?? []) : []))[0];
  }

  /** Once, whoever presses how often, and again where it failed; a name in the title may say what comes of it. */
  function takeBack(turn: string, call_id: string): string {
    const earlier = taken_back.get(turn) ?? [];
    const before = earlier.find((one) => one.call_id === call_id);
    if (before && !before.may_retry) return before.turn_id;
    const known = earlier.filter((one) => one !== before);
    const title = offerOf(call_id)?.title ?? "";
    const one: TakenBack = { call_id, turn_id: randomUUID(), state: "runs", reason: "", may_retry: false };
    if (/shared/i.test(title)) one.state = "waits";
    else
      setTimeout(() => {
        // The one called so comes back at the second try.
        const failed = /moody/i.test(title) && !before;
        const refused = failed || /stubborn/i.test(title);
        const reason = failed ? "could not ask the party: it did not answer" : "they are not in the party any more";
        Object.assign(one, refused ? { state: "refused", reason, may_retry: failed } : { state: "done" });
      }, pace_ms * 20).unref();
    taken_back.set(turn, [...known, one]);
    return one.turn_id;
  }

  function become(target: Stored, approval: Approval, change: Partial<Approval>) {
    Object.assign(approval, change);
    emit(target, target.turns, approval.turn, { type: "approval_changed", approval: { ...approval } });
  }

  function decide(approval: Approval, decision: Decision, person: Person) {
    const target = conversations.get(approval.conversation);
    if (!target) return undefined;
    const by = { decided_by: person.id, decided_at_ms: Date.now() };
    if (decision.decision === "change") {
      become(target, approval, { ...by, state: "changed" });
      const next = park(target, approval.turn, approval.call_id, approval.tool, decision.arguments, "", approval.id);
      return { approval: shown(approval, person), turn_id: null, changed_to: shown(next, person) };
    }
    const approved = decision.decision === "approve";
    become(target, approval, {
      ...by,
      ...(approved ? { state: "approved" } : { state: "declined", outcome: decision.reason }),
    });
    log("approval", approval.tool, `${approved ? "Approved" : "Declined"}: ${approval.wording.question}`, person.id);
    const said = `${approved ? "Approved" : "Declined"} by ${person.name}: ${approval.wording.question}`;
    return { approval: shown(approval, person), turn_id: settle(target, approval, said), changed_to: null };
  }

  /** Opens the turn that carries out what became of it. */
  function settle(target: Stored, approval: Approval, said: string) {
    const turn = randomUUID();
    target.turns += 1;
    const ordinal = target.turns;
    approval.decision_turn = turn;
    const message = store(turn, ordinal, 0, "user", [{ type: "notice", kind: "decided", text: said }]);
    target.messages.push(message);
    const ahead = (target.running ? 1 : 0) + target.queue.length;
    target.queue.push({ turn, ordinal, text: "", model: "openai/gpt-5-mini", decided: approval });
    emit(target, ordinal, turn, { type: "turn_queued", message, ahead });
    if (!target.running) next(target);
    return turn;
  }

  /** Puts news into a conversation: a turn with nothing to answer. */
  function tell(target: Stored, text: string) {
    const turn = randomUUID();
    target.turns += 1;
    const ordinal = target.turns;
    const message = store(
      turn,
      ordinal,
      0,
      "user",
      text.split("\n").map((line) => {
        const about = media.about(line);
        return { type: "notice", kind: "news", text: line, ...(about ? { about } : {}) };
      }),
    );
    target.messages.push(message);
    target.updated_at_ms = Date.now();
    const ahead = (target.running ? 1 : 0) + target.queue.length;
    target.queue.push({ turn, ordinal, text: "", model: "", news: true });
    emit(target, ordinal, turn, { type: "turn_queued", message, ahead });
    if (!target.running) next(target);
  }

  async function run(target: Stored, { turn, ordinal, text, model, decided, news }: Stored["queue"][number]) {
    if (news) {
      emit(target, ordinal, turn, { type: "turn_started", started_at_ms: Date.now() });
      const nothing = { messages: [], model: "", usage: usage(0, 0), cost_micros: 0, duration_ms: 0 };
      emit(target, ordinal, turn, { type: "turn_finished", state: "done", ...nothing });
      return next(target);
    }
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

    const receipts: Part[] = [];
    let told: string | undefined;
    const joins = /add (.+) to the party/i.exec(text)?.[1];
    const series = /add dragnet/i.test(text);
    if ((joins || series) && !cancelled) {
      const args: Record<string, unknown> = series
        ? { tvdb_id: 71_007, quality_profile: "HD-1080p", seasons_to_monitor: [1, 2] }
        : { name: joins, role: "Solo", level: 7 };
      // One that is not in the catalogue any more has no form.
      const tool = series ? "sonarr_add_series" : /rawly/.test(text) ? "party_join" : "party_add";
      const call = {
        call_id: "a1",
        name: series ? tool : "party_add",
        title: series ? "Adding Dragnet" : `Adding ${joins} to the party`,
      };
      keep("assistant", [{ type: "call", id: call.call_id, name: call.name, arguments: JSON.stringify(args) }]);
      say({ type: "call_started", ...call });
      running.calls.push({ ...call, finished: false, is_error: false, summary: "", cards: [], duration_ms: 0 });
      await pause(pace_ms * 8);
      const approval = park(target, turn, call.call_id, tool, args, text);
      const summary = `waiting for approval ${approval.id}`;
      Object.assign(running.calls.at(-1) ?? {}, { finished: true, summary });
      say({ type: "call_finished", ...call, is_error: false, summary, cards: [], duration_ms: 3 });
      keep("tool", [
        {
          type: "result",
          ...call,
          text: summary,
          is_error: false,
          cards: [],
          duration_ms: 3,
          approval: approval.id,
        },
      ]);
      told = "I have asked whether this may be done. Nothing happens until somebody decides.";
    }
    if (decided) {
      const { name = "" } = JSON.parse(decided.arguments) as Partial<PartyArguments>;
      const carried = decided.state === "approved" && !decided.tool.startsWith("party") ? media.carry(decided) : "";
      const outcome = carried
        ? { state: "executed" as const, text: carried }
        : /badly/.test(name)
          ? { state: "failed" as const, text: "The party did not answer at party:7777." }
          : /somehow/.test(name)
            ? { state: "uncertain" as const, text: "The party did not answer in time." }
            : { state: "executed" as const, text: `${name} was added to the party.` };
      if (decided.state === "approved") {
        const id = `a${decided.id.replaceAll("-", "")}`;
        keep("assistant", [{ type: "call", id, name: decided.tool, arguments: decided.arguments }]);
        become(target, decided, { state: "running" });
        await pause(pace_ms * 30);
        become(target, decided, { state: outcome.state, outcome: outcome.text });
        keep("tool", [
          {
            type: "result",
            call_id: id,
            name: decided.tool,
            text: outcome.text,
            is_error: outcome.state !== "executed",
            uncertain: outcome.state === "uncertain",
            cards: [],
            duration_ms: 41,
            title: `Adding ${name} to the party`,
            ...(outcome.state === "executed" ? { receipt: outcome.text } : {}),
            ...(outcome.state === "executed" && !carried ? { undo: undoOf(name) } : {}),
          },
        ]);
        if (outcome.state === "executed") receipts.push({ type: "notice", kind: "receipt", text: outcome.text });
        told = outcome.state === "executed" ? "Welcome aboard." : "That did not go as it should; see above.";
      } else if (decided.state === "declined" && decided.outcome) {
        told = `All right, ${name} stays out.`;
      } else {
        told = "";
        if (decided.state === "declined")
          receipts.push({ type: "notice", kind: "decided", text: decided.wording.declined });
      }
    }
    if (/claim/i.test(text)) {
      told = "I have added V to the party.";
      receipts.push({
        type: "notice",
        kind: "correction",
        text: "This has not happened: nobody was added to the party.",
      });
    }

    if (/links/i.test(text)) told = LINKS;

    const failed = /fail/i.test(text);
    const answer =
      told !== undefined
        ? told
        : wants_films
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
      if (running.text !== "") parts.unshift({ type: "text", text: running.text });
    }
    parts.push(...receipts);
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
    if (parts.length > 0) keep("assistant", parts);
    const state: TurnState = cancelled ? "cancelled" : failed ? "failed" : "done";
    target.messages.push(...added);
    target.updated_at_ms = Date.now();
    target.running = null;
    // Where there is nothing to say, no model is asked.
    const used = told === "" ? usage(0, 0) : usage(2_318, 274);
    const by = told === "" ? "" : model;
    turns.set(turn, {
      id: turn,
      conversation: target.id,
      state,
      model: by,
      started_at_ms,
      finished_at_ms: Date.now(),
      usage: used,
      cost_micros: 1_843,
    });
    say({
      type: "turn_finished",
      state,
      messages: added,
      model: by,
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

  const me = (person: Person | undefined) => ({
    person,
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
      const who = persons[String(body.code)];
      if (!who) return refuse(401, "this code is not valid any more", "WRONG_CODE");
      const session = randomUUID();
      sessions.set(session, who);
      const cookie = `majordomo=${session}; HttpOnly; SameSite=Strict; Path=/`;
      return answer(200, me(people.find((other) => other.id === who)), { "set-cookie": cookie });
    }
    const session = /majordomo=([^;]+)/.exec(request.headers.cookie ?? "")?.[1] ?? "";
    const person = people.find((other) => other.id === sessions.get(session));
    if (!person) return refuse(401, "sign in first", "NOT_SIGNED_IN");
    const admin = person.standing === "admin";
    const forbidden = () => refuse(403, "only an admin may do this", "FORBIDDEN");
    if (method !== "GET" && request.headers["x-csrf-token"] !== csrf)
      return refuse(403, "the page is out of date", "CSRF");

    switch (area) {
      case "logout":
        return answer(204, undefined, { "set-cookie": "majordomo=; Max-Age=0; Path=/" });
      case "me":
        if (id === "link-code") return answer(200, { code: one_time(), expires_at_ms: Date.now() + 600_000 });
        if (id === "data") {
          if (body.confirm !== person.name) return refuse(422, "the name does not match", "INVALID");
          const known = facts.filter(({ author }) => author === person.id);
          for (const fact of known) facts.splice(facts.indexOf(fact), 1);
          const own = [...conversations.values()].filter((other) => other.person === person.id);
          for (const { id } of own) conversations.delete(id);
          return answer(200, {
            facts: known.length,
            conversations: own.length,
            messages: own.reduce((sum, { messages }) => sum + messages.length, 0),
            documents: 0,
            approvals: 0,
          });
        }
        return answer(200, me(person));
      case "tools": {
        if (method === "GET") {
          const sonarr = { name: "sonarr", guide: "Series.", tools: MEDIA_TOOLS };
          return answer(200, { toolkits: [...TOOLS.toolkits, sonarr] });
        }
        const ran = media.run(id, body, person);
        if (ran === undefined) return refuse(404, "there is no such tool", "NOT_FOUND");
        if (!("asks" in ran)) return answer(200, ran);
        const target =
          [...conversations.values()].find((one) => one.person === person.id && one.title === "Tools run by hand") ??
          conversation("Tools run by hand", Date.now(), person.id);
        const parked = park(target, randomUUID(), "d1", id, body, "");
        return answer(200, {
          text: `waiting for approval ${parked.id}`,
          cards: [],
          is_error: false,
          approval: parked.id,
        });
      }
      case "reports": {
        if (id === "") return answer(200, { reports: media.reports(person) });
        media.mended(id);
        return answer(204);
      }
      case "requests": {
        const name = (who: string) => nameOf(who) ?? "somebody who is gone";
        if (id === "") {
          const { searchParams } = url;
          const wanted = { all: searchParams.get("state") === "all", own: searchParams.get("own") === "true" };
          return answer(200, { requests: media.requests(person, wanted, name) });
        }
        const story = media.story(person, id, name);
        if (!story) return refuse(404, "there is no such request", "NOT_FOUND");
        if (part === "watch") {
          const level = method === "DELETE" ? undefined : String(body.level);
          if (level && !["first", "each", "group", "all"].includes(level))
            return refuse(422, "level is first, each, group or all", "INVALID");
          media.watch(person, id, level);
          return answer(204);
        }
        if (method === "GET") return answer(200, story);
        if (!story.request.may_cancel) return refuse(403, "it is not yours to take back", "FORBIDDEN");
        media.cancel(person, id);
        return answer(204);
      }
      case "approvals": {
        if (approvals_down) return refuse(503, "the approvals could not be read", "UNAVAILABLE");
        const mine = [...approvals.values()]
          .filter((approval) => approval.requester === person.id || mayDecide({ ...approval, state: "open" }, person))
          .reverse();
        if (id === "") {
          const all = url.searchParams.get("state") === "all";
          const before = Number(url.searchParams.get("before_ms") ?? Number.POSITIVE_INFINITY);
          const found = mine
            .filter(({ state, created_at_ms }) => (all || state === "open") && created_at_ms < before)
            .slice(0, Number(url.searchParams.get("limit") ?? 50));
          return answer(200, { approvals: found.map((approval) => shown(approval, person)) });
        }
        const approval = mine.find((other) => other.id === id);
        if (!approval) return refuse(404, "there is no such approval", "NOT_FOUND");
        if (method === "GET") return answer(200, shown(approval, person));
        if (approval.state !== "open") return refuse(409, `this was ${approval.state} already`, "ALREADY_DECIDED");
        if (!mayDecide(approval, person)) return refuse(403, "a member or an admin decides this", "FORBIDDEN");
        const decision = body as unknown as Decision;
        if (decision.decision === "change" && JSON.stringify(decision.arguments) === approval.arguments)
          return refuse(409, "nothing was changed", "CONFLICT");
        if (decision.decision === "change" && Number(decision.arguments.level ?? 1) > 50)
          return refuse(422, "level: a level is at most 50", "INVALID");
        return answer(200, decide(approval, decision, person));
      }
      case "stop": {
        const everybody = url.searchParams.get("everybody") === "true";
        if (everybody && !admin) return forbidden();
        let cancelled = 0;
        for (const target of conversations.values()) {
          if (!everybody && target.person !== person.id) continue;
          for (const { turn, ordinal, model } of target.queue.splice(0)) {
            cancelled += 1;
            emit(target, ordinal, turn, {
              type: "turn_finished",
              state: "cancelled",
              messages: [],
              model,
              usage: usage(0, 0),
              cost_micros: 0,
              duration_ms: 0,
            });
          }
          if (target.running) {
            cancelled += 1;
            target.running.cancel();
          }
        }
        log("stop", "everything", `Stopped ${cancelled} answers.`, person.id);
        return answer(200, { cancelled });
      }
      case "audit": {
        if (!admin) return forbidden();
        const before = Number(url.searchParams.get("before") ?? Number.POSITIVE_INFINITY);
        const kind = url.searchParams.get("kind");
        const found = audit.filter((entry) => entry.seq < before && (!kind || entry.kind === kind));
        const limit = Number(url.searchParams.get("limit") ?? 50);
        return answer(200, { entries: found.slice(0, limit), more: found.length > limit });
      }
      case "memory":
        if (method === "GET")
          return answer(200, {
            facts: facts.filter(({ author, scope }) => author === person.id || scope === "household"),
          });
        facts.splice(
          facts.findIndex((fact) => fact.id === id),
          1,
        );
        return answer(204);
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
      case "people": {
        const other = people.find((one) => one.id === id);
        if (part === "identities" && admin) {
          const linked = identities[id] ?? [];
          if (method === "GET") return answer(200, { identities: linked });
          const gone = body as unknown as Identity;
          identities[id] = linked.filter(
            ({ channel, account }) => channel !== gone.channel || account !== gone.account,
          );
          return answer(204);
        }
        if (!admin) return forbidden();
        if (part === "link")
          return answer(200, { url: `${url.origin}/#code=DEMO-LINK`, expires_at_ms: Date.now() + 3_600_000 });
        if (method === "GET") return answer(200, { people });
        if (method === "POST") {
          const made: Person = {
            id: randomUUID(),
            name: String(body.name),
            standing: (body.standing ?? "member") as Standing,
            created_at_ms: Date.now(),
          };
          people.push(made);
          log("person", made.name, "Added.", person.id);
          return answer(201, made);
        }
        if (!other) return refuse(404, "there is no such person", "NOT_FOUND");
        if (method === "PATCH") {
          if (other.id === person.id && body.standing && body.standing !== "admin")
            return refuse(409, "somebody has to stay an admin", "LAST_ADMIN");
          Object.assign(other, body);
          return answer(200, other);
        }
        people.splice(people.indexOf(other), 1);
        return answer(204);
      }
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
      case "hooks": {
        if (method === "GET") return answer(200, { hooks });
        const hook = hooks.find(({ name }) => name === id);
        if (!hook) return refuse(404, "there is no such hook", "NOT_FOUND");
        hook.made_at_ms = method === "POST" ? Date.now() : null;
        if (method === "DELETE") return answer(204);
        return answer(201, { address: `http://majordomo.lan:8080/hooks/${id}/${randomUUID().replaceAll("-", "")}` });
      }
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
        if (part === "undo" && turn) {
          const { call_id } = body as { call_id: string };
          if (Date.now() > (offerOf(call_id)?.until_ms ?? 0))
            return refuse(409, "the time in which this could be taken back is over", "CONFLICT");
          return answer(200, { turn_id: takeBack(id, call_id) });
        }
        return turn
          ? answer(200, { turn, steps: [], taken_back: taken_back.get(id) ?? [] })
          : refuse(404, "there is no such turn", "NOT_FOUND");
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
        return answer(201, wire(conversation(String(body.title ?? "New conversation"), Date.now(), person.id)));
      const query = (url.searchParams.get("query") ?? "").toLowerCase();
      const found = [...conversations.values()]
        .filter((target) => target.person === person.id && target.title.toLowerCase().includes(query))
        .sort((a, b) => b.updated_at_ms - a.updated_at_ms);
      return answer(200, { conversations: found.map(wire), more: false });
    }
    const target = conversations.get(id);
    if (target?.person !== person.id) return refuse(404, "there is no such conversation", "NOT_FOUND");
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
    codes,
    requests,
    media,
    tell(title, text) {
      const target = [...conversations.values()].find((one) => one.title === title);
      if (!target) throw new Error(`there is no conversation “${title}”`);
      tell(target, text);
    },
    setDown: (value) => {
      down = value;
      if (value) for (const target of conversations.values()) for (const watcher of target.watchers) watcher.destroy();
    },
    setApprovalsDown: (value) => {
      approvals_down = value;
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

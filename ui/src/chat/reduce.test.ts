import { describe, expect, test } from "vitest";
import type { Approval, Event, EventKind, Message, Part, ShownApproval, Usage } from "../api/types";
import {
  type Action,
  type Answer,
  answerText,
  type ConversationState,
  type Item,
  isBusy,
  liveItems,
  nothing,
  reduce,
  settledItems,
  stoppable,
  unknownApprovals,
  versionsOf,
} from "./reduce";

const usage: Usage = { input_tokens: 10, cached_input_tokens: 0, output_tokens: 5, estimated: false };
const NOW = 1_000_000;

let number = 0;
function event(turn: string, kind: EventKind, at = NOW, fixed?: number): Action {
  number += 1;
  return { type: "event", at_ms: at, event: { conversation: "c", number: fixed ?? number, turn, ...kind } as Event };
}

function message(turn: number, place: number, role: Message["role"], ...parts: Part[]): Message {
  return {
    id: `m${turn}.${place}`,
    turn: `t${turn}`,
    position: turn * 1000 + place,
    role,
    parts,
    created_at_ms: NOW + turn * 1000 + place,
  };
}

const text = (value: string): Part => ({ type: "text", text: value });
const user = (turn: number, value: string) => message(turn, 0, "user", text(value));
const queued = (turn: number, value: string, ahead = 0) =>
  event(`t${turn}`, { type: "turn_queued", message: user(turn, value), ahead });
const started = (turn: number) => event(`t${turn}`, { type: "turn_started", started_at_ms: 1 });
const delta = (turn: number, value: string) => event(`t${turn}`, { type: "text_delta", text: value });
const finished = (turn: number, messages: Message[], state: "done" | "failed" | "cancelled" = "done") =>
  event(`t${turn}`, { type: "turn_finished", state, messages, model: "m", usage, cost_micros: 7, duration_ms: 9 });
const call_started = (turn: number, call_id: string) =>
  event(`t${turn}`, { type: "call_started", call_id, name: "search", title: `Looking for ${call_id}` });
const call_finished = (turn: number, call_id: string, is_error = false) =>
  event(`t${turn}`, {
    type: "call_finished",
    call_id,
    name: "search",
    title: `Looked for ${call_id}`,
    is_error,
    summary: "found",
    cards: [],
    duration_ms: 40,
  });

function fold(...actions: Action[]): ConversationState {
  return actions.reduce(reduce, nothing);
}

function items(state: ConversationState): Item[] {
  return liveItems(state, settledItems(state, state.running?.turn), NOW);
}

/** One line an item, so that a table can be read. */
function drawn(state: ConversationState): string[] {
  return items(state).map((item) => {
    if (item.kind === "said" && item.told)
      return `${item.told === "news" ? "**" : "--"} ${item.text}${item.state === "stored" ? "" : ` (${item.state})`}`;
    if (item.kind === "said") return item.state === "stored" ? `> ${item.text}` : `> ${item.text} (${item.state})`;
    const blocks = item.blocks.map((block) => {
      if (block.type === "text") return block.text;
      if (block.type === "approval") return `(${block.id} ${state.approvals[block.id]?.state ?? "unknown"})`;
      if (block.type === "notice") return `[${block.notice.kind}]`;
      return `{${block.items.map((entry) => (entry.type === "call" ? `${entry.call.title} ${entry.call.state}` : `~${entry.text}`)).join(", ")}}`;
    });
    return `< ${item.state}${blocks.length > 0 ? `: ${blocks.join(" | ")}` : ""}`;
  });
}

const cases: { name: string; actions: () => Action[]; expected: string[] }[] = [
  { name: "an empty conversation shows nothing", actions: () => [], expected: [] },
  {
    name: "what was typed shows at once, with an answer being started",
    actions: () => [{ type: "said", key: "k", text: "hello", files: [], at_ms: NOW }],
    expected: ["> hello (sending)", "< starting"],
  },
  {
    name: "the stored message takes the place of what was typed, event first",
    actions: () => [
      { type: "said", key: "k", text: "hello", files: [], at_ms: NOW },
      queued(1, "hello"),
      { type: "accepted", key: "k", turn: "t1" },
    ],
    expected: ["> hello", "< starting"],
  },
  {
    name: "the stored message takes the place of what was typed, answer first",
    actions: () => [
      { type: "said", key: "k", text: "hello", files: [], at_ms: NOW },
      { type: "accepted", key: "k", turn: "t1" },
      queued(1, "hello"),
    ],
    expected: ["> hello", "< starting"],
  },
  {
    name: "a refused message stays, marked, and nothing waits for it",
    actions: () => [
      { type: "said", key: "k", text: "hello", files: [], at_ms: NOW },
      { type: "refused", key: "k", reason: "too long" },
    ],
    expected: ["> hello (refused)"],
  },
  {
    name: "text grows piece by piece",
    actions: () => [queued(1, "hello"), started(1), delta(1, "Good "), delta(1, "evening.")],
    expected: ["> hello", "< running: Good evening."],
  },
  {
    name: "calls stand where they happened, between the texts",
    actions: () => [
      queued(1, "films?"),
      started(1),
      event("t1", { type: "model_asked", model: "m", step: 1 }),
      delta(1, "Let me look."),
      call_started(1, "a"),
      call_started(1, "b"),
      call_finished(1, "b", true),
      call_finished(1, "a"),
      event("t1", { type: "model_asked", model: "m", step: 2 }),
      delta(1, "Here."),
    ],
    expected: ["> films?", "< running: Let me look. | {Looked for a done, Looked for b failed} | Here."],
  },
  {
    name: "a step that is tried again loses only its own words",
    actions: () => [
      queued(1, "films?"),
      started(1),
      event("t1", { type: "model_asked", model: "m", step: 1 }),
      call_started(1, "a"),
      call_finished(1, "a"),
      event("t1", { type: "model_asked", model: "m", step: 2 }),
      delta(1, "Half an ans"),
      event("t1", { type: "step_reset", step: 2 }),
      event("t1", { type: "model_asked", model: "other", step: 2 }),
      delta(1, "A whole answer."),
    ],
    expected: ["> films?", "< running: {Looked for a done} | A whole answer."],
  },
  {
    name: "thinking of a step that is reset does not take the calls before it along",
    actions: () => [
      started(1),
      event("t1", { type: "model_asked", model: "m", step: 1 }),
      call_started(1, "a"),
      call_finished(1, "a"),
      event("t1", { type: "model_asked", model: "m", step: 2 }),
      event("t1", { type: "thinking_delta", text: "hm" }),
      event("t1", { type: "step_reset", step: 2 }),
    ],
    expected: ["< running: {Looked for a done}"],
  },
  {
    name: "a finished turn is drawn from what was stored",
    actions: () => [
      queued(1, "films?"),
      started(1),
      delta(1, "draft"),
      finished(1, [
        message(1, 1, "assistant", { type: "call", id: "a", name: "search", arguments: "{}" }),
        message(1, 2, "tool", {
          type: "result",
          call_id: "a",
          name: "search",
          text: "found",
          title: "Looked for a",
          is_error: false,
          duration_ms: 40,
        }),
        message(1, 3, "assistant", text("Here.")),
      ]),
    ],
    expected: ["> films?", "< done: {Looked for a done} | Here."],
  },
  {
    name: "a second message waits behind the running answer",
    actions: () => [queued(1, "one"), started(1), delta(1, "First"), queued(2, "two", 1)],
    expected: ["> one", "< running: First", "> two (queued)"],
  },
  {
    name: "the queued message is answered after the first",
    actions: () => [
      queued(1, "one"),
      started(1),
      queued(2, "two", 1),
      finished(1, [message(1, 1, "assistant", text("First."))]),
      started(2),
      delta(2, "Second"),
    ],
    expected: ["> one", "< done: First.", "> two", "< running: Second"],
  },
  {
    name: "a cancelled turn shows its marker and nothing thinks any more",
    actions: () => [
      queued(1, "one"),
      started(1),
      finished(
        1,
        [message(1, 1, "assistant", text("Fir"), { type: "notice", kind: "cancelled", text: "Stopped." })],
        "cancelled",
      ),
    ],
    expected: ["> one", "< cancelled: Fir | [cancelled]"],
  },
  {
    name: "after a reload a timed-out turn does not start thinking again",
    actions: () => [
      {
        type: "loaded",
        fresh: true,
        more: false,
        messages: [
          user(1, "one"),
          message(1, 1, "assistant", { type: "notice", kind: "timed_out", text: "That took too long." }),
        ],
      },
      event("t1", { type: "snapshot", running: null, queued: 0 }),
    ],
    expected: ["> one", "< cancelled: [timed_out]"],
  },
  {
    name: "an unanswered message without a turn behind it is not waited for",
    actions: () => [
      { type: "loaded", fresh: true, more: false, messages: [user(1, "one")] },
      event("t1", { type: "snapshot", running: null, queued: 0 }),
    ],
    expected: ["> one"],
  },
  {
    name: "a reload in the middle shows what the snapshot knows, and goes on",
    actions: () => [
      { type: "loaded", fresh: true, more: false, messages: [user(1, "one")] },
      event("t1", {
        type: "snapshot",
        queued: 0,
        running: {
          turn: "t1",
          started_at_ms: 5,
          model: "m",
          text: "Good",
          thinking: "hm",
          calls: [
            {
              call_id: "a",
              name: "search",
              title: "Looking for a",
              finished: false,
              is_error: false,
              summary: "",
              cards: [],
              duration_ms: 0,
            },
          ],
        },
      }),
      call_finished(1, "a"),
      delta(1, " evening."),
    ],
    expected: ["> one", "< running: {~hm, Looked for a done} | Good evening."],
  },
  {
    name: "a snapshot with queued turns marks the last unanswered messages",
    actions: () => [
      { type: "loaded", fresh: true, more: false, messages: [user(1, "one"), user(2, "two"), user(3, "three")] },
      event("t1", {
        type: "snapshot",
        queued: 2,
        running: { turn: "t1", started_at_ms: 5, model: "m", text: "One", thinking: "", calls: [] },
      }),
    ],
    expected: ["> one", "< running: One", "> two (queued)", "> three (queued)"],
  },
  {
    name: "clearing leaves nothing but the conversation",
    actions: () => [
      queued(1, "one"),
      started(1),
      finished(1, [message(1, 1, "assistant", text("First."))]),
      event("t1", { type: "conversation_cleared" }),
    ],
    expected: [],
  },
  {
    name: "a call whose result never came is not spinning for ever",
    actions: () => [
      {
        type: "loaded",
        fresh: true,
        more: false,
        messages: [
          user(1, "one"),
          message(1, 1, "assistant", { type: "call", id: "a", name: "search", arguments: "{" }),
        ],
      },
    ],
    expected: ["> one", "< done: {search unanswered}"],
  },
  {
    name: "kinds this page does not know are passed over",
    actions: () => [
      queued(1, "one"),
      started(1),
      delta(1, "Fine"),
      event("t1", { type: "something_new" } as unknown as EventKind),
      delta(1, "."),
    ],
    expected: ["> one", "< running: Fine."],
  },
];

describe("what a page shows", () => {
  test.each(cases)("$name", ({ actions, expected }) => {
    expect(drawn(fold(...actions()))).toEqual(expected);
  });
});

test("an event heard twice counts once", () => {
  const first = started(1);
  const twice = delta(1, "Good");
  expect(drawn(fold(first, twice, twice))).toEqual(["< running: Good"]);
});

test("an answer keeps its identity from the first word to the stored row", () => {
  const before = items(fold(queued(1, "one"), started(1), delta(1, "F")))[1];
  const after = items(fold(queued(1, "one"), started(1), finished(1, [message(1, 1, "assistant", text("First."))])))[1];
  expect(before?.id).toBe(after?.id);
});

test("a finished turn knows its model, tokens, money and time", () => {
  const state = fold(queued(1, "one"), started(1), finished(1, [message(1, 1, "assistant", text("First."))]));
  const answer = items(state)[1] as Answer;
  expect(answer.summary).toEqual({ model: "m", usage, cost_micros: 7, duration_ms: 9 });
  expect(answerText(answer)).toBe("First.");
  expect(isBusy(state)).toBe(false);
});

test("the stop button names the running turn, or the first that waits", () => {
  expect(stoppable(fold(queued(1, "one"), started(1), queued(2, "two", 1)))).toBe("t1");
  expect(stoppable(fold(queued(1, "one"), queued(2, "two", 1)))).toBe("t1");
  expect(stoppable(nothing)).toBeUndefined();
});

test("older messages go before, and what is there stays", () => {
  const state = fold(
    { type: "loaded", fresh: true, more: true, messages: [user(2, "two")] },
    { type: "loaded", fresh: false, more: false, messages: [user(1, "one")] },
  );
  expect(drawn(state)).toEqual(["> one", "> two"]);
  expect(state.more).toBe(false);
});

test("the timer of a resumed turn starts when the turn did, never in the future", () => {
  const running = { turn: "t1", started_at_ms: NOW + 60_000, model: "m", text: "", thinking: "", calls: [] };
  const state = fold(event("t1", { type: "snapshot", running, queued: 0 }));
  expect(state.running?.since_ms).toBe(NOW);
});

// ── Approvals ──────────────────────────────────────────────────────────────────────────────────────────────────────

function approval(id: string, turn: number, call_id: string, change: Partial<Approval> = {}): Approval {
  return {
    id,
    conversation: "c",
    turn: `t${turn}`,
    call_id,
    agent: "a",
    requester: "p",
    tool: "party_add",
    instance: "",
    arguments: "{}",
    schema_hash: "00",
    fingerprint: "00",
    approvers: { requester: true, standing: null },
    card: { title: "V" },
    wording: { question: "Add V?", declined: "V was not added.", reason: "" },
    state: "open",
    created_at_ms: NOW,
    expires_at_ms: NOW + 600_000,
    decided_at_ms: null,
    decided_by: null,
    decision_turn: null,
    replaces: null,
    outcome: null,
    ...change,
  };
}
const shownAs = (value: Approval, may_decide = value.state === "open"): ShownApproval => ({
  ...value,
  requester_name: "Kid",
  decided_by_name: value.decided_by === null ? null : "Admin",
  may_decide,
  request_id: null,
});
const opened = (value: Approval) => event(value.turn, { type: "approval_opened", approval: value });
const changed = (value: Approval) => event(value.turn, { type: "approval_changed", approval: value });
const shown_to_me = (...values: ShownApproval[]): Action => ({ type: "approvals", approvals: values });
const parked = (turn: number, call_id: string, id: string) =>
  message(turn, 2, "tool", {
    type: "result",
    call_id,
    name: "party_add",
    text: "waiting",
    is_error: false,
    duration_ms: 1,
    title: `Looked for ${call_id}`,
    approval: id,
  });
const called = (turn: number, ...ids: string[]) =>
  message(turn, 1, "assistant", ...ids.map((id): Part => ({ type: "call", id, name: "search", arguments: "{}" })));
const decision = (turn: number, value: string) =>
  message(turn, 0, "user", { type: "notice", kind: "decided", text: value });

const news_of = (turn: number, value: string) =>
  message(turn, 0, "user", { type: "notice", kind: "news", text: value });
const told = (turn: number, value: string) =>
  event(`t${turn}`, { type: "turn_queued", message: news_of(turn, value), ahead: 0 });

test.each([
  ["when they are told", () => [told(2, "Metropolis is ready to watch.")]],
  ["while their turn runs", () => [told(2, "Metropolis is ready to watch."), started(2)]],
  ["when it is over", () => [told(2, "Metropolis is ready to watch."), started(2), finished(2, [])]],
])("news are a line of their own that wants no answer: %s", (_when, told_now) => {
  const before = [queued(1, "hello"), started(1), finished(1, [message(1, 1, "assistant", text("Hello."))])];
  expect(drawn(fold(...before, ...told_now()))).toEqual([
    "> hello",
    "< done: Hello.",
    "** Metropolis is ready to watch.",
  ]);
});

test("news told together keep their lines, and a reload shows them the same", () => {
  const value = "Metropolis is ready to watch.\nNosferatu is ready to watch.";
  const loaded: Action = { type: "loaded", messages: [news_of(1, value)], more: false, fresh: true };
  expect(drawn(fold(loaded))).toEqual([`** ${value}`]);
});

const asked_and_stored = () => [
  queued(1, "add V"),
  started(1),
  call_started(1, "a"),
  opened(approval("A", 1, "a")),
  call_finished(1, "a"),
  delta(1, "I asked."),
];
const approval_cases: { name: string; actions: () => Action[]; expected: string[] }[] = [
  {
    name: "the card stands under the call that asked, above the words that follow",
    actions: asked_and_stored,
    expected: ["> add V", "< running: {Looked for a parked} | (A open) | I asked."],
  },
  {
    name: "an approval opened after its call came back stands in the same place",
    actions: () => [
      queued(1, "add V"),
      started(1),
      call_started(1, "a"),
      call_finished(1, "a"),
      opened(approval("A", 1, "a")),
    ],
    expected: ["> add V", "< running: {Looked for a parked} | (A open)"],
  },
  {
    name: "stored and reloaded it is the same as it was live",
    actions: () => [
      {
        type: "loaded",
        messages: [user(1, "add V"), called(1, "a"), parked(1, "a", "A"), message(1, 3, "assistant", text("I asked."))],
        more: false,
        fresh: true,
      },
      shown_to_me(shownAs(approval("A", 1, "a"))),
    ],
    expected: ["> add V", "< done: {Looked for a parked} | (A open) | I asked."],
  },
  {
    name: "before it has been asked for, its place is kept",
    actions: () => [
      { type: "loaded", messages: [user(1, "add V"), called(1, "a"), parked(1, "a", "A")], more: false, fresh: true },
    ],
    expected: ["> add V", "< done: {Looked for a parked} | (A unknown)"],
  },
  {
    name: "a reload in the middle of the turn finds it in the list",
    actions: () => [
      {
        type: "event",
        at_ms: NOW,
        event: {
          conversation: "c",
          number: 9_000,
          turn: "t1",
          type: "snapshot",
          queued: 0,
          running: {
            turn: "t1",
            started_at_ms: 1,
            model: "m",
            text: "I as",
            thinking: "",
            calls: [
              {
                call_id: "a",
                name: "search",
                title: "Looked for a",
                finished: true,
                is_error: false,
                summary: "waiting",
                cards: [],
                duration_ms: 1,
              },
            ],
          },
        } as Event,
      },
      shown_to_me(shownAs(approval("A", 1, "a")), shownAs(approval("B", 7, "a"))),
    ],
    expected: ["< running: {Looked for a parked} | (A open) | I as"],
  },
  {
    name: "what becomes of it does not start a turn",
    actions: () => [
      ...asked_and_stored(),
      finished(1, [called(1, "a"), parked(1, "a", "A"), message(1, 3, "assistant", text("I asked."))]),
      changed(approval("A", 1, "a", { state: "expired" })),
    ],
    expected: ["> add V", "< done: {Looked for a parked} | (A expired) | I asked."],
  },
  {
    name: "a decision is a line, and its turn is waited for",
    actions: () => [
      { type: "loaded", messages: [user(1, "add V"), called(1, "a"), parked(1, "a", "A")], more: false, fresh: true },
      changed(approval("A", 1, "a", { state: "approved", decided_by: "p" })),
      event("t2", { type: "turn_queued", message: decision(2, "Approved by Admin: Add V?"), ahead: 0 }),
    ],
    expected: ["> add V", "< done: {Looked for a parked} | (A approved)", "-- Approved by Admin: Add V?", "< starting"],
  },
  {
    name: "the receipt follows the words of the turn that did it",
    actions: () => [
      event("t2", { type: "turn_queued", message: decision(2, "Approved by Admin: Add V?"), ahead: 0 }),
      started(2),
      delta(2, "Welcome."),
      event("t2", { type: "noticed", notice: { kind: "receipt", text: "V was added." } }),
    ],
    expected: ["-- Approved by Admin: Add V?", "< running: Welcome. | [receipt]"],
  },
  {
    name: "two calls that wait have their cards in order under their work",
    actions: () => [
      queued(1, "add V and Jackie"),
      started(1),
      call_started(1, "a"),
      call_started(1, "b"),
      opened(approval("B", 1, "b")),
      opened(approval("A", 1, "a")),
      call_finished(1, "a"),
      call_finished(1, "b"),
    ],
    expected: ["> add V and Jackie", "< running: {Looked for a parked, Looked for b parked} | (A open) | (B open)"],
  },
  {
    name: "two calls of one id keep both their cards, stored",
    actions: () => [
      {
        type: "loaded",
        messages: [
          user(1, "add both"),
          called(1, "a", "a"),
          parked(1, "a", "A"),
          { ...parked(1, "a", "B"), id: "m1.2b" },
        ],
        more: false,
        fresh: true,
      },
    ],
    expected: ["> add both", "< done: {Looked for a parked, Looked for a parked} | (A unknown) | (B unknown)"],
  },
  {
    name: "two calls of one id keep both their cards, live",
    actions: () => [
      queued(1, "add both"),
      started(1),
      call_started(1, "a"),
      opened(approval("A", 1, "a")),
      opened(approval("B", 1, "a")),
      call_finished(1, "a"),
    ],
    expected: ["> add both", "< running: {Looked for a parked} | (A open) | (B open)"],
  },
];

describe("approvals", () => {
  test.each(approval_cases)("$name", ({ actions, expected }) => {
    expect(drawn(fold(...actions()))).toEqual(expected);
  });

  test("an answer that was on its way cannot undo an event, but its names are kept", () => {
    const open = approval("A", 1, "a");
    const state = fold(
      opened(open),
      changed({ ...open, state: "executed", decided_by: "p", outcome: "V was added." }),
      shown_to_me(shownAs(open)),
    );
    expect(state.approvals.A).toMatchObject({ state: "executed", outcome: "V was added.", requester_name: "Kid" });
    expect(state.approvals.A?.may_decide).toBe(false);
  });

  test("an event takes the buttons away at once", () => {
    const open = approval("A", 1, "a");
    const state = fold(shown_to_me(shownAs(open)), changed({ ...open, state: "declined", decided_by: "p" }));
    expect(state.approvals.A).toMatchObject({ may_decide: false, requester_name: "Kid" });
  });

  test("what is not known yet is asked for, once", () => {
    const open = approval("A", 1, "a");
    const before = fold(
      { type: "loaded", messages: [parked(1, "a", "A"), parked(2, "b", "B")], more: false, fresh: true },
      opened(open),
    );
    expect(unknownApprovals(before)).toEqual(["B", "A"]);
    const after = [
      shown_to_me(shownAs(open), shownAs(approval("B", 2, "b", { state: "declined", decided_by: "p" }))),
    ].reduce(reduce, before);
    expect(unknownApprovals(after)).toEqual([]);
  });

  test("a changed one is followed by the version that took its place, on to the last", () => {
    const { approvals } = fold(
      shown_to_me(
        shownAs(approval("C", 1, "a", { replaces: "B" })),
        shownAs(approval("A", 1, "a", { state: "changed" })),
        shownAs(approval("B", 1, "a", { state: "changed", replaces: "A" })),
        shownAs(approval("D", 2, "d")),
      ),
    );
    expect(versionsOf(approvals, "A").map(({ id }) => id)).toEqual(["A", "B", "C"]);
    expect(versionsOf(approvals, "gone")).toEqual([]);
  });

  test("an answer to a decision is not offered to be asked again", () => {
    const state = fold({
      type: "loaded",
      messages: [
        user(1, "add V"),
        message(1, 1, "assistant", text("Asked.")),
        decision(2, "Approved."),
        message(2, 1, "assistant", text("Done.")),
      ],
      more: false,
      fresh: true,
    });
    expect(items(state).flatMap((item) => (item.kind === "answer" ? [item.after_decision] : []))).toEqual([
      false,
      true,
    ]);
  });
});

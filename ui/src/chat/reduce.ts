/**
 * What is seen of one conversation, decided here and nowhere else: stored messages, live events and what the person
 * just typed are folded into one state, and the state into the items a page draws. Pure; imports only types.
 *
 * Start at `reduce` (actions → state), then `settledItems` and `liveItems` (state → items).
 */

import type {
  Approval,
  Card,
  Event,
  Message,
  Notice,
  OutgoingFile,
  Part,
  RunningCall,
  RunningTurn,
  ShownApproval,
  TurnState,
  UndoOffer,
  Usage,
} from "../api/types";

/** One use of a tool, as a person sees it. */
export interface CallView {
  id: string;
  name: string;
  title: string;
  /** JSON text, known once the turn is stored. */
  arguments?: string;
  /** What came back, perhaps only its beginning. */
  result: string;
  state: "running" | "done" | "failed" | "unanswered" | "parked" | "uncertain";
  /** It did not run but waits, or waited, for these: models give two calls of a step the same id. */
  approvals?: string[];
  cards: Card[];
  duration_ms: number;
  /** How what it changed is taken back. Known once the turn is stored. */
  undo?: UndoOffer;
}

export type WorkItem = { type: "thinking"; text: string } | { type: "call"; call: CallView };

/** A piece of an answer, in reading order. */
export type Block =
  | { type: "text"; text: string }
  | { type: "work"; items: WorkItem[] }
  | { type: "notice"; notice: Notice }
  | { type: "approval"; id: string };

/** An approval as far as it is known: events bring it without the names, which are asked for. */
export type ApprovalView = Approval & Partial<ShownApproval>;

/** What a turn used; known when it is finished. */
export interface Summary {
  model: string;
  usage: Usage;
  cost_micros: number;
  duration_ms: number;
}

/** A turn being answered now. */
export interface Running {
  turn: string;
  /** On this page's clock, for the timer. */
  since_ms: number;
  model: string;
  step: number;
  blocks: Block[];
  /** How many blocks were there when this step began; a reset goes back to them. */
  step_start: number;
  progress: string;
  cancelling: boolean;
}

/** Something said here that the server has not confirmed yet. */
export interface Local {
  /** Also the idempotency key. */
  key: string;
  text: string;
  model?: string;
  files: OutgoingFile[];
  at_ms: number;
  state: "sending" | "refused";
  reason?: string;
  /** Known once accepted, until the stored message shows up. */
  turn?: string;
}

export interface ConversationState {
  /** By position, unique by id. */
  messages: Message[];
  /** Whether older messages exist. */
  more: boolean;
  loaded: boolean;
  running: Running | null;
  /** Turns accepted and not started. */
  waiting: number;
  locals: Local[];
  summaries: Record<string, Summary>;
  outcomes: Record<string, TurnState>;
  approvals: Record<string, ApprovalView>;
  last_number: number | undefined;
  title: string | undefined;
  deleted: boolean;
}

export const nothing: ConversationState = {
  messages: [],
  more: false,
  loaded: false,
  running: null,
  waiting: 0,
  locals: [],
  summaries: {},
  outcomes: {},
  approvals: {},
  last_number: undefined,
  title: undefined,
  deleted: false,
};

export type Action =
  /** Messages from the store; `fresh` replaces what is there, otherwise they are older ones. */
  | { type: "loaded"; messages: Message[]; more: boolean; fresh: boolean }
  | { type: "event"; event: Event; at_ms: number }
  | { type: "said"; key: string; text: string; model?: string; files: OutgoingFile[]; at_ms: number }
  | { type: "accepted"; key: string; turn: string }
  | { type: "refused"; key: string; reason: string }
  | { type: "discarded"; key: string }
  | { type: "cancelling" }
  | { type: "cancel_failed" }
  /** As the service shows them to this person. */
  | { type: "approvals"; approvals: ShownApproval[] }
  | { type: "cleared" }
  | { type: "renamed"; title: string };

/** One action more. Returns the same state when nothing changed. */
export function reduce(state: ConversationState, action: Action): ConversationState {
  switch (action.type) {
    case "loaded": {
      const messages = action.fresh
        ? merged(
            // What arrived while the store was being asked is newer than its answer.
            state.messages.filter((message) => message.position > (action.messages.at(-1)?.position ?? -1)),
            action.messages,
          )
        : merged(state.messages, action.messages);
      return withoutConfirmed({ ...state, messages, more: action.more, loaded: true });
    }
    case "said": {
      const { key, text, model, files, at_ms } = action;
      const local: Local = { key, text, files, at_ms, state: "sending", ...(model ? { model } : {}) };
      return { ...state, locals: [...state.locals.filter((other) => other.key !== key), local] };
    }
    case "accepted":
      return withoutConfirmed({
        ...state,
        locals: state.locals.map((local) => (local.key === action.key ? { ...local, turn: action.turn } : local)),
      });
    case "refused":
      return {
        ...state,
        locals: state.locals.map((local) =>
          local.key === action.key ? { ...local, state: "refused" as const, reason: action.reason } : local,
        ),
      };
    case "discarded":
      return { ...state, locals: state.locals.filter((local) => local.key !== action.key) };
    case "cancelling":
      return state.running ? { ...state, running: { ...state.running, cancelling: true } } : state;
    case "cancel_failed":
      return state.running ? { ...state, running: { ...state.running, cancelling: false } } : state;
    case "approvals":
      return { ...state, approvals: action.approvals.reduce(withApproval, state.approvals) };
    case "cleared":
      return cleared(state);
    case "renamed":
      return { ...state, title: action.title };
    case "event":
      return folded(state, action.event, action.at_ms);
  }
}

function folded(state: ConversationState, event: Event, at_ms: number): ConversationState {
  const seen = state.last_number !== undefined && event.number <= state.last_number;
  if (seen && event.type !== "snapshot") return state;
  const next: ConversationState = { ...state, last_number: event.number };

  switch (event.type) {
    case "snapshot":
      return {
        ...next,
        running: event.running ? resumed(event.running, at_ms) : null,
        waiting: event.queued,
      };
    case "turn_queued":
      return withoutConfirmed({
        ...next,
        messages: merged(state.messages, [event.message]),
        waiting: state.waiting + 1,
      });
    case "turn_started":
      return {
        ...next,
        waiting: Math.max(0, state.waiting - 1),
        running: begun(event.turn, at_ms),
      };
    case "turn_finished": {
      const ran = state.running?.turn === event.turn;
      return {
        ...next,
        messages: merged(
          state.messages.filter((message) => message.turn !== event.turn || message.role === "user"),
          event.messages,
        ),
        running: ran ? null : state.running,
        waiting: ran ? state.waiting : Math.max(0, state.waiting - 1),
        summaries: {
          ...state.summaries,
          [event.turn]: {
            model: event.model,
            usage: event.usage,
            cost_micros: event.cost_micros,
            duration_ms: event.duration_ms,
          },
        },
        outcomes: { ...state.outcomes, [event.turn]: event.state },
      };
    }
    // They come at any time, of turns long over too.
    case "approval_opened":
    case "approval_changed":
      return { ...next, approvals: withApproval(state.approvals, event.approval) };
    case "conversation_cleared":
      return { ...cleared(next), last_number: event.number };
    case "conversation_renamed":
      return { ...next, title: event.title };
    case "conversation_deleted":
      return { ...next, deleted: true };
    default: {
      // Everything else belongs to a running turn. One we did not see start is met in the middle.
      const running = state.running?.turn === event.turn ? state.running : begun(event.turn, at_ms);
      const grown = grow(running, event);
      return grown === undefined ? next : { ...next, running: grown };
    }
  }
}

/** What an event adds to a running turn; undefined for kinds this page does not know. */
function grow(running: Running, event: Event): Running | undefined {
  switch (event.type) {
    case "model_asked":
      return event.step === running.step
        ? { ...running, model: event.model }
        : { ...running, model: event.model, step: event.step, step_start: running.blocks.length };
    case "step_reset":
      return { ...running, blocks: running.blocks.slice(0, running.step_start), progress: "" };
    case "text_delta":
      return { ...running, blocks: withText(running.blocks, event.text, running.step_start), progress: "" };
    case "thinking_delta":
      return { ...running, blocks: withThinking(running.blocks, event.text, running.step_start) };
    case "call_started":
      return {
        ...running,
        progress: "",
        blocks: withCall(running.blocks, {
          id: event.call_id,
          name: event.name,
          title: event.title,
          result: "",
          state: "running",
          cards: [],
          duration_ms: 0,
        }),
      };
    case "call_finished":
      return {
        ...running,
        progress: "",
        blocks: withCall(running.blocks, {
          id: event.call_id,
          name: event.name,
          title: event.title,
          result: event.summary,
          state: event.is_error ? "failed" : "done",
          cards: event.cards,
          duration_ms: event.duration_ms,
        }),
      };
    case "progress":
      return { ...running, progress: event.text };
    case "noticed":
      return { ...running, blocks: [...running.blocks, { type: "notice", notice: event.notice }] };
    default:
      return undefined;
  }
}

/** How far it has come. Nothing goes back, so what was asked for before an event cannot undo the event. */
const FAR: Record<Approval["state"], number> = {
  open: 0,
  approved: 1,
  running: 2,
  uncertain: 3,
  executed: 4,
  failed: 4,
  declined: 4,
  changed: 4,
  expired: 4,
  void: 4,
};

function withApproval(approvals: Record<string, ApprovalView>, approval: ApprovalView): Record<string, ApprovalView> {
  const known = approvals[approval.id];
  if (known && FAR[known.state] > FAR[approval.state]) {
    // Older news, but perhaps the first with names.
    const { requester_name } = approval;
    if (known.requester_name !== undefined || requester_name === undefined) return approvals;
    return { ...approvals, [approval.id]: { ...known, requester_name } };
  }
  // Nobody decides about what is not open any more, whatever was true before.
  const settled = approval.state === "open" ? {} : { may_decide: false };
  return { ...approvals, [approval.id]: { ...known, ...approval, ...settled } };
}

/** What is not known yet of the approvals a conversation meets: whole ones, and names. */
export function unknownApprovals(state: Pick<ConversationState, "messages" | "approvals">): string[] {
  const met = state.messages.flatMap((message) =>
    message.parts.flatMap((part) => (part.type === "result" && part.approval ? [part.approval] : [])),
  );
  const unnamed = Object.values(state.approvals).filter(
    ({ requester_name, may_decide, decided_by, decided_by_name }) =>
      requester_name === undefined || may_decide === undefined || (decided_by !== null && !decided_by_name),
  );
  return [...new Set([...met.filter((id) => !state.approvals[id]), ...unnamed.map(({ id }) => id)])];
}

/** The versions of one request, oldest first: each took the place of the one before. */
export function versionsOf(approvals: Record<string, ApprovalView>, id: string): ApprovalView[] {
  const versions: ApprovalView[] = [];
  let current = approvals[id];
  while (current && !versions.includes(current)) {
    const last: ApprovalView = current;
    versions.push(last);
    current = Object.values(approvals).find(({ replaces }) => replaces === last.id);
  }
  return versions;
}

function begun(turn: string, since_ms: number): Running {
  return { turn, since_ms, model: "", step: 0, blocks: [], step_start: 0, progress: "", cancelling: false };
}

function resumed(turn: RunningTurn, at_ms: number): Running {
  const items: WorkItem[] = [];
  if (turn.thinking !== "") items.push({ type: "thinking", text: turn.thinking });
  for (const call of turn.calls) items.push({ type: "call", call: fromRunning(call) });
  const blocks: Block[] = [];
  if (items.length > 0) blocks.push({ type: "work", items });
  // What the snapshot holds of calls is settled; a reset voids the text that follows them.
  const step_start = turn.calls.length > 0 ? blocks.length : 0;
  if (turn.text !== "") blocks.push({ type: "text", text: turn.text });
  return {
    ...begun(turn.turn, Math.min(turn.started_at_ms, at_ms)),
    model: turn.model,
    step: -1,
    blocks,
    step_start,
  };
}

function fromRunning(call: RunningCall): CallView {
  return {
    id: call.call_id,
    name: call.name,
    title: call.title,
    result: call.summary,
    state: call.finished ? (call.is_error ? "failed" : "done") : "running",
    cards: call.cards,
    duration_ms: call.duration_ms,
  };
}

/** Grows the last block when it is text of the same step, else opens one. */
function withText(blocks: Block[], text: string, step_start: number): Block[] {
  const last = blocks.at(-1);
  if (last?.type === "text" && blocks.length > step_start) {
    return [...blocks.slice(0, -1), { type: "text", text: last.text + text }];
  }
  return text === "" ? blocks : [...blocks, { type: "text", text }];
}

function withThinking(blocks: Block[], text: string, step_start: number): Block[] {
  const last = blocks.at(-1);
  if (last?.type !== "work") return [...blocks, { type: "work", items: [{ type: "thinking", text }] }];
  // A step's reset drops whole blocks, so thinking of a new step never grows into an earlier step's block.
  if (blocks.length <= step_start) return [...blocks, { type: "work", items: [{ type: "thinking", text }] }];
  const item = last.items.at(-1);
  const items: WorkItem[] =
    item?.type === "thinking"
      ? [...last.items.slice(0, -1), { type: "thinking", text: item.text + text }]
      : [...last.items, { type: "thinking", text }];
  return [...blocks.slice(0, -1), { type: "work", items }];
}

/** Replaces the call of that id, or appends it to the work in progress. */
function withCall(blocks: Block[], call: CallView): Block[] {
  let found = false;
  const replaced = blocks.map((block) => {
    if (block.type !== "work") return block;
    if (!block.items.some((item) => item.type === "call" && item.call.id === call.id)) return block;
    found = true;
    return {
      ...block,
      items: block.items.map((item) =>
        item.type === "call" && item.call.id === call.id ? { type: "call" as const, call } : item,
      ),
    };
  });
  if (found) return replaced;
  const last = blocks.at(-1);
  return last?.type === "work"
    ? [...blocks.slice(0, -1), { type: "work", items: [...last.items, { type: "call", call }] }]
    : [...blocks, { type: "work", items: [{ type: "call", call }] }];
}

function cleared(state: ConversationState): ConversationState {
  return { ...nothing, loaded: true, last_number: state.last_number, title: state.title };
}

/** Later ones win; ordered by position. */
function merged(some: Message[], others: Message[]): Message[] {
  if (others.length === 0) return some;
  const by_id = new Map(some.map((message) => [message.id, message]));
  for (const message of others) by_id.set(message.id, message);
  return [...by_id.values()].sort((a, b) => a.position - b.position);
}

/** Drops what was typed here once the stored message of the same turn, or of the same words, is there. */
function withoutConfirmed(state: ConversationState): ConversationState {
  if (state.locals.length === 0) return state;
  const users = state.messages.filter((message) => message.role === "user");
  const turns = new Set(users.map((message) => message.turn));
  const locals = state.locals.filter((local) => {
    if (local.turn !== undefined) return !turns.has(local.turn);
    if (local.state !== "sending") return true;
    // The event may come before the answer to the request does.
    return !users.some((message) => message.created_at_ms >= local.at_ms - 2_000 && textOf(message) === local.text);
  });
  return locals.length === state.locals.length ? state : { ...state, locals };
}

// ── What a page draws ──────────────────────────────────────────────────────────────────────────────────────────────

export interface Said {
  kind: "said";
  /** Not words of a person but the house's own: what was decided, or news of something asked for. */
  told: "decided" | "news" | undefined;
  /** What is told, each with what it is news of. */
  news?: Notice[];
  id: string;
  turn: string | undefined;
  text: string;
  files: { name: string; media_type: string; data: string }[];
  at_ms: number;
  state: "stored" | "sending" | "refused" | "queued";
  reason?: string;
}

export interface Answer {
  kind: "answer";
  id: string;
  turn: string;
  blocks: Block[];
  state: "starting" | "running" | "done" | "failed" | "cancelled";
  /** On this page's clock; set while it runs. */
  since_ms?: number;
  progress?: string;
  cancelling?: boolean;
  summary?: Summary | undefined;
  at_ms: number;
  /** It follows a decision, so there is nothing to ask again. */
  after_decision: boolean;
}

export type Item = Said | Answer;

/** Items of turns that are over or unanswered. Depends on messages, summaries and outcomes alone, so it can be kept. */
export function settledItems(
  state: Pick<ConversationState, "messages" | "summaries" | "outcomes">,
  running_turn: string | undefined,
): Item[] {
  const items: Item[] = [];
  let open: { answer: Answer; calls: CallView[] } | undefined;
  const decisions = new Set<string>();
  for (const message of state.messages) {
    if (message.role === "user") {
      open = undefined;
      const item = said(message);
      if (item.told === "decided") decisions.add(message.turn);
      items.push(item);
      continue;
    }
    // A running turn is drawn from its events.
    if (message.turn === running_turn) continue;
    if (open?.answer.turn !== message.turn) {
      const answer: Answer = {
        kind: "answer",
        id: `turn:${message.turn}`,
        turn: message.turn,
        blocks: [],
        state: "done",
        summary: state.summaries[message.turn],
        at_ms: message.created_at_ms,
        after_decision: decisions.has(message.turn),
      };
      open = { answer, calls: [] };
      items.push(answer);
    }
    for (const part of message.parts) addPart(open.answer, part, open.calls);
  }
  for (const item of items) {
    if (item.kind !== "answer") continue;
    item.state = outcome(item, state.outcomes[item.turn]);
    for (const block of item.blocks) {
      if (block.type !== "work") continue;
      for (const entry of block.items) {
        if (entry.type === "call" && entry.call.state === "running") entry.call.state = "unanswered";
      }
    }
    item.blocks = withCards(item.blocks);
  }
  return items;
}

/** The turn that runs now, what waits behind it, and what was just typed. `settled` is what `settledItems` gave. */
export function liveItems(state: ConversationState, settled: Item[], now_ms: number): Item[] {
  const answered = new Set(settled.flatMap((item) => (item.kind === "answer" ? [item.turn] : [])));
  const open = settled.filter(
    (item): item is Said =>
      item.kind === "said" &&
      item.turn !== undefined &&
      !answered.has(item.turn) &&
      item.turn !== state.running?.turn &&
      state.outcomes[item.turn] === undefined,
  );
  const waiting = new Set(state.waiting > 0 ? open.slice(-state.waiting) : []);
  const items: Item[] = [];
  let drawn = false;
  const draw = () => {
    if (state.running && !drawn) {
      drawn = true;
      const { turn } = state.running;
      if (settled.some((item) => item.kind === "said" && item.told === "news" && item.turn === turn)) return;
      const after_decision = settled.some(
        (item) => item.kind === "said" && item.told === "decided" && item.turn === turn,
      );
      items.push(runningAnswer(state.running, Object.values(state.approvals), after_decision));
    }
  };
  let first_waiting = state.running === null;
  for (const item of settled) {
    if (item.kind === "said" && waiting.has(item)) {
      if (first_waiting) {
        first_waiting = false;
        items.push(item);
        // News want no answer.
        if (item.told !== "news")
          items.push(starting(item.turn ?? item.id, item.at_ms, now_ms, item.told === "decided"));
      } else {
        draw();
        items.push({ ...item, state: "queued" });
      }
      continue;
    }
    items.push(item);
    if (item.kind === "said" && item.turn === state.running?.turn) draw();
  }
  draw();
  const busy = state.running !== null || waiting.size > 0;
  state.locals.forEach((local, index) => {
    const queued = local.state === "sending" && (busy || index > 0);
    items.push({
      kind: "said",
      told: undefined,
      id: `local:${local.key}`,
      turn: local.turn,
      text: local.text,
      files: local.files,
      at_ms: local.at_ms,
      state: local.state === "refused" ? "refused" : queued ? "queued" : "sending",
      ...(local.reason === undefined ? {} : { reason: local.reason }),
    });
    if (local.state === "sending" && !queued) {
      items.push(starting(local.turn ?? local.key, local.at_ms, now_ms, false));
    }
  });
  return items;
}

/** Whether an answer is being made or waited for. */
export function isBusy(state: ConversationState): boolean {
  return state.running !== null || state.waiting > 0 || state.locals.some((local) => local.state === "sending");
}

/** The turn a stop button would stop. */
export function stoppable(state: ConversationState): string | undefined {
  if (state.running) return state.running.turn;
  const answered = new Set(state.messages.filter((message) => message.role !== "user").map((message) => message.turn));
  if (state.waiting > 0) {
    const open = state.messages.filter((message) => message.role === "user" && !answered.has(message.turn));
    return open.at(-state.waiting)?.turn;
  }
  return state.locals.find((local) => local.state === "sending" && local.turn !== undefined)?.turn;
}

/** The text a person reads of an answer, blocks joined by blank lines. */
export function answerText(answer: Answer): string {
  return answer.blocks
    .flatMap((block) => (block.type === "text" && block.text.trim() !== "" ? [block.text.trim()] : []))
    .join("\n\n");
}

/** Cards of a stretch of work, each once. */
export function cardsOf(items: WorkItem[]): Card[] {
  const seen = new Set<string>();
  return items.flatMap((item) =>
    item.type === "call"
      ? item.call.cards.filter((card) => {
          const key = `${card.title}\n${card.subtitle ?? ""}\n${card.picture ?? ""}`;
          if (seen.has(key)) return false;
          seen.add(key);
          return true;
        })
      : [],
  );
}

function said(message: Message): Said {
  const notices = message.parts.flatMap((part) => (part.type === "notice" ? [part] : []));
  const text = textOf(message);
  const told = text !== "" || notices.length === 0 ? undefined : notices[0]?.kind === "news" ? "news" : "decided";
  return {
    kind: "said",
    told,
    ...(told === "news" ? { news: notices } : {}),
    id: message.id,
    turn: message.turn,
    text: told ? notices.map((notice) => notice.text).join(told === "news" ? "\n" : " ") : text,
    files: message.parts.flatMap((part) =>
      part.type === "image"
        ? [{ name: "", media_type: part.media_type, data: part.data }]
        : part.type === "file"
          ? [{ name: part.name, media_type: part.media_type, data: part.data }]
          : [],
    ),
    at_ms: message.created_at_ms,
    state: "stored",
  };
}

function textOf(message: Message): string {
  return message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
}

function addPart(answer: Answer, part: Part, calls: CallView[]) {
  const work = () => {
    const last = answer.blocks.at(-1);
    if (last?.type === "work") return last.items;
    const items: WorkItem[] = [];
    answer.blocks.push({ type: "work", items });
    return items;
  };
  switch (part.type) {
    case "text":
      if (part.text.trim() !== "") answer.blocks.push({ type: "text", text: part.text });
      return;
    case "thinking":
      if (part.text.trim() !== "") work().push({ type: "thinking", text: part.text });
      return;
    case "call": {
      const call: CallView = {
        id: part.id,
        name: part.name,
        title: part.name,
        arguments: part.arguments,
        result: "",
        state: "running",
        cards: [],
        duration_ms: 0,
      };
      calls.push(call);
      work().push({ type: "call", call });
      return;
    }
    case "result": {
      // Models give two calls of a step the same id: their results come in order.
      const same = calls.filter(({ id }) => id === part.call_id);
      let call = same.find(({ state }) => state === "running") ?? same.at(-1);
      if (!call) {
        call = {
          id: part.call_id,
          name: part.name,
          title: part.name,
          result: "",
          state: "running",
          cards: [],
          duration_ms: 0,
        };
        calls.push(call);
        work().push({ type: "call", call });
      }
      call.title = part.title || part.name;
      call.result = part.text;
      call.state = part.approval ? "parked" : part.uncertain ? "uncertain" : part.is_error ? "failed" : "done";
      if (part.approval) call.approvals = [...(call.approvals ?? []), part.approval];
      call.cards = part.cards ?? [];
      call.duration_ms = part.duration_ms ?? 0;
      if (part.undo) call.undo = part.undo;
      return;
    }
    case "notice":
      answer.blocks.push({ type: "notice", notice: { kind: part.kind, text: part.text } });
      return;
    default:
      return;
  }
}

/** How a stored answer ended: told by the event, else by the marker in it. */
function outcome(answer: Answer, told: TurnState | undefined): Answer["state"] {
  if (told === "failed" || told === "cancelled" || told === "done") return told;
  for (const block of answer.blocks) {
    if (block.type !== "notice") continue;
    if (block.notice.kind === "failed") return "failed";
    if (block.notice.kind === "cancelled" || block.notice.kind === "timed_out") return "cancelled";
  }
  return "done";
}

function runningAnswer(running: Running, approvals: ApprovalView[], after_decision: boolean): Answer {
  // A new version stands with the one it replaces.
  const asked = approvals.filter(({ turn, replaces }) => turn === running.turn && replaces === null);
  const blocks = running.blocks.map((block): Block => {
    if (block.type !== "work") return block;
    return {
      type: "work",
      items: block.items.map((item): WorkItem => {
        if (item.type !== "call") return item;
        const found = asked.filter(({ call_id }) => call_id === item.call.id).map(({ id }) => id);
        return found.length === 0 ? item : { type: "call", call: { ...item.call, state: "parked", approvals: found } };
      }),
    };
  });
  return {
    kind: "answer",
    id: `turn:${running.turn}`,
    turn: running.turn,
    blocks: withCards(joined(blocks)),
    state: "running",
    since_ms: running.since_ms,
    progress: running.progress,
    cancelling: running.cancelling,
    at_ms: running.since_ms,
    after_decision,
  };
}

/** What waits for a decision stands under the work that asked for it. */
function withCards(blocks: Block[]): Block[] {
  return blocks.flatMap((block): Block[] => {
    if (block.type !== "work") return [block];
    const ids = block.items.flatMap((item) => (item.type === "call" ? (item.call.approvals ?? []) : []));
    return [block, ...[...new Set(ids)].map((id): Block => ({ type: "approval", id }))];
  });
}

/** Work of neighbouring steps is one stretch to a reader. */
function joined(blocks: Block[]): Block[] {
  const result: Block[] = [];
  for (const block of blocks) {
    const last = result.at(-1);
    if (block.type === "work" && last?.type === "work") {
      result[result.length - 1] = { type: "work", items: [...last.items, ...block.items] };
    } else {
      result.push(block);
    }
  }
  return result;
}

function starting(turn: string, at_ms: number, now_ms: number, after_decision: boolean): Answer {
  return {
    kind: "answer",
    id: `turn:${turn}`,
    turn,
    blocks: [],
    state: "starting",
    since_ms: Math.min(at_ms, now_ms),
    at_ms,
    after_decision,
  };
}

/**
 * Holds the state of each conversation that was looked at, feeds it from the server and takes what the person does.
 * Decides nothing about what is seen: that is `reduce.ts`.
 */

import { ApiError, api } from "../api/client";
import { type Connection, watch } from "../api/events";
import type { OutgoingFile } from "../api/types";
import { words } from "../words/en";
import {
  type Action,
  type ConversationState,
  type Local,
  nothing,
  reduce,
  stoppable,
  unknownApprovals,
} from "./reduce";

export interface View {
  state: ConversationState;
  connection: Connection;
  /** Why the messages are not there. */
  problem: "unreachable" | "gone" | undefined;
  loading_older: boolean;
  /** How far it is with the approvals that messages name. */
  approvals: "asking" | "answered" | "failed";
}

/** Conversations kept beside the one that is open. */
const KEPT = 12;
/** Approvals asked for at once; a conversation with more asks for each of the others. */
const APPROVALS = 100;

type Touched = "conversations" | "approvals";
let touched: (what: Touched) => void = () => {};

/** Called when something happened that a list beside the conversation shows. */
export function onTouched(listener: (what: Touched) => void) {
  touched = listener;
}

export class ConversationStore {
  /** Stays the same when a new conversation gets its id. */
  readonly key = newKey();
  id: string | undefined;
  draft = "";
  private view: View;
  private listeners = new Set<() => void>();
  private pending: Action[] = [];
  private scheduled = false;
  private stop_watching: (() => void) | undefined;
  private asked = 0;

  constructor(id?: string) {
    this.id = id;
    this.view = {
      state: id === undefined ? { ...nothing, loaded: true } : nothing,
      connection: id === undefined ? "closed" : "connecting",
      problem: undefined,
      loading_older: false,
      approvals: "asking",
    };
  }

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };
  readonly getView = () => this.view;

  /** Begins to follow the conversation; the returned function stops. */
  open(): () => void {
    if (this.id === undefined) return () => {};
    const id = this.id;
    if (!this.stop_watching) {
      if (!this.view.state.loaded) void this.load();
      this.stop_watching = watch(id, {
        after: () => (this.view.state.loaded ? this.view.state.last_number : undefined),
        onConnection: (connection) => this.set({ connection }),
        onGone: () => this.set({ problem: "gone" }),
        onEvent: (event) => {
          this.enqueue({ type: "event", event, at_ms: Date.now() });
          // A snapshot says what runs, not what ended before we listened.
          if (event.type === "snapshot") void this.load();
          if (event.type === "approval_opened" || event.type === "approval_changed") {
            touched("approvals");
            void this.loadApprovals(event.approval.id);
          }
          if (
            [
              "turn_queued",
              "turn_finished",
              "conversation_renamed",
              "conversation_deleted",
              "conversation_cleared",
            ].includes(event.type)
          ) {
            touched("conversations");
          }
        },
      });
    }
    return () => this.close();
  }

  close() {
    this.stop_watching?.();
    this.stop_watching = undefined;
  }

  async load() {
    if (this.id === undefined) return;
    this.asked += 1;
    const mine = this.asked;
    try {
      const { messages, more } = await api.messages(this.id);
      if (mine !== this.asked) return;
      this.set({ problem: undefined });
      this.dispatch({ type: "loaded", messages, more, fresh: true });
      void this.loadApprovals();
    } catch (reason) {
      if (mine !== this.asked) return;
      if (reason instanceof ApiError && reason.status === 404) this.set({ problem: "gone" });
      else if (!this.view.state.loaded) this.set({ problem: "unreachable" });
    }
  }

  /** Asks for the approvals of this conversation, or for the one an event told of, as this person sees them. */
  async loadApprovals(told?: string) {
    const { id } = this;
    if (id === undefined) return;
    const { running } = this.view.state;
    try {
      // New versions are named by nothing but the list, and so is what a running turn asked for before we listened.
      if (told === undefined && (running || unknownApprovals(this.view.state).length > 0)) {
        const { approvals } = await api.approvals({ state: "all", limit: APPROVALS });
        this.dispatch({ type: "approvals", approvals: approvals.filter(({ conversation }) => conversation === id) });
      }
      const missing = told === undefined ? unknownApprovals(this.view.state) : [told];
      const found = await Promise.all(missing.map((approval) => this.shown(approval)));
      this.dispatch({ type: "approvals", approvals: found.flatMap((approval) => approval ?? []) });
    } catch {
      // Their places in the conversation say that they are missing and offer to ask again.
      this.set({ approvals: "failed" });
      return;
    }
    this.set({ approvals: "answered" });
  }

  /** Undefined for one that is gone. */
  private async shown(approval: string) {
    try {
      return await api.approval(approval);
    } catch (reason) {
      if (reason instanceof ApiError && !reason.unreachable) return undefined;
      throw reason;
    }
  }

  async loadOlder() {
    const first = this.view.state.messages[0];
    if (this.id === undefined || !first || this.view.loading_older) return;
    this.set({ loading_older: true });
    try {
      const { messages, more } = await api.messages(this.id, { before: first.position });
      this.dispatch({ type: "loaded", messages, more, fresh: false });
      void this.loadApprovals();
    } finally {
      this.set({ loading_older: false });
    }
  }

  /** Says something; a new conversation is created first and `created` told its id. */
  async say(
    { text, files, model }: { text: string; files: OutgoingFile[]; model: string | undefined },
    created: (id: string) => void,
    key = newKey(),
  ) {
    this.dispatch({ type: "said", key, text, files, at_ms: Date.now(), ...(model ? { model } : {}) });
    try {
      if (this.id === undefined) {
        const conversation = await api.createConversation();
        this.id = conversation.id;
        keep(this);
        this.open();
        created(conversation.id);
      }
      const { turn_id } = await api.say(
        this.id,
        { text, ...(model ? { model } : {}), ...(files.length > 0 ? { files } : {}) },
        key,
      );
      this.dispatch({ type: "accepted", key, turn: turn_id });
      touched("conversations");
    } catch (reason) {
      this.dispatch({
        type: "refused",
        key,
        reason: reason instanceof Error ? reason.message : words.state.unreachable,
      });
    }
  }

  /** Tries a refused message again under its old key, so that it cannot be said twice. */
  again(local: Local, created: (id: string) => void) {
    return this.say({ text: local.text, files: local.files, model: local.model }, created, local.key);
  }

  async stop() {
    const turn = stoppable(this.view.state);
    if (turn === undefined) return;
    this.dispatch({ type: "cancelling" });
    try {
      await api.cancelTurn(turn);
    } catch (reason) {
      this.dispatch({ type: "cancel_failed" });
      throw reason;
    }
  }

  dispatch(action: Action) {
    this.enqueue(action);
    this.flush();
  }

  /** Deltas come faster than the screen is drawn: fold them together, once a frame. */
  private enqueue(action: Action) {
    this.pending.push(action);
    if (this.scheduled) return;
    this.scheduled = true;
    if (document.visibilityState === "visible") requestAnimationFrame(() => this.flush());
    else setTimeout(() => this.flush(), 100);
  }

  private flush() {
    this.scheduled = false;
    if (this.pending.length === 0) return;
    const actions = this.pending;
    this.pending = [];
    const state = actions.reduce(reduce, this.view.state);
    if (state !== this.view.state) this.set({ state });
  }

  private set(change: Partial<View>) {
    this.view = { ...this.view, ...change };
    for (const listener of this.listeners) listener();
  }
}

const stores = new Map<string, ConversationStore>();

function keep(store: ConversationStore) {
  if (store.id === undefined) return;
  stores.delete(store.id);
  stores.set(store.id, store);
  for (const [id, other] of stores) {
    if (stores.size <= KEPT) break;
    if (other !== store) {
      other.close();
      stores.delete(id);
    }
  }
}

/** The store of a conversation, kept when it was looked at before. */
export function storeOf(id: string): ConversationStore {
  const store = stores.get(id) ?? new ConversationStore(id);
  keep(store);
  return store;
}

export function forget(id: string) {
  stores.get(id)?.close();
  stores.delete(id);
}

export function forgetAll() {
  for (const store of stores.values()) store.close();
  stores.clear();
}

function newKey(): string {
  // Not on pages served over plain http from another machine.
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Asks our server. Turns answers into types and failures into `ApiError`; keeps the token that guards writes. */

import { words } from "../words/en";
import type {
  ApprovalList,
  AuditList,
  Conversation,
  ConversationDetails,
  ConversationList,
  Decided,
  Decision,
  Forgotten,
  Health,
  HookAddress,
  HookList,
  Identity,
  IdentityList,
  KeyList,
  Link,
  LinkCode,
  Me,
  MemoryList,
  MessageList,
  Models,
  NewKey,
  NoticeLevel,
  OutgoingFile,
  Person,
  PersonList,
  ReportList,
  RequestList,
  RequestStory,
  ShownApproval,
  Standing,
  ToolAnswer,
  ToolkitList,
  TurnReport,
  UsageList,
} from "./types";

/** Why a request got no answer. `status` 0 means the service could not be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly request_id?: string,
  ) {
    super(message);
    this.name = "ApiError";
  }

  get unreachable() {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

let csrf_token = "";
let when_signed_out: () => void = () => {};

/** Called whenever the service says that nobody is signed in any more. */
export function onSignedOut(listener: () => void) {
  when_signed_out = listener;
}

export function signedOut() {
  when_signed_out();
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
interface Options {
  body?: unknown;
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Statuses that are answers too, beside the good ones. */
  also?: number[];
}

/** Time after which a silent request is given up. */
const PATIENCE_MS = 30_000;

async function ask<T>(method: Method, path: string, options: Options = {}): Promise<T> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  const headers: Record<string, string> = { accept: "application/json", ...options.headers };
  if (options.body !== undefined) headers["content-type"] = "application/json";
  if (method !== "GET" && csrf_token) headers["x-csrf-token"] = csrf_token;

  const timeout = AbortSignal.timeout(PATIENCE_MS);
  let response: Response;
  try {
    response = await fetch(query.size > 0 ? `${path}?${query}` : path, {
      method,
      headers,
      credentials: "same-origin",
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
  } catch (reason) {
    if (options.signal?.aborted) throw reason;
    throw new ApiError(0, "UNREACHABLE", words.state.unreachable);
  }

  const text = await response.text();
  let body: unknown;
  try {
    body = text === "" ? undefined : JSON.parse(text);
  } catch {
    throw new ApiError(response.ok ? 502 : response.status, "NOT_JSON", words.state.unreachable);
  }
  if (!response.ok && !options.also?.includes(response.status)) {
    const failure = (body ?? {}) as { error?: string; error_code?: string; request_id?: string };
    if (response.status === 401 && path !== "/api/login") signedOut();
    throw new ApiError(
      response.status,
      failure.error_code ?? "FAILED",
      failure.error ?? words.state.failed(response.status),
      failure.request_id,
    );
  }
  return body as T;
}

function remembered(me: Me): Me {
  csrf_token = me.csrf_token;
  return me;
}

const at = (...segments: string[]) => `/api/${segments.map(encodeURIComponent).join("/")}`;

export const api = {
  login: async (code: string) => remembered(await ask<Me>("POST", at("login"), { body: { code } })),
  logout: () => ask<void>("POST", at("logout")),
  me: async (signal?: AbortSignal) => remembered(await ask<Me>("GET", at("me"), signal ? { signal } : {})),

  conversations: (options: { query?: string; limit?: number; before_ms?: number; signal?: AbortSignal } = {}) =>
    ask<ConversationList>("GET", at("conversations"), {
      query: { query: options.query, limit: options.limit ?? 50, before_ms: options.before_ms },
      ...(options.signal ? { signal: options.signal } : {}),
    }),
  createConversation: (body: { title?: string; agent?: string } = {}) =>
    ask<Conversation>("POST", at("conversations"), { body }),
  conversation: (id: string, signal?: AbortSignal) =>
    ask<ConversationDetails>("GET", at("conversations", id), signal ? { signal } : {}),
  renameConversation: (id: string, title: string) =>
    ask<Conversation>("PATCH", at("conversations", id), { body: { title } }),
  deleteConversation: (id: string) => ask<void>("DELETE", at("conversations", id)),
  messages: (id: string, options: { before?: number; limit?: number; signal?: AbortSignal } = {}) =>
    ask<MessageList>("GET", at("conversations", id, "messages"), {
      query: { limit: options.limit ?? 200, before: options.before },
      ...(options.signal ? { signal: options.signal } : {}),
    }),
  clearConversation: (id: string) => ask<{ deleted: number }>("DELETE", at("conversations", id, "messages")),
  say: (id: string, body: { text: string; model?: string; files?: OutgoingFile[] }, key: string) =>
    ask<{ turn_id: string; ahead: number }>("POST", at("conversations", id, "messages"), {
      body,
      headers: { "idempotency-key": key },
    }),
  eventsPath: (id: string) => at("conversations", id, "events"),

  turn: (id: string, signal?: AbortSignal) => ask<TurnReport>("GET", at("turns", id), signal ? { signal } : {}),
  undo: (turn: string, call_id: string) =>
    ask<{ turn_id: string }>("POST", at("turns", turn, "undo"), { body: { call_id } }),
  cancelTurn: (id: string) => ask<{ cancelled: number }>("POST", at("turns", id, "cancel")),
  stop: (options: { everybody?: boolean } = {}) =>
    ask<{ cancelled: number }>("POST", at("stop"), { query: { everybody: options.everybody || undefined } }),

  approvals: (options: { state: "open" | "all"; before_ms?: number; limit?: number; signal?: AbortSignal }) =>
    ask<ApprovalList>("GET", at("approvals"), {
      query: { state: options.state, before_ms: options.before_ms, limit: options.limit },
      ...(options.signal ? { signal: options.signal } : {}),
    }),
  approval: (id: string, signal?: AbortSignal) =>
    ask<ShownApproval>("GET", at("approvals", id), signal ? { signal } : {}),
  decide: (id: string, decision: Decision) => ask<Decided>("POST", at("approvals", id), { body: decision }),
  tools: (signal?: AbortSignal) => ask<ToolkitList>("GET", at("tools"), signal ? { signal } : {}),

  runTool: (name: string, body: object, signal?: AbortSignal) =>
    ask<ToolAnswer>("POST", at("tools", name), { body, ...(signal ? { signal } : {}) }),

  requests: (options: {
    state: "open" | "all";
    own: boolean;
    before_ms?: number;
    limit?: number;
    signal?: AbortSignal;
  }) =>
    ask<RequestList>("GET", at("requests"), {
      query: {
        state: options.state,
        own: options.own || undefined,
        before_ms: options.before_ms,
        limit: options.limit,
      },
      ...(options.signal ? { signal: options.signal } : {}),
    }),
  request: (id: string, signal?: AbortSignal) => ask<RequestStory>("GET", at("requests", id), signal ? { signal } : {}),
  watchRequest: (id: string, level: NoticeLevel) => ask<void>("PUT", at("requests", id, "watch"), { body: { level } }),
  unwatchRequest: (id: string) => ask<void>("DELETE", at("requests", id, "watch")),
  cancelRequest: (id: string) => ask<void>("DELETE", at("requests", id)),
  reports: (signal?: AbortSignal) => ask<ReportList>("GET", at("reports"), signal ? { signal } : {}),
  closeReport: (id: string, state: "mended" | "dismissed") => ask<void>("POST", at("reports", id), { body: { state } }),

  models: (signal?: AbortSignal) => ask<Models>("GET", at("models"), signal ? { signal } : {}),
  health: (signal?: AbortSignal) => ask<Health>("GET", "/health", { also: [503], ...(signal ? { signal } : {}) }),
  usage: (options: { days: number; all: boolean; signal?: AbortSignal }) =>
    ask<UsageList>("GET", at("usage"), {
      query: { days: options.days, all: options.all || undefined },
      ...(options.signal ? { signal: options.signal } : {}),
    }),

  people: (signal?: AbortSignal) => ask<PersonList>("GET", at("people"), signal ? { signal } : {}),
  createPerson: (body: { name: string; standing: Standing }) => ask<Person>("POST", at("people"), { body }),
  changePerson: (id: string, body: { name?: string; standing?: Standing }) =>
    ask<Person>("PATCH", at("people", id), { body }),
  deletePerson: (id: string) => ask<void>("DELETE", at("people", id)),
  linkPerson: (id: string) => ask<Link>("POST", at("people", id, "link")),
  identities: (id: string, signal?: AbortSignal) =>
    ask<IdentityList>("GET", at("people", id, "identities"), signal ? { signal } : {}),
  unlinkIdentity: (id: string, identity: Identity) =>
    ask<void>("DELETE", at("people", id, "identities"), { body: identity }),
  linkCode: () => ask<LinkCode>("POST", at("me", "link-code")),
  memory: (signal?: AbortSignal) => ask<MemoryList>("GET", at("memory"), signal ? { signal } : {}),
  deleteFact: (id: string) => ask<void>("DELETE", at("memory", id)),
  forgetMe: (confirm: string) => ask<Forgotten>("DELETE", at("me", "data"), { body: { confirm } }),
  audit: (options: { before?: number; kind?: string; limit?: number; signal?: AbortSignal }) =>
    ask<AuditList>("GET", at("audit"), {
      query: { before: options.before, kind: options.kind, limit: options.limit },
      ...(options.signal ? { signal: options.signal } : {}),
    }),
  keys: (signal?: AbortSignal) => ask<KeyList>("GET", at("keys"), signal ? { signal } : {}),
  createKey: (body: { name: string; person?: string; scopes?: string[] }) => ask<NewKey>("POST", at("keys"), { body }),
  deleteKey: (id: string) => ask<void>("DELETE", at("keys", id)),
  hooks: (signal?: AbortSignal) => ask<HookList>("GET", at("hooks"), signal ? { signal } : {}),
  createHook: (name: string) => ask<HookAddress>("POST", at("hooks", name)),
  deleteHook: (name: string) => ask<void>("DELETE", at("hooks", name)),
};

/** Where our server hands out a card's picture. Anything that is not `source:name` has no address. */
export function pictureAddress(picture: string | null | undefined): string | undefined {
  const split = picture?.indexOf(":") ?? -1;
  if (!picture || split < 1) return undefined;
  const source = picture.slice(0, split);
  const name = picture.slice(split + 1);
  if (!/^[a-z0-9_-]+$/.test(source) || name === "" || name.startsWith("/") || name.includes("..")) return undefined;
  return `/api/pictures/${source}/${name.split("/").map(encodeURIComponent).join("/")}`;
}

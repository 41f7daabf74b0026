/** Names for the shapes of the wire. They are written once, in the service's own description (`schema.ts`). */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Card = Schemas["Card"];
export type Conversation = Schemas["Conversation"];
export type ConversationDetails = Schemas["ConversationDetails"];
export type ConversationList = Schemas["ConversationList"];
export type Health = Schemas["Health"];
export type Key = Schemas["Key"];
export type KeyList = Schemas["KeyList"];
export type Link = Schemas["Link"];
export type Me = Schemas["Me"];
export type ModelInfo = Schemas["ModelInfo"];
export type Models = Schemas["ModelList"];
export type NewKey = Schemas["NewKey"];
export type OutgoingFile = Schemas["FileBody"];
export type Person = Schemas["Person"];
export type PersonList = Schemas["PersonList"];
export type RunningCall = Schemas["RunningCall"];
export type RunningTurn = Schemas["RunningTurn"];
export type Standing = Schemas["Standing"];
export type Turn = Schemas["Turn"];
export type TurnState = Schemas["TurnState"];
export type Usage = Schemas["Usage"];
export type UsageDay = Schemas["UsageDay"];
export type UsageList = Schemas["UsageList"];
export type ToolInfo = Schemas["ToolInfo"];
export type ToolkitList = Schemas["ToolkitList"];

// What the description of the service does not hold yet, in the same shapes.

export type NoticeKind = Schemas["NoticeKind"] | "decided" | "receipt" | "correction";
export interface Notice {
  kind: NoticeKind;
  text: string;
}
export interface Label {
  origin: "own" | "household" | "outside";
  audience: "household" | "person";
}
type CallResult = Schemas["CallResult"] & {
  label?: Label | null;
  /** The call did not run: it waits, or waited, for this approval. */
  approval?: string | null;
  receipt?: string | null;
  /** It would change something, and nobody knows whether it has. */
  uncertain?: boolean;
};
export type Part =
  | Exclude<Schemas["Part"], { type: "notice" | "result" }>
  | (Notice & { type: "notice" })
  | (CallResult & { type: "result" });
export type Message = Omit<Schemas["Message"], "parts"> & { parts: Part[] };
export type MessageList = Omit<Schemas["MessageList"], "messages"> & { messages: Message[] };

type Older = Exclude<Schemas["EventKind"], { type: "turn_queued" | "turn_finished" | "noticed" }>;
type Of<Kind> = Extract<Schemas["EventKind"], { type: Kind }>;
export type EventKind =
  | Older
  | (Omit<Of<"turn_queued">, "message"> & { message: Message })
  | (Omit<Of<"turn_finished">, "messages"> & { messages: Message[] })
  | (Omit<Of<"noticed">, "notice"> & { notice: Notice })
  | { type: "approval_opened" | "approval_changed"; approval: Approval };
export type Event = EventKind & { conversation: string; number: number; turn: string };

export type ApprovalState =
  | "open"
  | "approved"
  | "running"
  | "executed"
  | "failed"
  | "uncertain"
  | "declined"
  | "changed"
  | "expired"
  | "void";
export interface Approvers {
  requester: boolean;
  standing: Standing | null;
}
export interface Wording {
  question: string;
  declined: string;
  reason: string;
}
export interface Approval {
  id: string;
  conversation: string;
  turn: string;
  call_id: string;
  agent: string;
  requester: string;
  tool: string;
  instance: string;
  /** JSON text. */
  arguments: string;
  schema_hash: string;
  fingerprint: string;
  approvers: Approvers;
  card: Card;
  wording: Wording;
  state: ApprovalState;
  created_at_ms: number;
  expires_at_ms: number;
  decided_at_ms: number | null;
  decided_by: string | null;
  decision_turn: string | null;
  replaces: string | null;
  outcome: string | null;
}
export interface ShownApproval extends Approval {
  requester_name: string;
  decided_by_name: string | null;
  /** The caller may decide, and it is open. */
  may_decide: boolean;
}
export interface ApprovalList {
  approvals: ShownApproval[];
}
export type Decision =
  | { decision: "approve" }
  | { decision: "decline"; reason: string | null }
  | { decision: "change"; arguments: Record<string, unknown> };
export interface Decided {
  approval: ShownApproval;
  turn_id: string | null;
  changed_to: ShownApproval | null;
}
export interface AuditEntry {
  seq: number;
  at_ms: number;
  actor: string | null;
  actor_name: string | null;
  kind: string;
  subject: string;
  conversation: string | null;
  turn: string | null;
  detail: string;
}
export interface AuditList {
  entries: AuditEntry[];
  more: boolean;
}
export interface Remembered {
  id: string;
  /** `person`, `room` or `household`. */
  scope: string;
  text: string;
  author: string;
  created_at_ms: number;
}
export interface Identity {
  channel: string;
  account: string;
}
export interface LinkCode {
  code: string;
  expires_at_ms: number;
}

/** Names for the shapes of the wire. They are written once, in the service's own description (`schema.ts`). */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Approval = Schemas["Approval"];
export type ApprovalList = Schemas["ApprovalList"];
export type ApprovalState = Schemas["ApprovalState"];
export type AuditEntry = Schemas["AuditEntry"];
export type AuditList = Schemas["AuditList"];
export type Card = Schemas["Card"];
export type Conversation = Schemas["Conversation"];
export type ConversationDetails = Schemas["ConversationDetails"];
export type ConversationList = Schemas["ConversationList"];
export type Decided = Schemas["Decided"];
export type Event = Schemas["Event"];
export type EventKind = Schemas["EventKind"];
export type Forgotten = Schemas["Forgotten"];
export type Health = Schemas["Health"];
export type Identity = Schemas["IdentityBody"];
export type IdentityList = Schemas["IdentityList"];
export type Key = Schemas["Key"];
export type HookAddress = Schemas["HookAddress"];
export type HookList = Schemas["HookList"];
export type KeyList = Schemas["KeyList"];
export type Link = Schemas["Link"];
export type LinkCode = Schemas["LinkCode"];
export type Me = Schemas["Me"];
export type MemoryList = Schemas["MemoryList"];
export type Message = Schemas["Message"];
export type MessageList = Schemas["MessageList"];
export type ModelInfo = Schemas["ModelInfo"];
export type Models = Schemas["ModelList"];
export type NewKey = Schemas["NewKey"];
export type Notice = Schemas["Notice"];
export type NoticeKind = Schemas["NoticeKind"];
export type OutgoingFile = Schemas["FileBody"];
export type Part = Schemas["Part"];
export type Person = Schemas["Person"];
export type PersonList = Schemas["PersonList"];
export type Remembered = Schemas["Remembered"];
export type ReportList = Schemas["ReportList"];
export type RequestList = Schemas["RequestList"];
export type RequestStory = Schemas["RequestStory"];
export type RunningCall = Schemas["RunningCall"];
export type RunningTurn = Schemas["RunningTurn"];
export type ShownApproval = Schemas["ShownApproval"];
export type ShownReport = Schemas["ShownReport"];
export type ShownRequest = Schemas["ShownRequest"];
export type ShownWatcher = Schemas["ShownWatcher"];
export type Standing = Schemas["Standing"];
export type StoryLine = Schemas["StoryLine"];
export type TakenBack = Schemas["TakenBack"];
export type ToolAnswer = Schemas["ToolAnswer"];
export type ToolInfo = Schemas["ToolInfo"];
export type ToolkitList = Schemas["ToolkitList"];
export type Turn = Schemas["Turn"];
export type TurnState = Schemas["TurnState"];
export type TurnReport = Schemas["TurnReport"];
export type UndoOffer = Schemas["UndoOffer"];
export type Usage = Schemas["Usage"];
export type UsageDay = Schemas["UsageDay"];
export type UsageList = Schemas["UsageList"];

/** When somebody who waits for a request is told. The service takes any text and refuses others. */
export type NoticeLevel = "first" | "each" | "group" | "all";

/** Narrower than the body the service takes: each decision with what belongs to it. */
export type Decision =
  | { decision: "approve" }
  | { decision: "decline"; reason: string | null }
  | { decision: "change"; arguments: Record<string, unknown> };

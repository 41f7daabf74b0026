/** Names for the shapes of the wire. They are written once, in the service's own description (`schema.ts`). */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Card = Schemas["Card"];
export type Conversation = Schemas["Conversation"];
export type ConversationDetails = Schemas["ConversationDetails"];
export type ConversationList = Schemas["ConversationList"];
export type Event = Schemas["Event"];
export type EventKind = Schemas["EventKind"];
export type Health = Schemas["Health"];
export type Key = Schemas["Key"];
export type KeyList = Schemas["KeyList"];
export type Link = Schemas["Link"];
export type Me = Schemas["Me"];
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
export type RunningCall = Schemas["RunningCall"];
export type RunningTurn = Schemas["RunningTurn"];
export type Standing = Schemas["Standing"];
export type Turn = Schemas["Turn"];
export type TurnState = Schemas["TurnState"];
export type Usage = Schemas["Usage"];
export type UsageDay = Schemas["UsageDay"];
export type UsageList = Schemas["UsageList"];

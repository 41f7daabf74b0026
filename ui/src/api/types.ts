/** The wire's shapes, as the page uses them. Times ending in `_ms` are UTC epoch milliseconds. */

export type Role = "user" | "assistant" | "tool";
export type Standing = "guest" | "child" | "member" | "admin";
export type TurnState = "queued" | "running" | "done" | "failed" | "cancelled";
export type NoticeKind = "cancelled" | "timed_out" | "partial" | "failed" | "fallback";

export interface Fact {
  label: string;
  value: string;
}

export interface Card {
  title: string;
  subtitle?: string;
  text?: string;
  /** `source:name`, such as `tmdb:w342/abc.jpg`. */
  picture?: string | null;
  facts?: Fact[];
  link?: string | null;
  source?: string;
}

export interface Notice {
  kind: NoticeKind;
  text: string;
}

export type Part =
  | { type: "text"; text: string }
  | { type: "image"; media_type: string; data: string }
  | { type: "file"; name: string; media_type: string; data: string }
  | { type: "thinking"; text: string }
  | { type: "call"; id: string; name: string; arguments: string }
  | {
      type: "result";
      call_id: string;
      name: string;
      text: string;
      is_error?: boolean;
      cards?: Card[];
      duration_ms?: number;
      title?: string;
    }
  | ({ type: "notice" } & Notice);

export interface Message {
  id: string;
  turn: string;
  position: number;
  role: Role;
  parts: Part[];
  created_at_ms: number;
}

export interface Usage {
  input_tokens: number;
  cached_input_tokens: number;
  output_tokens: number;
  estimated?: boolean;
}

export interface RunningCall {
  call_id: string;
  name: string;
  title: string;
  finished: boolean;
  is_error: boolean;
  summary: string;
  cards: Card[];
  duration_ms: number;
}

export interface RunningTurn {
  turn: string;
  started_at_ms: number;
  model: string;
  text: string;
  thinking: string;
  calls: RunningCall[];
}

export type EventKind =
  | { type: "turn_queued"; message: Message; ahead: number }
  | { type: "turn_started"; started_at_ms: number }
  | { type: "model_asked"; model: string; step: number }
  | { type: "step_reset"; step: number }
  | { type: "thinking_delta"; text: string }
  | { type: "text_delta"; text: string }
  | { type: "call_started"; call_id: string; name: string; title: string }
  | {
      type: "call_finished";
      call_id: string;
      name: string;
      title: string;
      is_error: boolean;
      summary: string;
      cards: Card[];
      duration_ms: number;
    }
  | { type: "progress"; text: string }
  | { type: "noticed"; notice: Notice }
  | {
      type: "turn_finished";
      state: TurnState;
      messages: Message[];
      model: string;
      usage: Usage;
      cost_micros: number;
      duration_ms: number;
    }
  | { type: "snapshot"; running: RunningTurn | null; queued: number }
  | { type: "conversation_cleared" }
  | { type: "conversation_renamed"; title: string }
  | { type: "conversation_deleted" };

export type Event = { conversation: string; number: number; turn: string } & EventKind;

export interface Person {
  id: string;
  name: string;
  standing: Standing;
  zone?: string | null;
  language?: string | null;
  created_at_ms: number;
}

export interface Suggestion {
  title: string;
  prompt: string;
}

export interface Me {
  person: Person;
  csrf_token: string;
  version: string;
  demo: { parts: string[]; text: string } | null;
  suggestions: Suggestion[];
  agents: { id: string; name: string }[];
}

export interface Conversation {
  id: string;
  title: string;
  agent: string;
  created_at_ms: number;
  updated_at_ms: number;
  message_count: number;
  pending: boolean;
}

export interface ConversationDetails extends Conversation {
  usage: Usage;
  cost_micros: number;
  turns: number;
}

export interface Turn {
  id: string;
  conversation: string;
  state: TurnState;
  model: string | null;
  started_at_ms: number | null;
  finished_at_ms: number | null;
  usage: Usage;
  cost_micros: number;
  error?: string | null;
}

export interface Price {
  input: number;
  output: number;
  cached_input?: number | null;
}

export interface ModelInfo {
  name: string;
  provider: string;
  id: string;
  context_tokens?: number | null;
  price?: Price | null;
}

export interface Models {
  models: ModelInfo[];
  default: string;
  live: boolean;
  problem?: string | null;
}

export interface OutgoingFile {
  name: string;
  media_type: string;
  /** base64 */
  data: string;
}

export interface UsageDay {
  /** `2026-11-21` */
  day: string;
  input_tokens: number;
  output_tokens: number;
  cost_micros: number;
  turns: number;
}

export interface Health {
  status: string;
  /** By name: `operational`, `degraded`, `unavailable`, `unknown` or `off`. */
  components: Record<string, string>;
  /** What each part last said of itself. */
  details?: Record<string, string>;
  /** What is switched off, and why. */
  off?: Record<string, string>;
}

export interface Key {
  id: string;
  name: string;
  person?: string | null;
  scopes?: string[];
  created_at_ms?: number;
  last_used_at_ms?: number | null;
}

//! The shapes on the wire. Those of messages and events are the domain's, written down once more so that the description of
//! the API can show them; a test sends the domain's own values through them and back.

use majordomo_domain as domain;
use majordomo_store as store;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// Who speaks in a message.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    Assistant,
    Tool,
}

/// One message of a conversation.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    pub id: Uuid,
    pub turn: Uuid,
    /// Order within the conversation.
    pub position: i64,
    pub role: Role,
    pub parts: Vec<Part>,
    pub created_at_ms: i64,
}

/// A piece of a message. Ignore kinds you do not know.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    Text {
        /// Markdown when the assistant wrote it.
        text: String,
    },
    /// A picture, base64 in `data`.
    Image {
        media_type: String,
        data: String,
    },
    /// A document, base64 in `data`.
    File {
        name: String,
        media_type: String,
        data: String,
    },
    /// What the model thought before speaking.
    Thinking {
        text: String,
    },
    Call(CallRequest),
    Result(CallResult),
    /// A remark by the house itself.
    Notice(Notice),
}

/// A call the model asks for.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallRequest {
    /// Ties the result to the call.
    pub id: String,
    pub name: String,
    /// JSON text exactly as the model wrote it; may be malformed.
    pub arguments: String,
}

/// What came back from a call.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallResult {
    pub call_id: String,
    pub name: String,
    /// What the model reads.
    pub text: String,
    /// What the model reads it again by, such as `r3-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    pub is_error: bool,
    /// What a person sees instead of the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<Card>,
    pub duration_ms: u64,
    /// A person's line for the call.
    pub title: String,
    /// Whose words these are, where they are not this program's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
    /// The call did not run: it waits for this approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Uuid>,
    /// What the call changed, as one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// How the change is taken back, as long as it can be: `POST /api/turns/{id}/undo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Box<UndoOffer>>,
    /// The call would change something, and nobody knows whether it has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub uncertain: bool,
}

/// A change may be taken back until then.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UndoOffer {
    pub tool: String,
    #[schema(value_type = Object)]
    pub arguments: serde_json::Value,
    /// What it brings back, such as `Put Metropolis back to HD-720p`.
    pub title: String,
    pub until_ms: i64,
}

/// Where words come from and whom they are for.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Label {
    pub origin: Origin,
    pub audience: Audience,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The person who asks, or the program.
    Own,
    /// Somebody else of the household.
    Household,
    /// Anybody.
    Outside,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    Household,
    /// The person of the turn, and nobody else.
    Person,
}

/// A call that waits, or waited, for somebody's decision.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Approval {
    pub id: Uuid,
    pub conversation: Uuid,
    /// The turn that asked.
    pub turn: Uuid,
    pub call_id: String,
    pub agent: Uuid,
    pub requester: Uuid,
    pub tool: String,
    /// Which of several services of one kind; empty where there is only one.
    pub instance: String,
    /// JSON text of the arguments, keys in order.
    pub arguments: String,
    pub schema_hash: String,
    /// SHA-256 over tool, schema, arguments and instance: what was approved.
    pub fingerprint: String,
    pub approvers: Approvers,
    /// What an approver sees. Made from the arguments.
    pub card: Card,
    pub wording: Wording,
    pub state: ApprovalState,
    pub created_at_ms: i64,
    pub expires_at_ms: i64,
    #[schema(required)]
    pub decided_at_ms: Option<i64>,
    #[schema(required)]
    pub decided_by: Option<Uuid>,
    /// The turn in which the decision is carried out.
    #[schema(required)]
    pub decision_turn: Option<Uuid>,
    /// The approval this one was changed from.
    #[schema(required)]
    pub replaces: Option<Uuid>,
    /// One sentence: what came of it, or why it was declined.
    #[schema(required)]
    pub outcome: Option<String>,
}

/// Who may decide: anybody who fits one of these.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Approvers {
    /// The one who asked.
    pub requester: bool,
    /// Everybody of this standing or above.
    #[schema(required)]
    pub standing: Option<Standing>,
}

/// What is said around an approval.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Wording {
    pub question: String,
    /// What is said when it was declined.
    pub declined: String,
    /// Why it is asked; empty when that needs no saying.
    pub reason: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    Open,
    Approved,
    /// It runs now.
    Running,
    Executed,
    /// It was tried and did not work.
    Failed,
    /// It was tried and nobody knows whether it happened.
    Uncertain,
    Declined,
    /// Another approval with changed arguments took its place.
    Changed,
    Expired,
    /// It may no longer be done.
    Void,
}

/// An approval as somebody sees it.
#[derive(Serialize, ToSchema)]
pub struct ShownApproval {
    #[serde(flatten)]
    #[schema(value_type = Approval)]
    pub approval: domain::Approval,
    pub requester_name: String,
    #[schema(required)]
    pub decided_by_name: Option<String>,
    /// The caller may decide, and it is open.
    pub may_decide: bool,
    /// What the household asked for with it: `GET /api/requests/{id}`.
    #[schema(required)]
    pub request_id: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
pub struct ApprovalList {
    /// Newest first.
    pub approvals: Vec<ShownApproval>,
}

/// What came of a decision.
#[derive(Serialize, ToSchema)]
pub struct Decided {
    pub approval: ShownApproval,
    /// The turn in which it is carried out, when there is one.
    #[schema(required)]
    pub turn_id: Option<Uuid>,
    /// The new version of a changed approval.
    #[schema(required)]
    pub changed_to: Option<ShownApproval>,
}

/// Something the household asked for.
#[derive(Serialize, ToSchema)]
pub struct ShownRequest {
    pub id: Uuid,
    /// Such as `The Matrix (1999)`.
    pub title: String,
    /// A picture's name, as on a card.
    #[schema(required)]
    pub picture: Option<String>,
    pub owner_name: String,
    /// The caller asked first.
    pub is_own: bool,
    /// The caller may take it back.
    pub may_cancel: bool,
    /// `asked`, `wanted`, `downloading`, `downloaded`, `partly`, `watchable`, `declined`, `failed` or `cancelled`.
    pub state: String,
    /// As last seen; absent before the first look.
    #[schema(required)]
    pub progress: Option<RequestProgress>,
    /// What waits for a yes, where the caller may see it: `GET /api/approvals/{id}`.
    #[schema(required)]
    pub approval_id: Option<Uuid>,
    /// Expected size.
    #[schema(required)]
    pub size_bytes: Option<u64>,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
    #[schema(required)]
    pub closed_at_ms: Option<i64>,
}

/// How far a request has come.
#[derive(Serialize, ToSchema)]
pub struct RequestProgress {
    /// What stands in the way or happens now, as one sentence.
    pub line: String,
    /// Of what is on its way, 0 to 100.
    #[schema(required)]
    pub percent: Option<u8>,
    /// Parts that can be watched, of those that are wanted.
    pub here: u32,
    pub wanted: u32,
    /// What one part is called, such as `episode`; empty for a film.
    pub unit: String,
}

#[derive(Serialize, ToSchema)]
pub struct RequestList {
    /// Newest first.
    pub requests: Vec<ShownRequest>,
}

/// A request with those who wait for it and its story.
#[derive(Serialize, ToSchema)]
pub struct RequestStory {
    pub request: ShownRequest,
    pub watchers: Vec<ShownWatcher>,
    /// Oldest first.
    pub story: Vec<StoryLine>,
}

#[derive(Serialize, ToSchema)]
pub struct ShownWatcher {
    pub name: String,
    pub is_caller: bool,
    /// `first`, `each`, `group` or `all`.
    pub level: String,
    pub since_ms: i64,
}

/// One line of a story.
#[derive(Serialize, ToSchema)]
pub struct StoryLine {
    pub at_ms: i64,
    /// The state it came to, or `asked`, `joined`, `approved`, `changed`, `told`, `trouble`, `report`, `removed`; or what happened
    /// outside: `grabbed`, `imported`, `upgraded`, `download_failed`, `deleted`.
    pub kind: String,
    #[schema(required)]
    pub actor_name: Option<String>,
    pub text: String,
}

/// What somebody says is wrong.
#[derive(Serialize, ToSchema)]
pub struct ShownReport {
    pub id: Uuid,
    /// Such as `The Matrix (1999)`.
    pub title: String,
    /// By its own name: `GET /api/pictures/{name}`.
    #[schema(required)]
    pub picture: Option<String>,
    /// What is wrong.
    pub text: String,
    pub reporter_name: String,
    pub is_own: bool,
    /// The caller may say what became of it.
    pub may_close: bool,
    /// By which the title came here, where somebody asked for it: `GET /api/requests/{id}`.
    #[schema(required)]
    pub request_id: Option<Uuid>,
    /// `open`, `mended` or `dismissed`.
    pub state: String,
    /// What was said to it in the end.
    #[schema(required)]
    pub answer: Option<String>,
    pub created_at_ms: i64,
    #[schema(required)]
    pub closed_at_ms: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct ReportList {
    /// Newest first.
    pub reports: Vec<ShownReport>,
}

/// The turn that takes a change back.
#[derive(Serialize, ToSchema)]
pub struct Undone {
    pub turn_id: Uuid,
}

/// One entry of the audit.
#[derive(Serialize, ToSchema)]
pub struct AuditEntry {
    pub seq: i64,
    pub at_ms: i64,
    #[schema(required)]
    pub actor: Option<Uuid>,
    #[schema(required)]
    pub actor_name: Option<String>,
    /// Such as `policy`, `approval`, `execution`, `person`, `key`, `hidden_text`, `foreign_link`, `stop`, `secret`.
    pub kind: String,
    /// What it is about, such as a tool's name.
    pub subject: String,
    #[schema(required)]
    pub conversation: Option<Uuid>,
    #[schema(required)]
    pub turn: Option<Uuid>,
    /// One sentence.
    pub detail: String,
}

#[derive(Serialize, ToSchema)]
pub struct AuditList {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// There are older ones: ask with `before` set to the `seq` of the last.
    pub more: bool,
}

#[derive(Serialize, ToSchema)]
pub struct MemoryList {
    pub facts: Vec<Remembered>,
}

/// How much was erased.
#[derive(Serialize, ToSchema)]
pub struct Forgotten {
    pub facts: u64,
    pub conversations: u64,
    pub messages: u64,
    pub documents: u64,
    pub approvals: u64,
}

/// Joins an account on another channel, once.
#[derive(Serialize, ToSchema)]
pub struct LinkCode {
    pub code: String,
    pub expires_at_ms: i64,
}

#[derive(Serialize, ToSchema)]
pub struct IdentityList {
    pub identities: Vec<IdentityBody>,
}

/// One of a person's accounts.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityBody {
    /// Such as `discord`.
    pub channel: String,
    /// The channel's own number of the account.
    pub account: String,
}

/// Something the house remembers.
#[derive(Serialize, ToSchema)]
pub struct Remembered {
    pub id: String,
    /// `person`, `room` or `household`.
    pub scope: String,
    pub text: String,
    /// Who said it.
    pub author: Uuid,
    pub created_at_ms: i64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    pub kind: NoticeKind,
    /// One plain sentence for a person.
    pub text: String,
    /// What it is news of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
}

/// Something somebody had asked for.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct About {
    pub request: Uuid,
    /// A picture's own name, as on a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A person stopped the turn.
    Cancelled,
    /// The turn reached its time limit.
    TimedOut,
    /// The turn reached its limit of steps, or repeated itself.
    Partial,
    /// The answer could not be made.
    Failed,
    /// Another model than the first choice answered.
    Fallback,
    /// Somebody decided about a call that waited, or nobody did in time.
    Decided,
    /// Something was changed: written from what the tools reported.
    Receipt,
    /// The answer claims something that did not happen.
    Correction,
    /// Something somebody waited for has come about.
    News,
}

/// What a person sees in place of JSON.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Card {
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subtitle: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// A picture's own name such as `tmdb:w342/abc.jpg`: found at `/api/pictures/tmdb/w342/abc.jpg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Whose data it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fact {
    pub label: String,
    pub value: String,
}

/// One event of a conversation.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    pub conversation: Uuid,
    /// Grows within the conversation, also over restarts. The `id:` of the stream.
    pub number: i64,
    pub turn: Uuid,
    #[serde(flatten)]
    pub kind: EventKind,
}

/// Ignore kinds you do not know.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventKind {
    /// What somebody said was stored; its turn waits behind `ahead` others.
    TurnQueued {
        message: Message,
        ahead: u32,
    },
    TurnStarted {
        started_at_ms: i64,
    },
    /// A model was asked. Sent again when another one takes over, or for the next step.
    ModelAsked {
        model: String,
        step: u32,
    },
    /// What was written in this step so far is void: the step is tried again.
    StepReset {
        step: u32,
    },
    ThinkingDelta {
        text: String,
    },
    TextDelta {
        text: String,
    },
    CallStarted {
        call_id: String,
        name: String,
        title: String,
    },
    CallFinished {
        call_id: String,
        name: String,
        title: String,
        is_error: bool,
        /// The first 400 characters of what the model reads.
        summary: String,
        cards: Vec<Card>,
        duration_ms: u64,
    },
    /// A line to show while waiting.
    Progress {
        text: String,
    },
    Noticed {
        notice: Notice,
    },
    /// A call waits for somebody's decision.
    ApprovalOpened {
        approval: Box<Approval>,
    },
    /// What became of it: decided, expired, carried out.
    ApprovalChanged {
        approval: Box<Approval>,
    },
    /// The last event of a turn. The messages it added are stored.
    TurnFinished {
        state: TurnState,
        messages: Vec<Message>,
        model: String,
        usage: Usage,
        cost_micros: i64,
        duration_ms: u64,
    },
    /// Everything seen so far of the turn that runs now.
    Snapshot {
        #[schema(required)]
        running: Option<RunningTurn>,
        queued: u32,
    },
    ConversationCleared,
    ConversationRenamed {
        title: String,
    },
    ConversationDeleted,
}

/// A turn in the making, as a watcher would have folded its events.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunningTurn {
    pub turn: Uuid,
    pub started_at_ms: i64,
    pub model: String,
    pub text: String,
    pub thinking: String,
    pub calls: Vec<RunningCall>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunningCall {
    pub call_id: String,
    pub name: String,
    pub title: String,
    pub finished: bool,
    pub is_error: bool,
    pub summary: String,
    pub cards: Vec<Card>,
    pub duration_ms: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TurnState {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

/// Tokens of one or several answers.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// All input, cached tokens included.
    pub input_tokens: u64,
    pub cached_input_tokens: u64,
    pub output_tokens: u64,
    /// True when the provider said nothing usable and the numbers are our estimate.
    pub estimated: bool,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Guest,
    Child,
    Member,
    Admin,
}

/// Somebody of the household.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    pub id: Uuid,
    pub name: String,
    pub standing: Standing,
    /// IANA name such as `Europe/Berlin`; the server's zone when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// BCP 47 language such as `en-US`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub created_at_ms: i64,
}

/// A configured persona.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Agent {
    pub id: Uuid,
    pub name: String,
    /// Names of toolkits it may use; empty means all.
    pub toolkits: Vec<String>,
    /// This and what follows is shown to admins only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Names of tools offered to the model from the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_tools: Option<Vec<String>>,
    /// Whether it may end a turn without a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_stay_silent: Option<bool>,
    /// When its calls ask first: `mode` (`always`, `writes`, `by_rule`, `never`), `expire_seconds`, and both by tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub approvals: Option<serde_json::Value>,
    /// `person`, `room` or `conversation`: what its talk is remembered by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<TurnLimits>,
}

/// What one turn may cost.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TurnLimits {
    pub steps: u32,
    pub worker_steps: u32,
    pub seconds: u32,
    pub calls_per_step: u32,
    pub history_tokens: u32,
    pub history_messages: u32,
    pub history_turns: u32,
    pub tool_messages: u32,
    pub keep_messages: u32,
    pub output_tokens: u32,
    pub result_chars: u32,
}

/// What is known of a model before it is asked.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelInfo {
    /// Provider, a slash, the provider's own id, such as `openai/gpt-5-mini`.
    pub name: String,
    pub provider: String,
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

/// US dollars per million tokens.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Price {
    pub input: f64,
    pub output: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<f64>,
}

/// Whoever is signed in, and what the page needs to begin.
#[derive(Serialize, ToSchema)]
pub struct Me {
    #[schema(value_type = Person)]
    pub person: domain::Person,
    /// For the header `X-CSRF-Token`; empty for a key, which needs none.
    pub csrf_token: String,
    pub version: String,
    #[schema(required)]
    pub demo: Option<DemoInfo>,
    pub suggestions: Vec<Suggestion>,
    pub agents: Vec<AgentName>,
}

/// What of this house is a demonstration.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DemoInfo {
    /// Such as `model`, `tmdb`, `tvmaze`.
    pub parts: Vec<String>,
    /// One plain sentence that says so.
    pub text: String,
}

/// A question to begin with.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Suggestion {
    pub title: String,
    pub prompt: String,
}

#[derive(Serialize, ToSchema)]
pub struct AgentName {
    pub id: Uuid,
    pub name: String,
}

/// A conversation as its owner sees it in a list.
#[derive(Serialize, ToSchema)]
pub struct Conversation {
    pub id: Uuid,
    pub title: String,
    /// The agent's id.
    pub agent: Uuid,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
    pub message_count: u64,
    /// A turn runs or waits.
    pub pending: bool,
}

impl From<store::Conversation> for Conversation {
    fn from(row: store::Conversation) -> Self {
        Self {
            id: row.id.0,
            title: row.title,
            agent: row.agent.0,
            created_at_ms: row.created_at_ms,
            updated_at_ms: row.updated_at_ms,
            message_count: row.message_count,
            pending: row.pending,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct ConversationDetails {
    #[serde(flatten)]
    pub conversation: Conversation,
    #[schema(value_type = Usage)]
    pub usage: domain::Usage,
    /// Millionths of a US dollar.
    pub cost_micros: i64,
    pub turns: u64,
}

#[derive(Serialize, ToSchema)]
pub struct ConversationList {
    /// Newest change first.
    pub conversations: Vec<Conversation>,
    pub more: bool,
}

#[derive(Serialize, ToSchema)]
pub struct MessageList {
    /// Oldest first.
    #[schema(value_type = Vec<Message>)]
    pub messages: Vec<domain::Message>,
    /// There are older ones: ask with `before` set to the position of the first.
    pub more: bool,
}

#[derive(Serialize, ToSchema)]
pub struct Deleted {
    /// How many messages a person could see went.
    pub deleted: u64,
}

#[derive(Serialize, ToSchema)]
pub struct Accepted {
    pub turn_id: Uuid,
    /// Turns of the conversation that run first.
    pub ahead: u32,
}

#[derive(Serialize, ToSchema)]
pub struct Cancelled {
    /// Turns that were told to stop.
    pub cancelled: u32,
}

#[derive(Serialize, ToSchema)]
pub struct TurnReport {
    pub turn: Turn,
    pub steps: Vec<Step>,
    /// Changes of it that somebody wanted taken back, each by its call.
    pub taken_back: Vec<TakenBack>,
}

/// How it stands with a change that somebody wanted taken back.
#[derive(Serialize, ToSchema)]
pub struct TakenBack {
    pub call_id: String,
    /// The turn in which it was wanted.
    pub turn_id: Uuid,
    pub state: TakingBack,
    /// Why it was not taken back, as one sentence; empty when there is nothing to say.
    pub reason: String,
    /// It failed, and may be pressed for again.
    pub may_retry: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TakingBack {
    /// For somebody's yes.
    Waits,
    Runs,
    Done,
    Refused,
    /// Nobody knows whether it happened.
    Uncertain,
}

#[derive(Serialize, ToSchema)]
pub struct Turn {
    pub id: Uuid,
    pub conversation: Uuid,
    #[schema(value_type = TurnState)]
    pub state: domain::TurnState,
    #[schema(required)]
    pub model: Option<String>,
    #[schema(required)]
    pub started_at_ms: Option<i64>,
    #[schema(required)]
    pub finished_at_ms: Option<i64>,
    #[schema(value_type = Usage)]
    pub usage: domain::Usage,
    pub cost_micros: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One journalled act of a turn.
#[derive(Serialize, ToSchema)]
pub struct Step {
    pub seq: i64,
    /// `asked`, `intent`, `returned` or `compacted`.
    pub kind: String,
    /// `done`, `failed`, or `open` for a change of which nobody knows yet how it ended.
    pub state: &'static str,
    /// What was done, by kind.
    #[schema(value_type = Object)]
    pub body: serde_json::Value,
    pub created_at_ms: i64,
}

#[derive(Serialize, ToSchema)]
pub struct ModelList {
    #[schema(value_type = Vec<ModelInfo>)]
    pub models: Vec<domain::model::ModelInfo>,
    /// Name of the first choice.
    pub default: String,
    /// False when no provider could be asked and the list is the configured one.
    pub live: bool,
    /// Who could not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct ToolkitList<'a> {
    pub toolkits: Vec<ToolkitInfo<'a>>,
}

#[derive(Serialize, ToSchema)]
pub struct ToolkitInfo<'a> {
    pub name: &'a str,
    /// What a model is told about these tools.
    pub guide: &'a str,
    pub tools: Vec<ToolInfo<'a>>,
}

#[derive(Serialize, ToSchema)]
pub struct ToolInfo<'a> {
    pub name: &'a str,
    /// Other names it answers to.
    pub aliases: &'a [&'a str],
    pub description: &'a str,
    #[schema(value_type = ToolEffect)]
    pub effect: domain::Effect,
    /// JSON Schema of the arguments.
    #[schema(value_type = Object)]
    pub schema: &'a serde_json::Value,
}

/// What a call does to the world.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code)]
pub enum ToolEffect {
    /// Changes nothing anywhere.
    Read,
    /// Can be undone.
    Write,
    /// Cannot be undone.
    Destroy,
}

#[derive(Serialize, ToSchema)]
pub struct ToolAnswer {
    /// What a model would read.
    pub text: String,
    #[schema(value_type = Vec<Card>)]
    pub cards: Vec<domain::Card>,
    /// The tool could not do what was asked; `text` says why.
    pub is_error: bool,
    /// It was not run: it waits for this approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Uuid>,
    /// What was changed, as one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct AgentList<'a> {
    #[schema(value_type = Vec<Agent>)]
    pub agents: Vec<ShownAgent<'a>>,
}

/// An agent as an admin sees it, and as anybody else does.
#[derive(Serialize)]
#[serde(untagged)]
pub enum ShownAgent<'a> {
    Whole(&'a domain::Agent),
    Brief { id: Uuid, name: &'a str, toolkits: &'a [String] },
}

#[derive(Serialize, ToSchema)]
pub struct PersonList {
    #[schema(value_type = Vec<Person>)]
    pub people: Vec<domain::Person>,
}

#[derive(Serialize, ToSchema)]
pub struct Link {
    /// Signs the person in, once. The code is behind the `#`.
    pub url: String,
    pub expires_at_ms: i64,
}

#[derive(Serialize, ToSchema)]
pub struct Key {
    pub id: Uuid,
    pub name: String,
    pub person: Uuid,
    /// What it may be used for; empty means everything its person may.
    pub scopes: Vec<String>,
    pub created_at_ms: i64,
    #[schema(required)]
    pub last_used_at_ms: Option<i64>,
}

impl From<store::ApiKey> for Key {
    fn from(key: store::ApiKey) -> Self {
        Self {
            id: key.id.0,
            name: key.name,
            person: key.person.0,
            scopes: key.scopes,
            created_at_ms: key.created_at_ms,
            last_used_at_ms: key.used_at_ms,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct KeyList {
    pub keys: Vec<Key>,
}

#[derive(Serialize, ToSchema)]
pub struct NewKey {
    pub id: Uuid,
    pub name: String,
    /// Shown this once; we keep only its hash.
    pub key: String,
}

#[derive(Serialize, ToSchema)]
pub struct HookList {
    pub hooks: Vec<ShownHook>,
}

/// Somebody who may call this house.
#[derive(Serialize, ToSchema)]
pub struct ShownHook {
    /// Such as `plex`.
    pub name: String,
    /// When its address was made; null while it has none.
    #[schema(required)]
    pub made_at_ms: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct HookAddress {
    /// With its secret. Shown this once; we keep only a digest.
    pub address: String,
}

#[derive(Serialize, ToSchema)]
pub struct UsageList {
    /// Newest first. Days are UTC.
    #[schema(value_type = Vec<UsageDay>)]
    pub days: Vec<store::DayUsage>,
}

/// One day's sums.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageDay {
    /// `2026-11-21`.
    pub day: String,
    pub input_tokens: u64,
    pub cached_input_tokens: u64,
    pub output_tokens: u64,
    /// Millionths of a US dollar.
    pub cost_micros: i64,
    pub turns: u64,
}

/// The state of the parts.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `healthy`, `degraded` or `unhealthy`.
    pub status: &'static str,
    /// By name: `operational`, `degraded`, `unavailable`, `unknown` or `off`.
    pub components: BTreeMap<String, &'static str>,
    /// RFC 3339.
    pub timestamp: String,
    /// Only for those who are signed in.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub details: Option<HealthDetails>,
}

#[derive(Serialize, ToSchema)]
pub struct HealthDetails {
    pub version: String,
    pub running_turns: usize,
    /// What each part last said of itself.
    pub details: BTreeMap<String, String>,
    /// What is switched off, and why.
    pub off: BTreeMap<String, String>,
}

#[derive(Serialize, ToSchema)]
pub struct Readiness {
    pub ready: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use majordomo_domain::{AgentId, ConversationId, MessageId, PersonId, TurnId, event, model, money};
    use serde::de::DeserializeOwned;
    use std::fmt::Debug;

    /// The wire's type reads exactly what the domain writes, and says it the same way.
    fn same<D: Serialize, W: Serialize + DeserializeOwned + Debug>(value: &D) {
        let from_domain = serde_json::to_value(value).unwrap();
        let wire: W = serde_json::from_value(from_domain.clone()).unwrap();
        assert_eq!(serde_json::to_value(&wire).unwrap(), from_domain, "{wire:?}");
    }

    fn card() -> domain::Card {
        domain::Card {
            subtitle: "Film".into(),
            text: "A city.".into(),
            picture: Some("tmdb:a.jpg".into()),
            link: Some("https://example.org".into()),
            source: "Data: TMDb".into(),
            ..domain::Card::new("Metropolis (1927)")
        }
        .fact("Score", "8.1")
    }

    fn approval() -> domain::Approval {
        domain::Approval {
            id: domain::ApprovalId::new(),
            conversation: ConversationId::new(),
            turn: TurnId::new(),
            call_id: "1".into(),
            agent: AgentId::new(),
            requester: PersonId::new(),
            tool: "party_add".into(),
            instance: String::new(),
            arguments: "{}".into(),
            schema_hash: "00".into(),
            fingerprint: domain::approval::Fingerprint("00".into()),
            approvers: domain::Approvers { requester: true, standing: Some(domain::Standing::Member) },
            card: card(),
            wording: domain::approval::Wording::default(),
            state: domain::ApprovalState::Open,
            created_at_ms: 1,
            expires_at_ms: 2,
            decided_at_ms: Some(2),
            decided_by: None,
            decision_turn: None,
            replaces: None,
            outcome: Some("done".into()),
        }
    }

    fn message() -> domain::Message {
        let kinds = [
            domain::NoticeKind::Cancelled,
            domain::NoticeKind::TimedOut,
            domain::NoticeKind::Partial,
            domain::NoticeKind::Failed,
            domain::NoticeKind::Fallback,
            domain::NoticeKind::Decided,
            domain::NoticeKind::Receipt,
            domain::NoticeKind::Correction,
            domain::NoticeKind::News,
        ];
        let mut parts = vec![
            domain::Part::text("hello"),
            domain::Part::Image { media_type: "image/png".into(), data: "AA==".into() },
            domain::Part::File { name: "a.txt".into(), media_type: "text/plain".into(), data: "AA==".into() },
            domain::Part::Thinking { text: "hm".into(), dialect: None, state: None },
            domain::Part::Call(domain::CallRequest { id: "1".into(), name: "clock".into(), arguments: "{}".into() }),
            domain::Part::Result(domain::CallResult {
                call_id: "1".into(),
                name: "clock".into(),
                text: "noon".into(),
                reference: Some("r1-1".into()),
                is_error: false,
                cards: vec![card()],
                duration_ms: 3,
                title: "Looking at the clock".into(),
                label: domain::Label::OUTSIDE,
                approval: Some(domain::ApprovalId::new()),
                receipt: Some("Done.".into()),
                undo: Some(Box::new(domain::message::UndoOffer {
                    call: domain::tool::UndoCall {
                        tool: "clock_back".into(),
                        arguments: serde_json::json!({"hours": 1}),
                        title: "Turn it back".into(),
                    },
                    until_ms: 9,
                })),
                uncertain: true,
            }),
        ];
        parts.extend(kinds.map(|kind| domain::Part::Notice(domain::Notice::new(kind, "so"))));
        domain::Message {
            id: MessageId::new(),
            turn: TurnId::new(),
            position: 1000,
            role: domain::Role::Assistant,
            parts,
            created_at_ms: 5,
        }
    }

    #[test]
    fn messages_and_events_are_described_as_they_are_sent() {
        use majordomo_domain::EventKind as K;
        same::<_, Message>(&message());
        same::<_, Card>(&domain::Card::new("bare"));
        let text = || "x".to_owned();
        let about = Some(domain::message::About { request: domain::RequestId::new(), picture: Some(text()) });
        let notice = domain::Notice { about, ..domain::Notice::new(domain::NoticeKind::Partial, text()) };
        let call = event::RunningCall {
            call_id: text(),
            name: text(),
            title: text(),
            finished: true,
            is_error: false,
            summary: text(),
            cards: vec![card()],
            duration_ms: 1,
        };
        let running = event::RunningTurn {
            turn: TurnId::new(),
            started_at_ms: 1,
            model: text(),
            text: text(),
            thinking: text(),
            calls: vec![call],
        };
        let kinds = [
            K::TurnQueued { message: message(), ahead: 1 },
            K::TurnStarted { started_at_ms: 1 },
            K::ModelAsked { model: text(), step: 1 },
            K::StepReset { step: 1 },
            K::ThinkingDelta { text: text() },
            K::TextDelta { text: text() },
            K::CallStarted { call_id: text(), name: text(), title: text() },
            K::CallFinished {
                call_id: text(),
                name: text(),
                title: text(),
                is_error: true,
                summary: text(),
                cards: vec![card()],
                duration_ms: 1,
            },
            K::ApprovalOpened { approval: Box::new(approval()) },
            K::ApprovalChanged { approval: Box::new(approval()) },
            K::Progress { text: text() },
            K::Noticed { notice },
            K::TurnFinished {
                state: domain::TurnState::Done,
                messages: vec![message()],
                model: text(),
                usage: domain::Usage::default(),
                cost_micros: 1,
                duration_ms: 1,
            },
            K::Snapshot { running: Some(running), queued: 0 },
            K::Snapshot { running: None, queued: 0 },
            K::ConversationCleared,
            K::ConversationRenamed { title: text() },
            K::ConversationDeleted,
        ];
        for kind in kinds {
            let event =
                domain::Event { conversation: ConversationId::new(), number: 1_000_001, turn: TurnId::new(), kind };
            same::<_, Event>(&event);
        }
    }

    #[test]
    fn people_agents_and_models_are_described_as_they_are_sent() {
        for (zone, language) in [(Some("Europe/Berlin".to_owned()), Some("en-US".to_owned())), (None, None)] {
            let standing = domain::Standing::Child;
            let person = domain::Person {
                id: PersonId::new(),
                name: "guest".into(),
                standing,
                zone,
                language,
                created_at_ms: 1,
            };
            same::<_, Person>(&person);
        }
        let agent = domain::Agent {
            id: AgentId::new(),
            name: "majordomo".into(),
            prompt: "You are.".into(),
            toolkits: vec!["tmdb".into()],
            first_tools: vec![],
            may_stay_silent: false,
            approvals: Default::default(),
            memory: Default::default(),
            limits: Default::default(),
        };
        same::<_, Agent>(&agent);
        let info = model::ModelInfo {
            name: "a/b".into(),
            provider: "a".into(),
            id: "b".into(),
            context_tokens: Some(1),
            price: Some(money::Price { input: 1.0, output: 2.0, cached_input: Some(0.5) }),
        };
        same::<_, ModelInfo>(&info);
        let day = majordomo_store::DayUsage {
            day: "2026-11-21".into(),
            input_tokens: 1,
            cached_input_tokens: 1,
            output_tokens: 1,
            cost_micros: 1,
            turns: 1,
        };
        same::<_, UsageDay>(&day);
    }
}

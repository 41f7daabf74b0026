//! The words and the contracts everybody shares.
//!
//! Knows: what an agent, a person, a conversation, a turn, a tool and a model are, and the contracts the rooms
//! meet through ([`Tool`], [`Model`], [`Hook`], [`Follow`], [`Clock`]).
//! Never: does I/O, names a vendor or a platform, needs a runtime.
//! Start reading at [`op`] (what may be asked), then [`event`] (what may be watched), then [`tool`] and [`model`].

pub mod address;
pub mod agent;
pub mod approval;
pub mod card;
pub mod clock;
pub mod delivery;
pub mod event;
pub mod fault;
pub mod hook;
pub mod ids;
pub mod label;
pub mod message;
pub mod model;
pub mod money;
pub mod op;
pub mod person;
pub mod report;
pub mod request;
pub mod schedule;
pub mod secret;
pub mod text;
pub mod tool;

#[cfg(feature = "testing")]
pub mod testing;

pub use address::Address;
pub use agent::{Agent, MemoryScope};
pub use approval::{Approval, ApprovalMode, ApprovalState, Approvers, Decision};
pub use card::{Card, Fact};
pub use clock::{Clock, SystemClock};
pub use delivery::Delivery;
pub use event::{Event, EventKind, TurnState};
pub use hook::Hook;
pub use ids::*;
pub use label::{Audience, Label, Origin};
pub use message::{CallRequest, CallResult, Message, Notice, NoticeKind, Part, Role};
pub use model::{Model, ModelError, ModelEvent, ModelRequest, ModelRole, Provider, StopReason, Usage};
pub use op::{Accepted, Op};
pub use person::{Person, Standing};
pub use report::{Report, ReportState};
pub use request::{Follow, Happening, NoticeLevel, Past, Progress, Request, RequestState};
pub use secret::Secret;
pub use tool::{Call, Effect, Output, Repeat, Tool, ToolError, Toolkit};

/// Milliseconds since 1970-01-01T00:00:00Z. Wall clock: for display and due times only, never for time-outs.
pub type Millis = i64;

//! What happens: turns from question to answer, one at a time in a conversation, many at a time in the house.
//!
//! Knows: the contracts of `domain` and the rows of `store`.
//! Never: names a vendor, a platform or a tool outside `builtin.rs`; speaks HTTP; writes SQL. What must survive is a row before
//! anybody acts on it; events are told live and may be lost.
//! Start reading at [`Engine`], then `room.rs` (who is next in a conversation), then `turn.rs` (how an answer is made),
//! then `access.rs` (who may do what) and `approve.rs` (who is asked).

mod access;
mod approve;
mod budget;
mod builtin;
mod catalogue;
mod compact;
mod context;
#[cfg(feature = "bench")]
mod cost;
mod delegate;
mod direct;
mod dispatch;
mod engine;
mod finding;
mod follow;
mod health;
mod links;
mod lists;
mod memory;
mod notice;
mod once;
mod pace;
mod past;
mod recall;
mod report;
mod room;
mod route;
mod truth;
mod turn;
mod undo;
mod watch;

pub use access::{Rule, RuleApprovers, RuleDecision};
pub use budget::{Limit, Limits};
pub use catalogue::{Catalogue, ToolOverride};
#[cfg(feature = "bench")]
pub use cost::cost_of_trust;
pub use direct::Invoked;
pub use engine::{Config, Engine, EngineError, ModelList, Outcome, Parts};
pub use follow::RequestDetail;
pub use health::ProbeResult;
pub use notice::NewsConfig;
pub use route::{RoleModel, RouteConfig, Router};
pub use undo::{TakenBack, TakingBack, Undoable};
pub use watch::Watch;

//! What happens: turns from question to answer, one at a time in a conversation, many at a time in the house.
//!
//! Knows: the contracts of `domain` and the rows of `store`.
//! Never: names a vendor, a platform or a tool outside `builtin.rs`; speaks HTTP; writes SQL. What must survive is a row before
//! anybody acts on it; events are told live and may be lost.
//! Start reading at [`Engine`], then `room.rs` (who is next in a conversation), then `turn.rs` (how an answer is made).

mod builtin;
mod catalogue;
mod compact;
mod context;
mod delegate;
mod dispatch;
mod engine;
mod health;
mod room;
mod route;
mod turn;
mod watch;

pub use catalogue::{Catalogue, ToolOverride};
pub use engine::{Config, Engine, EngineError, ModelList, Outcome, Parts};
pub use health::ProbeResult;
pub use route::{RoleModel, RouteConfig, Router};
pub use watch::Watch;

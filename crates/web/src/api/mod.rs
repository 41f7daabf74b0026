//! Our own API, one file per thing. A handler reads, asks the engine or the store, and writes; what it may see is decided by
//! `auth.rs` and by [`crate::shared::Shared::conversation`], never here.

pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod catalogue;
pub(crate) mod conversations;
pub(crate) mod events;
pub(crate) mod files;
pub(crate) mod health;
pub(crate) mod hooks;
pub(crate) mod keys;
pub(crate) mod memory;
pub(crate) mod messages;
pub(crate) mod people;
pub(crate) mod pictures;
pub(crate) mod reports;
pub(crate) mod requests;
pub(crate) mod session;
pub(crate) mod turns;
pub(crate) mod usage;

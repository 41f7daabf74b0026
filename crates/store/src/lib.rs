//! What must not be lost, as rows; and the bus, which only hints.
//!
//! Knows: SQL in three dialects, rows, leases with fencing.
//! Never: decides anything, knows a tool's or a channel's name, lets an unfinished write be seen.
//! Start reading at [`Store`], then `writer.rs` (how many turns share one flush), then `inbox.rs` and `journal.rs`.

mod agents;
mod approvals;
mod audit;
pub mod backup;
pub mod bus;
mod charges;
mod conversations;
mod dialect;
mod documents;
mod facts;
mod hooks;
mod inbox;
mod journal;
mod leases;
mod ledger;
mod migrate;
mod outbox;
mod past;
mod people;
mod reports;
mod requests;
mod reserve;
mod row;
mod seal;
mod secrets;
pub mod transfer;
mod writer;

pub use approvals::{DecideOutcome, NewDecision};
pub use audit::{AuditEntry, NewAudit};
pub use charges::{Ceiling, NewCharge, OverCeiling, Span, Whose};
pub use conversations::{Conversation, ConversationPage, MessagePage, NewConversation};
pub use dialect::check_address;
pub use documents::Document;
pub use facts::{Fact, Forgotten, Scope};
pub use inbox::{AcceptOutcome, NewSay, NewTurn, OpenedTurn};
pub use journal::{Entry, FinishedTurn, Judgement, Settlement, Step, StepKind, ToStop, Turn, UnfinishedTurn};
pub use ledger::DayUsage;
pub use people::{ApiKey, WebSession};
pub use reports::ReportFilter;
pub use requests::{Advance, AskOutcome, NewRequest, News, RequestFilter, RequestUsage};
pub use seal::MasterKey;
pub use secrets::{Rotated, Secrets, StoredSecret, check_secret_name};

use dialect::Dialect;
use sqlx::{AnyPool, any::AnyPoolOptions};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Who writes a conversation: process and the fence it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence(pub i64);

/// Why a row could not be read or written, by what the caller can do.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// No such row, or not this person's.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The same key was used for something else.
    #[error("{0}")]
    Conflict(String),
    /// Somebody else has taken over; nothing was written.
    #[error("another writer has taken over")]
    Fenced,
    /// Somebody keeps the database locked, wrote the same row at the same moment, or it cannot be reached. Passing.
    #[error("the database is not ready: {0}")]
    Busy(String),
    /// No room on the disk, or no permission to write.
    #[error("the database cannot be written: {0}")]
    Full(String),
    /// The file was written by a newer version, or the address is one this build does not know.
    #[error("{0}")]
    Unusable(String),
    /// Anything else the database said.
    #[error("database error: {0}")]
    Other(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        dialect::explain(&error)
    }
}

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// The household's memory. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    dialect: Dialect,
    readers: AnyPool,
    writer: writer::Writer,
    reserve: Arc<reserve::Reserve>,
    url: String,
    closed: AtomicBool,
    facts_version: AtomicU64,
    /// Woken when a request or news may be due earlier than they were.
    following: tokio::sync::Notify,
    /// Removed when the last clone goes: databases of tests.
    scratch: Option<PathBuf>,
}

impl Store {
    /// Open by address, create what is missing, bring the schema up to date.
    ///
    /// `sqlite://PATH` (relative to the working directory). Folders are created. Errors: [`StoreError::Unusable`] for an
    /// address this build cannot open or a schema newer than it knows, [`StoreError::Full`] for a place that cannot be written.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(url, None).await
    }

    /// A database of its own that goes with the last clone. For tests and trials.
    pub async fn scratch() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("majordomo-{}.db", uuid::Uuid::now_v7()));
        let url = format!("sqlite://{}", path.display());
        Self::open_with(&url, Some(path)).await
    }

    async fn open_with(url: &str, scratch: Option<PathBuf>) -> Result<Self> {
        check_address(url)?;
        let dialect = Dialect::of(url)?;
        Dialect::install_drivers();
        let url = dialect.prepare(url)?;
        migrate::run(dialect, &url, migrate::Purpose::Use).await?;
        let readers = AnyPoolOptions::new()
            .min_connections(1)
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(move |connection, _| Box::pin(dialect.settle(connection)))
            .connect(&url)
            .await?;
        let reserve = Arc::new(reserve::Reserve::default());
        let writer = writer::Writer::start(dialect, &url, reserve.clone()).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                dialect,
                readers,
                writer,
                reserve,
                url,
                closed: AtomicBool::new(false),
                facts_version: AtomicU64::new(0),
                following: tokio::sync::Notify::new(),
                scratch,
            }),
        })
    }

    /// Whether a row can be written now, within two seconds.
    pub async fn check(&self) -> Result<()> {
        // A row that really changes: a write of nothing succeeds on a full disk.
        let write = self.write(async |tx| {
            tx.has_room()?;
            let key = ["health".into()];
            if tx.run("UPDATE leases SET fence = fence + 1 WHERE name = ?", &key).await? == 0 {
                let sql = "INSERT INTO leases (name, owner, fence, until_ms) VALUES (?, 'health', 1, 0)";
                tx.run(sql, &key).await?;
            }
            Ok(())
        });
        match tokio::time::timeout(Duration::from_secs(2), write).await {
            Ok(result) => result,
            Err(_) => Err(StoreError::Busy("no write went through within 2 s".into())),
        }
    }

    /// Finish what was asked, then close. Later calls fail.
    pub async fn close(&self) {
        self.inner.closed.store(true, Ordering::SeqCst);
        self.inner.writer.close().await;
        self.inner.readers.close().await;
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(path) = &self.scratch {
            for end in ["", "-wal", "-shm"] {
                let mut name = path.clone().into_os_string();
                name.push(end);
                let _ = std::fs::remove_file(name);
            }
        }
    }
}

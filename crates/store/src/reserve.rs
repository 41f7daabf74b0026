//! Room kept free beside a database file. When the disk is full it is given up, so that the turns in flight can be written to
//! their end; nothing new is taken until it could be kept again.
//!
//! SQLite only: a server has its disk elsewhere.

use crate::{Result, Store, StoreError, dialect::Dialect};
use std::{
    fs,
    io::Write,
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Room enough for the ends of some hundred turns. Bytes.
const SIZE: usize = 4 << 20;
/// How often it is tried to keep it again.
pub(crate) const RENEW: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct Reserve {
    /// Set when room is kept at all.
    file: OnceLock<PathBuf>,
    given_up: AtomicBool,
}

impl Store {
    /// Keep some room free beside the database file for as long as the service runs. On a full disk there is none at first; then
    /// nothing new is taken, until there is.
    pub fn keep_reserve(&self) {
        if self.inner.dialect != Dialect::Sqlite {
            return;
        }
        let reserve = &self.inner.reserve;
        let file = format!("{}.reserve", crate::dialect::file_of(&self.inner.url));
        if reserve.file.set(file.into()).is_ok() && !reserve.renew() {
            reserve.given_up.store(true, Ordering::SeqCst);
            tracing::error!("the disk is full: nothing new is taken until there is room");
        }
    }
}

impl Reserve {
    pub fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::SeqCst)
    }

    /// Whether something new may be written. What belongs to a turn that runs is written without asking.
    pub fn has_room(&self) -> Result<()> {
        match self.is_given_up() {
            true => {
                Err(StoreError::Full("the disk is full; there is room again when something else is removed".into()))
            }
            false => Ok(()),
        }
    }

    /// Give the room up when a write failed for want of it; whether that made some.
    pub fn give_up(&self, error: &StoreError) -> bool {
        let Some(file) = self.file.get() else { return false };
        // A file that is not to be written is not helped by room.
        if !matches!(error, StoreError::Full(reason) if reason.starts_with("the disk")) {
            return false;
        }
        if !self.given_up.swap(true, Ordering::SeqCst) {
            tracing::error!(
                "the disk is full: what runs is written to its end, nothing new is taken until there is room"
            );
        }
        fs::remove_file(file).is_ok()
    }

    /// Keep the room again; whether it is kept.
    pub fn renew(&self) -> bool {
        let Some(file) = self.file.get() else { return true };
        if file.metadata().is_ok_and(|found| found.len() == SIZE as u64) && !self.is_given_up() {
            return true;
        }
        let kept = fs::File::create(file).and_then(|mut open| {
            open.write_all(&vec![0; SIZE])?;
            open.sync_all()
        });
        if kept.is_err() {
            let _ = fs::remove_file(file);
            return false;
        }
        if self.given_up.swap(false, Ordering::SeqCst) {
            tracing::info!("there is room on the disk again");
        }
        true
    }
}

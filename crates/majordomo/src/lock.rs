//! One process at a time works with a database file. The lock belongs to the process: however it ends, the next one may start
//! at once, which a lease in the database could not promise.

use anyhow::{Context, bail};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "the open file is the lock")] File);

/// Take the lock of a database, or say who has it.
pub fn take(store_url: &str) -> anyhow::Result<Option<Lock>> {
    let Some(path) = database_file(store_url) else { return Ok(None) };
    let place = PathBuf::from(format!("{}.lock", path.display()));
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&place)
        .with_context(|| format!("cannot write {}", place.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner);
            let owner = match owner.trim() {
                "" => "another process".to_owned(),
                owner => owner.to_owned(),
            };
            bail!("{} is in use by {owner}; stop it first, or choose another data folder with --data", path.display());
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", place.display()));
        }
    }
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {} on {}", std::process::id(), host())?;
    file.flush()?;
    Ok(Some(Lock(file)))
}

/// The file behind a `sqlite://` address.
fn database_file(store_url: &str) -> Option<&Path> {
    let path = store_url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split('?').next().unwrap_or(path);
    (!path.is_empty() && path != ":memory:").then(|| Path::new(path))
}

/// The name of this machine.
fn host() -> String {
    let name =
        std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    name.ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "this machine".into())
}

//! Who this process is among those that could work with the same database.
//!
//! One process at a time works with a SQLite file. The lock belongs to the process: however it ends, the next one may start
//! at once, which a lease in the database could not promise. On a server several processes share a database by leases. There
//! the lock is on the data folder and only settles the name: who holds it is the successor of whoever held it before, goes by
//! the same name, and need not wait for leases of a process that is dead. A second process beside it gets a name of its own.

use anyhow::{Context, bail};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    #[allow(dead_code, reason = "the open file is the lock")]
    file: Option<File>,
    /// The name of this process in leases, at most 64 bytes.
    pub owner: String,
}

/// Take the lock of a database, or say who has it.
pub fn take(store_url: &str, data: &Path) -> anyhow::Result<Lock> {
    match database_file(store_url) {
        Some(path) => {
            let mut file = open(&PathBuf::from(format!("{}.lock", path.display())))?;
            if let Some(owner) = lock(&mut file)? {
                bail!(
                    "{} is in use by {owner}; stop it first, or choose another data folder with --data",
                    path.display()
                );
            }
            sign(&mut file, "")?;
            Ok(Lock { file: Some(file), owner: "majordomo".into() })
        }
        None => {
            let alone = || Lock { file: None, owner: name(&format!("{}-{}", std::process::id(), random())) };
            // A folder that cannot be written is no hindrance: a successor waits for the leases then.
            let Ok(mut file) = open(&data.join("majordomo.lock")) else { return Ok(alone()) };
            if lock(&mut file)?.is_some() {
                return Ok(alone());
            }
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            let known = text.lines().find_map(|line| line.strip_prefix("name "));
            let id = known.map_or_else(random, str::to_owned);
            sign(&mut file, &format!("name {id}\n"))?;
            Ok(Lock { file: Some(file), owner: name(&id) })
        }
    }
}

/// Who works with a database on this machine now, if somebody does. Several machines may share a server; those are not seen.
pub fn holder(store_url: &str, data: &Path) -> anyhow::Result<Option<String>> {
    let place = match database_file(store_url) {
        Some(path) => PathBuf::from(format!("{}.lock", path.display())),
        None => data.join("majordomo.lock"),
    };
    match OpenOptions::new().read(true).open(&place) {
        Ok(mut file) => lock(&mut file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", place.display())),
    }
}

/// With the machine in it, a copy of the data folder elsewhere is somebody else.
fn name(id: &str) -> String {
    let mut host = host();
    host.retain(|c| c.is_ascii_alphanumeric() || c == '-');
    host.truncate(63_usize.saturating_sub(id.len()));
    format!("{host}-{id}")
}

fn random() -> String {
    // The end of such an id is random.
    majordomo_domain::TurnId::new().0.simple().to_string().split_off(16)
}

fn open(place: &Path) -> anyhow::Result<File> {
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let said = || format!("cannot write {}; check its permissions and whether the disk takes writes", place.display());
    options.open(place).with_context(said)
}

/// Lock a file; who has it when somebody else does.
fn lock(file: &mut File) -> anyhow::Result<Option<String>> {
    match file.try_lock() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _ = file.read_to_string(&mut text);
            Ok(Some(match text.lines().next().map(str::trim) {
                None | Some("") => "another process".to_owned(),
                Some(owner) => owner.to_owned(),
            }))
        }
        Err(TryLockError::Error(error)) => Err(error).context("the file system cannot lock files"),
    }
}

/// Write who holds the lock, for whoever finds it held.
fn sign(file: &mut File, more: &str) -> anyhow::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "process {} on {}\n{more}", std::process::id(), host())?;
    file.flush()?;
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "postgres://house@nas/majordomo";

    #[test]
    fn on_a_server_a_successor_goes_by_the_same_name_and_a_second_process_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let first = take(SERVER, folder.path()).unwrap();
        let beside = take(SERVER, folder.path()).unwrap();
        assert_ne!(first.owner, beside.owner);
        assert!(holder(SERVER, folder.path()).unwrap().is_some_and(|who| who.starts_with("process ")));
        let name = first.owner.clone();
        drop(first);
        let next = take(SERVER, folder.path()).unwrap();
        assert_eq!(next.owner, name, "it need not wait for its own leases");
        let elsewhere = tempfile::tempdir().unwrap();
        assert_ne!(take(SERVER, elsewhere.path()).unwrap().owner, name);
        assert!([&name, &beside.owner].iter().all(|owner| owner.len() <= 64));
    }

    #[test]
    fn a_database_file_has_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/majordomo.db", folder.path().display());
        assert!(holder(&url, folder.path()).unwrap().is_none());
        let first = take(&url, folder.path()).unwrap();
        let error = take(&url, folder.path()).unwrap_err().to_string();
        assert!(error.contains("is in use by process "), "{error}");
        assert!(holder(&url, folder.path()).unwrap().is_some());
        drop(first);
        take(&url, folder.path()).unwrap();
    }
}

//! Backups: a household in one SQLite file, with a manifest of what is in it. Whatever the database, a backup is the same kind of
//! file, so it can be restored into any other.
//!
//! A backup counts when its manifest is there, and the manifest is the last thing that is made: the file was opened again, found
//! whole, and summed before. What a stop leaves behind has another ending and goes with the next backup.
//! Never: touches a file that it did not make.

use crate::{
    Result, StoreError,
    dialect::{Dialect, file_of},
    migrate::{self, Purpose},
    row::Columns,
    transfer::{self, Existing, TableSum},
};
use majordomo_domain::{Millis, fault_point};
use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What is in a backup. The file `….json` beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub made_at_ms: Millis,
    /// The schema of the rows.
    pub schema: usize,
    /// What it was made from: `SQLite`, `PostgreSQL` or `MySQL`.
    pub database: String,
    pub size_bytes: u64,
    pub tables: Vec<TableSum>,
}

/// A backup that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The database file; the manifest has its name with another ending.
    pub file: PathBuf,
    pub manifest: Manifest,
}

const ENDING: &str = "db";
const MANIFEST: &str = "json";
/// Of files that are not finished.
const PARTIAL: &str = "partial";
/// What SQLite keeps beside a file while it is used.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];
const PREFIX: &str = "majordomo-";

/// Make a backup of a database, which may be in use, and keep the newest so many of the folder. `stamp` names it:
/// `20261124-093000` becomes `majordomo-20261124-093000.db`.
pub async fn make(url: &str, folder: &Path, stamp: &str, keep: usize, now_ms: Millis) -> Result<Backup> {
    fs::create_dir_all(folder).map_err(|error| failed("cannot make the folder", folder, &error))?;
    let _alone = alone(folder)?;
    clear_unfinished(folder)?;
    let file = folder.join(format!("{PREFIX}{stamp}.{ENDING}"));
    let partial = with_ending(&file, PARTIAL);
    if file.exists() {
        return Err(StoreError::Conflict(format!("{} is there already", file.display())));
    }
    fault_point!("backup");
    let (mut source, dialect) = transfer::open_source(url).await?;
    let expected = match dialect {
        Dialect::Sqlite => {
            let place = partial.display().to_string().replace('\'', "''");
            source.execute(AssertSqlSafe(format!("VACUUM INTO '{place}'"))).await?;
            None
        }
        Dialect::Postgres | Dialect::MySql => Some(transfer::copy(url, &address(&partial), Existing::Keep).await?),
    };
    source.close().await?;
    fault_point!("backup");
    into_one_file(&partial).await?;
    private(&partial)?;
    let tables = examine(&partial).await?;
    if expected.is_some_and(|expected| expected != tables) {
        return Err(StoreError::Other(format!("{} is not what was read; no backup was made", partial.display())));
    }
    let size_bytes = fs::metadata(&partial).map_err(|error| failed("cannot read", &partial, &error))?.len();
    let database = dialect.name().to_owned();
    let manifest = Manifest { made_at_ms: now_ms, schema: migrate::NEWEST, database, size_bytes, tables };
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| StoreError::Other(error.to_string()))?;
    let note = with_ending(&with_ending(&file, MANIFEST), PARTIAL);
    fs::write(&note, text).map_err(|error| failed("cannot write", &note, &error))?;
    private(&note)?;
    for path in [&partial, &note] {
        fs::File::open(path).and_then(|file| file.sync_all()).map_err(|error| failed("cannot write", path, &error))?;
    }
    fault_point!("backup");
    rename(&partial, &file)?;
    fault_point!("backup");
    rename(&note, &with_ending(&file, MANIFEST))?;
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed("cannot write", folder, &error))?;
    fault_point!("backup");
    for old in list(folder)?.into_iter().skip(keep.max(1)) {
        // The manifest first: without it the file counts for nothing.
        for path in [with_ending(&old.file, MANIFEST), old.file] {
            fs::remove_file(&path).map_err(|error| failed("cannot remove", &path, &error))?;
        }
    }
    Ok(Backup { file, manifest })
}

/// The backups of a folder, newest first. Empty for a folder that is not there.
pub fn list(folder: &Path) -> Result<Vec<Backup>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("cannot read", folder, &error)),
    };
    let mut backups: Vec<Backup> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let named = path.file_name()?.to_str()?.starts_with(PREFIX);
            (named && path.extension()? == ENDING).then(|| read(&path).ok()).flatten()
        })
        .collect();
    backups.sort_by(|one, two| two.file.cmp(&one.file));
    Ok(backups)
}

/// A backup by its file. The manifest is read, the file is not opened.
pub fn read(file: &Path) -> Result<Backup> {
    let note = with_ending(file, MANIFEST);
    if !file.is_file() {
        return Err(StoreError::Unusable(format!("there is no file {}", file.display())));
    }
    let text = fs::read_to_string(&note).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            StoreError::Unusable(format!("{} has no manifest {} beside it", file.display(), note.display()))
        }
        _ => failed("cannot read", &note, &error),
    })?;
    let manifest = serde_json::from_str(&text)
        .map_err(|_| StoreError::Unusable(format!("{} is no manifest of a backup", note.display())))?;
    Ok(Backup { file: file.to_owned(), manifest })
}

/// Open a backup and compare it with its manifest. The error says what is wrong with it.
pub async fn verify(backup: &Backup) -> Result<()> {
    let (file, manifest) = (&backup.file, &backup.manifest);
    if manifest.schema > migrate::NEWEST {
        return Err(StoreError::Unusable(format!(
            "{} was made by a newer version (schema {}, this one knows {}); update majordomo",
            file.display(),
            manifest.schema,
            migrate::NEWEST
        )));
    }
    // The sums are of tables as they are now; one of an older version is looked over for damage only.
    if manifest.schema < migrate::NEWEST {
        return whole(file).await;
    }
    match examine(file).await? == manifest.tables {
        true => Ok(()),
        false => Err(StoreError::Unusable(format!("{} does not hold what its manifest says", file.display()))),
    }
}

/// Put a backup in the place of a database. Everything the database holds is lost; whoever calls keeps it aside first. Nobody
/// may be using it.
pub async fn restore(backup: &Backup, url: &str) -> Result<()> {
    verify(backup).await?;
    let dialect = Dialect::of(url)?;
    let work = match dialect {
        Dialect::Sqlite => {
            dialect.prepare(url)?;
            PathBuf::from(format!("{}.{PARTIAL}", file_of(url)))
        }
        Dialect::Postgres | Dialect::MySql => {
            std::env::temp_dir().join(format!("majordomo-{}.{PARTIAL}", uuid::Uuid::now_v7()))
        }
    };
    let outcome = restore_through(backup, url, dialect, &work).await;
    remove_database(&work);
    outcome
}

async fn restore_through(backup: &Backup, url: &str, dialect: Dialect, work: &Path) -> Result<()> {
    remove_database(work);
    fs::copy(&backup.file, work).map_err(|error| failed("cannot write", work, &error))?;
    private(work)?;
    migrate::run(Dialect::Sqlite, &Dialect::Sqlite.prepare(&address(work))?, Purpose::Use).await?;
    fault_point!("restore");
    if dialect.is_shared() {
        transfer::copy(&address(work), url, Existing::Remove).await?;
        return Ok(());
    }
    into_one_file(work).await?;
    let file = PathBuf::from(file_of(url));
    fs::File::open(work).and_then(|file| file.sync_all()).map_err(|error| failed("cannot write", work, &error))?;
    remove_beside(&file);
    rename(work, &file)
}

/// Give the file of a database another name, with what SQLite keeps beside it: `majordomo.db` becomes
/// `majordomo.db.before-restore-STAMP`, whatever state it is in. None when there is no such file.
pub fn keep_aside(url: &str, stamp: &str) -> Result<Option<PathBuf>> {
    let file = file_of(url);
    if !Path::new(file).exists() {
        return Ok(None);
    }
    let aside = format!("{file}.before-restore-{stamp}");
    for end in BESIDE {
        let beside = PathBuf::from(format!("{file}{end}"));
        if beside.exists() {
            rename(&beside, Path::new(&format!("{aside}{end}")))?;
        }
    }
    rename(Path::new(file), Path::new(&aside))?;
    Ok(Some(aside.into()))
}

/// Whole, of this schema, and what it holds.
async fn examine(file: &Path) -> Result<Vec<TableSum>> {
    whole(file).await?;
    transfer::sums(&address(file)).await
}

async fn whole(file: &Path) -> Result<()> {
    Dialect::install_drivers();
    let mut connection = AnyConnection::connect(&format!("sqlite://{}?mode=rw", file.display())).await?;
    let row = sqlx::query("SELECT CAST(integrity_check AS TEXT) AS found FROM pragma_integrity_check LIMIT 1");
    let found = row.fetch_one(&mut connection).await?.text("found")?;
    connection.close().await?;
    match found.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Unusable(format!("{} is damaged: {found}", file.display()))),
    }
}

/// Without a log beside it, so that the file can be moved.
async fn into_one_file(file: &Path) -> Result<()> {
    let mut connection = AnyConnection::connect(&format!("sqlite://{}?mode=rw", file.display())).await?;
    connection.execute("PRAGMA journal_mode = DELETE").await?;
    connection.close().await?;
    Ok(())
}

/// The right to write into a folder of backups, until it is dropped.
fn alone(folder: &Path) -> Result<fs::File> {
    let path = folder.join(".lock");
    let mut options = fs::OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| failed("cannot write", &path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StoreError::Busy("another backup is being made".into())),
        Err(fs::TryLockError::Error(error)) => Err(failed("cannot lock", &path, &error)),
    }
}

fn clear_unfinished(folder: &Path) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| failed("cannot read", folder, &error))?;
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with(PREFIX) || !name.contains(&format!(".{PARTIAL}")) {
            continue;
        }
        // A stop between the last two names leaves a database that got its name and a manifest that did not.
        let file = path.with_extension("").with_extension(ENDING);
        if name.ends_with(&format!(".{MANIFEST}.{PARTIAL}")) && file.exists() && !with_ending(&file, MANIFEST).exists()
        {
            fs::remove_file(&file).map_err(|error| failed("cannot remove", &file, &error))?;
        }
        fs::remove_file(&path).map_err(|error| failed("cannot remove", &path, &error))?;
    }
    Ok(())
}

/// Only the owner may read it.
fn private(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
            .map_err(|error| failed("cannot write", path, &error))?;
    }
    Ok(())
}

fn address(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

/// `x.db` as `x.json`, or with another ending after what it has.
fn with_ending(file: &Path, ending: &str) -> PathBuf {
    match ending {
        PARTIAL => PathBuf::from(format!("{}.{PARTIAL}", file.display())),
        _ => file.with_extension(ending),
    }
}

fn remove_database(file: &Path) {
    let _ = fs::remove_file(file);
    remove_beside(file);
}

fn remove_beside(file: &Path) {
    for end in BESIDE {
        let _ = fs::remove_file(format!("{}{end}", file.display()));
    }
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| failed("cannot write", to, &error))
}

fn failed(what: &str, path: &Path, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull => StoreError::Full(format!("{what} {}: the disk is full", path.display())),
        _ => StoreError::Unusable(format!("{what} {}: {error}", path.display())),
    }
}

//! `majordomo backup` and `majordomo restore`, and the backups the running service makes by itself.

use super::{Common, load, now_ms, print};
use crate::{
    config::{self, Config},
    lock,
};
use anyhow::{Context, bail, ensure};
use clap::Args;
use majordomo_store::{
    backup::{self, Backup},
    transfer::{self, Holds},
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

/// How long a service runs before the first backup of all. Milliseconds.
const FIRST: i64 = 5 * 60_000;

#[derive(Args)]
pub struct Make {
    /// The folder to write to [default: that of the settings, else `backups` in the data folder]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

#[derive(Args)]
pub struct Restore {
    /// The backup: a file majordomo-….db with its manifest beside it
    file: PathBuf,
    /// Although the database holds people; what it holds is kept aside first
    #[arg(long)]
    replace: bool,
}

pub async fn make(common: &Common, options: &Make) -> anyhow::Result<ExitCode> {
    let config = load(common)?.config;
    let folder = options.folder.clone().unwrap_or_else(|| config.backup_folder());
    let made = make_now(&config, &folder).await?;
    print(&said(&made))?;
    Ok(ExitCode::SUCCESS)
}

async fn make_now(config: &Config, folder: &Path) -> anyhow::Result<Backup> {
    let url = config.store_url();
    let made = backup::make(&url, folder, &stamp(now_ms()), config.backup.keep, now_ms()).await;
    made.with_context(|| format!("no backup of {} was made", config::without_password(&url)))
}

fn said(backup: &Backup) -> String {
    let rows: u64 = backup.manifest.tables.iter().map(|sum| sum.rows).sum();
    format!("{} holds {rows} rows in {} bytes, opened and compared", backup.file.display(), backup.manifest.size_bytes)
}

pub async fn restore(common: &Common, options: &Restore) -> anyhow::Result<ExitCode> {
    let config = load(common)?.config;
    let url = config.store_url();
    let shown = config::without_password(&url);
    let found = backup::read(&options.file)?;
    backup::verify(&found).await.with_context(|| "nothing was restored")?;
    if let Some(who) = lock::holder(&url, &config.data)? {
        bail!("{shown} is in use by {who}; stop it first");
    }
    // Held to the end, so that the service cannot start in the middle.
    let _lock = lock::take(&url, &config.data)?;
    let is_file = url.starts_with("sqlite:");
    let holds = match transfer::holds(&url).await {
        // A damaged file is a reason to restore.
        Err(_) if is_file && options.replace => Holds::People,
        holds => holds.with_context(|| format!("cannot open {shown}"))?,
    };
    if holds == Holds::People {
        ensure!(
            options.replace,
            "{shown} holds people; give --replace to put the backup in their place, what is there is kept aside first"
        );
        let aside = match is_file {
            true => backup::keep_aside(&url, &stamp(now_ms()))?,
            // Not among the backups, which go when they are old.
            false => Some(make_now(&config, &config.data.join("before-restore")).await?.file),
        };
        if let Some(aside) = aside {
            print(&format!("what was there is kept in {}", aside.display()))?;
        }
    }
    backup::restore(&found, &url).await.with_context(|| format!("{shown} was not restored"))?;
    print(&format!("{shown} is as it was in {}", options.file.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// What the doctor says of the newest backup: well or not, and a sentence.
pub async fn look(config: &Config) -> (bool, String) {
    let folder = config.backup_folder();
    let newest = match backup::list(&folder) {
        Ok(backups) => backups.into_iter().next(),
        Err(error) => return (false, error.to_string()),
    };
    let Some(newest) = newest else {
        return (true, format!("none yet in {}; `majordomo backup` makes one", folder.display()));
    };
    let hours = (now_ms() - newest.manifest.made_at_ms) / 3_600_000;
    match backup::verify(&newest).await {
        Ok(()) => (true, format!("{}, {hours} hours old", said(&newest))),
        Err(error) => (false, error.to_string()),
    }
}

/// Make a backup whenever the newest one is old enough, for as long as the service runs.
pub async fn keep_making(config: Config) {
    let every = i64::from(config.backup.every_hours) * 3_600_000;
    if every == 0 {
        return;
    }
    let (folder, begun) = (config.backup_folder(), now_ms());
    loop {
        let newest = backup::list(&folder).ok().and_then(|backups| backups.into_iter().next());
        let due = newest.map_or(begun + FIRST, |newest| newest.manifest.made_at_ms + every);
        let mut pause = u64::try_from(due - now_ms()).unwrap_or(0);
        if pause == 0 {
            match make_now(&config, &folder).await {
                Ok(made) => tracing::info!(file = %made.file.display(), "a backup was made"),
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), "no backup was made; the next try is in an hour")
                }
            }
            pause = 3_600_000;
        }
        // Looked at once an hour at least, so that a clock that was put right is noticed.
        tokio::time::sleep(Duration::from_millis(pause.min(3_600_000))).await;
    }
}

/// `20261124-093000`, UTC.
fn stamp(now_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default().strftime("%Y%m%d-%H%M%S").to_string()
}

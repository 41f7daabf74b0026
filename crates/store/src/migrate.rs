//! Bringing the schema up to date. Each migration runs on a connection of its own, before any other is opened: a connection
//! opened before a table was made keeps the old picture of it.

use crate::{Result, StoreError, dialect::Dialect, row::Columns, transfer};
use majordomo_domain::fault_point;
use sqlx::{AnyConnection, Connection, Executor};
use std::time::Duration;

const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_start.sql"),
    include_str!("../migrations/0002_trust.sql"),
    include_str!("../migrations/0003_media.sql"),
    include_str!("../migrations/0004_once.sql"),
    include_str!("../migrations/0005_stop.sql"),
    include_str!("../migrations/0006_past.sql"),
    include_str!("../migrations/0007_questions.sql"),
];

/// The newest schema this version knows.
pub(crate) const NEWEST: usize = MIGRATIONS.len();
/// Attempts to bring a shared database up to date, when several processes start at once.
const TRIES: u64 = 6;

/// What a database is brought up to date for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be worked with. One into which a copy was not finished is refused.
    Use,
    /// To be the target of a copy.
    Copy,
}

pub(crate) async fn run(dialect: Dialect, url: &str, purpose: Purpose) -> Result<()> {
    let mut attempt = 1;
    loop {
        let mut connection = AnyConnection::connect(url).await?;
        dialect.settle(&mut connection).await?;
        let outcome = match purpose {
            Purpose::Use => match transfer::refuse_unfinished(dialect, &mut connection).await {
                Ok(()) => bring_up(dialect, &mut connection).await,
                refused => refused,
            },
            Purpose::Copy => bring_up(dialect, &mut connection).await,
        };
        let _ = connection.close().await;
        match outcome {
            // Another process made the same table at the same moment; what it has done is seen at the next look.
            Err(StoreError::Busy(_) | StoreError::Other(_)) if dialect.is_shared() && attempt < TRIES => {
                tokio::time::sleep(Duration::from_millis(100 * attempt)).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

/// The schema a database has. 0 for one that was never used.
pub(crate) async fn version(connection: &mut AnyConnection) -> Result<usize> {
    let row = connection.fetch_one("SELECT COALESCE(MAX(version), 0) AS version FROM schema_version").await?;
    Ok(usize::try_from(row.int("version")?).unwrap_or(0))
}

pub(crate) async fn bring_up(dialect: Dialect, connection: &mut AnyConnection) -> Result<()> {
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)").await?;
    dialect.lock_schema(connection).await?;
    loop {
        let current = version(connection).await?;
        if current > MIGRATIONS.len() {
            return Err(StoreError::Unusable(format!(
                "the database was written by a newer version (schema {current}, this one knows {NEWEST}); update majordomo or restore a backup"
            )));
        }
        let Some(text) = MIGRATIONS.get(current) else { return Ok(()) };
        let next = current as i64 + 1;
        match dialect.undoes_ddl() {
            true => in_one_piece(dialect, connection, next, text).await?,
            false => step_by_step(dialect, connection, next, text).await?,
        }
    }
}

/// A migration as one transaction: a stop in the middle leaves no trace.
async fn in_one_piece(dialect: Dialect, connection: &mut AnyConnection, next: i64, text: &str) -> Result<()> {
    connection.execute(dialect.begin()).await?;
    let work = async {
        if dialect == Dialect::Postgres {
            connection.execute("LOCK TABLE schema_version IN EXCLUSIVE MODE").await?;
        }
        // Another process may have been quicker.
        if version(connection).await? as i64 >= next {
            return Ok(());
        }
        for statement in statements(text) {
            fault_point!("migrate");
            connection.execute(dialect.ddl(statement)).await?;
        }
        fault_point!("migrate");
        note_version(dialect, connection, next).await
    };
    let end = match work.await {
        Ok(()) => Ok(connection.execute("COMMIT").await?),
        Err(error) => {
            let _ = connection.execute("ROLLBACK").await;
            Err(error)
        }
    };
    end.map(|_| ())
}

/// A migration where each change of a table stands for itself. Every statement is noted before it runs; after a stop the last one
/// noted runs once more, and that what it makes is there already is no failure then. Statements that change rows have to be
/// written so that running twice does no harm.
async fn step_by_step(dialect: Dialect, connection: &mut AnyConnection, next: i64, text: &str) -> Result<()> {
    connection
        .execute("CREATE TABLE IF NOT EXISTS schema_progress (version BIGINT NOT NULL, statement BIGINT NOT NULL)")
        .await?;
    let row = sqlx::query("SELECT COALESCE(MAX(statement), 0) AS begun FROM schema_progress WHERE version = ?")
        .bind(next)
        .fetch_one(&mut *connection)
        .await?;
    let begun = row.int("begun")?;
    for (number, statement) in (1..).zip(statements(text)) {
        if number < begun {
            continue;
        }
        if number > begun {
            sqlx::query("INSERT INTO schema_progress (version, statement) VALUES (?, ?)")
                .bind(next)
                .bind(number)
                .execute(&mut *connection)
                .await?;
        }
        fault_point!("migrate");
        match connection.execute(dialect.ddl(statement)).await {
            Err(error) if number == begun && dialect.is_there_already(&error) => {}
            outcome => {
                outcome?;
            }
        }
        fault_point!("migrate");
    }
    fault_point!("migrate");
    note_version(dialect, connection, next).await?;
    sqlx::query("DELETE FROM schema_progress WHERE version <= ?").bind(next).execute(&mut *connection).await?;
    Ok(())
}

async fn note_version(dialect: Dialect, connection: &mut AnyConnection, version: i64) -> Result<()> {
    sqlx::query(dialect.sql("INSERT INTO schema_version (version) VALUES (?)"))
        .bind(version)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.split(";\n").map(str::trim).filter(|s| !s.is_empty() && s.lines().any(|l| !l.trim_start().starts_with("--")))
}

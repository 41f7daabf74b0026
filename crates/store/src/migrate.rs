//! Bringing the schema up to date. Each migration runs on a connection of its own, before any other is opened: a connection
//! opened before a table was made keeps the old picture of it.

use crate::{Result, StoreError, dialect::Dialect, row::Columns};
use sqlx::{AnyConnection, Connection, Executor};

const MIGRATIONS: &[&str] =
    &[include_str!("../migrations/0001_start.sql"), include_str!("../migrations/0002_trust.sql")];

pub(crate) async fn run(dialect: Dialect, url: &str) -> Result<()> {
    let mut connection = AnyConnection::connect(url).await?;
    dialect.settle(&mut connection).await?;
    connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)").await?;
    let row = connection.fetch_one("SELECT COALESCE(MAX(version), 0) AS version FROM schema_version").await?;
    let current = usize::try_from(row.int("version")?).unwrap_or(0);
    if current > MIGRATIONS.len() {
        return Err(StoreError::Unusable(format!(
            "the database was written by a newer version (schema {current}, this one knows {}); update majordomo or restore a backup",
            MIGRATIONS.len()
        )));
    }
    for (index, text) in MIGRATIONS.iter().enumerate().skip(current) {
        connection.execute(dialect.begin()).await?;
        for statement in statements(text) {
            connection.execute(dialect.ddl(statement)).await?;
        }
        sqlx::query(dialect.sql("INSERT INTO schema_version (version) VALUES (?)"))
            .bind(index as i64 + 1)
            .execute(&mut connection)
            .await?;
        connection.execute("COMMIT").await?;
    }
    connection.close().await?;
    Ok(())
}

fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.split(";\n").map(str::trim).filter(|s| !s.is_empty() && s.lines().any(|l| !l.trim_start().starts_with("--")))
}

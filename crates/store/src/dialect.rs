//! The only file that knows that databases differ.

use crate::{Result, StoreError};
use sqlx::{AnyConnection, AssertSqlSafe, Executor, SqlSafeStr, SqlStr};
use std::{borrow::Cow, fmt::Write};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
    /// MySQL and MariaDB.
    MySql,
}

impl Dialect {
    pub fn of(url: &str) -> Result<Self> {
        let dialect = match url.split_once(':').map_or(url, |(scheme, _)| scheme) {
            "sqlite" => Dialect::Sqlite,
            "postgres" | "postgresql" => Dialect::Postgres,
            "mysql" | "mariadb" => Dialect::MySql,
            other => {
                return Err(StoreError::Unusable(format!(
                    "store.url starts with \"{other}\"; it has to start with sqlite:, postgres: or mysql:"
                )));
            }
        };
        if !dialect.is_built_in() {
            let name = if dialect == Dialect::Postgres { "PostgreSQL" } else { "MySQL" };
            return Err(StoreError::Unusable(format!(
                "this build was made without {name}; use store.url = \"sqlite://data/majordomo.db\""
            )));
        }
        Ok(dialect)
    }

    /// Whether this build knows the database.
    fn is_built_in(self) -> bool {
        match self {
            Dialect::Sqlite => true,
            Dialect::Postgres => cfg!(feature = "postgres"),
            Dialect::MySql => cfg!(feature = "mysql"),
        }
    }

    /// Tell the database library which databases there are. Once is enough, more harms nobody.
    pub fn install_drivers() {
        // One list per set of features: the type of a driver has no public name, so a list of them needs one expression.
        #[cfg(all(feature = "postgres", feature = "mysql"))]
        let outcome = sqlx::any::install_drivers(&[
            sqlx::sqlite::any::DRIVER,
            sqlx::postgres::any::DRIVER,
            sqlx::mysql::any::DRIVER,
        ]);
        #[cfg(all(feature = "postgres", not(feature = "mysql")))]
        let outcome = sqlx::any::install_drivers(&[sqlx::sqlite::any::DRIVER, sqlx::postgres::any::DRIVER]);
        #[cfg(all(not(feature = "postgres"), feature = "mysql"))]
        let outcome = sqlx::any::install_drivers(&[sqlx::sqlite::any::DRIVER, sqlx::mysql::any::DRIVER]);
        #[cfg(not(any(feature = "postgres", feature = "mysql")))]
        let outcome = sqlx::any::install_drivers(&[sqlx::sqlite::any::DRIVER]);
        drop(outcome);
    }

    /// Make the place ready and the address complete.
    pub fn prepare(self, url: &str) -> Result<String> {
        match self {
            Dialect::Sqlite => prepare_file(url),
            Dialect::Postgres => Ok(url.to_owned()),
            // The name of the scheme the library knows.
            Dialect::MySql => Ok(url.replacen("mariadb:", "mysql:", 1)),
        }
    }

    /// Per-connection settings. SQLite with FULL: a commit that was answered survives power loss; group commit pays for it.
    pub async fn settle(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        let statements: &[&'static str] = match self {
            Dialect::Sqlite => &[
                "PRAGMA busy_timeout = 5000",
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = FULL",
                "PRAGMA foreign_keys = ON",
                "PRAGMA temp_store = MEMORY",
                "PRAGMA cache_size = -4000",
            ],
            Dialect::Postgres => &["SET lock_timeout = '5s'", "SET synchronous_commit = on"],
            Dialect::MySql => &[
                "SET NAMES utf8mb4",
                "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ANSI_QUOTES'",
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                "SET SESSION innodb_lock_wait_timeout = 5",
            ],
        };
        for statement in statements {
            connection.execute(*statement).await?;
        }
        Ok(())
    }

    /// A statement with `?` placeholders, in this database's form.
    pub fn sql(self, text: &'static str) -> SqlStr {
        match self.rewritten(text) {
            Cow::Borrowed(_) => text.into_sql_str(),
            Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }

    fn rewritten(self, text: &str) -> Cow<'_, str> {
        match self {
            Dialect::Sqlite => Cow::Borrowed(text),
            Dialect::Postgres if text.contains('?') => Cow::Owned(numbered(text)),
            Dialect::Postgres => Cow::Borrowed(text),
            Dialect::MySql if text.contains(" AS BIGINT)") => Cow::Owned(text.replace(" AS BIGINT)", " AS SIGNED)")),
            Dialect::MySql => Cow::Borrowed(text),
        }
    }

    /// How a write transaction begins. SQLite takes the write lock at once, so that it never fails half way for a lock.
    pub fn begin(self) -> SqlStr {
        self.sql(match self {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres | Dialect::MySql => "BEGIN",
        })
    }

    /// Whether several statements with values may travel as one text.
    pub fn joins_statements(self) -> bool {
        self == Dialect::Sqlite
    }

    /// A statement of a migration, in this database's form. MySQL's TEXT ends at 64 KiB and its default alphabet is small.
    pub fn ddl(self, text: &str) -> SqlStr {
        let text = match self {
            Dialect::MySql => {
                let wide = text.replace(" TEXT", " LONGTEXT");
                match wide.contains("CREATE TABLE") {
                    true => format!("{wide} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
                    false => wide,
                }
            }
            Dialect::Sqlite | Dialect::Postgres => text.to_owned(),
        };
        AssertSqlSafe(text).into_sql_str()
    }
}

fn prepare_file(url: &str) -> Result<String> {
    let path = url.trim_start_matches("sqlite:").trim_start_matches("//").split('?').next().unwrap_or_default();
    if path.is_empty() {
        return Err(StoreError::Unusable("store.url names no file, such as sqlite://data/majordomo.db".into()));
    }
    if let Some(folder) = std::path::Path::new(path).parent()
        && !folder.as_os_str().is_empty()
    {
        std::fs::create_dir_all(folder)
            .map_err(|e| StoreError::Full(format!("the folder {} cannot be made: {e}", folder.display())))?;
    }
    Ok(format!("sqlite://{path}?mode=rwc"))
}

/// `?` as `$1`, `$2`, …; our statements hold no question mark inside a text.
fn numbered(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (n, piece) in text.split('?').enumerate() {
        if n > 0 {
            let _ = write!(out, "${n}");
        }
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_answered_survives_the_loss_of_power() {
        use crate::row::Columns;
        let store = crate::Store::scratch().await.unwrap();
        for (pragma, column, expected) in
            [("PRAGMA synchronous", "synchronous", 2), ("PRAGMA foreign_keys", "foreign_keys", 1)]
        {
            let written = store.write(async move |tx| tx.first(pragma, &[]).await?.expect("a row").int(column)).await;
            assert_eq!(written.unwrap(), expected, "{pragma} where rows are written");
        }
        let mode = store.first("PRAGMA journal_mode", &[]).await.unwrap().unwrap();
        assert_eq!(mode.text("journal_mode").unwrap(), "wal");
    }

    #[test]
    fn statements_take_each_databases_form() {
        let text = "SELECT CAST(SUM(a) AS BIGINT) AS a FROM t WHERE b = ? AND c = ?";
        assert_eq!(Dialect::Sqlite.sql(text).as_str(), text);
        assert_eq!(
            Dialect::Postgres.sql(text).as_str(),
            "SELECT CAST(SUM(a) AS BIGINT) AS a FROM t WHERE b = $1 AND c = $2"
        );
        assert_eq!(
            Dialect::MySql.sql(text).as_str(),
            "SELECT CAST(SUM(a) AS SIGNED) AS a FROM t WHERE b = ? AND c = ?"
        );
        let table = "CREATE TABLE t (a TEXT NOT NULL)";
        assert_eq!(
            Dialect::MySql.ddl(table).as_str(),
            "CREATE TABLE t (a LONGTEXT NOT NULL) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        );
    }
}

//! The only file that knows that databases differ.

use crate::{Result, StoreError, row::Columns};
use sqlx::{AnyConnection, AssertSqlSafe, Executor, SqlSafeStr, SqlStr};
use std::{borrow::Cow, fmt::Write};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
    /// MySQL and MariaDB.
    MySql,
}

/// Whether this build can open an address. The error says what an address looks like.
pub fn check_address(url: &str) -> Result<()> {
    let dialect = Dialect::of(url)?;
    let names_database =
        url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).is_some_and(|(_, database)| {
            let name = database.split('?').next().unwrap_or_default();
            !name.is_empty() && !name.contains('/')
        });
    match dialect {
        Dialect::Sqlite if file_of(url).is_empty() => Err(StoreError::Unusable(NO_FILE.into())),
        Dialect::Postgres | Dialect::MySql if !names_database => Err(StoreError::Unusable(
            "the address names no database; write it as postgres://USER:PASSWORD@HOST/DATABASE or \
             mysql://USER:PASSWORD@HOST/DATABASE, with signs such as @ / # in the password as %40 %2F %23"
                .into(),
        )),
        _ => Ok(()),
    }
}

const NO_FILE: &str = "the address names no file; write it as sqlite://data/majordomo.db";

impl Dialect {
    pub fn of(url: &str) -> Result<Self> {
        let dialect = match url.split_once(':').map_or("", |(scheme, _)| scheme) {
            "sqlite" => Dialect::Sqlite,
            "postgres" | "postgresql" => Dialect::Postgres,
            "mysql" | "mariadb" => Dialect::MySql,
            other => {
                return Err(StoreError::Unusable(format!(
                    "\"{other}\" is no database this version knows; the address begins with sqlite://, postgres:// or mysql://"
                )));
            }
        };
        if !dialect.is_built_in() {
            return Err(StoreError::Unusable(format!(
                "this build was made without {}; use sqlite://data/majordomo.db",
                dialect.name()
            )));
        }
        Ok(dialect)
    }

    pub fn name(self) -> &'static str {
        match self {
            Dialect::Sqlite => "SQLite",
            Dialect::Postgres => "PostgreSQL",
            Dialect::MySql => "MySQL",
        }
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
            // A SQLite transaction that writes has the whole file to itself; there are no rows to lock.
            Dialect::Sqlite if text.contains(FOR_UPDATE) => Cow::Owned(text.replace(FOR_UPDATE, "")),
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

    /// Whether the database is a server: it may be away for a while, and others write it, too.
    pub fn is_shared(self) -> bool {
        self != Dialect::Sqlite
    }

    /// Whether a change of a table is undone with its transaction.
    pub fn undoes_ddl(self) -> bool {
        self != Dialect::MySql
    }

    /// Keep other processes from changing tables until the connection ends, where a transaction cannot.
    pub async fn lock_schema(self, connection: &mut AnyConnection) -> Result<()> {
        if self != Dialect::MySql {
            return Ok(());
        }
        let row = connection.fetch_one("SELECT GET_LOCK(CONCAT('majordomo ', DATABASE()), 60) AS given").await?;
        match row.optional_int("given")? {
            Some(1) => Ok(()),
            _ => Err(StoreError::Busy("another process brings the database up to date".into())),
        }
    }

    /// Whether a change of a table failed because it was made before.
    pub fn is_there_already(self, error: &sqlx::Error) -> bool {
        let number = error.as_database_error().and_then(mysql_number);
        matches!(number, Some(1050 | 1060 | 1061))
    }

    /// Whether the database has a table.
    pub async fn has_table(self, connection: &mut AnyConnection, name: &str) -> Result<bool> {
        let text = match self {
            Dialect::Sqlite => "SELECT COUNT(*) AS found FROM sqlite_master WHERE type = 'table' AND name = ?",
            Dialect::Postgres => {
                "SELECT COUNT(*) AS found FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?"
            }
            Dialect::MySql => {
                "SELECT COUNT(*) AS found FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?"
            }
        };
        let row = sqlx::query(self.sql(text)).bind(name.to_owned()).fetch_one(connection).await?;
        Ok(row.int("found")? > 0)
    }

    /// How a transaction begins that sees the database as it is now until its end.
    pub fn begin_snapshot(self) -> &'static [&'static str] {
        match self {
            // The snapshot is taken by the first read.
            Dialect::Sqlite => &["BEGIN", "SELECT COUNT(*) FROM schema_version"],
            Dialect::Postgres => {
                &["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT COUNT(*) FROM schema_version"]
            }
            Dialect::MySql => &[
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
            ],
        }
    }

    /// A text column in the order of its bytes, which is the same everywhere.
    pub fn bytewise(self, column: &str) -> String {
        match self {
            Dialect::Sqlite => column.to_owned(),
            Dialect::Postgres => format!("{column} COLLATE \"C\""),
            Dialect::MySql => format!("CAST({column} AS BINARY)"),
        }
    }

    /// `?, ?, …` for some rows of some columns, in this database's form.
    pub fn places(self, rows: usize, columns: usize) -> String {
        let row = format!("({})", vec!["?"; columns].join(", "));
        let text = vec![row; rows].join(", ");
        match self {
            Dialect::Postgres => numbered(&text),
            Dialect::Sqlite | Dialect::MySql => text,
        }
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

/// The file behind a `sqlite://` address.
pub(crate) fn file_of(url: &str) -> &str {
    url.trim_start_matches("sqlite:").trim_start_matches("//").split('?').next().unwrap_or_default()
}

fn prepare_file(url: &str) -> Result<String> {
    let path = file_of(url);
    if path.is_empty() {
        return Err(StoreError::Unusable(NO_FILE.into()));
    }
    if let Some(folder) = std::path::Path::new(path).parent()
        && !folder.as_os_str().is_empty()
    {
        std::fs::create_dir_all(folder)
            .map_err(|e| StoreError::Full(format!("the folder {} cannot be made: {e}", folder.display())))?;
    }
    Ok(format!("sqlite://{path}?mode=rwc"))
}

/// Ends a statement that reads a row in order to write it in the same transaction.
const FOR_UPDATE: &str = " FOR UPDATE";

/// What a failure means to whoever asked, in words for people.
pub(crate) fn explain(error: &sqlx::Error) -> StoreError {
    let text = error.to_string();
    let passing = |text: &str| StoreError::Busy(text.to_owned());
    match error {
        sqlx::Error::PoolTimedOut => passing("no connection came free in time"),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) if text.contains("certificate") => StoreError::Unusable(format!(
            "the server's certificate is not trusted ({text}); name the file of your own authority with sslrootcert \
             (PostgreSQL) or ssl-ca (MySQL) in the address"
        )),
        sqlx::Error::Io(error) => StoreError::Busy(format!("it does not answer, {}", error.kind())),
        sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => {
            passing("it does not answer")
        }
        sqlx::Error::Tls(_) => StoreError::Unusable(format!("no encrypted connection to the database: {text}")),
        sqlx::Error::Configuration(reason) => {
            StoreError::Unusable(format!("the address of the database is not understood: {reason}"))
        }
        sqlx::Error::Database(said) => {
            let code = said.code().unwrap_or_default();
            let number = mysql_number(said.as_ref());
            match (code.as_ref(), number) {
                // SQLite says it in words.
                _ if text.contains("database is locked") => passing("locked by another process"),
                _ if text.contains("database or disk is full") => StoreError::Full("the disk is full".into()),
                _ if text.contains("disk I/O error") => {
                    StoreError::Full("the disk takes no writes; look for room and for errors of the disk".into())
                }
                _ if text.contains("readonly database") || text.contains("unable to open database file") => {
                    StoreError::Full("the file cannot be written; check its permissions".into())
                }
                _ if text.contains("file is not a database") || text.contains("malformed") => StoreError::Unusable(
                    "the database file is damaged; nothing was changed, restore a backup with `majordomo restore`"
                        .into(),
                ),
                // A deadlock, a clash of transactions, a lock that was not given: whoever tries again gets through.
                ("40001" | "40P01" | "55P03", _) | (_, Some(1205 | 1213)) => {
                    passing("another process wrote at the same moment")
                }
                // Rows are looked for before they are made, so one that exists all the same came in between.
                ("23505", _) | (_, Some(1062)) => passing("another process made the same row at the same moment"),
                ("57P01" | "57P02" | "57P03" | "53300", _) | (_, Some(1040 | 1053 | 1203)) => {
                    passing("the server takes no connections now")
                }
                ("53100", _) | (_, Some(1021 | 1114)) => StoreError::Full("the disk of the server is full".into()),
                ("25006", _) | (_, Some(1290 | 1792)) => StoreError::Full("the server takes no writes".into()),
                ("42501", _) | (_, Some(1044 | 1142)) => {
                    StoreError::Full("the account in store.url lacks the rights; it has to own the database".into())
                }
                ("28P01" | "28000", _) | (_, Some(1045)) => {
                    StoreError::Unusable("the server refuses the account or the password in store.url".into())
                }
                ("3D000", _) | (_, Some(1049)) => {
                    StoreError::Unusable("the server has no such database; create it, then start again".into())
                }
                _ => StoreError::Other(text),
            }
        }
        _ => StoreError::Other(text),
    }
}

#[cfg(feature = "mysql")]
fn mysql_number(error: &dyn sqlx::error::DatabaseError) -> Option<u16> {
    error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map(sqlx::mysql::MySqlDatabaseError::number)
}

#[cfg(not(feature = "mysql"))]
fn mysql_number(_: &dyn sqlx::error::DatabaseError) -> Option<u16> {
    None
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

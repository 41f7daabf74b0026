//! The only file that knows that databases differ.

use crate::{Result, StoreError};
use sqlx::{AnyConnection, AssertSqlSafe, Executor, SqlSafeStr, SqlStr};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
}

impl Dialect {
    pub fn of(url: &str) -> Result<Self> {
        match url.split_once(':').map_or(url, |(scheme, _)| scheme) {
            "sqlite" => Ok(Dialect::Sqlite),
            "postgres" | "postgresql" | "mysql" | "mariadb" => Err(StoreError::Unusable(
                "this version keeps its data in SQLite only; use store.url = \"sqlite://data/majordomo.db\"".into(),
            )),
            other => Err(StoreError::Unusable(format!(
                "store.url starts with \"{other}\"; it has to start with \"sqlite:\""
            ))),
        }
    }

    /// Make the place ready and the address complete.
    pub fn prepare(self, url: &str) -> Result<String> {
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

    /// Per-connection settings. FULL: a commit that was answered survives power loss; group commit pays for it.
    pub async fn settle(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        match self {
            Dialect::Sqlite => {
                for pragma in [
                    "PRAGMA busy_timeout = 5000",
                    "PRAGMA journal_mode = WAL",
                    "PRAGMA synchronous = FULL",
                    "PRAGMA foreign_keys = ON",
                    "PRAGMA temp_store = MEMORY",
                    "PRAGMA cache_size = -4000",
                ] {
                    connection.execute(pragma).await?;
                }
                Ok(())
            }
        }
    }

    /// A statement with `?` placeholders, in this database's form.
    pub fn sql(self, text: &'static str) -> SqlStr {
        match self {
            Dialect::Sqlite => text.into_sql_str(),
        }
    }

    /// Whether several statements with values may travel as one text.
    pub fn joins_statements(self) -> bool {
        match self {
            Dialect::Sqlite => true,
        }
    }

    /// A statement of a migration, in this database's form.
    pub fn ddl(self, text: &str) -> SqlStr {
        match self {
            Dialect::Sqlite => AssertSqlSafe(text.to_owned()).into_sql_str(),
        }
    }
}

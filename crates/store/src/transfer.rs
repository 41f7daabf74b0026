//! A household from one database into another, whichever of the three they are: every row, read in one snapshot, counted and
//! summed on both sides.
//!
//! Knows: tables and their keys, as the migrations make them; there is no second list to forget a table in. Never: changes the
//! source, or lets a target be used before its sums are those of the source.

use crate::{
    Result, StoreError, check_address,
    dialect::Dialect,
    migrate::{self, Purpose},
    row::{Columns, Value},
    writer::bind_one,
};
use futures_util::TryStreamExt;
use majordomo_domain::fault_point;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, any::AnyRow};
use std::fmt::Write;

/// A table as the migrations make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
    /// The columns of the primary key in its order.
    key: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    is_text: bool,
}

/// What a table holds, in a form that is equal for equal rows in any database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSum {
    pub table: String,
    pub rows: u64,
    /// SHA-256 over the rows in the order of the primary key, hex.
    pub sha256: String,
}

/// What becomes of rows that the target holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// The copy is refused.
    Keep,
    /// They are removed.
    Remove,
}

/// Rows and bytes that are written at a time. Bounds memory on both sides.
const PAGE_ROWS: usize = 100;
const PAGE_BYTES: usize = 1 << 20;
/// There from the first act of a copy to its last.
const MARKER: &str = "unfinished_copy";

/// Every table with its columns, in the order in which the migrations make them.
pub async fn tables() -> Result<Vec<Table>> {
    Dialect::install_drivers();
    let mut connection = AnyConnection::connect("sqlite::memory:").await?;
    migrate::bring_up(Dialect::Sqlite, &mut connection).await?;
    let names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'schema_version' ORDER BY rowid";
    let mut tables = Vec::new();
    for row in sqlx::query(names).fetch_all(&mut connection).await? {
        let name = row.text("name")?;
        let about = "SELECT CAST(name AS TEXT) AS name, CAST(type AS TEXT) AS kind, CAST(pk AS INTEGER) AS place \
                     FROM pragma_table_info(?) ORDER BY cid";
        let (mut columns, mut key) = (Vec::new(), Vec::new());
        for (number, row) in sqlx::query(about).bind(name.clone()).fetch_all(&mut connection).await?.iter().enumerate()
        {
            let kind = row.text("kind")?;
            columns.push(Column { name: row.text("name")?, is_text: kind == "TEXT" || kind.starts_with("VARCHAR") });
            if row.int("place")? > 0 {
                key.push((row.int("place")?, number));
            }
        }
        key.sort_unstable();
        if key.is_empty() {
            return Err(StoreError::Other(format!("the table {name} has no primary key")));
        }
        tables.push(Table { name, columns, key: key.into_iter().map(|(_, number)| number).collect() });
    }
    connection.close().await?;
    Ok(tables)
}

/// Copy a household into another database; the sums of its tables. The source has to be at rest or may go on being used: what is
/// copied is its state at the beginning. A copy that breaks off leaves a target that [`crate::Store::open`] refuses, and may be
/// made again.
pub async fn copy(from: &str, to: &str, existing: Existing) -> Result<Vec<TableSum>> {
    let tables = tables().await?;
    let (mut source, source_dialect) = open_source(from).await?;
    check_address(to)?;
    let dialect = Dialect::of(to)?;
    let url = dialect.prepare(to)?;
    let mut target = AnyConnection::connect(&url).await?;
    dialect.settle(&mut target).await?;
    let begun_before = dialect.has_table(&mut target, MARKER).await?;
    if !begun_before && existing == Existing::Keep {
        refuse_full(dialect, &mut target, &tables).await?;
    }
    target.execute("CREATE TABLE IF NOT EXISTS unfinished_copy (begun SMALLINT NOT NULL)").await?;
    migrate::run(dialect, &url, Purpose::Copy).await?;
    // A connection opened before a table was made keeps the old picture of it.
    target.close().await?;
    let mut target = AnyConnection::connect(&url).await?;
    dialect.settle(&mut target).await?;
    for table in &tables {
        target.execute(AssertSqlSafe(format!("DELETE FROM {}", table.name))).await?;
    }

    begin_snapshot(source_dialect, &mut source).await?;
    let mut sums = Vec::with_capacity(tables.len());
    for table in &tables {
        fault_point!("copy");
        let sum = copy_table(table, source_dialect, &mut source, dialect, &mut target).await;
        sums.push(sum.map_err(|error| in_table(table, error))?);
    }
    source.execute("ROLLBACK").await?;
    source.close().await?;
    for (table, sum) in tables.iter().zip(&sums) {
        let arrived = sum_table(table, dialect, &mut target).await?;
        if arrived != *sum {
            return Err(StoreError::Other(format!(
                "the copy of {} differs: {} rows of {} arrived, or one of them changed on the way",
                table.name, arrived.rows, sum.rows
            )));
        }
    }
    fault_point!("copy");
    target.execute("DROP TABLE unfinished_copy").await?;
    target.close().await?;
    Ok(sums)
}

/// What a database holds, in one snapshot. It has to have the schema of this version.
pub async fn sums(url: &str) -> Result<Vec<TableSum>> {
    let tables = tables().await?;
    let (mut connection, dialect) = open_source(url).await?;
    begin_snapshot(dialect, &mut connection).await?;
    let mut sums = Vec::with_capacity(tables.len());
    for table in &tables {
        sums.push(sum_table(table, dialect, &mut connection).await?);
    }
    connection.execute("ROLLBACK").await?;
    connection.close().await?;
    Ok(sums)
}

/// What a database holds, before something is put into its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// It was never used.
    Nothing,
    /// A part of a copy that was not finished.
    Remains,
    People,
}

pub async fn holds(url: &str) -> Result<Holds> {
    Dialect::install_drivers();
    let dialect = Dialect::of(url)?;
    let mut connection = AnyConnection::connect(&dialect.prepare(url)?).await?;
    let found = if dialect.has_table(&mut connection, MARKER).await? {
        Holds::Remains
    } else if dialect.has_table(&mut connection, "people").await?
        && connection.fetch_optional("SELECT id FROM people LIMIT 1").await?.is_some()
    {
        Holds::People
    } else {
        Holds::Nothing
    };
    connection.close().await?;
    Ok(found)
}

/// A database into which a copy was begun and not finished is no household.
pub(crate) async fn refuse_unfinished(dialect: Dialect, connection: &mut AnyConnection) -> Result<()> {
    match dialect.has_table(connection, MARKER).await? {
        false => Ok(()),
        true => Err(StoreError::Unusable(
            "a copy into this database was not finished; run `majordomo copy-db` or `majordomo restore` once more, or name another database"
                .into(),
        )),
    }
}

/// A connection that only reads, to a database that is there and has the schema of this version.
pub(crate) async fn open_source(url: &str) -> Result<(AnyConnection, Dialect)> {
    check_address(url)?;
    Dialect::install_drivers();
    let dialect = Dialect::of(url)?;
    let address = match dialect {
        Dialect::Sqlite => {
            let path = crate::dialect::file_of(url);
            if !std::path::Path::new(path).is_file() {
                return Err(StoreError::Unusable(format!("there is no file {path}")));
            }
            format!("sqlite://{path}?mode=rw")
        }
        Dialect::Postgres | Dialect::MySql => dialect.prepare(url)?,
    };
    let mut connection = AnyConnection::connect(&address).await?;
    match dialect {
        Dialect::Sqlite => {
            connection.execute("PRAGMA busy_timeout = 5000").await?;
        }
        Dialect::Postgres | Dialect::MySql => dialect.settle(&mut connection).await?,
    }
    refuse_unfinished(dialect, &mut connection).await?;
    if !dialect.has_table(&mut connection, "schema_version").await? {
        return Err(StoreError::Unusable("this is no database of majordomo, or it was never used".into()));
    }
    let newest = migrate::NEWEST;
    match migrate::version(&mut connection).await? {
        version if version > newest => Err(StoreError::Unusable(format!(
            "the database was written by a newer version (schema {version}, this one knows {newest}); update majordomo"
        ))),
        version if version < newest => Err(StoreError::Unusable(format!(
            "the database has schema {version}, this version {newest}; run `majordomo migrate` with it first"
        ))),
        _ => Ok((connection, dialect)),
    }
}

async fn begin_snapshot(dialect: Dialect, connection: &mut AnyConnection) -> Result<()> {
    for statement in dialect.begin_snapshot() {
        connection.execute(*statement).await?;
    }
    Ok(())
}

async fn refuse_full(dialect: Dialect, connection: &mut AnyConnection, tables: &[Table]) -> Result<()> {
    for table in tables {
        if dialect.has_table(connection, &table.name).await?
            && connection
                .fetch_optional(AssertSqlSafe(format!("SELECT * FROM {} LIMIT 1", table.name)))
                .await?
                .is_some()
        {
            return Err(StoreError::Conflict(format!(
                "the target holds rows already, in {}; a copy goes into an empty database only",
                table.name
            )));
        }
    }
    Ok(())
}

async fn copy_table(
    table: &Table,
    from: Dialect,
    source: &mut AnyConnection,
    to: Dialect,
    target: &mut AnyConnection,
) -> Result<TableSum> {
    let mut sum = Sum::default();
    let mut page = Vec::new();
    let mut bytes = 0;
    let mut rows = sqlx::query(AssertSqlSafe(selection(table, from))).fetch(source);
    while let Some(row) = rows.try_next().await? {
        let values = read(table, &row)?;
        bytes += sum.add(&values);
        page.push(values);
        if page.len() >= PAGE_ROWS || bytes >= PAGE_BYTES {
            write(table, to, target, &page).await?;
            page.clear();
            bytes = 0;
        }
    }
    write(table, to, target, &page).await?;
    Ok(sum.of(table))
}

async fn sum_table(table: &Table, dialect: Dialect, connection: &mut AnyConnection) -> Result<TableSum> {
    let mut sum = Sum::default();
    let mut rows = sqlx::query(AssertSqlSafe(selection(table, dialect))).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        sum.add(&read(table, &row)?);
    }
    Ok(sum.of(table))
}

async fn write(table: &Table, dialect: Dialect, target: &mut AnyConnection, page: &[Vec<Value>]) -> Result<()> {
    if page.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let places = dialect.places(page.len(), names.len());
    let text = format!("INSERT INTO {} ({}) VALUES {places}", table.name, names.join(", "));
    let query = page.iter().flatten().fold(sqlx::query(AssertSqlSafe(text)).persistent(false), bind_one);
    match query.execute(target).await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(said)) if said.is_unique_violation() => Err(StoreError::Conflict(
            "two rows have names that the target cannot tell apart, such as with and without a space at the end".into(),
        )),
        Err(error) => Err(error.into()),
    }
}

fn selection(table: &Table, dialect: Dialect) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let order: Vec<String> = table
        .key
        .iter()
        .map(|number| match &table.columns[*number] {
            column if column.is_text => dialect.bytewise(&column.name),
            column => column.name.clone(),
        })
        .collect();
    format!("SELECT {} FROM {} ORDER BY {}", names.join(", "), table.name, order.join(", "))
}

fn read(table: &Table, row: &AnyRow) -> Result<Vec<Value>> {
    let value = |column: &Column| {
        Ok(match column.is_text {
            true => row.optional_text(&column.name)?.into(),
            false => row.optional_int(&column.name)?.into(),
        })
    };
    table.columns.iter().map(value).collect()
}

fn in_table(table: &Table, error: StoreError) -> StoreError {
    let text = |text: String| format!("{} could not be copied: {text}", table.name);
    match error {
        StoreError::Conflict(reason) => StoreError::Conflict(text(reason)),
        StoreError::Other(reason) => StoreError::Other(text(reason)),
        other => other,
    }
}

#[derive(Default)]
struct Sum {
    rows: u64,
    hasher: Sha256,
}

impl Sum {
    /// Each value with its kind and length, so that no two rows read alike; roughly how many bytes it has.
    fn add(&mut self, values: &[Value]) -> usize {
        self.rows += 1;
        let mut bytes = 0;
        for value in values {
            match value {
                Value::NoText | Value::NoInt => self.hasher.update([0]),
                Value::Int(number) => {
                    self.hasher.update([1]);
                    self.hasher.update(number.to_le_bytes());
                }
                Value::Text(text) => {
                    self.hasher.update([2]);
                    self.hasher.update((text.len() as u64).to_le_bytes());
                    self.hasher.update(text);
                    bytes += text.len();
                }
            }
            bytes += 9;
        }
        bytes
    }

    fn of(self, table: &Table) -> TableSum {
        let mut sha256 = String::with_capacity(64);
        for byte in self.hasher.finalize() {
            let _ = write!(sha256, "{byte:02x}");
        }
        TableSum { table: table.name.clone(), rows: self.rows, sha256 }
    }
}

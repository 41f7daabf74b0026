//! Group commit: one thread writes, and everything that waits at that moment shares one transaction and one flush.
//!
//! A job is a function that may run again: when any job of a batch fails, the batch is rolled back and each of its jobs runs
//! in a transaction of its own, so one caller's conflict never harms another's row. A caller is answered after the commit.

use crate::{Result, Store, StoreError, dialect::Dialect, row::Value};
use futures_util::future::LocalBoxFuture;
use sqlx::{AnyConnection, Connection, Executor, any::AnyRow};
use tokio::sync::{mpsc, oneshot};

/// Jobs of one transaction at most. Bounds how long the first of them waits.
const BATCH: usize = 128;
/// Jobs that may wait. Beyond it callers wait for room.
const QUEUE: usize = 4096;

pub(crate) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

/// A transaction as jobs see it.
pub(crate) struct Tx<'a> {
    connection: &'a mut AnyConnection,
    dialect: Dialect,
}

impl Tx<'_> {
    /// Run a statement; how many rows it touched.
    pub async fn run(&mut self, sql: &'static str, values: &[Value]) -> Result<u64> {
        let query = bind(self.dialect, sql, values);
        Ok(query.execute(&mut *self.connection).await?.rows_affected())
    }

    /// Run statements one after another; how many rows they touched together. Where the database allows it they travel as
    /// one, which spares a change of threads for each.
    pub async fn run_all(&mut self, statements: &[(&'static str, Vec<Value>)]) -> Result<u64> {
        if statements.is_empty() {
            return Ok(0);
        }
        if !self.dialect.joins_statements() {
            let mut touched = 0;
            for (sql, values) in statements {
                touched += self.run(sql, values).await?;
            }
            return Ok(touched);
        }
        let text: Vec<&str> = statements.iter().map(|(sql, _)| *sql).collect();
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text.join(";")));
        for value in statements.iter().flat_map(|(_, values)| values) {
            query = bind_one(query, value);
        }
        Ok(query.execute(&mut *self.connection).await?.rows_affected())
    }

    pub async fn first(&mut self, sql: &'static str, values: &[Value]) -> Result<Option<AnyRow>> {
        Ok(bind(self.dialect, sql, values).fetch_optional(&mut *self.connection).await?)
    }

    pub async fn all(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<AnyRow>> {
        Ok(bind(self.dialect, sql, values).fetch_all(&mut *self.connection).await?)
    }
}

fn bind<'q>(dialect: Dialect, sql: &'static str, values: &[Value]) -> Query<'q> {
    values.iter().fold(sqlx::query(dialect.sql(sql)), bind_one)
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

fn bind_one<'q>(query: Query<'q>, value: &Value) -> Query<'q> {
    match value {
        Value::Text(text) => query.bind(text.clone()),
        Value::Int(number) => query.bind(*number),
        Value::NoText => query.bind(None::<String>),
        Value::NoInt => query.bind(None::<i64>),
    }
}

trait Job: Send {
    fn run<'a>(&'a mut self, tx: Tx<'a>) -> LocalBoxFuture<'a, Result<()>>;
    fn answer(self: Box<Self>, outcome: Result<()>);
}

struct Typed<F, T> {
    run: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<F, T> Job for Typed<F, T>
where
    F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send,
    T: Send,
{
    fn run<'a>(&'a mut self, mut tx: Tx<'a>) -> LocalBoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.value = Some((self.run)(&mut tx).await?);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let answer = match (outcome, self.value) {
            (Ok(()), Some(value)) => Ok(value),
            (Ok(()), None) => Err(StoreError::Other("a write gave no answer".into())),
            (Err(error), _) => Err(error),
        };
        // Nobody waits any more when the caller was dropped; the row stands all the same.
        let _ = self.reply.send(answer);
    }
}

impl Writer {
    pub async fn start(dialect: Dialect, url: &str) -> Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (ready, opened) = oneshot::channel();
        let url = url.to_owned();
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                match runtime {
                    Ok(runtime) => runtime.block_on(serve(dialect, url, queue, ready)),
                    Err(error) => drop(ready.send(Err(StoreError::Other(error.to_string())))),
                }
            })
            .map_err(|e| StoreError::Other(e.to_string()))?;
        opened.await.map_err(|_| StoreError::Other("the writer did not start".into()))??;
        Ok(Self { jobs })
    }

    pub async fn close(&self) {
        // An empty job at the end of the queue: when it is answered, everything before it is on disk.
        let (reply, done) = oneshot::channel();
        let last = Typed { run: async |_: &mut Tx<'_>| Ok(()), value: None, reply };
        if self.jobs.send(Box::new(last)).await.is_ok() {
            let _ = done.await;
        }
    }
}

impl Store {
    /// Run a job in a transaction; answered when it is on disk. The job may run more than once and must not have effects
    /// outside the transaction.
    pub(crate) async fn write<F, T>(&self, run: F) -> Result<T>
    where
        F: AsyncFn(&mut Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Typed { run, value: None, reply });
        let closed = || StoreError::Unusable("the store is closed".into());
        if self.inner.closed.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(closed());
        }
        self.inner.writer.jobs.send(job).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    pub(crate) async fn first(&self, sql: &'static str, values: &[Value]) -> Result<Option<AnyRow>> {
        Ok(bind(self.inner.dialect, sql, values).fetch_optional(&self.inner.readers).await?)
    }

    pub(crate) async fn all(&self, sql: &'static str, values: &[Value]) -> Result<Vec<AnyRow>> {
        Ok(bind(self.inner.dialect, sql, values).fetch_all(&self.inner.readers).await?)
    }
}

async fn serve(
    dialect: Dialect,
    url: String,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    ready: oneshot::Sender<Result<()>>,
) {
    let mut connection = match open(dialect, &url).await {
        Ok(connection) => connection,
        Err(error) => return drop(ready.send(Err(error))),
    };
    let _ = ready.send(Ok(()));
    let mut batch: Vec<Box<dyn Job>> = Vec::with_capacity(BATCH);
    while let Some(first) = queue.recv().await {
        batch.push(first);
        while batch.len() < BATCH {
            match queue.try_recv() {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
        if run_together(dialect, &mut connection, &mut batch).await.is_ok() {
            batch.drain(..).for_each(|job| job.answer(Ok(())));
            continue;
        }
        for mut job in batch.drain(..) {
            let outcome = run_together(dialect, &mut connection, std::slice::from_mut(&mut job)).await;
            job.answer(outcome);
        }
    }
    let _ = connection.close().await;
}

async fn open(dialect: Dialect, url: &str) -> Result<AnyConnection> {
    let mut connection = AnyConnection::connect(url).await?;
    dialect.settle(&mut connection).await?;
    Ok(connection)
}

async fn run_together(dialect: Dialect, connection: &mut AnyConnection, jobs: &mut [Box<dyn Job>]) -> Result<()> {
    connection.execute(dialect.begin()).await?;
    for job in jobs.iter_mut() {
        let tx = Tx { connection, dialect };
        if let Err(error) = job.run(tx).await {
            let _ = connection.execute(dialect.sql("ROLLBACK")).await;
            return Err(error);
        }
    }
    if let Err(error) = connection.execute(dialect.sql("COMMIT")).await {
        let _ = connection.execute(dialect.sql("ROLLBACK")).await;
        return Err(error.into());
    }
    Ok(())
}

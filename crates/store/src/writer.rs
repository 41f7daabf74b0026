//! Group commit: one thread writes, and everything that waits at that moment shares one transaction and one flush.
//!
//! A job is a function that may run again: when any job of a batch fails, the batch is rolled back and each of its jobs runs
//! in a transaction of its own, so one caller's conflict never harms another's row. A caller is answered after the commit.
//!
//! Where a server is shared with other processes, a job that clashed with one of theirs runs again a few times, and a connection
//! that broke is made again for the next job.

use crate::{
    Result, Store, StoreError,
    dialect::Dialect,
    reserve::{RENEW, Reserve},
    row::Value,
};
use futures_util::future::LocalBoxFuture;
use sqlx::{AnyConnection, Connection, Executor, any::AnyRow};
use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// Jobs of one transaction at most. Bounds how long the first of them waits.
const BATCH: usize = 128;
/// Jobs that may wait. Beyond it callers wait for room.
const QUEUE: usize = 4096;
/// Attempts of one job that other processes get in the way of.
const TRIES: u32 = 8;
/// How long a server may take to let the writer in.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a server may take for one transaction. Longer than it waits for a lock.
const ANSWER: Duration = Duration::from_secs(15);

pub(crate) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

/// A transaction as jobs see it.
pub(crate) struct Tx<'a> {
    connection: &'a mut AnyConnection,
    dialect: Dialect,
    reserve: &'a Reserve,
}

impl Tx<'_> {
    /// For what is new and may be refused: [`StoreError::Full`] while the disk is.
    pub fn has_room(&self) -> Result<()> {
        self.reserve.has_room()
    }

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

pub(crate) type Query<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

pub(crate) fn bind_one<'q>(query: Query<'q>, value: &Value) -> Query<'q> {
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
    pub async fn start(dialect: Dialect, url: &str, reserve: Arc<Reserve>) -> Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (ready, opened) = oneshot::channel();
        let url = url.to_owned();
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                match runtime {
                    Ok(runtime) => runtime.block_on(serve(dialect, url, reserve, queue, ready)),
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
        self.in_time(bind(self.inner.dialect, sql, values).fetch_optional(&self.inner.readers)).await
    }

    pub(crate) async fn all(&self, sql: &'static str, values: &[Value]) -> Result<Vec<AnyRow>> {
        self.in_time(bind(self.inner.dialect, sql, values).fetch_all(&self.inner.readers)).await
    }

    /// A server that vanished without a word must not keep a reader for ever.
    async fn in_time<T>(&self, read: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T> {
        match tokio::time::timeout(ANSWER, read).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(StoreError::Busy("it does not answer".into())),
        }
    }
}

async fn serve(
    dialect: Dialect,
    url: String,
    reserve: Arc<Reserve>,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    ready: oneshot::Sender<Result<()>>,
) {
    let mut line = Line { dialect, connection: None, url, reserve, tried: None };
    if let Err(error) = line.connect().await {
        return drop(ready.send(Err(error)));
    }
    let _ = ready.send(Ok(()));
    let mut batch: Vec<Box<dyn Job>> = Vec::with_capacity(BATCH);
    loop {
        let first = match line.reserve.is_given_up() {
            false => queue.recv().await,
            true => match tokio::time::timeout(RENEW, queue.recv()).await {
                Ok(first) => first,
                Err(_) => {
                    line.renew();
                    continue;
                }
            },
        };
        let Some(first) = first else { break };
        line.renew();
        batch.push(first);
        while batch.len() < BATCH {
            match queue.try_recv() {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
        match line.run(&mut batch).await {
            Ok(()) => batch.drain(..).for_each(|job| job.answer(Ok(()))),
            // It is nobody's fault in particular, and a try for each of them would make the last one wait for all.
            Err(failure) if failure.is_everybodys() && !line.reserve.give_up(&failure.error) => {
                batch.drain(..).for_each(|job| job.answer(Err(failure.error.clone())));
            }
            Err(failure) => {
                line.reserve.give_up(&failure.error);
                let mut away = None;
                for mut job in batch.drain(..) {
                    let outcome = match &away {
                        Some(error) => Err(StoreError::clone(error)),
                        None => line.run_alone(&mut job).await,
                    };
                    if let (Err(error), None) = (&outcome, &line.connection) {
                        away = Some(error.clone());
                    }
                    job.answer(outcome);
                }
            }
        }
    }
    if let Some(connection) = line.connection {
        let _ = connection.close().await;
    }
}

/// Where a transaction failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before any job ran: there is no connection, or the database is locked.
    Begin,
    Job,
    Commit,
}

struct Failure {
    error: StoreError,
    place: Place,
    /// The connection broke, too.
    lost: bool,
}

impl Failure {
    fn is_everybodys(&self) -> bool {
        // Whether a commit that broke off was kept cannot be known, so its jobs must not run again.
        self.place == Place::Begin || (self.place == Place::Commit && self.lost)
    }
}

/// The writer's connection, made again when it breaks.
struct Line {
    dialect: Dialect,
    url: String,
    connection: Option<AnyConnection>,
    reserve: Arc<Reserve>,
    /// When the reserve was last tried.
    tried: Option<Instant>,
}

impl Line {
    async fn connect(&mut self) -> Result<()> {
        let opening = async {
            let mut connection = AnyConnection::connect(&self.url).await?;
            self.dialect.settle(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        };
        let opened = tokio::time::timeout(CONNECT, opening).await;
        self.connection = Some(opened.map_err(|_| StoreError::Busy("it does not answer".into()))??);
        Ok(())
    }

    /// Keep the reserve again, if it was given up and there is room now. Under load, too, but not at every job.
    fn renew(&mut self) {
        let is_due = self.tried.is_none_or(|tried| tried.elapsed() >= RENEW);
        if self.reserve.is_given_up() && is_due {
            self.reserve.renew();
            self.tried = Some(Instant::now());
        }
    }

    /// One job in a transaction of its own, again when another process got in its way.
    async fn run_alone(&mut self, job: &mut Box<dyn Job>) -> Result<()> {
        for attempt in 1.. {
            match self.run(std::slice::from_mut(job)).await {
                Ok(()) => return Ok(()),
                Err(Failure { error: StoreError::Busy(_), place, lost })
                    if attempt < TRIES && self.dialect.is_shared() && (!lost || place == Place::Job) =>
                {
                    // Two that clashed must not clash again, so their pauses differ and grow. At most 1.5 s together.
                    let longest = (8_u64 << attempt).min(400);
                    let random = u64::from(uuid::Uuid::now_v7().as_bytes()[15]);
                    let pause = Duration::from_millis(longest * random / 255);
                    tokio::time::sleep(pause).await;
                }
                // The room that was given up is for this one, too.
                Err(failure) if attempt == 1 && self.reserve.give_up(&failure.error) => {}
                Err(failure) => return Err(failure.error),
            }
        }
        Ok(())
    }

    /// All jobs in one transaction, on a new connection where the old one is gone.
    async fn run(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let fresh = self.connection.is_none();
        match self.run_once(jobs).await {
            // A connection that broke while nobody used it shows only now; nothing has run yet.
            Err(Failure { place: Place::Begin, lost: true, .. }) if !fresh => self.run_once(jobs).await,
            outcome => outcome,
        }
    }

    async fn run_once(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        if self.connection.is_none()
            && let Err(error) = self.connect().await
        {
            return Err(Failure { error, place: Place::Begin, lost: true });
        }
        let Some(mut connection) = self.connection.take() else {
            return Err(Failure { error: StoreError::Busy("no connection".into()), place: Place::Begin, lost: true });
        };
        let place = Cell::new(Place::Begin);
        let work = run_together(self.dialect, &self.reserve, &mut connection, jobs, &place);
        let outcome = match self.dialect.is_shared() {
            // A server that vanished without a word would be waited for until the network gives up.
            true => tokio::time::timeout(ANSWER, work)
                .await
                .unwrap_or_else(|_| Err((StoreError::Busy("it does not answer".into()), true))),
            false => work.await,
        };
        match outcome {
            Ok(()) => {
                self.connection = Some(connection);
                Ok(())
            }
            Err((error, lost)) => {
                if !lost {
                    self.connection = Some(connection);
                }
                let error = match (place.get(), lost) {
                    (Place::Commit, true) => StoreError::Busy(
                        "it went away in the middle of a write; whether it was kept is not known".into(),
                    ),
                    _ => error,
                };
                Err(Failure { error, place: place.get(), lost })
            }
        }
    }
}

/// The error, and whether the connection is of no more use.
async fn run_together(
    dialect: Dialect,
    reserve: &Reserve,
    connection: &mut AnyConnection,
    jobs: &mut [Box<dyn Job>],
    place: &Cell<Place>,
) -> Result<(), (StoreError, bool)> {
    if let Err(error) = connection.execute(dialect.begin()).await {
        return Err((error.into(), dialect.is_shared()));
    }
    place.set(Place::Job);
    for job in jobs.iter_mut() {
        let tx = Tx { connection, dialect, reserve };
        if let Err(error) = job.run(tx).await {
            let undone = connection.execute(dialect.sql("ROLLBACK")).await;
            return Err((error, dialect.is_shared() && undone.is_err()));
        }
    }
    place.set(Place::Commit);
    if let Err(error) = connection.execute(dialect.sql("COMMIT")).await {
        let undone = connection.execute(dialect.sql("ROLLBACK")).await;
        return Err((error.into(), dialect.is_shared() && undone.is_err()));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::print_stdout)]
mod tests {
    use super::*;
    use crate::row::Columns;
    use futures_util::future::join_all;

    /// The number after the last one: what two processes compute alike, and one of them writes.
    async fn next_of_audit(store: &Store) -> Result<i64> {
        store
            .write(async |tx: &mut Tx<'_>| {
                let row = tx.first("SELECT CAST(COALESCE(MAX(seq), 0) AS BIGINT) AS last FROM audit", &[]).await?;
                let next = row.map_or(Ok(0), |row| row.int("last"))? + 1;
                let sql =
                    "INSERT INTO audit (seq, at_ms, kind, subject, detail, hash) VALUES (?, 1, 'test', '', '', '')";
                tx.run(sql, &[next.into()]).await?;
                Ok(next)
            })
            .await
    }

    #[tokio::test]
    async fn a_number_that_another_process_took_meanwhile_is_computed_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut addresses = vec![format!("sqlite://{}/majordomo.db", folder.path().display())];
        Store::open(&addresses[0]).await.unwrap().close().await;
        let servers = std::env::var("MAJORDOMO_TEST_STORES").unwrap_or_default();
        if servers.trim().is_empty() {
            println!("SKIPPED PostgreSQL and MariaDB: MAJORDOMO_TEST_STORES names none");
        }
        for server in servers.split_whitespace() {
            let name = format!("majordomo_{}", uuid::Uuid::now_v7().simple());
            let mut connection = AnyConnection::connect(server).await.unwrap();
            connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
            addresses.push(format!("{}/{name}", server.rsplit_once('/').unwrap().0));
        }
        for address in addresses {
            let stores = join_all((0..4).map(|_| Store::open(&address))).await;
            let stores: Vec<Store> = stores.into_iter().collect::<Result<_>>().unwrap();
            let all = stores.iter().map(async |store| {
                for _ in 0..10 {
                    next_of_audit(store).await.unwrap();
                }
            });
            join_all(all).await;
            assert_eq!(next_of_audit(&stores[0]).await.unwrap(), 41, "no number is lost or given twice");
            for store in &stores {
                store.close().await;
            }
        }
    }
}

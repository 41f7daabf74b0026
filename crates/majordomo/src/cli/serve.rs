//! `majordomo serve` and `majordomo demo`: the service from start to a clean stop.

use super::{Common, Serve, first_admin, load, now_ms, open_store, print, with_secrets};
use crate::{
    config::{self, Loaded},
    lock, telemetry,
    wire::{self, House},
};
use anyhow::Context;
use axum::{body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use majordomo_domain::{Standing, fault_point};
use std::{
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

/// Whose settings the service runs with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    AsConfigured,
    /// None at all: stand-ins for everything, in a folder that is removed at the end.
    Demo,
}

/// How long a sign-in link is good for.
pub const LINK_VALID: Duration = Duration::from_secs(15 * 60);
/// How long turns that run may go on after the signal to stop. The rest is taken up by the next start.
const DRAIN: Duration = Duration::from_secs(20);
/// How long open connections are waited for after that.
const LAST_BYTES: Duration = Duration::from_secs(2);
/// Connections at the same time. Beyond it callers wait to be let in.
const CONNECTIONS: usize = 20_000;
/// How long a caller may take to send the head of a request.
const HEAD: Duration = Duration::from_secs(20);

pub async fn serve(common: &Common, options: &Serve, mode: Mode, begun: Instant) -> anyhow::Result<ExitCode> {
    let environment = config::process_environment();
    if let (Mode::Demo, Some(file)) = (mode, &common.config) {
        anyhow::bail!(
            "majordomo demo takes no settings; write demo = \"on\" into {file} and run `majordomo serve --config {file}`",
            file = file.display()
        );
    }
    let scratch = (mode == Mode::Demo).then(Scratch::new).transpose()?;
    let mut loaded = match &scratch {
        None => load(common)?,
        Some(scratch) => {
            let mut loaded = config::read(None, &config::Environment::new())?;
            loaded.config.data = common.data.clone().unwrap_or_else(|| scratch.0.clone());
            // A demo is looked at for minutes and at whatever hour: its news come at once.
            let news = &mut loaded.config.news;
            news.gather_seconds = 2;
            news.quiet_from.clear();
            news.quiet_to.clear();
            loaded
        }
    };
    if let Some(listen) = options.listen {
        loaded.config.server.listen = listen;
    }
    let telemetry = telemetry::start(&loaded.config.log, &loaded.config.telemetry, &environment)?;
    telemetry.hide(loaded.hidden(&environment));
    let metrics = telemetry::metrics()?;
    let mut stop = StopSignal::new()?;

    let store_url = loaded.config.store_url();
    let lock = lock::take(&store_url, &loaded.config.data)?;
    let store = open_store(&loaded).await?;
    store.keep_reserve();
    loaded = with_secrets(loaded, &store, &telemetry).await?;
    refuse_strangers(&mut loaded, &store).await?;
    let admin = first_admin(&store).await?;

    let listen = loaded.config.server.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let mut server = loaded.config.server.clone();
    server.listen = listener.local_addr()?;
    let house = wire::build(&mut loaded, store.clone(), &lock.owner).await?;
    let stopping = CancellationToken::new();
    let rendering = metrics.clone();
    let router = wire::web(&house, server.clone(), Arc::new(move || rendering.render()), stopping.clone());
    let closing = CancellationToken::new();
    let connections = Connections::new(router, closing.clone());
    let accepting = tokio::spawn(connections.clone().accept(listener));
    tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_secs(5));
        loop {
            every.tick().await;
            metrics.run_upkeep();
        }
    });

    let milliseconds = begun.elapsed().as_millis();
    tracing::info!(address = %server.listen, version = env!("CARGO_PKG_VERSION"), "ready in {milliseconds} ms");
    report(&house, &loaded);
    print(&format!("Majordomo is at {}", server.base_url()))?;
    if options.link || !store.anybody_signed_in().await? {
        let link = majordomo_web::login_link(&store, &server, admin.id, now_ms(), LINK_VALID).await?;
        print(&format!("Sign in, once, within {} minutes: {}", LINK_VALID.as_secs() / 60, link.url))?;
    }
    if let Some(path) = &options.ready_file {
        std::fs::write(path, format!("{}\n", server.base_url()))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }

    // The demo's household is gone in the end, with everything in its folder.
    let backups = (mode == Mode::AsConfigured).then(|| tokio::spawn(super::backup::keep_making(loaded.config.clone())));

    stop.received().await;
    fault_point!("stop.rx");
    tracing::info!(turns = house.engine.running_turns(), "stopping; a second signal stops at once");
    let drained = async {
        // From here on the service says that it is not ready, but still answers.
        stopping.cancel();
        house.engine.stop(DRAIN).await;
        closing.cancel();
        accepting.abort();
        if let Some(backups) = &backups {
            backups.abort();
        }
        connections.close(LAST_BYTES).await;
        store.close().await;
    };
    tokio::select! {
        () = drained => {
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
        () = stop.received() => {
            tracing::warn!("stopped at once; what was running is taken up by the next start");
            Ok(ExitCode::from(130))
        }
    }
}

/// Nobody but this machine may reach a house that has no admin: whoever came first would own it.
async fn refuse_strangers(loaded: &mut Loaded, store: &majordomo_store::Store) -> anyhow::Result<()> {
    let listen = loaded.config.server.listen;
    if listen.ip().is_loopback() {
        return Ok(());
    }
    let has_admin = store.people().await?.iter().any(|person| person.standing == Standing::Admin);
    if has_admin {
        return Ok(());
    }
    Err(loaded.refuse(
        "server.listen",
        format!(
            "listen: {listen} can be reached from outside, and there is no admin yet; start once on 127.0.0.1, or run \
             `majordomo person add NAME --standing admin` first"
        ),
    ))
}

/// What runs, what is a stand-in, what is off.
fn report(house: &House, loaded: &Loaded) {
    let toolkits: Vec<&str> = house.engine.toolkits().iter().map(|toolkit| toolkit.name).collect();
    let settings = loaded.file.as_ref().map_or_else(|| "defaults".to_owned(), |file| file.display().to_string());
    tracing::info!(settings, toolkits = toolkits.join(" "), "on");
    for part in &house.demo {
        tracing::info!(part, "a stand-in of the demo household");
    }
    for (part, reason) in &house.off {
        tracing::info!(part, reason, "off");
    }
}

/// SIGTERM and SIGINT.
struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
    /// Heard and not acted on: a limit on the size of files is a disk without room, not the end of the process.
    _file_too_large: Signal,
}

/// `SIGXFSZ` on Linux.
const FILE_TOO_LARGE: i32 = 25;

impl StopSignal {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            _file_too_large: listen(SignalKind::from_raw(FILE_TOO_LARGE))?,
        })
    }

    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Every open connection, so that they can be ended together.
#[derive(Clone)]
struct Connections {
    router: axum::Router,
    /// Cancelled when no further request of a connection is answered.
    closing: CancellationToken,
    tasks: TaskTracker,
    places: Arc<Semaphore>,
}

impl Connections {
    fn new(router: axum::Router, closing: CancellationToken) -> Self {
        Self { router, closing, tasks: TaskTracker::new(), places: Arc::new(Semaphore::new(CONNECTIONS)) }
    }

    async fn accept(self, listener: TcpListener) {
        loop {
            let Ok(place) = self.places.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let connections = self.clone();
                    self.tasks.spawn(async move {
                        connections.talk(stream, peer).await;
                        drop(place);
                    });
                }
                // Out of file handles, mostly: others will end.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    async fn talk(&self, stream: TcpStream, peer: SocketAddr) {
        // Pieces of an answer are small; they must not wait for one another.
        let _ = stream.set_nodelay(true);
        let router = self.router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().call(request.map(Body::new))
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(stream), service);
        tokio::pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.closing.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }

    async fn close(&self, within: Duration) {
        self.tasks.close();
        let _ = tokio::time::timeout(within, self.tasks.wait()).await;
    }
}

/// A data folder that goes with the process.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("majordomo-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

//! The outside world on loopback: stand-ins for a language model, TMDb, TVmaze, Plex, Radarr and Sonarr.
//!
//! Knows how those services speak, and a small household of public-domain films and series. Serves the demo household,
//! the end-to-end tests, the crash runs and the benches. Never knows anything of the product: it can be asked by any
//! client of the real services. Start reading at [`Town`]; then [`model`] for scripts and the demo's rule-based model,
//! [`Fault`] for bad days.

mod clock;
#[cfg(feature = "databases")]
pub mod database;
mod facts;
mod fault;
mod household;
pub mod model;
mod plex;
pub mod proxy;
mod requests;
mod servarr;
mod server;
mod tmdb;
mod tvmaze;

pub use clock::Clock;
pub use fault::{Fault, Switch};
pub use model::{Mode, Pace};
pub use plex::{GUEST_TOKEN, Plex, Ways};
pub use requests::{Request, Violation};
pub use servarr::{DEFAULT, Dates, Fate, HealthIssue, Held, Offer, Pace as ServarrPace, Past, Sent, Servarr};

use household::disk::Disk;
use model::ModelStandIn;
use requests::Log;
use servarr::Kind;
use server::Switchboard;
use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The environment variable with the folder of published API descriptions.
pub const SPECS: &str = "MAJORDOMO_SPECS";

/// Which services to start, and how. Ports are 0 for a free one.
#[derive(Clone, Debug)]
pub struct Plan {
    model: Option<(u16, Mode)>,
    tmdb: Option<u16>,
    tvmaze: Option<u16>,
    plex: Option<PlexPlan>,
    servarrs: Vec<servarr::Wanted>,
    clock: Clock,
    log: bool,
    specs: Option<PathBuf>,
    model_key: Option<String>,
    tmdb_key: Option<String>,
}

/// Ports of the server and of the cloud, the only token the server takes, and how many made-up items it has.
#[derive(Clone, Debug, Default)]
struct PlexPlan {
    port: u16,
    cloud_port: u16,
    token: Option<String>,
    made_up: Option<u64>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            model: None,
            tmdb: None,
            tvmaze: None,
            plex: None,
            servarrs: Vec::new(),
            clock: Clock::real(),
            log: true,
            specs: std::env::var_os(SPECS).map(PathBuf::from),
            model_key: None,
            tmdb_key: None,
        }
    }
}

impl Plan {
    /// The model on a free port.
    pub fn model(self, mode: Mode) -> Self {
        self.model_at(0, mode)
    }

    pub fn model_at(mut self, port: u16, mode: Mode) -> Self {
        self.model = Some((port, mode));
        self
    }

    /// TMDb and its images on a free port.
    pub fn tmdb(self) -> Self {
        self.tmdb_at(0)
    }

    pub fn tmdb_at(mut self, port: u16) -> Self {
        self.tmdb = Some(port);
        self
    }

    pub fn tvmaze(self) -> Self {
        self.tvmaze_at(0)
    }

    pub fn tvmaze_at(mut self, port: u16) -> Self {
        self.tvmaze = Some(port);
        self
    }

    /// A Plex server over the household's disk, and the hosts behind plex.tv, on free ports.
    pub fn plex(self) -> Self {
        self.plex_at(0, 0)
    }

    pub fn plex_at(mut self, port: u16, cloud_port: u16) -> Self {
        self.plex = Some(PlexPlan { port, cloud_port, ..self.plex.unwrap_or_default() });
        self
    }

    /// The only token the Plex server takes beside the guest's. Any, but not none, by default.
    pub fn plex_token(mut self, token: impl Into<String>) -> Self {
        self.plex.get_or_insert_default().token = Some(token.into());
        self
    }

    /// The Plex library has so many made-up films and series in place of the household's.
    pub fn plex_items(mut self, count: u64) -> Self {
        self.plex.get_or_insert_default().made_up = Some(count);
        self
    }

    /// A Radarr on a free port. The one called `default` has the household's films; another name starts empty.
    pub fn radarr(self, name: &str) -> Self {
        self.radarr_at(name, 0, "")
    }

    /// `base` is the URL base, such as `/radarr`, or nothing.
    pub fn radarr_at(mut self, name: &str, port: u16, base: &str) -> Self {
        self.servarrs.push(servarr::Wanted::new(Kind::Radarr, name, port, base));
        self
    }

    /// A Sonarr on a free port. The one called `default` has the household's series; another name starts empty.
    pub fn sonarr(self, name: &str) -> Self {
        self.sonarr_at(name, 0, "")
    }

    /// `base` is the URL base, such as `/sonarr`, or nothing.
    pub fn sonarr_at(mut self, name: &str, port: u16, base: &str) -> Self {
        self.servarrs.push(servarr::Wanted::new(Kind::Sonarr, name, port, base));
        self
    }

    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Whether requests are recorded. On by default; off for benches.
    pub fn log(mut self, on: bool) -> Self {
        self.log = on;
        self
    }

    /// The folder of published API descriptions to check requests against. The environment's `MAJORDOMO_SPECS` by
    /// default; without either, compact tables are used.
    pub fn specs(mut self, folder: impl Into<PathBuf>) -> Self {
        self.specs = Some(folder.into());
        self
    }

    /// Compact tables only, whatever the environment says.
    pub fn without_specs(mut self) -> Self {
        self.specs = None;
        self
    }

    /// The only credential the model takes. Any or none by default.
    pub fn model_key(mut self, key: impl Into<String>) -> Self {
        self.model_key = Some(key.into());
        self
    }

    /// The only credential TMDb takes. Any, but not none, by default: the real service always wants one.
    pub fn tmdb_key(mut self, key: impl Into<String>) -> Self {
        self.tmdb_key = Some(key.into());
        self
    }

    /// Starts the services. Fails when a given port is taken.
    pub async fn start(self) -> io::Result<Town> {
        let stop = CancellationToken::new();
        let (log, board) = (Log::default(), Switchboard::default());
        log.switch(self.log);
        let specs = self.specs.as_deref();
        let pace = self.model.as_ref().map_or_else(Mode::default, |(_, mode)| mode.clone());
        let model = Arc::new(ModelStandIn::new(
            pace,
            self.model_key,
            facts::Facts::model(specs.filter(|_| self.model.is_some())),
        ));
        let mut town = Town {
            model: Arc::clone(&model),
            model_address: None,
            tmdb_address: None,
            tvmaze_address: None,
            plex: None,
            plex_address: None,
            plex_cloud_address: None,
            servarrs: Vec::new(),
            clock: self.clock.clone(),
            log: log.clone(),
            board: board.clone(),
            _stop: stop.clone().drop_guard(),
        };
        if let Some((port, _)) = self.model {
            town.model_address = Some(server::open(model, port, board.clone(), log.clone(), stop.clone()).await?);
        }
        if let Some(port) = self.tmdb {
            let tmdb = tmdb::Tmdb::new(self.clock.clone(), self.tmdb_key, facts::Facts::tmdb(specs));
            let opened = server::open(Arc::new(tmdb), port, board.clone(), log.clone(), stop.clone()).await?;
            town.tmdb_address = Some(opened);
        }
        let disk = Disk::household(self.clock.now().as_millisecond());
        if let Some(plan) = self.plex {
            let plex = plex::Plex::new(self.clock.clone(), disk.clone(), plan.token, plan.made_up);
            let door = Arc::new(plex.clone());
            let address = server::open(door, plan.port, board.clone(), log.clone(), stop.clone()).await?;
            let cloud = Arc::new(plex::PlexCloud::new(plex.clone(), format!("http://{address}")));
            let opened = server::open(cloud, plan.cloud_port, board.clone(), log.clone(), stop.clone()).await?;
            (town.plex, town.plex_address, town.plex_cloud_address) = (Some(plex), Some(address), Some(opened));
        }
        let images = town.tmdb_address.map(|address| format!("http://{address}/t/p"));
        for wanted in &self.servarrs {
            let facts = match wanted.kind {
                Kind::Radarr => facts::Facts::radarr(specs, &wanted.base),
                Kind::Sonarr => facts::Facts::sonarr(specs, &wanted.base),
            };
            let instance = Servarr::new(wanted, self.clock.clone(), disk.clone(), images.clone(), facts);
            instance.tick(stop.child_token());
            let behind = Arc::new(servarr::Behind(Arc::clone(&instance)));
            let address = server::open(behind, wanted.port, board.clone(), log.clone(), stop.clone()).await?;
            let url = format!("http://{address}{}", wanted.base);
            town.servarrs.push(Instance { kind: wanted.kind, name: wanted.name.clone(), url, stand_in: instance });
        }
        if let Some(port) = self.tvmaze {
            let tvmaze = tvmaze::TvMaze::new(self.clock, images, facts::Facts::tvmaze(specs));
            town.tvmaze_address = Some(server::open(Arc::new(tvmaze), port, board, log, stop).await?);
        }
        Ok(town)
    }
}

/// The services that were started. They stop when it is dropped.
pub struct Town {
    model: Arc<ModelStandIn>,
    model_address: Option<SocketAddr>,
    tmdb_address: Option<SocketAddr>,
    tvmaze_address: Option<SocketAddr>,
    plex: Option<Plex>,
    plex_address: Option<SocketAddr>,
    plex_cloud_address: Option<SocketAddr>,
    servarrs: Vec<Instance>,
    clock: Clock,
    log: Log,
    board: Switchboard,
    _stop: DropGuard,
}

struct Instance {
    kind: Kind,
    name: String,
    url: String,
    stand_in: Arc<Servarr>,
}

impl Town {
    pub fn plan() -> Plan {
        Plan::default()
    }

    /// The demo household: the rule-based model, TMDb, TVmaze, Radarr and Sonarr on free ports.
    pub async fn demo() -> io::Result<Town> {
        Self::plan().model(Mode::demo()).tmdb().tvmaze().radarr(DEFAULT).sonarr(DEFAULT).start().await
    }

    /// Such as `http://127.0.0.1:4001/v1`. Empty when the model was not started; so are the others.
    pub fn model_url(&self) -> String {
        self.model_address.map_or_else(String::new, |address| format!("http://{address}/v1"))
    }

    /// Such as `http://127.0.0.1:4002/3`.
    pub fn tmdb_url(&self) -> String {
        self.tmdb_address.map_or_else(String::new, |address| format!("http://{address}/3"))
    }

    /// Such as `http://127.0.0.1:4002/t/p`; a size and a file name follow.
    pub fn tmdb_image_url(&self) -> String {
        self.tmdb_address.map_or_else(String::new, |address| format!("http://{address}/t/p"))
    }

    /// Such as `http://127.0.0.1:4003`.
    pub fn tvmaze_url(&self) -> String {
        self.tvmaze_address.map_or_else(String::new, |address| format!("http://{address}"))
    }

    /// Such as `http://127.0.0.1:4004`.
    pub fn plex_url(&self) -> String {
        self.plex_address.map_or_else(String::new, |address| format!("http://{address}"))
    }

    /// One of the hosts behind plex.tv: `discover`, `metadata`, `tv` or `clients`.
    pub fn plex_cloud_url(&self, host: &str) -> String {
        self.plex_cloud_address.map_or_else(String::new, |address| format!("http://{address}/{host}"))
    }

    /// The Plex server, for its switches.
    ///
    /// # Panics
    ///
    /// When it was not started.
    #[allow(clippy::expect_used, reason = "a test that forgot to start it shall hear so")]
    pub fn plex(&self) -> &Plex {
        self.plex.as_ref().expect("the plan has a Plex server")
    }

    /// Such as `http://127.0.0.1:4006`, with its URL base. Empty when there is none of this name.
    pub fn radarr_url(&self, name: &str) -> String {
        self.instance(Kind::Radarr, name).map_or_else(String::new, |instance| instance.url.clone())
    }

    pub fn sonarr_url(&self, name: &str) -> String {
        self.instance(Kind::Sonarr, name).map_or_else(String::new, |instance| instance.url.clone())
    }

    fn instance(&self, kind: Kind, name: &str) -> Option<&Instance> {
        self.servarrs.iter().find(|instance| instance.kind == kind && instance.name == name)
    }

    /// A Radarr, for its key and what it plays.
    ///
    /// # Panics
    ///
    /// When it was not started.
    #[allow(clippy::expect_used, reason = "a test that forgot to start it shall hear so")]
    pub fn radarr(&self, name: &str) -> &Servarr {
        &self.instance(Kind::Radarr, name).expect("the plan has a Radarr of this name").stand_in
    }

    /// A Sonarr, for its key and what it plays.
    ///
    /// # Panics
    ///
    /// When it was not started.
    #[allow(clippy::expect_used, reason = "a test that forgot to start it shall hear so")]
    pub fn sonarr(&self, name: &str) -> &Servarr {
        &self.instance(Kind::Sonarr, name).expect("the plan has a Sonarr of this name").stand_in
    }

    /// Name in the request log, address and key of every Radarr and Sonarr.
    pub fn servarrs(&self) -> Vec<(String, &str, &str)> {
        self.servarrs.iter().map(|one| (one.kind.service(&one.name), one.url.as_str(), one.stand_in.key())).collect()
    }

    /// In every Radarr and Sonarr: what the clock made due happens, and has been told when this returns.
    pub async fn settle(&self) {
        for instance in &self.servarrs {
            instance.stand_in.settle().await;
        }
    }

    /// In every Radarr and Sonarr: the next thing under way happens now. False when nothing is.
    pub async fn step(&self) -> bool {
        let mut moved = false;
        for instance in &self.servarrs {
            moved |= instance.stand_in.step().await;
        }
        moved
    }

    /// The model, for its scripts and gates.
    pub fn model(&self) -> &ModelStandIn {
        &self.model
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What was asked, oldest first, the newest 10,000.
    pub fn requests(&self) -> Vec<Request> {
        self.log.requests()
    }

    /// What was asked of one service: `model`, `tmdb`, `tmdb_images`, `tvmaze`, `plex`, `plex_cloud`, `radarr`,
    /// `sonarr`, or for an instance not called `default` its name behind it, such as `radarr:4k`.
    pub fn requests_to(&self, service: &str) -> Vec<Request> {
        self.log.requests().into_iter().filter(|request| request.service == service).collect()
    }

    /// Waits until a service was asked `count` times since the log was cleared. False when `at_most` passed first.
    pub async fn asked(&self, service: &str, count: usize, at_most: Duration) -> bool {
        self.log.reached(service, count, at_most).await
    }

    /// Requests the real services would not have understood. A test ends with this being empty.
    pub fn violations(&self) -> Vec<Violation> {
        self.log.violations()
    }

    /// Forgets requests and violations.
    pub fn forget(&self) {
        self.log.clear();
    }

    pub fn record(&self, on: bool) {
        self.log.switch(on);
    }

    /// From now on every request to `service` (named as for [`Town::requests_to`]) meets this fault. An unknown name does nothing.
    pub async fn fault(&self, service: &str, fault: Fault) {
        self.switch(Switch { fault: Some(fault), times: None, path: None, service: Some(service.to_owned()) }).await;
    }

    /// The next `times` requests only.
    pub async fn fault_times(&self, service: &str, fault: Fault, times: u32) {
        self.switch(Switch { fault: Some(fault), times: Some(times), path: None, service: Some(service.to_owned()) })
            .await;
    }

    /// Lifts the fault of a service.
    pub async fn mend(&self, service: &str) {
        self.switch(Switch { fault: None, times: None, path: None, service: Some(service.to_owned()) }).await;
    }

    /// Every choice at once; `service` must be given.
    pub async fn switch(&self, switch: Switch) {
        let faults = switch.service.as_deref().and_then(|service| self.board.of(service));
        if let Some(faults) = faults {
            faults.switch(switch).await;
        }
    }
}

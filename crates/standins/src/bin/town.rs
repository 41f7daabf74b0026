//! Runs the stand-ins by hand or for a bench: prints their addresses, one a line, with the key behind it where only one is
//! taken, and serves until it is interrupted.

#![allow(clippy::print_stdout, reason = "the addresses are what this program is asked for")]

use clap::{Parser, ValueEnum};
use majordomo_standins::{DEFAULT, Mode, Pace, Plan, Town, proxy::Proxy};
use std::{io, path::PathBuf, time::Duration};

/// Stand-ins of a language model, TMDb, TVmaze, Plex, Radarr and Sonarr on loopback.
#[derive(Parser)]
#[command(name = "majordomo-standins", version)]
struct Arguments {
    /// Port of the model; 0 for a free one.
    #[arg(long)]
    model_port: Option<u16>,
    /// Port of TMDb and its images; 0 for a free one.
    #[arg(long)]
    tmdb_port: Option<u16>,
    /// Port of TVmaze; 0 for a free one.
    #[arg(long)]
    tvmaze_port: Option<u16>,
    /// Port of Plex; 0 for a free one. The hosts behind plex.tv are on a free one beside it.
    #[arg(long)]
    plex_port: Option<u16>,
    /// Made-up films and series in place of the household's library.
    #[arg(long, requires = "plex_port")]
    plex_items: Option<u64>,
    /// Port of Radarr; 0 for a free one.
    #[arg(long)]
    radarr_port: Option<u16>,
    /// URL base of Radarr, such as `/radarr`.
    #[arg(long, default_value = "")]
    radarr_base: String,
    /// Port of Sonarr; 0 for a free one.
    #[arg(long)]
    sonarr_port: Option<u16>,
    /// URL base of Sonarr, such as `/sonarr`.
    #[arg(long, default_value = "")]
    sonarr_base: String,
    /// Names of further Radarrs and Sonarrs with nothing in them, such as `4k`, on free ports.
    #[arg(long)]
    also: Vec<String>,
    /// Port of a bare streaming proxy in front of the model; 0 for a free one.
    #[arg(long, requires = "model_port")]
    proxy_port: Option<u16>,
    /// What the model says when no script was posted.
    #[arg(long, value_enum, default_value_t = Says::Demo)]
    mode: Says,
    /// Wait before the first token. 120 in demo mode, 0 in fast mode by default.
    #[arg(long)]
    first_token_ms: Option<u64>,
    /// Wait between tokens. 15 in demo mode, 0 in fast mode by default.
    #[arg(long)]
    between_ms: Option<u64>,
    /// Record no requests.
    #[arg(long)]
    no_log: bool,
    /// Folder of published API descriptions to check requests against.
    #[arg(long)]
    specs: Option<PathBuf>,
    /// Threads that serve.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Says {
    /// One fixed answer.
    Fast,
    /// The demo household's rule-based model.
    Demo,
}

impl Arguments {
    fn mode(&self) -> Mode {
        let wait = |given: Option<u64>, default: u64| Duration::from_millis(given.unwrap_or(default));
        match self.mode {
            Says::Fast => {
                Mode::fixed(Pace { first_token: wait(self.first_token_ms, 0), between: wait(self.between_ms, 0) })
            }
            Says::Demo => Mode::Demo {
                pace: Pace { first_token: wait(self.first_token_ms, 120), between: wait(self.between_ms, 15) },
            },
        }
    }

    /// Everything on free ports when no port is named.
    fn plan(&self) -> Plan {
        let mut plan = Town::plan().log(!self.no_log);
        let named =
            [self.model_port, self.tmdb_port, self.tvmaze_port, self.plex_port, self.radarr_port, self.sonarr_port];
        let all = named.iter().all(Option::is_none);
        if let Some(port) = self.model_port.or(all.then_some(0)) {
            plan = plan.model_at(port, self.mode());
        }
        if let Some(port) = self.tmdb_port.or(all.then_some(0)) {
            plan = plan.tmdb_at(port);
        }
        if let Some(port) = self.tvmaze_port.or(all.then_some(0)) {
            plan = plan.tvmaze_at(port);
        }
        if let Some(port) = self.plex_port.or(all.then_some(0)) {
            plan = plan.plex_at(port, 0);
        }
        if let Some(count) = self.plex_items {
            plan = plan.plex_items(count);
        }
        if let Some(port) = self.radarr_port.or(all.then_some(0)) {
            plan = plan.radarr_at(DEFAULT, port, &self.radarr_base);
        }
        if let Some(port) = self.sonarr_port.or(all.then_some(0)) {
            plan = plan.sonarr_at(DEFAULT, port, &self.sonarr_base);
        }
        for name in &self.also {
            plan = plan.radarr(name).sonarr(name);
        }
        match &self.specs {
            Some(folder) => plan.specs(folder),
            None => plan,
        }
    }
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(arguments.threads.max(1)).enable_all().build()?;
    runtime.block_on(async {
        let town = arguments.plan().start().await?;
        let proxy = match arguments.proxy_port {
            Some(port) => Some(Proxy::start(port, town.model_url().trim_end_matches("/v1")).await?),
            None => None,
        };
        let addresses = [
            ("model", town.model_url()),
            ("tmdb", town.tmdb_url()),
            ("tmdb_images", town.tmdb_image_url()),
            ("tvmaze", town.tvmaze_url()),
            ("plex", town.plex_url()),
            ("plex_discover", town.plex_cloud_url("discover")),
            ("plex_metadata", town.plex_cloud_url("metadata")),
            ("plex_tv", town.plex_cloud_url("tv")),
            ("plex_clients", town.plex_cloud_url("clients")),
            ("proxy", proxy.as_ref().map_or_else(String::new, |proxy| format!("{}/v1", proxy.url()))),
        ];
        for (name, address) in addresses.iter().filter(|(_, address)| !address.is_empty()) {
            println!("{name} {address}");
        }
        for (name, address, key) in town.servarrs() {
            println!("{name} {address} {key}");
        }
        tokio::signal::ctrl_c().await
    })
}

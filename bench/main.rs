//! The published figures, measured on this machine: the real program, a model stand-in in a process of its own on the same cores,
//! and a bare streaming proxy in the same run as the floor. Prints a table and writes `bench/results.md`.
//!
//! `make bench` builds what is needed and runs it; `bench/run decisions` prints the figures of decisions alone, `bench/run tools` those of tools.

#![allow(clippy::print_stdout, reason = "figures are what this program is asked for")]

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt;
use majordomo_standins::{Fault, Mode, Town, model::Script};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

struct Row {
    figure: &'static str,
    target: &'static str,
    measured: String,
    met: bool,
}

/// A program of this run; it ends with the value.
struct Running {
    child: Child,
    address: String,
    key: String,
    folder: PathBuf,
    started: Duration,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

struct StandIns {
    child: Child,
    model: String,
    proxy: String,
}

impl Drop for StandIns {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let programs =
        std::env::args().nth(1).map(PathBuf::from).context("usage: majordomo-bench FOLDER_OF_PROGRAMS PROFILE")?;
    let profile = std::env::args().nth(2).unwrap_or_else(|| "fast".into());
    let only_decisions = std::env::args().nth(3).is_some_and(|part| part == "decisions");
    let mut rows = Vec::new();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().tcp_nodelay(true).pool_max_idle_per_host(256).build()?;

    if only_decisions {
        rows.extend(decisions(&programs, &client).await?);
        rows.push(cost_of_trust());
        println!("{}", table(&rows));
        return Ok(());
    }
    if std::env::args().nth(3).is_some_and(|part| part == "tools") {
        rows.extend(prices(&programs, &client).await?);
        rows.extend(with_tools(&programs, &client).await?);
        println!("{}", table(&rows));
        return Ok(());
    }
    if std::env::args().nth(3).is_some_and(|part| part == "plex") {
        println!("{}", table(&plex_index(&programs, &client).await?));
        return Ok(());
    }
    // First, while this process is small: the index's memory is measured in it.
    let plex = plex_index(&programs, &client).await?;
    let stand_ins = stand_ins(&programs)?;
    let mut house = start(&programs, "load", &settings(&stand_ins.model, None), &client).await?;
    rows.push(start_time(&programs, &mut house, &client).await?);
    tokio::time::sleep(Duration::from_secs(2)).await;
    rows.push(memory(&house, "resident memory idle, page and one agent", "≤ 40 MiB", 40.0)?);
    side_by_side(1_000, |lane, number| turn(&house, &client, &format!("c-{lane}-{number}"), false)).await?;
    rows.push(memory(&house, "resident memory after 1,000 conversations", "≤ 60 MiB", 60.0)?);
    rows.push(added_latency(&house, &stand_ins, &client).await?);
    rows.push(first_token(&house, &stand_ins, &client).await?);
    rows.extend(throughput(&house, &stand_ins, &client).await?);
    drop(house);
    drop(stand_ins);

    rows.extend(prices(&programs, &client).await?);
    rows.extend(with_tools(&programs, &client).await?);
    rows.extend(decisions(&programs, &client).await?);
    rows.push(cost_of_trust());
    rows.push(event_streams(&programs, &client).await?);
    rows.extend(plex);
    report(&rows, &profile)
}

fn settings(model: &str, town: Option<&Town>) -> String {
    let mut text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[log]\nlevel = \"warn\"\n[models.standin]\ndialect = \"chat_completions\"\n\
         base_url = \"{model}\"\napi_key = \"bench\"\nroles = {{ chat = \"fixed-answer\" }}\n\
         [engine]\nmax_waiting_per_conversation = 100\n[limits]\nmessages_per_minute = 0\n"
    );
    if let Some(town) = town {
        let _ = write!(
            text,
            "[tools.tmdb]\nbase_url = \"{}\"\nimage_base_url = \"{}\"\napi_key = \"{}\"\nhedge_after_ms = 0\n[tools.tvmaze]\nbase_url = \"{}\"\n",
            town.tmdb_url(),
            town.tmdb_image_url(),
            "0".repeat(32),
            town.tvmaze_url()
        );
    }
    text
}

/// The settings that name everything a town has, and documents.
fn settings_of_all(town: &Town, documents: &Path) -> String {
    let mut text = settings(&town.model_url(), Some(town));
    for (name, url, key) in [
        ("radarr", town.radarr_url("default"), town.radarr("default").key()),
        ("sonarr", town.sonarr_url("default"), town.sonarr("default").key()),
    ] {
        let _ = write!(
            text,
            "[tools.{name}.default]\nbase_url = \"{url}\"\napi_key = \"{key}\"\nquality_profile = \"HD-1080p\"\n"
        );
    }
    let _ = write!(
        text,
        "[tools.plex.default]\nbase_url = \"{}\"\ntoken = \"plex-token\"\n[tools.knowledge]\nfolder = {documents:?}\n",
        town.plex_url()
    );
    text.replace("fixed-answer", "demo-household")
}

fn stand_ins(programs: &Path) -> Result<StandIns> {
    let mut child = Command::new(programs.join("majordomo-standins"))
        .args(["--model-port", "0", "--proxy-port", "0", "--mode", "fast", "--no-log"])
        .stdout(Stdio::piped())
        .spawn()
        .context("the stand-ins do not start")?;
    let (mut model, mut proxy) = (String::new(), String::new());
    for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
        let line = line?;
        match line.split_once(' ') {
            Some(("model", address)) => model = address.to_owned(),
            Some(("proxy", address)) => proxy = address.to_owned(),
            _ => {}
        }
        if !model.is_empty() && !proxy.is_empty() {
            break;
        }
    }
    Ok(StandIns { child, model, proxy })
}

async fn start(programs: &Path, name: &str, settings: &str, client: &Client) -> Result<Running> {
    let folder = std::env::temp_dir().join(format!("majordomo-bench-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("majordomo.toml"), settings)?;
    let (child, address, started) = spawn(programs, &folder, client).await?;
    let made = Command::new(programs.join("majordomo"))
        .current_dir(&folder)
        .env_clear()
        .args(["key", "create", "bench", "--person", "Admin"])
        .output()?;
    let key = String::from_utf8(made.stdout)?.trim().to_owned();
    ensure!(key.starts_with("mdk_"), "no key: {}", String::from_utf8_lossy(&made.stderr));
    Ok(Running { child, address, key, folder, started })
}

/// Start the program; how long until `/readyz` says yes.
async fn spawn(programs: &Path, folder: &Path, client: &Client) -> Result<(Child, String, Duration)> {
    let ready = folder.join("ready");
    let _ = std::fs::remove_file(&ready);
    let begun = Instant::now();
    let child = Command::new(programs.join("majordomo"))
        .current_dir(folder)
        .env_clear()
        .args(["serve", "--ready-file"])
        .arg(&ready)
        .stdout(Stdio::null())
        .spawn()
        .context("majordomo does not start")?;
    loop {
        if let Ok(address) = std::fs::read_to_string(&ready)
            && address.ends_with('\n')
        {
            let address = address.trim().to_owned();
            ensure!(client.get(format!("{address}/readyz")).send().await?.status().is_success(), "not ready");
            return Ok((child, address, begun.elapsed()));
        }
        ensure!(begun.elapsed() < Duration::from_secs(20), "majordomo does not become ready");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn start_time(programs: &Path, house: &mut Running, client: &Client) -> Result<Row> {
    let mut times = Vec::new();
    for _ in 0..10 {
        house.child.kill()?;
        house.child.wait()?;
        let (child, address, took) = spawn(programs, &house.folder, client).await?;
        (house.child, house.address, house.started) = (child, address, took);
        times.push(took);
    }
    let p50 = percentile(&mut times, 50);
    let most = times.last().copied().unwrap_or_default();
    Ok(Row {
        figure: "start to `/readyz` with an existing database",
        target: "≤ 150 ms",
        measured: format!("{} (worst of 10: {})", ms(p50), ms(most)),
        met: p50 <= Duration::from_millis(150),
    })
}

fn memory(house: &Running, figure: &'static str, target: &'static str, most: f64) -> Result<Row> {
    let mib = resident_mib(house.child.id())?;
    Ok(Row { figure, target, measured: format!("{mib:.1} MiB"), met: mib <= most })
}

fn resident_mib(process: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// Processor time a process has used, in seconds. The kernel counts hundredths.
fn cpu_seconds(process: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat.rsplit_once(')').context("no stat")?.1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / 100.0)
}

fn turn(house: &Running, client: &Client, session: &str, stream: bool) -> RequestBuilder {
    client
        .post(format!("{}/api/v1/chat", house.address))
        .bearer_auth(&house.key)
        .json(&json!({"session_id": session, "message": "Tell me about Metropolis.", "stream": stream}))
}

fn direct(model: &str, client: &Client) -> RequestBuilder {
    client.post(format!("{model}/chat/completions")).bearer_auth("bench").json(&json!({
        "model": "fixed-answer", "stream": true, "messages": [{"role": "user", "content": "Tell me about Metropolis."}]
    }))
}

/// Send and read to the end; how long it took.
async fn whole(request: RequestBuilder) -> Result<Duration> {
    let begun = Instant::now();
    let response = request.send().await?;
    ensure!(response.status().is_success(), "{}: {}", response.status(), response.text().await?);
    let answer = response.bytes().await?;
    let took = begun.elapsed();
    // A figure is worth nothing when it counts something else than answers.
    ensure!(!answer.is_empty() && !answer.starts_with(b"{\"error"), "no answer: {}", String::from_utf8_lossy(&answer));
    Ok(took)
}

/// Send and read until a piece of the answer is there; how long it took. The rest is read, too.
async fn first_piece(request: RequestBuilder) -> Result<Duration> {
    let begun = Instant::now();
    let response = request.send().await?;
    ensure!(response.status().is_success(), "{}", response.status());
    let mut stream = response.bytes_stream();
    let (mut seen, mut first) = (Vec::new(), None);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        if first.is_none() {
            seen.extend_from_slice(&chunk);
            if String::from_utf8_lossy(&seen).contains("Metropolis") {
                first = Some(begun.elapsed());
            }
        }
    }
    first.context("no piece of the answer came")
}

async fn added_latency(house: &Running, stand_ins: &StandIns, client: &Client) -> Result<Row> {
    let (mut ours, mut alone) = (Vec::new(), Vec::new());
    for number in 0..550 {
        let session = format!("one-{}", number / 20);
        let took = whole(turn(house, client, &session, false)).await?;
        let model = whole(direct(&stand_ins.model, client)).await?;
        if number >= 50 {
            ours.push(took);
            alone.push(model);
        }
    }
    let model = percentile(&mut alone, 50);
    let (p50, p99) = (percentile(&mut ours, 50).saturating_sub(model), percentile(&mut ours, 99).saturating_sub(model));
    Ok(Row {
        figure: "added latency of a plain turn over the model's own time, one at a time",
        target: "p50 ≤ 3 ms, p99 ≤ 15 ms",
        measured: format!("p50 {}, p99 {} (the model alone: {})", ms(p50), ms(p99), ms(model)),
        met: p50 <= Duration::from_millis(3) && p99 <= Duration::from_millis(15),
    })
}

async fn first_token(house: &Running, stand_ins: &StandIns, client: &Client) -> Result<Row> {
    let (mut ours, mut alone) = (Vec::new(), Vec::new());
    for number in 0..330 {
        let session = format!("sse-{}", number / 20);
        let took = first_piece(turn(house, client, &session, true)).await?;
        let model = first_piece(direct(&stand_ins.model, client)).await?;
        if number >= 30 {
            ours.push(took);
            alone.push(model);
        }
    }
    let model = percentile(&mut alone, 50);
    let (p50, p99) = (percentile(&mut ours, 50).saturating_sub(model), percentile(&mut ours, 99).saturating_sub(model));
    Ok(Row {
        figure: "first token through SSE over talking to the model endpoint directly",
        target: "p50 ≤ 2 ms, no 40 ms stall",
        measured: format!("p50 {}, p99 {}", ms(p50), ms(p99)),
        met: p50 <= Duration::from_millis(2) && p99 < Duration::from_millis(40),
    })
}

/// Requests that run side by side.
const IN_FLIGHT: usize = 64;

async fn throughput(house: &Running, stand_ins: &StandIns, client: &Client) -> Result<Vec<Row>> {
    const TURNS: usize = 6_000;
    side_by_side(1_000, |lane, number| turn(house, client, &format!("w-{lane}-{}", number / 20), false)).await?;
    let before = cpu_seconds(house.child.id())?;
    let took =
        side_by_side(TURNS, |lane, number| turn(house, client, &format!("t-{lane}-{}", number / 20), false)).await?;
    let cpu = (cpu_seconds(house.child.id())? - before) / TURNS as f64 * 1_000.0;
    let rate = TURNS as f64 / took.as_secs_f64();
    side_by_side(1_000, |_, _| direct(&stand_ins.proxy, client)).await?;
    first_piece(direct(&stand_ins.proxy, client)).await.context("the proxy gives no answer")?;
    let proxy = TURNS as f64 / side_by_side(TURNS, |_, _| direct(&stand_ins.proxy, client)).await?.as_secs_f64();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(vec![
        Row {
            figure: "plain turns per second at 64 in flight, both rows durable, model stand-in on the same cores",
            target: "≥ 1,000 on 2 cores",
            measured: format!("{rate:.0} on {cores} cores (a bare streaming proxy in the same run: {proxy:.0})"),
            met: rate >= 1_000.0,
        },
        Row {
            figure: "CPU seconds per 1,000 plain turns",
            target: "≤ 1.0",
            measured: format!("{cpu:.2}"),
            met: cpu <= 1.0,
        },
    ])
}

async fn side_by_side(total: usize, request: impl Fn(usize, usize) -> RequestBuilder) -> Result<Duration> {
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let lanes = (0..IN_FLIGHT).map(|lane| {
        let (next, request) = (next.clone(), &request);
        async move {
            let mut number = 0;
            while next.fetch_add(1, Ordering::Relaxed) < total {
                whole(request(lane, number)).await?;
                number += 1;
            }
            anyhow::Ok(())
        }
    });
    futures_util::future::try_join_all(lanes).await?;
    Ok(begun.elapsed())
}

/// What a question costs in input tokens, as the model is sent them: bytes by four, tool schemas included. The largest request and
/// all of the turn.
async fn tokens_of(house: &Running, client: &Client, town: &Town, question: &str) -> Result<(usize, usize)> {
    town.forget();
    let asking = client.post(format!("{}/api/v1/chat", house.address)).bearer_auth(&house.key);
    whole(asking.json(&json!({"session_id": question, "message": question, "stream": false}))).await?;
    let asked = town.requests_to("model").into_iter().map(|request| request.body);
    let sizes: Vec<usize> =
        asked.map(|body| (body["messages"].to_string().len() + body["tools"].to_string().len()) / 4).collect();
    Ok((sizes.iter().copied().max().context("the model was not asked")?, sizes.iter().sum()))
}

/// The price of a question in a household where every tool is there.
async fn prices(programs: &Path, client: &Client) -> Result<Vec<Row>> {
    let plan = Town::plan().model(Mode::demo_at_once()).tmdb().tvmaze().plex().radarr("default").sonarr("default");
    let town = plan.without_specs().start().await?;
    let documents = std::env::temp_dir();
    let house = start(programs, "prices", &settings_of_all(&town, &documents), client).await?;
    let (hello, _) = tokens_of(&house, client, &town, "hello").await?;
    let mut told = Vec::new();
    let (mut most, mut trending) = (0, 0);
    for question in ["what's trending this week?", "where is my film Nosferatu?", "get me Häxan in 4K"] {
        let (largest, all) = tokens_of(&house, client, &town, question).await?;
        if told.is_empty() {
            trending = all;
        }
        most = most.max(largest);
        told.push(format!("“{question}” {largest}, {all} over its steps"));
    }
    Ok(vec![
        Row {
            figure: "input tokens for \"hello\" with every tool installed",
            target: "≤ 1,500",
            measured: format!("about {hello} (bytes by four, tool schemas included)"),
            met: hello <= 1_500,
        },
        Row {
            figure: "input tokens of a first media question: the largest request of each, the trending question with all its steps",
            target: "≤ 4,000",
            measured: format!("about {}", told.join("; ")),
            met: most.max(trending) <= 4_000,
        },
    ])
}

/// Figures that need tools: reads side by side, the trending question, the stable prefix.
async fn with_tools(programs: &Path, client: &Client) -> Result<Vec<Row>> {
    let town = Town::plan().model(Mode::instant()).tmdb().tvmaze().without_specs().start().await?;
    let house = start(programs, "tools", &settings(&town.model_url(), Some(&town)), client).await?;
    let mut rows = Vec::new();

    town.forget();
    for _ in 0..20 {
        whole(turn(&house, client, "prefix", false)).await?;
    }
    let asked: Vec<Value> = town.requests_to("model").into_iter().map(|request| request.body).collect();
    let stable = |body: &Value| (body["messages"][0].to_string(), body["tools"].to_string());
    let equal = asked.windows(2).filter(|pair| {
        let (before, after) = (pair[0]["messages"].as_array(), pair[1]["messages"].as_array());
        let grows = before.zip(after).is_some_and(|(before, after)| after.starts_with(before));
        grows && stable(&pair[0]) == stable(&pair[1])
    });
    let share = equal.count() * 100 / asked.len().saturating_sub(1).max(1);
    rows.push(Row {
        figure: "prefix equal byte for byte over 20 turns",
        target: "100 %",
        measured: format!("{share} %"),
        met: share == 100,
    });

    let mut times = Vec::new();
    for round in 1..=21_u64 {
        town.fault("tmdb", Fault::Slow { ms: 50 }).await;
        // A page nobody has asked for, so that no answer is remembered.
        town.model().script(Script::call("tmdb_trending", json!({"time_window": "week", "page": round})));
        town.model().script(Script::text("These are trending."));
        times.push(whole(turn(&house, client, &format!("trending-{round}"), false)).await?);
        town.mend("tmdb").await;
    }
    let p50 = percentile(&mut times, 50);
    rows.push(Row {
        figure: "the trending question, the model answering at once, TMDb after 50 ms",
        target: "≤ 80 ms",
        measured: format!("p50 {}, worst of 21: {}", ms(p50), ms(percentile(&mut times, 100))),
        met: p50 <= Duration::from_millis(80),
    });

    let mut times = Vec::new();
    for round in 0..12_u64 {
        // Tools that ask once whatever they find; every round asks something new, so that no answer is remembered.
        let tools = ["tmdb_search_people", "tmdb_search_keywords", "tmdb_search_collections", "tmdb_search_companies"];
        let calls = tools.map(|tool| (tool, json!({"query": format!("nobody {round}")})));
        town.fault("tmdb", Fault::Slow { ms: 100 }).await;
        town.model().script(Script::calls(calls));
        town.model().script(Script::text("done"));
        let took = whole(turn(&house, client, &format!("reads-{round}"), false)).await?;
        let model = whole(direct(&town.model_url(), client)).await?;
        town.mend("tmdb").await;
        times.push(took.saturating_sub(2 * model));
    }
    let p50 = percentile(&mut times, 50);
    rows.push(Row {
        figure: "four reads of 100 ms in one turn",
        target: "≤ 115 ms beyond the model",
        measured: format!("p50 {}", ms(p50)),
        met: p50 <= Duration::from_millis(115),
    });
    Ok(rows)
}

/// A question that waits for a yes, and the events of its conversation.
struct Pending {
    approval: String,
    events: Events,
}

/// From a click to what it did: one at a time, and right after a restart.
async fn decisions(programs: &Path, client: &Client) -> Result<Vec<Row>> {
    const DECISIONS: usize = 200;
    const RESTARTS: usize = 10;
    let town = Town::plan().model(Mode::instant()).without_specs().start().await?;
    let settings = settings(&town.model_url(), None);
    let mut house = start(programs, "decisions", &settings, client).await?;
    let (mut executed, mut told) = (Vec::new(), Vec::new());
    for number in 0..20 + DECISIONS {
        let mut pending = pending(&house, client, &town, number).await?;
        let begun = Instant::now();
        approve(&house, client, &pending.approval).await?;
        let (done, receipt) = pending.events.done(begun).await?;
        // The first ones warm up.
        if number >= 20 {
            executed.push(done);
            told.push(receipt);
        }
    }
    let mut after_restart = Vec::new();
    for number in 0..RESTARTS {
        let pending = pending(&house, client, &town, number).await?;
        house.child.kill()?;
        house.child.wait()?;
        let (child, address, _) = spawn(programs, &house.folder, client).await?;
        let ready = Instant::now();
        (house.child, house.address) = (child, address);
        let mut events = Events::of(&house, client, &pending.events.conversation).await?;
        approve(&house, client, &pending.approval).await?;
        after_restart.push(events.done(ready).await?.1);
    }
    let (p50, p95) = (percentile(&mut told, 50), percentile(&mut told, 95));
    let (executed_p95, worst) = (percentile(&mut executed, 95), percentile(&mut after_restart, 100));
    Ok(vec![
        Row {
            figure: "decision to execution: from the click to the receipt, 200 one at a time",
            target: "p95 ≤ 100 ms",
            measured: format!("p50 {}, p95 {} (carried out at p95 {})", ms(p50), ms(p95), ms(executed_p95)),
            met: p95 <= Duration::from_millis(100),
        },
        Row {
            figure: "the same for what waited over a kill, from ready",
            target: "≤ 1 s",
            measured: format!("worst of {RESTARTS}: {}", ms(worst)),
            met: worst <= Duration::from_secs(1),
        },
    ])
}

/// Ask for a change of the party, by turns a character more and one less, and wait until the question is over.
async fn pending(house: &Running, client: &Client, town: &Town, number: usize) -> Result<Pending> {
    let call = match number % 2 {
        0 => Script::call("party_add_character", json!({"name": "V", "role": "Solo"})),
        _ => Script::call("party_remove_character", json!({"name": "V"})),
    };
    town.model().script(call);
    town.model().script(Script::text("It waits for you."));
    town.model().script(Script::text("V is seen to."));
    let post = |path: &str, body: Value| {
        client.post(format!("{}{path}", house.address)).bearer_auth(&house.key).json(&body).send()
    };
    let made: Value = post("/api/conversations", json!({})).await?.error_for_status()?.json().await?;
    let conversation = made["id"].as_str().context("no conversation")?.to_owned();
    let mut events = Events::of(house, client, &conversation).await?;
    let path = format!("/api/conversations/{conversation}/messages");
    post(&path, json!({"text": "V wants something"})).await?.error_for_status()?;
    let mut approval = None;
    loop {
        let event = events.next().await?;
        match event["type"].as_str() {
            Some("approval_opened") => approval = event["approval"]["id"].as_str().map(str::to_owned),
            Some("turn_finished") => break,
            _ => {}
        }
    }
    Ok(Pending { approval: approval.context("no approval was opened")?, events })
}

async fn approve(house: &Running, client: &Client, approval: &str) -> Result<()> {
    let request = client.post(format!("{}/api/approvals/{approval}", house.address)).bearer_auth(&house.key);
    request.json(&json!({"decision": "approve"})).send().await?.error_for_status()?;
    Ok(())
}

/// What a watcher of a conversation sees.
struct Events {
    conversation: String,
    stream: futures_util::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>,
    rest: Vec<u8>,
}

impl Events {
    async fn of(house: &Running, client: &Client, conversation: &str) -> Result<Self> {
        let request = client.get(format!("{}/api/conversations/{conversation}/events", house.address));
        let response = request.bearer_auth(&house.key).send().await?.error_for_status()?;
        let stream = response.bytes_stream().map(|chunk| chunk.map(|bytes| bytes.to_vec())).boxed();
        Ok(Self { conversation: conversation.to_owned(), stream, rest: Vec::new() })
    }

    async fn next(&mut self) -> Result<Value> {
        loop {
            if let Some(end) = self.rest.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.rest.drain(..end + 2).collect();
                let block = String::from_utf8(block)?;
                if let Some(data) = block.lines().find_map(|line| line.strip_prefix("data:")) {
                    return Ok(serde_json::from_str(data)?);
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.stream.next()).await?;
            self.rest.extend(chunk.context("the stream ended")??);
        }
    }

    /// When it was carried out and when the receipt was seen, from a moment; the turn's end is waited for.
    async fn done(&mut self, begun: Instant) -> Result<(Duration, Duration)> {
        let (mut executed, mut receipt) = (None, None);
        loop {
            let event = self.next().await?;
            match event["type"].as_str() {
                Some("approval_changed") if event["approval"]["state"] == "executed" => {
                    executed = Some(begun.elapsed())
                }
                Some("noticed") if event["notice"]["kind"] == "receipt" => receipt = Some(begun.elapsed()),
                Some("turn_finished") => break,
                _ => {}
            }
        }
        executed.zip(receipt).context("it was not carried out")
    }
}

fn cost_of_trust() -> Row {
    let _ = majordomo_engine::cost_of_trust(1_000);
    let cost = majordomo_engine::cost_of_trust(10_000);
    Row {
        figure: "added cost of policy, labels and receipts: their code alone, in process, for a turn with 80 messages of history, four \
                 calls judged by 20 rules, one question and one receipt; their rows ride in commits a turn has anyway",
        target: "≤ 1 ms per turn",
        measured: format!("{:.3} ms (mean of 10,000)", cost.as_secs_f64() * 1_000.0),
        met: cost <= Duration::from_millis(1),
    }
}

async fn event_streams(programs: &Path, client: &Client) -> Result<Row> {
    const STREAMS: usize = 10_000;
    let town = Town::plan().model(Mode::instant()).without_specs().start().await?;
    let house = start(programs, "streams", &settings(&town.model_url(), None), client).await?;
    let mut ids = Vec::new();
    for _ in 0..100 {
        let request =
            client.post(format!("{}/api/conversations", house.address)).bearer_auth(&house.key).json(&json!({}));
        let made: Value = request.send().await?.json().await?;
        ids.push(made["id"].as_str().context("no conversation")?.to_owned());
    }
    let host = house.address.trim_start_matches("http://").to_owned();
    let mut open = Vec::with_capacity(STREAMS);
    for number in 0..STREAMS {
        let mut stream = TcpStream::connect(&host).await.context("a connection is refused; raise `ulimit -n`")?;
        let request = format!(
            "GET /api/conversations/{}/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nAccept: text/event-stream\r\n\r\n",
            ids[number % ids.len()],
            house.key
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = [0; 512];
        let length = stream.read(&mut head).await?;
        ensure!(head[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head[..length]));
        open.push(stream);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mib = resident_mib(house.child.id())?;
    drop(open);
    Ok(Row {
        figure: "10,000 idle event streams",
        target: "≤ 512 MiB",
        measured: format!("{mib:.0} MiB"),
        met: mib <= 512.0,
    })
}

/// The index of a Plex library of twenty thousand films and series: read whole over HTTP, looked at again with nothing new and after
/// a film was watched, and what it costs in memory.
async fn plex_index(programs: &Path, client: &Client) -> Result<Vec<Row>> {
    const ITEMS: usize = 20_000;
    let mut child = Command::new(programs.join("majordomo-standins"))
        .args(["--plex-port", "0", "--plex-items", &ITEMS.to_string(), "--no-log"])
        .stdout(Stdio::piped())
        .spawn()
        .context("the stand-ins do not start")?;
    let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    let address = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("plex ").map(str::to_owned));
    let rows = measured_index(&address.context("no address of Plex")?, ITEMS, client).await;
    let _ = child.kill();
    let _ = child.wait();
    rows
}

async fn measured_index(address: &str, items: usize, client: &Client) -> Result<Vec<Row>> {
    use majordomo_tools::plex::{Config, Plex, Server, index::Watched};
    let server =
        Server { base_url: Some(address.parse()?), token: majordomo_domain::Secret::new("bench"), ..Server::default() };
    let config = Config::from([("default".to_owned(), server)]);
    let plex = Plex::new(&config, &majordomo_upstream::Upstream::new(majordomo_upstream::Config::default())?, None);
    let own = std::process::id();
    let before = resident_mib(own)?;
    let begun = Instant::now();
    let library = plex.library(None).await?;
    let first = begun.elapsed();
    let whole = resident_mib(own)? - before;
    ensure!(library.len() == items, "the index has {} items", library.len());
    let film = library.all().next().context("no film")?.rating_key;
    drop(library);
    let mut unchanged = Vec::new();
    let mut watched = Vec::new();
    for _ in 0..10 {
        plex.library_is_stale();
        let begun = Instant::now();
        plex.library(None).await?;
        unchanged.push(begun.elapsed());
        for path in ["unscrobble", "scrobble"] {
            let query = format!("key={film}&identifier=com.plexapp.plugins.library");
            let asked =
                client.put(format!("{address}/:/{path}?{query}")).header("x-plex-token", "bench").send().await?;
            ensure!(asked.status().is_success(), "{path} was refused");
            plex.library_is_stale();
            let begun = Instant::now();
            let library = plex.library(None).await?;
            watched.push(begun.elapsed());
            let now = library.by_key(film).map(|have| have.watched);
            ensure!(path == "unscrobble" || now == Some(Watched::Yes), "the index does not see what was watched");
        }
    }
    let after = resident_mib(own)? - before;
    let (unchanged, changed) = (percentile(&mut unchanged, 50), percentile(&mut watched, 50));
    Ok(vec![
        Row {
            figure: "index of a Plex library of 20,000 titles: read whole",
            target: "≤ 3 s",
            measured: format!("{:.2} s", first.as_secs_f64()),
            met: first <= Duration::from_secs(3),
        },
        Row {
            figure: "the same looked at again, nothing new",
            target: "≤ 100 ms",
            measured: ms(unchanged),
            met: unchanged <= Duration::from_millis(100),
        },
        Row {
            figure: "the same after a film was watched or no longer",
            target: "≤ 100 ms",
            measured: ms(changed),
            met: changed <= Duration::from_millis(100),
        },
        Row {
            figure: "the same in memory, pages that were read included",
            target: "≤ 30 MiB",
            measured: format!("{whole:.1} MiB, {after:.1} MiB after 30 looks"),
            met: whole.max(after) <= 30.0,
        },
    ])
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1_000.0)
}

fn report(rows: &[Row], profile: &str) -> Result<()> {
    let machine = machine();
    let day = Command::new("date").args(["-u", "+%Y-%m-%d"]).output()?;
    let day = String::from_utf8(day.stdout)?.trim().to_owned();
    let text = format!(
        "# Figures as measured\n\nBy `make bench` on {day}, profile `{profile}`, version {}, on {machine}.\n\n{}\nNot measured here: \
         1,000 races of two deciders (`a_thousand_races_of_two_deciders_end_in_one_execution_each` in \
         `crates/engine/tests/turns/approvals.rs`) and the kills of [crash.md](crash.md).\n",
        env!("CARGO_PKG_VERSION"),
        table(rows)
    );
    std::fs::write("bench/results.md", &text)?;
    println!("{text}");
    Ok(())
}

fn table(rows: &[Row]) -> String {
    let mut text = "| Figure | Target | Measured | |\n| --- | --- | --- | --- |\n".to_owned();
    for row in rows {
        let mark = if row.met { "met" } else { "**missed**" };
        let _ = writeln!(text, "| {} | {} | {} | {mark} |", row.figure, row.target, row.measured);
    }
    text
}

fn machine() -> String {
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = information.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().trim_end_matches("kB").trim().parse().ok())
        .unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores of {}, {} GiB of memory", name.trim_start_matches([' ', '\t', ':']), kib / (1 << 20))
}

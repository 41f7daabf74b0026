//! A stage: the real program against stand-ins of the outside world, spoken to as anybody would, killed and started again.

use futures_util::StreamExt;
use majordomo_standins::{
    Mode, Plan, Town,
    database::{Kind, Server},
};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::Write,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_majordomo");
/// Nothing in these tests may take longer.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The signal a process ends with at a fault point.
const ABORTED: i32 = 6;

/// What a stage is set up with.
#[derive(Default)]
pub struct Setting {
    /// Lines of `majordomo.toml` beside those that name the stand-ins.
    pub settings: String,
    /// Variables of the first start.
    pub variables: Vec<(&'static str, String)>,
    pub mode: Option<Mode>,
    /// The database; SQLite in the stage's folder when absent.
    pub store_url: Option<String>,
    /// Radarr, Sonarr and Plex are there too.
    pub has_media: bool,
    /// A second Radarr, called `4k`.
    pub has_second_radarr: bool,
    /// A disk of this size for the data folder, such as `12m`. Needs the rights to mount; see [`can_mount`].
    pub disk: Option<&'static str>,
}

pub struct Stage {
    pub town: Town,
    /// Before the folder it is in.
    pub disk: Option<Disk>,
    pub folder: TempDir,
    pub address: String,
    pub key: String,
    pub client: Client,
    process: Option<Child>,
    starts: usize,
}

/// The settings that name the media services of a town, without waits and quiet hours.
fn media_of(town: &Town) -> String {
    let (radarr, sonarr) = (town.radarr("default"), town.sonarr("default"));
    format!(
        r#"
[tools.radarr.default]
base_url = "{}"
api_key = "{}"
quality_profile = "HD-1080p"
age_s = 0
[tools.sonarr.default]
base_url = "{}"
api_key = "{}"
quality_profile = "HD-1080p"
age_s = 0
[tools.plex.default]
base_url = "{}"
token = "plex-token"
age_s = 0
index_age_s = 0
[news]
gather_seconds = 0
quiet_from = ""
quiet_to = ""
look_seconds = 1
"#,
        town.radarr_url("default"),
        radarr.key(),
        town.sonarr_url("default"),
        sonarr.key(),
        town.plex_url(),
    )
}

/// Where the stand-ins run: they answer also while a test waits for a program to end.
fn outside() -> &'static Runtime {
    static OUTSIDE: OnceLock<Runtime> = OnceLock::new();
    OUTSIDE.get_or_init(|| Runtime::new().unwrap())
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(Setting::default()).await
    }

    pub async fn with(setting: Setting) -> Self {
        let mut plan: Plan = Town::plan().model(setting.mode.unwrap_or_else(Mode::demo_at_once)).tmdb().tvmaze();
        if setting.has_media {
            plan = plan.plex().radarr("default").sonarr("default");
        }
        if setting.has_second_radarr {
            plan = plan.radarr("4k");
        }
        let town = outside().spawn(plan.start()).await.unwrap().expect("the stand-ins start");
        let mut media = if setting.has_media { media_of(&town) } else { String::new() };
        if setting.has_second_radarr {
            let (url, key) = (town.radarr_url("4k"), town.radarr("4k").key());
            media.push_str(&format!(
                "[tools.radarr.4k]\nbase_url = \"{url}\"\napi_key = \"{key}\"\nquality_profile = \"HD-1080p\"\nage_s = 0\n"
            ));
        }
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            r#"
[server]
listen = "127.0.0.1:0"
[log]
format = "logfmt"
[models.standin]
dialect = "chat_completions"
base_url = "{model}"
api_key = "sk-canary-of-the-model"
roles = {{ chat = "demo-household" }}
[tools.tmdb]
base_url = "{tmdb}"
image_base_url = "{images}"
api_key = "0123456789abcdef0123456789abcdef"
[tools.tvmaze]
base_url = "{tvmaze}"
{media}
{more}
"#,
            model = town.model_url(),
            tmdb = town.tmdb_url(),
            images = town.tmdb_image_url(),
            tvmaze = town.tvmaze_url(),
            more = setting.settings,
        );
        let store = setting.store_url.map(|url| format!("[store]\nurl = \"{url}\"\n")).unwrap_or_default();
        let text = format!("{text}{store}");
        std::fs::write(folder.path().join("majordomo.toml"), text).unwrap();
        let disk = setting.disk.map(|size| Disk::mount(&folder.path().join("data"), size).expect("a small disk"));
        let _ = rustls::crypto::ring::default_provider().install_default();
        // The service closes a connection that was idle for a while; ours are given up before that.
        let idle = Duration::from_secs(5);
        let client = Client::builder().no_proxy().tcp_nodelay(true).pool_idle_timeout(idle).build().unwrap();
        let mut stage =
            Self { town, disk, folder, address: String::new(), key: String::new(), client, process: None, starts: 0 };
        stage.start(&[]).await;
        let made = stage.command(&["key", "create", "test", "--person", "Admin"]);
        assert!(made.status.success(), "{}", text_of(&made));
        stage.key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        if !setting.variables.is_empty() {
            stage.kill();
            stage.start(&setting.variables).await;
        }
        stage
    }

    /// Start the program and wait until it is ready.
    pub async fn start(&mut self, variables: &[(&str, String)]) {
        self.spawn(variables);
        if let Err(status) = self.ready().await {
            panic!("the program ended with {status}: {}", self.log());
        }
    }

    /// Start the program and do not wait.
    pub fn spawn(&mut self, variables: &[(&str, String)]) {
        self.starts += 1;
        let ready = self.ready_file();
        let log = std::fs::File::create(self.log_path(self.starts)).unwrap();
        let child = program(self.folder.path())
            .args(["serve", "--ready-file"])
            .arg(&ready)
            .env("MAJORDOMO_FAULT_FILE", self.fault_file())
            .envs(variables.iter().map(|(name, value)| (*name, value.as_str())))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(child);
    }

    /// Wait until the program that was started is ready; how it ended when it ends before that.
    pub async fn ready(&mut self) -> Result<(), ExitStatus> {
        let (begun, ready) = (Instant::now(), self.ready_file());
        loop {
            if let Ok(address) = std::fs::read_to_string(&ready)
                && address.ends_with('\n')
            {
                self.address = address.trim().to_owned();
                return Ok(());
            }
            if let Some(status) = self.process.as_mut().unwrap().try_wait().unwrap() {
                self.process = None;
                return Err(status);
            }
            assert!(begun.elapsed() < PATIENCE, "the program did not become ready: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn ready_file(&self) -> PathBuf {
        self.folder.path().join(format!("ready-{}", self.starts))
    }

    fn fault_file(&self) -> PathBuf {
        self.folder.path().join("fault")
    }

    /// The program stops as by a power cut when it comes by this point the next time, or the time after a colon.
    pub fn arm(&self, point: &str) {
        let draft = self.folder.path().join("fault-draft");
        std::fs::write(&draft, point).unwrap();
        std::fs::rename(draft, self.fault_file()).unwrap();
    }

    /// No point stops the program any more.
    pub fn disarm(&self) {
        let _ = std::fs::remove_file(self.fault_file());
    }

    fn log_path(&self, start: usize) -> PathBuf {
        self.folder.path().join(format!("log-{start}"))
    }

    /// What the program wrote since its last start.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path(self.starts)).unwrap_or_default()
    }

    /// End the program as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    pub async fn restart(&mut self) {
        self.kill();
        self.start(&[]).await;
    }

    /// Ask the program to stop.
    pub fn terminate(&self) {
        let id = self.process.as_ref().expect("the program runs").id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Wait for the program to end by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.as_mut().expect("the program runs").try_wait().unwrap() {
                self.process = None;
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the program does not end: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether that is how a fault point ends the program.
    pub fn was_cut_off(&self, status: ExitStatus) -> bool {
        status.signal() == Some(ABORTED)
    }

    /// Remove what earlier starts have left: many starts fill a disk.
    pub fn forget_logs(&self) {
        for start in (1..self.starts).rev().take_while(|start| self.log_path(*start).exists()) {
            let _ = std::fs::remove_file(self.log_path(start));
            let _ = std::fs::remove_file(self.folder.path().join(format!("ready-{start}")));
        }
    }

    /// Wait for the power cut at the point that was armed, and take it away.
    pub async fn dies(&mut self, point: &str) {
        let status = self.ended().await;
        assert!(self.was_cut_off(status), "{point} stops the program: {status}: {}", self.log());
        self.disarm();
    }

    /// Start the program, and let it die again: when it comes by this point, or as soon as it is ready.
    pub async fn start_and_die(&mut self, point: &str) {
        self.arm(point);
        self.spawn(&[]);
        match self.ready().await {
            Ok(()) => self.kill(),
            Err(status) => assert!(self.was_cut_off(status), "{status}: {}", self.log()),
        }
        self.disarm();
    }

    /// Run another command of the program on the same data.
    pub fn command(&self, arguments: &[&str]) -> Output {
        program(self.folder.path()).args(arguments).output().unwrap()
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address)).bearer_auth(&self.key).timeout(PATIENCE)
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    /// How large a file of the program may become, in bytes; no limit when absent. As a full disk does, it stops every write.
    pub fn limit_file_size(&self, bytes: Option<u64>) {
        let process = self.process.as_ref().expect("the program runs").id().to_string();
        let limit = bytes.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let told = Command::new("prlimit").args(["--pid", &process, &format!("--fsize={limit}:")]).status();
        assert!(told.is_ok_and(|status| status.success()), "prlimit sets the limit");
    }

    /// Memory the program has now, and the most it ever had, in KiB, as the kernel counts it.
    pub fn memory(&self) -> (u64, u64) {
        let process = self.process.as_ref().expect("the program runs").id();
        let text = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the kernel tells");
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("it is counted");
            line.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// A new conversation; its id.
    pub async fn conversation(&self) -> String {
        let (status, body) = self.post("/api/conversations", json!({})).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Say something; the turn's id.
    pub async fn say(&self, conversation: &str, text: &str) -> String {
        let (status, body) =
            self.post(&format!("/api/conversations/{conversation}/messages"), json!({"text": text})).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{body}");
        body["turn_id"].as_str().unwrap().to_owned()
    }

    /// Wait until a turn is over; its row.
    pub async fn over(&self, turn: &str) -> Value {
        let begun = Instant::now();
        loop {
            let (status, body) = self.get(&format!("/api/turns/{turn}")).await;
            assert_eq!(status, StatusCode::OK, "{body}");
            let state = body["turn"]["state"].as_str().unwrap_or_default();
            if ["done", "failed", "cancelled"].contains(&state) {
                return body;
            }
            assert!(begun.elapsed() < PATIENCE, "the turn does not end: {body}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ask in a conversation and wait for the end; the visible answer.
    pub async fn ask(&self, conversation: &str, text: &str) -> String {
        let turn = self.say(conversation, text).await;
        self.over(&turn).await;
        let messages = self.messages(conversation).await;
        let last = messages.iter().rev().find(|m| m["role"] == "assistant").expect("an answer");
        visible(last)
    }

    pub async fn messages(&self, conversation: &str) -> Vec<Value> {
        let (status, body) = self.get(&format!("/api/conversations/{conversation}/messages")).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["messages"].as_array().unwrap().clone()
    }

    /// Watch a conversation.
    pub async fn events(&self, conversation: &str) -> Events {
        let path = format!("/api/conversations/{conversation}/events");
        let response = self.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Events::of(response)
    }

    /// What the doctor says of everything that was ever said, approved and written down.
    pub fn check_whole(&self) {
        let said = text_of(&self.command(&["doctor"]));
        for part in ["histories", "audit"] {
            assert!(said.lines().any(|line| line.starts_with(&format!("{part:10} ok"))), "{said}");
        }
    }

    /// Every request the stand-ins got was one the real services would understand.
    pub fn check_requests(&self) {
        let violations = self.town.violations();
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A small disk of its own, gone with its value.
pub struct Disk(PathBuf);

impl Disk {
    fn mount(place: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(place).ok()?;
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(place).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success()).then(|| Self(place.to_owned()))
    }

    /// Fill it to the last byte; removing the file makes room.
    pub fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            while file.write(&vec![1; size]).is_ok_and(|written| written > 0) {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Whether a small disk can be made here. Said aloud where not.
pub fn can_mount() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let can = Disk::mount(folder.path(), "1m").is_some();
    if !can {
        let _ = writeln!(std::io::stderr(), "SKIPPED a disk that is full: this account may not mount one");
    }
    can
}

/// A server of the test's own; None, said aloud, where it is not installed and nobody insists.
pub fn server(kind: Kind) -> Option<Server> {
    match Server::start(kind) {
        Ok(server) => Some(server),
        Err(error) if std::env::var_os("CI").is_none() => {
            let _ = writeln!(std::io::stderr(), "SKIPPED {kind}: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The program in a folder, without any setting of whoever runs the tests.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).env_clear().env("NO_COLOR", "1").stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Run a command with something on its standard input.
pub fn with_input(mut command: Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that refuses before it reads closes its end, which is no failure of the test.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Every byte the database in a folder has on disk, by file: the database itself, what is written ahead, and a copy made by
/// `VACUUM INTO`.
pub async fn database_bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    use sqlx::{ConnectOptions, Connection};
    let file = folder.join("data").join("majordomo.db");
    let copy = folder.join("copy.db");
    let _ = std::fs::remove_file(&copy);
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    // Before the copy, so that what is written ahead is seen before anybody empties it.
    let mut found = Vec::new();
    for end in ["", "-wal", "-shm"] {
        let name = format!("majordomo.db{end}");
        if let Ok(bytes) = std::fs::read(folder.join("data").join(&name)) {
            found.push((name, bytes));
        }
    }
    let into = format!("VACUUM INTO '{}'", copy.display());
    sqlx::query(sqlx::AssertSqlSafe(into)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    found.push(("copy.db".to_owned(), std::fs::read(&copy).unwrap()));
    found
}

pub fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn answer(response: reqwest::Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The text a person reads in a message.
pub fn visible(message: &Value) -> String {
    let parts = message["parts"].as_array().cloned().unwrap_or_default();
    let texts: Vec<&str> = parts
        .iter()
        .filter(|p| p["type"] == "text" || p["type"] == "notice")
        .filter_map(|p| p["text"].as_str())
        .collect();
    texts.join("\n\n")
}

/// Server-sent events, one JSON value each.
pub struct Events {
    bytes: futures_util::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>,
    rest: String,
    raw: Vec<u8>,
}

impl Events {
    pub fn of(response: reqwest::Response) -> Self {
        let bytes = response.bytes_stream().map(|chunk| chunk.map(|bytes| bytes.to_vec())).boxed();
        Self { bytes, rest: String::new(), raw: Vec::new() }
    }

    /// The next event's data. None at the end of the stream.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.rest.find("\n\n") {
                let block: String = self.rest.drain(..end + 2).collect();
                let data: Vec<&str> =
                    block.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim).collect();
                if !data.is_empty() {
                    return Some(serde_json::from_str(&data.join("\n")).unwrap());
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.bytes.next()).await.expect("an event in time")?;
            self.raw.extend(chunk.ok()?);
            let whole = match std::str::from_utf8(&self.raw) {
                Ok(text) => text.len(),
                Err(error) => error.valid_up_to(),
            };
            self.rest.push_str(&String::from_utf8(self.raw.drain(..whole).collect()).unwrap().replace("\r\n", "\n"));
        }
    }

    /// The next event of a kind.
    pub async fn until(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().await.expect("the stream goes on");
            if event["type"] == kind {
                return event;
            }
        }
    }

    /// All events up to and with the end of a turn.
    pub async fn turn(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.next().await.expect("the stream goes on");
            let is_end = event["type"] == "turn_finished";
            events.push(event);
            if is_end {
                return events;
            }
        }
    }
}

/// Counts values by a name.
pub fn count(items: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

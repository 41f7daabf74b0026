//! Several conversations at once, under kills at named points and at random moments, also during the recovery. In the end every
//! message has its one answer, every yes was done once, and nothing was done without one.
//!
//! `make crash` asks for 2,000 kills and more (`KILLS`), prints the seed (`SEED` repeats one) and writes `bench/crash.md`.

use crate::{
    harness::{Setting, Stage, visible},
    points,
};
use fastrand::Rng;
use futures_util::future::join_all;
use majordomo_domain::{ApprovalState, TurnId};
use majordomo_standins::model::{ModelStandIn, Script};
use majordomo_store::{Store, StoreError};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    io::Write as _,
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Kills when nobody asks for more: enough to see that the load and the counting work.
const FEW: usize = 24;
/// Conversations at the same time.
const LANES: usize = 5;
/// Names of each lane, each in the party or not.
const NAMES: usize = 6;
/// Exchanges of one conversation before the next begins.
const EXCHANGES: usize = 12;
/// A turn's limit, and a minute after the last start.
const DEADLINE: Duration = Duration::from_secs(150);
/// How long a named point may take to come by before the kill is a random one.
const COMES_BY: Duration = Duration::from_secs(3);

/// What went wrong, by kind; each with a sentence.
#[derive(Default)]
struct Wrong(Mutex<Vec<(Kind, String)>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    LostMessages,
    DoubledMessages,
    DoubledAnswers,
    UnapprovedWrites,
    DoubledWrites,
    LostWrites,
    TurnsWithoutEnd,
    HistoryBreaks,
}

const KINDS: [(Kind, &str); 8] = [
    (Kind::LostMessages, "messages lost or out of their order"),
    (Kind::DoubledMessages, "messages doubled"),
    (Kind::DoubledAnswers, "answers doubled"),
    (Kind::UnapprovedWrites, "writes without a yes"),
    (Kind::DoubledWrites, "writes doubled"),
    (Kind::LostWrites, "approved writes not done"),
    (Kind::TurnsWithoutEnd, "turns without an end"),
    (Kind::HistoryBreaks, "breaks in a history or the audit"),
];

impl Wrong {
    fn note(&self, kind: Kind, what: String) {
        let _ = writeln!(std::io::stderr(), "crash: {kind:?}: {what}");
        self.0.lock().unwrap().push((kind, what));
    }

    fn count(&self, kind: Kind) -> usize {
        self.0.lock().unwrap().iter().filter(|(noted, _)| *noted == kind).count()
    }
}

/// What the lanes have in common.
struct Town {
    client: Client,
    key: String,
    /// Where the program listens since its last start.
    address: RwLock<String>,
    closing: AtomicBool,
    wrong: Wrong,
    done: [AtomicU64; 4],
}

/// What is counted as load, in the order of [`Town::done`].
#[derive(Clone, Copy)]
enum Load {
    Questions,
    Reads,
    Approved,
    Declined,
}

const LOADS: [&str; 4] = ["plain questions", "questions with a read", "approved changes", "declined changes"];

/// A conversation and what was said in it.
struct Talk {
    id: String,
    /// Each turn with the words of its one answer.
    turns: Vec<(String, String)>,
}

struct Lane {
    number: usize,
    town: Arc<Town>,
    random: Rng,
    talks: Vec<Talk>,
    /// Which of the lane's names are in the party.
    present: [bool; NAMES],
    said: usize,
}

impl Lane {
    /// Ask until there is an answer, over any number of kills; None after the deadline.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Option<(StatusCode, Value)> {
        let begun = Instant::now();
        while begun.elapsed() < DEADLINE {
            let url = format!("{}{path}", self.town.address.read().unwrap());
            let mut request = self.town.client.request(method.clone(), url).bearer_auth(&self.town.key);
            request = request.timeout(Duration::from_secs(30));
            if let Some(key) = key {
                request = request.header("Idempotency-Key", key);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            if let Ok(response) = request.send().await {
                let status = response.status();
                // Stopping, or not ready: said so, and asked again.
                let passing = status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS;
                if !passing && let Ok(text) = response.text().await {
                    return Some((status, serde_json::from_str(&text).unwrap_or(Value::String(text))));
                }
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        None
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, None, None).await.map(|(_, body)| body).unwrap_or_default()
    }

    async fn live(mut self) -> Self {
        while !self.town.closing.load(Ordering::Relaxed) {
            if self.talks.last().is_none_or(|talk| talk.turns.len() >= EXCHANGES)
                && let Some((_, made)) = self.ask(Method::POST, "/api/conversations", None, Some(&json!({}))).await
                && let Some(id) = made["id"].as_str()
            {
                self.talks.push(Talk { id: id.to_owned(), turns: Vec::new() });
            }
            match self.random.u8(0..8) {
                0 => self.question("a plain question", "This is the whole answer.", Load::Questions).await,
                1 | 2 => self.question("a look at the films", "These are the films.", Load::Reads).await,
                3..=6 => self.change(true).await,
                _ => self.change(false).await,
            }
        }
        self
    }

    /// Say something and wait for the end of its turn.
    async fn say(&mut self, words: &str, answer: &str) -> Option<String> {
        self.said += 1;
        let key = format!("lane {} says {}", self.number, self.said);
        let talk = self.talks.last()?.id.clone();
        let path = format!("/api/conversations/{talk}/messages");
        let text = format!("{key}: {words}");
        let body = json!({ "text": text });
        let Some((status, accepted)) = self.ask(Method::POST, &path, Some(&key), Some(&body)).await else {
            self.town.wrong.note(Kind::LostMessages, format!("{text}: never accepted"));
            return None;
        };
        let Some(turn) = accepted["turn_id"].as_str().filter(|_| status == StatusCode::ACCEPTED) else {
            self.town.wrong.note(Kind::LostMessages, format!("{text}: {status} {accepted}"));
            return None;
        };
        self.talks.last_mut()?.turns.push((turn.to_owned(), answer.to_owned()));
        self.over(turn).await.then(|| turn.to_owned())
    }

    async fn over(&self, turn: &str) -> bool {
        let begun = Instant::now();
        loop {
            let body = self.get(&format!("/api/turns/{turn}")).await;
            match body["turn"]["state"].as_str() {
                Some("done") => return true,
                Some("queued" | "running") => {}
                state => {
                    self.town.wrong.note(Kind::LostMessages, format!("turn {turn} is {state:?}: {body}"));
                    return false;
                }
            }
            if begun.elapsed() > DEADLINE {
                self.town.wrong.note(Kind::TurnsWithoutEnd, format!("turn {turn}: {body}"));
                return false;
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
    }

    fn did(&self, load: Load) {
        self.town.done[load as usize].fetch_add(1, Ordering::Relaxed);
    }

    async fn question(&mut self, words: &str, answer: &str, load: Load) {
        if self.say(words, answer).await.is_some() {
            self.did(load);
        }
    }

    /// Have somebody added to the party or removed from it, with a yes or with a no.
    async fn change(&mut self, yes: bool) {
        let place = self.random.usize(0..NAMES);
        let (name, add) = (name(self.number, place), !self.present[place]);
        let Some(asking) = self.say(&asking(&name, add), "It waits for you.").await else { return };
        let all = self.get("/api/approvals?state=all&limit=200").await;
        let mine: Vec<&Value> =
            all["approvals"].as_array().into_iter().flatten().filter(|a| a["turn"] == asking.as_str()).collect();
        let [approval] = mine[..] else {
            return self.town.wrong.note(Kind::LostMessages, format!("{name}: {} approvals of one call", mine.len()));
        };
        self.looks(place, "before the decision").await;
        let path = format!("/api/approvals/{}", approval["id"].as_str().unwrap_or_default());
        let decision = json!({"decision": if yes { "approve" } else { "decline" }});
        let decided = self.ask(Method::POST, &path, None, Some(&decision)).await;
        if !matches!(decided, Some((StatusCode::OK | StatusCode::CONFLICT, _))) {
            return self.town.wrong.note(Kind::TurnsWithoutEnd, format!("{name}: not decided: {decided:?}"));
        }
        let stands = self.get(&path).await;
        let Some(turn) = stands["decision_turn"].as_str() else {
            return self.town.wrong.note(Kind::LostWrites, format!("{name}: no turn carries it out: {stands}"));
        };
        let answer = if yes { format!("{name} is seen to.") } else { declined(&name, add) };
        if let Some(talk) = self.talks.last_mut() {
            talk.turns.push((turn.to_owned(), answer));
        }
        if !self.over(turn).await {
            return;
        }
        let state = self.get(&path).await["state"].as_str().unwrap_or_default().to_owned();
        if yes {
            if state != "executed" {
                self.town.wrong.note(Kind::LostWrites, format!("{name}: approved and {state}"));
            }
            self.present[place] = add;
            self.receipt(turn, &receipt(&name, add)).await;
            self.did(Load::Approved);
        } else {
            if state != "declined" {
                self.town.wrong.note(Kind::UnapprovedWrites, format!("{name}: declined and {state}"));
            }
            self.did(Load::Declined);
        }
        self.looks(place, "after the end").await;
    }

    /// The party is as what was decided has made it.
    async fn looks(&self, place: usize, when: &str) {
        let Some((_, party)) = self.ask(Method::POST, "/api/tools/party_view", None, Some(&json!({}))).await else {
            return;
        };
        let (name, text) = (name(self.number, place), party["text"].as_str().unwrap_or_default());
        match (text.matches(&format!("\"{name}\"")).count(), self.present[place]) {
            (0, false) | (1, true) => {}
            (0, true) => self.town.wrong.note(Kind::LostWrites, format!("{name} is not in the party {when}")),
            (1, false) => self.town.wrong.note(Kind::UnapprovedWrites, format!("{name} is in the party {when}")),
            (times, _) => self.town.wrong.note(Kind::DoubledWrites, format!("{name} is {times} times there {when}")),
        }
    }

    /// What was done was said once, in the words of the first time it was done.
    async fn receipt(&self, turn: &str, expected: &str) {
        let Some(talk) = self.talks.last() else { return };
        let messages = messages(self, &talk.id).await;
        let receipts: Vec<&str> = messages
            .iter()
            .filter(|message| message["turn"] == turn)
            .flat_map(|message| message["parts"].as_array().unwrap())
            .filter(|part| part["type"] == "notice" && part["kind"] == "receipt")
            .filter_map(|part| part["text"].as_str())
            .collect();
        match receipts[..] {
            [one] if one == expected => {}
            [] => self.town.wrong.note(Kind::LostWrites, format!("no receipt for {expected}")),
            _ => self.town.wrong.note(Kind::DoubledWrites, format!("{receipts:?} for {expected}")),
        }
    }

    /// Every message that was accepted is there once, in order, with its one answer.
    async fn check(&self) {
        for talk in &self.talks {
            let messages = messages(self, &talk.id).await;
            let asked: Vec<&str> =
                messages.iter().filter(|m| m["role"] == "user").filter_map(|m| m["turn"].as_str()).collect();
            let accepted: Vec<&str> = talk.turns.iter().map(|(turn, _)| turn.as_str()).collect();
            if asked.len() > accepted.len() {
                let known: HashSet<&str> = accepted.iter().copied().collect();
                let surplus: Vec<&&str> = asked.iter().filter(|turn| !known.contains(*turn)).collect();
                self.town.wrong.note(Kind::DoubledMessages, format!("nobody knows of {surplus:?} in {}", talk.id));
            } else if asked != accepted {
                self.town.wrong.note(Kind::LostMessages, format!("in {}: {accepted:?} became {asked:?}", talk.id));
            }
            for (turn, answer) in &talk.turns {
                let of_turn = messages.iter().filter(|m| m["turn"] == turn.as_str() && m["role"] == "assistant");
                match of_turn.filter(|m| visible(m).contains(answer.as_str())).count() {
                    1 => {}
                    0 => self.town.wrong.note(Kind::LostMessages, format!("turn {turn} has no answer “{answer}”")),
                    n => self.town.wrong.note(Kind::DoubledAnswers, format!("turn {turn} says {n} times “{answer}”")),
                }
            }
        }
    }
}

async fn messages(lane: &Lane, conversation: &str) -> Vec<Value> {
    let body = lane.get(&format!("/api/conversations/{conversation}/messages?limit=1000")).await;
    body["messages"].as_array().cloned().unwrap_or_default()
}

fn name(lane: usize, place: usize) -> String {
    format!("V{lane}{place}")
}

fn asking(name: &str, add: bool) -> String {
    if add { format!("{name} wants to join") } else { format!("{name} wants to leave") }
}

fn receipt(name: &str, add: bool) -> String {
    if add { format!("{name} (Solo) was added to the party.") } else { format!("{name} was removed from the party.") }
}

fn declined(name: &str, add: bool) -> String {
    if add { format!("{name} was not added.") } else { format!("{name} stays in the party.") }
}

/// What the model says to all of it.
fn script(model: &ModelStandIn) {
    let both = |asked: &str, call: Script, answer: &str| {
        model.script(call.when_asked(asked).after_results(false).for_ever());
        model.script(Script::text(answer).when_asked(asked).after_results(true).for_ever());
    };
    // What is folded into a summary quotes all of it.
    model.script(Script::text("A household talks.").when_asked("Person:").for_ever());
    model.script(Script::text("This is the whole answer.").when_asked("a plain question").for_ever());
    both("a look at the films", Script::call("tmdb_trending", json!({})), "These are the films.");
    for lane in 0..LANES {
        for name in (0..NAMES).map(|place| name(lane, place)) {
            let add = Script::call("party_add_character", json!({"name": name, "role": "Solo"}));
            both(&asking(&name, true), add, "It waits for you.");
            both(
                &asking(&name, false),
                Script::call("party_remove_character", json!({ "name": name })),
                "It waits for you.",
            );
            for question in [format!("Approved by Admin: Add {name}"), format!("Approved by Admin: Remove {name}")] {
                model.script(Script::text(&format!("{name} is seen to.")).when_asked(&question).for_ever());
            }
        }
    }
}

/// Kills so far, by where.
#[derive(Default)]
struct Kills {
    named: BTreeMap<&'static str, usize>,
    random: usize,
    in_recovery: usize,
    stops: usize,
}

impl Kills {
    fn total(&self) -> usize {
        self.named.values().sum::<usize>() + self.random
    }

    fn at(&mut self, point: &'static str) {
        *self.named.entry(point).or_default() += 1;
    }
}

/// Every named point that conversations or a stop come by.
fn named() -> Vec<&'static str> {
    let walks: [&[&str]; 6] = [
        &points::QUESTION,
        &points::PARKING,
        &points::CARRYING,
        &points::DECLINING,
        &points::STOPPING,
        &points::FOLDING,
    ];
    let mut named: Vec<&str> = walks.concat().into_iter().map(points::name).collect();
    named.sort_unstable();
    named.dedup();
    named
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_load_lose_nothing_and_double_nothing() {
    let asked: Option<usize> = std::env::var("KILLS").ok().map(|text| text.parse().expect("KILLS is a number"));
    let seed: u64 = match std::env::var("SEED") {
        Ok(text) => text.parse().expect("SEED is a number"),
        Err(_) => Rng::new().u64(..),
    };
    let wanted = asked.unwrap_or(FEW);
    let _ = writeln!(std::io::stderr(), "crash: {wanted} kills, SEED={seed}");
    let settings =
        "[agents.majordomo]\napprovals = { expire_seconds = 3600 }\nlimits = { history_tokens = 500 }\n[limits]\nmessages_per_minute = 0\n"
            .to_owned();
    let mut stage = Stage::with(Setting { settings, ..Setting::default() }).await;
    script(stage.town.model());
    let town = Arc::new(Town {
        client: stage.client.clone(),
        key: stage.key.clone(),
        address: RwLock::new(stage.address.clone()),
        closing: AtomicBool::new(false),
        wrong: Wrong::default(),
        done: Default::default(),
    });
    let mut random = Rng::with_seed(seed);
    let lanes = (0..LANES).map(|number| {
        let random = Rng::with_seed(random.u64(..));
        let lane = Lane { number, town: town.clone(), random, talks: Vec::new(), present: [false; NAMES], said: 0 };
        tokio::spawn(lane.live())
    });
    let lanes: Vec<_> = lanes.collect();

    let begun = Instant::now();
    let (points, mut kills, mut next) = (named(), Kills::default(), 0);
    while kills.total() < wanted {
        if kills.total() % 3 == 2 {
            tokio::time::sleep(Duration::from_millis(random.u64(0..400))).await;
            stage.kill();
            kills.random += 1;
        } else {
            let point = points[next % points.len()];
            next += 1;
            kill_at(&mut stage, point, &mut random, &mut kills).await;
        }
        // In half of the cases the recovery is cut off, too, and sometimes once more.
        while random.bool() && kills.total() < wanted {
            die_in_recovery(&mut stage, &points, &mut random, &mut kills).await;
        }
        stage.start(&[]).await;
        *town.address.write().unwrap() = stage.address.clone();
        stage.forget_logs();
        stage.town.forget();
        if kills.total() % 100 == 0 {
            let _ = writeln!(std::io::stderr(), "crash: {} kills", kills.total());
        }
    }
    town.closing.store(true, Ordering::Relaxed);
    let lanes: Vec<Lane> = join_all(lanes).await.into_iter().map(|lane| lane.expect("a lane ends")).collect();
    for lane in &lanes {
        lane.check().await;
        for place in 0..NAMES {
            lane.looks(place, "in the end").await;
        }
    }
    let took = begun.elapsed();
    stage.kill();
    look_at_rows(stage.folder.path(), &town.wrong).await;

    let report = report(seed, &kills, &town, &lanes, took);
    let _ = writeln!(std::io::stderr(), "{report}");
    if asked.is_some() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/crash.md");
        std::fs::write(file, &report).unwrap();
    }
    let wrong = town.wrong.0.lock().unwrap();
    assert!(wrong.is_empty(), "SEED={seed}: {wrong:#?}");
    assert!(
        town.done.iter().all(|done| wanted < 100 || done.load(Ordering::Relaxed) > 0),
        "every kind of load was there"
    );
}

/// Kill the program when it comes by a point, one of the next times; at a random moment when it does not.
async fn kill_at(stage: &mut Stage, point: &'static str, random: &mut Rng, kills: &mut Kills) {
    let times = if matches!(point, "stop.rx") { 1 } else { random.u32(1..=3) };
    stage.arm(&format!("{point}:{times}"));
    if points::STOPPING.iter().any(|stopping| points::name(stopping) == point) {
        stage.terminate();
    }
    match tokio::time::timeout(COMES_BY, stage.ended()).await {
        // Nothing was running that had to be waited for.
        Ok(status) if status.success() => kills.stops += 1,
        Ok(status) => {
            assert!(stage.was_cut_off(status), "{point}: {status}: {}", stage.log());
            kills.at(point);
        }
        Err(_) => {
            stage.kill();
            kills.random += 1;
        }
    }
    stage.disarm();
}

/// Start the program and kill it before it has caught up: at a point it comes by, or a moment after it was started.
async fn die_in_recovery(stage: &mut Stage, points: &[&'static str], random: &mut Rng, kills: &mut Kills) {
    let point = points[random.usize(0..points.len())];
    stage.arm(point);
    stage.spawn(&[]);
    let moment = if random.bool() { COMES_BY / 4 } else { Duration::from_millis(random.u64(0..250)) };
    match tokio::time::timeout(moment, stage.ended()).await {
        Ok(status) => {
            assert!(stage.was_cut_off(status), "{point}: {status}: {}", stage.log());
            kills.at(point);
        }
        Err(_) => {
            stage.kill();
            kills.random += 1;
        }
    }
    kills.in_recovery += 1;
    stage.disarm();
}

/// What the rows say, when nobody writes any more.
async fn look_at_rows(folder: &Path, wrong: &Wrong) {
    let store = Store::open(&format!("sqlite://{}", folder.join("data/majordomo.db").display())).await.unwrap();
    if let Err(error) = store.verify_histories().await {
        wrong.note(Kind::HistoryBreaks, error.to_string());
    }
    if let Err(error) = store.verify_audit().await {
        wrong.note(Kind::HistoryBreaks, error.to_string());
    }
    let open = store.unfinished_turns("nobody", i64::MAX, |_| false).await.unwrap();
    for turn in open {
        wrong.note(Kind::TurnsWithoutEnd, format!("turn {} in the end", turn.turn.id));
    }
    if let Err(error) = executions(&store, wrong).await {
        wrong.note(Kind::HistoryBreaks, error.to_string());
    }
    store.close().await;
}

/// Every execution that was written down follows somebody's yes, once.
async fn executions(store: &Store, wrong: &Wrong) -> Result<(), StoreError> {
    let (mut approved, mut before) = (HashSet::<TurnId>::new(), None);
    loop {
        let page = store.approvals(None, false, before, 500).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.created_at_ms);
        let yes = page.iter().filter(|a| a.decided_by.is_some() && a.state != ApprovalState::Declined);
        approved.extend(yes.filter_map(|approval| approval.decision_turn));
    }
    let (mut seen, mut before) = (HashSet::new(), None);
    loop {
        let page = store.audit_entries(before, Some("execution"), 1_000).await?;
        let Some(last) = page.last() else { return Ok(()) };
        before = Some(last.seq);
        for turn in page.iter().filter(|entry| entry.detail == "done").filter_map(|entry| entry.turn) {
            if !approved.contains(&turn) {
                wrong.note(Kind::UnapprovedWrites, format!("turn {turn} carried out what nobody approved"));
            }
            if !seen.insert(turn) {
                wrong.note(Kind::DoubledWrites, format!("turn {turn} carried it out twice"));
            }
        }
    }
}

fn report(seed: u64, kills: &Kills, town: &Town, lanes: &[Lane], took: Duration) -> String {
    let day = Command::new("date").args(["-u", "+%Y-%m-%d"]).output().map(|out| out.stdout).unwrap_or_default();
    let turns: usize = lanes.iter().flat_map(|lane| &lane.talks).map(|talk| talk.turns.len()).sum();
    let mut text = format!(
        "# Kills\n\nBy `make crash` on {}, version {}, on {}, SQLite, seed {seed}.\n\n{} kills in {} minutes under {LANES} \
         conversations at once: {} at named points, {} at random moments; {} of all during the recovery from another. {turns} turns.\n\n",
        String::from_utf8_lossy(&day).trim(),
        env!("CARGO_PKG_VERSION"),
        machine(),
        kills.total(),
        took.as_secs().div_ceil(60),
        kills.named.values().sum::<usize>(),
        kills.random,
        kills.in_recovery,
    );
    text.push_str("| What | Count |\n| --- | --- |\n");
    for (kind, words) in KINDS {
        let _ = writeln!(text, "| {words} | {} |", town.wrong.count(kind));
    }
    text.push_str("\n| Load | Ended |\n| --- | --- |\n");
    for (words, done) in LOADS.iter().zip(&town.done) {
        let _ = writeln!(text, "| {words} | {} |", done.load(Ordering::Relaxed));
    }
    text.push_str("\n| Killed at | Times |\n| --- | --- |\n");
    for (point, times) in &kills.named {
        let _ = writeln!(text, "| `{point}` | {times} |");
    }
    let _ = writeln!(text, "| a random moment | {} |", kills.random);
    text
}

fn machine() -> String {
    let information = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = information.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores of {}", name.trim_start_matches([' ', '\t', ':']))
}

//! Who may wish for what and who may have something taken away, with several people on the real program: who is asked, what is said, and
//! what the services are told.

use crate::harness::{PATIENCE, Setting, Stage};
use majordomo_standins::{Dates, Offer, ServarrPace};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Films of the stand-in's catalogue that nobody has: for whom the first is, nobody has said; the others are for everybody.
const HAXAN: u64 = 9_000_008;
const ZORRO: u64 = 9_000_009;
const GULLIVER_LOST: u64 = 9_000_005;
/// Wanted by Radarr, and not there.
const SHERLOCK_JR: u64 = 992;
/// Films the household has.
const METROPOLIS: u64 = 19;
const NOSFERATU: u64 = 653;
/// A series of which the household has season 1.
const HILLBILLIES: u64 = 9_300_001;

async fn stage(settings: &str) -> Stage {
    let stage = Stage::with(Setting { settings: settings.into(), has_media: true, ..Setting::default() }).await;
    stage.town.radarr("default").clear_queue();
    stage.town.radarr("default").pace(ServarrPace::at_once());
    stage.town.plex().scan_takes(Duration::ZERO);
    stage
}

fn film(tmdb: u64) -> Value {
    json!({"media_type": "film", "tmdb_id": tmdb})
}

/// Somebody with a key of their own.
struct Somebody<'a> {
    stage: &'a Stage,
    key: String,
}

impl<'a> Somebody<'a> {
    fn new(stage: &'a Stage, name: &str, standing: &str) -> Self {
        Self { stage, key: stage.key_of(name, standing) }
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.stage.address);
        let request = self.stage.client.request(method, url).bearer_auth(&self.key).timeout(PATIENCE).json(&body);
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, json!({})).await.1
    }

    async fn uses(&self, tool: &str, arguments: Value) -> Value {
        let (status, answer) = self.send(Method::POST, &format!("/api/tools/{tool}"), arguments).await;
        assert_eq!(status, StatusCode::OK, "{tool}: {answer}");
        answer
    }

    /// The question that a use of a tool asks.
    async fn asks(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.uses(tool, arguments).await;
        let approval = answer["approval"].as_str().unwrap_or_else(|| panic!("{tool} asks: {answer}"));
        self.get(&format!("/api/approvals/{approval}")).await
    }

    /// What is said to somebody whose wish is refused.
    async fn is_refused(&self, tool: &str, arguments: Value) -> String {
        let answer = self.uses(tool, arguments).await;
        assert!(answer["is_error"] == true && answer["approval"].is_null(), "{tool}: {answer}");
        answer["text"].as_str().unwrap().to_owned()
    }

    async fn decides(&self, question: &Value, decision: Value) -> StatusCode {
        let path = format!("/api/approvals/{}", question["id"].as_str().unwrap());
        self.send(Method::POST, &path, decision).await.0
    }

    /// What they were told, in all their conversations.
    async fn news(&self) -> Vec<String> {
        let list = self.get("/api/conversations").await;
        let mut all = Vec::new();
        for conversation in list["conversations"].as_array().unwrap() {
            let path = format!("/api/conversations/{}/messages", conversation["id"].as_str().unwrap());
            let messages = self.get(&path).await;
            let parts = messages["messages"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|message| message["parts"].as_array().unwrap());
            let news = parts.filter(|part| part["kind"] == "news");
            all.extend(news.filter_map(|part| part["text"].as_str().map(str::to_owned)));
        }
        all
    }

    async fn is_told(&self, words: &str) {
        let begun = Instant::now();
        while !self.news().await.iter().any(|line| line.contains(words)) {
            assert!(begun.elapsed() < PATIENCE, "no {words:?} in {:?}", self.news().await);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
}

/// Decide as the admin, and wait until what follows is done; what is said then.
async fn decided(stage: &Stage, question: &Value, decision: Value) -> String {
    let (status, body) = stage.post(&format!("/api/approvals/{}", question["id"].as_str().unwrap()), decision).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let turn = body["turn_id"].as_str().unwrap().to_owned();
    let begun = Instant::now();
    loop {
        // The turn is the requester's; whether it is over is seen in the approval.
        let (_, now) = stage.get(&format!("/api/approvals/{}", question["id"].as_str().unwrap())).await;
        let state = now["state"].as_str().unwrap_or_default().to_owned();
        if !["open", "approved", "running"].contains(&state.as_str()) {
            return format!("{state}: {}", now["outcome"].as_str().unwrap_or_default());
        }
        assert!(begun.elapsed() < PATIENCE, "{turn} does not end: {now}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn approve() -> Value {
    json!({"decision": "approve"})
}

/// What Radarr and Sonarr were told to change.
fn changes(stage: &Stage) -> Vec<String> {
    let all = stage.town.requests().into_iter();
    let changes = all.filter(|asked| {
        (asked.service.starts_with("radarr") || asked.service.starts_with("sonarr")) && asked.method != "GET"
    });
    changes.map(|asked| format!("{} {}", asked.method, asked.path)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_is_decided_by_an_admin_whoever_asks_and_a_guest_may_not_even_ask() {
    let stage = stage("").await;
    let (mia, kim) = (Somebody::new(&stage, "Mia", "member"), Somebody::new(&stage, "Kim", "child"));
    let gus = Somebody::new(&stage, "Gus", "guest");
    assert_eq!(
        gus.is_refused("media_removal", film(METROPOLIS)).await,
        "this may not be done: guests may look and ask, not change anything"
    );
    let season = json!({"media_type": "series", "tvdb_id": HILLBILLIES, "seasons": [1]});
    let questions = [
        (&mia, mia.asks("media_removal", film(METROPOLIS)).await, "Delete this film and its files for good?"),
        (&kim, kim.asks("media_removal", film(NOSFERATU)).await, "Delete this film and its files for good?"),
        (&kim, kim.asks("media_removal", season).await, "Delete the files of these seasons for good?"),
    ];
    for (who, question, words) in &questions {
        assert_eq!(question["approvers"], json!({"requester": false, "standing": "admin"}), "{question}");
        assert_eq!(question["wording"]["question"], *words);
        assert_eq!(question["wording"]["reason"], "it cannot be undone");
        let facts = question["card"]["facts"].as_array().unwrap();
        assert!(facts.iter().any(|fact| fact["label"] == "Asked by"), "{question}");
        assert!(facts[0]["value"].as_str().unwrap().contains("deleted for good"), "{question}");
        assert_eq!(who.decides(question, approve()).await, StatusCode::FORBIDDEN, "not their own to decide");
        assert_eq!(gus.decides(question, approve()).await, StatusCode::NOT_FOUND, "a guest does not even see it");
    }
    assert_eq!(changes(&stage), [] as [String; 0], "nothing goes before the yes");

    let no = json!({"decision": "decline", "reason": "we like it"});
    assert_eq!(decided(&stage, &questions[1].1, no).await, "declined: we like it");
    assert_eq!(changes(&stage), [] as [String; 0], "nothing goes after a no");
    let done = decided(&stage, &questions[0].1, approve()).await;
    assert!(done.starts_with("executed"), "{done}");
    let (_, gone) = stage.post("/api/tools/media_where_is", film(METROPOLIS)).await;
    let gone: Value = serde_json::from_str(gone["text"].as_str().unwrap()).unwrap();
    assert_eq!(gone["cause"], "not_wanted", "{gone}");
    let done = decided(&stage, &questions[2].1, approve()).await;
    assert!(done.starts_with("executed"), "{done}");
    let deletes: Vec<String> = changes(&stage).into_iter().filter(|change| change.starts_with("DELETE")).collect();
    assert_eq!(deletes.len(), 2, "one film and the files of one season: {deletes:?}");
    // Every judgement is written down, with who asked and why it was judged so.
    let (_, audit) = stage.get("/api/audit?kind=policy").await;
    let judged: Vec<(&str, &str)> = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["subject"] == "media_removal")
        .map(|entry| (entry["actor_name"].as_str().unwrap(), entry["detail"].as_str().unwrap()))
        .collect();
    assert!(judged.contains(&("Gus", "no: guests may look and ask, not change anything")), "{judged:?}");
    assert!(judged.contains(&("Mia", "ask: it cannot be undone")), "{judged:?}");
    assert!(deletes[0].contains("/movie/") && deletes[1].ends_with("/episodefile/bulk"), "{deletes:?}");
    assert_eq!(stage.town.violations(), []);
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_deletes_clears_or_resets_waits_for_an_admin_when_a_member_wants_it() {
    let stage = stage("").await;
    let (mia, gus) = (Somebody::new(&stage, "Mia", "member"), Somebody::new(&stage, "Gus", "guest"));
    let file = stage.folder.path().join("household_preferences.json");
    std::fs::write(&file, json!({"version": 1, "likes": {"genres": ["noir"]}}).to_string()).unwrap();
    assert!(stage.command(&["preferences", "import", file.to_str().unwrap()]).status.success());
    let of = |answer: Value, key: &str| {
        let told: Value = serde_json::from_str(answer["text"].as_str().unwrap()).unwrap_or_else(|_| panic!("{answer}"));
        told[key].clone()
    };
    let found = of(mia.uses("search_plex", json!({"query": "Detour"})).await, "items");
    let files = of(mia.uses("sonarr_files", json!({"series_id": 1})).await, "files");
    let mut kinds = 0;
    for (tool, arguments) in [
        ("radarr_delete", json!({"movie_id": 1, "delete_files": true})),
        ("radarr_delete_many", json!({"movie_ids": [1, 2]})),
        ("radarr_file_delete", json!({"movie_id": 1})),
        ("radarr_clear_blacklist", json!({})),
        ("sonarr_delete", json!({"series_id": 1})),
        ("sonarr_delete_many", json!({"series_ids": [1]})),
        ("sonarr_file_delete", json!({"file_ids": [files[0]["file_id"]]})),
        ("plex_delete_item", json!({"rating_key": found[0]["rating_key"]})),
        ("household_preferences_reset", json!({})),
        ("media_removal", film(METROPOLIS)),
    ] {
        let answer = gus.is_refused(tool, arguments.clone()).await;
        assert!(answer.starts_with("this may not be done: guests"), "{tool}: {answer}");
        let question = mia.asks(tool, arguments).await;
        assert_eq!(question["approvers"], json!({"requester": false, "standing": "admin"}), "{tool}: {question}");
        assert_eq!(mia.decides(&question, approve()).await, StatusCode::FORBIDDEN, "{tool}");
        kinds += 1;
    }
    assert_eq!(kinds, 10);
    let all = stage.town.requests().into_iter();
    let writes: Vec<String> = all
        .filter(|asked| asked.service != "model" && asked.method != "GET")
        .map(|asked| format!("{} {} {}", asked.service, asked.method, asked.path))
        .collect();
    assert_eq!(writes, [] as [String; 0]);
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_quota_refuses_with_its_figures_and_a_no_gives_back_what_it_took() {
    let stage = stage(
        "[tools.media.quotas.member]\ncount = 1\ndays = 7\n[tools.media.quotas.child]\nopen = 1\n\
         [tools.media.people.Otto]\ngigabytes = 2\n",
    )
    .await;
    let mia = Somebody::new(&stage, "Mia", "member");
    let question = mia.asks("media_request", film(HAXAN)).await;
    let left = question["card"]["facts"].as_array().unwrap().iter().find(|fact| fact["label"] == "Left after this");
    assert_eq!(left.unwrap()["value"], "0 of 1 requests", "{question}");
    let second = mia.is_refused("media_request", film(ZORRO)).await;
    assert!(second.contains("Mia may not ask for more now: 1 of 1 requests in 7 days are used"), "{second}");
    assert_eq!(
        mia.decides(&question, approve()).await,
        StatusCode::OK,
        "the quota is not in the way of its own question"
    );

    // A child may have one open wish; the no ends it.
    let kim = Somebody::new(&stage, "Kim", "child");
    let question = kim.asks("media_request", film(ZORRO)).await;
    let second = kim.is_refused("media_request", film(GULLIVER_LOST)).await;
    assert!(second.contains("1 of 1 requests at once are open already"), "{second}");
    decided(&stage, &question, json!({"decision": "decline"})).await;
    kim.asks("media_request", film(GULLIVER_LOST)).await;

    // By name in place of the standing's: no count, but gigabytes.
    let otto = Somebody::new(&stage, "Otto", "member");
    let large = otto.is_refused("media_request", film(ZORRO)).await;
    assert!(
        large.contains("this is expected to take about") && large.contains("of 2 GB in 7 days are left"),
        "{large}"
    );
    let mut small = film(ZORRO);
    small["quality"] = "SD".into();
    otto.asks("media_request", small).await;
    assert_eq!(stage.town.violations(), []);
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_age_ceiling_holds_for_the_child_it_is_set_for_and_for_nobody_else() {
    let stage = stage("[tools.media.age_ceilings]\nchild = 12\n").await;
    let (mia, kim) = (Somebody::new(&stage, "Mia", "member"), Somebody::new(&stage, "Kim", "child"));
    let refused = kim.is_refused("media_request", film(HAXAN)).await;
    assert!(
        refused.contains("nobody has said for which age Häxan is; Kim may have what is for 12 at most"),
        "{refused}"
    );
    let question = kim.asks("media_request", film(ZORRO)).await;
    assert_eq!(question["approvers"], json!({"requester": false, "standing": "admin"}), "a child's waits for an admin");
    mia.asks("media_request", film(HAXAN)).await;
    assert_eq!(changes(&stage), [] as [String; 0]);
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_look_at_size_and_at_whether_it_is_out() {
    let stage = stage(
        "[[rules]]\ntool = \"media_request\"\narguments = { unreleased = \"true\" }\ndecision = \"refuse\"\nreason = \"only what is out\"\n\
         [[rules]]\ntool = \"media_request\"\narguments = { expected_gb = \"<=2\" }\ndecision = \"allow\"\n\
         [[rules]]\ntool = \"media_request\"\narguments = { expected_gb = \">2\" }\ndecision = \"ask\"\napprovers = \"admin\"\n",
    )
    .await;
    let mia = Somebody::new(&stage, "Mia", "member");
    let dates = Dates { cinemas: "2999-01-01".parse().ok(), digital: None, physical: None };
    assert!(stage.town.radarr("default").dates(SHERLOCK_JR, dates));
    assert_eq!(mia.is_refused("media_request", film(SHERLOCK_JR)).await, "this may not be done: only what is out");
    assert_eq!(changes(&stage), [] as [String; 0]);
    let question = mia.asks("media_request", film(HAXAN)).await;
    assert_eq!(
        question["approvers"],
        json!({"requester": false, "standing": "admin"}),
        "a large one waits for an admin"
    );
    let mut small = film(ZORRO);
    small["quality"] = "SD".into();
    let answer = mia.uses("media_request", small).await;
    assert!(answer["approval"].is_null() && answer["is_error"] == false, "a small one asks nobody: {answer}");
    assert_eq!(answer["receipt"], "The Mark of Zorro (1920) is wanted now, in SD, by Radarr.");
    assert_eq!(stage.town.violations(), []);
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_to_the_first_leaves_the_film_to_who_asked_too() {
    let stage = stage("[[rules]]\ntool = \"media_request\"\ndecision = \"ask\"\napprovers = \"admin\"\n").await;
    let (mia, kim) = (Somebody::new(&stage, "Mia", "member"), Somebody::new(&stage, "Kim", "child"));
    stage.town.radarr("default").offers(HAXAN, [Offer::of("Bluray-1080p")]);
    let (first, second) = (kim.asks("media_request", film(HAXAN)).await, mia.asks("media_request", film(HAXAN)).await);
    let requests = mia.get("/api/requests").await;
    assert_eq!(requests["requests"].as_array().map(Vec::len), Some(1), "{requests}");
    assert_eq!(requests["requests"][0]["owner_name"], "Kim");
    for question in [&first, &second] {
        let (_, shown) = stage.get(&format!("/api/approvals/{}", question["id"].as_str().unwrap())).await;
        assert_eq!(shown["request_id"], requests["requests"][0]["id"], "each question names the request");
    }
    decided(&stage, &first, json!({"decision": "decline", "reason": "too dark"})).await;
    let requests = mia.get("/api/requests").await;
    let row = &requests["requests"][0];
    assert_eq!(
        (row["state"].as_str(), row["owner_name"].as_str(), row["is_own"].as_bool()),
        (Some("asked"), Some("Mia"), Some(true))
    );
    decided(&stage, &second, approve()).await;
    mia.is_told("Häxan (1922) is ready to watch.").await;
    let (_, all) = stage.get("/api/requests?state=all").await;
    assert_eq!(all["requests"].as_array().map(Vec::len), Some(1), "{all}");
    assert_eq!(all["requests"][0]["state"], "watchable");
    assert_eq!(kim.news().await, [] as [String; 0], "who was told no is not told of what others get");
    assert_eq!(stage.town.violations(), []);
    stage.check_whole();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_film_nobody_asked_for_is_kept_and_its_mending_is_told() {
    let mut stage = stage("").await;
    let report =
        json!({"media_type": "film", "tmdb_id": METROPOLIS, "problem": "wrong_language", "details": "only Swedish"});
    let key = {
        let mia = Somebody::new(&stage, "Mia", "member");
        let answer = mia.uses("media_report", report).await;
        let said = "Metropolis (1927): wrong language (“only Swedish”) was reported. It is kept until it is dealt with, and the admins are told.";
        assert_eq!(answer["receipt"], said);
        mia.key
    };
    stage.restart().await;
    let mia = Somebody { stage: &stage, key };
    let kim = Somebody::new(&stage, "Kim", "child");
    assert_eq!(kim.get("/api/reports").await["reports"], json!([]), "others do not see it");
    let own = mia.get("/api/reports").await["reports"][0].clone();
    assert_eq!(
        (own["text"].as_str(), own["is_own"].as_bool(), own["may_close"].as_bool(), &own["request_id"]),
        (Some("wrong language (“only Swedish”)"), Some(true), Some(false), &Value::Null)
    );
    let path = format!("/api/reports/{}", own["id"].as_str().unwrap());
    let mended = json!({"state": "mended", "answer": "there is another file now"});
    assert_eq!(mia.send(Method::POST, &path, mended.clone()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(kim.send(Method::POST, &path, mended.clone()).await.0, StatusCode::NOT_FOUND);
    let (_, shown) = stage.get("/api/reports").await;
    assert_eq!(
        (shown["reports"][0]["reporter_name"].as_str(), shown["reports"][0]["may_close"].as_bool()),
        (Some("Mia"), Some(true))
    );
    assert_eq!(stage.post(&path, json!({"state": "open"})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(stage.post(&path, mended.clone()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(stage.post(&path, mended).await.0, StatusCode::CONFLICT, "once");
    mia.is_told("what you reported (wrong language (“only Swedish”)) is mended: “there is another file now”").await;
    assert_eq!(mia.get("/api/reports").await["reports"], json!([]));
    assert_eq!(mia.get("/api/reports?state=all").await["reports"][0]["state"], "mended");
    let admin = Somebody { stage: &stage, key: stage.key.clone() };
    admin.is_told("Mia reports wrong language").await;
    assert_eq!(changes(&stage), [] as [String; 0], "nothing is changed by a report");
    stage.check_whole();
}

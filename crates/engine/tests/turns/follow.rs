//! What was asked for is followed, and those who wait are told: once each, when it is there, whatever the services say in between.

use super::*;
use futures_util::future::BoxFuture;
use majordomo_domain::{
    Decision, Follow, Happening, Hook, NoticeKind, NoticeLevel, Past, Progress, Request, RequestId, RequestState,
    hook::Notification,
    request::{RequestItem, Watcher},
};
use majordomo_engine::NewsConfig;
use majordomo_store::NewRequest;
use serde_json::json;

/// How far each wish is, by its subject, as the outside would say.
#[derive(Clone, Default)]
pub struct Shelf(Arc<Mutex<BTreeMap<String, Result<Progress, ToolError>>>>, Diary);

/// What the shop has written down; None while it is closed. With every reading it was asked for: from when on.
type Diary = Arc<Mutex<(Option<Vec<Happening>>, Vec<i64>)>>;

impl Follow for Shelf {
    fn look<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Progress, ToolError>> {
        let found = self.0.lock().unwrap().get(&request.subject).cloned();
        Box::pin(async move { found.unwrap_or_else(|| Ok(Progress::default())) })
    }

    fn sources(&self) -> Vec<String> {
        vec!["shop default".into()]
    }

    fn past<'a>(
        &'a self,
        source: &'a str,
        since_ms: i64,
        requests: &'a [Request],
    ) -> BoxFuture<'a, Result<Past, ToolError>> {
        assert!(source == "shop default" && !requests.is_empty());
        let mut diary = self.1.lock().unwrap();
        diary.1.push(since_ms);
        let closed = ToolError::CouldNotAsk { service: "shop".into(), reason: "connection refused".into() };
        let rows = diary.0.clone().ok_or(closed);
        let told = rows.map(|rows| {
            let happenings: Vec<_> = rows.into_iter().filter(|row| row.at_ms >= since_ms).collect();
            Past { newest_ms: happenings.iter().map(|row| row.at_ms).max(), happenings }
        });
        Box::pin(async move { told })
    }
}

/// A webhook whose body names what it is about.
pub struct Bell;

impl Hook for Bell {
    fn name(&self) -> &str {
        "bell"
    }

    fn receive<'a>(
        &'a self,
        content_type: &'a str,
        body: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Notification>, ToolError>> {
        Box::pin(async move {
            assert_eq!(content_type, "text/plain");
            let text = String::from_utf8_lossy(body).into_owned();
            let (kind, rest) = text.split_once(' ').unwrap_or((&text, ""));
            Ok(match kind {
                "test" => None,
                "broken" => {
                    Some(Notification { kind: kind.into(), trouble: Some(rest.to_owned()), ..Notification::default() })
                }
                _ => {
                    Some(Notification { kind: kind.into(), subjects: vec![rest.to_owned()], ..Notification::default() })
                }
            })
        })
    }
}

/// Wish for a film.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Its title.
    title: String,
}

impl Wish {
    async fn ask(&self, world: &World, call: &Call, state: RequestState) {
        let request = Request {
            id: RequestId::new(),
            toolkit: "films".into(),
            subject: format!("film {}", self.title),
            title: self.title.clone(),
            picture: None,
            owner: call.person.id,
            agent: call.agent,
            wish: json!({}),
            state,
            progress: None,
            size_bytes: None,
            created_at_ms: call.now_ms,
            updated_at_ms: call.now_ms,
            closed_at_ms: None,
            revision: 1,
        };
        let watcher = Watcher {
            person: call.person.id,
            conversation: call.conversation,
            agent: call.agent,
            address: Address::new("web", call.conversation.to_string()),
            level: NoticeLevel::Each,
            told: Vec::new(),
            since_ms: call.now_ms,
        };
        let asked = (state == RequestState::Asked).then(|| (call.turn, call.id.clone()));
        let text = format!("asked for {}", self.title);
        let new = NewRequest { request, watcher, asked, text, look_at_ms: call.now_ms };
        world.store.get().unwrap().ask_request(new).await.unwrap();
    }
}

impl Tool for Wish {
    const NAME: &'static str = "films_wish";
    const EFFECT: Effect = Effect::Write;
    type Service = World;

    fn title(&self) -> String {
        format!("Wishing for “{}”", self.title)
    }

    async fn facts(
        &self,
        _world: &World,
        _call: &Call,
    ) -> Result<serde_json::Map<String, serde_json::Value>, ToolError> {
        match self.title.as_str() {
            "away" => Err(ToolError::CouldNotAsk { service: "films".into(), reason: "connection refused".into() }),
            title => Ok(json!({"expected_gb": title.len()}).as_object().cloned().unwrap_or_default()),
        }
    }

    async fn waits(&self, world: &World, call: &Call) -> Result<(), ToolError> {
        self.ask(world, call, RequestState::Asked).await;
        Ok(())
    }

    async fn run(self, world: &World, call: &Call) -> Result<Output, ToolError> {
        if self.title == "nowhere" {
            return Err(ToolError::TellModel("no shop has it".into()));
        }
        self.ask(world, call, RequestState::Wanted).await;
        Ok(Output::done(format!("“{}” is wanted.", self.title)))
    }
}

#[tokio::test]
async fn rules_look_at_what_the_tool_says_of_a_call() {
    let rule = |bound: &str, decision| majordomo_engine::Rule {
        tool: Some("films_*".into()),
        arguments: BTreeMap::from([("expected_gb".to_owned(), bound.to_owned())]),
        decision,
        ..majordomo_engine::Rule::default()
    };
    use majordomo_engine::RuleDecision::{Allow, Refuse};
    let store = Store::scratch().await.unwrap();
    let house = House::on(&store, |_| {}).await;
    house.engine.stop(Duration::from_secs(5)).await;
    let parts = parts_of(&store, &house.model, &house.second, &house.world, TurnLimits::default(), |_| {});
    let rules = vec![rule("<=5", Allow), rule(">20", Refuse)];
    let engine = Engine::start(Parts { rules, news: prompt(), ..parts }).await.unwrap();
    let house = House { engine, ..house };
    let wish = async |title: &str| {
        house.model.calls(&[("films_wish", &json!({"title": title}).to_string())]).says("So.");
        house.asks(&format!("I wish for {title}")).await;
        house.store.open_request("films", &format!("film {title}")).await.unwrap().map(|request| request.state)
    };
    assert_eq!(wish("Small").await, Some(RequestState::Wanted), "small ones need nobody's yes");
    assert_eq!(wish("Neither here").await, Some(RequestState::Asked), "no rule fits: asked as ever");
    assert_eq!(wish("Far too large for our poor disk").await, None, "refused");
    assert_eq!(wish("away").await, Some(RequestState::Asked), "what cannot be told lets no rule fit");
}

fn parts(there: &[u32], of: u32) -> Progress {
    let items = (1..=of).map(|n| RequestItem {
        key: format!("e{n}"),
        group: "Season 1".into(),
        title: format!("{n}. Part"),
        is_watchable: there.contains(&n),
    });
    Progress { items: items.collect(), unit: "episode".into(), line: "as told".into(), ..Progress::default() }
}

fn prompt() -> NewsConfig {
    NewsConfig { gather_seconds: 0, quiet_from: String::new(), quiet_to: String::new(), look_seconds: 1 }
}

struct Following {
    house: House,
    bell: String,
}

impl Following {
    async fn new(news: NewsConfig) -> Self {
        let store = Store::scratch().await.expect("a scratch database opens");
        let person = PersonId::new();
        let world = World::default();
        let (model, second) = (ScriptedModel::new("first/big"), ScriptedModel::new("second/small"));
        let ada = Person {
            id: person,
            name: "Ada".into(),
            standing: Standing::Admin,
            zone: None,
            language: None,
            created_at_ms: 0,
        };
        store.put_person(&ada).await.unwrap();
        let parts = parts_of(&store, &model, &second, &world, TurnLimits::default(), |_| {});
        let engine = Engine::start(Parts { news, ..parts }).await.unwrap();
        let conversation = conversation_of(&store, person, engine.agents()[0].id).await;
        let bell = engine.make_hook_secret(&ada, "bell").await.unwrap();
        Self { house: House { engine, store, model, second, world, person, conversation }, bell }
    }

    fn shelve(&self, subject: &str, progress: Progress) {
        self.house.world.shelf.0.lock().unwrap().insert(subject.into(), Ok(progress));
    }

    fn out_of_reach(&self, subject: &str) {
        let error = ToolError::CouldNotAsk { service: "films".into(), reason: "connection refused".into() };
        self.house.world.shelf.0.lock().unwrap().insert(subject.into(), Err(error));
    }

    async fn rings(&self, text: &str) -> Result<(), EngineError> {
        self.house.engine.receive_hook("bell", &self.bell, "text/plain", text.as_bytes()).await
    }

    /// Wish for a film, approved at once.
    async fn wishes(&self, title: &str) -> Request {
        let house = &self.house;
        house.model.calls(&[("films_wish", &json!({"title": title}).to_string())]).says("It waits for you.");
        house.asks(&format!("I wish for {title}")).await;
        let approval = house.approval().await;
        house.model.says("It is wanted.");
        house.approves(approval.id).await;
        house.store.open_request("films", &format!("film {title}")).await.unwrap().expect("it is followed")
    }

    /// The request once it is as it should be.
    async fn until(&self, id: RequestId, is: impl Fn(&Request) -> bool) -> Request {
        for _ in 0..400 {
            let request = self.house.store.request(id).await.unwrap();
            if is(&request) {
                return request;
            }
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{:#?}", self.house.store.request(id).await);
    }

    /// What was told in a conversation so far.
    async fn news_in(&self, conversation: ConversationId) -> Vec<String> {
        let page = self.house.store.messages(conversation, None, 100).await.unwrap();
        let parts = page.messages.into_iter().flat_map(|m| m.parts);
        let news = parts.filter_map(|part| match part {
            Part::Notice(notice) if notice.kind == NoticeKind::News => Some(notice.text),
            _ => None,
        });
        news.collect()
    }

    async fn told(&self, conversation: ConversationId, number: usize) -> Vec<String> {
        for _ in 0..400 {
            let news = self.news_in(conversation).await;
            if news.len() >= number {
                return news;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{:?}", self.news_in(conversation).await);
    }
}

async fn conversation_of(store: &Store, owner: PersonId, agent: AgentId) -> ConversationId {
    let id = ConversationId::new();
    let place = id.to_string();
    let new = NewConversation { id, owner, agent, place, title: String::new(), now_ms: 1 };
    store.create_conversation(new).await.unwrap();
    id
}

#[tokio::test]
async fn everybody_who_waits_is_told_once_however_often_the_bell_rings() {
    let following = Following::new(prompt()).await;
    let house = &following.house;
    following.shelve("film Dragnet", parts(&[], 10));
    let request = following.wishes("Dragnet").await;
    let bob = house.store.person(house.somebody("Bob", Standing::Member).await).await.unwrap();
    following.until(request.id, |r| r.progress.is_some()).await;
    house.engine.watch_request(&bob, request.id, NoticeLevel::All).await.unwrap();

    // A pack arrives: ten files, then the pack as a whole, some of it twice and out of order; the library is slower.
    for _ in 0..11 {
        following.rings("grab film Dragnet").await.unwrap();
    }
    following.shelve("film Dragnet", Progress { is_settling: true, ..parts(&[1, 2, 3], 10) });
    for _ in 0..11 {
        following.rings("import film Dragnet").await.unwrap();
    }
    following.until(request.id, |r| r.state == RequestState::Downloaded).await;
    assert!(following.news_in(house.conversation).await.is_empty(), "nothing is told before all of it is there");
    following.shelve("film Dragnet", parts(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 10));
    for _ in 0..5 {
        following.rings("import film Dragnet").await.unwrap();
    }
    following.until(request.id, |r| r.state == RequestState::Watchable).await;
    let text = "Dragnet: Season 1 is complete (10 episodes). Ready to watch.";
    assert_eq!(following.told(house.conversation, 1).await, [text]);
    let messages = house.store.messages(house.conversation, None, 100).await.unwrap().messages;
    let about: Vec<_> = messages
        .into_iter()
        .flat_map(|message| message.parts)
        .filter_map(|part| match part {
            Part::Notice(notice) if notice.kind == NoticeKind::News => notice.about,
            _ => None,
        })
        .collect();
    let expected = majordomo_domain::message::About { request: request.id, picture: request.picture.clone() };
    assert_eq!(about, [expected], "the page shows its poster and leads to its story");
    let place = format!("news:{}", bob.id);
    let bobs = loop {
        if let Some(found) = house.store.conversation_at(&place).await.unwrap() {
            break found;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    };
    assert_eq!((following.told(bobs.id, 1).await, bobs.title.as_str()), (vec![text.to_owned()], "News"));

    // Ringing on changes nothing any more.
    following.rings("upgrade film Dragnet").await.unwrap();
    following.wishes("Another").await;
    assert_eq!(following.news_in(house.conversation).await, [text]);
    let kinds: Vec<String> =
        house.store.request_story(request.id).await.unwrap().into_iter().map(|line| line.kind).collect();
    assert_eq!(kinds, ["asked", "approved", "wanted", "joined", "downloaded", "watchable", "told", "told"]);
}

#[tokio::test]
async fn a_service_that_is_away_changes_nothing_and_is_asked_again() {
    let following = Following::new(prompt()).await;
    following.out_of_reach("film Metropolis");
    let request = following.wishes("Metropolis").await;
    let seen = following.until(request.id, |r| r.progress.is_some()).await;
    assert_eq!(seen.state, RequestState::Wanted);
    assert_eq!(seen.progress.unwrap().line, "could not ask films: connection refused");
    let film = RequestItem { key: "film".into(), is_watchable: true, ..RequestItem::default() };
    following.shelve("film Metropolis", Progress { items: vec![film], ..Progress::default() });
    following.until(request.id, |r| r.state == RequestState::Watchable).await;
    assert_eq!(following.told(following.house.conversation, 1).await, ["Metropolis is ready to watch."]);
}

#[tokio::test]
async fn what_is_to_be_told_outlives_a_stop_and_is_told_once() {
    let slow = NewsConfig { gather_seconds: 3_600, ..prompt() };
    let following = Following::new(slow).await;
    let house = &following.house;
    following.shelve("film Detour", parts(&[], 1));
    let request = following.wishes("Detour").await;
    following.shelve("film Detour", parts(&[1], 1));
    following.rings("import film Detour").await.unwrap();
    following.until(request.id, |r| r.state == RequestState::Watchable).await;
    assert!(following.news_in(house.conversation).await.is_empty(), "news wait for more of the same");
    house.engine.stop(Duration::from_secs(5)).await;

    // An hour later, in two processes that start at the same moment.
    let later = Arc::new(majordomo_domain::testing::ManualClock::at(request.created_at_ms + 3_700_000));
    let start = async |owner: &str| {
        let parts = parts_of(&house.store, &house.model, &house.second, &house.world, TurnLimits::default(), |_| {});
        let parts = Parts { news: prompt(), clock: later.clone(), owner: owner.into(), ..parts };
        Engine::start(parts).await.unwrap()
    };
    let (one, two) = (start("one").await, start("two").await);
    assert_eq!(following.told(house.conversation, 1).await.len(), 1);
    one.stop(Duration::from_secs(5)).await;
    two.stop(Duration::from_secs(5)).await;
    assert_eq!(following.news_in(house.conversation).await, ["Detour: Season 1, “1. Part”. Ready to watch."]);
}

/// Three days of a shop in one parcel of ten: found, failed, found again, put on the shelf, one of them replaced, one lost.
fn diary(request: &Request) -> Vec<Happening> {
    const HOUR: i64 = 3_600_000;
    let at = |hours: i64, n: i64| request.created_at_ms + hours * HOUR + n * 1_000;
    let row = |at_ms: i64, kind: &str, parcel: &str, n: i64| Happening {
        request: request.id,
        key: format!("{kind} {parcel}"),
        at_ms,
        kind: kind.into(),
        part: Some(format!("S01E{n:02}")),
        text: format!("{parcel} was {kind}"),
    };
    let mut rows = vec![row(at(-5, 0), "grabbed", "an older parcel", 1)];
    for n in 1..=10 {
        rows.push(row(at(1, 0), "grabbed", "parcel A", n));
        rows.push(row(at(2, 0), "download_failed", "parcel A", n));
        rows.push(row(at(3, 0), "grabbed", "parcel B", n));
        rows.push(row(at(5, n), "imported", "parcel B", n));
    }
    rows.push(row(at(20, 0), "upgraded", "a better one", 3));
    rows.push(row(at(22, 0), "deleted", "by hand", 4));
    // Some of it twice, and none of it in order.
    let twice: Vec<Happening> = rows.iter().step_by(3).cloned().collect();
    rows.extend(twice);
    rows.reverse();
    rows
}

#[tokio::test]
async fn a_lost_day_is_told_once_and_stands_in_the_story_with_its_own_times() {
    let following = Following::new(prompt()).await;
    let house = &following.house;
    following.shelve("film Dragnet", parts(&[], 10));
    let request = following.wishes("Dragnet").await;
    house.engine.stop(Duration::from_secs(5)).await;

    let rows = diary(&request);
    following.shelve("film Dragnet", parts(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 10));
    let shelf = house.world.shelf.clone();
    let later = Arc::new(majordomo_domain::testing::ManualClock::at(request.created_at_ms + 24 * 3_600_000));
    let start = async |owner: &str| {
        let parts = parts_of(&house.store, &house.model, &house.second, &house.world, TurnLimits::default(), |_| {});
        Engine::start(Parts { news: prompt(), clock: later.clone(), owner: owner.into(), ..parts }).await.unwrap()
    };
    // The shop is still closed when the house wakes up, then it has half of the second parcel on its shelf.
    let one = start("one").await;
    let text = "Dragnet: Season 1 is complete (10 episodes). Ready to watch.";
    assert_eq!(following.told(house.conversation, 1).await, [text]);
    let until_then = |row: &&Happening| row.at_ms <= request.created_at_ms + 5 * 3_600_000 + 5_000;
    let half = rows.iter().filter(until_then).cloned().collect();
    shelf.1.lock().unwrap().0 = Some(half);
    let story_of = async |kind: &str, parts: &str| {
        for _ in 0..400 {
            let story = house.store.request_story(request.id).await.unwrap();
            if story.iter().any(|line| line.kind == kind && line.text.ends_with(parts)) {
                return story;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("{:#?}", house.store.request_story(request.id).await);
    };
    story_of("imported", " (5 parts, S01E01 to S01E05)").await;
    one.stop(Duration::from_secs(5)).await;

    // Two processes read the rest, at the same moment and each of them all of it.
    shelf.1.lock().unwrap().0 = Some(rows);
    let (two, three) = (start("two").await, start("three").await);
    let story = story_of("deleted", " (S01E04)").await;
    let lines: Vec<(&str, &str, i64)> = story
        .iter()
        .filter(|line| line.kind != "approved" && line.kind != "asked")
        .map(|line| (line.kind.as_str(), line.text.as_str(), (line.at_ms - request.created_at_ms) / 3_600_000))
        .collect();
    assert_eq!(
        lines,
        [
            ("wanted", lines[0].1, 0),
            ("grabbed", "parcel A was grabbed (10 parts, S01E01 to S01E10)", 1),
            ("download_failed", "parcel A was download_failed (10 parts, S01E01 to S01E10)", 2),
            ("grabbed", "parcel B was grabbed (10 parts, S01E01 to S01E10)", 3),
            ("imported", "parcel B was imported (10 parts, S01E01 to S01E10)", 5),
            ("upgraded", "a better one was upgraded (S01E03)", 20),
            ("deleted", "by hand was deleted (S01E04)", 22),
            ("watchable", "as told", 24),
            ("told", lines[8].1, 24),
        ],
    );
    // A webhook only makes it read on from where it was.
    let asked = shelf.1.lock().unwrap().1.len();
    two.receive_hook("bell", &following.bell, "text/plain", b"import film Dragnet").await.unwrap();
    while shelf.1.lock().unwrap().1.len() == asked {
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let since = *shelf.1.lock().unwrap().1.last().unwrap();
    assert_eq!((since - request.created_at_ms) / 60_000, 22 * 60 - 15, "a little of what is known is read again");
    two.stop(Duration::from_secs(5)).await;
    three.stop(Duration::from_secs(5)).await;
    assert_eq!(house.store.request_story(request.id).await.unwrap(), story);
    assert_eq!(following.news_in(house.conversation).await, [text], "what is read late is told nobody");
}

#[tokio::test]
async fn a_declined_wish_and_one_that_did_not_work_are_over_with_their_reason() {
    let following = Following::new(prompt()).await;
    let house = &following.house;
    house.model.calls(&[("films_wish", r#"{"title":"Charade"}"#)]).says("It waits.");
    house.asks("I wish for Charade").await;
    let waiting = house.store.open_request("films", "film Charade").await.unwrap().unwrap();
    assert_eq!(waiting.state, RequestState::Asked);
    let approval = house.approval().await;
    house.model.says("So be it.");
    let reason = Some("we have it on disc".to_owned());
    house.decides(approval.id, house.person, Decision::Decline { reason }).await.unwrap();
    let over = house.store.request(waiting.id).await.unwrap();
    assert_eq!(over.state, RequestState::Declined);
    let last = house.store.request_story(waiting.id).await.unwrap().pop().unwrap();
    assert_eq!((last.actor, last.text.as_str()), (Some(house.person), "declined: we have it on disc"));

    house.model.calls(&[("films_wish", r#"{"title":"nowhere"}"#)]).says("It waits.");
    house.asks("I wish for nowhere").await;
    let waiting = house.store.open_request("films", "film nowhere").await.unwrap().unwrap();
    house.model.says("It did not work.");
    house.approves(house.approval().await.id).await;
    let over = house.store.request(waiting.id).await.unwrap();
    assert_eq!(over.state, RequestState::Failed);
    assert!(house.store.request_story(waiting.id).await.unwrap().pop().unwrap().text.contains("no shop has it"));
}

impl Following {
    /// A wish that waits for a yes, for which somebody else waits in a conversation of their own: the wish, and that conversation.
    async fn shared(&self, title: &str) -> (Request, ConversationId) {
        let house = &self.house;
        house.model.calls(&[("films_wish", &json!({"title": title}).to_string())]).says("It waits.");
        house.asks(&format!("I wish for {title}")).await;
        let waiting = house.store.open_request("films", &format!("film {title}")).await.unwrap().unwrap();
        let bea = house.somebody("Bea", Standing::Member).await;
        let agent = house.engine.agents()[0].id;
        let conversation = conversation_of(&house.store, bea, agent).await;
        let watcher = Watcher {
            person: bea,
            conversation,
            agent,
            address: Address::new("web", conversation.to_string()),
            level: NoticeLevel::Each,
            told: Vec::new(),
            since_ms: 1,
        };
        house.store.watch_request(waiting.id, watcher, "Bea waits too".into()).await.unwrap();
        (waiting, conversation)
    }
}

#[tokio::test]
async fn who_waits_too_hears_of_a_no_and_of_a_wish_taken_back_where_they_asked() {
    let following = Following::new(prompt()).await;
    let house = &following.house;
    let (_, beas) = following.shared("Charade").await;
    house.model.says("So be it.");
    let reason = Some("we have it on disc".to_owned());
    house.decides(house.approval().await.id, house.person, Decision::Decline { reason }).await.unwrap();
    assert_eq!(following.told(beas, 1).await, ["Charade was declined: “we have it on disc”"]);

    let request = following.wishes("Detour").await;
    let ada = house.store.person(house.person).await.unwrap();
    let watcher = house.store.watchers(request.id).await.unwrap().remove(0);
    let bea = house.store.conversation(beas).await.unwrap().owner;
    let waits = Watcher { person: bea, conversation: beas, address: Address::new("web", beas.to_string()), ..watcher };
    house.store.watch_request(request.id, waits, "Bea waits too".into()).await.unwrap();
    house.engine.cancel_request(&ada, request.id).await.unwrap();
    let told = following.told(beas, 2).await;
    assert_eq!(told[1..], ["Detour was taken back by Ada."]);
    assert!(following.news_in(house.conversation).await.is_empty(), "who did it knows");
}

#[tokio::test]
async fn a_no_at_night_wakes_nobody_and_is_told_in_the_morning() {
    let now = jiff::Zoned::now();
    let at = |hours: i64| now.checked_add(jiff::Span::new().hours(hours)).unwrap().strftime("%H:%M").to_string();
    let night = NewsConfig { quiet_from: at(-1), quiet_to: at(1), ..prompt() };
    let following = Following::new(night).await;
    let house = &following.house;
    let (_, beas) = following.shared("Charade").await;
    house.model.says("So be it.");
    house.decides(house.approval().await.id, house.person, Decision::Decline { reason: None }).await.unwrap();
    let morning = now.timestamp().as_millisecond() + 50 * 60_000;
    for _ in 0..400 {
        let waiting = house.store.due_news(i64::MAX, 10).await.unwrap();
        assert_eq!(waiting.len(), 1, "it is not told yet");
        if waiting[0].due_at_ms > morning {
            assert!(following.news_in(beas).await.is_empty());
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it was not put off");
}

#[tokio::test]
async fn only_the_address_we_gave_out_is_listened_to_and_admins_hear_of_trouble() {
    let following = Following::new(prompt()).await;
    let house = &following.house;
    let wrong = [("bell", "0000"), ("bell", ""), ("gong", following.bell.as_str())];
    for (name, secret) in wrong {
        let refused = house.engine.receive_hook(name, secret, "text/plain", b"test").await;
        assert!(matches!(refused, Err(EngineError::NotFound("hook"))), "{name} {secret}");
    }
    following.rings("test").await.unwrap();
    following.rings("broken The disk of the films is full.").await.unwrap();
    let place = format!("news:{}", house.person);
    let conversation = loop {
        if let Some(found) = house.store.conversation_at(&place).await.unwrap() {
            break found.id;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    };
    assert_eq!(following.told(conversation, 1).await, ["The disk of the films is full."]);
    let admin = house.store.person(house.person).await.unwrap();
    let renewed = house.engine.make_hook_secret(&admin, "bell").await.unwrap();
    assert!(following.rings("test").await.is_err(), "the old address is void");
    house.engine.receive_hook("bell", &renewed, "text/plain", b"test").await.unwrap();
    let member = house.store.person(house.somebody("Bob", Standing::Member).await).await.unwrap();
    for refused in [
        house.engine.make_hook_secret(&member, "bell").await.map(drop),
        house.engine.remove_hook_secret(&member, "bell").await,
        house.engine.hooks(&member).await.map(drop),
    ] {
        assert!(matches!(refused, Err(EngineError::NotAllowed(_))), "{refused:?}");
    }
    let unknown = house.engine.make_hook_secret(&admin, "gong").await;
    assert!(matches!(unknown, Err(EngineError::NotFound("hook"))), "{unknown:?}");
    assert!(house.engine.hooks(&admin).await.unwrap()[0].1.is_some());
    house.engine.remove_hook_secret(&admin, "bell").await.unwrap();
    let gone = house.engine.receive_hook("bell", &renewed, "text/plain", b"test").await;
    assert!(matches!(gone, Err(EngineError::NotFound("hook"))), "{gone:?}");
    assert_eq!(house.engine.hooks(&admin).await.unwrap(), [("bell".to_owned(), None)]);
}

#[tokio::test]
async fn a_request_is_its_owners_to_take_back_and_a_guests_only_if_it_is_theirs() {
    let following = Following::new(prompt()).await;
    let house = &following.house;
    let request = following.wishes("Detour").await;
    let person = async |name: &str, standing| house.store.person(house.somebody(name, standing).await).await.unwrap();
    let (member, guest) = (person("Bob", Standing::Member).await, person("Eve", Standing::Guest).await);
    assert_eq!(house.engine.requests(&member, false, true, None, 10).await.unwrap().len(), 1);
    assert_eq!(house.engine.requests(&member, true, true, None, 10).await.unwrap().len(), 0);
    assert_eq!(house.engine.requests(&guest, false, true, None, 10).await.unwrap().len(), 0);
    assert!(matches!(house.engine.request_detail(&guest, request.id).await, Err(EngineError::NotFound(_))));
    let refused = house.engine.cancel_request(&member, request.id).await;
    assert!(matches!(refused, Err(EngineError::NotAllowed(_))), "{refused:?}");
    let owner = house.store.person(house.person).await.unwrap();
    house.engine.cancel_request(&owner, request.id).await.unwrap();
    assert!(matches!(house.engine.cancel_request(&owner, request.id).await, Err(EngineError::Conflict(_))));
    assert_eq!(house.store.request(request.id).await.unwrap().state, RequestState::Cancelled);
}

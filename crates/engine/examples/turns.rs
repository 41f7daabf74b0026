//! Turns per second and CPU per turn of engine and store alone, with a model that answers at once. For finding what is slow;
//! the published figures come from the whole program (`make bench`).
#![allow(clippy::print_stdout)]

use futures_util::{StreamExt, future::BoxFuture, stream, stream::BoxStream};
use majordomo_domain::{
    Accepted, Address, Agent, AgentId, ConversationId, Model, ModelError, ModelEvent, ModelRequest, ModelRole, Part,
    Person, PersonId, Provider, Standing, StopReason, SystemClock, Usage,
    model::{ModelInfo, ModelOptions},
    op::Say,
};
use majordomo_engine::{Config, Engine, Limits, Parts, RoleModel, Router};
use majordomo_store::{NewConversation, Store};
use std::{collections::BTreeMap, sync::Arc, time::Instant};

struct Instant0(ModelInfo);

impl Model for Instant0 {
    fn info(&self) -> &ModelInfo {
        &self.0
    }
    fn stream(&self, _: ModelRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        stream::iter([
            Ok(ModelEvent::Text("Good evening. ".into())),
            Ok(ModelEvent::Text("What would you like to watch?".into())),
            Ok(ModelEvent::Usage(Usage { input_tokens: 100, output_tokens: 10, ..Usage::default() })),
            Ok(ModelEvent::Finished { reason: StopReason::End, model: None }),
        ])
        .boxed()
    }
}

struct Only;

impl Provider for Only {
    fn name(&self) -> &str {
        "instant"
    }
    fn list(&self) -> BoxFuture<'_, Result<Vec<ModelInfo>, ModelError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    fn model(&self, id: &str, _: ModelOptions) -> Arc<dyn Model> {
        Arc::new(Instant0(ModelInfo {
            name: format!("instant/{id}"),
            provider: "instant".into(),
            id: id.into(),
            context_tokens: None,
            price: None,
        }))
    }
}

#[tokio::main]
async fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "target".into());
    let path = format!("{folder}/turns-bench.db");
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{path}{end}"));
    }
    let store = Store::open(&format!("sqlite://{path}")).await.expect("opens");
    let person = PersonId::new();
    let who = Person {
        id: person,
        name: "Ada".into(),
        standing: Standing::Admin,
        zone: None,
        language: None,
        created_at_ms: 0,
    };
    store.put_person(&who).await.expect("written");
    let role = RoleModel { provider: "instant".into(), id: "one".into(), options: ModelOptions::default() };
    let engine = Engine::start(Parts {
        store: store.clone(),
        clock: Arc::new(SystemClock),
        toolkits: Vec::new(),
        router: Router::new(vec![Arc::new(Only)], BTreeMap::from([(ModelRole::Chat, vec![role])]), Default::default()),
        agents: vec![Agent {
            id: AgentId::new(),
            name: "a".into(),
            prompt: "p".into(),
            toolkits: vec![],
            first_tools: vec![],
            may_stay_silent: false,
            approvals: Default::default(),
            memory: Default::default(),
            limits: Default::default(),
        }],
        config: Config::default(),
        rules: Vec::new(),
        news: Default::default(),
        limits: Limits { messages_per_minute: 0, ..Limits::default() },
        owner: "bench".into(),
    })
    .await
    .expect("starts");
    let agent = engine.agents()[0].id;
    for (at_once, turns) in [(1usize, 500usize), (64, 20_000)] {
        let cpu = cpu_seconds();
        let started = Instant::now();
        let mut latencies: Vec<f64> = stream::iter(0..turns)
            .map(|n| {
                let engine = engine.clone();
                tokio::spawn(async move {
                    let begun = Instant::now();
                    let conversation = ConversationId::new();
                    let say = Say {
                        conversation,
                        agent,
                        author: person,
                        address: Address::new("web", "bench"),
                        room: None,
                        platform_id: None,
                        parts: vec![Part::text(format!("hello {n}"))],
                        model: None,
                        output_tokens: None,
                        task: Default::default(),
                    };
                    let create = NewConversation {
                        id: conversation,
                        owner: person,
                        agent,
                        place: conversation.to_string(),
                        title: String::new(),
                        now_ms: 1,
                    };
                    let Ok(Accepted::Turn { turn, .. }) = engine.say(say, Some(create)).await else {
                        panic!("accepted")
                    };
                    engine.finished(turn).await.expect("finished");
                    begun.elapsed().as_secs_f64() * 1e3
                })
            })
            .buffer_unordered(at_once)
            .map(|r| r.expect("no panic"))
            .collect()
            .await;
        latencies.sort_by(f64::total_cmp);
        let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        println!(
            "{at_once:>3} at once: {:.0} turns/s, {:.3} CPU s per 1000, p50 {:.2} ms, p99 {:.2} ms",
            turns as f64 / wall,
            cpu / turns as f64 * 1e3,
            latencies[turns / 2],
            latencies[turns * 99 / 100]
        );
    }
}

/// User and system time of this process so far, from the kernel's own account. Seconds.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit(") ").next().unwrap_or_default();
    let fields: Vec<f64> = after.split(' ').map(|f| f.parse().unwrap_or(0.0)).collect();
    fields.get(11..13).map_or(0.0, |t| (t[0] + t[1]) / 100.0)
}

//! What people do without a model: run one tool, stop everything.

use crate::{
    access::Verdict,
    budget::Payer,
    dispatch::Batch,
    engine::{Engine, EngineError, Outcome},
    once,
    turn::DIRECT,
};
use majordomo_domain::{
    Accepted, Address, AgentId, CallRequest, ConversationId, Effect, Label, Message, MessageId, Millis, ModelRequest,
    Notice, NoticeKind, Output, Part, Person, PersonId, Role, ToolError, TurnId,
    op::{Invoke, Say, Task},
    text::shorten,
    tool::{Ask, Call},
};
use majordomo_store::{Forgotten, NewAudit, NewConversation, ToStop};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

/// How long a code that joins an account is good for. Milliseconds.
const LINK_CODE_MS: i64 = 10 * 60_000;
/// Wrong codes of one account in a quarter of an hour.
const MOST_WRONG_CODES: u32 = 10;
/// Characters of what a tool may ask a model.
const MAX_QUESTION: usize = 20_000;

/// What a tool that was run directly came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Invoked {
    /// It ran.
    Output(Output),
    /// It changes something: a turn runs it, or asks first.
    Turn { turn: TurnId, outcome: Arc<Outcome> },
}

impl Engine {
    /// Run one tool for a person, without a model, under the same rules. A read runs at once; a change is a turn of a conversation of
    /// its own, so that it is journalled and asked about like any other.
    pub async fn run_tool(&self, name: &str, arguments: &str, person: Person) -> Result<Invoked, EngineError> {
        let tool = self.0.catalogue.find(name).ok_or(EngineError::NotFound("tool"))?;
        let parsed = tool.tool.parse(arguments)?;
        let agent = &self.agents()[0];
        let call = CallRequest { id: DIRECT.into(), name: tool.tool.name.into(), arguments: arguments.into() };
        let person = Arc::new(person);
        let (nothing, none) = (BTreeSet::new(), HashSet::new());
        let batch = Batch {
            engine: self,
            turn: TurnId::new(),
            conversation: ConversationId::new(),
            person: person.clone(),
            agent,
            prefix: "d".into(),
            keeps_all: false,
            looked: &HashMap::new(),
            result_chars: agent.limits.result_chars as usize,
            calls_at_once: 1,
            channel: "web",
            room: None,
            label: Label::OWN,
            sources: &nothing,
            said: "",
            begun: &none,
            may_change: true,
        };
        let verdict = batch.verdict(tool, &*parsed, arguments);
        if verdict.verdict == Verdict::No {
            self.write_down(NewAudit {
                at_ms: self.0.clock.now_ms(),
                actor: Some(person.id),
                kind: "policy",
                subject: tool.tool.name.into(),
                conversation: None,
                turn: None,
                detail: format!("{}: {}", verdict.verdict.name(), verdict.reason),
            })
            .await;
            return Err(EngineError::Tool(ToolError::TellModel(format!("this may not be done: {}", verdict.reason))));
        }
        if tool.tool.effect == Effect::Read && verdict.verdict == Verdict::Yes {
            let call = Call { key: String::new(), ..batch.call_of(&call) };
            return Ok(Invoked::Output(tool.run(parsed, &call).await?));
        }
        let place = format!("direct:{}", person.id);
        let conversation = match self.0.store.conversation_at(&place).await? {
            Some(conversation) => conversation.id,
            None => ConversationId::new(),
        };
        let create = NewConversation {
            id: conversation,
            owner: person.id,
            agent: agent.id,
            place,
            title: "Tools run by hand".into(),
            now_ms: self.0.clock.now_ms(),
        };
        let invoke = Invoke {
            conversation,
            agent: agent.id,
            author: person.id,
            address: Address::new("web", conversation.to_string()),
            platform_id: None,
            tool: call.name,
            arguments: call.arguments,
        };
        match self.invoke(invoke, Some(create)).await? {
            Accepted::Turn { turn, .. } => Ok(Invoked::Turn { turn, outcome: self.finished(turn).await? }),
            _ => Err(EngineError::NotFound("turn")),
        }
    }

    /// Accept a call that somebody makes, as a turn.
    pub(crate) async fn invoke(
        &self,
        invoke: Invoke,
        create: Option<NewConversation>,
    ) -> Result<Accepted, EngineError> {
        let tool = self.0.catalogue.find(&invoke.tool).ok_or(EngineError::NotFound("tool"))?;
        let title = tool.tool.parse(&invoke.arguments)?.title();
        let text = format!("Run by hand: {}", shorten(&title, 200));
        let say = Say {
            conversation: invoke.conversation,
            agent: invoke.agent,
            author: invoke.author,
            address: invoke.address,
            room: None,
            platform_id: invoke.platform_id,
            parts: vec![Part::Notice(Notice::new(NoticeKind::Decided, text))],
            model: None,
            output_tokens: None,
            task: Task::Invoke {
                call: CallRequest { id: DIRECT.into(), name: invoke.tool, arguments: invoke.arguments },
            },
        };
        self.say(say, create).await
    }

    /// Stop every turn of a person, or of everybody, that runs or waits here; how many. Outside any model, at once.
    pub async fn stop_turns(&self, by: PersonId, everybody: bool) -> Result<u32, EngineError> {
        let handles: Vec<_> = self.turns().values().filter(|t| everybody || t.person == by).cloned().collect();
        for handle in &handles {
            handle.cancel.cancel();
        }
        let which = if everybody { ToStop::Everybody } else { ToStop::Person(by) };
        let stopped = self.write_stop(which, handles.len()).await;
        self.write_down(NewAudit {
            at_ms: self.0.clock.now_ms(),
            actor: Some(by),
            kind: "stop",
            subject: if everybody { "everybody" } else { "own turns" }.into(),
            conversation: None,
            turn: None,
            detail: format!("{stopped} turns were told to stop"),
        })
        .await;
        Ok(stopped)
    }

    /// Forget a person, stopping what runs for them.
    pub async fn forget_person(&self, person: PersonId) -> Result<Forgotten, EngineError> {
        self.stop_turns(person, false).await?;
        let handles: Vec<_> = self.turns().values().filter(|t| t.person == person).cloned().collect();
        for handle in handles {
            let _ = tokio::time::timeout(Duration::from_secs(5), handle.outcome()).await;
        }
        let gone = self.0.store.forget_person(person).await?;
        self.0.remembered.invalidate_all();
        self.0.known.invalidate_all();
        self.write_down(NewAudit {
            at_ms: self.0.clock.now_ms(),
            actor: Some(person),
            kind: "forgotten",
            subject: "person".into(),
            conversation: None,
            turn: None,
            detail: format!("{} conversations and {} facts were erased", gone.conversations, gone.facts),
        })
        .await;
        Ok(gone)
    }

    /// A code by which an account on another channel joins a person, once, and until when. A new one voids the one before.
    pub async fn make_link_code(&self, person: PersonId) -> Result<(String, Millis), EngineError> {
        // Without letters that are taken for one another: 32 signs, ten of them, 50 bits.
        const SIGNS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|error| EngineError::Unusable(error.to_string()))?;
        let code: String = random.iter().map(|byte| char::from(SIGNS[usize::from(byte % 32)])).collect();
        let expires_at_ms = self.0.clock.now_ms() + LINK_CODE_MS;
        self.0.store.put_link_code(&digest_of(&code), person, expires_at_ms).await?;
        Ok((code, expires_at_ms))
    }

    /// Join an account to the person who made the code. [`EngineError::NotFound`] for a code that is unknown, used or too old;
    /// [`EngineError::Overloaded`] after ten such codes in a quarter of an hour.
    pub async fn redeem_link_code(&self, code: &str, channel: &str, account: &str) -> Result<PersonId, EngineError> {
        let key = format!("{channel}:{account}");
        let tries = self.0.wrong_codes.get(&key).await.unwrap_or(0);
        if tries >= MOST_WRONG_CODES {
            return Err(EngineError::Overloaded {
                reason: format!("{MOST_WRONG_CODES} wrong codes within a quarter of an hour are the limit"),
                retry_after: Duration::from_secs(900),
                is_repeat: false,
            });
        }
        let code: String = code.trim().to_lowercase().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        let joined = self.0.store.redeem_link_code(&digest_of(&code), channel, account, self.0.clock.now_ms()).await;
        match joined {
            Ok(person) => {
                self.write_down(NewAudit {
                    at_ms: self.0.clock.now_ms(),
                    actor: Some(person),
                    kind: "person",
                    subject: channel.to_owned(),
                    conversation: None,
                    turn: None,
                    detail: "an account joined this person by a code".into(),
                })
                .await;
                Ok(person)
            }
            Err(error) => {
                self.0.wrong_codes.insert(key, tries + 1).await;
                Err(error.into())
            }
        }
    }

    /// "Stop", said while something of the person's runs here, stops it; the turn that was stopped.
    pub(crate) async fn heed_stop(&self, say: &Say) -> Result<Option<TurnId>, EngineError> {
        let [Part::Text { text }] = say.parts.as_slice() else { return Ok(None) };
        let word = text.trim().trim_end_matches(['!', '.']).trim_start_matches(['/', '!']).to_lowercase();
        if !matches!(word.as_str(), "stop" | "stop everything" | "cancel") {
            return Ok(None);
        }
        let first = self.turns().values().filter(|t| t.person == say.author).map(|t| t.turn).min();
        if first.is_some() {
            self.stop_turns(say.author, false).await?;
        }
        Ok(first)
    }

    /// What is to be written down about characters nobody can see.
    pub(crate) fn hidden_text(&self, say: &Say, turn: TurnId, hidden: usize) -> Option<NewAudit> {
        (hidden > 0).then(|| {
            tracing::warn!(hidden, person.id = %say.author, "characters nobody can see were taken out of a message");
            NewAudit {
                at_ms: self.0.clock.now_ms(),
                actor: Some(say.author),
                kind: "hidden_text",
                subject: "message".into(),
                conversation: Some(say.conversation),
                turn: Some(turn),
                detail: format!("{hidden} characters nobody can see were taken out of a message"),
            }
        })
    }

    /// Write something down that has no other commit to go with.
    pub(crate) async fn write_down(&self, entry: NewAudit) {
        if let Err(error) = self.0.store.audit(entry).await {
            tracing::error!(%error, "the audit could not be written");
        }
    }

    /// How a tool asks a model, on its caller's account.
    pub(crate) fn asking(&self, payer: Payer) -> Ask {
        let engine = self.clone();
        Ask(Arc::new(move |role, instructions, about| {
            let (engine, payer) = (engine.clone(), payer.clone());
            Box::pin(async move {
                let model = engine.0.router.candidates(role, None).models.into_iter().next();
                let model = model.ok_or_else(|| ToolError::TellModel("no model is connected for this".into()))?;
                let request = ModelRequest {
                    system: instructions.into(),
                    tools: Arc::new([]),
                    messages: vec![Arc::new(Message {
                        id: MessageId::new(),
                        turn: payer.turn,
                        position: 0,
                        role: Role::User,
                        parts: vec![Part::text(shorten(&about, MAX_QUESTION))],
                        created_at_ms: engine.0.clock.now_ms(),
                    })],
                    max_output_tokens: 1_500,
                    may_call: false,
                    must_call: false,
                    cache_key: String::new(),
                    turn: payer.turn.to_string(),
                };
                let whole = once::ask(&engine, &model, request, &payer).await.map_err(|error| {
                    ToolError::CouldNotAsk { service: "the model".into(), reason: error.to_string() }
                })?;
                engine.0.note_usage(payer.turn, whole.usage, whole.cost_micros);
                Ok(whole.text)
            })
        }))
    }

    /// The conversation that an agent's talk with a person belongs to, where it is not each by itself; its place.
    pub fn shared_place(&self, agent: AgentId, person: PersonId, room: Option<&str>) -> Option<String> {
        use majordomo_domain::MemoryScope;
        match (self.agent(agent).memory, room) {
            (MemoryScope::Conversation, _) => None,
            (MemoryScope::Room, Some(room)) => Some(format!("room:{agent}:{}", shorten(room, 100))),
            (MemoryScope::Person, _) | (MemoryScope::Room, None) => Some(format!("person:{agent}:{person}")),
        }
    }
}

fn digest_of(code: &str) -> String {
    format!("{:x}", Sha256::digest(code))
}

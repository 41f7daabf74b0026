//! What the house remembers, said by people: of a person, of a room, of the household.
//!
//! Knows: facts, each one sentence with its author and whose words it is made of.
//! Never: shows one person's facts where others listen; takes a fact for an instruction.

#[cfg(test)]
mod tests;

use crate::kept::unreachable;
use majordomo_domain::{
    Audience, Call, Effect, Label, Origin, Output, Repeat, Tool, ToolError, Toolkit,
    text::{clean, is_blank, shorten},
    tool::Undo,
    tool::{Class, Limits},
};
use majordomo_store::{Fact, Scope, Store};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{fmt::Write, time::Duration};

/// Talks named at most.
const RECENT: u32 = 20;
/// Characters of one fact.
const LONGEST: usize = 500;

pub struct Memory(Option<Store>);

pub fn toolkit(store: Option<Store>) -> Toolkit {
    Toolkit::new("memory", Memory(store))
        .guide(include_str!("guide.md"))
        .limits(Limits { at_once: 8, timeout: Duration::from_secs(5) })
        .tool::<Remember>()
        .tool::<RememberForHousehold>()
        .tool::<WhatIsKnown>()
        .tool::<Forget>()
        .build()
}

impl Memory {
    fn store(&self) -> Result<&Store, ToolError> {
        self.0.as_ref().ok_or_else(|| ToolError::Bug("there is no store".into()))
    }

    async fn keep(&self, call: &Call, scope: Scope, text: &str) -> Result<String, ToolError> {
        let text = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
        if is_blank(&text) || text.chars().count() > LONGEST {
            return Err(ToolError::TellModel(format!("one sentence of at most {LONGEST} characters")));
        }
        let fact = Fact {
            id: uuid::Uuid::now_v7().to_string(),
            scope,
            author: call.person.id,
            origin: call.label.origin,
            text: text.clone(),
            created_at_ms: call.now_ms,
        };
        self.store()?.put_fact(&fact).await.map_err(unreachable)?;
        Ok(text)
    }
}

/// Whose memory the person's own is, here: in a room, the room's.
fn own(call: &Call) -> Scope {
    match &call.room {
        Some(room) => Scope::Room(room.to_string()),
        None => Scope::Person(call.person.id),
    }
}

/// Remember something the person says of themself, such as a taste. One plain sentence.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remember {
    /// Such as `Likes silent films, no horror.`
    text: String,
}

impl Tool for Remember {
    const NAME: &'static str = "remember";
    const EFFECT: Effect = Effect::Write;
    const UNDO: Undo = Undo::No("it stays until somebody asks to have it forgotten");
    const REPEAT: Repeat = Repeat::Harmless;
    const CLASS: Class = Class::Note;
    const KEYWORDS: &'static str = "remember memory note keep taste preference like dislike fact about me \
        merken merk dir behalten notieren Gedächtnis mag recuerda recordar anota memoria gusta retiens retenir souviens note mémoire aime";
    type Service = Memory;

    fn title(&self) -> String {
        format!("Remember: {}", shorten(self.text.trim(), 100))
    }

    async fn run(self, memory: &Memory, call: &Call) -> Result<Output, ToolError> {
        let text = memory.keep(call, own(call), &self.text).await?;
        Ok(Output::done(format!("Remembered: {text}")))
    }
}

/// Remember something for everybody of the household. One plain sentence; asks the person for a yes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RememberForHousehold {
    /// Such as `Film night is on Fridays.`
    text: String,
}

impl Tool for RememberForHousehold {
    const NAME: &'static str = "remember_for_household";
    const EFFECT: Effect = Effect::Write;
    const UNDO: Undo = Undo::No("it stays until somebody asks to have it forgotten");
    const REPEAT: Repeat = Repeat::Harmless;
    const KEYWORDS: &'static str = "remember memory household family everybody house rule shared fact \
        merken für alle Familie Haushalt recordar para todos familia hogar retenir pour tous famille foyer";
    type Service = Memory;

    fn title(&self) -> String {
        format!("Remember for everybody: {}", shorten(self.text.trim(), 100))
    }

    async fn run(self, memory: &Memory, call: &Call) -> Result<Output, ToolError> {
        let text = memory.keep(call, Scope::Household, &self.text).await?;
        Ok(Output::done(format!("Remembered for everybody: {text}")))
    }
}

/// What is remembered of the person who asks (facts with their ids, talks and their topics), of this room, of the household.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatIsKnown {}

impl Tool for WhatIsKnown {
    const NAME: &'static str = "what_is_known";
    const EFFECT: Effect = Effect::Read;
    const CLASS: Class = Class::ReadPrivate;
    const KEYWORDS: &'static str = "memory know about me remembered facts preferences recall household \
        what do you know remember weißt du über mich gemerkt Gedächtnis sabes de mí recuerdas memoria sais-tu de moi souviens mémoire \
        was weißt du qué sabes que sais-tu";
    type Service = Memory;

    fn title(&self) -> String {
        "Looking at what is remembered".into()
    }

    async fn run(self, memory: &Memory, call: &Call) -> Result<Output, ToolError> {
        let (mut text, mut label) = (String::new(), Label::OWN);
        for scope in [own(call), Scope::Household] {
            for fact in memory.store()?.facts(&scope).await.map_err(unreachable)? {
                let is_own = fact.author == call.person.id;
                label = label.join(Label {
                    origin: if is_own { fact.origin } else { fact.origin.max(Origin::Household) },
                    audience: match scope {
                        Scope::Person(_) => Audience::Person,
                        Scope::Room(_) | Scope::Household => Audience::Household,
                    },
                });
                let by = if is_own { "" } else { ", said by somebody else" };
                let _ = writeln!(text, "- {} [{}{by}, id {}]", fact.text, scope.name(), fact.id);
            }
        }
        if call.room.is_none() {
            let page = memory.store()?.conversations(call.person.id, None, None, RECENT).await.map_err(unreachable)?;
            let titles: Vec<String> = page
                .conversations
                .iter()
                .filter(|conversation| conversation.id != call.conversation && !conversation.title.is_empty())
                .map(|conversation| shorten(&conversation.title, 60))
                .collect();
            if !titles.is_empty() {
                let more = if page.more { " and more" } else { "" };
                let _ = writeln!(text, "Talks kept: {}{more}, lately about: {}.", titles.len(), titles.join("; "));
                label = label.join(Label { origin: Origin::Own, audience: Audience::Person });
            }
        }
        if text.is_empty() {
            return Ok(Output::text("Nothing is remembered here."));
        }
        Ok(Output::text(text).labelled(label))
    }
}

/// Forget one remembered fact for good, by its id from what_is_known.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Forget {
    /// The fact's id.
    id: String,
}

impl Tool for Forget {
    const NAME: &'static str = "forget";
    const EFFECT: Effect = Effect::Write;
    const UNDO: Undo = Undo::No("what is forgotten is kept nowhere");
    const REPEAT: Repeat = Repeat::Harmless;
    const CLASS: Class = Class::Note;
    const KEYWORDS: &'static str = "forget memory erase remove delete that fact about me \
        what I told you vergessen vergiss löschen Gedächtnis erzählt olvidar olvida borrar memoria conté oublier oublie effacer mémoire dit";
    type Service = Memory;

    fn title(&self) -> String {
        "Forget a remembered fact".into()
    }

    async fn run(self, memory: &Memory, call: &Call) -> Result<Output, ToolError> {
        let store = memory.store()?;
        let mut scopes = vec![own(call)];
        // Of the household's, each their own.
        let household = store.facts(&Scope::Household).await.map_err(unreachable)?;
        if household.iter().any(|fact| fact.id == self.id && fact.author == call.person.id) {
            scopes.push(Scope::Household);
        }
        match store.forget_fact(self.id.trim(), &scopes).await.map_err(unreachable)? {
            true => Ok(Output::done("Forgotten.")),
            false => {
                Err(ToolError::TellModel("there is no such fact of this person here; look with what_is_known".into()))
            }
        }
    }
}

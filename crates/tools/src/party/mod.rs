//! The party of a pen-and-paper game: who is in it, what they play, what gear they like, and who gets what of the loot.
//!
//! Knows: one document for each place: a room's party is everybody's in it, elsewhere each person has their own.
//! Never: changes anything without its call, which asks first unless the settings say otherwise.

mod characters;
mod gear;
#[cfg(test)]
mod tests;

use crate::{kept::Kept, party::characters::Character};
use majordomo_domain::{
    Call, Label, Origin, ToolError, Toolkit,
    text::{clean, is_blank},
    tool::Limits,
};
use majordomo_store::Store;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Settings of the section `[tools.party]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How questions about the party are worded.
    pub wording: Theme,
}

/// How questions are worded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    Plain,
    /// In the slang of the game.
    Themed,
    /// As a terminal would ask.
    Terminal,
}

/// Characters of one party at most.
const MOST_CHARACTERS: usize = 60;
/// Calls remembered, so that a repeat of one says what the first said.
const REMEMBERED_CALLS: usize = 40;
/// Seconds a question about the party stays open.
const OPEN_SECONDS: u32 = 60;

pub struct Party {
    kept: Kept,
    theme: Theme,
}

pub fn toolkit(config: &Config, store: Option<Store>) -> Toolkit {
    Toolkit::new("party", Party { kept: Kept::new("party", store), theme: config.wording })
        .guide(include_str!("guide.md"))
        .limits(Limits { at_once: 8, timeout: Duration::from_secs(60) })
        .tool::<characters::AddPartyCharacter>()
        .tool::<characters::RemovePartyCharacter>()
        .tool::<characters::ViewPartyMembers>()
        .tool::<gear::RecommendGear>()
        .build()
}

/// What is kept for one place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Roster {
    characters: Vec<Character>,
    /// Keys of the newest calls with what each said.
    calls: Vec<(String, String)>,
}

impl Roster {
    fn find(&self, name: &str) -> Option<usize> {
        let name = name.to_lowercase();
        self.characters.iter().position(|character| character.name.to_lowercase() == name)
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.characters.iter().map(|character| character.name.as_str()).collect();
        if names.is_empty() { "the party is empty".into() } else { format!("the party has {}", names.join(", ")) }
    }
}

impl Party {
    async fn roster(&self, call: &Call) -> Result<Roster, ToolError> {
        Ok(self.kept.read(call).await?.0)
    }

    /// Change the party once for each call; what is said of it.
    async fn change(
        &self,
        call: &Call,
        mut change: impl FnMut(&mut Roster) -> Result<String, ToolError>,
    ) -> Result<String, ToolError> {
        self.kept
            .change(call, |roster: &mut Roster| {
                // A repeat of a call changes nothing and says the same.
                if let Some((_, said)) = roster.calls.iter().find(|(key, _)| *key == call.key) {
                    return Ok((said.clone(), false));
                }
                let said = change(roster)?;
                roster.calls.push((call.key.clone(), said.clone()));
                let surplus = roster.calls.len().saturating_sub(REMEMBERED_CALLS);
                roster.calls.drain(..surplus);
                Ok((said, true))
            })
            .await
    }
}

/// In a room others wrote it too.
fn label(call: &Call) -> Label {
    match call.room {
        Some(_) => Label { origin: Origin::Household, ..Label::OWN },
        None => Label::OWN,
    }
}

/// A name or a word on one line, without what cannot be seen. Empty ones are the person's to give.
fn one_line(what: &str, text: &str, most: usize) -> Result<String, ToolError> {
    let text = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match text.chars().count() {
        _ if is_blank(&text) => Err(ToolError::TellModel(format!("ask the person for the {what} first"))),
        n if n > most => Err(ToolError::TellModel(format!("the {what} has {n} characters; the limit is {most}"))),
        _ => Ok(text),
    }
}

//! What the household and each of its people like to watch: read, changed, learned from what is said and rated, taken back.
//!
//! Knows: one document for the house and one for each person, each with what was learned, by whom and when.
//! Never: shows one person's document to another, but for what several share on an evening together; changes the household's without
//! its call, which asks first unless the settings say otherwise.
//! Start reading at `profile.rs`, the document; `learning.rs` is how it grows, `constraints.rs` what it forbids.

pub mod constraints;
mod edit;
mod learning;
mod lessons;
mod profile;
mod read;
#[cfg(test)]
mod tests;
mod update;

pub use learning::{Change, Lesson, MediaType, Notebook, Rating, Said, Source, Teacher};
pub use profile::Profile;
pub use read::Company;

use crate::kept::{Kept, unreachable};
use majordomo_domain::{
    Audience, Call, Label, Millis, Origin, PersonId, Standing, ToolError, Toolkit,
    text::shorten,
    tool::{About, BRIEF_CHARS, Class, Known, Limits},
};
use majordomo_store::Store;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeSet, time::Duration};

/// The name of the document of the whole house.
const HOUSE: &str = "household";

pub struct Household {
    kept: Kept,
}

pub fn toolkit(store: Option<Store>) -> Toolkit {
    Toolkit::new("household", Household::new(store))
        .guide(include_str!("guide.md"))
        // A question to the worker takes longer than a look into the store.
        .limits(Limits { at_once: 8, timeout: Duration::from_secs(30) })
        .progress(&[
            "Leafing through the book of tastes…",
            "Remembering who cannot stand what…",
            "Asking the armchair what it has seen…",
            "Looking up who loved which film…",
            "Counting the votes of the sofa…",
            "Checking the list of never again…",
            "Sorting favourites by heart…",
            "Reading the notes in the margin…",
        ])
        .brief(|household, about| async move { household.brief(&about).await })
        .tool::<read::ReadPreferences>()
        .tool::<read::SearchPreferences>()
        .tool::<read::QueryPreferences>()
        .tool::<read::Evening>()
        .tool::<update::UpdatePreferences>()
        .tool::<update::ResetPreferences>()
        .tool::<update::RestorePreferences>()
        .tool::<lessons::Rate>()
        .tool::<lessons::Learned>()
        .tool::<lessons::Unlearn>()
        .build()
}

/// Whose preferences a call is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    #[default]
    Household,
    /// Those of the person who asks.
    Me,
}

impl Whose {
    fn owner(self, call: &Call) -> String {
        match self {
            Whose::Household => HOUSE.into(),
            Whose::Me => call.person.id.to_string(),
        }
    }

    /// Reading them.
    fn reading(self) -> Class {
        match self {
            Whose::Household => Class::Read,
            Whose::Me => Class::ReadPrivate,
        }
    }

    /// Changing them: one's own taste is a note of one's own.
    fn changing(self) -> Class {
        match self {
            Whose::Household => Class::Write,
            Whose::Me => Class::Note,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Whose::Household => "household",
            Whose::Me => "me",
        }
    }

    /// Such as `the household’s preferences`.
    fn in_words(self) -> &'static str {
        match self {
            Whose::Household => "the household’s preferences",
            Whose::Me => "one’s own preferences",
        }
    }
}

/// Whom a command works for, where no person calls.
#[derive(Clone, Copy, Debug)]
pub enum Owner {
    House,
    Person(PersonId),
}

impl Owner {
    fn key(self) -> String {
        match self {
            Owner::House => HOUSE.into(),
            Owner::Person(id) => id.to_string(),
        }
    }
}

impl Household {
    pub fn new(store: Option<Store>) -> Self {
        Self { kept: Kept::new("household", store) }
    }

    async fn notebook(&self, whose: Whose, call: &Call) -> Result<Notebook, ToolError> {
        Ok(self.kept.read_of(&whose.owner(call)).await?.0)
    }

    /// Change one once for each call; what is said of it.
    async fn change(
        &self,
        whose: Whose,
        call: &Call,
        change: impl Fn(&mut Notebook) -> Result<Said, ToolError>,
    ) -> Result<Said, ToolError> {
        let once = |notebook: &mut Notebook| notebook.once(&call.key, &change);
        self.kept.change_of(&whose.owner(call), call.now_ms, once).await
    }

    /// What counts when the person of a call asks for something to watch: the household's and their own together.
    pub async fn taste(&self, call: &Call) -> Result<constraints::Joint, ToolError> {
        let (house, own) = (self.notebook(Whose::Household, call).await?, self.notebook(Whose::Me, call).await?);
        Ok(constraints::joint(&[&house.profile, &own.profile]))
    }

    /// Learn from a rating that was given elsewhere, such as in a media server, for the one who gave it.
    pub async fn rated(&self, call: &Call, rating: Rating) -> Result<Vec<String>, ToolError> {
        let learn = |notebook: &mut Notebook| {
            let lesson = notebook.learn_rating(rating.clone(), teacher(call));
            Ok((lesson.changes.iter().map(Change::in_words).collect(), true))
        };
        self.kept.change_of(&Whose::Me.owner(call), call.now_ms, learn).await
    }

    /// The document of the house or of a person, as in the file `household_preferences.json`.
    pub async fn export(&self, owner: Owner) -> Result<Profile, ToolError> {
        let (notebook, _) = self.kept.read_of::<Notebook>(&owner.key()).await?;
        Ok(notebook.profile)
    }

    /// Put a document in place of the one that is there, which is kept aside. Keys nobody knows stay.
    pub async fn import(&self, owner: Owner, document: serde_json::Value, now_ms: Millis) -> Result<(), ToolError> {
        let profile = Profile::of(document).map_err(ToolError::TellModel)?;
        let teacher = Teacher { by: None, origin: Origin::Own, at_ms: now_ms };
        let replace = |notebook: &mut Notebook| {
            notebook.replace(profile.clone(), Source::Imported, teacher);
            Ok(((), true))
        };
        self.kept.change_of(&owner.key(), now_ms, replace).await
    }

    /// What an agent knows before the first word: the household's taste as far as the person and those who run the house have said
    /// it, and the person's own where nobody else listens.
    async fn brief(&self, about: &About) -> Result<Option<Known>, ToolError> {
        let person = about.person.id;
        let (house, _) = self.kept.read_of::<Notebook>(HOUSE).await?;
        let own = match about.room {
            None => self.kept.read_of::<Notebook>(&person.to_string()).await?.0,
            Some(_) => Notebook::default(),
        };
        if own.profile.is_empty() && house.profile.is_empty() {
            return Ok(None);
        }
        let mut trusted = BTreeSet::from([person]);
        for author in house.authors().into_iter().filter(|author| *author != person) {
            let known = self.kept.store()?.person(author).await;
            trusted.extend(known.is_ok_and(|author| author.standing == Standing::Admin).then_some(author));
        }
        let own = own.by_trusted(&trusted).unwrap_or_default();
        let house = house.by_trusted(&trusted).unwrap_or_default();
        let text = both(&house, &own, BRIEF_CHARS);
        if text.is_empty() {
            return Ok(None);
        }
        let audience = if own.is_empty() { Audience::Household } else { Audience::Person };
        Ok(Some(Known { text, label: Label { origin: Origin::Own, audience } }))
    }
}

/// The short form of both; each has half where both are long.
fn both(house: &Profile, own: &Profile, most: usize) -> String {
    const TITLES: [&str; 2] = ["What the household likes to watch:\n", "What this person likes to watch:\n"];
    let room = most.saturating_sub(TITLES.iter().map(|title| title.chars().count()).sum::<usize>() + 1);
    let own_whole = own.compact(room);
    let house_text = house.compact(room.saturating_sub(own_whole.chars().count().min(room / 2)));
    let own_text = shorten(&own_whole, room.saturating_sub(house_text.chars().count()));
    let parts = TITLES.iter().zip([house_text, own_text]).filter(|(_, text)| !text.is_empty());
    parts.map(|(title, text)| format!("{title}{text}")).collect::<Vec<_>>().join("\n")
}

fn teacher(call: &Call) -> Teacher {
    Teacher { by: Some(call.person.id), origin: call.label.origin, at_ms: call.now_ms }
}

/// Whose words a document holds for the one who reads it, and who may see them.
fn label(notebook: &Notebook, whose: Whose, call: &Call) -> Label {
    let audience = match whose {
        Whose::Household => Audience::Household,
        Whose::Me => Audience::Person,
    };
    Label { audience, ..notebook.label(call.person.id) }
}

async fn person_named(household: &Household, name: &str) -> Result<majordomo_domain::Person, ToolError> {
    let people = household.kept.store()?.people().await.map_err(unreachable)?;
    let wanted = name.trim().to_lowercase();
    match people.iter().find(|person| person.name.to_lowercase() == wanted) {
        Some(person) => Ok(person.clone()),
        None => {
            let names: Vec<String> = people.iter().map(|person| person.name.clone()).collect();
            let known = shorten(&names.join(", "), 400);
            Err(ToolError::TellModel(format!("nobody here is named {}; the household has {known}", shorten(name, 60))))
        }
    }
}

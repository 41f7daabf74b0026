//! Who is in the party.

use super::{MOST_CHARACTERS, OPEN_SECONDS, Party, Theme, label, one_line};
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError,
    approval::Wording,
    text::{clean, shorten},
    tool::{Undo, UndoCall},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Characters of a name or a role.
const LONGEST: usize = 60;
/// Gear preferences of one character, and characters of each.
const MOST_PREFERENCES: usize = 20;
const LONGEST_PREFERENCE: usize = 80;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Character {
    pub name: String,
    pub role: String,
    #[serde(default)]
    pub gear_preferences: Vec<String>,
}

impl Character {
    pub fn preferences(&self) -> String {
        if self.gear_preferences.is_empty() { "none".into() } else { self.gear_preferences.join(", ") }
    }

    /// The call after which they are in the party as they were: at this place, from 0.
    fn back(&self, place: usize) -> UndoCall {
        let mut arguments = json!(self);
        arguments["place"] = json!(place + 1);
        UndoCall {
            tool: AddPartyCharacter::NAME.into(),
            arguments,
            title: format!("Have {} ({}) in the party as before", self.name, self.role),
        }
    }
}

/// Add a character to the party, or change one of that name. Needs name and role; asks the person for a yes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddPartyCharacter {
    /// The character's name, such as `V`.
    name: String,
    /// What they play, such as `Solo` or `Netrunner`.
    role: String,
    /// Gear they like, such as `SMGs`; may be left out.
    #[serde(default)]
    gear_preferences: Option<Vec<String>>,
    /// A new one's place in the list, from 1; at the end when absent.
    #[serde(default)]
    place: Option<usize>,
}

impl AddPartyCharacter {
    fn character(&self) -> Result<Character, ToolError> {
        let given = self.gear_preferences.clone().unwrap_or_default();
        if given.len() > MOST_PREFERENCES {
            return Err(ToolError::TellModel(format!("a character has at most {MOST_PREFERENCES} gear preferences")));
        }
        let preferences = given.iter().filter(|text| !clean(text).trim().is_empty());
        Ok(Character {
            name: one_line("name", &self.name, LONGEST)?,
            role: one_line("role", &self.role, LONGEST)?,
            gear_preferences: preferences
                .map(|text| one_line("gear preference", text, LONGEST_PREFERENCE))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl Tool for AddPartyCharacter {
    const NAME: &'static str = "party_add_character";
    const ALIASES: &'static [&'static str] = &["add_party_character", "add_character"];
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Keyed;
    const UNDO: Undo = Undo::ByCall;
    const APPROVAL_SECONDS: u32 = OPEN_SECONDS;
    const KEYWORDS: &'static str = "party group crew team character member join add update role gear preferences game \
        Gruppe Figur Charakter Mitglied aufnehmen hinzufügen Rolle grupo personaje miembro añadir rol groupe personnage membre ajouter rôle \
        füge zur Gruppe añade al grupo ajoute au groupe";
    type Service = Party;

    fn title(&self) -> String {
        format!("Add {} ({}) to the party", shorten(self.name.trim(), LONGEST), shorten(self.role.trim(), LONGEST))
    }

    fn wording(&self, party: &Party) -> Wording {
        let (name, role) = (shorten(self.name.trim(), LONGEST), shorten(self.role.trim(), LONGEST));
        let (question, declined) = match party.theme {
            Theme::Plain => (format!("Add {name} ({role}) to the party?"), format!("{name} was not added.")),
            Theme::Themed => (
                format!("Choom, shall {name} the {role} ride with the crew?"),
                format!("{name} walks off into the night."),
            ),
            Theme::Terminal => (
                format!("> party.add name={name} role={role} [y/n]"),
                format!("> party.add {name}: aborted by operator"),
            ),
        };
        Wording { question, declined, reason: String::new() }
    }

    async fn preview(&self, party: &Party, call: &Call) -> Result<Card, ToolError> {
        let character = self.character()?;
        let before = party.roster(call).await?;
        let known = before.find(&character.name).map(|place| &before.characters[place]);
        let mut card = Card::new(format!("{} ({})", character.name, character.role))
            .fact("Role", character.role.clone())
            .fact("Gear preferences", character.preferences());
        if let Some(known) = known {
            card.subtitle = "Is in the party already and is changed".into();
            card = card.fact("Until now", format!("{}, gear: {}", known.role, known.preferences()));
        }
        Ok(card)
    }

    async fn run(self, party: &Party, call: &Call) -> Result<Output, ToolError> {
        let character = self.character()?;
        let mut undo = None;
        let said = party
            .change(call, |roster| {
                let (name, role) = (&character.name, &character.role);
                match roster.find(name) {
                    Some(place) => {
                        undo = Some(roster.characters[place].back(place));
                        roster.characters[place] = character.clone();
                        Ok(format!("{name} ({role}) was updated in the party."))
                    }
                    None if roster.characters.len() >= MOST_CHARACTERS => {
                        Err(ToolError::TellModel(format!("a party has at most {MOST_CHARACTERS} characters")))
                    }
                    None => {
                        undo = Some(UndoCall {
                            tool: RemovePartyCharacter::NAME.into(),
                            arguments: json!({ "name": name }),
                            title: format!("Take {name} out of the party again"),
                        });
                        let place = self.place.map_or(usize::MAX, |place| place.saturating_sub(1));
                        roster.characters.insert(place.min(roster.characters.len()), character.clone());
                        Ok(format!("{name} ({role}) was added to the party."))
                    }
                }
            })
            .await?;
        Ok(Output { undo, ..Output::done(said) })
    }
}

/// Remove a character from the party by name. Asks the person for a yes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemovePartyCharacter {
    /// The character's name; upper and lower case are alike.
    name: String,
}

impl Tool for RemovePartyCharacter {
    const NAME: &'static str = "party_remove_character";
    const ALIASES: &'static [&'static str] = &["remove_party_character"];
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Keyed;
    const UNDO: Undo = Undo::ByCall;
    const APPROVAL_SECONDS: u32 = OPEN_SECONDS;
    const KEYWORDS: &'static str = "party group crew team character member leave kick remove drop game \
        Gruppe Figur Charakter Mitglied entfernen rauswerfen werfen grupo personaje quitar expulsar groupe personnage retirer exclure renvoyer";
    type Service = Party;

    fn title(&self) -> String {
        format!("Remove {} from the party", shorten(self.name.trim(), LONGEST))
    }

    fn wording(&self, party: &Party) -> Wording {
        let name = shorten(self.name.trim(), LONGEST);
        let (question, declined) = match party.theme {
            Theme::Plain => (format!("Remove {name} from the party?"), format!("{name} stays in the party.")),
            Theme::Themed => (format!("Cut {name} loose, choom?"), format!("{name} stays with the crew.")),
            Theme::Terminal => {
                (format!("> party.remove name={name} [y/n]"), format!("> party.remove {name}: aborted by operator"))
            }
        };
        Wording { question, declined, reason: String::new() }
    }

    async fn preview(&self, party: &Party, call: &Call) -> Result<Card, ToolError> {
        let name = one_line("name", &self.name, LONGEST)?;
        let roster = party.roster(call).await?;
        let Some(place) = roster.find(&name) else {
            return Err(ToolError::TellModel(format!("{name} was not found; {}", roster.names())));
        };
        let character = &roster.characters[place];
        Ok(Card::new(format!("{} ({})", character.name, character.role))
            .fact("Role", character.role.clone())
            .fact("Gear preferences", character.preferences()))
    }

    async fn run(self, party: &Party, call: &Call) -> Result<Output, ToolError> {
        let name = one_line("name", &self.name, LONGEST)?;
        let mut undo = None;
        let said = party
            .change(call, |roster| match roster.find(&name) {
                Some(place) => {
                    let gone = roster.characters.remove(place);
                    undo = Some(gone.back(place));
                    Ok(format!("{} was removed from the party.", gone.name))
                }
                None => Err(ToolError::TellModel(format!("{name} was not found; {}", roster.names()))),
            })
            .await?;
        Ok(Output { undo, ..Output::done(said) })
    }
}

/// The characters of the party with roles and gear preferences.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewPartyMembers {}

impl Tool for ViewPartyMembers {
    const NAME: &'static str = "party_view";
    const ALIASES: &'static [&'static str] = &["view_party_members", "view_party"];
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "party group crew team characters members show list who game \
        Gruppe Figuren Mitglieder wer zeigen grupo personajes miembros quién mostrar groupe personnages membres qui montrer";
    type Service = Party;

    fn title(&self) -> String {
        "Looking at the party".into()
    }

    async fn run(self, party: &Party, call: &Call) -> Result<Output, ToolError> {
        let roster = party.roster(call).await?;
        if roster.characters.is_empty() {
            return Ok(Output::text("The party is empty.").labelled(label(call)));
        }
        let cards = roster.characters.iter().map(|character| {
            Card::new(character.name.clone())
                .fact("Role", character.role.clone())
                .fact("Gear preferences", character.preferences())
        });
        let cards = cards.collect();
        Ok(Output::json(&roster.characters)?.with_cards(cards).labelled(label(call)))
    }
}

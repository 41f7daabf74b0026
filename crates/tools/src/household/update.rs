//! Changing preferences, setting them back, and bringing them back.

use super::{
    Household, Whose,
    edit::{Edit, Given, Merged, Operation},
    learning::{Change, Said, differences},
    teacher,
};
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError,
    approval::Wording,
    text::shorten,
    tool::{Class, Undo, UndoCall},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Differences shown on a card; the others are counted.
const MOST_SHOWN: usize = 8;

/// Change preferences: likes, dislikes {genres, people, vibes}, constraints, anchors, neverRecommend, notes. Give one of patch, ops, or path
/// with value, append or remove_value.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatePreferences {
    /// JSON merged in at every level, such as `{"constraints":{"eraMinYear":1990}}`.
    patch: Option<Merged>,
    /// Where, with dots, such as `likes.people` or `neverRecommend.titles`.
    path: Option<String>,
    /// To put in place of what is at the path.
    value: Option<Given>,
    /// To add to the list at the path; no entry twice.
    append: Option<Given>,
    /// To take out of the list at the path.
    remove_value: Option<Given>,
    /// Several changes at once.
    ops: Option<Vec<Operation>>,
    /// `me` for the person's own (I like, I love); the household's when absent (we, our).
    whose: Option<Whose>,
}

impl UpdatePreferences {
    fn edit(&self) -> Result<Edit, ToolError> {
        Edit::of(
            self.patch.as_ref(),
            self.path.as_deref(),
            self.value.as_ref(),
            self.append.as_ref(),
            self.remove_value.as_ref(),
            self.ops.as_deref(),
        )
    }

    fn whose(&self) -> Whose {
        self.whose.unwrap_or_default()
    }
}

impl Tool for UpdatePreferences {
    const NAME: &'static str = "update_household_preferences";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Keyed;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "household preferences taste add change set remove favorite actor actress director genre like love hate dislike \
        never recommend again our we I Vorlieben ändern hinzufügen Lieblingsschauspieler mag liebe hasse nie wieder empfehlen \
        préférences ajouter modifier acteur préféré j'aime déteste preferencias añadir cambiar actor favorito gusta odio \
        empfiehl uns diesen film nie mehr no recomiendes nunca más actriz ne recommande plus jamais actrices préférées";
    type Service = Household;

    fn title(&self) -> String {
        let what = self.edit().map_or_else(|_| "change something".into(), |edit| edit.in_words());
        shorten(&format!("In {}: {what}", self.whose().in_words()), 160)
    }

    fn class(&self) -> Class {
        self.whose().changing()
    }

    fn wording(&self, _: &Household) -> Wording {
        let what = self.edit().map_or_else(|_| "change something".into(), |edit| edit.in_words());
        Wording {
            question: format!("In {}, {}?", self.whose().in_words(), shorten(&what, 200)),
            declined: format!("Not changed: {}.", self.whose().in_words()),
            reason: String::new(),
        }
    }

    async fn preview(&self, household: &Household, call: &Call) -> Result<Card, ToolError> {
        let mut changed = household.notebook(self.whose(), call).await?;
        let before = changed.profile.clone();
        changed.learn_statement(&self.edit()?, teacher(call))?;
        Ok(card_of(self.whose(), &differences(&before, &changed.profile)))
    }

    async fn run(self, household: &Household, call: &Call) -> Result<Output, ToolError> {
        let (edit, whose) = (self.edit()?, self.whose());
        let said = household
            .change(whose, call, |notebook| {
                let Some(lesson) = notebook.learn_statement(&edit, teacher(call))? else {
                    return Ok(Said::plain("Nothing was changed: the preferences say so already."));
                };
                let changes: Vec<String> = lesson.changes.iter().map(Change::in_words).collect();
                let more = changes.len().saturating_sub(MOST_SHOWN);
                let mut what = changes.into_iter().take(MOST_SHOWN).collect::<Vec<_>>().join(", ");
                if more > 0 {
                    what.push_str(&format!(" and {more} more"));
                }
                Ok(Said { text: format!("In {}: {what}.", whose.in_words()), lesson: Some(lesson.id) })
            })
            .await?;
        Ok(learned(said, whose))
    }
}

/// What a change said, and how its lesson is taken back.
pub(super) fn learned(said: Said, whose: Whose) -> Output {
    let Some(id) = said.lesson else { return Output::done(said.text) };
    let undo = UndoCall {
        tool: super::lessons::Unlearn::NAME.into(),
        arguments: json!({ "id": id, "whose": whose.name() }),
        title: format!("Take back: {}", shorten(said.text.trim_end_matches('.'), 120)),
    };
    Output::done(said.text).with_undo(undo)
}

fn card_of(whose: Whose, changes: &[Change]) -> Card {
    let mut card = Card::new(match whose {
        Whose::Household => "The household’s preferences",
        Whose::Me => "Your own preferences",
    });
    if changes.is_empty() {
        card.subtitle = "Nothing changes: they say so already".into();
    }
    for (number, change) in changes.iter().take(MOST_SHOWN).enumerate() {
        card = card.fact(format!("Change {}", number + 1), shorten(&change.in_words(), 200));
    }
    match changes.len().saturating_sub(MOST_SHOWN) {
        0 => card,
        more => card.fact("And", format!("{more} more changes")),
    }
}

/// Forget all preferences and what was learned. What was there is kept aside once and can be brought back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPreferences {
    /// `me` for the person's own; the household's when absent.
    whose: Option<Whose>,
}

impl Tool for ResetPreferences {
    const NAME: &'static str = "household_preferences_reset";
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Keyed;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "household preferences taste reset forget everything clear start over empty \
        Vorlieben zurücksetzen löschen von vorn préférences réinitialiser effacer preferencias restablecer borrar \
        setze zurück réinitialise restablece";
    type Service = Household;

    fn title(&self) -> String {
        format!("Forget all of {}", self.whose.unwrap_or_default().in_words())
    }

    fn class(&self) -> Class {
        self.whose.unwrap_or_default().changing()
    }

    async fn preview(&self, household: &Household, call: &Call) -> Result<Card, ToolError> {
        let notebook = household.notebook(self.whose.unwrap_or_default(), call).await?;
        if notebook.profile.is_empty() && notebook.lessons.is_empty() {
            return Err(ToolError::TellModel("there is nothing to forget".into()));
        }
        let short = notebook.profile.compact(300);
        let mut card = Card::new(self.title())
            .fact("Things learned", notebook.lessons.len().to_string())
            .fact("Kept aside", "as they are now, until the next reset");
        card.text = short;
        Ok(card)
    }

    async fn run(self, household: &Household, call: &Call) -> Result<Output, ToolError> {
        let whose = self.whose.unwrap_or_default();
        let said = household
            .change(whose, call, |notebook| match notebook.reset(call.now_ms) {
                true => Ok(Said::plain(format!(
                    "All of {} was forgotten; it is kept aside and can be brought back.",
                    whose.in_words()
                ))),
                false => Err(ToolError::TellModel("there is nothing to forget".into())),
            })
            .await?;
        Ok(Output::done(said.text).with_undo(bring_back(whose)))
    }
}

fn bring_back(whose: Whose) -> UndoCall {
    UndoCall {
        tool: RestorePreferences::NAME.into(),
        arguments: json!({ "whose": whose.name() }),
        title: format!("Bring back {}", whose.in_words()),
    }
}

/// Bring back the preferences that a reset or an import has put aside; those of now are put aside instead.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestorePreferences {
    /// `me` for the person's own; the household's when absent.
    whose: Option<Whose>,
}

impl Tool for RestorePreferences {
    const NAME: &'static str = "household_preferences_restore";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Keyed;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "household preferences taste restore bring back undo reset backup \
        Vorlieben wiederherstellen préférences restaurer preferencias restaurar recuperar";
    type Service = Household;

    fn title(&self) -> String {
        format!("Bring back {}", self.whose.unwrap_or_default().in_words())
    }

    fn class(&self) -> Class {
        self.whose.unwrap_or_default().changing()
    }

    async fn preview(&self, household: &Household, call: &Call) -> Result<Card, ToolError> {
        let notebook = household.notebook(self.whose.unwrap_or_default(), call).await?;
        let Some(backup) = notebook.backup else { return Err(nothing_aside()) };
        let mut card = Card::new(self.title()).fact("Things learned", backup.lessons.len().to_string());
        card.text = backup.profile.compact(300);
        Ok(card)
    }

    async fn run(self, household: &Household, call: &Call) -> Result<Output, ToolError> {
        let whose = self.whose.unwrap_or_default();
        let restore = |notebook: &mut super::Notebook| match notebook.restore(call.now_ms) {
            true => Ok(Said::plain(format!("Brought back: {}.", whose.in_words()))),
            false => Err(nothing_aside()),
        };
        let said = household.change(whose, call, restore).await?;
        Ok(Output::done(said.text).with_undo(bring_back(whose)))
    }
}

fn nothing_aside() -> ToolError {
    ToolError::TellModel("nothing was put aside, so there is nothing to bring back".into())
}

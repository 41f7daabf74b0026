//! What was learned: from ratings, when, from what; and taking one thing back.

use super::{
    Household, Whose, label,
    learning::{Change, Lesson, MediaType, Rating, Said, Source},
    teacher,
    update::learned,
};
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError,
    text::{clean, is_blank, shorten},
    tool::{Class, Undo},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Lessons shown when nobody says how many, and at most.
const SHOWN: u32 = 10;
const MOST_SHOWN: u32 = 50;

/// Keep how somebody rated a title, 0 to 10, and learn from it. Give genres, people and keywords where they are known.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// The title, such as `Metropolis`.
    title: String,
    /// 0 for the worst, 10 for the best.
    rating: f64,
    /// Its number at TMDb.
    tmdb_id: Option<u64>,
    /// movie or tv; films and series share numbers.
    media_type: Option<MediaType>,
    /// Such as `Thriller`.
    genres: Option<Vec<String>>,
    /// Its director and leading actors.
    people: Option<Vec<String>>,
    /// What it is about, such as `heist`.
    keywords: Option<Vec<String>>,
    /// `household` when all of them rate it; the person's own when absent.
    whose: Option<Whose>,
}

impl Rate {
    fn whose(&self) -> Whose {
        self.whose.unwrap_or(Whose::Me)
    }

    fn rating(&self) -> Result<Rating, ToolError> {
        if !(0.0..=10.0).contains(&self.rating) {
            return Err(ToolError::TellModel("a rating is 0 to 10".into()));
        }
        let line = |text: &String| shorten(&clean(text).split_whitespace().collect::<Vec<_>>().join(" "), 120);
        let list = |words: &Option<Vec<String>>| {
            let words = words.iter().flatten().map(line);
            words.filter(|word| !is_blank(word)).collect::<Vec<_>>()
        };
        let title = line(&self.title);
        if is_blank(&title) {
            return Err(ToolError::TellModel("give the title that was rated".into()));
        }
        Ok(Rating {
            title,
            tmdb_id: self.tmdb_id,
            media_type: self.media_type,
            rating: self.rating,
            genres: list(&self.genres),
            people: list(&self.people),
            keywords: list(&self.keywords),
        })
    }
}

impl Tool for Rate {
    const NAME: &'static str = "household_rate";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Keyed;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str = "rate rating stars score points out of ten loved hated film movie series learn taste \
        bewerten Bewertung Punkte Sterne noter note étoiles sur dix puntuar valorar nota estrellas \
        I give nine points doy un nueve sobre diez je donne neuf sur dix bewerte Punkten";
    type Service = Household;

    fn title(&self) -> String {
        format!("Keep that “{}” was rated {}", shorten(self.title.trim(), 80), self.rating)
    }

    fn class(&self) -> Class {
        self.whose().changing()
    }

    async fn preview(&self, household: &Household, call: &Call) -> Result<Card, ToolError> {
        let rating = self.rating()?;
        let mut notebook = household.notebook(self.whose(), call).await?;
        let lesson = notebook.learn_rating(rating, teacher(call));
        let card = Card::new(self.title()).fact("Rating", format!("{} of 10", self.rating));
        Ok(lesson.changes.iter().take(8).fold(card, |card, change| card.fact("Then", shorten(&change.in_words(), 200))))
    }

    async fn run(self, household: &Household, call: &Call) -> Result<Output, ToolError> {
        let (rating, whose) = (self.rating()?, self.whose());
        let said = household
            .change(whose, call, |notebook| {
                let lesson = notebook.learn_rating(rating.clone(), teacher(call));
                let changes: Vec<String> = lesson.changes.iter().map(Change::in_words).collect();
                let what = match changes.is_empty() {
                    true => "it counts with further ratings".to_owned(),
                    false => changes.join(", "),
                };
                let text = format!("“{}” was rated {}: {}.", rating.title, rating.rating, shorten(&what, 220));
                Ok(Said { text, lesson: Some(lesson.id) })
            })
            .await?;
        Ok(learned(said, whose))
    }
}

/// What was learned about somebody's taste: each thing with its number, when, from what. Take one back with household_unlearn.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Learned {
    /// `me` for the person's own; the household's when absent.
    whose: Option<Whose>,
    /// Newest ones to show; 10 when absent.
    limit: Option<u32>,
}

impl Tool for Learned {
    const NAME: &'static str = "household_learned";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "what have you learned about me us taste preferences why do you think history log \
        gelernt über mich uns warum appris sur moi nous pourquoi aprendido sobre mí nosotros \
        Geschmack gustos goûts";
    type Service = Household;

    fn title(&self) -> String {
        format!("Looking at what was learned for {}", self.whose.unwrap_or_default().in_words())
    }

    fn class(&self) -> Class {
        self.whose.unwrap_or_default().reading()
    }

    async fn run(self, household: &Household, call: &Call) -> Result<Output, ToolError> {
        let whose = self.whose.unwrap_or_default();
        let notebook = household.notebook(whose, call).await?;
        let label = label(&notebook, whose, call);
        if notebook.lessons.is_empty() {
            return Ok(Output::text("Nothing was learned yet.").labelled(label));
        }
        let limit = self.limit.unwrap_or(SHOWN).clamp(1, MOST_SHOWN) as usize;
        let names = household.kept.store()?.people().await.map_err(crate::kept::unreachable)?;
        let name = |lesson: &Lesson| {
            let by = names.iter().find(|person| Some(person.id) == lesson.by);
            by.map(|person| person.name.clone())
        };
        let newest: Vec<Value> =
            notebook.lessons.iter().rev().take(limit).map(|lesson| shown(lesson, name(lesson))).collect();
        Ok(Output::json(&json!({ "learned": notebook.lessons.len(), "newest": newest }))?.labelled(label))
    }
}

fn shown(lesson: &Lesson, by: Option<String>) -> Value {
    let when = jiff::Timestamp::from_millisecond(lesson.at_ms).map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
    let from = match &lesson.source {
        Source::Said => "said".to_owned(),
        Source::Rated(rating) => format!("rated “{}” {} of 10", rating.title, rating.rating),
        Source::Imported => "a file that was imported".to_owned(),
    };
    let changes: Vec<String> = lesson.changes.iter().take(12).map(Change::in_words).collect();
    let mut shown = json!({ "id": lesson.id, "when": when.unwrap_or_default(), "from": from, "what": changes });
    if let Some(by) = by {
        shown["by"] = by.into();
    }
    shown
}

/// Take back one thing that was learned, by its number from household_learned.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unlearn {
    /// Its number.
    id: u32,
    /// `me` for the person's own; the household's when absent.
    whose: Option<Whose>,
}

impl Tool for Unlearn {
    const NAME: &'static str = "household_unlearn";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Keyed;
    const UNDO: Undo = Undo::No("it is learned again when somebody says it again");
    const KEYWORDS: &'static str = "unlearn undo forget take back wrong lesson taste preference not true \
        verlernen rückgängig vergessen stimmt nicht oublier annuler olvidar deshacer \
        nimm zurück gelernt deshaz lo que aprendiste annule appris";
    type Service = Household;

    fn title(&self) -> String {
        format!("Take back number {} of what was learned for {}", self.id, self.whose.unwrap_or_default().in_words())
    }

    fn class(&self) -> Class {
        self.whose.unwrap_or_default().changing()
    }

    async fn preview(&self, household: &Household, call: &Call) -> Result<Card, ToolError> {
        let notebook = household.notebook(self.whose.unwrap_or_default(), call).await?;
        let Some(lesson) = notebook.lessons.iter().find(|lesson| lesson.id == self.id) else {
            return Err(unknown(self.id));
        };
        let card = Card::new(self.title());
        Ok(lesson.changes.iter().take(8).fold(card, |card, change| card.fact("Was", shorten(&change.in_words(), 200))))
    }

    async fn run(self, household: &Household, call: &Call) -> Result<Output, ToolError> {
        let id = self.id;
        let unlearn = |notebook: &mut super::Notebook| match notebook.unlearn(id) {
            None => Err(unknown(id)),
            Some(back) if back.is_empty() => {
                Ok(Said::plain(format!("Number {id} no longer counts; nothing of it was left in the preferences.")))
            }
            Some(back) => Ok(Said::plain(format!("Taken back: {}.", shorten(&back.join(", "), 240)))),
        };
        Ok(Output::done(household.change(self.whose.unwrap_or_default(), call, unlearn).await?.text))
    }
}

fn unknown(id: u32) -> ToolError {
    ToolError::TellModel(format!("nothing learned has the number {id}; look with household_learned"))
}

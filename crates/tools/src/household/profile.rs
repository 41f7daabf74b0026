//! What a household or a person likes to watch: the document itself, and its short form for a model.
//!
//! Nothing is liked or disliked until somebody says so. Keys nobody here knows are kept as they came.

use majordomo_domain::text::{clean, shorten};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;

/// Characters of the short form.
pub const COMPACT_CHARS: usize = 1_800;
/// Characters of one text, and of the notes.
const LONGEST: usize = 300;
const LONGEST_NOTES: usize = 2_000;
/// Entries of one list, and bytes of a whole profile.
const MOST: usize = 200;
const LARGEST: usize = 64 * 1024;

type Other = BTreeMap<String, Value>;

/// The document of one house or one person, with the keys of the file `household_preferences.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Profile {
    pub version: u32,
    #[serde(skip_serializing_if = "is_empty")]
    pub likes: Likes,
    #[serde(skip_serializing_if = "is_empty")]
    pub dislikes: Dislikes,
    #[serde(skip_serializing_if = "is_empty")]
    pub constraints: Constraints,
    #[serde(skip_serializing_if = "is_empty")]
    pub profile: Style,
    #[serde(skip_serializing_if = "is_empty")]
    pub anchors: Anchors,
    #[serde(skip_serializing_if = "is_empty")]
    pub heuristics: Heuristics,
    #[serde(skip_serializing_if = "is_empty")]
    pub current_curiosities: Curiosities,
    #[serde(skip_serializing_if = "is_empty")]
    pub mode_notes: ByMode,
    #[serde(deserialize_with = "words", skip_serializing_if = "Vec::is_empty")]
    pub anti_preferences: Vec<String>,
    #[serde(skip_serializing_if = "is_empty")]
    pub never_recommend: Never,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    #[serde(flatten)]
    pub other: Other,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            version: 1,
            likes: Likes::default(),
            dislikes: Dislikes::default(),
            constraints: Constraints::default(),
            profile: Style::default(),
            anchors: Anchors::default(),
            heuristics: Heuristics::default(),
            current_curiosities: Curiosities::default(),
            mode_notes: ByMode::default(),
            anti_preferences: Vec::new(),
            never_recommend: Never::default(),
            notes: None,
            other: Other::new(),
        }
    }
}

/// A part of the document: lists of words, texts, and what else is in it.
macro_rules! part {
    ($(#[$doc:meta])* $name:ident { $($list:ident)* ; $($field:ident: $kind:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        pub struct $name {
            $(#[serde(deserialize_with = "words", skip_serializing_if = "Vec::is_empty")] pub $list: Vec<String>,)*
            $(#[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$kind>,)*
            #[serde(flatten)]
            pub other: Other,
        }
    };
}

part!(Likes { genres people languages vibes aesthetics motifs; });
part!(Dislikes { genres people aesthetics tones structure vibes; });
part!(
    /// What is never to be offered, whatever else is liked; see `constraints.rs`.
    Constraints {
        language_whitelist content_warnings visuals_disallow;
        era_min_year: i32,
        runtime_sweet_spot_mins: Minutes,
        allow_jump_scares: bool,
    }
);
part!(
    Style {
        ;
        tone: ByMode,
        pacing: String,
        structure: String,
        era_feel: String,
        visuals: String,
        threat: String,
        reality: String,
        meta: String,
        ending: String,
        gore_violence: String,
        humor: ByMode,
        sound: String,
        plausibility_score10: Number,
    }
);
part!(ByMode {; non_horror: String, horror: String });
part!(Anchors { loved responded_to comfort_signals trusted_faces avoid_over_echo; });
part!(
    Heuristics {
        themes;
        lead: String,
        pairing: String,
        chamber: String,
        slow_burn: String,
        exposition: String,
        couple_first: bool,
        max_options: u32,
        zero_spoilers: bool,
        content_flags_upfront: Flags,
        stop_if_not_vibing: bool,
    }
);
part!(Curiosities { vibes_tonight themes_soon; });

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Never {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tmdb_ids: Vec<u64>,
    #[serde(deserialize_with = "words", skip_serializing_if = "Vec::is_empty")]
    pub titles: Vec<String>,
    #[serde(flatten)]
    pub other: Other,
}

/// Shortest and longest running time that suits, in minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minutes(pub u32, pub u32);

/// Content to be named before a title: all of it, or these kinds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Flags {
    All(bool),
    These(Vec<String>),
}

fn is_empty<T: Default + PartialEq>(part: &T) -> bool {
    *part == T::default()
}

/// A list of words; one word alone is a list of one. Titles such as `1917` come as numbers too.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let word = |value: Value| match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(de::Error::custom("a list of words was expected")),
    };
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) => list.into_iter().map(word).collect(),
        one => Ok(vec![word(one)?]),
    }
}

impl Profile {
    /// Understand a document. What does not fit is refused with the place it is at.
    pub fn of(value: Value) -> Result<Self, String> {
        let tidy = tidied(value, "")?;
        if tidy.to_string().len() > LARGEST {
            return Err(format!("preferences have at most {} KiB", LARGEST / 1024));
        }
        let Value::Object(parts) = tidy else { return Err("preferences are one object".into()) };
        // Part by part, so that a refusal names its place.
        for (key, part) in &parts {
            let alone = Value::Object(Map::from_iter([(key.clone(), part.clone())]));
            if let Err(error) = serde_json::from_value::<Self>(alone.clone()) {
                let within = part.as_object().and_then(|fields| {
                    fields.iter().find_map(|(field, value)| {
                        let nested = serde_json::json!({ key: { field: value } });
                        serde_json::from_value::<Self>(nested).err().map(|error| (format!("{key}.{field}"), error))
                    })
                });
                let (place, error) = within.unwrap_or((key.clone(), error));
                return Err(format!("{place} does not fit: {error}"));
            }
        }
        let profile: Self = serde_json::from_value(Value::Object(parts)).map_err(|error| error.to_string())?;
        profile.check()?;
        Ok(profile)
    }

    fn check(&self) -> Result<(), String> {
        let constraints = &self.constraints;
        let is_code = |code: &&String| {
            !(2..=11).contains(&code.len()) || code.chars().any(|c| !c.is_ascii_alphanumeric() && c != '-')
        };
        if let Some(wrong) = constraints.language_whitelist.iter().find(|code| is_code(code) || is_name(code)) {
            return Err(format!("constraints.languageWhitelist has codes such as en or de, not “{wrong}”"));
        }
        if constraints.era_min_year.is_some_and(|year| !(1870..=2200).contains(&year)) {
            return Err("constraints.eraMinYear is a year such as 1990".into());
        }
        if constraints.runtime_sweet_spot_mins.is_some_and(|Minutes(least, most)| least > most) {
            return Err("constraints.runtimeSweetSpotMins is the shortest, then the longest".into());
        }
        Ok(())
    }

    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Titles offered at most; 3 where nobody said otherwise.
    pub fn most_options(&self) -> usize {
        self.heuristics.max_options.map_or(3, |n| n.clamp(1, 20) as usize)
    }

    /// What matters for choosing something to watch, a line each. Empty when nothing is known.
    pub fn compact(&self, most: usize) -> String {
        let mut text = String::new();
        for line in self.lines() {
            let left = most.saturating_sub(text.chars().count() + usize::from(!text.is_empty()));
            // The end of a line says less than its beginning; a few words of it are not worth one.
            if left < 24 {
                break;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&shorten(&line, left));
        }
        text
    }

    /// What must hold first, what is only a flavour last, so that a cut takes the least.
    fn lines(&self) -> Vec<String> {
        let mut lines = Lines(Vec::new());
        let (constraints, heuristics) = (&self.constraints, &self.heuristics);
        lines.list("Never recommend", &self.never_recommend.titles);
        let ids: Vec<String> = self.never_recommend.tmdb_ids.iter().map(u64::to_string).collect();
        lines.list("Never recommend, TMDb ids", &ids);
        lines.text("Nothing older than", constraints.era_min_year);
        lines.list("Languages only", &constraints.language_whitelist);
        lines.text("Running time", constraints.runtime_sweet_spot_mins.map(|Minutes(a, b)| format!("{a} to {b} min")));
        lines.list("Content to avoid", &constraints.content_warnings);
        lines.list("Looks to avoid", &constraints.visuals_disallow);
        lines.text("Jump scares", constraints.allow_jump_scares.map(|may| if may { "fine" } else { "never" }));
        lines.text("Titles at most", heuristics.max_options);
        lines.text("Spoilers", heuristics.zero_spoilers.filter(|none| *none).map(|_| "none at all"));
        match &heuristics.content_flags_upfront {
            Some(Flags::All(true)) => lines.text("Name first", Some("troubling content")),
            Some(Flags::These(kinds)) => lines.list("Name first where it occurs", kinds),
            Some(Flags::All(false)) | None => {}
        }
        for (name, list) in [
            ("Likes genres", &self.likes.genres),
            ("Likes people", &self.likes.people),
            ("Likes vibes", &self.likes.vibes),
            ("Likes motifs", &self.likes.motifs),
            ("Likes looks", &self.likes.aesthetics),
            ("Likes languages", &self.likes.languages),
            ("Dislikes genres", &self.dislikes.genres),
            ("Dislikes people", &self.dislikes.people),
            ("Dislikes tones", &self.dislikes.tones),
            ("Dislikes vibes", &self.dislikes.vibes),
            ("Dislikes looks", &self.dislikes.aesthetics),
            ("Dislikes structure", &self.dislikes.structure),
            ("Rather not", &self.anti_preferences),
            ("Loved", &self.anchors.loved),
            ("Responded to", &self.anchors.responded_to),
            ("Comfort", &self.anchors.comfort_signals),
            ("Trusted faces", &self.anchors.trusted_faces),
            ("Enough of", &self.anchors.avoid_over_echo),
            ("Tonight", &self.current_curiosities.vibes_tonight),
            ("Soon", &self.current_curiosities.themes_soon),
            ("Themes", &heuristics.themes),
        ] {
            lines.list(name, list);
        }
        let style = &self.profile;
        let modes = |by: &Option<ByMode>| by.clone().unwrap_or_default();
        let (tone, humor) = (modes(&style.tone), modes(&style.humor));
        for (name, text) in [
            ("Lead with", &heuristics.lead),
            ("Pairing", &heuristics.pairing),
            ("Notes", &self.notes),
            ("Tone", &tone.non_horror),
            ("Tone of horror", &tone.horror),
            ("Pacing", &style.pacing),
            ("Structure", &style.structure),
            ("Era", &style.era_feel),
            ("Visuals", &style.visuals),
            ("Threat", &style.threat),
            ("Reality", &style.reality),
            ("Meta", &style.meta),
            ("Ending", &style.ending),
            ("Gore", &style.gore_violence),
            ("Humour", &humor.non_horror),
            ("Humour of horror", &humor.horror),
            ("Sound", &style.sound),
            ("Horror", &self.mode_notes.horror),
            ("Not horror", &self.mode_notes.non_horror),
            ("Slow burn", &heuristics.slow_burn),
            ("Chamber pieces", &heuristics.chamber),
            ("Exposition", &heuristics.exposition),
        ] {
            lines.text(name, text.as_deref().filter(|text| !text.trim().is_empty()));
        }
        lines.0
    }
}

struct Lines(Vec<String>);

impl Lines {
    fn list(&mut self, name: &str, words: &[String]) {
        if !words.is_empty() {
            self.0.push(format!("{name}: {}", shorten(&words.join(", "), 400)));
        }
    }

    fn text(&mut self, name: &str, text: Option<impl ToString>) {
        self.0.extend(text.map(|text| format!("{name}: {}", shorten(&text.to_string(), 200))));
    }
}

/// A language by its name, which no title has as its language.
fn is_name(code: &str) -> bool {
    code.split('-').next().is_some_and(|first| first.len() > 3)
}

/// Texts on one line, without what cannot be seen; too long and too much is refused.
fn tidied(value: Value, place: &str) -> Result<Value, String> {
    let below = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
    Ok(match value {
        Value::String(text) => {
            let text = clean(&text).split_whitespace().collect::<Vec<_>>().join(" ");
            let most = if place == "notes" { LONGEST_NOTES } else { LONGEST };
            if text.chars().count() > most {
                return Err(format!("{place} has a text of more than {most} characters"));
            }
            Value::String(text)
        }
        Value::Array(list) if list.len() > MOST => return Err(format!("{place} has more than {MOST} entries")),
        Value::Array(list) => list.into_iter().map(|entry| tidied(entry, place)).collect::<Result<_, _>>()?,
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
            let tidy = fields.map(|(key, value)| {
                let value = tidied(value, &below(&key))?;
                Ok((clean(&key), value))
            });
            Value::Object(tidy.collect::<Result<_, String>>()?)
        }
        other => other,
    })
}

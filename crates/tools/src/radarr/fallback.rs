//! When the wanted quality finds nothing: a film with a wanted profile is added or searched, what came of it is looked at, and where
//! nothing was taken the next allowed profile is proposed. Each profile is searched once; nothing is done that was not approved.

use super::{
    change::{Addition, added_told, take_out_again, watch},
    film,
};
use crate::servarr::{
    Client, Instances, NameOrId, Radarr, Which, arguments, asks,
    client::Query,
    command::{self, Searched},
    fallback::{Ladder, Outlook, outlook},
    lists::Profile,
    releases::{self, Target},
    undo,
};
use jiff::Timestamp;
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError,
    approval::Wording,
    text::{clean, shorten},
    tool::Undo,
};
use majordomo_upstream::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// A search that is followed, then one look at every indexer.
const TIMEOUT: Duration = Duration::from_secs(270);

/// What is to be said after a search for a film, and what is proposed when nothing was taken. `rest`: the profiles that may follow.
async fn conclusion(
    client: &Client,
    film: &Value,
    searched: Option<&Searched>,
    rest: &[Profile],
    call: &Call,
) -> Result<Value, ToolError> {
    let id = film["id"].as_u64().unwrap_or_default();
    let Some(searched) = searched else {
        return Ok(json!({ "outcome": "the search has not begun yet; look at the queue in a few minutes" }));
    };
    let mut told = searched.told(Which::Radarr);
    if searched.has_found() || !searched.queue.is_empty() || !searched.command.is_over() {
        return Ok(told);
    }
    // Not out yet: a lower quality would only be a worse copy of what does not exist.
    let now = Timestamp::from_millisecond(call.now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let release = film::Release::of(film, now);
    if release != film::Release::Out {
        told["why"] = format!("the film is {}; it is fetched when it is out", release.in_words()).into();
        return Ok(told);
    }
    let offered = match client.releases(Target::Movie(id)).await {
        Ok(offered) => offered,
        // What was done stands; only the look at the rest failed.
        Err(error) => {
            told["why"] = format!("unknown: the indexers could not be asked: {error}").into();
            return Ok(told);
        }
    };
    told["offered"] = offered.len().into();
    told["by_quality"] = releases::by_quality(&offered);
    let profiles = client.profiles().await?;
    let target = Target::Movie(id);
    match outlook(&offered, rest, &profiles) {
        Outlook::NothingOffered => told["why"] = "no indexer offers a release in any quality".into(),
        Outlook::AcceptedNow(release) => {
            told["why"] = "a release is accepted now; it can be grabbed".into();
            told["proposal"] = json!({
                "tool": "radarr_grab",
                "arguments": { "reference": releases::told(target, release)["reference"], "instance": client.name() },
                "release": releases::told(target, release),
            });
        }
        Outlook::Would { place, release } => {
            let next = &rest[place];
            let after: Vec<&str> = rest[place + 1..].iter().map(|profile| profile.name.as_str()).collect();
            told["why"] = "no release is of the wanted quality".into();
            told["proposal"] = json!({
                "tool": "radarr_quality_fallback",
                "arguments": {
                    "movie_id": id,
                    "target_quality": next.name,
                    "fallback_qualities": after,
                    "instance": client.name(),
                },
                "profile": next.name,
                "it_would_take": releases::told(target, release),
                "later": "the old profile can be put back afterwards, so that a better copy replaces it",
            });
        }
        Outlook::OnlyOthers(names) => {
            told["why"] = "no release is of a quality that may be used".into();
            told["other_profiles_would"] = names.into();
        }
        Outlook::OtherReasons => {
            told["why"] = "another quality would not help: releases are rejected for other reasons".into();
            told["reasons"] = json!(releases::rejections(&offered).into_iter().take(5).collect::<Vec<_>>());
        }
    }
    Ok(told)
}

/// The first profile there is, and those that may follow.
async fn first_of(client: &Client, ladder: &Ladder) -> Result<(Profile, Vec<Profile>), ToolError> {
    match ladder.profiles.split_first() {
        Some((first, rest)) => Ok((first.clone(), rest.to_vec())),
        None => Err(client.no_such_profile(ladder).await?),
    }
}

fn names(profiles: &[Profile]) -> String {
    profiles.iter().map(|profile| profile.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The model is told which wanted words are no profiles, so that it tells the person.
fn note_unknown(told: &mut Value, ladder: &Ladder, used: &Profile) {
    if !ladder.unknown.is_empty() {
        told["no_such_profile"] = ladder.unknown.clone().into();
        told["used_profile"] = used.name.clone().into();
    }
}

arguments! {
    /// Search a film of Radarr in a wanted quality; when nothing is taken, say why and propose the next allowed quality. One step a call.
    pub struct QualityFallback for Radarr {
        /// The film, as `radarr_movies` numbers it.
        movie_id: u64,
        /// Its title, for people.
        #[serde(default)]
        movie_title: Option<String>,
        /// The wanted quality profile by name, or words such as `4K`.
        #[serde(alias = "quality_profile")]
        target_quality: NameOrId,
        /// Profiles that may follow, best first; those of the settings when absent.
        #[serde(default)]
        fallback_qualities: Option<Vec<NameOrId>>,
    }
}

impl QualityFallback {
    async fn ladder(&self, client: &Client) -> Result<Ladder, ToolError> {
        client.ladder(Some(&self.target_quality), self.fallback_qualities.as_deref()).await
    }
}

impl Tool for QualityFallback {
    const NAME: &'static str = "radarr_quality_fallback";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const TIMEOUT: Option<Duration> = Some(TIMEOUT);
    const KEYWORDS: &'static str = "quality fallback lower other 4k 1080p not found nothing film schlechtere Qualität nichts \
                                    gefunden otra calidad no encontrado autre qualité rien trouvé \
        upgrade";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        let film = self.movie_title.as_deref().map_or("a film".into(), |title| shorten(&clean(title), 60));
        format!("Search {film} in {}", self.target_quality)
    }

    fn wording(&self, _: &Instances<Radarr>) -> Wording {
        asks(format!("{}?", self.title()), "The film keeps its quality.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<Radarr>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let film = film::known(client, self.movie_id).await?;
        let (first, rest) = first_of(client, &self.ladder(client).await?).await?;
        let before = client.profile_name(&film["qualityProfileId"]).await?;
        let change = if before == first.name { before } else { format!("{before} → {}", first.name) };
        let mut card = film::card(client, &film).fact("Quality profile", change).fact("Then", "searched once");
        if !rest.is_empty() {
            card = card.fact("If nothing is found", format!("proposed, not done: {}", names(&rest)));
        }
        Ok(card.fact("In", client.title()))
    }

    async fn run(self, instances: &Instances<Radarr>, call: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let film = film::known(client, self.movie_id).await?;
        let ladder = self.ladder(client).await?;
        let (first, rest) = first_of(client, &ladder).await?;
        let before = client.profile_name(&film["qualityProfileId"]).await?;
        let changes_profile = film["qualityProfileId"] != first.id;
        if changes_profile {
            let body = json!({ "movieIds": [self.movie_id], "qualityProfileId": first.id });
            client.send(Method::PUT, "/movie/editor", &Query::new(), &body).await?;
            let now = film::known(client, self.movie_id).await?;
            if now["qualityProfileId"] != first.id {
                return Err(client.not_as_described("that the profile was changed, but it was not"));
            }
        }
        let body = command::body("MoviesSearch", json!({ "movieIds": [self.movie_id] }));
        let name = film::name_of(&film);
        let searched = client.search_and_verify(&body, |row| row["movieId"] == self.movie_id).await;
        let (mut told, has_found) = match &searched {
            Ok(searched) => (conclusion(client, &film, Some(searched), &rest, call).await?, searched.has_found()),
            Err(error) if changes_profile => {
                (json!({ "outcome": format!("the profile was changed, but the search failed: {error}") }), false)
            }
            Err(error) => return Err(error.clone()),
        };
        told["title"] = name.clone().into();
        told["profile"] = first.name.clone().into();
        note_unknown(&mut told, &ladder, &first);
        let mut output = Output::json(&told)?;
        let result = if has_found { "a release was taken" } else { "no release was taken" };
        output.receipt = Some(match changes_profile {
            true => format!("{name} has the profile {} now and was searched: {result}.", first.name),
            false => format!("{name} was searched in {}: {result}.", first.name),
        });
        if changes_profile {
            output = output.with_undo(undo(
                "radarr_update",
                client,
                json!({ "movie_id": self.movie_id, "changes": { "quality_profile": before } }),
                format!("Put {name} back to {before}"),
            ));
        }
        Ok(output)
    }
}

arguments! {
    /// Add a film to Radarr in the preferred quality, or the first of the fallbacks there is a profile for, search it, and say honestly what came of it.
    pub struct MovieAdditionFallback for Radarr {
        /// TMDb id of the film.
        tmdb_id: u64,
        /// Its title, for people.
        #[serde(default)]
        movie_title: Option<String>,
        /// The preferred quality profile by name, or words such as `4K`; the configured one when absent.
        #[serde(default, alias = "quality_profile")]
        preferred_quality: Option<NameOrId>,
        /// Profiles that may follow, best first; those of the settings when absent.
        #[serde(default)]
        fallback_qualities: Option<Vec<NameOrId>>,
        /// Root folder by path; the configured one when absent.
        #[serde(default, alias = "root_folder_path")]
        root_folder: Option<NameOrId>,
    }
}

impl MovieAdditionFallback {
    async fn plan(&self, client: &Client) -> Result<(Ladder, Addition, Vec<Profile>), ToolError> {
        let set = client.settings().quality_profile.clone().map(NameOrId::Name);
        let wanted = self.preferred_quality.as_ref().or(set.as_ref());
        let ladder = client.ladder(wanted, self.fallback_qualities.as_deref()).await?;
        if ladder == Ladder::default() {
            // Nothing is wanted and nothing is set: only one profile needs no choice.
            let profile = client.profile_or_default(None).await?;
            let addition = self.addition(client, profile).await?;
            return Ok((ladder, addition, Vec::new()));
        }
        let (first, rest) = first_of(client, &ladder).await?;
        let addition = self.addition(client, first).await?;
        Ok((ladder, addition, rest))
    }

    async fn addition(&self, client: &Client, profile: Profile) -> Result<Addition, ToolError> {
        Ok(Addition {
            tmdb_id: self.tmdb_id,
            profile,
            folder: client.root_folder_or_default(self.root_folder.as_ref()).await?,
            tags: Vec::new(),
            monitored: true,
            search: true,
            with_collection: false,
            availability: client.settings().minimum_availability,
        })
    }
}

impl Tool for MovieAdditionFallback {
    const NAME: &'static str = "radarr_movie_addition_fallback";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::ByCall;
    const TIMEOUT: Option<Duration> = Some(TIMEOUT);
    const KEYWORDS: &'static str = "add film movie fallback quality 4k best available hinzufügen beste Qualität verfügbar añadir mejor \
                                    calidad ajouter meilleure qualité";
    type Service = Instances<Radarr>;

    fn title(&self) -> String {
        match &self.movie_title {
            Some(title) => format!("Add {} to Radarr", shorten(&clean(title), 60)),
            None => format!("Add film {} to Radarr", self.tmdb_id),
        }
    }

    fn wording(&self, _: &Instances<Radarr>) -> Wording {
        asks("Add this film?", "The film was not added.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<Radarr>, call: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let (ladder, addition, rest) = self.plan(client).await?;
        let mut card = addition.card(client, call).await?;
        if !ladder.unknown.is_empty() {
            card = card.fact("No such profile", ladder.unknown.join(", "));
        }
        if !rest.is_empty() {
            card = card.fact("If nothing is found", format!("proposed, not done: {}", names(&rest)));
        }
        Ok(card)
    }

    async fn check(&self, instances: &Instances<Radarr>, call: &Call) -> Result<Option<Output>, ToolError> {
        let client = self.client(instances)?;
        let Some(film) = film::by_tmdb(client, self.tmdb_id, crate::servarr::client::Age::Now).await? else {
            return Ok(None);
        };
        let added = super::change::Added { film, was_there: true };
        let mut output = Output::json(&added_told(client, &added, call).await?)?;
        output.receipt = Some(format!("{} is in {}.", film::name_of(&added.film), client.title()));
        Ok(Some(output))
    }

    async fn run(self, instances: &Instances<Radarr>, call: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let (ladder, addition, rest) = self.plan(client).await?;
        let added = addition.add(client).await?;
        let name = film::name_of(&added.film);
        let id = added.film["id"].as_u64().unwrap_or_default();
        let mut told = added_told(client, &added, call).await?;
        let cards = vec![film::card(client, &added.film)];
        note_unknown(&mut told, &ladder, &addition.profile);
        if added.was_there {
            told["note"] = "it was there already; nothing was changed".into();
            // Another profile for it is another change, which somebody has to approve.
            if added.film["hasFile"] != true || added.film["qualityProfileId"] != addition.profile.id {
                told["proposal"] = json!({
                    "tool": "radarr_quality_fallback",
                    "arguments": {
                        "movie_id": id,
                        "target_quality": addition.profile.name,
                        "fallback_qualities": rest.iter().map(|profile| &profile.name).collect::<Vec<_>>(),
                        "instance": client.name(),
                    },
                });
            }
            return Ok(Output::json(&told)?.with_cards(cards));
        }
        let (search, has_found) = match watch(client, id).await {
            Ok(searched) => {
                let has_found = searched.as_ref().is_some_and(Searched::has_found);
                (conclusion(client, &added.film, searched.as_ref(), &rest, call).await, has_found)
            }
            Err(error) => (Err(error), false),
        };
        // The film is added, whatever became of the look at its search.
        told["search"] =
            search.unwrap_or_else(|error| json!({ "outcome": format!("the search could not be watched: {error}") }));
        let mut output = Output::json(&told)?.with_cards(cards).with_undo(take_out_again(client, &added.film));
        let result = if has_found { "a release was taken" } else { "no release was taken yet" };
        output.receipt = Some(format!(
            "{name} was added to {} with the profile {}: {result}.",
            client.title(),
            addition.profile.name
        ));
        Ok(output)
    }
}

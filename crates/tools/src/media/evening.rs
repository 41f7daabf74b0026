//! Who watches: what they like together, how old they are, what they have seen, and what they were offered lately.
//!
//! What was offered is kept for each person in the toolkit's drawer and ends with "forget me".

use super::{
    Media,
    nearness::plain,
    title::{Libraries, Title},
    wish::Kind,
};
use crate::{
    household::{Company, Household, MediaType, Rating},
    kept::Kept,
    plex::{client::Age, playback, tell},
};
use majordomo_domain::{Call, Millis, ToolError};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// Days in which a title is not offered again.
const NOT_AGAIN_DAYS: i64 = 30;
/// Offers kept for each person.
const MOST_KEPT: usize = 300;
/// Viewings looked at, of the last year.
const MOST_VIEWS: usize = 200;
/// Rated titles looked at in each library.
const MOST_RATED: usize = 100;

/// What was offered to a person, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Offered {
    titles: Vec<Offer>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Offer {
    /// [`Title::key`].
    key: String,
    at_ms: Millis,
    /// The call that offered it: when that is repeated, it offers the same.
    call: String,
}

pub(super) struct Evening {
    pub company: Company,
    /// The lowest of those who watch, in years.
    pub ceiling: Option<u32>,
    offered: HashSet<String>,
    /// Rating keys by Plex, of films and series.
    viewed: HashSet<(String, u64)>,
    /// What the account of a Plex rated, by instance and rating key; 0 to 10.
    rated: HashMap<(String, u64), f64>,
    /// What could not be asked.
    pub away: Vec<String>,
}

impl Evening {
    /// Watched, or rated, by one of them.
    pub fn knows(&self, title: &Title) -> bool {
        let by_plex = title.owned.as_ref().is_some_and(|owned| {
            let key = (owned.instance.clone(), u64::from(owned.rating_key));
            owned.is_watched || self.viewed.contains(&key) || self.rated.contains_key(&key)
        });
        let ratings = || self.company.ratings.iter().chain(&self.company.known_to_others);
        by_plex || ratings().any(|rating| is_of(rating, title))
    }

    pub fn was_offered(&self, title: &Title) -> bool {
        self.offered.contains(&title.key())
    }

    /// What was liked best by the one who asks and the household, newest ratings first, then by Plex's account.
    pub fn loved(&self, libraries: &Libraries, kinds: &[Kind]) -> Vec<Loved> {
        let said = self.company.ratings.iter().filter(|rating| rating.rating >= 7.5);
        let mut loved: Vec<Loved> = said
            .map(|rating| Loved {
                title: rating.title.clone(),
                tmdb: rating.tmdb_id,
                kind: rating.media_type.map(kind_of),
            })
            .collect();
        let mut titles: Vec<(f64, Title)> = Vec::new();
        for title in libraries.titles(kinds) {
            let Some(owned) = &title.owned else { continue };
            let rating = self.rated.get(&(owned.instance.clone(), owned.rating_key.into()));
            titles.extend(rating.filter(|rating| **rating >= 7.5).map(|rating| (*rating, title.clone())));
        }
        titles.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.key().cmp(&other.1.key())));
        loved.extend(titles.into_iter().map(|(_, title)| Loved {
            kind: Some(title.kind),
            tmdb: title.tmdb,
            title: title.title,
        }));
        loved
    }

    /// Names of those who watch along, for the answer.
    pub fn names(&self) -> Vec<String> {
        self.company.people.iter().map(|person| person.name.clone()).collect()
    }
}

/// A title somebody liked, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Loved {
    pub title: String,
    pub tmdb: Option<u64>,
    pub kind: Option<Kind>,
}

fn is_of(rating: &Rating, title: &Title) -> bool {
    let name = plain(&rating.title);
    let is_named = name == plain(&title.title)
        || name == plain(&title.in_words())
        || title.original.as_ref().is_some_and(|original| name == plain(original));
    let kind = rating.media_type.map(kind_of);
    if kind.is_some_and(|kind| kind != title.kind) {
        return false;
    }
    // Films and series share numbers: where nobody said which it is, a series has to have the name.
    match (rating.tmdb_id, title.tmdb) {
        (Some(one), Some(other)) if title.kind == Kind::Film || kind.is_some() => one == other,
        _ => is_named,
    }
}

fn kind_of(media_type: MediaType) -> Kind {
    match media_type {
        MediaType::Movie => Kind::Film,
        MediaType::Tv => Kind::Series,
    }
}

impl Media {
    fn offers(&self) -> Kept {
        Kept::new(super::NAME, self.store.clone())
    }

    /// The one who asks with those they name.
    pub(super) async fn evening(&self, names: &[String], call: &Call) -> Result<Evening, ToolError> {
        let company = Household::new(self.store.clone()).company(names, call).await?;
        let ceilings = company.people.iter().filter_map(|person| self.bounds.ceiling(person.standing, &person.name));
        let ceiling = ceilings.min();
        let since_ms = call.now_ms - NOT_AGAIN_DAYS * 86_400_000;
        let mut offered = HashSet::new();
        for person in &company.people {
            let (kept, _) = self.offers().read_of::<Offered>(&person.id.to_string()).await?;
            let lately = kept.titles.into_iter().filter(|offer| offer.at_ms >= since_ms && offer.call != call.key);
            offered.extend(lately.map(|offer| offer.key));
        }
        let mut evening =
            Evening { company, ceiling, offered, viewed: HashSet::new(), rated: HashMap::new(), away: Vec::new() };
        self.look_at_plex(&mut evening, call).await;
        Ok(evening)
    }

    /// What the people watched under accounts of their names, and what the account of the token rated.
    async fn look_at_plex(&self, evening: &mut Evening, call: &Call) {
        let Some(plex) = &self.plex else { return };
        for name in plex.names().map(str::to_owned).collect::<Vec<_>>() {
            if let Err(error) = self.look_at_one(&name, evening, call).await {
                evening.away.push(error.to_string());
            }
        }
    }

    async fn look_at_one(&self, name: &str, evening: &mut Evening, call: &Call) -> Result<(), ToolError> {
        let Some(plex) = &self.plex else { return Ok(()) };
        let instance = plex.instance(Some(name))?;
        for section in instance.sections().await? {
            if !matches!(section.kind.as_str(), "movie" | "show") {
                continue;
            }
            let query = vec![
                ("type", section.item_type().to_string()),
                ("userRating>>", "0".to_owned()),
                ("sort", "userRating:desc".to_owned()),
                ("X-Plex-Container-Start", "0".to_owned()),
                ("X-Plex-Container-Size", MOST_RATED.to_string()),
            ];
            let answer = instance.get(&format!("/library/sections/{}/all", section.key), &query, Age::List).await?;
            for item in tell::items(&answer) {
                let (Some(key), Some(rating)) = (tell::key(item), item["userRating"].as_f64()) else { continue };
                evening.rated.insert((name.to_owned(), key), rating);
            }
        }
        let accounts = playback::accounts(instance).await?;
        let people: HashSet<String> = evening.company.people.iter().map(|person| plain(&person.name)).collect();
        let theirs: HashSet<u64> =
            accounts.into_iter().filter(|(_, account)| people.contains(&plain(account))).map(|(id, _)| id).collect();
        if theirs.is_empty() {
            return Ok(());
        }
        let query = vec![
            ("sort", "viewedAt:desc".to_owned()),
            ("viewedAt>", (call.now_ms / 1_000 - 365 * 86_400).to_string()),
            ("X-Plex-Container-Start", "0".to_owned()),
            ("X-Plex-Container-Size", MOST_VIEWS.to_string()),
        ];
        let answer = instance.get("/status/sessions/history/all", &query, Age::List).await?;
        for view in tell::items(&answer) {
            if !tell::number(&view["accountID"]).is_some_and(|account| theirs.contains(&account)) {
                continue;
            }
            let keys = ["ratingKey", "grandparentRatingKey"].iter().filter_map(|key| tell::number(&view[*key]));
            evening.viewed.extend(keys.map(|key| (name.to_owned(), key)));
        }
        Ok(())
    }

    /// Keep what was offered, for each of them.
    pub(super) async fn offer(&self, evening: &Evening, keys: &[String], call: &Call) -> Result<(), ToolError> {
        let since_ms = call.now_ms - NOT_AGAIN_DAYS * 86_400_000;
        for person in &evening.company.people {
            let take = |kept: &mut Offered| {
                kept.titles.retain(|offer| offer.at_ms >= since_ms && !keys.contains(&offer.key));
                kept.titles.extend(keys.iter().map(|key| Offer {
                    key: key.clone(),
                    at_ms: call.now_ms,
                    call: call.key.clone(),
                }));
                let surplus = kept.titles.len().saturating_sub(MOST_KEPT);
                kept.titles.drain(..surplus);
                Ok(((), !keys.is_empty()))
            };
            self.offers().change_of(&person.id.to_string(), call.now_ms, take).await?;
        }
        Ok(())
    }
}

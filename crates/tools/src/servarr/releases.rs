//! Releases: searching every indexer now, and sending one of what was found to the download client.
//!
//! A release is named by a reference of ours in place of its long guid: what was searched, and eight hex digits over indexer and
//! guid, such as `m12-3f0a9b1c`. So a reference of half an hour ago, when the application has forgotten its results, or of before
//! a restart, is found again by the same search.

use super::{
    Application, Client, Instances, Which, arguments, asks,
    client::{Query, is_nothing},
    commands, named, view,
};
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError,
    approval::Wording,
    text::{clean, shorten},
    tool::Undo,
};
use majordomo_upstream::{Method, UpstreamError};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt, time::Duration};

/// What is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Movie(u64),
    Season { series: u64, season: u64 },
    Episode(u64),
}

impl Target {
    pub fn query(self) -> Query {
        match self {
            Target::Movie(movie) => vec![("movieId", movie.to_string())],
            Target::Season { series, season } => {
                vec![("seriesId", series.to_string()), ("seasonNumber", season.to_string())]
            }
            Target::Episode(episode) => vec![("episodeId", episode.to_string())],
        }
    }
}

/// A release by what was searched and a short sum.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    pub target: Target,
    sum: String,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.target {
            Target::Movie(movie) => write!(f, "m{movie}-{}", self.sum),
            Target::Season { series, season } => write!(f, "s{series}.{season}-{}", self.sum),
            Target::Episode(episode) => write!(f, "e{episode}-{}", self.sum),
        }
    }
}

impl Reference {
    fn of(target: Target, release: &Value) -> Self {
        let mut sum = Sha256::new();
        sum.update(release["indexerId"].to_string());
        sum.update([0]);
        sum.update(release["guid"].as_str().unwrap_or_default());
        let sum = sum.finalize()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { target, sum }
    }

    /// As written by [`fmt::Display`]; None when it is none of this application's.
    fn parse(which: Which, text: &str) -> Option<Self> {
        let (target, sum) = text.trim().split_once('-')?;
        let (kind, numbers) = target.split_at_checked(1)?;
        let target = match (which, kind) {
            (Which::Radarr, "m") => Target::Movie(numbers.parse().ok()?),
            (Which::Sonarr, "e") => Target::Episode(numbers.parse().ok()?),
            (Which::Sonarr, "s") => {
                let (series, season) = numbers.split_once('.')?;
                Target::Season { series: series.parse().ok()?, season: season.parse().ok()? }
            }
            _ => return None,
        };
        let is_sum = sum.len() == 8 && sum.chars().all(|c| c.is_ascii_hexdigit());
        is_sum.then(|| Self { target, sum: sum.to_ascii_lowercase() })
    }
}

impl Client {
    /// Every candidate of a search, in the application's order of preference. Remembered, so that one of them can be grabbed by its
    /// reference.
    pub async fn releases(&self, target: Target) -> Result<Vec<Value>, ToolError> {
        let Some(releases) = self.search(&target.query()).await? else {
            let title = self.title();
            return Err(ToolError::TellModel(format!("{title} does not have what should be searched")));
        };
        self.remember(releases.iter().map(|release| (Reference::of(target, release).to_string(), release.clone())));
        Ok(releases)
    }

    /// The release of a reference: remembered, else searched again.
    async fn release(&self, reference: &Reference) -> Result<Value, ToolError> {
        if let Some(known) = self.remembered(&reference.to_string()) {
            return Ok(known);
        }
        self.releases(reference.target).await?;
        self.remembered(&reference.to_string()).ok_or_else(|| {
            ToolError::TellModel(format!("no indexer offers the release {reference} any more; search again"))
        })
    }
}

/// Whether a release may be taken as it is.
pub fn is_accepted(release: &Value) -> bool {
    release["approved"] == true || (release["rejected"] == false && release["temporarilyRejected"] != true)
}

/// Reasons for a rejection, each the same for the same kind: numbers and names differ from release to release.
pub fn reasons(release: &Value) -> Vec<&'static str> {
    let mut kinds: Vec<&'static str> = Vec::new();
    for said in release["rejections"].as_array().into_iter().flatten() {
        // Older versions give texts, newer ones may give objects.
        let said = said.as_str().or(said["reason"].as_str()).unwrap_or_default().to_lowercase();
        let kind = reason(&said);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() && !is_accepted(release) {
        kinds.push("other reason");
    }
    kinds
}

/// Source: texts of both applications' decision engines.
fn reason(said: &str) -> &'static str {
    const KINDS: [(&[&str], &str); 15] = [
        (&["not wanted in profile", "quality profile", "is not wanted"], "quality not in the profile"),
        (&["blocklist", "blacklist"], "on the blocklist"),
        (
            &["upgrade", "existing file", "cutoff", "already imported", "equal or higher preference"],
            "no better than what is there",
        ),
        (&["larger than", "above the maximum", "maximum size"], "too large"),
        (&["smaller than", "below the minimum size", "minimum size"], "too small"),
        (&["seeder"], "too few seeders"),
        (&["language"], "language not wanted"),
        (&["custom format", "minimum score"], "custom format score too low"),
        (&["availability", "not available", "delay until", "not yet aired", "unaired"], "not out yet"),
        (&["sample"], "a sample"),
        (
            &["unknown movie", "unknown series", "unable to identify", "wrong movie", "unable to parse"],
            "not identified",
        ),
        (
            &["wrong season", "episode wasn't requested", "wrong episode", "unrequested", "wrong series"],
            "not what was searched",
        ),
        (&["already meets", "in queue", "queued"], "already in the queue"),
        (&["retention", "minimum age"], "too old or too new for the download client"),
        (
            &["release restrictions", "must contain", "ignored term", "required term"],
            "against the release restrictions",
        ),
    ];
    KINDS
        .iter()
        .find(|(parts, _)| parts.iter().any(|part| said.contains(part)))
        .map_or("other reason", |(_, kind)| kind)
}

/// Releases by quality: how many are accepted, how many not and why.
pub fn by_quality(releases: &[Value]) -> Value {
    #[derive(Default)]
    struct Group {
        accepted: usize,
        rejected: usize,
        reasons: BTreeMap<&'static str, usize>,
        weight: i64,
    }
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for release in releases {
        let name = view::quality(&release["quality"]).unwrap_or_else(|| "unknown".into());
        let group = groups.entry(name).or_default();
        group.weight = release["qualityWeight"].as_i64().unwrap_or(0);
        if is_accepted(release) {
            group.accepted += 1;
        } else {
            group.rejected += 1;
            for reason in reasons(release) {
                *group.reasons.entry(reason).or_default() += 1;
            }
        }
    }
    let mut groups: Vec<(String, Group)> = groups.into_iter().collect();
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.weight));
    let told = |(name, group): (String, Group)| {
        view::Fields::default()
            .put("quality", name)
            .put("accepted", group.accepted)
            .put("rejected", group.rejected)
            .put("why", (!group.reasons.is_empty()).then(|| json!(group.reasons)))
            .done()
    };
    groups.into_iter().take(15).map(told).collect()
}

/// How often each reason was given, most often first.
pub fn rejections(releases: &[Value]) -> Vec<(&'static str, usize)> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for release in releases.iter().filter(|release| !is_accepted(release)) {
        for reason in reasons(release) {
            *counts.entry(reason).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

/// One release for the model.
pub fn told(target: Target, release: &Value) -> Value {
    let why: Vec<String> = release["rejections"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|said| view::text(said, 120).or_else(|| view::text(&said["reason"], 120)))
        .take(3)
        .collect();
    view::Fields::default()
        .put("reference", Reference::of(target, release).to_string())
        .put("release", view::text(&release["title"], view::LONGEST_NAME))
        .put("quality", view::quality(&release["quality"]))
        .put("size", view::size_of(&release["size"]))
        .put("languages", view::languages(&release["languages"]))
        .put("age_days", release["age"].as_u64())
        .put("protocol", view::text(&release["protocol"], 20))
        .put("seeders", release["seeders"].as_u64())
        .put("indexer", view::text(&release["indexer"], 60))
        .flag("whole_season", release["fullSeason"] == true)
        .put(
            "episodes",
            release["episodeNumbers"].as_array().map(|list| json!(list.iter().take(30).collect::<Vec<_>>())),
        )
        .put("score", release["customFormatScore"].as_i64().filter(|score| *score != 0))
        .put("rejected_because", why)
        .flag("cannot_be_grabbed", release["downloadAllowed"] == false)
        .done()
}

/// What of a shared tool's arguments is to be searched.
fn target<A: Application>(
    movie: Option<u64>,
    series: Option<u64>,
    season: Option<u64>,
    episode: Option<u64>,
) -> Result<Target, ToolError> {
    let thing = super::own_id::<A>(movie, series)?;
    let season = super::sonarr_only::<A, _>("season_number", season)?;
    let episode = super::sonarr_only::<A, _>("episode_id", episode)?;
    match (A::WHICH, thing, season, episode) {
        (Which::Radarr, Some(movie), _, _) => Ok(Target::Movie(movie)),
        (Which::Radarr, None, _, _) => Err(ToolError::TellModel("movie_id is needed".into())),
        (Which::Sonarr, None, None, Some(episode)) => Ok(Target::Episode(episode)),
        (Which::Sonarr, Some(series), Some(season), None) => Ok(Target::Season { series, season }),
        (Which::Sonarr, ..) => {
            Err(ToolError::TellModel("give episode_id alone, or series_id with season_number".into()))
        }
    }
}

arguments! {
    /// Ask every indexer now which releases there are: by quality with reasons for rejection, and the best few. May take two minutes.
    pub struct Releases<A> {
        /// The film, as `radarr_movies` numbers it.
        #[serde(default)]
        movie_id: Option<u64>,
        /// The series, with `season_number`.
        #[serde(default)]
        series_id: Option<u64>,
        /// The season, with `series_id`.
        #[serde(default)]
        season_number: Option<u64>,
        /// Or a single episode.
        #[serde(default)]
        episode_id: Option<u64>,
        /// Only of this quality, such as `Bluray-1080p`.
        #[serde(default)]
        quality: Option<String>,
        /// Releases shown of the accepted and of the rejected ones, 1 to 20; 5 when absent.
        #[serde(default)]
        limit: Option<usize>,
    }
}

impl<A: Application> Tool for Releases<A> {
    const NAME: &'static str = named!(A, "releases");
    const EFFECT: Effect = Effect::Read;
    const TIMEOUT: Option<Duration> = Some(super::SEARCH_TIMEOUT);
    const KEYWORDS: &'static str = "release interactive search available versions torrent usenet seeders which quality exists \
                                    verfügbar Versionen suchen disponibles versiones buscar disponibles chercher versions";
    type Service = Instances<A>;

    fn title(&self) -> String {
        "Asking every indexer for releases".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let target = target::<A>(self.movie_id, self.series_id, self.season_number, self.episode_id)?;
        let limit = super::limit(self.limit, 5, 20)?;
        let mut releases = client.releases(target).await?;
        let all = releases.len();
        if let Some(quality) = &self.quality {
            let wanted = quality.trim().to_lowercase();
            releases.retain(|release| {
                view::quality(&release["quality"]).is_some_and(|name| name.to_lowercase().contains(&wanted))
            });
        }
        let (accepted, rejected): (Vec<&Value>, Vec<&Value>) =
            releases.iter().partition(|release| is_accepted(release));
        let mut told_all = json!({
            "total": all,
            "accepted": view::some(accepted.into_iter(), limit, |release| told(target, release)),
            "rejected": view::some(rejected.into_iter(), limit, |release| told(target, release)),
            "by_quality": by_quality(&releases),
        });
        if all == 0 {
            told_all["note"] = "nothing found: no indexer offers a release".into();
        }
        Output::json(&told_all)
    }
}

arguments! {
    /// Send one release of `{app}_releases` to the download client, also one that was rejected, when that is allowed.
    pub struct Grab<A> {
        /// Its `reference` from `{app}_releases`.
        reference: String,
    }
}

impl<A: Application> Grab<A> {
    fn reference(&self) -> Result<Reference, ToolError> {
        Reference::parse(A::WHICH, &self.reference).ok_or_else(|| {
            let given = shorten(&clean(&self.reference), 40);
            ToolError::TellModel(format!("“{given}” is no reference of {}_releases", A::WHICH.key()))
        })
    }

    async fn meant(&self, client: &Client) -> Result<(Reference, Value), ToolError> {
        let reference = self.reference()?;
        let release = client.release(&reference).await?;
        if release["downloadAllowed"] == false {
            let why = reasons(&release).join(", ");
            return Err(ToolError::TellModel(format!("this release cannot be grabbed: {why}")));
        }
        Ok((reference, release))
    }
}

impl<A: Application> Tool for Grab<A> {
    const NAME: &'static str = named!(A, "grab");
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::No("a download that began is stopped in the queue");
    const TIMEOUT: Option<Duration> = Some(super::SEARCH_TIMEOUT);
    const KEYWORDS: &'static str = "grab take release download this one pick choose nehmen herunterladen diese Version tomar \
                                    descargar esta prendre télécharger celle-ci";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Send a release to the download client of {}", A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks("Download this release?", "Nothing was downloaded.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let (reference, release) = self.meant(client).await?;
        let told = told(reference.target, &release);
        let mut card = match reference.target {
            Target::Movie(movie) => commands::card_of(client, &commands::thing(client, movie).await?),
            Target::Season { series, season } => {
                let mut card = commands::card_of(client, &commands::thing(client, series).await?);
                card.title = format!("{}, season {season}", card.title);
                card
            }
            Target::Episode(_) => Card::new(view::text_or(&release["title"], 120, "An episode")),
        };
        for (label, field) in [
            ("Release", "release"),
            ("Quality", "quality"),
            ("Size", "size"),
            ("Languages", "languages"),
            ("Indexer", "indexer"),
        ] {
            if let Some(text) = told[field].as_str() {
                card = card.fact(label, text);
            }
        }
        if let Some(seeders) = told["seeders"].as_u64() {
            card = card.fact("Seeders", seeders.to_string());
        }
        if !is_accepted(&release) {
            card = card.fact("Rejected by the rules", reasons(&release).join(", "));
        }
        Ok(card.fact("In", client.title()))
    }

    /// Whether the history has it as grabbed.
    async fn check(&self, instances: &Instances<A>, call: &Call) -> Result<Option<Output>, ToolError> {
        let client = self.client(instances)?;
        let reference = self.reference()?;
        let Some(release) = client.remembered(&reference.to_string()) else { return Ok(None) };
        let since = super::queue::now(call).to_string();
        let grabbed = client.grabbed_since(&since).await?;
        let is_it = |row: &Value| row["sourceTitle"] == release["title"];
        Ok(grabbed.iter().any(is_it).then(|| Output::done("The release was sent to the download client.")))
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let (reference, mut release) = self.meant(client).await?;
        let mut sent = grab(client, &release).await;
        // The application keeps its results for half an hour. It did not take it, so asking again after the same search is no
        // repeat.
        if let Err(error) = &sent
            && is_nothing(error)
        {
            client.releases(reference.target).await?;
            release = client.release(&reference).await?;
            sent = grab(client, &release).await;
        }
        match sent {
            Ok(_) => {}
            Err(UpstreamError::Refused { status: 409, .. }) => {
                return Err(ToolError::TellModel(
                    "the indexer would not hand the release over; choose another one".into(),
                ));
            }
            Err(error) => return Err(client.tool_error(error)),
        }
        let name = view::text_or(&release["title"], view::LONGEST_NAME, "The release");
        let queue = client.downloads().await?;
        let row = queue.iter().find(|download| download.title == name);
        let mut output = Output::json(&json!({
            "sent": told(reference.target, &release),
            "in_queue": row.is_some(),
            "queue_id": row.and_then(|row| row.rows.first().copied()),
        }))?;
        output.receipt = Some(format!("{name} was sent to the download client of {}.", client.title()));
        Ok(output)
    }
}

async fn grab(client: &Client, release: &Value) -> Result<Value, UpstreamError> {
    let body = json!({ "guid": release["guid"], "indexerId": release["indexerId"] });
    client.try_send(Method::POST, "/release", &Query::new(), &body).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_short_and_the_same_for_the_same_release() {
        let release = json!({ "indexerId": 3, "guid": "https://indexer.test/very/long/guid?with=everything" });
        for (which, target) in [
            (Which::Radarr, Target::Movie(12)),
            (Which::Sonarr, Target::Season { series: 4, season: 2 }),
            (Which::Sonarr, Target::Episode(900)),
        ] {
            let reference = Reference::of(target, &release);
            assert!(reference.to_string().len() < 20, "{reference}");
            assert_eq!(Reference::parse(which, &reference.to_string()), Some(reference));
        }
        assert_eq!(Reference::parse(Which::Sonarr, "m12-3f0a9b1c"), None);
        for wrong in ["", "12", "m12", "m-3f0a9b1c", "m12-zzzzzzzz", "s4-3f0a9b1c"] {
            assert_eq!(Reference::parse(Which::Radarr, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn reasons_for_a_rejection_are_told_by_kind() {
        for (said, kind) in [
            ("Bluray-2160p is not wanted in profile", "quality not in the profile"),
            ("Existing file on disk is of equal or higher preference: Bluray-1080p v1", "no better than what is there"),
            ("18.3 GB is larger than maximum allowed 12 GB (for 2h 5m)", "too large"),
            ("300 MB is smaller than minimum allowed 1 GB", "too small"),
            ("Release is blocklisted", "on the blocklist"),
            ("Not enough seeders: 0. Minimum seeders: 1", "too few seeders"),
            ("German is wanted, but found English language", "language not wanted"),
            ("Custom Formats  have score -10 below Movie's minimum score 0", "custom format score too low"),
            ("Movie isn't available: Current availability is In Cinemas", "not out yet"),
            ("Unknown Movie. Unable to identify correct movie", "not identified"),
            ("Something nobody has heard of", "other reason"),
        ] {
            assert_eq!(reasons(&json!({ "rejected": true, "rejections": [said] })), [kind], "{said}");
        }
        assert_eq!(reasons(&json!({ "approved": true, "rejections": [] })), [""; 0]);
    }
}

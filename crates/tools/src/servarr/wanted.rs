//! What is wanted and not there, what is there in too low a quality, what comes when, and all of it in one look.

use super::{
    Application, Client, Instances, Page, Paging, Which, also_named, arguments,
    client::{Age, Query},
    named, queue, view,
};
use jiff::{ToSpan, civil::Date};
use majordomo_domain::{Call, Effect, Output, Tool, ToolError};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// When it came out or aired.
    #[default]
    #[serde(
        alias = "releaseDate",
        alias = "digitalRelease",
        alias = "airDateUtc",
        alias = "release_date",
        alias = "air_date"
    )]
    Date,
    #[serde(alias = "sortTitle", alias = "sort_title")]
    Title,
    /// When it was last searched.
    #[serde(alias = "lastSearchTime", alias = "last_search_time")]
    LastSearched,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    #[serde(alias = "asc")]
    Ascending,
    #[serde(alias = "desc")]
    Descending,
}

impl Sort {
    /// Source: the keys each application's own page sends; others fall back to another order without a word.
    fn key(self, which: Which) -> &'static str {
        match (self, which) {
            (Sort::Date, Which::Radarr) => "movieMetadata.digitalRelease",
            (Sort::Title, Which::Radarr) => "movieMetadata.sortTitle",
            (Sort::LastSearched, Which::Radarr) => "movies.lastSearchTime",
            (Sort::Date, Which::Sonarr) => "episodes.airDateUtc",
            (Sort::Title, Which::Sonarr) => "series.sortTitle",
            (Sort::LastSearched, Which::Sonarr) => "episodes.lastSearchTime",
        }
    }
}

#[derive(Clone, Copy)]
enum List {
    Missing,
    Cutoff,
}

async fn wanted(
    client: &Client,
    list: List,
    (page, limit): (u32, usize),
    (sort, order): (Sort, Order),
) -> Result<Page, ToolError> {
    let path = match list {
        List::Missing => "/wanted/missing",
        List::Cutoff => "/wanted/cutoff",
    };
    let mut query = vec![("monitored", "true".to_owned())];
    if client.which() == Which::Sonarr {
        query.push(("includeSeries", "true".to_owned()));
    }
    let paging =
        Paging { page, size: limit, sort_key: sort.key(client.which()).into(), descending: order == Order::Descending };
    client.page(path, &query, &paging, Age::List).await
}

/// A wanted film or episode.
fn told(which: Which, row: &Value) -> Value {
    let fields = view::Fields::default();
    match which {
        Which::Radarr => fields
            .put("movie_id", row["id"].clone())
            .put("tmdb_id", row["tmdbId"].clone())
            .put("title", view::title_and_year(row))
            .put("available", row["isAvailable"].as_bool())
            .put("digital_release", view::date(&row["digitalRelease"]))
            .put("in_cinemas", view::date(&row["inCinemas"]))
            .put("quality", view::quality(&row["movieFile"]["quality"]))
            .put("last_searched", view::instant(&row["lastSearchTime"]))
            .done(),
        Which::Sonarr => fields
            .put("episode_id", row["id"].clone())
            .put("series_id", row["seriesId"].clone())
            .put("series", view::text(&row["series"]["title"], 200))
            .put("episode", view::episode_number(row["seasonNumber"].as_u64(), row["episodeNumber"].as_u64()))
            .put("title", view::text(&row["title"], 120))
            .put("aired", view::instant(&row["airDateUtc"]))
            .put("quality", view::quality(&row["episodeFile"]["quality"]))
            .put("last_searched", view::instant(&row["lastSearchTime"]))
            .done(),
    }
}

fn page_told(which: Which, page: &Page) -> Value {
    let items: Vec<Value> = page.records.iter().map(|row| told(which, row)).collect();
    json!({ "total": page.total, "page": page.number, "count": items.len(), "items": items })
}

arguments! {
    /// Monitored {things} {App} wants and has no file of (for series: aired episodes), by page.
    pub struct Missing<A> {
        /// From 1.
        #[serde(default)]
        page: Option<u32>,
        /// Entries of a page, 1 to 50; 10 when absent.
        #[serde(default, alias = "page_size")]
        limit: Option<usize>,
        /// Default `date`.
        #[serde(default, alias = "sort_key")]
        sort: Option<Sort>,
        /// Default `descending`.
        #[serde(default, alias = "sort_dir", alias = "sort_direction")]
        order: Option<Order>,
    }
}

impl<A: Application> Tool for Missing<A> {
    const NAME: &'static str = named!(A, "missing");
    const ALIASES: &'static [&'static str] = also_named!(A, "get_wanted", "wanted");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "missing wanted not downloaded without file fehlt fehlend gewünscht falta faltan deseado \
                                    manquant voulu \
        fehlen Folgen Filme faltan episodios manquent manque épisodes";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking at what {} still wants", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let paging = (self.page.unwrap_or(1), super::limit(self.limit, 10, 50)?);
        let order = (self.sort.unwrap_or_default(), self.order.unwrap_or(Order::Descending));
        Output::json(&page_told(A::WHICH, &wanted(client, List::Missing, paging, order).await?))
    }
}

arguments! {
    /// What {App} has in a lower quality than its profile wants, by page.
    pub struct Cutoff<A> {
        /// From 1.
        #[serde(default)]
        page: Option<u32>,
        /// Entries of a page, 1 to 50; 10 when absent.
        #[serde(default, alias = "page_size")]
        limit: Option<usize>,
        /// Default `date`.
        #[serde(default, alias = "sort_key")]
        sort: Option<Sort>,
        /// Default `descending`.
        #[serde(default, alias = "sort_dir", alias = "sort_direction")]
        order: Option<Order>,
    }
}

impl<A: Application> Tool for Cutoff<A> {
    const NAME: &'static str = named!(A, "cutoff");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "cutoff unmet low quality upgrade better schlechte Qualität besser baja calidad mejorar \
                                    basse qualité améliorer";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking at what {} wants in better quality", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let paging = (self.page.unwrap_or(1), super::limit(self.limit, 10, 50)?);
        let order = (self.sort.unwrap_or_default(), self.order.unwrap_or(Order::Descending));
        Output::json(&page_told(A::WHICH, &wanted(client, List::Cutoff, paging, order).await?))
    }
}

/// The days of a calendar, by default today and the week after it where the person is.
fn days(call: &Call, start: Option<&str>, end: Option<&str>) -> Result<(Date, Date), ToolError> {
    let today = queue::now(call).to_zoned(super::zone(call)).date();
    let start = start.map(super::day).transpose()?.unwrap_or(today);
    let end = end.map(super::day).transpose()?.unwrap_or(start.saturating_add(7.days()));
    if end < start {
        return Err(ToolError::TellModel(format!("the end, {end}, is before the start, {start}")));
    }
    if start.saturating_add(100.days()) < end {
        return Err(ToolError::TellModel("a calendar shows at most 100 days".into()));
    }
    Ok((start, end))
}

async fn calendar(client: &Client, (start, end): (Date, Date), unmonitored: bool) -> Result<Vec<Value>, ToolError> {
    let mut query = vec![
        ("start", format!("{start}T00:00:00Z")),
        // The last day as a whole.
        ("end", format!("{}T00:00:00Z", end.saturating_add(1.day()))),
        ("unmonitored", unmonitored.to_string()),
    ];
    if client.which() == Which::Sonarr {
        query.push(("includeSeries", "true".to_owned()));
    }
    client.list("/calendar", &query, Age::List).await
}

fn calendar_entry(which: Which, row: &Value) -> Value {
    let fields = view::Fields::default();
    match which {
        Which::Radarr => fields
            .put("movie_id", row["id"].clone())
            .put("title", view::title_and_year(row))
            .put("in_cinemas", view::date(&row["inCinemas"]))
            .put("digital_release", view::date(&row["digitalRelease"]))
            .put("physical_release", view::date(&row["physicalRelease"]))
            .flag("there", row["hasFile"] == true)
            .flag("not_monitored", row["monitored"] == false)
            .done(),
        Which::Sonarr => fields
            .put("episode_id", row["id"].clone())
            .put("series_id", row["seriesId"].clone())
            .put("series", view::text(&row["series"]["title"], 200))
            .put("episode", view::episode_number(row["seasonNumber"].as_u64(), row["episodeNumber"].as_u64()))
            .put("title", view::text(&row["title"], 120))
            .put("airs", view::instant(&row["airDateUtc"]))
            .flag("there", row["hasFile"] == true)
            .flag("not_monitored", row["monitored"] == false)
            .done(),
    }
}

arguments! {
    /// What comes out or airs in a range of days, of the {things} in {App}.
    pub struct Calendar<A> {
        /// First day, such as `2026-11-21`; today when absent.
        #[serde(default, alias = "start_date")]
        start: Option<String>,
        /// Last day; a week after the first when absent.
        #[serde(default, alias = "end_date")]
        end: Option<String>,
        /// Also what is not monitored. False when absent.
        #[serde(default)]
        unmonitored: Option<bool>,
        /// Entries shown, 1 to 50; 20 when absent.
        #[serde(default)]
        limit: Option<usize>,
    }
}

impl<A: Application> Tool for Calendar<A> {
    const NAME: &'static str = named!(A, "calendar");
    const ALIASES: &'static [&'static str] = also_named!(A, "get_calendar");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "calendar upcoming release air date this week soon Kalender diese Woche demnächst \
                                    calendario esta semana próximo calendrier cette semaine bientôt";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking into {}'s calendar", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, call: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let limit = super::limit(self.limit, 20, 50)?;
        let (start, end) = days(call, self.start.as_deref(), self.end.as_deref())?;
        let rows = calendar(client, (start, end), self.unmonitored == Some(true)).await?;
        let mut told = view::some(rows.iter(), limit, |row| calendar_entry(A::WHICH, row));
        told["from"] = start.to_string().into();
        told["to"] = end.to_string().into();
        Output::json(&told)
    }
}

arguments! {
    /// One look at {App}: what is downloading, what is wanted, what comes this week. A part that cannot be asked is named.
    pub struct ActivityOverview<A> {
        /// Whether to look at the queue. True when absent.
        #[serde(default, alias = "check_queue")]
        queue: Option<bool>,
        /// Whether to look at what is missing. True when absent.
        #[serde(default, alias = "check_wanted")]
        wanted: Option<bool>,
        /// Whether to look into the calendar. True when absent.
        #[serde(default, alias = "check_calendar")]
        calendar: Option<bool>,
        /// Entries of each list, 1 to 25; 5 when absent.
        #[serde(default, alias = "page_size", alias = "max_results")]
        limit: Option<usize>,
        /// Page of what is missing, from 1.
        #[serde(default)]
        page: Option<u32>,
        /// Order of what is missing, default `date`.
        #[serde(default, alias = "sort_key")]
        sort: Option<Sort>,
        /// Default `descending`.
        #[serde(default, alias = "sort_dir", alias = "sort_direction")]
        order: Option<Order>,
        /// First day of the calendar; today when absent.
        #[serde(default, alias = "start_date")]
        start: Option<String>,
        /// Last day of the calendar; a week after the first when absent.
        #[serde(default, alias = "end_date")]
        end: Option<String>,
    }
}

impl<A: Application> Tool for ActivityOverview<A> {
    const NAME: &'static str = named!(A, "activity_overview");
    const ALIASES: &'static [&'static str] = also_named!(A, "activity_check");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "overview activity what is going on status summary Überblick was läuft resumen qué pasa \
                                    aperçu activité";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking {} over", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, call: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let limit = super::limit(self.limit, 5, 25)?;
        let range = days(call, self.start.as_deref(), self.end.as_deref())?;
        let order = (self.sort.unwrap_or_default(), self.order.unwrap_or(Order::Descending));
        let coming = async {
            let downloads = client.downloads().await?;
            let visit = instances.doctor().visit(client, &downloads, true, call.now_ms).await?;
            let items: Vec<Value> =
                downloads.iter().take(limit).map(|download| queue::told(download, &visit)).collect();
            Ok(json!({ "total": downloads.len(), "count": items.len(), "items": items }))
        };
        let missing = async {
            let page = wanted(client, List::Missing, (self.page.unwrap_or(1), limit), order).await?;
            Ok(page_told(A::WHICH, &page))
        };
        let dates = async {
            let rows = calendar(client, range, false).await?;
            Ok(view::some(rows.iter(), limit, |row| calendar_entry(A::WHICH, row)))
        };
        let (coming, missing, dates) =
            tokio::join!(part(self.queue, coming), part(self.wanted, missing), part(self.calendar, dates));
        let mut told = json!({});
        let mut failed: Vec<ToolError> = Vec::new();
        let mut asked = 0;
        for (name, part) in [("queue", coming), ("wanted", missing), ("calendar", dates)] {
            let Some(part) = part else { continue };
            asked += 1;
            match part {
                Ok(part) => told[name] = part,
                Err(error) => {
                    told[name] = json!({ "failed": error.to_string() });
                    failed.push(error);
                }
            }
        }
        match failed.into_iter().next() {
            // Nothing at all was answered: that is a failure, not an overview.
            Some(error)
                if told.as_object().is_none_or(|parts| parts.values().all(|part| part["failed"].is_string())) =>
            {
                Err(error)
            }
            _ if asked == 0 => Err(ToolError::TellModel("at least one of queue, wanted and calendar is needed".into())),
            _ => Output::json(&told),
        }
    }
}

async fn part(
    is_wanted: Option<bool>,
    ask: impl Future<Output = Result<Value, ToolError>>,
) -> Option<Result<Value, ToolError>> {
    if is_wanted == Some(false) { None } else { Some(ask.await) }
}

/// How many entries a wanted list has.
pub(super) async fn total(client: &Client, is_cutoff: bool) -> Result<u64, ToolError> {
    let list = if is_cutoff { List::Cutoff } else { List::Missing };
    Ok(wanted(client, list, (1, 1), (Sort::Date, Order::Descending)).await?.total)
}

/// Indexers a search asks.
pub(super) async fn indexers(client: &Client) -> Result<usize, ToolError> {
    let list = client.list("/indexer", &Query::new(), Age::List).await?;
    Ok(list.iter().filter(|indexer| indexer["enableAutomaticSearch"] == true).count())
}

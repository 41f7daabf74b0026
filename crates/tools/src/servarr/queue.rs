//! What is coming: the queue by download, and taking something out of it or grabbing it now.

use super::{
    Application, Client, Instances, MOST_DESTROYED, Which, also_named, arguments, asks,
    client::{Age, Query},
    doctor::{Visit, is_stuck},
    named,
    stuck::{self, Class, Download},
    view,
};
use jiff::Timestamp;
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError, approval::Wording, text::shorten, tool::Undo,
};
use majordomo_upstream::Method;
use serde_json::{Value, json};

pub(super) const SHOWN: usize = 10;

impl Client {
    /// The whole queue by download.
    pub async fn downloads(&self) -> Result<Vec<Download>, ToolError> {
        Ok(stuck::downloads(self.which(), &self.whole_queue().await?))
    }

    /// What a download is for, by its name, with its poster.
    pub fn card_of(&self, download: &Download) -> Card {
        let mut card = Card::new(download.name());
        card.picture = self.picture_of(download.things.first().copied());
        card
    }
}

/// One download for the model: what, how far, what is the matter.
pub fn told(download: &Download, visit: &Visit) -> Value {
    let verdict = visit.judge(download);
    let is_well = matches!(verdict.class, Class::Waiting | Class::Downloading | Class::Importing);
    view::Fields::default()
        .put("queue_id", download.rows.first().copied())
        .put("download_id", download.id.clone().map(|id| shorten(&id, 80)))
        .put("for", download.about.iter().take(5).cloned().collect::<Vec<_>>())
        .put("parts", (download.rows.len() > 1).then_some(download.rows.len()))
        .put("release", download.title.clone())
        .put("quality", download.quality.clone())
        .put("size", download.size.map(view::size))
        .put("percent", download.percent())
        .put("time_left", download.time_left.clone())
        .put("state", serde_json::to_value(verdict.class).unwrap_or_default())
        .put("cause", (!is_well).then_some(verdict.cause))
        .put("proposed", (!is_well).then(|| serde_json::to_value(verdict.fix).unwrap_or_default()))
        .put("consequence", (!is_well).then_some(verdict.consequence))
        .done()
}

pub(super) fn now(call: &Call) -> Timestamp {
    Timestamp::from_millisecond(call.now_ms).unwrap_or(Timestamp::UNIX_EPOCH)
}

arguments! {
    /// What {App} is downloading and importing, one entry a download: percent, time left, and what is wrong with stuck ones.
    pub struct Queue<A> {
        /// Only of this film.
        #[serde(default)]
        movie_id: Option<u64>,
        /// Only of this series.
        #[serde(default)]
        series_id: Option<u64>,
        /// Only those that do not get on by themselves.
        #[serde(default)]
        only_stuck: Option<bool>,
        /// Downloads shown, 1 to 50; 10 when absent.
        #[serde(default)]
        limit: Option<usize>,
    }
}

impl<A: Application> Tool for Queue<A> {
    const NAME: &'static str = named!(A, "queue");
    const ALIASES: &'static [&'static str] = also_named!(A, "get_queue");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "download queue downloading progress stuck stalled when ready percent lädt Download hängt \
                                    Warteschlange fertig descarga cola atascada descargando téléchargement file bloqué";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking at what {} is downloading", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, call: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let thing = super::own_id::<A>(self.movie_id, self.series_id)?;
        let limit = super::limit(self.limit, SHOWN, 50)?;
        let mut downloads = client.downloads().await?;
        let visit = instances.doctor().visit(client, &downloads, true, call.now_ms).await?;
        downloads.retain(|download| thing.is_none_or(|thing| download.things.contains(&thing)));
        if self.only_stuck == Some(true) {
            downloads.retain(|download| is_stuck(visit.judge(download).class));
        }
        let shown: Vec<Value> = downloads.iter().take(limit).map(|download| told(download, &visit)).collect();
        Output::json(&json!({ "total": downloads.len(), "count": shown.len(), "items": shown }))
    }
}

arguments! {
    /// The queue rows of one of {App}'s {things}, with every message {App} and the download client give.
    pub struct QueueDetails<A> {
        /// The film, as `radarr_movies` numbers it.
        #[serde(default)]
        movie_id: Option<u64>,
        /// The series, as `sonarr_series` numbers it.
        #[serde(default)]
        series_id: Option<u64>,
    }
}

impl<A: Application> Tool for QueueDetails<A> {
    const NAME: &'static str = named!(A, "queue_details");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "queue download details message why stuck error Warteschlange warum Fehler cola por qué pourquoi erreur";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Reading what {} says about a download", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, call: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let thing = super::needed_id::<A>(self.movie_id, self.series_id)?;
        let query = match A::WHICH {
            Which::Radarr => vec![("movieId", thing.to_string()), ("includeMovie", "true".to_owned())],
            Which::Sonarr => vec![
                ("seriesId", thing.to_string()),
                ("includeSeries", "true".to_owned()),
                ("includeEpisode", "true".to_owned()),
            ],
        };
        let rows = client.list("/queue/details", &query, Age::Live).await?;
        let downloads = stuck::downloads(A::WHICH, &rows);
        let visit = instances.doctor().visit(client, &downloads, false, call.now_ms).await?;
        let entry = |download: &Download| {
            let mut entry = told(download, &visit);
            entry["messages"] = download.messages.iter().take(10).cloned().collect::<Vec<_>>().into();
            entry["queue_ids"] = download.rows.iter().take(30).copied().collect::<Vec<_>>().into();
            entry["indexer"] = download.indexer.clone().into();
            entry["download_client"] = download.client.clone().into();
            entry
        };
        let shown: Vec<Value> = downloads.iter().take(SHOWN).map(entry).collect();
        Output::json(&json!({ "total": downloads.len(), "count": shown.len(), "items": shown }))
    }
}

arguments! {
    /// How many downloads {App} has, and whether any has errors or warnings.
    pub struct QueueStatus<A> {}
}

impl<A: Application> Tool for QueueStatus<A> {
    const NAME: &'static str = named!(A, "queue_status");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "queue count how many downloads errors wie viele cuántas combien";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Counting {}'s downloads", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let status = client.get("/queue/status", &Query::new(), Age::Live).await?;
        Output::json(&json!({
            "rows": status["totalCount"],
            "of_unknown": status["unknownCount"],
            "errors": status["errors"],
            "warnings": status["warnings"],
        }))
    }
}

arguments! {
    /// Take downloads out of {App}'s queue. One row removes the whole download, also of a pack. Asks first and shows what goes.
    pub struct QueueRemove<A> {
        /// `queue_id` of each download, from `{app}_queue`; at most 20 downloads.
        #[serde(alias = "ids")]
        queue_ids: Vec<u64>,
        /// Also remove it from the download client, with its data. True when absent.
        #[serde(default)]
        remove_from_client: Option<bool>,
        /// Never take this release again; {App} then usually searches another one. False when absent.
        #[serde(default)]
        blocklist: Option<bool>,
        /// With `blocklist`: do not search another one. False when absent.
        #[serde(default)]
        skip_redownload: Option<bool>,
        /// Give it another category in the download client in place of removing it. False when absent.
        #[serde(default)]
        change_category: Option<bool>,
    }
}

impl<A: Application> QueueRemove<A> {
    async fn meant(&self, client: &Client) -> Result<Vec<Download>, ToolError> {
        if self.queue_ids.is_empty() {
            return Err(ToolError::TellModel("no download is named; give queue_ids".into()));
        }
        let mut downloads = client.downloads().await?;
        for id in &self.queue_ids {
            if !downloads.iter().any(|download| download.rows.contains(id)) {
                let title = client.title();
                return Err(ToolError::TellModel(format!("{title} has no download with the queue_id {id} any more")));
            }
        }
        downloads.retain(|download| download.rows.iter().any(|row| self.queue_ids.contains(row)));
        if downloads.len() > MOST_DESTROYED {
            return Err(ToolError::TellModel(format!(
                "these are {} downloads; one call removes at most {MOST_DESTROYED}",
                downloads.len()
            )));
        }
        Ok(downloads)
    }

    fn consequence(&self) -> &'static str {
        let is = |flag: Option<bool>| flag == Some(true);
        match (self.remove_from_client != Some(false), is(self.blocklist), is(self.skip_redownload)) {
            _ if is(self.change_category) => "It stays in the download client, in another category",
            (true, true, true) => "Its data is removed, the release is never taken again, nothing is searched",
            (true, true, false) => "Its data is removed, the release is never taken again, another one is searched",
            (true, false, _) => "Its data is removed; the same release may be taken again",
            (false, true, true) => {
                "It stays in the download client; the release is never taken again, nothing is searched"
            }
            (false, true, false) => {
                "It stays in the download client; the release is never taken again, another one is searched"
            }
            (false, false, _) => "It stays in the download client and is ignored from now on",
        }
    }
}

impl<A: Application> Tool for QueueRemove<A> {
    const NAME: &'static str = named!(A, "queue_remove");
    const EFFECT: Effect = Effect::Destroy;
    const REPEAT: Repeat = Repeat::Checkable;
    const UNDO: Undo = Undo::No("a removed download is gone");
    const KEYWORDS: &'static str = "queue remove cancel delete download blocklist stuck stop abbrechen entfernen löschen \
                                    Download cancelar quitar descarga annuler supprimer téléchargement \
        cancel stop download abbrechen brich ab Download cancelar descarga annuler téléchargement";
    type Service = Instances<A>;

    fn title(&self) -> String {
        match self.queue_ids.len() {
            1 => format!("Take a download out of {}'s queue", A::WHICH.name()),
            count => format!("Take {count} downloads out of {}'s queue", A::WHICH.name()),
        }
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks(format!("{}?", self.title()), "The queue stays as it is.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let downloads = self.meant(client).await?;
        let mut card = match downloads.as_slice() {
            [one] => client.card_of(one),
            many => Card::new(format!("{} downloads", many.len())),
        };
        card.subtitle = self.consequence().into();
        for download in downloads.iter().take(8) {
            let mut parts = vec![download.title.clone()];
            parts.extend(download.size.map(view::size));
            parts.extend(download.percent().map(|percent| format!("{percent} % there")));
            if download.rows.len() > 1 {
                parts.push(format!("a pack: all {} parts go", download.rows.len()));
            }
            card = card.fact(shorten(&download.name(), 60), parts.join(" · "));
        }
        if downloads.len() > 8 {
            card = card.fact("And", format!("{} more", downloads.len() - 8));
        }
        if let [one] = downloads.as_slice()
            && one.about.len() > 1
        {
            card.text = shorten(&format!("Holds {}", one.about.join(", ")), 600);
        }
        Ok(card.fact("In", client.title()))
    }

    /// Whether none of the rows is there any more.
    async fn check(&self, instances: &Instances<A>, _: &Call) -> Result<Option<Output>, ToolError> {
        let client = self.client(instances)?;
        let left = client.downloads().await?;
        let is_there = left.iter().any(|download| download.rows.iter().any(|row| self.queue_ids.contains(row)));
        Ok((!is_there).then(|| Output::done(format!("The downloads are not in {}'s queue any more.", client.title()))))
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let downloads = self.meant(client).await?;
        let flag = |flag: Option<bool>, otherwise: bool| flag.unwrap_or(otherwise).to_string();
        let query = vec![
            ("removeFromClient", flag(self.remove_from_client, self.change_category != Some(true))),
            ("blocklist", flag(self.blocklist, false)),
            ("skipRedownload", flag(self.skip_redownload, false)),
            ("changeCategory", flag(self.change_category, false)),
        ];
        let ids: Vec<u64> = downloads.iter().filter_map(|download| download.rows.first().copied()).collect();
        match ids.as_slice() {
            [one] => client.send(Method::DELETE, &format!("/queue/{one}"), &query, &Value::Null).await?,
            many => client.send(Method::DELETE, "/queue/bulk", &query, &json!({ "ids": many })).await?,
        };
        let left = client.downloads().await?;
        let mut said = Vec::new();
        let mut still = Vec::new();
        for download in &downloads {
            let is_there = left.iter().any(|now| now.rows.iter().any(|row| download.rows.contains(row)));
            if is_there { still.push(download.name()) } else { said.push(download.name()) }
        }
        let mut told = json!({ "removed": said, "meaning": self.consequence() });
        if !still.is_empty() {
            told["still_there"] = still.clone().into();
            told["note"] = "the request was accepted; the rest is usually gone within seconds".into();
        }
        let mut output = Output::json(&told)?;
        let names = if said.is_empty() { &still } else { &said };
        output.receipt = Some(match still.is_empty() {
            true => format!("Taken out of {}'s queue: {}.", client.title(), shorten(&names.join(", "), 200)),
            false => format!("{} was told to take out: {}.", client.title(), shorten(&names.join(", "), 200)),
        });
        Ok(output)
    }
}

arguments! {
    /// Grab a release now that {App} holds back because of a delay profile.
    pub struct QueueGrab<A> {
        /// Its `queue_id`, from `{app}_queue`.
        #[serde(alias = "id")]
        queue_id: u64,
    }
}

impl<A: Application> QueueGrab<A> {
    async fn meant(&self, client: &Client) -> Result<Download, ToolError> {
        let downloads = client.downloads().await?;
        let meant = downloads.into_iter().find(|download| download.rows.contains(&self.queue_id));
        match meant {
            None => Err(ToolError::TellModel(format!(
                "{} has no download with the queue_id {} any more",
                client.title(),
                self.queue_id
            ))),
            Some(download) if download.status != "delay" && download.status != "downloadClientUnavailable" => {
                Err(ToolError::TellModel(format!("{} is not held back: it is {}", download.name(), download.status)))
            }
            Some(download) => Ok(download),
        }
    }
}

impl<A: Application> Tool for QueueGrab<A> {
    const NAME: &'static str = named!(A, "queue_grab");
    const EFFECT: Effect = Effect::Write;
    const UNDO: Undo = Undo::No("a download that began is stopped in the queue");
    const KEYWORDS: &'static str = "queue grab now delayed held sofort jetzt ahora maintenant";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Grab what {} holds back", A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks("Grab it now?", "It stays held back until its time.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let download = self.meant(client).await?;
        let mut card = client.card_of(&download).fact("Release", download.title.clone()).fact("In", client.title());
        if let Some(size) = download.size {
            card = card.fact("Size", view::size(size));
        }
        Ok(card)
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let download = self.meant(client).await?;
        client.send(Method::POST, &format!("/queue/grab/{}", self.queue_id), &Query::new(), &Value::Null).await?;
        Ok(Output::done(format!("{} was sent to the download client.", download.name())))
    }
}

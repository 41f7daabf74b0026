//! The application itself: how it is, where it keeps things, and its lists of profiles, folders and tags.

use super::{
    Application, Instances, NameOrId, also_named, arguments, asks,
    client::{Age, Query},
    named, view,
};
use majordomo_domain::{
    Call, Card, Effect, Output, Repeat, Tool, ToolError,
    approval::Wording,
    text::{clean, shorten},
    tool::Undo,
};
use majordomo_upstream::Method;
use serde_json::{Value, json};

arguments! {
    /// How {App} is: version, since when it runs, on what.
    pub struct Status<A> {}
}

impl<A: Application> Tool for Status<A> {
    const NAME: &'static str = named!(A, "status");
    const ALIASES: &'static [&'static str] = also_named!(A, "system_status");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "system status version running uptime online Zustand läuft estado versión état fonctionne";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Asking how {} is", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let status = client.get("/system/status", &Query::new(), Age::List).await?;
        let told = view::Fields::default()
            .put("instance", client.name())
            .put("name", view::text(&status["instanceName"], 60))
            .put("version", view::text(&status["version"], 40))
            .put("running_since", view::instant(&status["startTime"]))
            .put("system", view::text(&status["osName"], 40))
            .flag("in_container", status["isDocker"] == true)
            .put("database", view::text(&status["databaseType"], 20))
            .done();
        Output::json(&told)
    }
}

arguments! {
    /// What {App} itself says is wrong: indexers, download clients, folders, updates. Empty when all is well.
    pub struct Health<A> {}
}

impl<A: Application> Tool for Health<A> {
    const NAME: &'static str = named!(A, "health");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "health check problem warning error broken wrong Fehler Problem kaputt salud avería santé panne";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Asking what is wrong with {}", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let list = client.list("/health", &Query::new(), Age::Live).await?;
        let problem = |problem: &Value| {
            view::Fields::default()
                .put("level", view::text(&problem["type"], 20))
                .put("source", view::text(&problem["source"], 60))
                .put("message", view::text(&problem["message"], 300))
                .done()
        };
        let problems: Vec<&Value> = list.iter().filter(|problem| problem["type"] != "ok").collect();
        let mut told = view::some(problems.iter().copied(), 20, problem);
        told["healthy"] = Value::Bool(problems.is_empty());
        Output::json(&told)
    }
}

arguments! {
    /// Free and total space of the disks {App} sees.
    pub struct DiskSpace<A> {}
}

impl<A: Application> Tool for DiskSpace<A> {
    const NAME: &'static str = named!(A, "disk_space");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "disk space free storage full room Speicherplatz Platte frei espacio disco libre espace disque libre";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Measuring {}'s disks", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let list = client.list("/diskspace", &Query::new(), Age::List).await?;
        let disk = |disk: &Value| {
            let (free, total) = (view::bytes(&disk["freeSpace"]), view::bytes(&disk["totalSpace"]));
            let percent = free.zip(total).filter(|(_, total)| *total > 0);
            view::Fields::default()
                .put("path", view::text(&disk["path"], 200))
                .put("label", view::text(&disk["label"], 60))
                .put("free", free.map(view::size))
                .put("total", total.map(view::size))
                .put("free_percent", percent.map(|(free, total)| free.saturating_mul(100) / total))
                .done()
        };
        Output::json(&view::some(list.iter(), 20, disk))
    }
}

arguments! {
    /// The root folders {App} keeps {things} in, with free space.
    pub struct RootFolders<A> {}
}

impl<A: Application> Tool for RootFolders<A> {
    const NAME: &'static str = named!(A, "root_folders");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "root folder path directory where stored Ordner Verzeichnis carpeta dossier";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking up {}'s root folders", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let list = client.list("/rootfolder", &Query::new(), Age::Reference).await?;
        let folder = |folder: &Value| {
            view::Fields::default()
                .put("id", folder["id"].clone())
                .put("path", view::text(&folder["path"], 200))
                .put("free", view::size_of(&folder["freeSpace"]))
                .flag("out_of_reach", folder["accessible"] == false)
                .put("unmapped_folders", folder["unmappedFolders"].as_array().map(Vec::len))
                .done()
        };
        Output::json(&view::some(list.iter(), 20, folder))
    }
}

arguments! {
    /// {App}'s quality profiles: names, which qualities each takes (worst to best), and where upgrading stops.
    pub struct QualityProfiles<A> {}
}

impl<A: Application> Tool for QualityProfiles<A> {
    const NAME: &'static str = named!(A, "quality_profiles");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "quality profile 4k 1080p 720p hd uhd Qualität Profil calidad perfil qualité profil \
        Qualitätsprofile Profile perfiles de calidad profils de qualité";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking up {}'s quality profiles", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let profiles = client.profiles().await?;
        let told: Vec<Value> = profiles.iter().take(30).map(super::lists::Profile::told).collect();
        Output::json(&json!({ "total": profiles.len(), "default": client.settings().quality_profile, "items": told }))
    }
}

arguments! {
    /// {App}'s tags and how many {things} carry each.
    pub struct Tags<A> {}
}

impl<A: Application> Tool for Tags<A> {
    const NAME: &'static str = named!(A, "tags");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str = "tag label list Etikett Schlagwort etiqueta étiquette";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking up {}'s tags", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let list = client.list("/tag/detail", &Query::new(), Age::List).await?;
        let users = match A::WHICH {
            super::Which::Radarr => "movieIds",
            super::Which::Sonarr => "seriesIds",
        };
        let tag = |tag: &Value| {
            view::Fields::default()
                .put("id", tag["id"].clone())
                .put("label", view::text(&tag["label"], 60))
                .put(A::WHICH.things(), tag[users].as_array().map(Vec::len))
                .done()
        };
        Output::json(&view::some(list.iter(), 60, tag))
    }
}

arguments! {
    /// Make a tag in {App}. One of that name that exists already is used.
    pub struct TagCreate<A> {
        /// The tag's name; {App} writes it in lower case.
        label: String,
    }
}

impl<A: Application> TagCreate<A> {
    fn label(&self) -> Result<String, ToolError> {
        let label = clean(&self.label).trim().to_lowercase();
        match label.chars().count() {
            1..=50 => Ok(label),
            _ => Err(ToolError::TellModel("a tag has 1 to 50 letters".into())),
        }
    }
}

impl<A: Application> Tool for TagCreate<A> {
    const NAME: &'static str = named!(A, "tag_create");
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::No("a tag is only taken away in the application's own settings");
    const KEYWORDS: &'static str = "tag label new create Etikett neu etiqueta nueva étiquette créer";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Make the tag “{}” in {}", shorten(&clean(&self.label), 50), A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        let label = shorten(&clean(&self.label), 50);
        asks(format!("Make the tag “{label}” in {}?", A::WHICH.name()), format!("The tag “{label}” was not made."))
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let label = self.label()?;
        let tags = client.tags().await?;
        let mut card = Card::new(format!("Tag “{label}”")).fact("In", client.title());
        if tags.iter().any(|tag| tag.label == label) {
            card.subtitle = "Is there already".into();
        }
        Ok(card)
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let label = self.label()?;
        if let Ok(mut tags) = client.tags_named(&[NameOrId::Name(label.clone())]).await {
            let tag = tags.remove(0);
            return Output::json(&json!({ "id": tag.id, "label": tag.label, "already_exists": true }));
        }
        let made = client.send(Method::POST, "/tag", &Query::new(), &json!({ "label": label })).await?;
        let mut output = Output::json(&json!({ "id": made["id"], "label": view::text(&made["label"], 60) }))?;
        output.receipt = Some(format!("The tag “{label}” was made in {}.", client.title()));
        Ok(output)
    }
}

arguments! {
    /// How {App} understands a release's name: title, year or episodes, quality, languages.
    pub struct Parse<A> {
        /// The release's name.
        title: String,
    }
}

impl<A: Application> Tool for Parse<A> {
    const NAME: &'static str = named!(A, "parse");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "parse release name understand meaning Name verstehen Bedeutung nombre interpretar nom comprendre";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Asking how {} reads a release's name", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let title: String = clean(&self.title).trim().chars().take(300).collect();
        if title.is_empty() {
            return Err(ToolError::TellModel("the name is empty".into()));
        }
        let answer = client.get("/parse", &vec![("title", title)], Age::List).await?;
        let parsed = match A::WHICH {
            super::Which::Radarr => &answer["parsedMovieInfo"],
            super::Which::Sonarr => &answer["parsedEpisodeInfo"],
        };
        if !parsed.is_object() {
            return Output::json(&json!({ "note": "nothing found: the name is not understood" }));
        }
        let (thing, name) = match A::WHICH {
            super::Which::Radarr => (&answer["movie"], &parsed["primaryMovieTitle"]),
            super::Which::Sonarr => (&answer["series"], &parsed["seriesTitle"]),
        };
        let titles = view::text(name, 200).or_else(|| view::text(&parsed["movieTitles"][0], 200));
        let told = view::Fields::default()
            .put("title", titles)
            .put("year", parsed["year"].as_u64().filter(|year| *year > 0))
            .put("season", parsed["seasonNumber"].as_u64())
            .put("episodes", parsed["episodeNumbers"].as_array().map(|list| json!(list)))
            .flag("whole_season", parsed["fullSeason"] == true)
            .put("quality", view::quality(&parsed["quality"]))
            .put("languages", view::languages(&parsed["languages"]))
            .put("group", view::text(&parsed["releaseGroup"], 60))
            .put("known_as", view::title_and_year(thing))
            .put(A::WHICH.id_argument(), thing["id"].as_u64().filter(|id| *id > 0))
            .done();
        Output::json(&told)
    }
}

arguments! {
    /// Whom {App} tells about what it does: webhooks, chats, media servers, and whether each is on.
    pub struct Notifications<A> {}
}

impl<A: Application> Tool for Notifications<A> {
    const NAME: &'static str = named!(A, "notifications");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "notification connect webhook discord telegram Benachrichtigung notificación aviso notification";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking up whom {} tells", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let list = client.list("/notification", &Query::new(), Age::List).await?;
        let notification = |it: &Value| {
            let is_told = |(name, value): (&String, &Value)| {
                (*value == true && name.starts_with("on")).then(|| name[2..].to_owned())
            };
            let told_of: Vec<String> = it.as_object().into_iter().flatten().filter_map(is_told).take(15).collect();
            // Its fields hold addresses and keys, and stay here.
            view::Fields::default()
                .put("name", view::text(&it["name"], 60))
                .put("kind", view::text(&it["implementationName"], 60))
                .put("told_of", told_of)
                .done()
        };
        Output::json(&view::some(list.iter(), 20, notification))
    }
}

arguments! {
    /// The indexers {App} searches: names, kinds, priority, what each is used for.
    pub struct Indexers<A> {}
}

impl<A: Application> Tool for Indexers<A> {
    const NAME: &'static str = named!(A, "indexers");
    const ALIASES: &'static [&'static str] = also_named!(A, "get_indexers");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "indexer tracker source torrent usenet Quelle Indexer fuente indexador source indexeur";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking up {}'s indexers", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let list = client.list("/indexer", &Query::new(), Age::List).await?;
        let indexer = |it: &Value| {
            view::Fields::default()
                .put("name", view::text(&it["name"], 60))
                .put("kind", view::text(&it["implementationName"], 60))
                .put("protocol", view::text(&it["protocol"], 20))
                .put("priority", it["priority"].as_u64())
                .put("rss", it["enableRss"].as_bool())
                .put("automatic_search", it["enableAutomaticSearch"].as_bool())
                .put("interactive_search", it["enableInteractiveSearch"].as_bool())
                .done()
        };
        Output::json(&view::some(list.iter(), 40, indexer))
    }
}

arguments! {
    /// The download clients {App} sends releases to, and whether each is on.
    pub struct DownloadClients<A> {}
}

impl<A: Application> Tool for DownloadClients<A> {
    const NAME: &'static str = named!(A, "download_clients");
    const ALIASES: &'static [&'static str] = also_named!(A, "get_download_clients");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "download client torrent usenet qbittorrent sabnzbd Downloader cliente de descarga client de téléchargement";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Looking up {}'s download clients", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let list = client.list("/downloadclient", &Query::new(), Age::List).await?;
        let told = |it: &Value| {
            view::Fields::default()
                .put("name", view::text(&it["name"], 60))
                .put("kind", view::text(&it["implementationName"], 60))
                .put("protocol", view::text(&it["protocol"], 20))
                .put("on", it["enable"].as_bool())
                .put("priority", it["priority"].as_u64())
                .done()
        };
        Output::json(&view::some(list.iter(), 20, told))
    }
}

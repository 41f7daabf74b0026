//! Behind plex.tv: what somebody wants to see, a catalogue of everything, the account and its servers.
//!
//! None of it is described by Plex, and it has moved before. A list that is not there is a failure, never an empty list.

use super::{
    arguments::{Level, Shelf, limit, one_line},
    client::{Host, Instance, Plex, Query},
    items::arguments,
    library::discover_key,
    tell::{self, items, nothing, text, titled, total},
};
use futures_util::future::join_all;
use majordomo_domain::{
    Call, Card, Effect, Output, Tool, ToolError,
    approval::Wording,
    text::{clean, shorten},
    tool::{Class, Repeat, Undo, UndoCall},
};
use majordomo_upstream::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Titles without ids that are looked up one by one.
const MOST_LOOKED_UP: usize = 10;

/// A title as the catalogue knows it.
fn told(item: &Value, level: Level) -> Value {
    let mut told = tell::told(item, level);
    if let Some(object) = told.as_object_mut() {
        // It is not a rating key of the household's server.
        object.remove("rating_key");
        object.remove("state");
        object.insert("discover_key".into(), json!(text(&item["ratingKey"], 40)));
        let ids: Vec<String> =
            item["Guid"].as_array().into_iter().flatten().take(4).map(|id| text(&id["id"], 60)).collect();
        if !ids.is_empty() {
            object.insert("ids".into(), json!(ids));
        }
    }
    told
}

fn is_discover_key(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The title a change is about: by its discover key or by an id of another service.
async fn meant(instance: &Instance, given: &str, shelf: Option<Shelf>) -> Result<Value, ToolError> {
    let given = one_line("key", given)?;
    let key = given.rsplit('/').next().unwrap_or_default();
    if is_discover_key(key) {
        let answer = instance.cloud(Host::Metadata, &format!("/library/metadata/{key}"), &Query::new()).await?;
        if let Some(item) = answer.and_then(|answer| items(&answer).first().cloned()) {
            return Ok(item);
        }
    } else if ["tmdb://", "imdb://", "tvdb://"].iter().any(|service| given.starts_with(service)) {
        let shelf = shelf.unwrap_or(Shelf::Movie);
        if let Some(item) = discover_key(instance, shelf, &given).await? {
            return Ok(item);
        }
    } else {
        let text = "give the discover key (24 hex digits, from plex_discover_search) or an id such as tmdb://603";
        return Err(ToolError::TellModel(text.into()));
    }
    Err(ToolError::TellModel("Plex's catalogue has no such title; search with plex_discover_search".into()))
}

fn key_of(item: &Value) -> String {
    text(&item["ratingKey"], 40)
}

/// Since when it is on the watchlist, in seconds. None when it is not.
async fn listed_since(instance: &Instance, key: &str) -> Result<Option<i64>, ToolError> {
    let path = format!("/library/metadata/{key}/userState");
    let answer = instance.cloud(Host::Metadata, &path, &Query::new()).await?;
    let moved = || instance.could_not("its catalogue has no state of that title; it has moved or is unavailable");
    let answer = answer.ok_or_else(moved)?;
    let state = &answer["MediaContainer"]["UserState"];
    let state = if state.is_array() { &state[0] } else { state };
    Ok(tell::number(&state["watchlistedAt"]).and_then(|at| i64::try_from(at).ok()))
}

/// What the account of the token wants to see: films and series on the Plex watchlist, newest first.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Watchlist {
    /// Films or series only; both when absent.
    #[serde(alias = "media_type")]
    r#type: Option<Shelf>,
    /// All, only what is out already (released), or only what some service has (available). All when absent.
    filter: Option<Which>,
    /// Order; when it was listed when absent.
    sort: Option<Order>,
    /// Titles to pass over; 0 when absent.
    offset: Option<u32>,
    /// Titles told, 1 to 100; 20 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Which {
    #[default]
    All,
    Available,
    Released,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Order {
    #[default]
    Listed,
    Title,
    Released,
    Rating,
}

impl Tool for Watchlist {
    const NAME: &'static str = "plex_watchlist";
    const EFFECT: Effect = Effect::Read;
    const CLASS: Class = Class::ReadPrivate;
    const KEYWORDS: &'static str =
        "plex watchlist want to see later merkliste möchte sehen lista de seguimiento quiero ver liste à voir envie";
    type Service = Plex;

    fn title(&self) -> String {
        "Reading the Plex watchlist".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (limit, level) = (limit(self.limit, 20)?, self.response_level.unwrap_or_default());
        let which = match self.filter.unwrap_or_default() {
            Which::All => "all",
            Which::Available => "available",
            Which::Released => "released",
        };
        let sort = match self.sort.unwrap_or_default() {
            Order::Listed => "watchlistedAt:desc",
            Order::Title => "titleSort:asc",
            Order::Released => "originallyAvailableAt:desc",
            Order::Rating => "rating:desc",
        };
        let mut query: Query = vec![("sort", sort.to_owned()), ("includeGuids", "1".to_owned())];
        query.push(("includeCollections", "1".to_owned()));
        query.push(("includeExternalMedia", "1".to_owned()));
        query.extend(self.r#type.map(|shelf| ("type", shelf.number().to_string())));
        query.push(("X-Plex-Container-Start", self.offset.unwrap_or(0).to_string()));
        query.push(("X-Plex-Container-Size", limit.to_string()));
        let answer = instance.watchlist(which, &query).await?;
        let found: Vec<Value> = items(&answer).iter().take(limit).cloned().collect();
        let found = with_ids(instance, found).await?;
        if found.is_empty() {
            return nothing("the watchlist is empty");
        }
        let told: Vec<Value> = found.iter().map(|item| told(item, level)).collect();
        Output::json(&json!({"total_results": total(&answer).max(told.len()), "items": told}))
    }
}

/// Some titles come without their ids; those are looked up.
async fn with_ids(instance: &Instance, mut found: Vec<Value>) -> Result<Vec<Value>, ToolError> {
    let bare: Vec<usize> = (0..found.len()).filter(|at| !found[*at]["Guid"].is_array()).take(MOST_LOOKED_UP).collect();
    let asked = bare.iter().map(|at| {
        let path = format!("/library/metadata/{}", key_of(&found[*at]));
        async move { instance.cloud(Host::Discover, &path, &vec![("includeGuids", "1".to_owned())]).await }
    });
    for (at, answer) in bare.iter().zip(join_all(asked).await) {
        if let Some(answer) = answer? {
            found[*at]["Guid"] = items(&answer).first().map_or(Value::Null, |item| item["Guid"].clone());
        }
    }
    Ok(found)
}

fn card_of(item: &Value) -> Card {
    let mut card = Card::new(shorten(&titled(item), 256));
    card.text = text(&item["summary"], 300);
    card.source = "Plex".into();
    card
}

async fn change(
    plex: &Plex,
    name: Option<&String>,
    given: &str,
    shelf: Option<Shelf>,
    adds: bool,
) -> Result<Output, ToolError> {
    let instance = plex.instance(name.map(String::as_str))?;
    let item = meant(instance, given, shelf).await?;
    let (title, key) = (titled(&item), key_of(&item));
    let is_listed = listed_since(instance, &key).await?.is_some();
    if is_listed == adds {
        let state = if adds { "is on the watchlist already" } else { "is not on the watchlist" };
        return Output::json(&json!({"note": format!("{title} {state}; nothing was changed"), "already_exists": adds}));
    }
    let path = if adds { "/actions/addToWatchlist" } else { "/actions/removeFromWatchlist" };
    let query: Query = vec![("ratingKey", key.clone())];
    if instance.cloud_change(Host::Discover, Method::PUT, path, &query).await?.is_none() {
        return Err(instance.could_not("its watchlist did not take the change; it has moved or is unavailable"));
    }
    if listed_since(instance, &key).await?.is_some() != adds {
        return Err(instance.could_not(&format!("it took the change for {title}, and the watchlist is as before")));
    }
    let (done, back, undone) = if adds {
        ("is on the Plex watchlist now", WatchlistRemove::NAME, format!("Take {title} off the watchlist"))
    } else {
        ("is off the Plex watchlist now", WatchlistAdd::NAME, format!("Put {title} back on the watchlist"))
    };
    let undo = UndoCall { tool: back.into(), arguments: arguments(json!({"key": key}), &name.cloned()), title: undone };
    Ok(Output::done(format!("{title} {done}.")).with_cards(vec![card_of(&item)]).with_undo(undo))
}

/// Put a title on the Plex watchlist of the token's account. This does not download anything.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchlistAdd {
    /// Discover key, or an id such as tmdb://603.
    #[serde(alias = "rating_key", alias = "discover_key")]
    key: String,
    /// Whether a TMDb id is a film's or a series'; a film when absent.
    #[serde(alias = "media_type")]
    r#type: Option<Shelf>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for WatchlistAdd {
    const NAME: &'static str = "plex_watchlist_add";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "plex watchlist add want to see merkliste hinzufügen vormerken añadir lista quiero ver ajouter liste à voir";
    type Service = Plex;

    fn title(&self) -> String {
        "Put a title on the Plex watchlist".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        Ok(card_of(&meant(instance, &self.key, self.r#type).await?))
    }

    fn wording(&self, _: &Plex) -> Wording {
        Wording {
            question: "Put this on the Plex watchlist?".into(),
            declined: "The watchlist stays as it is.".into(),
            reason: String::new(),
        }
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        change(plex, self.instance.as_ref(), &self.key, self.r#type, true).await
    }
}

/// Take a title off the Plex watchlist of the token's account.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchlistRemove {
    /// Discover key, or an id such as tmdb://603.
    #[serde(alias = "rating_key", alias = "discover_key")]
    key: String,
    /// Whether a TMDb id is a film's or a series'; a film when absent.
    #[serde(alias = "media_type")]
    r#type: Option<Shelf>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for WatchlistRemove {
    const NAME: &'static str = "plex_watchlist_remove";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "plex watchlist remove no longer want merkliste entfernen streichen quitar de la lista retirer de la liste";
    type Service = Plex;

    fn title(&self) -> String {
        "Take a title off the Plex watchlist".into()
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, plex: &Plex, _: &Call) -> Result<Card, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        Ok(card_of(&meant(instance, &self.key, self.r#type).await?))
    }

    fn wording(&self, _: &Plex) -> Wording {
        Wording {
            question: "Take this off the Plex watchlist?".into(),
            declined: "The watchlist stays as it is.".into(),
            reason: String::new(),
        }
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        change(plex, self.instance.as_ref(), &self.key, self.r#type, false).await
    }
}

/// Whether a title is on the Plex watchlist, and since when.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WatchlistState {
    /// Discover key, or an id such as tmdb://603.
    #[serde(alias = "rating_key", alias = "discover_key")]
    key: String,
    /// Whether a TMDb id is a film's or a series'; a film when absent.
    #[serde(alias = "media_type")]
    r#type: Option<Shelf>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for WatchlistState {
    const NAME: &'static str = "plex_watchlist_state";
    const EFFECT: Effect = Effect::Read;
    const CLASS: Class = Class::ReadPrivate;
    const KEYWORDS: &'static str =
        "plex is it on the watchlist steht auf der merkliste está en la lista est sur la liste";
    type Service = Plex;

    fn title(&self) -> String {
        "Looking whether it is on the Plex watchlist".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let item = meant(instance, &self.key, self.r#type).await?;
        let since = listed_since(instance, &key_of(&item)).await?;
        Output::json(&json!({"title": titled(&item), "discover_key": key_of(&item), "is_listed": since.is_some(),
            "since": since.and_then(|since| tell::day(&json!(since)))}))
    }
}

/// Search Plex's catalogue of everything there is, whether the household has it or not; gives discover keys.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscoverSearch {
    /// Words of a title.
    query: String,
    /// Titles told, 1 to 100; 10 when absent.
    limit: Option<u32>,
    /// How much of each.
    response_level: Option<Level>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for DiscoverSearch {
    const NAME: &'static str = "plex_discover_search";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "plex discover catalogue search outside the library katalog suchen catálogo buscar catalogue chercher";
    type Service = Plex;

    fn title(&self) -> String {
        format!("Searching Plex's catalogue for “{}”", shorten(&clean(&self.query), 60))
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let (limit, level) = (limit(self.limit, 10)?, self.response_level.unwrap_or_default());
        let query: Query = vec![
            ("query", one_line("search text", &self.query)?),
            ("limit", limit.to_string()),
            ("searchTypes", "movies,tv".to_owned()),
            ("searchProviders", "discover".to_owned()),
            ("includeMetadata", "1".to_owned()),
        ];
        let moved = || instance.could_not("its catalogue has moved or is unavailable");
        let answer = instance.cloud(Host::Discover, "/library/search", &query).await?.ok_or_else(moved)?;
        let results = answer["MediaContainer"]["SearchResults"].as_array();
        let Some(results) = results else { return Err(instance.cloud_not_as_described(Host::Discover)) };
        let found: Vec<Value> = results
            .iter()
            .filter(|group| group["id"] == "external")
            .flat_map(|group| group["SearchResult"].as_array().into_iter().flatten())
            .map(|result| told(&result["Metadata"], level))
            .take(limit)
            .collect();
        if found.is_empty() {
            return nothing("the catalogue has no such title");
        }
        Output::json(&json!({"total_results": found.len(), "items": found}))
    }
}

/// Find the discover key of a title from its TMDb, IMDb or TVDB id.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscoverMatch {
    /// Such as tmdb://603, imdb://tt0133093 or tvdb://81189.
    guid: String,
    /// Whether it is a film or a series; a film when absent.
    #[serde(alias = "media_type")]
    r#type: Option<Shelf>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for DiscoverMatch {
    const NAME: &'static str = "plex_discover_match";
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "plex discover key match id tmdb imdb tvdb zuordnen kennung emparejar identificador correspondance identifiant";
    type Service = Plex;

    fn title(&self) -> String {
        format!("Matching {} in Plex's catalogue", shorten(&clean(&self.guid), 60))
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let guid = one_line("id", &self.guid)?;
        if super::index::Outside::parse(&guid).is_none() {
            return Err(ToolError::TellModel("the id is not one of tmdb://…, imdb://tt… or tvdb://…".into()));
        }
        match discover_key(instance, self.r#type.unwrap_or(Shelf::Movie), &guid).await? {
            Some(item) => Output::json(&told(&item, Level::Standard)),
            None => nothing("the catalogue has no such title"),
        }
    }
}

/// Whether the token of Plex is right, and whose account it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Account {
    const NAME: &'static str = "plex_account";
    const EFFECT: Effect = Effect::Read;
    const CLASS: Class = Class::ReadPrivate;
    const KEYWORDS: &'static str =
        "plex account token valid plex pass subscription konto angemeldet cuenta suscripción compte abonnement";
    type Service = Plex;

    fn title(&self) -> String {
        "Asking plex.tv whose account this is".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let missing = || instance.cloud_not_as_described(Host::PlexTv);
        let answer = instance.cloud(Host::PlexTv, "/api/v2/user", &Query::new()).await?.ok_or_else(missing)?;
        if !answer["id"].is_u64() {
            return Err(missing());
        }
        Output::json(
            &json!({"name": text(&answer["title"], 60), "has_plex_pass": answer["subscription"]["active"].as_bool(),
            "plan": text(&answer["subscription"]["plan"], 40), "token_is_valid": true}),
        )
    }
}

/// The Plex servers the account may use, with their addresses: near ones first, relays last.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Servers {
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Servers {
    const NAME: &'static str = "plex_servers";
    const EFFECT: Effect = Effect::Read;
    const CLASS: Class = Class::ReadPrivate;
    const KEYWORDS: &'static str =
        "plex servers addresses connections which servers server adressen servidores direcciones serveurs adresses";
    type Service = Plex;

    fn title(&self) -> String {
        "Listing the account's Plex servers".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let query: Query = vec![("includeHttps", "1".to_owned()), ("includeRelay", "1".to_owned())];
        let missing = || instance.cloud_not_as_described(Host::Clients);
        let answer = instance.cloud(Host::Clients, "/api/v2/resources", &query).await?.ok_or_else(missing)?;
        let found = answer.as_array().ok_or_else(missing)?;
        let servers: Vec<Value> = found
            .iter()
            .filter(|one| one["provides"].as_str().is_some_and(|provides| provides.split(',').any(|what| what == "server")))
            .take(20)
            .map(|server| {
                let mut connections: Vec<&Value> = server["connections"].as_array().into_iter().flatten().collect();
                connections.sort_by_key(|one| (one["relay"] == true, one["local"] != true));
                let address = |one: &&Value| json!({"address": text(&one["uri"], 200), "local": one["local"], "relay": one["relay"]});
                // The server's own token stays here: it opens the server to whoever has it.
                json!({"name": text(&server["name"], 60), "owned": server["owned"], "online": server["presence"],
                    "machine_identifier": text(&server["clientIdentifier"], 60),
                    "connections": connections.iter().take(6).map(address).collect::<Vec<_>>()})
            })
            .collect();
        if servers.is_empty() {
            return nothing("the account has no servers");
        }
        Output::json(&json!({"total_results": servers.len(), "servers": servers}))
    }
}

/// Sign in to Plex with a code: begin and get a link for the browser, then ask with `pin_id` whether it was done.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The number of a sign-in that was begun; a new one begins when absent.
    pin_id: Option<u64>,
    /// Which Plex, when there are several.
    instance: Option<String>,
}

impl Tool for Pin {
    const NAME: &'static str = "plex_pin";
    const EFFECT: Effect = Effect::Read;
    const CLASS: Class = Class::ReadPrivate;
    const KEYWORDS: &'static str = "plex sign in login pin code link anmelden iniciar sesión código se connecter";
    type Service = Plex;

    fn title(&self) -> String {
        "Signing in to Plex with a code".into()
    }

    async fn run(self, plex: &Plex, _: &Call) -> Result<Output, ToolError> {
        let instance = plex.instance(self.instance.as_deref())?;
        let missing = || instance.cloud_not_as_described(Host::PlexTv);
        let Some(id) = self.pin_id else {
            let query: Query = vec![("strong", "true".to_owned())];
            let pin = instance.cloud_change(Host::PlexTv, Method::POST, "/api/v2/pins", &query).await?;
            let pin = pin.ok_or_else(missing)?;
            let (Some(id), Some(code)) = (pin["id"].as_u64(), pin["code"].as_str()) else { return Err(missing()) };
            let client = text(&pin["clientIdentifier"], 100);
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if !code.chars().all(is_plain) || !client.chars().all(is_plain) {
                return Err(missing());
            }
            let link = format!("https://app.plex.tv/auth#?clientID={client}&code={code}");
            return Output::json(&json!({"pin_id": id, "link": link, "expires_in_seconds": pin["expiresIn"].as_u64()}));
        };
        let Some(pin) = instance.cloud(Host::PlexTv, &format!("/api/v2/pins/{id}"), &Query::new()).await? else {
            return nothing("that sign-in has expired; begin a new one");
        };
        // The token itself is nobody's to read in a chat.
        let is_done = pin["authToken"].as_str().is_some_and(|token| !token.is_empty());
        let note = if is_done { "somebody signed in; the token is not shown here" } else { "nobody has signed in yet" };
        Output::json(&json!({"pin_id": id, "is_signed_in": is_done, "note": note}))
    }
}

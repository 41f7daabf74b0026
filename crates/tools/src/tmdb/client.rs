//! TMDb: calls and their errors. Knows nothing about models or chat.

use super::Config;
use majordomo_domain::{
    Secret, ToolError,
    text::{clean, is_blank, shorten},
    tool::Picture,
};
use majordomo_upstream::{Credential, Scope, Service, ServiceLimits, ServiceSpec, Upstream, UpstreamError};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// What errors call the service.
pub const NAME: &str = "TMDb";
/// TMDb answers page 1 to 500; beyond, error code 22.
pub const MAX_PAGE: u32 = 500;
/// TMDb's own number of results on a page.
pub const PAGE_SIZE: usize = 20;
/// Results one call may ask for: three pages.
pub const MAX_LIMIT: usize = 60;

const MAX_PICTURE_BYTES: usize = 5 * 1024 * 1024;
/// Source: TMDb, `GET /configuration`, all kinds of images. `original` is left out: it may be tens of megabytes.
const PICTURE_SIZES: [&str; 10] = ["w45", "w92", "w154", "w185", "w300", "w342", "w500", "w780", "w1280", "h632"];

/// The service and how to ask it.
#[derive(Clone)]
pub struct Tmdb {
    api: Service,
    images: Service,
    /// Of texts when a call names none, `en-US`.
    pub language: String,
    /// Country for release dates, age ratings and streaming, `US`.
    pub region: String,
    pub include_adult: bool,
    /// Votes an item needs where results are ordered by their average.
    pub vote_floor: u32,
    ages: [Duration; 3],
}

/// How long an answer may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    Details,
    List,
    Reference,
}

/// One page of results.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub results: Vec<Value>,
    pub number: u64,
    /// At most [`MAX_PAGE`], whatever TMDb claims.
    pub total_pages: u64,
    pub total_results: u64,
}

/// Name and value of query parameters.
pub type Query = Vec<(&'static str, String)>;

impl Tmdb {
    pub fn new(config: &Config, upstream: &Upstream) -> Self {
        let limits = ServiceLimits {
            at_once: config.at_once,
            per: Some((config.per_second.max(1), Duration::from_secs(1))),
            read_timeout: Duration::from_millis(config.request_timeout_ms),
            // A little less than the call may take, so that the reason is ours to tell.
            total_timeout: Duration::from_millis(config.timeout_ms) * 9 / 10,
            hedge_after: config.hedge_after_ms.map(Duration::from_millis),
            ..ServiceLimits::default()
        };
        let api = upstream.service(ServiceSpec {
            name: NAME.into(),
            base_url: config.base_url.clone(),
            credential: credential(&config.api_key),
            limits,
        });
        let images = upstream.service(ServiceSpec {
            name: "TMDb images".into(),
            base_url: config.image_base_url.clone(),
            credential: Credential::None,
            limits,
        });
        let country = config.language.split_once('-').map_or("US", |(_, country)| country);
        Self {
            api,
            images,
            language: config.language.clone(),
            region: config.region.clone().unwrap_or_else(|| country.to_owned()),
            include_adult: config.include_adult,
            vote_floor: config.vote_floor,
            ages: [config.details_age_s, config.lists_age_s, config.reference_age_s].map(Duration::from_secs),
        }
    }

    /// An answer, or None when TMDb knows no such thing (404, code 34).
    pub async fn get(&self, path: &str, query: &Query, age: Age) -> Result<Option<Arc<Value>>, ToolError> {
        let age = match age {
            Age::Details => self.ages[0],
            Age::List => self.ages[1],
            Age::Reference => self.ages[2],
        };
        match self.api.get_cached(path, query, age, &Scope::Household).await {
            Ok(answer) => Ok(Some(answer)),
            Err(UpstreamError::NotFound { body, .. }) if is_own_not_found(&body) => Ok(None),
            Err(error) => Err(tool_error(error)),
        }
    }

    /// A page of a list. With a `limit` above 20 the pages after it are fetched too, side by side.
    pub async fn page(&self, path: &str, query: &Query, number: u32, limit: usize) -> Result<Page, ToolError> {
        if !(1..=MAX_PAGE).contains(&number) {
            return Err(ToolError::TellModel(format!("page is {number}, it may be 1 to {MAX_PAGE}")));
        }
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(ToolError::TellModel(format!("limit is {limit}, it may be 1 to {MAX_LIMIT}")));
        }
        let mut page = self.one_page(path, query, number).await?;
        let more = u32::try_from((limit - 1) / PAGE_SIZE).unwrap_or(0);
        let last = u32::try_from(page.total_pages).unwrap_or(MAX_PAGE).min(MAX_PAGE);
        let rest = (number + 1..=(number + more).min(last)).map(|n| self.one_page(path, query, n));
        for next in futures_util::future::join_all(rest).await {
            page.results.extend(next?.results);
        }
        page.results.truncate(limit);
        Ok(page)
    }

    async fn one_page(&self, path: &str, query: &Query, number: u32) -> Result<Page, ToolError> {
        let mut query = query.clone();
        // The first page is what TMDb gives anyway, and not every list's description has the parameter.
        if number > 1 {
            query.push(("page", number.to_string()));
        }
        let Some(answer) = self.get(path, &query, Age::List).await? else {
            return Ok(Page { number: number.into(), ..Page::default() });
        };
        let Some(results) = answer["results"].as_array() else {
            return Err(not_as_described("a list without results"));
        };
        Ok(Page {
            results: results.iter().filter(|item| self.include_adult || item["adult"] != true).cloned().collect(),
            number: answer["page"].as_u64().unwrap_or(number.into()),
            total_pages: answer["total_pages"].as_u64().unwrap_or(1).min(MAX_PAGE.into()),
            total_results: answer["total_results"].as_u64().unwrap_or(results.len() as u64),
        })
    }

    /// The language of a call, checked: `de`, `pt-BR`. The configured one when absent.
    pub fn language(&self, asked: Option<&str>) -> Result<String, ToolError> {
        let Some(language) = asked.map(str::trim).filter(|language| !language.is_empty()) else {
            return Ok(self.language.clone());
        };
        if is_language(language) {
            return Ok(language.to_owned());
        }
        Err(ToolError::TellModel(format!("“{}” is not a language such as en-US or de", shorten(&clean(language), 30))))
    }

    /// The country of a call, checked and in upper case. The configured one when absent.
    pub fn region(&self, asked: Option<&str>) -> Result<String, ToolError> {
        let Some(region) = asked.map(str::trim).filter(|region| !region.is_empty()) else {
            return Ok(self.region.clone());
        };
        if is_country(region) {
            return Ok(region.to_ascii_uppercase());
        }
        Err(ToolError::TellModel(format!("“{}” is not a country code such as US or DE", shorten(&clean(region), 30))))
    }

    /// A picture by `{size}/{file}`, `w342/abc.jpg`.
    pub async fn picture(&self, name: &str) -> Result<Picture, ToolError> {
        let known = name.split_once('/').filter(|(size, file)| PICTURE_SIZES.contains(size) && is_picture_file(file));
        let Some((size, file)) = known else {
            return Err(ToolError::TellModel("there is no picture of that name".into()));
        };
        let answer = self.images.get_bytes(&format!("/{size}/{file}"), MAX_PICTURE_BYTES).await;
        let (media_type, bytes) = match answer {
            Err(UpstreamError::NotFound { .. }) => {
                return Err(ToolError::TellModel("there is no picture of that name".into()));
            }
            other => other.map_err(tool_error)?,
        };
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !["image/jpeg", "image/png", "image/webp", "image/svg+xml"].contains(&media_type.as_str()) {
            return Err(not_as_described("something that is not a picture"));
        }
        Ok(Picture { media_type, bytes: bytes.to_vec() })
    }

    /// Whether it answers and takes the key.
    pub async fn status(&self) -> Result<String, ToolError> {
        let answer = self.api.get("/configuration", &[]).await.map_err(tool_error)?;
        if !answer["images"].is_object() {
            return Err(not_as_described("no configuration"));
        }
        Ok("TMDb answers and takes the key".into())
    }
}

/// A read access token (a JSON web token, so it starts `eyJ`) goes into the header, an API key of 32 hex digits into
/// the query. Source: TMDb, "Application authentication".
fn credential(key: &Secret) -> Credential {
    if key.expose().starts_with("eyJ") {
        Credential::Bearer(key.clone())
    } else {
        Credential::Query { name: "api_key", value: key.clone() }
    }
}

/// `abc.jpg`: one plain name, nothing that walks a path.
pub fn is_picture_file(file: &str) -> bool {
    let Some((stem, ending)) = file.rsplit_once('.') else { return false };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !stem.is_empty()
        && stem.len() <= 100
        && stem.chars().all(is_plain)
        && ["jpg", "jpeg", "png", "webp", "svg"].contains(&ending)
}

pub fn is_language(text: &str) -> bool {
    let (language, country) = text.split_once('-').unwrap_or((text, "XX"));
    matches!(language.len(), 2 | 3) && language.chars().all(|c| c.is_ascii_lowercase()) && is_country(country)
}

pub fn is_country(text: &str) -> bool {
    text.len() == 2 && text.chars().all(|c| c.is_ascii_alphabetic())
}

/// A search text: visible, at most 200 characters, in one line.
pub fn search_text(text: &str) -> Result<String, ToolError> {
    if is_blank(text) {
        return Err(ToolError::TellModel("the search text is empty".into()));
    }
    Ok(clean(text).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect())
}

pub fn not_as_described(what: &str) -> ToolError {
    ToolError::CouldNotAsk { service: NAME.into(), reason: format!("it answered {what}") }
}

/// TMDb's own "nothing there" has code 34 or 6. Any other 404 comes from something that is not TMDb.
fn is_own_not_found(body: &str) -> bool {
    let code = serde_json::from_str::<Value>(body).ok().and_then(|body| body["status_code"].as_u64());
    matches!(code, Some(34 | 6))
}

/// What a failure means. TMDb's own codes: 7 (key wrong) comes with 401, 22 (page) and 27 (too much appended) with
/// 400, 5 and 20 (bad parameter) with 422, 25 with 429. Source: TMDb, "Errors".
fn tool_error(error: UpstreamError) -> ToolError {
    let could_not = |reason: String| ToolError::CouldNotAsk { service: NAME.into(), reason };
    match error {
        UpstreamError::Refused { status: 401, .. } => {
            could_not("it refused the key; check tools.tmdb.api_key".to_owned())
        }
        UpstreamError::Refused { status: 403, .. } => could_not("it refused the account the key belongs to".to_owned()),
        UpstreamError::Refused { status: 400 | 422, body, reason, .. } => {
            let told = serde_json::from_str::<Value>(&body).ok();
            let told = told.and_then(|body| body["status_message"].as_str().map(str::to_owned)).unwrap_or(reason);
            ToolError::TellModel(format!("TMDb refused the arguments: {}", shorten(&clean(&told), 200)))
        }
        UpstreamError::NotFound { .. } => could_not("it has no such path; check tools.tmdb.base_url".to_owned()),
        UpstreamError::Busy { retry_after, .. } => could_not(match retry_after {
            Some(wait) => format!("it is rate limited; try again in {} s", wait.as_secs().max(1)),
            None => "it is rate limited; try again in a minute".to_owned(),
        }),
        other => other.into(),
    }
}

//! What import lists must not add again.

use super::{
    Application, Client, Instances, Paging, Which, arguments, asks,
    client::{Age, LARGEST_PAGE, Query},
    named, undo, view,
};
use majordomo_domain::{Call, Card, Effect, Output, Repeat, Tool, ToolError, approval::Wording, tool::Undo};
use majordomo_upstream::Method;
use serde_json::{Value, json};

impl Which {
    const fn exclusions(self) -> &'static str {
        match self {
            Which::Radarr => "/exclusions",
            Which::Sonarr => "/importlistexclusion",
        }
    }

    const fn outside_id(self) -> (&'static str, &'static str) {
        match self {
            Which::Radarr => ("tmdbId", "tmdb_id"),
            Which::Sonarr => ("tvdbId", "tvdb_id"),
        }
    }
}

async fn page(client: &Client, page: u32, size: usize, age: Age) -> Result<super::Page, ToolError> {
    let paging = Paging { page, size, sort_key: "id".into(), descending: true };
    client.page(&format!("{}/paged", client.which().exclusions()), &Query::new(), &paging, age).await
}

/// The exclusion of something by its number outside.
pub async fn exclusion(client: &Client, outside: u64) -> Result<Option<Value>, ToolError> {
    let found = page(client, 1, LARGEST_PAGE, Age::Now).await?;
    let field = client.which().outside_id().0;
    Ok(found.records.into_iter().find(|record| record[field] == outside))
}

fn told(which: Which, record: &Value) -> Value {
    let (field, argument) = which.outside_id();
    let fields = view::Fields::default().put("exclusion_id", record["id"].clone()).put(argument, record[field].clone());
    match which {
        Which::Radarr => fields
            .put("title", view::text(&record["movieTitle"], 200))
            .put("year", record["movieYear"].as_u64().filter(|year| *year > 0))
            .done(),
        Which::Sonarr => fields.put("title", view::text(&record["title"], 200)).done(),
    }
}

fn name_of(which: Which, record: &Value) -> String {
    let told = told(which, record);
    let title = told["title"].as_str().unwrap_or("without a title");
    told["year"].as_u64().map_or_else(|| title.to_owned(), |year| format!("{title} ({year})"))
}

arguments! {
    /// The {things} that import lists may not add to {App} again.
    pub struct Exclusions<A> {
        /// From 1.
        #[serde(default)]
        page: Option<u32>,
        /// Entries of a page, 1 to 50; 20 when absent.
        #[serde(default, alias = "page_size")]
        limit: Option<usize>,
    }
}

impl<A: Application> Tool for Exclusions<A> {
    const NAME: &'static str = named!(A, "exclusions");
    const EFFECT: Effect = Effect::Read;
    const KEYWORDS: &'static str =
        "exclusion import list never add again ausgeschlossen Ausnahme excluidos exclusión exclusions exclus";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Reading {}'s exclusions", A::WHICH.name())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let limit = super::limit(self.limit, 20, 50)?;
        let page = page(client, self.page.unwrap_or(1), limit, Age::List).await?;
        let items: Vec<Value> = page.records.iter().take(limit).map(|record| told(A::WHICH, record)).collect();
        Output::json(&json!({ "total": page.total, "page": page.number, "count": items.len(), "items": items }))
    }
}

arguments! {
    /// Keep import lists from adding a {thing} to {App}.
    pub struct ExclusionAdd<A> {
        /// The film's TMDb id.
        #[serde(default)]
        tmdb_id: Option<u64>,
        /// The series' TVDB id.
        #[serde(default)]
        tvdb_id: Option<u64>,
    }
}

impl<A: Application> ExclusionAdd<A> {
    fn outside(&self) -> Result<u64, ToolError> {
        let (own, foreign) = match A::WHICH {
            Which::Radarr => (self.tmdb_id, self.tvdb_id),
            Which::Sonarr => (self.tvdb_id, self.tmdb_id),
        };
        match (own, foreign) {
            (Some(id), None) => Ok(id),
            _ => Err(ToolError::TellModel(format!("{} takes {}", A::WHICH.name(), A::WHICH.outside_id().1))),
        }
    }

    /// The record to add, with the title as the service knows it.
    async fn meant(&self, client: &Client) -> Result<Value, ToolError> {
        let id = self.outside()?;
        let unknown = || ToolError::TellModel(format!("{} finds no {} {id}", client.title(), A::WHICH.outside_id().1));
        let term = match A::WHICH {
            Which::Radarr => format!("tmdb:{id}"),
            Which::Sonarr => format!("tvdb:{id}"),
        };
        let found = client.list(&format!("{}/lookup", A::WHICH.path()), &vec![("term", term)], Age::List).await?;
        let found = found.iter().find(|found| found[A::WHICH.outside_id().0] == id).ok_or_else(unknown)?;
        Ok(match A::WHICH {
            Which::Radarr => json!({ "tmdbId": id, "movieTitle": found["title"], "movieYear": found["year"] }),
            Which::Sonarr => json!({ "tvdbId": id, "title": found["title"] }),
        })
    }
}

impl<A: Application> Tool for ExclusionAdd<A> {
    const NAME: &'static str = named!(A, "exclusion_add");
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "exclude never add again import list ausschließen nie wieder excluir nunca exclure jamais";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Keep import lists from adding a {} to {}", A::WHICH.thing(), A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks("Keep import lists from adding it again?", "Import lists may still add it.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let record = self.meant(client).await?;
        let mut card = Card::new(name_of(A::WHICH, &record)).fact("In", client.title());
        card.subtitle = "Import lists may not add it again".into();
        Ok(card)
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let id = self.outside()?;
        if let Some(record) = exclusion(client, id).await? {
            let mut told = told(A::WHICH, &record);
            told["already_exists"] = true.into();
            return Output::json(&told);
        }
        let record = self.meant(client).await?;
        client.send(Method::POST, A::WHICH.exclusions(), &Query::new(), &record).await?;
        let Some(record) = exclusion(client, id).await? else {
            return Err(client.not_as_described("that it was excluded, but the list does not have it"));
        };
        let name = name_of(A::WHICH, &record);
        let back = undo(
            named!(A, "exclusion_remove"),
            client,
            json!({ "exclusion_id": record["id"] }),
            format!("Let import lists add {name} again"),
        );
        let mut output = Output::json(&told(A::WHICH, &record))?.with_undo(back);
        output.receipt = Some(format!("Import lists may not add {name} to {} again.", client.title()));
        Ok(output)
    }
}

arguments! {
    /// Let import lists add a {thing} to {App} again.
    pub struct ExclusionRemove<A> {
        /// Its `exclusion_id` from `{app}_exclusions`.
        #[serde(alias = "id")]
        exclusion_id: u64,
    }
}

impl<A: Application> ExclusionRemove<A> {
    async fn meant(&self, client: &Client) -> Result<Value, ToolError> {
        let found = page(client, 1, LARGEST_PAGE, Age::Now).await?;
        found
            .records
            .into_iter()
            .find(|record| record["id"] == self.exclusion_id)
            .ok_or_else(|| ToolError::TellModel(format!("{} has no exclusion {}", client.title(), self.exclusion_id)))
    }
}

impl<A: Application> Tool for ExclusionRemove<A> {
    const NAME: &'static str = named!(A, "exclusion_remove");
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const UNDO: Undo = Undo::ByCall;
    const KEYWORDS: &'static str =
        "exclusion remove allow import list again Ausschluss aufheben quitar exclusión lever l'exclusion";
    type Service = Instances<A>;

    fn title(&self) -> String {
        format!("Let import lists add a {} to {} again", A::WHICH.thing(), A::WHICH.name())
    }

    fn wording(&self, _: &Instances<A>) -> Wording {
        asks(format!("{}?", self.title()), "It stays excluded.")
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn preview(&self, instances: &Instances<A>, _: &Call) -> Result<Card, ToolError> {
        let client = self.client(instances)?;
        let record = self.meant(client).await?;
        let mut card = Card::new(name_of(A::WHICH, &record)).fact("In", client.title());
        card.subtitle = "Import lists may add it again".into();
        Ok(card)
    }

    async fn run(self, instances: &Instances<A>, _: &Call) -> Result<Output, ToolError> {
        let client = self.client(instances)?;
        let record = self.meant(client).await?;
        let path = format!("{}/{}", A::WHICH.exclusions(), self.exclusion_id);
        client.send(Method::DELETE, &path, &Query::new(), &Value::Null).await?;
        let name = name_of(A::WHICH, &record);
        let (field, argument) = A::WHICH.outside_id();
        let back = undo(
            named!(A, "exclusion_add"),
            client,
            json!({ argument: record[field] }),
            format!("Keep import lists from adding {name} again"),
        );
        Ok(Output::done(format!("Import lists may add {name} to {} again.", client.title())).with_undo(back))
    }
}

//! Saying that something in the library is not as it should be. It is kept until an admin has dealt with it, stands in the story of the
//! request it came by, and the admins are told; nothing is changed anywhere.

use super::{
    Media,
    request::MediaRequest,
    wish::{Kind, Wish, code},
};
use crate::{kept::unreachable, sonarr::parse_code, text::line};
use majordomo_domain::{
    Address, Call, Effect, Output, Repeat, Report, ReportId, ReportState, Standing, Tool, ToolError,
    tool::{Class, Undo},
};
use majordomo_store::News;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tell the admins of a problem with a film or series: no subtitles, wrong language, bad quality, broken file. Keeps it until they have
/// dealt with it; fixes nothing.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MediaReport {
    /// film or series.
    media_type: Kind,
    /// TMDb id, from a search or a list.
    #[serde(default)]
    tmdb_id: Option<u64>,
    /// TVDB id of a series.
    #[serde(default)]
    tvdb_id: Option<u64>,
    /// The episode of a series it is about, such as S02E05; the whole when absent.
    #[serde(default)]
    episode: Option<String>,
    /// What is wrong.
    problem: Problem,
    /// In the person's own words, at most 300 characters.
    #[serde(default)]
    details: Option<String>,
    /// Which Radarr or Sonarr; the default one when absent.
    #[serde(default)]
    instance: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Problem {
    NoSubtitles,
    WrongLanguage,
    BadQuality,
    Broken,
    WrongTitle,
    Other,
}

impl Problem {
    fn in_words(self) -> &'static str {
        match self {
            Problem::NoSubtitles => "no subtitles",
            Problem::WrongLanguage => "wrong language",
            Problem::BadQuality => "bad quality",
            Problem::Broken => "it does not play to the end",
            Problem::WrongTitle => "it is something else",
            Problem::Other => "something is wrong",
        }
    }
}

impl Tool for MediaReport {
    const NAME: &'static str = "media_report";
    const EFFECT: Effect = Effect::Write;
    const REPEAT: Repeat = Repeat::Harmless;
    const CLASS: Class = Class::Note;
    const UNDO: Undo = Undo::No("the admins are told");
    const KEYWORDS: &'static str = "report problem complain issue subtitles missing wrong language audio sound dubbed bad poor quality blurry \
        broken stops film episode Problem melden Untertitel fehlen falsche Sprache Ton schlechte Qualität kaputt informar problema \
        subtítulos faltan idioma equivocado audio mala calidad signaler problème sous-titres manquent mauvaise langue qualité son";
    type Service = Media;

    fn title(&self) -> String {
        format!("Reporting: {}", self.problem.in_words())
    }

    fn instance(&self) -> &str {
        self.instance.as_deref().unwrap_or_default()
    }

    async fn run(self, media: &Media, call: &Call) -> Result<Output, ToolError> {
        let client = media.fetcher(self.media_type, self.instance.as_deref())?;
        let title = MediaRequest::for_looking(self.media_type, self.tmdb_id, self.tvdb_id).title_of(client).await?;
        let episode =
            match (&self.episode, self.media_type) {
                (None, _) => None,
                (Some(text), Kind::Series) => Some(parse_code(text).ok_or_else(|| {
                    ToolError::TellModel("write an episode as season and number, such as S02E05".into())
                })?),
                (Some(_), Kind::Film) => return Err(ToolError::TellModel("a film has no episodes".into())),
            };
        let wish = Wish {
            kind: self.media_type,
            tmdb: title["tmdbId"].as_u64().filter(|id| *id > 0).or(self.tmdb_id),
            tvdb: title["tvdbId"].as_u64().filter(|id| *id > 0),
            title: line(title["title"].as_str().unwrap_or("without a title"), 150),
            year: title["year"].as_u64().and_then(|year| u32::try_from(year).ok()).filter(|year| *year > 0),
            instance: client.name().to_owned(),
            ..Wish::default()
        };
        // In a story the title is known, and not which of its episodes.
        let mut report = episode.map(|(season, number)| format!("{}: ", code(season, number))).unwrap_or_default();
        report.push_str(self.problem.in_words());
        if let Some(details) = self.details.as_deref().map(|text| line(text, 300)).filter(|text| !text.is_empty()) {
            report.push_str(&format!(" (“{details}”)"));
        }

        let store = media.store()?;
        let text = format!("{} reports {report}", call.person.name);
        let request = store.last_request(super::NAME, &wish.subject()).await.map_err(unreachable)?;
        let people = store.people().await.map_err(unreachable)?;
        let admins = people.into_iter().filter(|one| one.standing == Standing::Admin && one.id != call.person.id);
        let said = format!("{}: {text}.", wish.in_words());
        let news: Vec<News> =
            admins.map(|admin| News::to_admin(admin.id, call.agent, &wish.subject(), &said, call.now_ms)).collect();
        let told = news.len();
        let kept = Report {
            id: ReportId::new(),
            toolkit: super::NAME.into(),
            subject: wish.subject(),
            title: wish.in_words(),
            picture: media.poster_of(client, &title).await,
            text: report.clone(),
            reporter: call.person.id,
            conversation: call.conversation,
            agent: call.agent,
            address: Address::new(&*call.channel, call.conversation.to_string()),
            request: request.map(|request| request.id),
            state: ReportState::Open,
            answer: None,
            created_at_ms: call.now_ms,
            closed_at_ms: None,
            closed_by: None,
        };
        if !store.put_report(kept, text, news).await.map_err(unreachable)? {
            return Ok(Output::text("This was reported already; the admins know."));
        }
        let whom = match told {
            0 => "It is kept until it is dealt with; there is no other admin to tell.",
            _ => "It is kept until it is dealt with, and the admins are told.",
        };
        let receipt = format!("{}: {report} was reported. {whom}", wish.in_words());
        Ok(Output { text: format!("{receipt} Nothing was changed."), ..Output::done(receipt) })
    }
}

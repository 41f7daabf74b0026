//! Series: the library, seasons and episodes, adding, monitoring, what is wanted and when it airs.

use super::{
    Question, Refusal, Told, accepted, id_of,
    indexer::Query,
    invalid,
    library::plain_name,
    number, numbers, ok, paged,
    settings::{language, profile},
    state::{State, there},
    without,
};
use crate::household::{HOUSEHOLD, Series, disk::What, match_score, plain, poster};
use axum::http::StatusCode;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
pub(super) struct Show {
    pub(super) id: u32,
    pub(super) series: &'static Series,
    pub(super) monitored: bool,
    pub(super) profile: u32,
    pub(super) path: String,
    root: String,
    season_folder: bool,
    series_type: String,
    /// `all` or `none`, for seasons that appear later.
    monitor_new: String,
    pub(super) tags: BTreeSet<u32>,
    added: Timestamp,
    /// Season to whether it is monitored.
    seasons: BTreeMap<u32, bool>,
    /// What the first refresh shall do with the episodes: the options given on adding, null when there were none.
    on_refresh: Option<Value>,
}

#[derive(Clone, Debug)]
pub(super) struct Episode {
    pub(super) id: u32,
    pub(super) show: u32,
    pub(super) tvdb: u64,
    pub(super) season: u32,
    pub(super) number: u32,
    pub(super) absolute: Option<u32>,
    pub(super) title: String,
    date: Date,
    pub(super) at: Timestamp,
    pub(super) monitored: bool,
    last_search: Option<Timestamp>,
}

impl Show {
    pub(super) fn picture(&self, wide: bool) -> String {
        if wide { poster::series_backdrop(self.series) } else { poster::series_poster(self.series) }
    }
}

fn year_of(series: &Series) -> u32 {
    series.first.get(..4).and_then(|year| year.parse().ok()).unwrap_or_default()
}

/// The series of which an episode is on its way at the start, with the share that is left.
const COMING: (u64, u32, f64) = (9_300_003, 5, 0.55);

impl State {
    pub(super) fn begun_on(&self) -> Date {
        self.begun.to_zoned(TimeZone::UTC).date()
    }

    pub(super) fn has_aired(&self, at: Timestamp) -> bool {
        at <= self.now
    }

    pub(super) fn season_of(&self, item: u32) -> Option<u32> {
        self.episodes.iter().find(|episode| episode.id == item).map(|episode| episode.season)
    }

    pub(super) fn numbers_of(&self, items: &[u32]) -> Vec<u32> {
        let known = self.episodes.iter().filter(|episode| items.contains(&episode.id));
        known.map(|episode| episode.number).collect()
    }

    /// What is on the disk below the instance's folder: first seasons are wanted whole, later ones as the demo needs.
    pub(super) fn stock_series(&mut self) {
        let files = self.disk.below(&format!("{}/", self.root));
        for series in &HOUSEHOLD.series {
            let of_it: Vec<_> = files
                .iter()
                .filter(|(_, file)| matches!(file.what, What::Episode { tvdb, .. } if tvdb == series.tvdb))
                .collect();
            if of_it.is_empty() {
                continue;
            }
            let path = self.show_folder(series, &self.root);
            let id = self.insert_show(
                series,
                &json!({"monitored": true, "monitorNewItems": "all"}),
                (3, path, self.root.clone()),
            );
            let monitored = BTreeMap::from([(0, false), (1, true), (2, series.continues())]);
            if let Some(show) = self.shows.iter_mut().find(|show| show.id == id) {
                show.seasons = monitored;
                if series.us == "TV-G" {
                    show.tags.insert(1);
                }
            }
            self.fill_episodes(id);
            for (path, file) in of_it {
                let What::Episode { season, number, .. } = file.what else { continue };
                let here =
                    |episode: &&Episode| episode.show == id && episode.season == season && episode.number == number;
                if let Some(episode) = self.episodes.iter().find(here).map(|episode| episode.id) {
                    self.take_up(id, vec![episode], season, path.clone(), file);
                }
            }
        }
        let coming = self.episodes.iter().find(|one| one.tvdb == COMING.0 && one.season == 1 && one.number == COMING.1);
        if let Some(id) = coming.map(|episode| episode.id) {
            self.coming(Query::Episode(id), COMING.2);
        }
    }

    fn show_folder(&self, series: &Series, root: &str) -> String {
        format!("{}/{}", root.trim_end_matches('/'), plain_name(&series.name))
    }

    fn insert_show(
        &mut self,
        series: &'static Series,
        body: &Value,
        (profile, path, root): (u32, String, String),
    ) -> u32 {
        let id = self.fresh("series");
        let text = |name: &str, default: &str| body[name].as_str().unwrap_or(default).to_owned();
        self.shows.push(Show {
            id,
            series,
            monitored: body["monitored"] == true,
            profile,
            path,
            root,
            season_folder: body["seasonFolder"].as_bool().unwrap_or(true),
            series_type: text("seriesType", "standard"),
            monitor_new: text("monitorNewItems", "all"),
            tags: numbers(&body["tags"]).into_iter().collect(),
            added: self.now,
            seasons: seasons_given(body),
            on_refresh: None,
        });
        id
    }

    /// Makes the records of episodes that are not there yet, and of their seasons.
    fn fill_episodes(&mut self, id: u32) {
        let today = self.begun_on();
        let Some(show) = self.shows.iter().find(|show| show.id == id) else { return };
        let (facts, is_new) = (show.series.tvdb_episodes(today), self.episodes.iter().all(|one| one.show != id));
        let (tvdb, monitor_new) = (show.series.tvdb, show.monitor_new == "all");
        for fact in facts {
            let known = |one: &Episode| one.show == id && one.season == fact.season && one.number == fact.number;
            if self.episodes.iter().any(known) {
                continue;
            }
            let Some(show) = self.shows.iter_mut().find(|show| show.id == id) else { return };
            // A season nobody spoke of is watched like new ones are; specials only when somebody asks.
            let monitored = *show.seasons.entry(fact.season).or_insert(fact.season > 0 && (is_new || monitor_new));
            let id_of_it = self.fresh("episode");
            self.episodes.push(Episode {
                id: id_of_it,
                show: id,
                tvdb,
                season: fact.season,
                number: fact.number,
                absolute: fact.absolute,
                title: fact.title,
                date: fact.date,
                at: fact.at,
                monitored,
                last_search: None,
            });
        }
    }

    fn statistics(&self, show: u32, season: Option<u32>) -> Value {
        let in_it = |one: &&Episode| one.show == show && season.is_none_or(|season| season == one.season);
        let all: Vec<&Episode> = self.episodes.iter().filter(in_it).collect();
        // Specials do not count for the whole series.
        let counted = || all.iter().filter(|one| season.is_some() || one.season > 0);
        let with_file = counted().filter(|one| self.file_of(one.id).is_some()).count();
        // Counts what is there or could be: monitored and aired, or with a file.
        let expected =
            counted().filter(|one| self.file_of(one.id).is_some() || (one.monitored && self.has_aired(one.at))).count();
        let files = self.files.iter().filter(|file| file.owner == show);
        let files = files.filter(|file| season.is_none_or(|season| season == file.season));
        let size: u64 = files.clone().map(|file| file.size).sum();
        let mut groups: Vec<&str> = files.filter_map(|file| file.group.as_deref()).collect();
        groups.dedup();
        let percent = if expected == 0 { 0.0 } else { 100.0 * with_file as f64 / expected as f64 };
        let mut statistics = json!({
            "episodeFileCount": with_file, "episodeCount": expected, "totalEpisodeCount": all.len(), "sizeOnDisk": size,
            "releaseGroups": groups, "percentOfEpisodes": percent,
        });
        if let Some(next) = all.iter().filter(|one| one.monitored && !self.has_aired(one.at)).map(|one| one.at).min()
            && season.is_some()
        {
            statistics["nextAiring"] = json!(next);
        }
        if let Some(last) = all.iter().filter(|one| self.has_aired(one.at)).map(|one| one.at).max()
            && season.is_some()
        {
            statistics["previousAiring"] = json!(last);
        }
        if season.is_none() {
            let seasons = self.shows.iter().find(|one| one.id == show).map(|show| &show.seasons);
            statistics["seasonCount"] =
                json!(seasons.map_or(0, |seasons| seasons.keys().filter(|one| **one > 0).count()));
        }
        statistics
    }

    fn series_base(&self, series: &Series, id: u32) -> Value {
        let image = |cover: &str, picture: &str| json!({"coverType": cover, "url": format!("{}/MediaCover/{id}/{cover}.jpg", self.base), "remoteUrl": self.remote(picture)});
        let (upright, wide) = (poster::series_poster(series), poster::series_backdrop(series));
        let last = series.tvdb_episodes(self.begun_on()).into_iter().map(|episode| episode.at).max();
        json!({
            "title": series.name, "alternateTitles": [], "sortTitle": plain(&series.name),
            "status": if series.continues() { "continuing" } else { "ended" }, "ended": !series.continues(),
            "overview": series.overview, "network": series.network, "airTime": series.time,
            "images": [image("poster", &upright), image("fanart", &wide)], "remotePoster": self.remote(&upright),
            "originalLanguage": language("en"), "year": year_of(series), "useSceneNumbering": false, "runtime": series.runtime,
            "tvdbId": series.tvdb, "tvRageId": 0, "tvMazeId": series.tvmaze, "tmdbId": series.id, "imdbId": series.imdb,
            "firstAired": format!("{}T00:00:00Z", series.first), "lastAired": last,
            "cleanTitle": plain(&series.name).replace(' ', ""), "titleSlug": plain(&series.name).replace(' ', "-"),
            "folder": plain_name(&series.name), "certification": series.us, "genres": series.genres,
            "ratings": {"votes": series.votes, "value": series.vote},
        })
    }

    pub(super) fn show_view(&self, show: &Show) -> Value {
        let mut view = self.series_base(show.series, show.id);
        let seasons: Vec<Value> = show
            .seasons
            .iter()
            .map(|(number, monitored)| {
                json!({"seasonNumber": number, "monitored": monitored, "statistics": self.statistics(show.id, Some(*number))})
            })
            .collect();
        let own = || self.episodes.iter().filter(|episode| episode.show == show.id && episode.season > 0);
        let next = own().filter(|one| one.monitored && !self.has_aired(one.at)).map(|one| one.at).min();
        let last = own().filter(|one| self.has_aired(one.at)).map(|one| one.at).max();
        let more = json!({
            "id": show.id, "seasons": seasons, "path": show.path, "qualityProfileId": show.profile, "languageProfileId": 1,
            "seasonFolder": show.season_folder, "monitored": show.monitored, "monitorNewItems": show.monitor_new,
            "seriesType": show.series_type, "rootFolderPath": format!("{}/", show.root), "tags": show.tags, "added": show.added,
            "statistics": self.statistics(show.id, None),
        });
        if let (Some(view), Value::Object(more)) = (view.as_object_mut(), more) {
            view.extend(more);
        }
        if let Some(next) = next {
            view["nextAiring"] = json!(next);
        }
        if let Some(last) = last {
            view["previousAiring"] = json!(last);
        }
        view
    }

    /// As webhooks carry it.
    pub(super) fn show_told(&self, show: &Show) -> Value {
        let base = self.series_base(show.series, show.id);
        json!({
            "id": show.id, "title": base["title"], "titleSlug": base["titleSlug"], "path": show.path, "tvdbId": base["tvdbId"],
            "tvMazeId": base["tvMazeId"], "tmdbId": base["tmdbId"], "imdbId": base["imdbId"], "type": show.series_type,
            "year": base["year"], "genres": base["genres"], "images": base["images"], "tags": self.labels(&show.tags),
            "originalLanguage": base["originalLanguage"],
        })
    }

    pub(super) fn episode_view(&self, episode: &Episode) -> Value {
        let file = self.file_of(episode.id);
        let mut view = json!({
            "id": episode.id, "seriesId": episode.show, "tvdbId": episode.tvdb * 1000 + u64::from(episode.season * 100 + episode.number),
            "episodeFileId": file.map_or(0, |file| file.id), "seasonNumber": episode.season, "episodeNumber": episode.number,
            "title": episode.title, "airDate": episode.date.to_string(), "airDateUtc": episode.at, "overview": "",
            "runtime": self.runtime_of(episode.show), "hasFile": file.is_some(), "monitored": episode.monitored,
            "unverifiedSceneNumbering": false,
        });
        if let Some(absolute) = episode.absolute {
            view["absoluteEpisodeNumber"] = json!(absolute);
        }
        if let Some(at) = episode.last_search {
            view["lastSearchTime"] = json!(at);
        }
        if let Some(finale) = self.finale(episode) {
            view["finaleType"] = json!(finale);
        }
        view
    }

    /// As webhooks carry it.
    pub(super) fn episode_told(&self, episode: &Episode) -> Value {
        let view = self.episode_view(episode);
        let mut told = json!({});
        for name in [
            "id",
            "seasonNumber",
            "episodeNumber",
            "title",
            "overview",
            "airDate",
            "airDateUtc",
            "seriesId",
            "tvdbId",
            "finaleType",
        ] {
            told[name] = view[name].clone();
        }
        told
    }

    fn runtime_of(&self, show: u32) -> u32 {
        self.shows.iter().find(|one| one.id == show).map_or(0, |show| show.series.runtime)
    }

    fn finale(&self, episode: &Episode) -> Option<&'static str> {
        let later = |one: &&Episode| {
            one.show == episode.show && one.season > 0 && (one.season, one.number) > (episode.season, episode.number)
        };
        if episode.season == 0 {
            return None;
        }
        let mut later = self.episodes.iter().filter(later).peekable();
        if later.peek().is_none() {
            let ended = self.shows.iter().any(|show| show.id == episode.show && !show.series.continues());
            return Some(if ended { "series" } else { "season" });
        }
        later.all(|one| one.season > episode.season).then_some("season")
    }

    fn series_candidate(&self, series: &'static Series) -> Value {
        if let Some(show) = self.shows.iter().find(|show| show.series.tvdb == series.tvdb) {
            return self.show_view(show);
        }
        let mut view = self.series_base(series, 0);
        let mut seasons: Vec<u32> =
            series.tvdb_episodes(self.begun_on()).iter().map(|episode| episode.season).collect();
        seasons.dedup();
        let seasons: Vec<Value> =
            seasons.iter().map(|number| json!({"seasonNumber": number, "monitored": *number > 0})).collect();
        let more = json!({
            "seasons": seasons, "qualityProfileId": 0, "languageProfileId": 0, "seasonFolder": false, "monitored": true,
            "monitorNewItems": "all", "seriesType": "standard", "tags": [], "added": "0001-01-01T00:00:00Z",
            "statistics": {"seasonCount": seasons.len(), "episodeFileCount": 0, "episodeCount": 0, "totalEpisodeCount": 0,
                "sizeOnDisk": 0, "percentOfEpisodes": 0},
        });
        if let (Some(view), Value::Object(more)) = (view.as_object_mut(), more) {
            view.extend(more);
        }
        view
    }

    pub(super) fn sonarr(&mut self, question: &Question<'_>) -> Option<Told> {
        let (first, rest) = question.path.split_first()?;
        Some(match (*first, rest) {
            ("series", rest) => self.series_told_of(question, rest),
            ("episode", rest) => self.episode_told_of(question, rest),
            ("episodefile", _) => self.file_told(question, "seriesId", "episodeFileIds"),
            ("seasonpass", []) if question.method == "POST" => self.season_pass(&question.body),
            ("importlistexclusion", _) => self.exclusion_told(question),
            ("wanted", ["missing"]) => {
                let ids = self.wanted_episodes(None, true, question.flag("monitored", true));
                ok(self.wanted_page(question, &ids))
            }
            ("wanted", ["cutoff"]) => {
                let ids = self.wanted_episodes(None, false, question.flag("monitored", true));
                ok(self.wanted_page(question, &ids))
            }
            ("calendar", []) => self.episode_calendar(question),
            ("rename", []) => match question.id("seriesId") {
                Some(id) => ok(self.rename_preview(id, question.id("seasonNumber"))),
                None => Err(Refusal::Said(400, "seriesId must be provided".to_owned())),
            },
            _ => return None,
        })
    }

    fn series_told_of(&mut self, question: &Question<'_>, rest: &[&str]) -> Told {
        match (question.method, rest) {
            ("GET", []) => {
                let wanted = question.number("tvdbId");
                let shows = self.shows.iter().filter(|show| wanted.is_none_or(|tvdb| tvdb == show.series.tvdb));
                ok(shows.map(|show| self.show_view(show)).collect::<Vec<_>>())
            }
            ("GET", ["lookup"]) => ok(self.series_lookup(question.get("term").unwrap_or_default())),
            ("POST", []) => self.series_added(&question.body),
            ("PUT", ["editor"]) => self.series_edited(&question.body),
            ("DELETE", ["editor"]) => {
                let body = &question.body;
                for id in numbers(&body["seriesIds"]) {
                    self.series_deleted(id, body["deleteFiles"] == true, body["addImportListExclusion"] == true);
                }
                ok(json!({}))
            }
            ("GET", [id]) => {
                let id = id_of(id)?;
                ok(self.show_view(there(self.shows.iter().find(|show| show.id == id))?))
            }
            ("PUT", [id]) => self.series_put(id_of(id)?, question),
            ("DELETE", [id]) => {
                let id = id_of(id)?;
                there(self.shows.iter().find(|show| show.id == id))?;
                let exclude = question.flag("addImportListExclusion", false);
                self.series_deleted(id, question.flag("deleteFiles", false), exclude);
                ok(json!({}))
            }
            _ => Err(Refusal::Missing),
        }
    }

    fn series_lookup(&self, term: &str) -> Vec<Value> {
        let by = |prefix: &str| {
            term.strip_prefix(&format!("{prefix}:")).or_else(|| term.strip_prefix(&format!("{prefix}id:")))
        };
        let all = HOUSEHOLD.series.iter();
        let exact: Option<Vec<&'static Series>> = if let Some(id) = by("tvdb") {
            Some(all.clone().filter(|series| series.tvdb.to_string() == id.trim()).collect())
        } else if let Some(id) = by("tmdb") {
            Some(all.clone().filter(|series| series.id.to_string() == id.trim()).collect())
        } else {
            by("imdb").map(|id| all.clone().filter(|series| series.imdb.as_deref() == Some(id.trim())).collect())
        };
        let found = exact.unwrap_or_else(|| {
            let mut scored: Vec<(u32, &'static Series)> =
                all.map(|series| (match_score(term, &series.name), series)).filter(|(score, _)| *score > 0).collect();
            scored.sort_by_key(|(score, series)| std::cmp::Reverse((*score, series.votes)));
            scored.into_iter().map(|(_, series)| series).collect()
        });
        found.into_iter().map(|series| self.series_candidate(series)).collect()
    }

    fn series_checked(&self, body: &Value, series: Option<&Series>) -> Result<(u32, String, String), Refusal> {
        let mut complaints = Vec::new();
        let mut complain = |property, message: String, attempted: Value, code| {
            complaints.push(super::Complaint { property, message, attempted, code });
        };
        let given = number(&body["qualityProfileId"]).unwrap_or_default();
        if given == 0 {
            complain(
                "QualityProfileId",
                "'Quality Profile Id' must be greater than '0'.".to_owned(),
                json!(given),
                "GreaterThanValidator",
            );
        } else if profile(given).is_none() {
            complain(
                "QualityProfileId",
                "Quality Profile does not exist".to_owned(),
                json!(given),
                "QualityProfileExistsValidator",
            );
        }
        let (path, root) =
            (body["path"].as_str().unwrap_or_default(), body["rootFolderPath"].as_str().unwrap_or_default());
        match series {
            None if path.is_empty() => {
                complain("Path", "'Path' must not be empty.".to_owned(), json!(path), "NotEmptyValidator");
            }
            None if !path.starts_with('/') => {
                complain("Path", format!("Invalid Path: '{path}'"), json!(path), "PathValidator");
            }
            None => {}
            Some(_) => {
                if body["title"].as_str().unwrap_or_default().is_empty() {
                    complain("Title", "'Title' must not be empty.".to_owned(), json!(""), "NotEmptyValidator");
                }
                if path.is_empty() && root.is_empty() {
                    complain(
                        "RootFolderPath",
                        "'Root Folder Path' must not be empty.".to_owned(),
                        json!(root),
                        "NotEmptyValidator",
                    );
                } else if path.is_empty() && !self.is_root(root) {
                    complain(
                        "RootFolderPath",
                        format!("Root folder '{root}' does not exist"),
                        json!(root),
                        "RootFolderExistsValidator",
                    );
                }
            }
        }
        if !complaints.is_empty() {
            return Err(Refusal::Invalid(complaints));
        }
        let folder = match series {
            Some(series) if path.is_empty() => self.show_folder(series, root),
            _ => path.trim_end_matches('/').to_owned(),
        };
        let root = if root.is_empty() { folder.rsplit_once('/').map_or("", |(root, _)| root) } else { root };
        let root = root.trim_end_matches('/').to_owned();
        Ok((given, folder, root))
    }

    fn series_added(&mut self, body: &Value) -> Told {
        let tvdb = body["tvdbId"].as_u64().unwrap_or_default();
        if tvdb == 0 {
            return Err(invalid("TvdbId", "'Tvdb Id' must be greater than '0'.", json!(tvdb), "GreaterThanValidator"));
        }
        if self.shows.iter().any(|show| show.series.tvdb == tvdb) {
            return Err(invalid("TvdbId", "This series has already been added", json!(tvdb), "SeriesExistsValidator"));
        }
        let series = HOUSEHOLD.series.iter().find(|series| series.tvdb == tvdb);
        let place = self.series_checked(body, series.or(HOUSEHOLD.series.first()))?;
        let Some(series) = series else {
            return Err(invalid("TvdbId", "A series with this ID was not found", json!(tvdb), ""));
        };
        if let Some(other) = self.shows.iter().find(|show| show.path == place.1) {
            let message =
                format!("Path '{}' is already configured for an existing series: {}", place.1, other.series.name);
            return Err(invalid("Path", message, json!(place.1), "SeriesPathValidator"));
        }
        let id = self.insert_show(series, body, place);
        // Seasons nobody sent are made at once; their episodes come with the refresh.
        let mut seasons: Vec<u32> =
            series.tvdb_episodes(self.begun_on()).iter().map(|episode| episode.season).collect();
        seasons.dedup();
        let options = body["addOptions"].clone();
        let show = there(self.shows.iter_mut().find(|show| show.id == id))?;
        for season in seasons {
            show.seasons.entry(season).or_insert(season > 0);
        }
        show.on_refresh = Some(options.clone());
        self.command("RefreshSeries", json!({"seriesIds": [id], "isNewSeries": true}), false);
        let mut view = self.show_view(there(self.shows.iter().find(|show| show.id == id))?);
        if !options.is_null() {
            view["addOptions"] = options;
        }
        Ok((StatusCode::CREATED, view))
    }

    /// Fills in episodes, finds files that lie there already, and does what the options of adding said.
    pub(super) fn refresh_show(&mut self, id: u32) {
        self.fill_episodes(id);
        self.rescan(id);
        let Some(show) = self.shows.iter_mut().find(|show| show.id == id) else { return };
        let on_refresh = show.on_refresh.take();
        let folder = format!("{}/", show.path);
        let tvdb = show.series.tvdb;
        for (path, file) in self.disk.below(&folder) {
            let What::Episode { tvdb: of, season, number } = file.what else { continue };
            let here = |one: &&Episode| one.show == id && one.season == season && one.number == number;
            let Some(episode) = self.episodes.iter().find(here).map(|episode| episode.id).filter(|_| of == tvdb) else {
                continue;
            };
            if self.file_of(episode).is_none() {
                self.take_up(id, vec![episode], season, path, &file);
            }
        }
        let Some(options) = on_refresh else { return };
        self.tell_added(id, "manual");
        self.watch(id, &options);
        if options["searchForMissingEpisodes"] == true {
            self.command("MissingEpisodeSearch", json!({"seriesId": id, "monitored": true}), false);
        }
        if options["searchForCutoffUnmetEpisodes"] == true {
            self.command("CutoffUnmetEpisodeSearch", json!({"seriesId": id, "monitored": true}), false);
        }
    }

    /// Decides which episodes are watched, as `addOptions` and `monitoringOptions` say it.
    fn watch(&mut self, id: u32, options: &Value) {
        let now = self.now;
        let with_file: BTreeSet<u32> = self.files.iter().flat_map(|file| file.items.clone()).collect();
        let how = options["monitor"].as_str();
        if how == Some("skip") {
            return;
        }
        let last = self.episodes.iter().filter(|one| one.show == id).map(|one| one.season).max().unwrap_or_default();
        let flags = self.shows.iter().find(|show| show.id == id).map(|show| show.seasons.clone()).unwrap_or_default();
        let recent = now.checked_sub((90 * 24).hours()).unwrap_or(now);
        for episode in self.episodes.iter_mut().filter(|episode| episode.show == id) {
            let has_file = with_file.contains(&episode.id);
            let regular = episode.season > 0;
            episode.monitored = match how {
                Some("all") => regular,
                Some("future") => regular && episode.at >= now,
                Some("missing") => regular && !has_file,
                Some("existing") => regular && has_file,
                Some("firstSeason") => episode.season == 1,
                Some("lastSeason" | "latestSeason") => regular && episode.season == last,
                Some("pilot") => episode.season == 1 && episode.number == 1,
                Some("recent") => regular && episode.at >= recent,
                Some("monitorSpecials") => episode.monitored || !regular,
                Some("unmonitorSpecials") => episode.monitored && regular,
                Some("none") => false,
                _ => {
                    let flagged = flags.get(&episode.season).copied().unwrap_or_default();
                    // Without any options nothing that has aired is watched.
                    let aired = options.is_null() && episode.at < now;
                    let ignored = (has_file && options["ignoreEpisodesWithFiles"] == true)
                        || (!has_file && episode.at < now && options["ignoreEpisodesWithoutFiles"] == true);
                    flagged && !aired && !ignored
                }
            };
        }
        let watched: BTreeSet<u32> =
            self.episodes.iter().filter(|one| one.show == id && one.monitored).map(|one| one.season).collect();
        if let Some(show) = self.shows.iter_mut().find(|show| show.id == id) {
            if how.is_some() {
                let narrow = matches!(how, Some("firstSeason" | "pilot" | "none"));
                for (season, monitored) in &mut show.seasons {
                    // The newest season stays watched for what is still to come.
                    let newest = *season > 0 && *season == last && !narrow;
                    let only_pilot = *season == 1 && how == Some("pilot");
                    *monitored = newest || (watched.contains(season) && !only_pilot);
                }
            }
            if how == Some("none") {
                show.monitored = false;
            }
        }
    }

    /// The flag of a season sets those of all its episodes.
    fn season_flag(&mut self, id: u32, season: u32, monitored: bool) {
        let of_it = self.episodes.iter_mut().filter(|episode| episode.show == id && episode.season == season);
        of_it.for_each(|episode| episode.monitored = monitored);
    }

    /// The whole record is written: what is not in the body is reset, and seasons that were not sent are gone until the
    /// next refresh.
    fn series_put(&mut self, id: u32, question: &Question<'_>) -> Told {
        let body = &question.body;
        let before = there(self.shows.iter().find(|show| show.id == id))?.clone();
        let (profile, path, root) = self.series_checked(body, None)?;
        let given = seasons_given(body);
        for (season, monitored) in &given {
            if before.seasons.get(season).is_some_and(|known| known != monitored) {
                self.season_flag(id, *season, *monitored);
            }
        }
        let text = |name: &str, default: &str| body[name].as_str().unwrap_or(default).to_owned();
        let show = there(self.shows.iter_mut().find(|show| show.id == id))?;
        show.monitored = body["monitored"] == true;
        show.profile = profile;
        show.path.clone_from(&path);
        show.root = root;
        show.season_folder = body["seasonFolder"] == true;
        show.series_type = text("seriesType", "standard");
        show.monitor_new = text("monitorNewItems", "all");
        show.tags = numbers(&body["tags"]).into_iter().collect();
        show.seasons = given;
        if path != before.path {
            self.move_folder(id, &before.path, &path, question.flag("moveFiles", false));
        }
        accepted(self.show_view(there(self.shows.iter().find(|show| show.id == id))?))
    }

    fn series_edited(&mut self, body: &Value) -> Told {
        if let Some(given) = number(&body["qualityProfileId"])
            && profile(given).is_none()
        {
            let message = "Quality Profile does not exist";
            return Err(invalid("QualityProfileId", message, json!(given), "QualityProfileExistsValidator"));
        }
        let mut rows = Vec::new();
        for id in numbers(&body["seriesIds"]) {
            let Some(show) = self.shows.iter_mut().find(|show| show.id == id) else { continue };
            if let Some(monitored) = body["monitored"].as_bool() {
                show.monitored = monitored;
            }
            if let Some(profile) = number(&body["qualityProfileId"]) {
                show.profile = profile;
            }
            if let Some(new) = body["monitorNewItems"].as_str() {
                show.monitor_new = new.to_owned();
            }
            if let Some(kind) = body["seriesType"].as_str() {
                show.series_type = kind.to_owned();
            }
            if let Some(folder) = body["seasonFolder"].as_bool() {
                show.season_folder = folder;
            }
            Self::apply_tags(&mut show.tags, body);
            if let Some(root) = body["rootFolderPath"].as_str().filter(|root| !root.is_empty()) {
                let before = show.path.clone();
                show.root = root.trim_end_matches('/').to_owned();
                show.path = format!("{}/{}", show.root, before.rsplit('/').next().unwrap_or_default());
                let path = show.path.clone();
                self.move_folder(id, &before, &path, body["moveFiles"] == true);
            }
            if let Some(show) = self.shows.iter().find(|show| show.id == id) {
                rows.push(self.show_view(show));
            }
        }
        accepted(rows)
    }

    fn series_deleted(&mut self, id: u32, with_files: bool, exclude: bool) {
        let Some(series) = self.shows.iter().find(|show| show.id == id).map(|show| show.series) else { return };
        self.tell_deleted(id, with_files);
        if exclude {
            let number = self.fresh("exclusion");
            self.exclusions.insert(number, (series.tvdb, series.name.clone(), year_of(series)));
        }
        if with_files {
            for (path, _) in self.disk.below(&format!("{}/", self.folder_of(id))) {
                self.disk.remove(&path);
            }
        }
        let gone: Vec<u32> = self.episodes.iter().filter(|one| one.show == id).map(|one| one.id).collect();
        self.files.retain(|file| file.owner != id);
        self.downloads.retain(|download| download.owner != id);
        self.history.retain(|row| !gone.contains(&row.item));
        self.episodes.retain(|episode| episode.show != id);
        self.shows.retain(|show| show.id != id);
    }

    fn season_pass(&mut self, body: &Value) -> Told {
        for given in body["series"].as_array().into_iter().flatten() {
            let Some(id) = number(&given["id"]).filter(|id| self.shows.iter().any(|show| show.id == *id)) else {
                continue;
            };
            for (season, monitored) in seasons_given(given) {
                self.season_flag(id, season, monitored);
                if let Some(show) = self.shows.iter_mut().find(|show| show.id == id) {
                    show.seasons.insert(season, monitored);
                }
            }
            if let (Some(monitored), Some(show)) =
                (given["monitored"].as_bool(), self.shows.iter_mut().find(|show| show.id == id))
            {
                show.monitored = monitored;
            }
            if body["monitoringOptions"]["monitor"].is_string() {
                self.watch(id, &body["monitoringOptions"]);
            }
        }
        accepted(json!({}))
    }

    fn episode_told_of(&mut self, question: &Question<'_>, rest: &[&str]) -> Told {
        match (question.method, rest) {
            ("GET", []) => {
                let (series, ids) = (question.id("seriesId"), question.ids("episodeIds"));
                if series.is_none() && ids.is_empty() {
                    return Err(Refusal::Said(400, "seriesId or episodeIds must be provided".to_owned()));
                }
                let season = question.id("seasonNumber");
                let rows = self.episodes.iter().filter(|one| series.is_none_or(|series| series == one.show));
                let rows = rows.filter(|one| season.is_none_or(|season| season == one.season));
                let rows: Vec<&Episode> = rows.filter(|one| ids.is_empty() || ids.contains(&one.id)).collect();
                let (with_file, with_series) =
                    (question.flag("includeEpisodeFile", false), question.flag("includeSeries", false));
                ok(rows.into_iter().map(|one| self.episode_row(one, with_file, with_series)).collect::<Vec<_>>())
            }
            ("PUT", ["monitor"]) => {
                let ids = numbers(&question.body["episodeIds"]);
                let monitored = question.body["monitored"] == true;
                for episode in self.episodes.iter_mut().filter(|episode| ids.contains(&episode.id)) {
                    episode.monitored = monitored;
                }
                let rows = self.episodes.iter().filter(|episode| ids.contains(&episode.id));
                accepted(rows.map(|one| self.episode_view(one)).collect::<Vec<_>>())
            }
            ("GET", [id]) => {
                let id = id_of(id)?;
                ok(self.episode_row(there(self.episodes.iter().find(|one| one.id == id))?, true, true))
            }
            ("PUT", [id]) => {
                let (id, monitored) = (id_of(id)?, question.body["monitored"] == true);
                there(self.episodes.iter_mut().find(|one| one.id == id))?.monitored = monitored;
                accepted(self.episode_view(there(self.episodes.iter().find(|one| one.id == id))?))
            }
            _ => Err(Refusal::Missing),
        }
    }

    fn episode_row(&self, episode: &Episode, with_file: bool, with_series: bool) -> Value {
        let mut row = self.episode_view(episode);
        if let Some(file) = self.file_of(episode.id).filter(|_| with_file) {
            row["episodeFile"] = self.known_file_view(file);
        }
        if let Some(show) = self.shows.iter().find(|show| show.id == episode.show).filter(|_| with_series) {
            row["series"] = self.show_view(show);
        }
        row
    }

    /// Aired episodes of monitored series that are missing, or below the cutoff.
    fn wanted_episodes(&self, show: Option<u32>, missing: bool, monitored: bool) -> Vec<u32> {
        let is_on = |episode: &Episode| {
            self.shows.iter().any(|show| show.id == episode.show && show.monitored) && episode.monitored
        };
        let wanted = |episode: &&Episode| match self.file_of(episode.id) {
            None => missing && self.has_aired(episode.at),
            Some(file) => !missing && self.below_cutoff(file.quality, self.profile_of(episode.show)),
        };
        self.episodes
            .iter()
            .filter(|episode| show.is_none_or(|show| show == episode.show))
            .filter(|episode| is_on(episode) == monitored)
            // Specials are only wanted when they are monitored.
            .filter(|episode| monitored || episode.season > 0)
            .filter(wanted)
            .map(|episode| episode.id)
            .collect()
    }

    fn wanted_page(&self, question: &Question<'_>, ids: &[u32]) -> Value {
        let rows = self.episodes.iter().filter(|episode| ids.contains(&episode.id));
        let rows = rows.map(|episode| self.episode_row(episode, true, true)).collect();
        let keys = [
            ("episodes.airDateUtc", "/airDateUtc"),
            ("airDateUtc", "/airDateUtc"),
            ("series.sortTitle", "/series/sortTitle"),
            ("episodes.lastSearchTime", "/lastSearchTime"),
            ("episodes.title", "/title"),
            ("id", "/id"),
        ];
        let mut answer = paged(question, rows, &keys, false);
        if let Some(records) = answer["records"].as_array_mut() {
            without(records, "series", question.flag("includeSeries", false));
            without(records, "episodeFile", question.flag("includeEpisodeFile", false));
        }
        answer
    }

    fn episode_calendar(&self, question: &Question<'_>) -> Told {
        let (start, end) = self.range(question)?;
        let (unmonitored, tags) = (question.flag("unmonitored", false), question.ids("tags"));
        let mut rows: Vec<&Episode> = self
            .episodes
            .iter()
            .filter(|episode| (start..=end).contains(&episode.at))
            .filter(|episode| {
                let show = self.shows.iter().find(|show| show.id == episode.show);
                show.is_some_and(|show| {
                    (unmonitored || (show.monitored && episode.monitored))
                        && (tags.is_empty() || tags.iter().any(|tag| show.tags.contains(tag)))
                })
            })
            .collect();
        rows.sort_by_key(|episode| episode.at);
        let (with_file, with_series) =
            (question.flag("includeEpisodeFile", false), question.flag("includeSeries", false));
        ok(rows.into_iter().map(|one| self.episode_row(one, with_file, with_series)).collect::<Vec<_>>())
    }

    /// The monitored seasons, one after the other.
    pub(super) fn search_series(&mut self, id: u32) -> usize {
        let Some(show) = self.shows.iter().find(|show| show.id == id) else { return 0 };
        let seasons: Vec<u32> =
            show.seasons.iter().filter(|(_, monitored)| **monitored).map(|(season, _)| *season).collect();
        seasons.into_iter().map(|season| self.search_season(id, season)).sum()
    }

    /// One query for the season of a standard series; one per episode where it is not.
    pub(super) fn search_season(&mut self, id: u32, season: u32) -> usize {
        let now = self.now;
        let of_it = |one: &Episode| one.show == id && one.season == season && one.monitored;
        let wanted: Vec<u32> = self.episodes.iter().filter(|one| of_it(one)).map(|one| one.id).collect();
        if wanted.is_empty() {
            return 0;
        }
        let by_episode = self.shows.iter().any(|show| show.id == id && show.series_type != "standard");
        if by_episode {
            return wanted.into_iter().map(|episode| self.search_episode(episode)).sum();
        }
        self.episodes.iter_mut().filter(|one| of_it(one)).for_each(|one| one.last_search = Some(now));
        let releases = self.query(Query::Season(id, season), false);
        self.take(releases)
    }

    pub(super) fn search_episode(&mut self, id: u32) -> usize {
        let now = self.now;
        let Some(episode) = self.episodes.iter_mut().find(|one| one.id == id) else { return 0 };
        episode.last_search = Some(now);
        let releases = self.query(Query::Episode(id), false);
        self.take(releases)
    }

    /// Everything that is wanted and not on its way: two or more of a season are one query, a single one is its own.
    pub(super) fn search_wanted(&mut self, show: Option<u32>, missing: bool) -> (usize, usize) {
        let wanted = self.wanted_episodes(show, missing, true);
        let mut seasons: BTreeMap<(u32, u32), Vec<u32>> = BTreeMap::new();
        for id in wanted.into_iter().filter(|id| !self.is_queued(*id)) {
            let season = self.season_of(id).unwrap_or_default();
            seasons.entry((self.owner_of(id), season)).or_default().push(id);
        }
        let (mut searched, mut grabbed) = (0, 0);
        for ((show, season), ids) in seasons {
            searched += ids.len();
            grabbed += match ids.as_slice() {
                [one] => self.search_episode(*one),
                _ => self.search_season(show, season),
            };
        }
        (searched, grabbed)
    }
}

/// `seasons[]` of a body.
fn seasons_given(body: &Value) -> BTreeMap<u32, bool> {
    let given = body["seasons"].as_array().into_iter().flatten();
    given.filter_map(|season| Some((number(&season["seasonNumber"])?, season["monitored"] == true))).collect()
}

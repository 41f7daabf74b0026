//! Films: the library, looking up, adding, changing, what is wanted and when it comes.

use super::{
    Question, Refusal, Told, accepted, id_of, invalid,
    library::plain_name,
    number, numbers, ok, paged,
    settings::{language, profile},
    state::{State, there},
};
use crate::household::{Film, HOUSEHOLD, disk::What, match_score, number_of, plain, poster};
use axum::http::StatusCode;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[derive(Clone, Debug)]
pub(super) struct Movie {
    pub(super) id: u32,
    pub(super) film: &'static Film,
    pub(super) monitored: bool,
    pub(super) profile: u32,
    /// The movie's own folder.
    pub(super) path: String,
    root: String,
    minimum: String,
    pub(super) tags: BTreeSet<u32>,
    added: Timestamp,
    pub(super) last_search: Option<Timestamp>,
    /// Scripted dates: cinemas, digital, physical. The shelf's own when None.
    pub(super) dates: Option<Dates>,
    /// What to do once the film has been refreshed for the first time.
    search_after: bool,
}

/// When a film can be had.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dates {
    #[serde(default)]
    pub cinemas: Option<Date>,
    #[serde(default)]
    pub digital: Option<Date>,
    #[serde(default)]
    pub physical: Option<Date>,
}

/// What is set for a whole collection.
#[derive(Clone, Debug)]
pub(super) struct Collection {
    monitored: bool,
    profile: u32,
    minimum: String,
    search_on_add: bool,
}

impl Movie {
    pub(super) fn picture(&self, wide: bool) -> String {
        if wide { poster::film_backdrop(self.film) } else { poster::film_poster(self.film) }
    }
}

fn midnight(date: Date) -> Timestamp {
    date.to_zoned(TimeZone::UTC).map(|at| at.timestamp()).unwrap_or_default()
}

fn year_of(film: &Film) -> u32 {
    film.date.get(..4).and_then(|year| year.parse().ok()).unwrap_or_default()
}

/// Films on the household's list that have no file yet, and two that are on their way, with the share that is left.
const WISHES: [u64; 4] = [992, 3085, 234, 9_000_011];
const COMING: [(u64, f64); 2] = [(22596, 0.4), (22744, 0.85)];

impl State {
    /// What is on the disk below the instance's folder, and for the household's own instance what it wishes for.
    pub(super) fn stock_films(&mut self) {
        for (path, file) in self.disk.below(&format!("{}/", self.root)) {
            let What::Film { tmdb } = file.what else { continue };
            let Some(film) = HOUSEHOLD.films.iter().find(|film| film.id == tmdb) else { continue };
            let profile = match file.lines {
                2160 => 5,
                1080 => 4,
                720 if tmdb == 643 => 4,
                720 => 3,
                _ if tmdb == 964 => 6,
                _ => 2,
            };
            let id = self.insert(film, profile);
            let added = Timestamp::from_millisecond(file.added_at_ms).unwrap_or(self.now);
            if let Some(movie) = self.movies.iter_mut().find(|movie| movie.id == id) {
                movie.added = added;
            }
            self.take_up(id, vec![id], 0, path, &file);
        }
        if self.name != super::DEFAULT {
            return;
        }
        for tmdb in WISHES.into_iter().chain(COMING.map(|(tmdb, _)| tmdb)) {
            let Some(film) = HOUSEHOLD.films.iter().find(|film| film.id == tmdb) else { continue };
            let id = self.insert(film, 4);
            if let Some((_, left)) = COMING.iter().find(|(coming, _)| *coming == tmdb) {
                self.coming(super::indexer::Query::Movie(id), *left);
            }
        }
    }

    /// A record of a film as it is made when nothing else was said.
    fn insert(&mut self, film: &'static Film, profile: u32) -> u32 {
        let id = self.fresh("movie");
        let family = film.us == "G";
        self.movies.push(Movie {
            id,
            film,
            monitored: true,
            profile,
            path: self.movie_folder(film, &self.root),
            root: self.root.clone(),
            minimum: "released".to_owned(),
            tags: if family { BTreeSet::from([1]) } else { BTreeSet::new() },
            added: self.now,
            last_search: None,
            dates: None,
            search_after: false,
        });
        id
    }

    fn movie_folder(&self, film: &Film, root: &str) -> String {
        format!("{}/{} ({})", root.trim_end_matches('/'), plain_name(&film.title), year_of(film))
    }

    /// Restored films come back on disc on the day the shelf says, long after they could first be had.
    fn dates(&self, movie: Option<&Movie>, film: &Film) -> Dates {
        if let Some(dates) = movie.and_then(|movie| movie.dates.clone()) {
            return dates;
        }
        let first: Option<Date> = film.date.parse().ok();
        let today = self.begun_on();
        let physical = film.returns_in_days.and_then(|days| today.checked_add(days.days()).ok());
        Dates { cinemas: first, digital: Date::new(2006, 5, 1).ok(), physical }
    }

    /// Whether it can be had by what the record asks for.
    fn is_available(&self, movie: &Movie) -> bool {
        let dates = self.dates(Some(movie), movie.film);
        let reached = |date: Option<Date>| date.is_some_and(|date| midnight(date) <= self.now);
        match movie.minimum.as_str() {
            "announced" | "tba" => true,
            "inCinemas" => reached(dates.cinemas) || reached(dates.digital) || reached(dates.physical),
            _ if dates.digital.is_some() || dates.physical.is_some() => {
                reached(dates.digital) || reached(dates.physical)
            }
            _ => reached(dates.cinemas.and_then(|date| date.checked_add(90.days()).ok())),
        }
    }

    fn film_base(&self, film: &Film, movie: Option<&Movie>) -> Value {
        let dates = self.dates(movie, film);
        let id = movie.map_or(0, |movie| movie.id);
        let at = |date: Option<Date>| date.map(midnight);
        let released = [dates.digital, dates.physical].into_iter().flatten().min();
        let status = match released.or(dates.cinemas) {
            Some(date) if midnight(date) <= self.now && released.is_some() => "released",
            _ if dates.cinemas.is_some_and(|date| midnight(date) <= self.now) => "inCinemas",
            _ => "announced",
        };
        let folder = self.movie_folder(film, &self.root);
        let image = |cover: &str, picture: &str| json!({"coverType": cover, "url": format!("{}/MediaCover/{id}/{cover}.jpg", self.base), "remoteUrl": self.remote(picture)});
        let (upright, wide) = (poster::film_poster(film), poster::film_backdrop(film));
        let mut view = json!({
            "title": film.title, "originalTitle": film.original, "originalLanguage": language(&film.language),
            "alternateTitles": [], "secondaryYear": null, "secondaryYearSourceId": 0, "sortTitle": plain(&film.title),
            "status": status, "overview": film.overview, "inCinemas": at(dates.cinemas), "digitalRelease": at(dates.digital),
            "physicalRelease": at(dates.physical), "releaseDate": at(released),
            "images": [image("poster", &upright), image("fanart", &wide)], "website": "", "remotePoster": self.remote(&upright),
            "year": year_of(film), "youTubeTrailerId": "", "studio": film.company, "runtime": film.runtime,
            "cleanTitle": plain(&film.title).replace(' ', ""), "imdbId": film.imdb, "tmdbId": film.id,
            "titleSlug": film.id.to_string(), "folder": folder.rsplit('/').next(), "certification": film.us,
            "genres": film.genres, "keywords": film.keywords, "popularity": film.votes as f64 / 64.0,
            "ratings": {"tmdb": {"votes": film.votes, "value": film.vote, "type": "user"}},
        });
        if let Some(name) = &film.collection {
            let number = number_of(&HOUSEHOLD.collections(), name);
            view["collection"] = json!({"title": name, "tmdbId": number});
        }
        view
    }

    pub(super) fn movie_view(&self, movie: &Movie) -> Value {
        let mut view = self.film_base(movie.film, Some(movie));
        let file = self.file_of(movie.id);
        let size = file.map_or(0, |file| file.size);
        let groups: Vec<&str> = file.and_then(|file| file.group.as_deref()).into_iter().collect();
        let more = json!({
            "id": movie.id, "path": movie.path, "qualityProfileId": movie.profile, "hasFile": file.is_some(),
            "movieFileId": file.map_or(0, |file| file.id), "monitored": movie.monitored, "minimumAvailability": movie.minimum,
            "isAvailable": self.is_available(movie), "folderName": movie.path, "rootFolderPath": movie.root,
            "sizeOnDisk": size, "tags": movie.tags, "added": movie.added,
            "statistics": {"movieFileCount": usize::from(file.is_some()), "sizeOnDisk": size, "releaseGroups": groups},
        });
        if let (Some(view), Value::Object(more)) = (view.as_object_mut(), more) {
            view.extend(more);
        }
        if let Some(file) = file {
            view["movieFile"] = self.known_file_view(file);
        }
        if let Some(at) = movie.last_search {
            view["lastSearchTime"] = json!(at);
        }
        view
    }

    /// As webhooks carry it.
    pub(super) fn movie_told(&self, movie: &Movie) -> Value {
        let base = self.film_base(movie.film, Some(movie));
        json!({
            "id": movie.id, "title": movie.film.title, "year": base["year"], "releaseDate": movie.film.date,
            "folderPath": movie.path, "tmdbId": movie.film.id, "imdbId": movie.film.imdb, "overview": movie.film.overview,
            "genres": base["genres"], "images": base["images"], "tags": self.labels(&movie.tags),
            "originalLanguage": base["originalLanguage"], "filePath": self.file_of(movie.id).map(|file| file.path.clone()),
        })
    }

    /// A candidate that may be here already.
    fn candidate(&self, film: &'static Film) -> Value {
        let excluded = self.exclusions.values().any(|exclusion| exclusion.0 == film.id);
        let mut view = match self.movies.iter().find(|movie| movie.film.id == film.id) {
            Some(movie) => self.movie_view(movie),
            None => {
                let mut view = self.film_base(film, None);
                let more = json!({
                    "hasFile": false, "movieFileId": 0, "monitored": false, "minimumAvailability": "announced",
                    "isAvailable": true, "qualityProfileId": 0, "added": "0001-01-01T00:00:00Z", "tags": [], "sizeOnDisk": 0,
                    "folderName": "",
                });
                if let (Some(view), Value::Object(more)) = (view.as_object_mut(), more) {
                    view.extend(more);
                }
                view
            }
        };
        view["isExcluded"] = json!(excluded);
        view
    }

    pub(super) fn radarr(&mut self, question: &Question<'_>) -> Option<Told> {
        let (first, rest) = question.path.split_first()?;
        Some(match (*first, rest) {
            ("movie", rest) => self.movie_told_of(question, rest),
            ("moviefile", _) => self.file_told(question, "movieId", "movieFileIds"),
            ("exclusions", _) => self.exclusion_told(question),
            ("collection", rest) => self.collection_told(question, rest),
            ("wanted", ["missing"]) => {
                let ids = self.missing_movies(question.flag("monitored", true));
                ok(self.wanted(question, &ids))
            }
            ("wanted", ["cutoff"]) => {
                let ids = self.cutoff_movies(question.flag("monitored", true));
                ok(self.wanted(question, &ids))
            }
            ("calendar", []) => self.film_calendar(question),
            ("rename", []) => match question.id("movieId") {
                Some(id) => ok(self.rename_preview(id, None)),
                None => Err(Refusal::Said(400, "movieId must be provided".to_owned())),
            },
            _ => return None,
        })
    }

    fn movie_told_of(&mut self, question: &Question<'_>, rest: &[&str]) -> Told {
        match (question.method, rest) {
            ("GET", []) => {
                let wanted = question.number("tmdbId");
                let movies = self.movies.iter().filter(|movie| wanted.is_none_or(|tmdb| tmdb == movie.film.id));
                ok(movies.map(|movie| self.movie_view(movie)).collect::<Vec<_>>())
            }
            ("GET", ["lookup"]) => ok(self.film_lookup(question.get("term").unwrap_or_default())),
            ("GET", ["lookup", "tmdb"]) => {
                let wanted = question.number("tmdbId");
                let film = HOUSEHOLD.films.iter().find(|film| Some(film.id) == wanted);
                ok(self.candidate(there(film)?))
            }
            ("GET", ["lookup", "imdb"]) => {
                let film = HOUSEHOLD.films.iter().find(|film| film.imdb.as_deref() == question.get("imdbId"));
                ok(self.candidate(there(film)?))
            }
            ("POST", []) => self.movie_added(&question.body),
            ("PUT", ["editor"]) => self.movies_edited(&question.body),
            ("DELETE", ["editor"]) => {
                let body = &question.body;
                for id in numbers(&body["movieIds"]) {
                    self.movie_deleted(id, body["deleteFiles"] == true, body["addImportExclusion"] == true);
                }
                ok(json!({}))
            }
            ("GET", [id]) => {
                let id = id_of(id)?;
                ok(self.movie_view(there(self.movies.iter().find(|movie| movie.id == id))?))
            }
            ("PUT", [id]) => self.movie_put(id_of(id)?, question),
            ("DELETE", [id]) => {
                let id = id_of(id)?;
                there(self.movies.iter().find(|movie| movie.id == id))?;
                self.movie_deleted(id, question.flag("deleteFiles", false), question.flag("addImportExclusion", false));
                ok(json!({}))
            }
            _ => Err(Refusal::Missing),
        }
    }

    fn film_lookup(&self, term: &str) -> Vec<Value> {
        let by_number = term.strip_prefix("tmdb:").or_else(|| term.strip_prefix("tmdbid:"));
        if let Some(number) = by_number {
            let films = HOUSEHOLD.films.iter().filter(|film| film.id.to_string() == number.trim());
            return films.map(|film| self.candidate(film)).collect();
        }
        if let Some(imdb) = term.strip_prefix("imdb:").or_else(|| term.strip_prefix("imdbid:")) {
            let films = HOUSEHOLD.films.iter().filter(|film| film.imdb.as_deref() == Some(imdb.trim()));
            return films.map(|film| self.candidate(film)).collect();
        }
        // A year behind the title narrows the search.
        let (title, year) = match term.trim().rsplit_once(' ') {
            Some((title, last)) => match last.trim_matches(['(', ')']).parse::<u32>() {
                Ok(year) if (1880..2100).contains(&year) => (title, Some(year)),
                _ => (term, None),
            },
            None => (term, None),
        };
        let score = |film: &Film| match_score(title, &film.title).max(match_score(title, &film.original));
        let mut found: Vec<(u32, &'static Film)> = HOUSEHOLD
            .films
            .iter()
            .filter(|film| year.is_none_or(|year| year_of(film) == year))
            .map(|film| (score(film), film))
            .filter(|(score, _)| *score > 0)
            .collect();
        found.sort_by_key(|(score, film)| std::cmp::Reverse((*score, film.votes)));
        found.into_iter().map(|(_, film)| self.candidate(film)).collect()
    }

    /// What `POST` and `PUT` check alike. The folder of the movie comes back.
    fn movie_checked(&self, body: &Value, film: Option<&Film>) -> Result<(u32, String, String), Refusal> {
        let mut complaints = Vec::new();
        let mut complain = |property, message: String, attempted: &Value, code| {
            complaints.push(super::Complaint { property, message, attempted: attempted.clone(), code });
        };
        let given = number(&body["qualityProfileId"]).unwrap_or_default();
        if given == 0 {
            complain(
                "QualityProfileId",
                "'Quality Profile Id' must be greater than '0'.".to_owned(),
                &json!(given),
                "GreaterThanValidator",
            );
        } else if profile(given).is_none() {
            complain(
                "QualityProfileId",
                "Quality Profile does not exist".to_owned(),
                &json!(given),
                "QualityProfileExistsValidator",
            );
        }
        let (path, root) =
            (body["path"].as_str().unwrap_or_default(), body["rootFolderPath"].as_str().unwrap_or_default());
        let root_is_known = self.is_root(root);
        if film.is_none() {
            if path.is_empty() {
                complain("Path", "'Path' must not be empty.".to_owned(), &json!(path), "NotEmptyValidator");
            } else if !path.starts_with('/') {
                complain("Path", format!("Invalid Path: '{path}'"), &json!(path), "PathValidator");
            }
        } else if path.is_empty() && root.is_empty() {
            complain(
                "RootFolderPath",
                "'Root Folder Path' must not be empty.".to_owned(),
                &json!(root),
                "NotEmptyValidator",
            );
        } else if path.is_empty() && !root_is_known {
            complain(
                "RootFolderPath",
                format!("Root folder '{root}' does not exist"),
                &json!(root),
                "RootFolderExistsValidator",
            );
        }
        if !complaints.is_empty() {
            return Err(Refusal::Invalid(complaints));
        }
        let folder = match film {
            Some(film) if path.is_empty() => self.movie_folder(film, root),
            _ => path.trim_end_matches('/').to_owned(),
        };
        let root = if root.is_empty() { folder.rsplit_once('/').map_or("", |(root, _)| root) } else { root };
        let root = root.trim_end_matches('/').to_owned();
        Ok((given, folder, root))
    }

    fn movie_added(&mut self, body: &Value) -> Told {
        let tmdb = body["tmdbId"].as_u64().unwrap_or_default();
        if tmdb == 0 {
            let message = "'Tmdb Id' must be greater than '0'.";
            return Err(invalid("TmdbId", message, json!(tmdb), "GreaterThanValidator"));
        }
        if self.movies.iter().any(|movie| movie.film.id == tmdb) {
            return Err(invalid("TmdbId", "This movie has already been added", json!(tmdb), "MovieExistsValidator"));
        }
        let film = HOUSEHOLD.films.iter().find(|film| film.id == tmdb);
        let (profile, path, root) = self.movie_checked(body, film.or(HOUSEHOLD.films.first()))?;
        let Some(film) = film else {
            return Err(invalid("TmdbId", "A movie with this ID was not found.", json!(tmdb), ""));
        };
        if let Some(other) = self.movies.iter().find(|movie| movie.path == path) {
            let message = format!("Path '{path}' is already configured for an existing movie: {}", other.film.title);
            return Err(invalid("Path", message, json!(path), "MoviePathValidator"));
        }
        let options = &body["addOptions"];
        let how = options["monitor"].as_str().unwrap_or("movieOnly");
        let search = options["searchForMovie"] == true;
        let id = self.add_movie(film, body, (profile, path, root), "manual");
        if let Some(movie) = self.movies.iter_mut().find(|movie| movie.id == id) {
            movie.monitored &= how != "none";
            movie.search_after = search;
        }
        if let ("movieAndCollection", Some(name)) = (how, &film.collection)
            && let Some(number) = number_of(&HOUSEHOLD.collections(), name)
        {
            self.collection_record(number).monitored = true;
            self.command("RefreshCollections", json!({}), false);
        }
        let movie = there(self.movies.iter().find(|movie| movie.id == id))?;
        let mut view = self.movie_view(movie);
        if !options.is_null() {
            view["addOptions"] = options.clone();
        }
        Ok((StatusCode::CREATED, view))
    }

    fn add_movie(
        &mut self,
        film: &'static Film,
        body: &Value,
        (profile, path, root): (u32, String, String),
        how: &str,
    ) -> u32 {
        let id = self.fresh("movie");
        let minimum = body["minimumAvailability"].as_str().unwrap_or("tba").to_owned();
        self.movies.push(Movie {
            id,
            film,
            monitored: body["monitored"] == true,
            profile,
            path,
            root,
            minimum,
            tags: numbers(&body["tags"]).into_iter().collect(),
            added: self.now,
            last_search: None,
            dates: None,
            search_after: false,
        });
        self.tell_added(id, how);
        self.command("RefreshMovie", json!({"movieIds": [id], "isNewMovie": true}), false);
        id
    }

    /// Finds files already lying in the folder, and starts the search that was wished for.
    pub(super) fn refresh_movie(&mut self, id: u32) {
        self.rescan(id);
        let Some(movie) = self.movies.iter_mut().find(|movie| movie.id == id) else { return };
        let search = std::mem::take(&mut movie.search_after);
        let folder = format!("{}/", movie.path);
        if self.file_of(id).is_none()
            && let Some((path, file)) = self.disk.below(&folder).into_iter().next()
        {
            self.take_up(id, vec![id], 0, path, &file);
        }
        if search && self.file_of(id).is_none() {
            self.command("MoviesSearch", json!({"movieIds": [id]}), false);
        }
    }

    /// The whole record is written: what is not in the body is reset.
    fn movie_put(&mut self, id: u32, question: &Question<'_>) -> Told {
        let body = &question.body;
        there(self.movies.iter().find(|movie| movie.id == id))?;
        let (profile, path, root) = self.movie_checked(body, None)?;
        let before = self.folder_of(id);
        let movie = there(self.movies.iter_mut().find(|movie| movie.id == id))?;
        movie.monitored = body["monitored"] == true;
        movie.profile = profile;
        movie.minimum = body["minimumAvailability"].as_str().unwrap_or("tba").to_owned();
        movie.tags = numbers(&body["tags"]).into_iter().collect();
        movie.path.clone_from(&path);
        movie.root = root;
        if path != before {
            self.move_folder(id, &before, &path, question.flag("moveFiles", false));
        }
        accepted(self.movie_view(there(self.movies.iter().find(|movie| movie.id == id))?))
    }

    fn movies_edited(&mut self, body: &Value) -> Told {
        let ids = numbers(&body["movieIds"]);
        if let Some(given) = number(&body["qualityProfileId"])
            && profile(given).is_none()
        {
            let message = "Quality Profile does not exist";
            return Err(invalid("QualityProfileId", message, json!(given), "QualityProfileExistsValidator"));
        }
        let mut rows = Vec::new();
        for id in ids {
            let Some(movie) = self.movies.iter_mut().find(|movie| movie.id == id) else { continue };
            if let Some(monitored) = body["monitored"].as_bool() {
                movie.monitored = monitored;
            }
            if let Some(profile) = number(&body["qualityProfileId"]) {
                movie.profile = profile;
            }
            if let Some(minimum) = body["minimumAvailability"].as_str() {
                movie.minimum = minimum.to_owned();
            }
            Self::apply_tags(&mut movie.tags, body);
            let before = movie.path.clone();
            if let Some(root) = body["rootFolderPath"].as_str().filter(|root| !root.is_empty()) {
                let name = before.rsplit('/').next().unwrap_or_default();
                movie.root = root.trim_end_matches('/').to_owned();
                movie.path = format!("{}/{name}", movie.root);
                let path = movie.path.clone();
                self.move_folder(id, &before, &path, body["moveFiles"] == true);
            }
            if let Some(movie) = self.movies.iter().find(|movie| movie.id == id) {
                rows.push(self.movie_view(movie));
            }
        }
        accepted(rows)
    }

    fn movie_deleted(&mut self, id: u32, with_files: bool, exclude: bool) {
        let Some(film) = self.movies.iter().find(|movie| movie.id == id).map(|movie| movie.film) else { return };
        self.tell_deleted(id, with_files);
        if exclude {
            let number = self.fresh("exclusion");
            self.exclusions.insert(number, (film.id, film.title.clone(), year_of(film)));
        }
        if with_files {
            let folder = format!("{}/", self.folder_of(id));
            for (path, _) in self.disk.below(&folder) {
                self.disk.remove(&path);
            }
        }
        self.files.retain(|file| file.owner != id);
        self.downloads.retain(|download| download.owner != id);
        self.history.retain(|row| row.item != id);
        self.movies.retain(|movie| movie.id != id);
    }

    pub(super) fn missing_movies(&self, monitored: bool) -> Vec<u32> {
        let missing = self.movies.iter().filter(|movie| movie.monitored == monitored);
        missing.filter(|movie| self.file_of(movie.id).is_none()).map(|movie| movie.id).collect()
    }

    pub(super) fn cutoff_movies(&self, monitored: bool) -> Vec<u32> {
        let below =
            |movie: &&Movie| self.file_of(movie.id).is_some_and(|file| self.below_cutoff(file.quality, movie.profile));
        self.movies.iter().filter(|movie| movie.monitored == monitored).filter(below).map(|movie| movie.id).collect()
    }

    fn wanted(&self, question: &Question<'_>, ids: &[u32]) -> Value {
        let rows = self.movies.iter().filter(|movie| ids.contains(&movie.id)).map(|movie| self.movie_view(movie));
        let keys = [
            ("movieMetadata.sortTitle", "/sortTitle"),
            ("title", "/sortTitle"),
            ("movies.sortTitle", "/sortTitle"),
            ("movieMetadata.year", "/year"),
            ("year", "/year"),
            ("movieMetadata.inCinemas", "/inCinemas"),
            ("movieMetadata.digitalRelease", "/digitalRelease"),
            ("movieMetadata.physicalRelease", "/physicalRelease"),
            ("movies.lastSearchTime", "/lastSearchTime"),
            ("movies.added", "/added"),
            ("id", "/id"),
        ];
        paged(question, rows.collect(), &keys, false)
    }

    fn film_calendar(&self, question: &Question<'_>) -> Told {
        let (start, end) = self.range(question)?;
        let (unmonitored, tags) = (question.flag("unmonitored", false), question.ids("tags"));
        let in_range = |date: Option<Date>| date.is_some_and(|date| (start..=end).contains(&midnight(date)));
        let rows = self.movies.iter().filter(|movie| unmonitored || movie.monitored);
        let rows = rows.filter(|movie| tags.is_empty() || tags.iter().any(|tag| movie.tags.contains(tag)));
        let rows = rows.filter(|movie| {
            let dates = self.dates(Some(movie), movie.film);
            in_range(dates.cinemas) || in_range(dates.digital) || in_range(dates.physical)
        });
        ok(rows.map(|movie| self.movie_view(movie)).collect::<Vec<_>>())
    }

    /// `start` and `end` of a calendar: today to two days on when nothing is said.
    pub(super) fn range(&self, question: &Question<'_>) -> Result<(Timestamp, Timestamp), Refusal> {
        let today = self.now.to_zoned(TimeZone::UTC).date();
        let read = |name: &'static str, days: i32| match question.get(name) {
            None => Ok(midnight(today.checked_add(days.days()).unwrap_or(today))),
            Some(text) => text
                .parse::<Timestamp>()
                .or_else(|_| text.parse::<Date>().map(midnight))
                .map_err(|_| Refusal::Unreadable(name, format!("The value '{text}' is not valid."))),
        };
        Ok((read("start", 0)?, read("end", 2)?))
    }

    fn collection_record(&mut self, number: u64) -> &mut Collection {
        self.collections.entry(number).or_insert_with(|| Collection {
            monitored: false,
            profile: 4,
            minimum: "released".to_owned(),
            search_on_add: false,
        })
    }

    fn collection_view(&self, number: u64, name: &str) -> Value {
        let films: Vec<&'static Film> =
            HOUSEHOLD.films.iter().filter(|film| film.collection.as_deref() == Some(name)).collect();
        let is_here = |film: &Film| self.movies.iter().any(|movie| movie.film.id == film.id);
        let missing = films.iter().filter(|film| !is_here(film)).count();
        let members: Vec<Value> = films
            .iter()
            .map(|film| {
                json!({
                    "tmdbId": film.id, "imdbId": film.imdb, "title": film.title, "sortTitle": plain(&film.title),
                    "cleanTitle": plain(&film.title).replace(' ', ""), "status": "released", "overview": film.overview,
                    "runtime": film.runtime, "year": year_of(film), "genres": film.genres,
                    "images": [{"coverType": "poster", "url": self.remote(&poster::film_poster(film)), "remoteUrl": self.remote(&poster::film_poster(film))}],
                    "isExisting": is_here(film), "isExcluded": self.exclusions.values().any(|one| one.0 == film.id),
                })
            })
            .collect();
        let record = self.collections.get(&number);
        json!({
            "id": number - 9_900_000, "title": name, "sortTitle": plain(name), "tmdbId": number, "images": [], "overview": "",
            "monitored": record.is_some_and(|record| record.monitored), "rootFolderPath": self.root,
            "qualityProfileId": record.map_or(4, |record| record.profile),
            "searchOnAdd": record.is_some_and(|record| record.search_on_add),
            "minimumAvailability": record.map_or("released", |record| record.minimum.as_str()), "movies": members,
            "missingMovies": missing, "tags": [],
        })
    }

    /// Collections of which at least one film is here.
    fn collections_here(&self) -> Vec<(u64, &'static str)> {
        let here = |name: &str| self.movies.iter().any(|movie| movie.film.collection.as_deref() == Some(name));
        HOUSEHOLD.collections().into_iter().filter(|(_, name)| here(name)).collect()
    }

    fn collection_told(&mut self, question: &Question<'_>, rest: &[&str]) -> Told {
        let body = &question.body;
        match (question.method, rest) {
            ("GET", []) => {
                let wanted = question.number("tmdbId");
                let here = self.collections_here().into_iter();
                let here = here.filter(|(number, _)| wanted.is_none_or(|wanted| wanted == *number));
                ok(here.map(|(number, name)| self.collection_view(number, name)).collect::<Vec<_>>())
            }
            ("GET", [id]) => {
                let wanted = u64::from(id_of(id)?) + 9_900_000;
                let (number, name) = there(self.collections_here().into_iter().find(|(number, _)| *number == wanted))?;
                ok(self.collection_view(number, name))
            }
            ("PUT", rest @ ([] | [_])) => {
                let ids = match rest {
                    [id] => vec![id_of(id)?],
                    _ => numbers(&body["collectionIds"]),
                };
                let mut rows = Vec::new();
                for id in ids {
                    let wanted = u64::from(id) + 9_900_000;
                    let found = self.collections_here().into_iter().find(|(number, _)| *number == wanted);
                    let (number, name) = there(found)?;
                    let record = self.collection_record(number);
                    if let Some(monitored) = body["monitored"].as_bool() {
                        record.monitored = monitored;
                    }
                    if let Some(profile) = super::number(&body["qualityProfileId"]) {
                        record.profile = profile;
                    }
                    if let Some(search) = body["searchOnAdd"].as_bool() {
                        record.search_on_add = search;
                    }
                    if let Some(minimum) = body["minimumAvailability"].as_str() {
                        record.minimum = minimum.to_owned();
                    }
                    if let Some(monitored) = body["monitorMovies"].as_bool() {
                        let members = self.movies.iter_mut();
                        members
                            .filter(|movie| movie.film.collection.as_deref() == Some(name))
                            .for_each(|movie| movie.monitored = monitored);
                    }
                    rows.push(self.collection_view(number, name));
                }
                self.command("RefreshCollections", json!({}), false);
                accepted(if rest.is_empty() { json!(rows) } else { rows.pop().unwrap_or_default() })
            }
            _ => Err(Refusal::Missing),
        }
    }

    /// A monitored collection adds its films.
    pub(super) fn fill_collections(&mut self) {
        for (number, name) in self.collections_here() {
            let Some(record) = self.collections.get(&number).filter(|record| record.monitored).cloned() else {
                continue;
            };
            let films = HOUSEHOLD.films.iter().filter(|film| film.collection.as_deref() == Some(name));
            for film in films {
                let excluded = self.exclusions.values().any(|exclusion| exclusion.0 == film.id);
                if excluded || self.movies.iter().any(|movie| movie.film.id == film.id) {
                    continue;
                }
                let body = json!({"monitored": true, "minimumAvailability": record.minimum, "tags": []});
                let place = (record.profile, self.movie_folder(film, &self.root), self.root.clone());
                let id = self.add_movie(film, &body, place, "collection");
                if let Some(movie) = self.movies.iter_mut().find(|movie| movie.id == id) {
                    movie.search_after = record.search_on_add;
                }
            }
        }
    }

    /// Removes the records and files of a movie, as a person at the disk would.
    pub(super) fn lose_file(&mut self, item: u32) -> bool {
        let Some(path) = self.file_of(item).map(|file| file.path.clone()) else { return false };
        self.disk.remove(&path);
        let owner = self.owner_of(item);
        self.rescan(owner);
        self.file_of(item).is_none()
    }

    /// A search's result that is already on its way, with the share that is left of it.
    pub(super) fn coming(&mut self, query: super::indexer::Query, left: f64) {
        let releases = self.query(query, false);
        let Some(release) = releases.into_iter().find(|release| release.rejections.is_empty()) else { return };
        let begun = self.begin(&release);
        let now = self.now;
        let Some(download) = self.downloads.iter_mut().find(|download| download.number == begun) else { return };
        let whole = download.done_at.duration_since(download.added).as_secs_f64();
        let ago = jiff::SignedDuration::from_secs_f64(whole * (1.0 - left));
        download.added = now.checked_sub(ago).unwrap_or(now);
        download.done_at = download.done_at.checked_sub(ago).unwrap_or(now);
        let (at, client, id) = (download.added, download.client(), download.id.clone());
        let (_, indexer, protocol) = release.indexer();
        for item in release.items.clone() {
            let data = json!({
                "indexer": indexer, "downloadClient": client, "size": release.size.to_string(), "guid": release.guid,
                "protocol": if protocol == "usenet" { "1" } else { "2" }, "releaseSource": "Rss",
            });
            self.now = at;
            self.note(item, super::history::EventType::Grabbed, &release.title, release.quality, id.as_deref(), data);
            self.now = now;
        }
    }
}

//! What an administrator has set: qualities, profiles, tags, folders, indexers and download clients, and the state of the
//! machine. Only tags can be changed.

use super::{Kind, Question, Refusal, Told, id_of, ok, state::State};
use crate::household::disk::CAPACITY;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// A quality as both services number and name it, worst first.
pub(super) struct Quality {
    radarr: (u32, &'static str),
    sonarr: (u32, &'static str),
    source: &'static str,
    /// Lines of the picture.
    pub(super) lines: u32,
}

const fn quality(radarr: u32, sonarr: u32, name: &'static str, source: &'static str, lines: u32) -> Quality {
    Quality { radarr: (radarr, name), sonarr: (sonarr, name), source, lines }
}

/// A quality is its place in this list. WEBRip stands directly before its WEBDL: they are one group.
pub(super) const QUALITIES: [Quality; 20] = [
    quality(0, 0, "Unknown", "unknown", 0),
    quality(1, 1, "SDTV", "tv", 480),
    quality(12, 12, "WEBRip-480p", "webrip", 480),
    quality(8, 8, "WEBDL-480p", "web", 480),
    quality(2, 2, "DVD", "dvd", 480),
    quality(20, 13, "Bluray-480p", "bluray", 480),
    quality(4, 4, "HDTV-720p", "tv", 720),
    quality(14, 14, "WEBRip-720p", "webrip", 720),
    quality(5, 5, "WEBDL-720p", "web", 720),
    quality(6, 6, "Bluray-720p", "bluray", 720),
    quality(9, 9, "HDTV-1080p", "tv", 1080),
    quality(15, 15, "WEBRip-1080p", "webrip", 1080),
    quality(3, 3, "WEBDL-1080p", "web", 1080),
    quality(7, 7, "Bluray-1080p", "bluray", 1080),
    Quality { radarr: (30, "Remux-1080p"), sonarr: (20, "Bluray-1080p Remux"), source: "remux", lines: 1080 },
    quality(16, 16, "HDTV-2160p", "tv", 2160),
    quality(17, 17, "WEBRip-2160p", "webrip", 2160),
    quality(18, 18, "WEBDL-2160p", "web", 2160),
    quality(19, 19, "Bluray-2160p", "bluray", 2160),
    Quality { radarr: (31, "Remux-2160p"), sonarr: (21, "Bluray-2160p Remux"), source: "remux", lines: 2160 },
];

impl Quality {
    pub(super) fn number(&self, kind: Kind) -> u32 {
        if kind == Kind::Radarr { self.radarr.0 } else { self.sonarr.0 }
    }

    pub(super) fn name(&self, kind: Kind) -> &'static str {
        if kind == Kind::Radarr { self.radarr.1 } else { self.sonarr.1 }
    }

    pub(super) fn view(&self, kind: Kind) -> Value {
        let mut view = json!({
            "id": self.number(kind), "name": self.name(kind), "source": self.source(kind), "resolution": self.lines,
        });
        if kind == Kind::Radarr {
            view["modifier"] = json!(if self.source == "remux" { "remux" } else { "none" });
        }
        view
    }

    fn source(&self, kind: Kind) -> &'static str {
        match (kind, self.source) {
            (Kind::Radarr, "web") => "webdl",
            (Kind::Radarr, "remux") => "bluray",
            (Kind::Sonarr, "tv") => "television",
            (Kind::Sonarr, "webrip") => "webRip",
            (Kind::Sonarr, "remux") => "blurayRaw",
            (_, source) => source,
        }
    }
}

/// The place of a quality by its name, in either service's words.
pub(super) fn quality_named(name: &str) -> Option<usize> {
    QUALITIES
        .iter()
        .position(|quality| quality.radarr.1.eq_ignore_ascii_case(name) || quality.sonarr.1.eq_ignore_ascii_case(name))
}

pub(super) fn quality_numbered(kind: Kind, id: &Value) -> Option<usize> {
    QUALITIES.iter().position(|quality| id.as_u64() == Some(u64::from(quality.number(kind))))
}

/// Qualities of one group are equally good.
pub(super) fn rank(place: usize) -> usize {
    let is_rip = QUALITIES.get(place).is_some_and(|quality| quality.radarr.1.starts_with("WEBRip"));
    place + usize::from(is_rip)
}

pub(super) fn quality_model(kind: Kind, place: usize) -> Value {
    let quality = QUALITIES.get(place).or(QUALITIES.first()).map(|quality| quality.view(kind));
    json!({"quality": quality, "revision": {"version": 1, "real": 0, "isRepack": false}})
}

/// Which lines a profile allows, and where it stops upgrading.
pub(super) struct Profile {
    pub(super) id: u32,
    pub(super) name: &'static str,
    lines: std::ops::RangeInclusive<u32>,
    pub(super) cutoff: &'static str,
    pub(super) upgrades: bool,
}

pub(super) const PROFILES: [Profile; 6] = [
    Profile { id: 1, name: "Any", lines: 480..=2160, cutoff: "DVD", upgrades: false },
    Profile { id: 2, name: "SD", lines: 480..=480, cutoff: "DVD", upgrades: false },
    Profile { id: 3, name: "HD-720p", lines: 720..=720, cutoff: "Bluray-720p", upgrades: true },
    Profile { id: 4, name: "HD-1080p", lines: 1080..=1080, cutoff: "Bluray-1080p", upgrades: true },
    Profile { id: 5, name: "Ultra-HD", lines: 2160..=2160, cutoff: "Bluray-2160p", upgrades: true },
    Profile { id: 6, name: "HD - 720p/1080p", lines: 720..=1080, cutoff: "Bluray-720p", upgrades: true },
];

pub(super) fn profile(id: u32) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.id == id)
}

impl Profile {
    pub(super) fn allows(&self, place: usize) -> bool {
        QUALITIES.get(place).is_some_and(|quality| self.lines.contains(&quality.lines))
    }

    pub(super) fn cutoff_rank(&self) -> usize {
        quality_named(self.cutoff).map_or(0, rank)
    }

    /// Worst to best; WEBRip and WEBDL of the same lines are one nested group.
    fn view(&self, kind: Kind) -> Value {
        let mut items: Vec<Value> = Vec::new();
        let mut groups = 1000;
        for (place, quality) in QUALITIES.iter().enumerate() {
            let allowed = self.allows(place);
            let single = json!({"quality": quality.view(kind), "items": [], "allowed": allowed});
            match quality.source {
                "webrip" => {
                    groups += 1;
                    let name = format!("WEB {}p", quality.lines);
                    items.push(json!({"id": groups, "name": name, "items": [single], "allowed": allowed}));
                }
                "web" => {
                    if let Some(list) = items.last_mut().and_then(|group| group["items"].as_array_mut()) {
                        list.push(single);
                    }
                }
                _ => items.push(single),
            }
        }
        let cutoff = quality_named(self.cutoff).and_then(|place| QUALITIES.get(place));
        let mut view = json!({
            "id": self.id, "name": self.name, "upgradeAllowed": self.upgrades,
            "cutoff": cutoff.map(|quality| quality.number(kind)), "items": items, "minFormatScore": 0,
            "cutoffFormatScore": 0, "minUpgradeFormatScore": 1, "formatItems": [],
        });
        if kind == Kind::Radarr {
            view["language"] = json!({"id": -2, "name": "Original"});
        }
        view
    }
}

/// Languages by the code of the shelf, as both services number them.
pub(super) fn language(code: &str) -> Value {
    match code {
        "de" => json!({"id": 4, "name": "German"}),
        "fr" => json!({"id": 2, "name": "French"}),
        "ru" => json!({"id": 11, "name": "Russian"}),
        "sv" => json!({"id": 14, "name": "Swedish"}),
        _ => json!({"id": 1, "name": "English"}),
    }
}

/// Number, name, protocol.
pub(super) const INDEXERS: [(u32, &str, &str); 2] =
    [(1, "Public Domain Torrents", "torrent"), (2, "Old Newsreels", "usenet")];

pub(super) fn client_of(protocol: &str) -> (&'static str, &'static str) {
    if protocol == "usenet" { ("SABnzbd", "Sabnzbd") } else { ("qBittorrent", "QBittorrent") }
}

impl State {
    pub(super) fn settings(&mut self, question: &Question<'_>) -> Told {
        let kind = self.kind;
        match (question.method, question.path.as_slice()) {
            ("GET", ["system", "status"]) => ok(self.status()),
            ("GET", ["health"]) => {
                ok(self.health.iter().enumerate().map(|(place, issue)| issue.view(place)).collect::<Vec<_>>())
            }
            ("GET", ["diskspace"]) => ok(json!([
                {"id": 0, "path": "/", "label": "", "freeSpace": 61_000_000_000_u64, "totalSpace": 120_000_000_000_u64},
                {"id": 0, "path": self.root, "label": "media", "freeSpace": self.free_space(), "totalSpace": CAPACITY},
            ])),
            ("GET", ["rootfolder"]) => ok(self.root_folders()),
            ("GET", ["rootfolder", id]) => {
                let id = id_of(id)?;
                ok(self.root_folders().into_iter().find(|folder| folder["id"] == id).ok_or(Refusal::Missing)?)
            }
            ("GET", ["qualityprofile"]) => ok(PROFILES.iter().map(|profile| profile.view(kind)).collect::<Vec<_>>()),
            ("GET", ["qualityprofile", id]) => ok(profile(id_of(id)?).ok_or(Refusal::Missing)?.view(kind)),
            ("GET", ["language"]) => ok(["en", "fr", "de", "ru", "sv"].map(language).to_vec()),
            ("GET", ["tag"]) => {
                ok(self.tags.iter().map(|(id, label)| json!({"id": id, "label": label})).collect::<Vec<_>>())
            }
            ("GET", ["tag", "detail"]) => ok(self.tags.keys().map(|id| self.tag_detail(*id)).collect::<Vec<_>>()),
            ("GET", ["tag", "detail", id]) => {
                let id = id_of(id)?;
                self.tags.contains_key(&id).then(|| self.tag_detail(id)).map_or(Err(Refusal::Missing), ok)
            }
            ("GET", ["tag", id]) => {
                let id = id_of(id)?;
                let label = self.tags.get(&id).ok_or(Refusal::Missing)?;
                ok(json!({"id": id, "label": label}))
            }
            ("POST", ["tag"]) => {
                let label = question.body["label"].as_str().unwrap_or_default().trim().to_lowercase();
                if label.is_empty() {
                    return Err(super::invalid("Label", "'Label' must not be empty.", json!(""), "NotEmptyValidator"));
                }
                // An existing label is answered, not made twice.
                let known = self.tags.iter().find(|(_, known)| **known == label).map(|(id, _)| *id);
                let id = known.unwrap_or_else(|| self.fresh("tag"));
                self.tags.insert(id, label.clone());
                Ok((StatusCode::CREATED, json!({"id": id, "label": label})))
            }
            ("DELETE", ["tag", id]) => {
                self.tags.remove(&id_of(id)?).ok_or(Refusal::Missing)?;
                ok(json!({}))
            }
            ("GET", ["indexer"]) => ok(INDEXERS.map(|indexer| self.indexer_view(indexer)).to_vec()),
            ("GET", ["downloadclient"]) => ok(json!([
                {"id": 1, "name": "qBittorrent", "enable": true, "protocol": "torrent", "priority": 1,
                    "implementation": "QBittorrent", "implementationName": "qBittorrent", "configContract": "QBittorrentSettings",
                    "removeCompletedDownloads": true, "removeFailedDownloads": true, "fields": [], "tags": []},
                {"id": 2, "name": "SABnzbd", "enable": true, "protocol": "usenet", "priority": 1,
                    "implementation": "Sabnzbd", "implementationName": "SABnzbd", "configContract": "SabnzbdSettings",
                    "removeCompletedDownloads": true, "removeFailedDownloads": true, "fields": [], "tags": []},
            ])),
            ("GET", _) => Err(Refusal::Missing),
            // A known place with another method is 405, anything else is nowhere.
            (_, ["system", "status"] | ["health"] | ["diskspace"] | ["language"]) => Err(Refusal::Method),
            _ => Err(Refusal::Missing),
        }
    }

    fn status(&self) -> Value {
        let name = self.kind.name();
        let version = if self.kind == Kind::Radarr { "6.0.4.10291" } else { "4.0.16.2944" };
        json!({
            "appName": name, "instanceName": self.instance_name(), "version": version, "buildTime": "2025-11-16T12:00:00Z",
            "isDebug": false, "isProduction": true, "isAdmin": false, "isUserInteractive": false, "isNetCore": true,
            "isLinux": true, "isOsx": false, "isWindows": false, "isDocker": true, "mode": "console", "branch": "master",
            "osName": "alpine", "osVersion": "3.22", "databaseType": "sqLite", "databaseVersion": "3.49.2",
            "authentication": "forms", "migrationVersion": 242, "urlBase": self.base, "runtimeName": ".NET",
            "runtimeVersion": "8.0.12", "startTime": self.begun, "appData": "/config", "startupPath": format!("/app/{}/bin", name.to_lowercase()),
            "packageVersion": version, "packageAuthor": "", "packageUpdateMechanism": "docker",
        })
    }

    pub(super) fn free_space(&self) -> u64 {
        self.free.unwrap_or_else(|| self.disk.free())
    }

    fn root_folders(&self) -> Vec<Value> {
        let folder = |(place, path): (usize, &String)| json!({"id": place + 1, "path": path, "accessible": true, "freeSpace": self.free_space(), "unmappedFolders": []});
        std::iter::once(&self.root).chain(&self.further_roots).enumerate().map(folder).collect()
    }

    /// Whether a folder is one that titles may be added to.
    pub(super) fn is_root(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        std::iter::once(&self.root).chain(&self.further_roots).any(|root| root == path)
    }

    fn tag_detail(&self, id: u32) -> Value {
        let users = self.tagged(id);
        let key = if self.kind == Kind::Radarr { "movieIds" } else { "seriesIds" };
        json!({
            "id": id, "label": self.tags.get(&id), "delayProfileIds": [], "importListIds": [], "notificationIds": [],
            "restrictionIds": [], "indexerIds": [], "downloadClientIds": [], "autoTagIds": [], key: users,
        })
    }

    fn indexer_view(&self, (id, name, protocol): (u32, &str, &str)) -> Value {
        let implementation = if protocol == "usenet" { "Newznab" } else { "Torznab" };
        json!({
            "id": id, "name": name, "protocol": protocol, "priority": 25, "enableRss": true, "enableAutomaticSearch": true,
            "enableInteractiveSearch": true, "supportsRss": true, "supportsSearch": true, "downloadClientId": 0,
            "implementation": implementation, "implementationName": implementation,
            "configContract": format!("{implementation}Settings"), "fields": [], "tags": [],
        })
    }

    /// Labels of tags, as webhooks carry them.
    pub(super) fn labels<'a>(&'a self, tags: impl IntoIterator<Item = &'a u32>) -> Vec<&'a str> {
        tags.into_iter().filter_map(|id| self.tags.get(id)).map(String::as_str).collect()
    }
}

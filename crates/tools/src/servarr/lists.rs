//! Quality profiles, root folders and tags: given by name or number, checked against what the instance has now.

use super::{
    Client,
    client::{Age, Query},
    view,
};
use majordomo_domain::{
    ToolError,
    text::{clean, shorten},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{borrow::Cow, fmt};

/// A thing of a list by its name, or by its number.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum NameOrId {
    Id(u64),
    Name(String),
}

impl JsonSchema for NameOrId {
    fn schema_name() -> Cow<'static, str> {
        "NameOrId".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"] })
    }
}

impl fmt::Display for NameOrId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameOrId::Id(id) => write!(f, "{id}"),
            NameOrId::Name(name) => f.write_str(&shorten(&clean(name), 60)),
        }
    }
}

impl NameOrId {
    fn means(&self, id: u64, name: &str) -> bool {
        match self {
            NameOrId::Id(wanted) => *wanted == id,
            NameOrId::Name(wanted) => {
                wanted.trim().to_lowercase() == name.trim().to_lowercase() || wanted.trim().parse() == Ok(id)
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub id: u64,
    pub name: String,
    /// Qualities it takes, from worst to best.
    pub allows: Vec<String>,
    /// It stops upgrading at this one; None when it takes anything it allows.
    pub cutoff: Option<String>,
    pub upgrades: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RootFolder {
    pub id: u64,
    pub path: String,
    pub accessible: bool,
    /// Bytes, as the service last saw it; None when the folder is out of reach.
    pub free: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    pub id: u64,
    pub label: String,
}

impl Client {
    pub async fn profiles(&self) -> Result<Vec<Profile>, ToolError> {
        let list = self.list("/qualityprofile", &Query::new(), Age::Reference).await?;
        Ok(list.iter().filter_map(profile).collect())
    }

    /// With the space that is free now.
    pub async fn root_folders(&self) -> Result<Vec<RootFolder>, ToolError> {
        let list = self.list("/rootfolder", &Query::new(), Age::Live).await?;
        let folder = |folder: &Value| {
            Some(RootFolder {
                id: folder["id"].as_u64()?,
                path: folder["path"].as_str()?.to_owned(),
                accessible: folder["accessible"] != false,
                free: folder["freeSpace"].as_u64(),
            })
        };
        Ok(list.iter().filter_map(folder).collect())
    }

    pub async fn tags(&self) -> Result<Vec<Tag>, ToolError> {
        let list = self.list("/tag", &Query::new(), Age::Reference).await?;
        let tag = |tag: &Value| Some(Tag { id: tag["id"].as_u64()?, label: tag["label"].as_str()?.to_owned() });
        Ok(list.iter().filter_map(tag).collect())
    }

    /// The quality profile that is meant. An unknown one is refused, with those there are.
    pub async fn profile(&self, wanted: &NameOrId) -> Result<Profile, ToolError> {
        let profiles = self.profiles().await?;
        profiles.iter().find(|profile| wanted.means(profile.id, &profile.name)).cloned().ok_or_else(|| {
            let names = profiles.iter().map(|profile| profile.name.as_str());
            self.unknown("quality profile", wanted, names)
        })
    }

    /// The profile that is meant, also in a person's words such as `4K`: where none is called so, the first one that takes that
    /// resolution only, else one whose name speaks of it. None when there is no such profile.
    pub async fn profile_in_words(&self, wanted: &NameOrId) -> Result<Option<Profile>, ToolError> {
        let profiles = self.profiles().await?;
        if let Some(profile) = profiles.iter().find(|profile| wanted.means(profile.id, &profile.name)) {
            return Ok(Some(profile.clone()));
        }
        let NameOrId::Name(words) = wanted else { return Ok(None) };
        let words = words.to_lowercase();
        // Of a resolution: how it is called, and how Radarr and Sonarr write it.
        const RESOLUTIONS: [(&[&str], &str); 4] = [
            (&["2160", "4k", "uhd", "ultra"], "2160p"),
            (&["1080", "full hd", "fhd"], "1080p"),
            (&["720"], "720p"),
            (&["480"], "480p"),
        ];
        let speaks = |text: &str, called: &[&str]| called.iter().any(|word| text.contains(word));
        let Some((called, lines)) = RESOLUTIONS.iter().find(|(called, _)| speaks(&words, called)) else {
            return Ok(None);
        };
        // A profile that takes anything is not one for 4K because it takes 4K, too.
        let is_for = |profile: &&Profile| {
            !profile.allows.is_empty() && profile.allows.iter().all(|quality| quality.to_lowercase().contains(lines))
        };
        let is_called = |profile: &&Profile| speaks(&profile.name.to_lowercase(), called);
        Ok(profiles.iter().find(is_for).or_else(|| profiles.iter().find(is_called)).cloned())
    }

    /// The profile with that number, for telling; its number as a name when it is gone.
    pub async fn profile_name(&self, id: &Value) -> Result<String, ToolError> {
        let profiles = self.profiles().await?;
        let known = profiles.into_iter().find(|profile| Some(profile.id) == id.as_u64());
        Ok(known.map_or_else(|| format!("profile {id}"), |profile| profile.name))
    }

    /// The wanted profile, else that of the settings, else the only one.
    pub async fn profile_or_default(&self, wanted: Option<&NameOrId>) -> Result<Profile, ToolError> {
        let set = self.settings().quality_profile.clone().map(NameOrId::Name);
        if let Some(wanted) = wanted.or(set.as_ref()) {
            return self.profile(wanted).await;
        }
        let mut profiles = self.profiles().await?;
        if profiles.len() == 1 {
            return Ok(profiles.remove(0));
        }
        let names: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
        Err(ToolError::TellModel(format!("say which quality profile; there are: {}", view::names(names))))
    }

    /// The root folder that is meant. An unknown one is refused, with those there are.
    pub async fn root_folder(&self, wanted: &NameOrId) -> Result<RootFolder, ToolError> {
        let folders = self.root_folders().await?;
        let wanted = match wanted {
            NameOrId::Name(path) if path.trim().len() > 1 => {
                NameOrId::Name(path.trim().trim_end_matches(['/', '\\']).to_owned())
            }
            other => other.clone(),
        };
        let means = |folder: &&RootFolder| wanted.means(folder.id, folder.path.trim_end_matches(['/', '\\']));
        folders.iter().find(means).cloned().ok_or_else(|| {
            let paths = folders.iter().map(|folder| folder.path.as_str());
            self.unknown("root folder", &wanted, paths)
        })
    }

    /// The wanted root folder, else that of the settings, else the only one.
    pub async fn root_folder_or_default(&self, wanted: Option<&NameOrId>) -> Result<RootFolder, ToolError> {
        let set = self.settings().root_folder.clone().map(NameOrId::Name);
        if let Some(wanted) = wanted.or(set.as_ref()) {
            return self.root_folder(wanted).await;
        }
        let mut folders = self.root_folders().await?;
        if folders.len() == 1 {
            return Ok(folders.remove(0));
        }
        let paths: Vec<&str> = folders.iter().map(|folder| folder.path.as_str()).collect();
        Err(ToolError::TellModel(format!("say which root folder; there are: {}", view::names(paths))))
    }

    /// The tags that are meant. An unknown one is refused, with those there are.
    pub async fn tags_named(&self, wanted: &[NameOrId]) -> Result<Vec<Tag>, ToolError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let tags = self.tags().await?;
        let one = |wanted: &NameOrId| {
            tags.iter().find(|tag| wanted.means(tag.id, &tag.label)).cloned().ok_or_else(|| {
                let labels = tags.iter().map(|tag| tag.label.as_str());
                self.unknown("tag", wanted, labels)
            })
        };
        wanted.iter().map(one).collect()
    }

    /// Labels of tags by their numbers, for telling.
    pub async fn tag_labels(&self, ids: &Value) -> Result<Vec<String>, ToolError> {
        let ids: Vec<u64> = ids.as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let tags = self.tags().await?;
        Ok(tags.into_iter().filter(|tag| ids.contains(&tag.id)).map(|tag| tag.label).collect())
    }

    fn unknown<'a>(&self, kind: &str, wanted: &NameOrId, known: impl Iterator<Item = &'a str>) -> ToolError {
        let known: Vec<&str> = known.collect();
        let known = if known.is_empty() { "none".to_owned() } else { view::names(known) };
        ToolError::TellModel(format!("there is no {kind} “{wanted}” in {}; there are: {known}", self.title()))
    }
}

fn profile(profile: &Value) -> Option<Profile> {
    let cutoff = profile["cutoff"].as_i64();
    let mut allows = Vec::new();
    let mut cutoff_name = None;
    // From worst to best. A group has a name, a number of its own and items inside.
    for item in profile["items"].as_array().into_iter().flatten() {
        let (id, name) = match item["quality"].is_object() {
            true => (&item["quality"]["id"], &item["quality"]["name"]),
            false => (&item["id"], &item["name"]),
        };
        let Some(name) = view::text(name, 60) else { continue };
        if cutoff.is_some() && id.as_i64() == cutoff {
            cutoff_name = Some(name.clone());
        }
        if item["allowed"] != true {
            continue;
        }
        let inside = item["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        if inside.is_empty() {
            allows.push(name);
        }
        allows.extend(inside.iter().filter_map(|item| view::text(&item["quality"]["name"], 60)));
    }
    Some(Profile {
        id: profile["id"].as_u64()?,
        name: view::text(&profile["name"], 60)?,
        allows,
        cutoff: cutoff_name.filter(|_| profile["upgradeAllowed"] == true),
        upgrades: profile["upgradeAllowed"] == true,
    })
}

impl Profile {
    pub fn told(&self) -> Value {
        json!({ "id": self.id, "name": self.name, "allows": self.allows, "upgrades_until": self.cutoff })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_lists_what_it_takes_also_inside_groups() {
        let told = json!({
            "id": 4, "name": "HD-1080p", "upgradeAllowed": true, "cutoff": 1002,
            "items": [
                {"quality": {"id": 1, "name": "SDTV"}, "allowed": false, "items": []},
                {"quality": {"id": 9, "name": "HDTV-1080p"}, "allowed": true, "items": []},
                {"id": 1002, "name": "WEB 1080p", "allowed": true, "items": [
                    {"quality": {"id": 15, "name": "WEBRip-1080p"}, "allowed": true},
                    {"quality": {"id": 3, "name": "WEBDL-1080p"}, "allowed": true}
                ]}
            ]
        });
        assert_eq!(
            profile(&told),
            Some(Profile {
                id: 4,
                name: "HD-1080p".into(),
                allows: vec!["HDTV-1080p".into(), "WEBRip-1080p".into(), "WEBDL-1080p".into()],
                cutoff: Some("WEB 1080p".into()),
                upgrades: true,
            })
        );
    }

    #[test]
    fn a_name_is_a_name_in_any_case_or_a_number() {
        for wanted in [NameOrId::Name(" hd-1080P ".into()), NameOrId::Name("4".into()), NameOrId::Id(4)] {
            assert!(wanted.means(4, "HD-1080p"), "{wanted}");
        }
        assert!(!NameOrId::Name("HD".into()).means(4, "HD-1080p"));
    }
}

//! The people of the household. For admins.

use crate::{
    auth::{Administers, Caller, login_link},
    body::{Id, Json},
    error::ApiError,
    shared::{House, Shared},
    wire::{self, Link, PersonList},
};
use axum::{extract::State, http::StatusCode};
use majordomo_domain::{Person, PersonId, Standing, text};
use serde::{Deserialize, Deserializer};
use std::time::Duration;
use utoipa::ToSchema;

/// Characters of a name.
const MAX_NAME: usize = 80;
/// People of one household.
const MAX_PEOPLE: usize = 500;
/// How long a link waits to be opened: long enough to reach somebody by mail, short enough to be worthless in an old chat.
const LINK_LIFE: Duration = Duration::from_secs(86_400);

#[utoipa::path(get, path = "/api/people", tag = "people", responses((status = 200, body = PersonList)))]
pub(crate) async fn list(
    State(shared): House,
    _caller: Caller<Administers>,
) -> Result<axum::Json<PersonList>, ApiError> {
    Ok(axum::Json(PersonList { people: shared.web.store.people().await? }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPerson {
    /// 1 to 80 characters.
    name: String,
    #[schema(value_type = wire::Standing)]
    standing: Standing,
    /// IANA name such as `Europe/Berlin`.
    zone: Option<String>,
    /// BCP 47 language such as `en-US`.
    language: Option<String>,
}

#[utoipa::path(post, path = "/api/people", tag = "people", request_body = NewPerson, responses((status = 201, body = wire::Person)))]
pub(crate) async fn create(
    State(shared): House,
    _caller: Caller<Administers>,
    Json(body): Json<NewPerson>,
) -> Result<(StatusCode, axum::Json<Person>), ApiError> {
    let people = shared.web.store.people().await?;
    if people.len() >= MAX_PEOPLE {
        return Err(ApiError::conflict(format!("a household has at most {MAX_PEOPLE} people")));
    }
    let id = PersonId::new();
    let person = Person {
        id,
        name: free_name(&body.name, &people, id)?,
        standing: body.standing,
        zone: body.zone.map(known_zone).transpose()?,
        language: body.language.map(known_language).transpose()?,
        created_at_ms: shared.now_ms(),
    };
    shared.web.store.put_person(&person).await?;
    Ok((StatusCode::CREATED, axum::Json(person)))
}

/// What changes; what is left out stays. A zone or language of `null` is taken away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedPerson {
    name: Option<String>,
    #[schema(value_type = Option<wire::Standing>)]
    standing: Option<Standing>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    zone: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    language: Option<Option<String>>,
}

/// Tells `null` from absent.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

#[utoipa::path(patch, path = "/api/people/{id}", tag = "people", params(("id" = Uuid, Path)), request_body = ChangedPerson,
    responses((status = 200, body = wire::Person)))]
pub(crate) async fn change(
    State(shared): House,
    _caller: Caller<Administers>,
    Id(id): Id<PersonId>,
    Json(body): Json<ChangedPerson>,
) -> Result<axum::Json<Person>, ApiError> {
    let mut person = shared.web.store.person(id).await?;
    let mut signs_out = false;
    if let Some(name) = body.name {
        person.name = free_name(&name, &shared.web.store.people().await?, id)?;
    }
    if let Some(standing) = body.standing {
        if person.standing == Standing::Admin && standing != Standing::Admin {
            another_admin(&shared, id).await?;
        }
        signs_out = person.standing != standing;
        person.standing = standing;
    }
    if let Some(zone) = body.zone {
        person.zone = zone.map(known_zone).transpose()?;
    }
    if let Some(language) = body.language {
        person.language = language.map(known_language).transpose()?;
    }
    shared.web.store.put_person(&person).await?;
    if signs_out {
        // A session begins with the standing it was opened with; with another one it begins anew.
        shared.web.store.delete_web_sessions(id).await?;
    }
    shared.auth.changed();
    shared.web.engine.person_changed(id).await;
    Ok(axum::Json(person))
}

async fn another_admin(shared: &Shared, than: PersonId) -> Result<(), ApiError> {
    let people = shared.web.store.people().await?;
    if people.iter().any(|p| p.standing == Standing::Admin && p.id != than) {
        return Ok(());
    }
    Err(ApiError::conflict("the last admin stays an admin"))
}

/// Remove a person with their accounts, sessions and keys.
#[utoipa::path(delete, path = "/api/people/{id}", tag = "people", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "They are gone.")))]
pub(crate) async fn delete(
    State(shared): House,
    _caller: Caller<Administers>,
    Id(id): Id<PersonId>,
) -> Result<StatusCode, ApiError> {
    // Whom nobody knows is not found, also while there is only one admin.
    shared.web.store.person(id).await?;
    shared.web.store.delete_person(id).await?;
    shared.auth.changed();
    Ok(StatusCode::NO_CONTENT)
}

/// A link that signs the person in, once, within a day.
#[utoipa::path(post, path = "/api/people/{id}/link", tag = "people", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Link)))]
pub(crate) async fn link(
    State(shared): House,
    _caller: Caller<Administers>,
    Id(id): Id<PersonId>,
) -> Result<axum::Json<Link>, ApiError> {
    let web = &shared.web;
    let person = web.store.person(id).await?;
    let link = login_link(&web.store, &web.config, person.id, shared.now_ms(), LINK_LIFE).await?;
    Ok(axum::Json(Link { url: link.url, expires_at_ms: link.expires_at_ms }))
}

/// A name that nobody else has: rules, limits and commands name people, and nobody gets another one's by a name.
fn free_name(name: &str, people: &[Person], whose: PersonId) -> Result<String, ApiError> {
    let name = clean_name(name)?;
    let is_taken = |other: &Person| other.id != whose && other.name.to_lowercase() == name.to_lowercase();
    match people.iter().any(is_taken) {
        true => Err(ApiError::conflict(format!("somebody is named “{name}” already"))),
        false => Ok(name),
    }
}

/// A name on one line, without what cannot be seen.
pub(crate) fn clean_name(name: &str) -> Result<String, ApiError> {
    let name = text::clean(name).split_whitespace().collect::<Vec<_>>().join(" ");
    if text::is_blank(&name) || name.chars().count() > MAX_NAME {
        return Err(ApiError::invalid(format!("a name has 1 to {MAX_NAME} characters")));
    }
    Ok(name)
}

fn known_zone(zone: String) -> Result<String, ApiError> {
    match jiff::tz::TimeZone::get(&zone) {
        Ok(_) if zone.len() <= 64 => Ok(zone),
        _ => Err(ApiError::invalid("this time zone is not known; use a name such as Europe/Berlin")),
    }
}

fn known_language(language: String) -> Result<String, ApiError> {
    let is_tag = (2..=35).contains(&language.len())
        && language
            .split('-')
            .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    match is_tag {
        true => Ok(language),
        false => Err(ApiError::invalid("this language is not known; use a tag such as en-US")),
    }
}

//! What was spent.

use crate::{
    auth::{Caller, Reads},
    body::Params,
    error::ApiError,
    shared::House,
    wire::UsageList,
};
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageParams {
    /// How many days back, 1 to 366. Default 30.
    days: Option<u32>,
    /// The whole household, for admins.
    #[serde(default)]
    all: bool,
}

/// Tokens and money by day.
#[utoipa::path(get, path = "/api/usage", tag = "usage", params(UsageParams), responses((status = 200, body = UsageList)))]
pub(crate) async fn by_day(
    State(shared): House,
    caller: Caller<Reads>,
    Params(params): Params<UsageParams>,
) -> Result<axum::Json<UsageList>, ApiError> {
    if params.all && !caller.is_admin() {
        return Err(ApiError::forbidden("only an admin sees what others spend"));
    }
    let days = params.days.unwrap_or(30);
    if !(1..=366).contains(&days) {
        return Err(ApiError::invalid("days is a number from 1 to 366"));
    }
    let since_ms = shared.now_ms() - i64::from(days - 1) * 86_400_000;
    let since = jiff::Timestamp::from_millisecond(since_ms).unwrap_or_default().strftime("%Y-%m-%d").to_string();
    let person = (!params.all).then_some(caller.person.id);
    Ok(axum::Json(UsageList { days: shared.web.store.usage_by_day(person, &since).await? }))
}

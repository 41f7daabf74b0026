//! What there is to choose from: models, tools, agents.

use crate::{
    auth::{Caller, Reads, RunsTools},
    body::{JsonText, not_understood},
    error::ApiError,
    shared::House,
    wire::{AgentList, ModelList, ShownAgent, ToolAnswer, ToolInfo, ToolkitInfo, ToolkitList},
};
use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use majordomo_domain::Part;
use majordomo_engine::{EngineError, Invoked};
use serde_json::value::RawValue;

/// The models a person may choose from.
#[utoipa::path(get, path = "/api/models", tag = "catalogue", responses((status = 200, body = ModelList)))]
pub(crate) async fn models(State(shared): House, _caller: Caller<Reads>) -> axum::Json<ModelList> {
    let list = shared.web.engine.models().await;
    let (default, live, problem) = (list.default, list.live, list.problem);
    axum::Json(ModelList { models: list.models, default, live, problem })
}

/// Every tool with its schema.
#[utoipa::path(get, path = "/api/tools", tag = "catalogue", responses((status = 200, body = ToolkitList)))]
pub(crate) async fn tools(State(shared): House, _caller: Caller<Reads>) -> Result<Response, ApiError> {
    let text = shared.tool_list.get_or_init(|| {
        let toolkits = shared.web.engine.toolkits().iter().map(|toolkit| ToolkitInfo {
            name: toolkit.name,
            guide: toolkit.guide,
            tools: toolkit
                .tools
                .iter()
                .map(|tool| ToolInfo {
                    name: tool.name,
                    aliases: tool.aliases,
                    description: &tool.spec.description,
                    effect: tool.effect,
                    schema: &tool.spec.schema,
                })
                .collect(),
        });
        serde_json::to_vec(&ToolkitList { toolkits: toolkits.collect() }).map(Bytes::from).unwrap_or_default()
    });
    Ok(([(header::CONTENT_TYPE, "application/json")], text.clone()).into_response())
}

/// Run one tool with its arguments, without a model, under the same rules.
#[utoipa::path(post, path = "/api/tools/{name}", tag = "catalogue", params(("name" = String, Path)), request_body = Object,
    responses((status = 200, description = "What the tool said; `is_error` when it could not do what was asked.", body = ToolAnswer)))]
pub(crate) async fn run_tool(
    State(shared): House,
    caller: Caller<RunsTools>,
    Path(name): Path<String>,
    JsonText(arguments): JsonText,
) -> Result<axum::Json<ToolAnswer>, ApiError> {
    // Whether it is JSON is ours to say; what it means is the tool's.
    serde_json::from_str::<&RawValue>(&arguments).map_err(not_understood)?;
    let answer = match shared.web.engine.run_tool(&name, &arguments, (*caller.person).clone()).await {
        Ok(Invoked::Output(output)) => {
            ToolAnswer { text: output.text, cards: output.cards, is_error: false, approval: None, receipt: None }
        }
        Ok(Invoked::Turn { outcome, .. }) => {
            let result = outcome.messages.iter().flat_map(|message| &message.parts).find_map(|part| match part {
                Part::Result(result) => Some(result.clone()),
                _ => None,
            });
            let result =
                result.ok_or_else(|| ApiError::unavailable("STOPPED", "the call was stopped before it ran", 1))?;
            ToolAnswer {
                text: result.text,
                cards: result.cards,
                is_error: result.is_error,
                approval: result.approval.map(|id| id.0),
                receipt: result.receipt,
            }
        }
        Err(EngineError::Tool(error)) => {
            ToolAnswer { text: error.to_string(), cards: Vec::new(), is_error: true, approval: None, receipt: None }
        }
        Err(error) => return Err(error.into()),
    };
    Ok(axum::Json(answer))
}

/// The configured personas. Who is no admin is told name and toolkits only: a prompt may hold what is nobody else's business.
#[utoipa::path(get, path = "/api/agents", tag = "catalogue", responses((status = 200, body = AgentList)))]
pub(crate) async fn agents(State(shared): House, caller: Caller<Reads>) -> Response {
    let shown = |agent| match caller.is_admin() {
        true => ShownAgent::Whole(agent),
        false => ShownAgent::Brief { id: agent.id.0, name: &agent.name, toolkits: &agent.toolkits },
    };
    axum::Json(AgentList { agents: shared.web.engine.agents().iter().map(shown).collect() }).into_response()
}

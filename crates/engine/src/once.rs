//! One question to a model, its whole answer: what workers, summaries and tools that think need. A turn's own steps stream; see
//! `turn/ask.rs`.

use crate::{budget::Payer, engine::Engine};
use futures_util::StreamExt;
use majordomo_domain::{CallRequest, Model, ModelError, ModelEvent, ModelRequest, Usage};
use std::sync::Arc;

/// Bytes of text an answer may have; what is beyond is left out.
const MAX_TEXT: usize = 40_000;

pub(crate) struct Whole {
    pub text: String,
    pub calls: Vec<CallRequest>,
    pub usage: Usage,
    pub cost_micros: i64,
}

/// Why there is no answer.
pub(crate) enum NoAnswer {
    Model(ModelError),
    BrokeOff,
    /// A limit on spending; a sentence for people.
    OverBudget(String),
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NoAnswer::Model(error) => error.fmt(f),
            NoAnswer::BrokeOff => f.write_str("its answer broke off"),
            NoAnswer::OverBudget(sentence) => f.write_str(sentence),
        }
    }
}

/// Ask within the payer's limits.
pub(crate) async fn ask(
    engine: &Engine,
    model: &Arc<dyn Model>,
    request: ModelRequest,
    payer: &Payer,
) -> Result<Whole, NoAnswer> {
    let reservation = engine.reserve(payer, model.info(), &request).await.map_err(NoAnswer::OverBudget)?;
    let mut stream = model.stream(request);
    let (mut text, mut calls, mut usage, mut whole) = (String::new(), Vec::new(), Usage::default(), false);
    while let Some(event) = stream.next().await {
        match event.map_err(|error| {
            engine.0.router.failed(model.info(), &error);
            NoAnswer::Model(error)
        })? {
            ModelEvent::Text(piece) if text.len() < MAX_TEXT => text.push_str(&piece),
            ModelEvent::Call(call) => calls.push(call),
            ModelEvent::Usage(used) => usage += used,
            ModelEvent::Finished { .. } => whole = true,
            _ => {}
        }
    }
    let cost_micros = model.info().price.map_or(0, |price| price.of(&usage).0);
    engine.settle(reservation, &usage, cost_micros).await;
    if whole { Ok(Whole { text, calls, usage, cost_micros }) } else { Err(NoAnswer::BrokeOff) }
}

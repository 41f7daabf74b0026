//! Doubles for the two contracts that tests replace: a model that follows a script, a clock turned by hand.

use crate::{
    CallRequest, Clock, Millis, Model, ModelError, ModelEvent, ModelRequest, StopReason, Usage,
    model::{ModelInfo, ModelOptions, Provider},
};
use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

/// Answers each question with the next script; records what it was asked.
#[derive(Clone)]
pub struct ScriptedModel {
    info: ModelInfo,
    scripts: Arc<Mutex<VecDeque<Script>>>,
    asked: Arc<Mutex<Vec<ModelRequest>>>,
}

pub type Script = Vec<Result<ModelEvent, ModelError>>;

impl ScriptedModel {
    pub fn new(name: &str) -> Self {
        let (provider, id) = name.split_once('/').unwrap_or(("scripted", name));
        Self {
            info: ModelInfo {
                name: format!("{provider}/{id}"),
                provider: provider.into(),
                id: id.into(),
                context_tokens: Some(100_000),
                price: None,
            },
            scripts: Arc::default(),
            asked: Arc::default(),
        }
    }

    /// The next answer is this text, in three pieces.
    pub fn says(&self, text: &str) -> &Self {
        let third = text.chars().count().div_ceil(3).max(1);
        let chars: Vec<char> = text.chars().collect();
        let mut script: Script = chars.chunks(third).map(|c| Ok(ModelEvent::Text(c.iter().collect()))).collect();
        script.push(Ok(ModelEvent::Usage(Usage { input_tokens: 100, output_tokens: 10, ..Usage::default() })));
        script.push(Ok(ModelEvent::Finished { reason: StopReason::End, model: None }));
        self.then(script)
    }

    /// The next answer asks for these calls: `(name, arguments)`. Their ids are `call_1`, `call_2`, …
    pub fn calls(&self, calls: &[(&str, &str)]) -> &Self {
        let mut script: Script = calls
            .iter()
            .enumerate()
            .map(|(i, (name, arguments))| {
                Ok(ModelEvent::Call(CallRequest {
                    id: format!("call_{}", i + 1),
                    name: (*name).into(),
                    arguments: (*arguments).into(),
                }))
            })
            .collect();
        script.push(Ok(ModelEvent::Finished { reason: StopReason::Calls, model: None }));
        self.then(script)
    }

    pub fn fails(&self, error: ModelError) -> &Self {
        self.then(vec![Err(error)])
    }

    pub fn then(&self, script: Script) -> &Self {
        self.scripts.lock().unwrap().push_back(script);
        self
    }

    pub fn asked(&self) -> Vec<ModelRequest> {
        self.asked.lock().unwrap().clone()
    }
}

impl Model for ScriptedModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        self.asked.lock().unwrap().push(request);
        let script = self.scripts.lock().unwrap().pop_front().unwrap_or_else(|| {
            vec![Err(ModelError::Invalid { provider: "scripted".into(), detail: "the script is over".into() })]
        });
        stream::iter(script).boxed()
    }
}

impl Provider for ScriptedModel {
    #[allow(clippy::misnamed_getters)]
    fn name(&self) -> &str {
        &self.info.provider
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<ModelInfo>, ModelError>> {
        Box::pin(async { Ok(vec![self.info.clone()]) })
    }

    fn model(&self, _id: &str, _options: ModelOptions) -> Arc<dyn Model> {
        Arc::new(self.clone())
    }
}

/// A clock that moves when told.
#[derive(Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn at(now_ms: Millis) -> Self {
        Self(AtomicI64::new(now_ms))
    }

    pub fn advance_ms(&self, by: Millis) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

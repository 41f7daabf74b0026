//! Answers with what was said, token by token: for checking a connection, and the smallest model there is.
//!
//! Knows: nothing. Never: calls a tool. Start reading at [`Echo`].

use futures_util::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use majordomo_domain::{
    Model, ModelError, ModelEvent, ModelRequest, Part, Provider, Role, StopReason, Usage,
    model::{ModelInfo, ModelOptions},
};
use std::sync::Arc;

#[derive(Clone)]
pub(crate) struct Echo(ModelInfo);

impl Echo {
    pub fn new(provider: &str, id: &str) -> Self {
        Self(ModelInfo {
            name: format!("{provider}/{id}"),
            provider: provider.to_owned(),
            id: id.to_owned(),
            context_tokens: None,
            price: None,
        })
    }
}

impl Model for Echo {
    fn info(&self) -> &ModelInfo {
        &self.0
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        let said = last_words(&request);
        let length = said.len() as u64;
        let mut events: Vec<ModelEvent> =
            said.split_inclusive(' ').map(|word| ModelEvent::Text(word.to_owned())).collect();
        events.push(ModelEvent::Usage(Usage {
            input_tokens: length.div_ceil(4),
            cached_input_tokens: 0,
            output_tokens: length.div_ceil(4),
            estimated: true,
        }));
        events.push(ModelEvent::Finished { reason: StopReason::End, model: Some(self.0.id.clone()) });
        stream::iter(events.into_iter().map(Ok)).boxed()
    }
}

fn last_words(request: &ModelRequest) -> String {
    let last = request.messages.iter().rev().find(|message| message.role == Role::User);
    let parts = last.map_or(&[][..], |message| &message.parts);
    let mut said = String::new();
    for part in parts {
        if let Part::Text { text } = part {
            if !said.is_empty() {
                said.push('\n');
            }
            said.push_str(text);
        }
    }
    said
}

impl Provider for Echo {
    #[allow(clippy::misnamed_getters)]
    fn name(&self) -> &str {
        &self.0.provider
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<ModelInfo>, ModelError>> {
        Box::pin(async { Ok(vec![self.0.clone()]) })
    }

    fn model(&self, id: &str, _: ModelOptions) -> Arc<dyn Model> {
        Arc::new(Self::new(&self.0.provider, id))
    }
}

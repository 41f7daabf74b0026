//! What outside services last said of themselves. Asked in the background, never by whoever wants to know.

use futures_util::future::join_all;
use majordomo_domain::Toolkit;
use serde::Serialize;
use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

/// What a toolkit's service last answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProbeResult {
    /// The toolkit.
    pub name: String,
    /// None: not asked yet.
    pub ok: Option<bool>,
    /// A version or the like, or why it could not be asked.
    pub detail: String,
}

pub(crate) struct Health(Mutex<Vec<ProbeResult>>);

impl Health {
    pub fn new(toolkits: &[Toolkit]) -> Self {
        let results = toolkits
            .iter()
            .filter(|t| t.probe.is_some())
            .map(|t| ProbeResult { name: t.name.into(), ok: None, detail: "not asked yet".into() })
            .collect();
        Self(Mutex::new(results))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<ProbeResult>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn results(&self) -> Vec<ProbeResult> {
        self.lock().clone()
    }

    pub async fn refresh(&self, toolkits: &[Toolkit]) {
        let asked = toolkits.iter().filter_map(|toolkit| {
            let probe = toolkit.probe.clone()?;
            Some(async move {
                let (ok, detail) = match tokio::time::timeout(Duration::from_secs(10), probe()).await {
                    Ok(Ok(detail)) => (true, detail),
                    Ok(Err(error)) => (false, error.to_string()),
                    Err(_) => (false, "no answer within 10 s".to_owned()),
                };
                ProbeResult { name: toolkit.name.into(), ok: Some(ok), detail }
            })
        });
        let results = join_all(asked).await;
        *self.lock() = results;
    }
}

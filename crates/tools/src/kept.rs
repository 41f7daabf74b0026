//! A toolkit's own document for each place, in the store's drawer.

use majordomo_domain::{Call, Millis, ToolError};
use majordomo_store::{Store, StoreError};
use serde::{Serialize, de::DeserializeOwned};

const KEY: &str = "all";
/// Times a change is begun anew because somebody else was quicker.
const TRIES: usize = 8;

pub struct Kept {
    toolkit: &'static str,
    /// None where tools are only listed.
    store: Option<Store>,
}

impl Kept {
    pub fn new(toolkit: &'static str, store: Option<Store>) -> Self {
        Self { toolkit, store }
    }

    pub fn store(&self) -> Result<&Store, ToolError> {
        self.store.as_ref().ok_or_else(|| ToolError::Bug("there is no store".into()))
    }

    /// What is kept for the call's place, with its revision; nothing yet is the default, revision 0.
    pub async fn read<T: DeserializeOwned + Default>(&self, call: &Call) -> Result<(T, i64), ToolError> {
        self.read_of(&call.place()).await
    }

    /// The same for an owner of the toolkit's own choosing, such as a person wherever they talk.
    pub async fn read_of<T: DeserializeOwned + Default>(&self, owner: &str) -> Result<(T, i64), ToolError> {
        match self.store()?.document(self.toolkit, owner, KEY).await.map_err(unreachable)? {
            None => Ok((T::default(), 0)),
            Some(document) => serde_json::from_str(&document.body)
                .map(|value| (value, document.revision))
                .map_err(|error| ToolError::Bug(format!("a document of {} was not understood: {error}", self.toolkit))),
        }
    }

    /// Change it. The function says what to answer and whether anything is to be written; it runs again when somebody else was
    /// quicker.
    pub async fn change<T, R>(
        &self,
        call: &Call,
        change: impl FnMut(&mut T) -> Result<(R, bool), ToolError>,
    ) -> Result<R, ToolError>
    where
        T: DeserializeOwned + Serialize + Default,
    {
        self.change_of(&call.place(), call.now_ms, change).await
    }

    pub async fn change_of<T, R>(
        &self,
        owner: &str,
        now_ms: Millis,
        mut change: impl FnMut(&mut T) -> Result<(R, bool), ToolError>,
    ) -> Result<R, ToolError>
    where
        T: DeserializeOwned + Serialize + Default,
    {
        for _ in 0..TRIES {
            let (mut value, revision) = self.read_of::<T>(owner).await?;
            let (answer, is_changed) = change(&mut value)?;
            if !is_changed {
                return Ok(answer);
            }
            let body = serde_json::to_string(&value).map_err(|error| ToolError::Bug(error.to_string()))?;
            let written = self.store()?.put_document(self.toolkit, owner, KEY, &body, Some(revision), now_ms).await;
            match written {
                Ok(_) => return Ok(answer),
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(unreachable(error)),
            }
        }
        Err(ToolError::CouldNotAsk { service: "the store".into(), reason: "too many changes at once".into() })
    }
}

pub fn unreachable(error: StoreError) -> ToolError {
    ToolError::CouldNotAsk { service: "the store".into(), reason: error.to_string() }
}

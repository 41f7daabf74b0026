//! Secrets of webhooks' addresses: only their digests are kept.

use crate::{Result, Store};
use majordomo_domain::{Millis, secret::random_hex};
use sha2::{Digest, Sha256};

const HOOKS: &str = "hooks";

impl Store {
    /// Make the secret of a hook's address, in place of the one before it.
    pub async fn make_hook_secret(&self, name: &str, now_ms: Millis) -> Result<String> {
        let secret = random_hex(24);
        self.put_document(HOOKS, name, HOOKS, &digest_of(&secret), None, now_ms).await?;
        Ok(secret)
    }

    /// When a hook's address was made; None when it has none.
    pub async fn hook_made_at(&self, name: &str) -> Result<Option<Millis>> {
        Ok(self.document(HOOKS, name, HOOKS).await?.map(|known| known.updated_at_ms))
    }

    /// Make a hook's address void; whether it had one.
    pub async fn remove_hook_secret(&self, name: &str) -> Result<bool> {
        self.remove_document(HOOKS, name, HOOKS).await
    }

    /// Whether a hook of this name has this secret.
    pub async fn is_hook_secret(&self, name: &str, secret: &str) -> Result<bool> {
        let known = self.document(HOOKS, name, HOOKS).await?;
        // Digests are compared, so how long it takes tells nothing of the secret.
        Ok(known.is_some_and(|known| known.body == digest_of(secret)))
    }
}

fn digest_of(secret: &str) -> String {
    format!("{:x}", Sha256::digest(secret))
}

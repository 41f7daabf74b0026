//! Keys for the API as the command line makes them; the web side recognises them by the same hash.

use majordomo_domain::secret::random_hex;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// A new key: 256 random bits.
pub fn new_key() -> String {
    format!("mdk_{}", random_hex(32))
}

/// SHA-256 in lower-case hex: how codes, sessions and keys are stored.
pub fn hash(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

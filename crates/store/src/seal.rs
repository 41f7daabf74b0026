//! Sealing: a text becomes one that only a key opens, and only in the place it was sealed for.
//!
//! XChaCha20-Poly1305 with random nonces, so that no count of them has to be kept. The place (table, row, column, key) is not
//! in the sealed text but has to be named to open it: what was copied to another row, column or version does not open.

use crate::{Result, StoreError};
use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// What every sealed text begins with, so that another way of sealing can be told from this one.
const MARK: &str = "x1.";

/// 256 bits, wiped when they are dropped.
#[derive(Clone)]
pub(crate) struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl Key {
    pub fn random() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        getrandom::fill(&mut bytes[..])
            .map_err(|e| StoreError::Other(format!("the operating system gave no random bytes: {e}")))?;
        Ok(Self(bytes))
    }

    /// None when there are not exactly 32 bytes.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; KEY_BYTES] = bytes.try_into().ok()?;
        Some(Self(Zeroizing::new(bytes)))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0[..]
    }

    pub fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Result<String> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)
            .map_err(|e| StoreError::Other(format!("the operating system gave no random bytes: {e}")))?;
        let payload = Payload { msg: plain, aad: &place.bytes() };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::Other("a text could not be sealed".into()))?;
        Ok(format!("{MARK}{}", STANDARD.encode([&nonce[..], &sealed].concat())))
    }

    /// None when the text was not sealed with this key for this place, or was changed since.
    pub fn open(&self, place: &Place<'_>, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
        let bytes = STANDARD.decode(sealed.strip_prefix(MARK)?).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let payload = Payload { msg: sealed, aad: &place.bytes() };
        self.cipher().decrypt(&XNonce::from(nonce), payload).ok().map(Zeroizing::new)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

/// Where a sealed text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub table: &'a str,
    pub row: &'a str,
    pub column: &'a str,
    /// The version of the data key, or the fingerprint of the master key, that seals it.
    pub key: &'a str,
}

impl Place<'_> {
    /// Each part with its length in front, so that no two places look alike.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = MARK.as_bytes().to_vec();
        for part in [self.table, self.row, self.column, self.key] {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        bytes
    }
}

/// The key that seals the data keys. It is never in the database.
#[derive(Clone)]
pub struct MasterKey(pub(crate) Key);

impl MasterKey {
    pub fn random() -> Result<Self> {
        Key::random().map(Self)
    }

    /// From the base64 of 32 bytes, as `openssl rand -base64 32` prints it; white space around it does not matter. None for
    /// anything else.
    pub fn of_text(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
        Key::of_bytes(&bytes).map(Self)
    }

    /// The form that [`MasterKey::of_text`] reads.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.bytes()))
    }

    /// 16 hex digits by which a key is recognised and nothing is learnt of it.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::new().chain_update("majordomo master key\0").chain_update(self.0.bytes()).finalize();
        digest[..8].iter().fold(String::with_capacity(16), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[master key {}]", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { table: "secrets", row: "TMDB", column: "sealed", key: "7" };

    #[test]
    fn a_text_opens_with_its_key_in_its_place_and_nowhere_else() {
        let key = Key::random().unwrap();
        let sealed = key.seal(&PLACE, b"canary").unwrap();
        assert_eq!(key.open(&PLACE, &sealed).unwrap().as_slice(), b"canary");
        for place in [
            Place { table: "data_keys", ..PLACE },
            Place { row: "TVDB", ..PLACE },
            Place { column: "name", ..PLACE },
            Place { key: "6", ..PLACE },
            // The same letters in a row, divided otherwise.
            Place { table: "secretsT", row: "MDB", ..PLACE },
        ] {
            assert!(key.open(&place, &sealed).is_none(), "{place:?}");
        }
        assert!(Key::random().unwrap().open(&PLACE, &sealed).is_none());
    }

    #[test]
    fn a_changed_or_shortened_text_does_not_open() {
        let key = Key::random().unwrap();
        let sealed = key.seal(&PLACE, b"canary").unwrap();
        let bytes = STANDARD.decode(sealed.strip_prefix(MARK).unwrap()).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(key.open(&PLACE, &format!("{MARK}{}", STANDARD.encode(changed))).is_none(), "byte {at}");
            let cut = STANDARD.encode(&bytes[..at]);
            assert!(key.open(&PLACE, &format!("{MARK}{cut}")).is_none(), "cut at {at}");
        }
        for nonsense in ["", "x1.", "x1.!", "x2.AAAA", "canary"] {
            assert!(key.open(&PLACE, nonsense).is_none(), "{nonsense}");
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same_twice() {
        let key = Key::random().unwrap();
        assert_ne!(key.seal(&PLACE, b"canary").unwrap(), key.seal(&PLACE, b"canary").unwrap());
    }

    #[test]
    fn a_master_key_is_read_as_it_is_written_and_never_printed() {
        let master = MasterKey::random().unwrap();
        let text = master.text();
        assert_eq!(text.len(), 44);
        let again = MasterKey::of_text(&format!(" {}\n", *text)).unwrap();
        assert_eq!(again.fingerprint(), master.fingerprint());
        assert_ne!(MasterKey::random().unwrap().fingerprint(), master.fingerprint());
        assert!(!format!("{master:?}").contains(&text[..43]));
        for wrong in ["", "short", &text[..40], "AAAA"] {
            assert!(MasterKey::of_text(wrong).is_none(), "{wrong}");
        }
    }
}

//! Encryption of single columns: AES-256-GCM, the key's id in the blob, bound to its place by associated data.

use std::collections::HashMap;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use uuid::Uuid;

use crate::config::Encryption;

const NONCE: usize = 12;

/// Where an encrypted value lies. A blob copied to another row, column or table does not open.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// Id of the row.
    pub row: Uuid,
}

/// A ring of keys: one seals, all open.
pub struct Cipher {
    active: String,
    keys: HashMap<String, Aes256Gcm>,
}

impl Cipher {
    /// Reads `id:base64,id:base64`, each key 32 bytes, and the id of the one to seal with.
    pub fn new(config: &Encryption) -> anyhow::Result<Self> {
        let mut keys = HashMap::new();
        for entry in config.keys.expose_secret().split(',').filter(|entry| !entry.is_empty()) {
            let (id, key) = entry.split_once(':').context("expected keys as id:base64,id:base64")?;
            ensure!(!id.is_empty() && id.len() <= 32, "expected a key id of 1 to 32 bytes");
            let key = STANDARD.decode(key.trim()).ok().context("a key is not base64")?;
            let cipher = Aes256Gcm::new_from_slice(&key).ok().context("a key is not 32 bytes long")?;
            keys.insert(id.trim().to_owned(), cipher);
        }
        ensure!(keys.contains_key(&config.active), "encryption.active names no key of encryption.keys");
        Ok(Self { active: config.active.clone(), keys })
    }

    /// Encrypts a text for its place.
    pub fn seal(&self, place: Place, text: &str) -> anyhow::Result<Vec<u8>> {
        self.seal_bytes(place, text.as_bytes())
    }

    /// Encrypts bytes for their place.
    pub fn seal_bytes(&self, place: Place, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        let nonce: [u8; NONCE] = rand::random();
        let aad = associated(place);
        let payload = Payload { msg: bytes, aad: &aad };
        let sealed = self.keys[&self.active].encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.ok().context("a value could not be encrypted")?;
        let id_length = u8::try_from(self.active.len())?;
        Ok([&[id_length], self.active.as_bytes(), nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts what [`Cipher::seal`] made for the same place.
    pub fn open(&self, place: Place, blob: &[u8]) -> anyhow::Result<String> {
        Ok(String::from_utf8(self.open_bytes(place, blob)?)?)
    }

    /// Decrypts what [`Cipher::seal_bytes`] made for the same place.
    pub fn open_bytes(&self, place: Place, blob: &[u8]) -> anyhow::Result<Vec<u8>> {
        let Place { table, column, .. } = place;
        let (id, rest) = split(blob).context("an encrypted value is cut")?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().context("an encrypted value is cut")?;
        let Some(key) = self.keys.get(id) else {
            bail!("{table}.{column} needs the key {id}, which is not configured")
        };
        let aad = associated(place);
        let bytes = key.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: &aad });
        bytes.ok().with_context(|| format!("{table}.{column} does not open with its key"))
    }

    /// Id of the key that a value was sealed with; `None` for what is no sealed value.
    pub(crate) fn key_of(blob: &[u8]) -> Option<&str> {
        split(blob).map(|(id, _)| id)
    }

    /// Encrypts a text that may be missing.
    pub fn seal_optional(&self, place: Place, text: Option<&str>) -> anyhow::Result<Option<Vec<u8>>> {
        text.map(|text| self.seal(place, text)).transpose()
    }

    /// Decrypts a value that may be missing.
    pub fn open_optional(&self, place: Place, blob: Option<&[u8]>) -> anyhow::Result<Option<String>> {
        blob.map(|blob| self.open(place, blob)).transpose()
    }
}

/// The key's id, and the rest.
fn split(blob: &[u8]) -> Option<(&str, &[u8])> {
    let (id_length, rest) = blob.split_first()?;
    let (id, rest) = rest.split_at_checked(usize::from(*id_length))?;
    Some((str::from_utf8(id).ok()?, rest))
}

fn associated(place: Place) -> Vec<u8> {
    let Place { table, column, row } = place;
    [table.as_bytes(), b"\0", column.as_bytes(), b"\0", row.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cipher(active: &str) -> Cipher {
        let key = |byte: u8| STANDARD.encode([byte; 32]);
        let keys = format!("old:{},new:{}", key(1), key(2)).into();
        Cipher::new(&Encryption { keys, active: active.to_owned() }).expect("two good keys")
    }

    fn place(row: u128) -> Place {
        Place { table: "children", column: "name", row: Uuid::from_u128(row) }
    }

    proptest! {
        #[test]
        fn a_text_comes_back_from_its_place_and_from_no_other(text in ".*", row: u128, other: u128) {
            prop_assume!(row != other);
            let blob = cipher("old").seal(place(row), &text).expect("sealed");
            prop_assert_eq!(cipher("new").open(place(row), &blob).expect("opened"), text);
            prop_assert!(cipher("new").open(place(other), &blob).is_err());
        }

        #[test]
        fn a_changed_blob_does_not_open(at in 0_usize..40, bit in 0_u8..8) {
            let mut blob = cipher("new").seal(place(1), "some text").expect("sealed");
            let at = at % blob.len();
            blob[at] ^= 1 << bit;
            prop_assert!(cipher("new").open(place(1), &blob).is_err());
        }
    }

    #[test]
    fn the_same_text_never_gives_the_same_blob() {
        let seal = || cipher("new").seal(place(1), "text").expect("sealed");
        assert_ne!(seal(), seal());
    }
}

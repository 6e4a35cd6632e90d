//! Random keys of the service itself, encrypted in its database: the same for every replica.

use aipoten_kit::{Cipher, Place};
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _};
use sha2::Sha256;
use sqlx::PgPool;
use uuid::Uuid;

/// A key to sign or to blind with.
pub(crate) struct ServiceKey([u8; 32]);

impl ServiceKey {
    /// Reads the key of a purpose; the very first start makes it.
    pub(crate) async fn load(pool: &PgPool, cipher: &Cipher, purpose: &str) -> anyhow::Result<Self> {
        let id = Uuid::now_v7();
        let new: [u8; 32] = rand::random();
        sqlx::query!(
            "INSERT INTO service_keys (id, purpose, key) VALUES ($1, $2, $3) ON CONFLICT (purpose) DO NOTHING",
            id,
            purpose,
            cipher.seal(place(id), &STANDARD.encode(new))?,
        )
        .execute(pool)
        .await?;
        let row = sqlx::query!("SELECT id, key FROM service_keys WHERE purpose = $1", purpose).fetch_one(pool).await?;
        let key = STANDARD.decode(cipher.open(place(row.id), &row.key)?)?;
        Ok(Self(key.as_slice().try_into().context("a stored service key is not 32 bytes long")?))
    }

    /// A new HMAC-SHA-256 under this key.
    pub(crate) fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.0).expect("HMAC takes keys of any length")
    }

    #[cfg(test)]
    pub(crate) fn fixed(byte: u8) -> Self {
        Self([byte; 32])
    }
}

fn place(id: Uuid) -> Place {
    Place { table: "service_keys", column: "key", row: id }
}

//! The same Idempotency-Key again gets the first answer again. The key is written in the transaction of the effect, so that
//! neither is there without the other; a second request that comes meanwhile waits for the first. Each service that takes keys has
//! the table `idempotency_keys`.

use aipoten_proto::Message;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Caller, Cipher, Error, Place, Result};

/// Kept for a day.
const KEPT_HOURS: i32 = 24;

/// A request that is to have its effect once: who asks for what, under which key if any.
pub struct Once<'a> {
    key: Option<(Uuid, &'static str, &'a str)>,
    hash: Vec<u8>,
}

impl<'a> Once<'a> {
    /// `rpc` is the name of the method, as keys of different methods have nothing to do with each other.
    pub fn of(caller: &'a Caller, rpc: &'static str, request: &impl Message) -> Self {
        let user_id = caller.user.as_ref().map(|user| user.id);
        let key = user_id.zip(caller.idempotency_key.as_deref()).map(|(user_id, key)| (user_id, rpc, key));
        Self { key, hash: Sha256::digest(request.encode_to_vec()).to_vec() }
    }

    /// The first answer, if there is one already; before anything else in the transaction.
    pub async fn answered<A: Message + Default>(&self, conn: &mut PgConnection, cipher: &Cipher) -> Result<Option<A>> {
        let Some((user_id, rpc, key)) = self.key else { return Ok(None) };
        if insert(conn, user_id, rpc, key, &self.hash).await? {
            return Ok(None);
        }
        let (hash, answer): (Vec<u8>, Vec<u8>) = sqlx::query_as(
            "SELECT request_hash, answer FROM idempotency_keys WHERE caller_id = $1 AND rpc = $2 AND key = $3",
        )
        .bind(user_id)
        .bind(rpc)
        .bind(key)
        .fetch_one(conn)
        .await?;
        if hash != self.hash {
            return Err(Error::Aborted("IDEMPOTENCY_CONFLICT".into()));
        }
        let answer = cipher.open_bytes(place(user_id), &answer)?;
        A::decode(answer.as_slice()).map(Some).map_err(|error| Error::Internal(error.into()))
    }

    /// Keeps the answer, last in the transaction.
    pub async fn keep(&self, conn: &mut PgConnection, cipher: &Cipher, answer: &impl Message) -> Result<()> {
        let Some((user_id, rpc, key)) = self.key else { return Ok(()) };
        let sealed = cipher.seal_bytes(place(user_id), &answer.encode_to_vec())?;
        sqlx::query("UPDATE idempotency_keys SET answer = $4 WHERE caller_id = $1 AND rpc = $2 AND key = $3")
            .bind(user_id)
            .bind(rpc)
            .bind(key)
            .bind(sealed)
            .execute(conn)
            .await?;
        Ok(())
    }
}

/// False when the key is there. One whose time is over is new again.
async fn insert(conn: &mut PgConnection, user_id: Uuid, rpc: &str, key: &str, hash: &[u8]) -> sqlx::Result<bool> {
    let inserted = sqlx::query(
        "INSERT INTO idempotency_keys AS kept (caller_id, rpc, key, request_hash, expires_at)
         VALUES ($1, $2, $3, $4, now() + make_interval(hours => $5))
         ON CONFLICT (caller_id, rpc, key) DO UPDATE
         SET request_hash = excluded.request_hash, answer = NULL, expires_at = excluded.expires_at
         WHERE kept.expires_at <= now()",
    )
    .bind(user_id)
    .bind(rpc)
    .bind(key)
    .bind(hash)
    .bind(KEPT_HOURS)
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Removes keys whose time is over.
pub async fn forget_keys(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM idempotency_keys WHERE expires_at <= now()").execute(conn).await?;
    Ok(())
}

/// Rows have no id of their own: an answer opens for its caller alone.
fn place(user_id: Uuid) -> Place {
    Place { table: "idempotency_keys", column: "answer", row: user_id }
}

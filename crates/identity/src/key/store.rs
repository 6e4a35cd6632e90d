use aipoten_kit::Cipher;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{KeyPair, State};

/// One process at a time changes keys.
pub(super) async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE").execute(conn).await?;
    Ok(())
}

/// The active one first.
pub(super) async fn list(conn: &mut PgConnection, cipher: &Cipher) -> anyhow::Result<Vec<KeyPair>> {
    let rows = sqlx::query!(
        r#"SELECT id, private_key, state AS "state: State", since FROM signing_keys
           ORDER BY state = 'active' DESC, created_at DESC"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let signing = super::open(cipher, row.id, &row.private_key)?;
            Ok(KeyPair { id: row.id, state: row.state, since: row.since, signing })
        })
        .collect()
}

pub(super) async fn insert(conn: &mut PgConnection, cipher: &Cipher, pair: &KeyPair) -> anyhow::Result<()> {
    let public_key = pair.signing.verifying_key();
    sqlx::query!(
        "INSERT INTO signing_keys (id, public_key, private_key, state, since) VALUES ($1, $2, $3, $4, $5)",
        pair.id,
        public_key.as_bytes(),
        super::seal(cipher, pair)?,
        pair.state as State,
        pair.since,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn put(conn: &mut PgConnection, id: Uuid, state: State) -> sqlx::Result<()> {
    sqlx::query!("UPDATE signing_keys SET state = $2, since = clock_timestamp() WHERE id = $1", id, state as State)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn delete(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM signing_keys WHERE id = $1", id).execute(conn).await?;
    Ok(())
}

/// Those whose last tokens have expired.
pub(super) async fn delete_retired(conn: &mut PgConnection, before: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM signing_keys WHERE state = 'retired' AND since < $1", before).execute(conn).await?;
    Ok(())
}

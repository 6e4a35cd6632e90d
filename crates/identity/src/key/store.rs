use aipoten_kit::Cipher;
use sqlx::PgConnection;

use super::KeyPair;

/// One process at a time reads or makes keys.
pub(super) async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE").execute(conn).await?;
    Ok(())
}

/// The active one first.
pub(super) async fn list(conn: &mut PgConnection, cipher: &Cipher) -> anyhow::Result<Vec<KeyPair>> {
    let rows = sqlx::query!(
        r#"SELECT id, private_key, state = 'active' AS "active!" FROM signing_keys
           ORDER BY state = 'active' DESC, created_at DESC"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(KeyPair { id: row.id, active: row.active, signing: super::open(cipher, row.id, &row.private_key)? })
        })
        .collect()
}

pub(super) async fn insert(conn: &mut PgConnection, cipher: &Cipher, pair: &KeyPair) -> anyhow::Result<()> {
    let public_key = pair.signing.verifying_key();
    sqlx::query!(
        "INSERT INTO signing_keys (id, public_key, private_key, state) VALUES ($1, $2, $3, 'active')",
        pair.id,
        public_key.as_bytes(),
        super::seal(cipher, pair)?,
    )
    .execute(conn)
    .await?;
    Ok(())
}

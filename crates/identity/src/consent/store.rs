use aipoten_kit::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Consent, Kind, Method, NewConsent};

pub(super) async fn lock_in_force(conn: &mut PgConnection, user_id: Uuid, kind: Kind) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM consents WHERE user_id = $1 AND kind = $2 AND withdrawn_at IS NULL FOR SHARE",
        user_id,
        kind as Kind,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.is_some())
}

pub(super) async fn in_force(conn: &mut PgConnection, user_id: Uuid, kind: Kind) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM consents WHERE user_id = $1 AND kind = $2 AND withdrawn_at IS NULL) AS "found!""#,
        user_id,
        kind as Kind,
    )
    .fetch_one(conn)
    .await?;
    Ok(found)
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    user_id: Uuid,
    new: &NewConsent,
    ip: &str,
) -> Result<Consent> {
    let consent = sqlx::query_as!(
        Consent,
        r#"INSERT INTO consents (id, user_id, kind, text_version, method, evidence, ip)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           RETURNING id, kind AS "kind: Kind", text_version, method AS "method: Method", granted_at, withdrawn_at"#,
        id,
        user_id,
        new.kind as Kind,
        new.text_version,
        new.method as Method,
        new.evidence,
        ip,
    )
    .fetch_one(conn)
    .await?;
    Ok(consent)
}

pub(super) async fn withdraw(conn: &mut PgConnection, user_id: Uuid, kind: Kind) -> Result<Option<Consent>> {
    let consent = sqlx::query_as!(
        Consent,
        r#"UPDATE consents SET withdrawn_at = now() WHERE user_id = $1 AND kind = $2 AND withdrawn_at IS NULL
           RETURNING id, kind AS "kind: Kind", text_version, method AS "method: Method", granted_at, withdrawn_at"#,
        user_id,
        kind as Kind,
    )
    .fetch_optional(conn)
    .await?;
    Ok(consent)
}

pub(super) async fn list(conn: &mut PgConnection, user_id: Uuid) -> Result<Vec<Consent>> {
    let consents = sqlx::query_as!(
        Consent,
        r#"SELECT id, kind AS "kind: Kind", text_version, method AS "method: Method", granted_at, withdrawn_at
           FROM consents WHERE user_id = $1 ORDER BY granted_at DESC, id DESC LIMIT 500"#,
        user_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(consents)
}

pub(super) async fn delete_all(conn: &mut PgConnection, user_id: Uuid) -> Result<()> {
    sqlx::query!("DELETE FROM consents WHERE user_id = $1", user_id).execute(conn).await?;
    Ok(())
}

//! SQL of documents.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Document, Kind, MediaType};

pub(super) async fn insert(conn: &mut PgConnection, document: &Document) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO therapist_documents (id, therapist_id, kind, number, issuer, expires_on, media_type, size, path, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        document.id,
        document.therapist_id,
        document.kind as Kind,
        document.number,
        document.issuer,
        document.expires_on,
        document.media_type as MediaType,
        document.size,
        document.path,
        document.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn count(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM therapist_documents WHERE therapist_id = $1"#, therapist_id)
        .fetch_one(conn)
        .await
}

pub(super) async fn list(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<Vec<Document>> {
    sqlx::query_as!(
        Document,
        r#"SELECT id, therapist_id, kind AS "kind: Kind", number, issuer, expires_on, media_type AS "media_type: MediaType",
                  size, path, checked_at, created_at
           FROM therapist_documents WHERE therapist_id = $1 ORDER BY created_at DESC, id DESC"#,
        therapist_id,
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn get(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Document>> {
    sqlx::query_as!(
        Document,
        r#"SELECT id, therapist_id, kind AS "kind: Kind", number, issuer, expires_on, media_type AS "media_type: MediaType",
                  size, path, checked_at, created_at
           FROM therapist_documents WHERE id = $1"#,
        id,
    )
    .fetch_optional(conn)
    .await
}

/// The name of the file that is no longer needed.
pub(super) async fn delete(conn: &mut PgConnection, id: Uuid, therapist_id: Uuid) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "DELETE FROM therapist_documents WHERE id = $1 AND therapist_id = $2 RETURNING path",
        id,
        therapist_id,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn without_row(conn: &mut PgConnection, paths: &[String]) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT given.path AS "path!" FROM unnest($1::text[]) AS given (path)
           WHERE NOT EXISTS (SELECT FROM therapist_documents d WHERE d.path = given.path)"#,
        paths,
    )
    .fetch_all(conn)
    .await
}

/// Whether the therapist has a licence, looked at or not, that has not expired.
pub(crate) async fn has_valid_licence(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM therapist_documents
               WHERE therapist_id = $1 AND kind = 'licence'
                 AND coalesce(expires_on, 'infinity') >= (now() AT TIME ZONE 'Asia/Seoul')::date) AS "valid!""#,
        therapist_id,
    )
    .fetch_one(conn)
    .await
}

/// How many of the therapist's documents were not looked at before.
pub(crate) async fn mark_checked(conn: &mut PgConnection, therapist_id: Uuid, admin_id: Uuid) -> sqlx::Result<u64> {
    let marked = sqlx::query!(
        "UPDATE therapist_documents SET checked_by = $2, checked_at = now() WHERE therapist_id = $1 AND checked_at IS NULL",
        therapist_id,
        admin_id,
    )
    .execute(conn)
    .await?;
    Ok(marked.rows_affected())
}

/// Notes in the profile until when the licences that were looked at are valid.
pub(crate) async fn renew_licence(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE therapist_profiles
         SET licence_valid_until = licence.valid_until, updated_at = now(), version = version + 1
         FROM (SELECT max(coalesce(expires_on, 'infinity')) AS valid_until FROM therapist_documents
               WHERE therapist_id = $1 AND kind = 'licence' AND checked_at IS NOT NULL) AS licence
         WHERE id = $1 AND licence_valid_until IS DISTINCT FROM licence.valid_until",
        therapist_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

//! SQL of cases.

use aipoten_kit::Page;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Case, Finding, Kind};
use crate::provider::Name;

/// False when it is open already.
pub(super) async fn open(conn: &mut PgConnection, finding: &Finding<'_>) -> sqlx::Result<bool> {
    let opened = sqlx::query!(
        "INSERT INTO reconciliation_cases (id, kind, provider, payment_id, subject, details) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (kind, provider, subject) WHERE closed_at IS NULL DO NOTHING",
        Uuid::now_v7(),
        finding.kind as _,
        finding.provider as _,
        finding.payment_id,
        finding.subject,
        finding.details,
    )
    .execute(conn)
    .await?;
    Ok(opened.rows_affected() == 1)
}

/// Whether there is one, open or closed.
pub(super) async fn is_known(conn: &mut PgConnection, finding: &Finding<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM reconciliation_cases WHERE kind = $1 AND provider = $2 AND subject = $3) AS "known!""#,
        finding.kind as _,
        finding.provider as _,
        finding.subject,
    )
    .fetch_one(conn)
    .await
}

/// How many are open, of the kinds of which there are any.
pub(crate) async fn open_by_kind(conn: &mut PgConnection) -> sqlx::Result<Vec<(Kind, f64)>> {
    let rows = sqlx::query!(
        r#"SELECT kind AS "kind: Kind", count(*)::float8 AS "cases!"
           FROM reconciliation_cases WHERE closed_at IS NULL GROUP BY kind"#,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.kind, row.cases)).collect())
}

pub(super) async fn page(conn: &mut PgConnection, open_only: bool, page: Page) -> sqlx::Result<Vec<Case>> {
    sqlx::query_as!(
        Case,
        r#"SELECT id, kind AS "kind: Kind", provider AS "provider: Name", payment_id, details, opened_at, closed_at, resolution
           FROM reconciliation_cases WHERE NOT $1 OR closed_at IS NULL
           ORDER BY closed_at IS NOT NULL, opened_at DESC, id DESC LIMIT $2 OFFSET $3"#,
        open_only,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn count(conn: &mut PgConnection, open_only: bool) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (
             SELECT FROM reconciliation_cases WHERE NOT $1 OR closed_at IS NULL LIMIT $2) AS counted"#,
        open_only,
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

/// `None` unless it is open.
pub(super) async fn close(
    conn: &mut PgConnection,
    id: Uuid,
    closed_by: Uuid,
    resolution: &str,
) -> sqlx::Result<Option<Case>> {
    sqlx::query_as!(
        Case,
        r#"UPDATE reconciliation_cases SET closed_at = now(), closed_by = $2, resolution = $3
           WHERE id = $1 AND closed_at IS NULL
           RETURNING id, kind AS "kind: Kind", provider AS "provider: Name", payment_id, details, opened_at, closed_at, resolution"#,
        id,
        closed_by,
        resolution,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn exists(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM reconciliation_cases WHERE id = $1) AS "exists!""#, id)
        .fetch_one(conn)
        .await
}

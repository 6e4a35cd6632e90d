pub(super) mod chain;

use aipoten_kit::{Caller, Page, Result, Role};
use sqlx::PgConnection;
use uuid::Uuid;

use super::chain::Record;
use super::{Act, Filter, Outcome, Reported, SecurityEvent};

/// Whoever is only just signing in has no role in a token yet: it is that of the account.
pub(super) async fn insert(conn: &mut PgConnection, id: Uuid, caller: &Caller, act: &Act) -> Result<()> {
    sqlx::query!(
        "INSERT INTO audit_logs (id, actor_id, actor_role, action, resource, resource_id, outcome, ip, user_agent, request_id, metadata)
         VALUES ($1, $2, coalesce($3, (SELECT role FROM users WHERE id = $2)), $4, $5, $6, $7, $8, $9, $10, $11)",
        id,
        act.actor_id,
        caller.user.as_ref().map(|user| user.role) as Option<Role>,
        act.action,
        act.resource,
        act.resource_id,
        act.outcome as Outcome,
        caller.ip,
        caller.agent,
        caller.request_id,
        act.metadata,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn insert_reported(conn: &mut PgConnection, act: &Reported<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO audit_logs (id, actor_id, actor_role, action, resource, resource_id, outcome, ip, user_agent,
           request_id, created_at)
         VALUES ($1, $2, CASE WHEN $2::uuid IS NOT NULL THEN 'admin' END, $3, $4, $5, 'success', '', '', $6, $7)",
        act.id,
        act.actor_id,
        act.action,
        act.resource,
        act.resource_id,
        act.request_id,
        act.at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn list(conn: &mut PgConnection, actor_id: Uuid, page: Page) -> Result<Vec<SecurityEvent>> {
    let events = sqlx::query_as!(
        SecurityEvent,
        "SELECT id, action, outcome, ip, user_agent, created_at FROM audit_logs
         WHERE actor_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3",
        actor_id,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await?;
    Ok(events)
}

pub(super) async fn count(conn: &mut PgConnection, actor_id: Uuid) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (SELECT FROM audit_logs WHERE actor_id = $1 LIMIT $2) AS counted"#,
        actor_id,
        Page::counted(),
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

pub(super) async fn list_all(conn: &mut PgConnection, page: Page, filter: &Filter) -> Result<Vec<Record>> {
    let logs = sqlx::query_as!(
        Record,
        r#"SELECT id, actor_id, actor_role, action, resource, resource_id, outcome, ip, user_agent, request_id,
                  metadata::text AS "metadata!", created_at
           FROM audit_logs
           WHERE ($1::uuid IS NULL OR actor_id = $1) AND ($2::text IS NULL OR action = $2)
             AND ($3::text IS NULL OR resource = $3) AND ($4::uuid IS NULL OR resource_id = $4)
             AND ($5::date IS NULL OR created_at >= $5::date::timestamp AT TIME ZONE 'Asia/Seoul')
             AND ($6::date IS NULL OR created_at < ($6::date + 1)::timestamp AT TIME ZONE 'Asia/Seoul')
           ORDER BY created_at DESC, id DESC LIMIT $7 OFFSET $8"#,
        filter.actor_id,
        filter.action,
        filter.resource,
        filter.resource_id,
        filter.from,
        filter.to,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await?;
    Ok(logs)
}

pub(super) async fn count_all(conn: &mut PgConnection, filter: &Filter) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (
           SELECT FROM audit_logs
           WHERE ($1::uuid IS NULL OR actor_id = $1) AND ($2::text IS NULL OR action = $2)
             AND ($3::text IS NULL OR resource = $3) AND ($4::uuid IS NULL OR resource_id = $4)
             AND ($5::date IS NULL OR created_at >= $5::date::timestamp AT TIME ZONE 'Asia/Seoul')
             AND ($6::date IS NULL OR created_at < ($6::date + 1)::timestamp AT TIME ZONE 'Asia/Seoul')
           LIMIT $7) AS counted"#,
        filter.actor_id,
        filter.action,
        filter.resource,
        filter.resource_id,
        filter.from,
        filter.to,
        Page::counted(),
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

//! SQL of sessions.

use aipoten_kit::Won;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Outcome, Session};

pub(crate) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Session>> {
    sqlx::query_as!(
        Session,
        r#"SELECT consultation_id, package_id, therapist_id, session_fee AS "session_fee: Won",
             platform_fee AS "platform_fee: Won", outcome AS "outcome: Outcome", disputed_at,
             refunded_amount AS "refunded_amount: Won", cancellation_fee AS "cancellation_fee: Won"
           FROM sessions WHERE consultation_id = $1 FOR UPDATE"#,
        id,
    )
    .fetch_optional(conn)
    .await
}

pub(crate) async fn set_outcome(
    conn: &mut PgConnection,
    id: Uuid,
    outcome: Outcome,
    occurred_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE sessions SET outcome = $2, occurred_at = $3 WHERE consultation_id = $1",
        id,
        outcome as Outcome,
        occurred_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn set_reported(conn: &mut PgConnection, id: Uuid, at: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE sessions SET report_submitted_at = coalesce(report_submitted_at, $2) WHERE consultation_id = $1",
        id,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn set_disputed(conn: &mut PgConnection, id: Uuid, at: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!("UPDATE sessions SET disputed_at = $2 WHERE consultation_id = $1", id, at).execute(conn).await?;
    Ok(())
}

pub(crate) async fn set_dispute_decided(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("UPDATE sessions SET dispute_decided_at = now() WHERE consultation_id = $1", id).execute(conn).await?;
    Ok(())
}

/// So much of its price is to go back, and so much is kept as a penalty.
pub(crate) async fn give_back(
    conn: &mut PgConnection,
    id: Uuid,
    refund: Won,
    cancellation_fee: Won,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE sessions SET refunded_amount = refunded_amount + $2, cancellation_fee = cancellation_fee + $3
         WHERE consultation_id = $1",
        id,
        refund as Won,
        cancellation_fee as Won,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the sessions of a package cost that are still to come and were not disputed.
pub(crate) async fn to_come(conn: &mut PgConnection, package_id: Uuid) -> sqlx::Result<Won> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(session_fee), 0)::bigint AS "to_come!: Won"
           FROM sessions WHERE package_id = $1 AND outcome IS NULL AND disputed_at IS NULL"#,
        package_id,
    )
    .fetch_one(conn)
    .await
}

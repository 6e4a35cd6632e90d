//! Sessions put into the database behind matching's back, for tests of what calendars show of them.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::world::{Person, World};

/// A session of 50 minutes with a buffer of 10.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) kind: &'static str,
    pub(crate) status: &'static str,
    pub(crate) starts_at: Option<DateTime<Utc>>,
    /// Makes a hold of it that lasts so long.
    pub(crate) hold_minutes: Option<i32>,
    /// Of a child that has other sessions too.
    pub(crate) child_id: Option<Uuid>,
}

impl Default for Session {
    fn default() -> Self {
        Self { kind: "online", status: "scheduled", starts_at: None, hold_minutes: None, child_id: None }
    }
}

/// The session's id, in a package of its own.
pub(crate) async fn plant(world: &World, therapist: &Person, parent: &Person, session: Session) -> Uuid {
    let database = world.database();
    let ids = [&therapist.id, &parent.id].map(|id| Uuid::parse_str(id).expect("an id"));
    let child_id = session.child_id.unwrap_or_else(Uuid::now_v7);
    let package_id = package(database, ids, child_id, session.kind).await;
    let id = Uuid::now_v7();
    let ends_at = session.starts_at.map(|begin| begin + TimeDelta::minutes(50));
    let status = if session.hold_minutes.is_some() { "pending_payment" } else { session.status };
    sqlx::query(
        "INSERT INTO consultations (id, package_id, session_number, therapist_id, parent_user_id, child_id, kind,
             scheduled_at, ends_at, session_fee, platform_fee, status, cancelled_at, cancelled_by, refund_policy,
             refund_amount)
         VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, 80000, 12000, $9, CASE WHEN $9 = 'cancelled' THEN now() END,
             CASE WHEN $9 = 'cancelled' THEN 'parent' END, CASE WHEN $9 = 'cancelled' THEN 'full' END,
             CASE WHEN $9 = 'cancelled' THEN 0 END)",
    )
    .bind(id)
    .bind(package_id)
    .bind(ids[0])
    .bind(ids[1])
    .bind(child_id)
    .bind(session.kind)
    .bind(session.starts_at)
    .bind(ends_at)
    .bind(status)
    .execute(database)
    .await
    .expect("a session");
    if let (Some(starts_at), Some(ends_at), true) = (session.starts_at, ends_at, status != "cancelled") {
        sqlx::query(
            "INSERT INTO calendar_entries (id, therapist_id, child_id, occupied, session, kind, consultation_id, hold_until)
             VALUES ($1, $2, $3, tstzrange($4, $5 + interval '10 minutes'), tstzrange($4, $5),
                 CASE WHEN $6::int IS NULL THEN 'session' ELSE 'hold' END, $1, now() + make_interval(mins => $6))",
        )
        .bind(id)
        .bind(ids[0])
        .bind(child_id)
        .bind(starts_at)
        .bind(ends_at)
        .bind(session.hold_minutes)
        .execute(database)
        .await
        .expect("an entry of the calendar");
    }
    id
}

/// A paid package of one session.
async fn package(database: &PgPool, [therapist_id, parent_id]: [Uuid; 2], child_id: Uuid, kind: &str) -> Uuid {
    let id = Uuid::now_v7();
    let statements = [
        "INSERT INTO matching_requests (id, parent_user_id, child_id, therapist_id, kind, total_sessions, discounted_price,
             preferred_dates, status, expires_at)
         VALUES ($1, $2, $3, $4, $5, 1, 80000, '{}', 'approved', now())",
        "INSERT INTO consultation_packages (id, request_id, parent_user_id, child_id, therapist_id, kind, session_minutes,
             total_sessions, remaining_sessions, discount_rate_bp, original_price, discounted_price, price_policy_id,
             refund_policy_id, status)
         SELECT $1, $1, $2, $3, $4, $5, 50, 1, 1, 0, 80000, 80000, price.id, refund.id, 'active'
         FROM price_policies price, refund_policies refund",
    ];
    for statement in statements {
        let query = sqlx::query(statement).bind(id).bind(parent_id).bind(child_id).bind(therapist_id).bind(kind);
        query.execute(database).await.expect("a package");
    }
    id
}

//! Packages in every state, planted behind the service's back, and what the service tells of them.

use aipoten_events::{Delivered, Event};
use sqlx::PgPool;
use uuid::Uuid;

use crate::world::{Person, World};

/// A parent and a child in the care of a therapist.
pub(crate) struct Care {
    pub(crate) parent: Person,
    pub(crate) therapist: Person,
    pub(crate) child_id: String,
}

impl Care {
    pub(crate) async fn begin(world: &World) -> Self {
        let (parent, therapist) = (world.parent().await, world.listed_therapist().await);
        let child_id = world.child(&parent).await;
        Self { parent, therapist, child_id }
    }

    /// A running package of four sessions in these states; their ids.
    pub(crate) async fn package(&self, world: &World, states: [&str; 4]) -> [String; 4] {
        let used = states.iter().filter(|it| matches!(**it, "completed" | "no_show")).count();
        let package = self.insert_package(world, "active", i16::try_from(used).expect("few")).await;
        let mut ids = Vec::new();
        for (number, state) in (1..).zip(states) {
            ids.push(self.insert_session(world, package, number, state).await);
        }
        ids.try_into().expect("four")
    }

    /// A session that was held.
    pub(crate) async fn held(&self, world: &World) -> String {
        let [held, ..] = self.package(world, ["completed", "scheduled", "unscheduled", "unscheduled"]).await;
        held
    }

    pub(crate) async fn insert_request(&self, world: &World, status: &str) -> Uuid {
        let id = Uuid::now_v7();
        sqlx::query(
            "INSERT INTO matching_requests (id, parent_user_id, child_id, therapist_id, kind, total_sessions, discounted_price,
                 preferred_dates, notes, visit_address, status, expires_at)
             VALUES ($1, $2::text::uuid, $3::text::uuid, $4::text::uuid, 'home_visit', 4, 288000, '{}', 'sealed', 'sealed', $5,
                 now() + interval '1 day')",
        )
        .bind(id)
        .bind(&self.parent.id)
        .bind(&self.child_id)
        .bind(&self.therapist.id)
        .bind(status)
        .execute(world.database())
        .await
        .expect("a request");
        id
    }

    pub(crate) async fn insert_package(&self, world: &World, status: &str, used: i16) -> Uuid {
        let (id, request) = (Uuid::now_v7(), self.insert_request(world, "approved").await);
        sqlx::query(
            "INSERT INTO consultation_packages (id, request_id, parent_user_id, child_id, therapist_id, kind, session_minutes,
                 total_sessions, used_sessions, remaining_sessions, discount_rate_bp, original_price, discounted_price,
                 price_policy_id, refund_policy_id, status, hold_expires_at)
             SELECT $1, $2, $3::text::uuid, $4::text::uuid, $5::text::uuid, 'home_visit', 50, 4, $6, 4 - $6, 1000, 320000,
                 288000, p.id, r.id, $7, CASE $7 WHEN 'pending_payment' THEN now() + interval '1 day' END
             FROM price_policies p, refund_policies r",
        )
        .bind(id)
        .bind(request)
        .bind(&self.parent.id)
        .bind(&self.child_id)
        .bind(&self.therapist.id)
        .bind(used)
        .bind(status)
        .execute(world.database())
        .await
        .expect("a package");
        id
    }

    /// What is over was yesterday; what is to come is in a week or more.
    pub(crate) async fn insert_session(&self, world: &World, package: Uuid, number: i16, status: &str) -> String {
        let id = Uuid::now_v7();
        let days = match status {
            "unscheduled" => None,
            "in_progress" => Some(0),
            "completed" | "no_show" => Some(-1),
            _ => Some(7 * i32::from(number)),
        };
        sqlx::query(
            "INSERT INTO consultations (id, package_id, session_number, therapist_id, parent_user_id, child_id, kind,
                 scheduled_at, ends_at, visit_address, session_fee, platform_fee, status, notes, started_at, completed_at)
             VALUES ($1, $2, $3, $4::text::uuid, $5::text::uuid, $6::text::uuid, 'home_visit',
                 now() + make_interval(days => $7, mins => -10), now() + make_interval(days => $7, mins => 40), 'sealed', 72000,
                 10800, $8, 'sealed', CASE WHEN $8 IN ('in_progress', 'completed') THEN now() END,
                 CASE $8 WHEN 'completed' THEN now() END)",
        )
        .bind(id)
        .bind(package)
        .bind(number)
        .bind(&self.therapist.id)
        .bind(&self.parent.id)
        .bind(&self.child_id)
        .bind(days)
        .bind(status)
        .execute(world.database())
        .await
        .expect("a session");
        id.to_string()
    }
}

/// The events of a type that were written, the oldest first, with the version that each is of.
pub(crate) async fn told<E: Event>(pool: &PgPool) -> Vec<(i64, E)> {
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT aggregate_seq, payload FROM outbox WHERE type = $1 ORDER BY id")
            .bind(E::full_name())
            .fetch_all(pool)
            .await
            .expect("the outbox");
    rows.into_iter().map(|(seq, payload)| (seq, E::decode(payload.as_slice()).expect("an event"))).collect()
}

pub(crate) async fn count(pool: &PgPool, count: &'static str, id: &str) -> i64 {
    let id: Uuid = id.parse().expect("an id");
    sqlx::query_scalar(count).bind(id).fetch_one(pool).await.expect("a count")
}

pub(crate) fn delivered<E>(about: &str, event: E) -> Delivered<E> {
    aipoten_events::test::delivered(about.parse().expect("an id"), 2, event)
}

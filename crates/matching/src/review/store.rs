//! SQL of reviews and feedback.

use aipoten_kit::{Error, Page, Result};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Change, Decision, Opinion, Review};
use crate::consultation::Consultation;
use crate::party::Side;

pub(super) async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    consultation: &Consultation,
    reviewer_user_id: Uuid,
    opinion: &Opinion,
) -> Result<Review> {
    sqlx::query_as!(
        Review,
        "INSERT INTO consultation_reviews (id, consultation_id, therapist_id, reviewer_user_id, rating, review_text)
         VALUES ($1, $2, $3, $4, $5, $6)
         RETURNING id, therapist_id, rating, review_text, reply_text, replied_at, hidden_at, created_at, updated_at, version",
        id,
        consultation.id,
        consultation.therapist_id,
        reviewer_user_id,
        opinion.rating,
        opinion.review_text,
    )
    .fetch_one(conn)
    .await
    .map_err(|error| once(error, "consultation_reviews_once", "ALREADY_REVIEWED"))
}

/// The review that an account wrote of a session.
pub(super) async fn lock_own(
    conn: &mut PgConnection,
    consultation_id: Uuid,
    reviewer_user_id: Uuid,
) -> sqlx::Result<Option<Review>> {
    sqlx::query_as!(
        Review,
        "SELECT id, therapist_id, rating, review_text, reply_text, replied_at, hidden_at, created_at, updated_at, version
         FROM consultation_reviews WHERE consultation_id = $1 AND reviewer_user_id = $2 FOR UPDATE",
        consultation_id,
        reviewer_user_id,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Review>> {
    sqlx::query_as!(
        Review,
        "SELECT id, therapist_id, rating, review_text, reply_text, replied_at, hidden_at, created_at, updated_at, version
         FROM consultation_reviews WHERE id = $1 FOR UPDATE",
        id,
    )
    .fetch_optional(conn)
    .await
}

pub(super) async fn update(conn: &mut PgConnection, id: Uuid, opinion: &Opinion) -> sqlx::Result<Review> {
    sqlx::query_as!(
        Review,
        "UPDATE consultation_reviews SET rating = $2, review_text = $3, updated_at = now(), version = version + 1
         WHERE id = $1
         RETURNING id, therapist_id, rating, review_text, reply_text, replied_at, hidden_at, created_at, updated_at, version",
        id,
        opinion.rating,
        opinion.review_text,
    )
    .fetch_one(conn)
    .await
}

/// A therapist's answer to a review of theirs.
pub(super) async fn reply(
    conn: &mut PgConnection,
    id: Uuid,
    therapist_id: Uuid,
    text: &str,
) -> sqlx::Result<Option<Review>> {
    sqlx::query_as!(
        Review,
        "UPDATE consultation_reviews
         SET reply_text = $3, replied_at = now(), updated_at = now(), version = version + 1
         WHERE id = $1 AND therapist_id = $2
         RETURNING id, therapist_id, rating, review_text, reply_text, replied_at, hidden_at, created_at, updated_at, version",
        id,
        therapist_id,
        text,
    )
    .fetch_optional(conn)
    .await
}

/// Hides or shows it.
pub(super) async fn decide(conn: &mut PgConnection, id: Uuid, decision: &Decision) -> sqlx::Result<Review> {
    sqlx::query_as!(
        Review,
        "UPDATE consultation_reviews
         SET hidden_at = CASE WHEN $2 THEN now() END, decision_reason = $3, updated_at = now(), version = version + 1
         WHERE id = $1
         RETURNING id, therapist_id, rating, review_text, reply_text, replied_at, hidden_at, created_at, updated_at, version",
        id,
        decision.is_hidden,
        decision.reason,
    )
    .fetch_one(conn)
    .await
}

/// Adds to what the therapist's reviews come to; the profile's version after it.
pub(super) async fn rate(conn: &mut PgConnection, therapist_id: Uuid, change: Change) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "UPDATE therapist_profiles
         SET rating_sum = rating_sum + $2, review_count = review_count + $3, updated_at = now(), version = version + 1
         WHERE id = $1 RETURNING version",
        therapist_id,
        i64::from(change.sum),
        i32::from(change.count),
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn page(conn: &mut PgConnection, therapist_id: Uuid, page: Page) -> sqlx::Result<Vec<Review>> {
    sqlx::query_as!(
        Review,
        "SELECT id, therapist_id, rating, review_text, reply_text, replied_at, hidden_at, created_at, updated_at, version
         FROM consultation_reviews WHERE therapist_id = $1 AND hidden_at IS NULL
         ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3",
        therapist_id,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn count(conn: &mut PgConnection, therapist_id: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (
             SELECT FROM consultation_reviews WHERE therapist_id = $1 AND hidden_at IS NULL LIMIT $2) AS counted"#,
        therapist_id,
        Page::counted(),
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn insert_feedback(
    conn: &mut PgConnection,
    id: Uuid,
    consultation_id: Uuid,
    side: Side,
    content: &[u8],
    recommendations: Option<&[u8]>,
) -> Result<DateTime<Utc>> {
    sqlx::query_scalar!(
        "INSERT INTO consultation_feedbacks (id, consultation_id, feedback_by, content, recommendations)
         VALUES ($1, $2, $3, $4, $5) RETURNING created_at",
        id,
        consultation_id,
        side.as_str(),
        content,
        recommendations,
    )
    .fetch_one(conn)
    .await
    .map_err(|error| once(error, "consultation_feedbacks_once", "ALREADY_GIVEN"))
}

fn once(error: sqlx::Error, constraint: &str, reason: &'static str) -> Error {
    match error.as_database_error().and_then(|error| error.constraint()) {
        Some(broken) if broken == constraint => Error::AlreadyExists(reason.into()),
        _ => error.into(),
    }
}

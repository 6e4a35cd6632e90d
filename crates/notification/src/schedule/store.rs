//! SQL of what is told later.

use aipoten_kit::Role;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::audience::ForAll;
use super::{Due, New, To};
use crate::template::Variables;

/// Unless it is planned already.
pub(super) async fn insert(conn: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    let (user_id, audience) = match new.to {
        To::User(id) => (Some(id), None),
        To::Everybody(role) => (None, Some(role)),
    };
    sqlx::query!(
        "INSERT INTO scheduled_notifications (id, user_id, audience, template, variables, subject_id, due_at, dedupe_key)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT ON CONSTRAINT scheduled_notifications_once DO NOTHING",
        Uuid::now_v7(),
        user_id,
        audience as Option<Role>,
        new.template,
        Json(&new.variables) as _,
        new.subject_id,
        new.due_at,
        new.dedupe_key,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts one more video in the digest of that name, begun where it is missing.
pub(super) async fn count_video(conn: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO scheduled_notifications AS digest (id, audience, template, variables, due_at, dedupe_key)
           VALUES ($1, 'parent', $2, '{"videos": 1}', $3, $4) ON CONFLICT ON CONSTRAINT scheduled_notifications_once DO UPDATE
           SET variables = jsonb_build_object('videos', (digest.variables->>'videos')::integer + 1)"#,
        Uuid::now_v7(),
        new.template,
        new.due_at,
        new.dedupe_key,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether this is the newest version of the subject that was heard of. Locks it.
pub(super) async fn is_newest(
    conn: &mut PgConnection,
    subject_id: Uuid,
    seq: i64,
    starts_at: Option<DateTime<Utc>>,
) -> sqlx::Result<bool> {
    let newest = sqlx::query!(
        "INSERT INTO subjects (id, seq, starts_at) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, starts_at = excluded.starts_at, updated_at = now()
         WHERE subjects.seq < excluded.seq",
        subject_id,
        seq,
        starts_at,
    );
    Ok(newest.execute(conn).await?.rows_affected() == 1)
}

/// When the subject begins, as far as events have told.
pub(super) async fn starts_at(conn: &mut PgConnection, subject_id: Uuid) -> sqlx::Result<Option<DateTime<Utc>>> {
    let starts_at = sqlx::query_scalar!("SELECT starts_at FROM subjects WHERE id = $1", subject_id);
    Ok(starts_at.fetch_optional(conn).await?.flatten())
}

/// Whether the subject is known to begin at another time, or at none.
pub(super) async fn starts_otherwise(
    conn: &mut PgConnection,
    subject_id: Uuid,
    starts_at: DateTime<Utc>,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM subjects WHERE id = $1 AND starts_at IS DISTINCT FROM $2) AS "otherwise!""#,
        subject_id,
        starts_at
    )
    .fetch_one(conn)
    .await
}

/// What is planned about the subject is not told.
pub(super) async fn cancel(conn: &mut PgConnection, subject_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE scheduled_notifications SET cancelled_at = now()
         WHERE subject_id = $1 AND cancelled_at IS NULL AND told_at IS NULL",
        subject_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn lock_due(conn: &mut PgConnection, most: i64) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"SELECT id, user_id AS "user_id!", template, variables AS "variables: Json<Variables>", dedupe_key
           FROM scheduled_notifications
           WHERE due_at <= now() AND cancelled_at IS NULL AND told_at IS NULL AND user_id IS NOT NULL
           ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED"#,
        most
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn told(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!("UPDATE scheduled_notifications SET told_at = now() WHERE id = ANY ($1)", ids).execute(conn).await?;
    Ok(())
}

/// What is for everybody of a role and due, the longest waiting first.
pub(super) async fn due_for_all(conn: &mut PgConnection) -> sqlx::Result<Vec<ForAll>> {
    sqlx::query_as!(
        ForAll,
        r#"SELECT id, audience AS "audience!: Role", template, variables AS "variables: Json<Variables>", dedupe_key
           FROM scheduled_notifications
           WHERE due_at <= now() AND cancelled_at IS NULL AND told_at IS NULL AND audience IS NOT NULL
           ORDER BY due_at LIMIT 20"#
    )
    .fetch_all(conn)
    .await
}

/// The day a child was last checked on.
pub(super) async fn checked(conn: &mut PgConnection, child_id: Uuid, on: NaiveDate) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO checked_children (child_id, checked_on) VALUES ($1, $2)
         ON CONFLICT (child_id) DO UPDATE SET checked_on = greatest(checked_children.checked_on, excluded.checked_on)",
        child_id,
        on
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Those of these children that were checked once, with the last day.
pub(super) async fn checked_on(conn: &mut PgConnection, children: &[Uuid]) -> sqlx::Result<Vec<(Uuid, NaiveDate)>> {
    let rows = sqlx::query!("SELECT child_id, checked_on FROM checked_children WHERE child_id = ANY ($1)", children);
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.child_id, row.checked_on)).collect())
}

/// The last day that a job was done for.
pub(super) async fn last_done(conn: &mut PgConnection, job: &str) -> sqlx::Result<Option<NaiveDate>> {
    sqlx::query_scalar!("SELECT done FROM daily_jobs WHERE job = $1", job).fetch_optional(conn).await
}

pub(super) async fn done(conn: &mut PgConnection, job: &str, day: NaiveDate) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO daily_jobs (job, done) VALUES ($1, $2)
         ON CONFLICT (job) DO UPDATE SET done = greatest(daily_jobs.done, excluded.done)",
        job,
        day
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who has not read how many of what was told between two moments, a page after an account.
pub(super) async fn unread_between(
    conn: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    after: Uuid,
    most: i64,
) -> sqlx::Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT user_id, count(*) AS "unread!" FROM notifications
           WHERE NOT is_read AND deleted_at IS NULL AND created_at >= $1 AND created_at < $2 AND user_id > $3
           GROUP BY user_id ORDER BY user_id LIMIT $4"#,
        from,
        until,
        after,
        most
    );
    Ok(rows.fetch_all(conn).await?.into_iter().map(|row| (row.user_id, row.unread)).collect())
}

/// Forgets what is long over, some at a time; says how many went.
pub(crate) async fn forget(conn: &mut PgConnection) -> sqlx::Result<u64> {
    let mut gone = 0;
    let notifications = sqlx::query!(
        "DELETE FROM notifications WHERE id IN
           (SELECT id FROM notifications WHERE created_at < now() - interval '180 days' LIMIT 5000)"
    );
    gone += notifications.execute(&mut *conn).await?.rows_affected();
    let deliveries = sqlx::query!(
        "DELETE FROM deliveries WHERE id IN
           (SELECT id FROM deliveries WHERE created_at < now() - interval '180 days' LIMIT 5000)"
    );
    gone += deliveries.execute(&mut *conn).await?.rows_affected();
    let scheduled = sqlx::query!(
        "DELETE FROM scheduled_notifications WHERE id IN
           (SELECT id FROM scheduled_notifications WHERE due_at < now() - interval '180 days'
              AND (told_at IS NOT NULL OR cancelled_at IS NOT NULL) LIMIT 5000)"
    );
    gone += scheduled.execute(&mut *conn).await?.rows_affected();
    let subjects = sqlx::query!(
        "DELETE FROM subjects WHERE id IN
           (SELECT id FROM subjects WHERE updated_at < now() - interval '2 years' LIMIT 5000)"
    );
    gone += subjects.execute(conn).await?.rows_affected();
    Ok(gone)
}

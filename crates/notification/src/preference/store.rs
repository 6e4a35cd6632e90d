//! SQL of preferences.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Chosen;
use crate::template::{Channel, Kind};

/// What these people chose; nobody stands for who chose nothing.
pub(crate) async fn chosen(conn: &mut PgConnection, users: &[Uuid]) -> sqlx::Result<HashMap<Uuid, Chosen>> {
    let mut all: HashMap<Uuid, Chosen> = HashMap::new();
    let rows = sqlx::query!(
        r#"SELECT user_id, type AS kind, channel AS "channel: Channel", enabled, updated_at
           FROM preferences WHERE user_id = ANY ($1)"#,
        users
    );
    for row in rows.fetch_all(&mut *conn).await? {
        let chosen = all.entry(row.user_id).or_default();
        chosen.enabled.insert((row.kind, row.channel), row.enabled);
        chosen.updated_at = chosen.updated_at.max(Some(row.updated_at));
    }
    let rows = sqlx::query!("SELECT user_id, enabled, updated_at FROM quiet_hours WHERE user_id = ANY ($1)", users);
    for row in rows.fetch_all(conn).await? {
        let chosen = all.entry(row.user_id).or_default();
        chosen.quiet_hours = Some(row.enabled);
        chosen.updated_at = chosen.updated_at.max(Some(row.updated_at));
    }
    Ok(all)
}

/// Each type and way once.
pub(super) async fn put(
    conn: &mut PgConnection,
    user_id: Uuid,
    changes: &[(&'static Kind, Channel, bool)],
) -> sqlx::Result<()> {
    let kinds: Vec<&str> = changes.iter().map(|(kind, ..)| kind.name).collect();
    let channels: Vec<&str> = changes.iter().map(|(_, channel, _)| channel.as_str()).collect();
    let enabled: Vec<bool> = changes.iter().map(|(.., enabled)| *enabled).collect();
    sqlx::query!(
        "INSERT INTO preferences (user_id, type, channel, enabled)
         SELECT $1, * FROM unnest($2::text[], $3::text[], $4::boolean[])
         ON CONFLICT (user_id, type, channel) DO UPDATE SET enabled = excluded.enabled, updated_at = now()",
        user_id,
        &kinds as _,
        &channels as _,
        &enabled,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn put_quiet_hours(conn: &mut PgConnection, user_id: Uuid, enabled: bool) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO quiet_hours (user_id, enabled) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE SET enabled = excluded.enabled, updated_at = now()",
        user_id,
        enabled
    )
    .execute(conn)
    .await?;
    Ok(())
}

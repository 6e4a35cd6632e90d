//! Accounts and children that identity has erased: nothing is kept of them here.

use std::collections::HashSet;

use sqlx::PgConnection;
use uuid::Uuid;

/// Those of these accounts and children that are gone.
pub(crate) async fn among(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<HashSet<Uuid>> {
    let erased = sqlx::query_scalar!("SELECT id FROM erased WHERE id = ANY ($1)", ids).fetch_all(conn).await?;
    Ok(erased.into_iter().collect())
}

async fn remember(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("INSERT INTO erased (id) VALUES ($1) ON CONFLICT DO NOTHING", id).execute(conn).await?;
    Ok(())
}

/// Everything of an account.
pub(crate) async fn account(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    remember(conn, user_id).await?;
    sqlx::query!("DELETE FROM notifications WHERE user_id = $1", user_id).execute(&mut *conn).await?;
    sqlx::query!("DELETE FROM deliveries WHERE user_id = $1", user_id).execute(&mut *conn).await?;
    sqlx::query!("DELETE FROM preferences WHERE user_id = $1", user_id).execute(&mut *conn).await?;
    sqlx::query!("DELETE FROM quiet_hours WHERE user_id = $1", user_id).execute(&mut *conn).await?;
    sqlx::query!("DELETE FROM devices WHERE user_id = $1", user_id).execute(&mut *conn).await?;
    sqlx::query!("DELETE FROM scheduled_notifications WHERE user_id = $1", user_id).execute(conn).await?;
    Ok(())
}

/// What is kept of a child, and what was told of it to its owner.
pub(crate) async fn child(conn: &mut PgConnection, child_id: Uuid, user_id: Uuid) -> sqlx::Result<()> {
    remember(conn, child_id).await?;
    sqlx::query!("DELETE FROM checked_children WHERE child_id = $1", child_id).execute(&mut *conn).await?;
    let told = sqlx::query!(
        "DELETE FROM notifications WHERE user_id = $1 AND variables->>'child_id' = $2",
        user_id,
        child_id.to_string()
    );
    told.execute(conn).await?;
    Ok(())
}

/// What was being written in the moment of an erasure goes as well.
pub(crate) async fn sweep(conn: &mut PgConnection) -> sqlx::Result<()> {
    let users = sqlx::query_scalar!(
        r#"SELECT id FROM erased WHERE erased_at > now() - interval '2 days'
           AND (EXISTS (SELECT FROM notifications WHERE user_id = erased.id)
             OR EXISTS (SELECT FROM deliveries WHERE user_id = erased.id)
             OR EXISTS (SELECT FROM devices WHERE user_id = erased.id)
             OR EXISTS (SELECT FROM preferences WHERE user_id = erased.id)
             OR EXISTS (SELECT FROM quiet_hours WHERE user_id = erased.id)
             OR EXISTS (SELECT FROM scheduled_notifications WHERE user_id = erased.id))"#
    );
    for user_id in users.fetch_all(&mut *conn).await? {
        account(conn, user_id).await?;
    }
    Ok(())
}

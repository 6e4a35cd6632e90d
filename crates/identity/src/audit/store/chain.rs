use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::audit::chain::{Record, Seal};

/// Whether this process may seal until its transaction ends. The number stands for the chain alone.
pub(in crate::audit) async fn try_lock(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock(4711003) AS "locked!""#).fetch_one(conn).await
}

pub(in crate::audit) async fn unsealed(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<Record>> {
    sqlx::query_as!(
        Record,
        r#"SELECT a.id, actor_id, actor_role, action, resource, resource_id, outcome, ip, user_agent, request_id,
                  metadata::text AS "metadata!", created_at
           FROM audit_unsealed u JOIN audit_logs a ON a.id = u.audit_id ORDER BY a.created_at, a.id LIMIT $1"#,
        limit,
    )
    .fetch_all(conn)
    .await
}

pub(in crate::audit) async fn head(conn: &mut PgConnection) -> sqlx::Result<Option<Seal>> {
    sqlx::query_as!(Seal, "SELECT day, seq, audit_id, hash FROM audit_chain ORDER BY day DESC, seq DESC LIMIT 1")
        .fetch_optional(conn)
        .await
}

/// The last seal of the days before.
pub(in crate::audit) async fn last_before(conn: &mut PgConnection, day: NaiveDate) -> sqlx::Result<Option<Seal>> {
    sqlx::query_as!(
        Seal,
        "SELECT day, seq, audit_id, hash FROM audit_chain WHERE day < $1
         ORDER BY day DESC, seq DESC LIMIT 1",
        day,
    )
    .fetch_optional(conn)
    .await
}

pub(in crate::audit) async fn insert(conn: &mut PgConnection, seals: &[Seal]) -> sqlx::Result<()> {
    let days: Vec<NaiveDate> = seals.iter().map(|it| it.day).collect();
    let seqs: Vec<i64> = seals.iter().map(|it| it.seq).collect();
    let ids: Vec<Uuid> = seals.iter().map(|it| it.audit_id).collect();
    let hashes: Vec<Vec<u8>> = seals.iter().map(|it| it.hash.clone()).collect();
    sqlx::query!(
        "INSERT INTO audit_chain (day, seq, audit_id, hash)
         SELECT * FROM unnest($1::date[], $2::bigint[], $3::uuid[], $4::bytea[])",
        &days,
        &seqs,
        &ids,
        &hashes,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM audit_unsealed WHERE audit_id = ANY($1)", &ids).execute(conn).await?;
    Ok(())
}

/// The seals after one, from a day on, each with its record if that is still there.
pub(in crate::audit) async fn list_after(
    conn: &mut PgConnection,
    previous: Option<&Seal>,
    from: NaiveDate,
    limit: i64,
) -> sqlx::Result<Vec<(Seal, Option<Record>)>> {
    let rows = sqlx::query!(
        r#"SELECT c.day, c.seq, c.audit_id, c.hash, a.id AS "id?", a.actor_id, a.actor_role, a.action AS "action?",
                  a.resource AS "resource?", a.resource_id, a.outcome AS "outcome?", a.ip AS "ip?",
                  a.user_agent AS "user_agent?", a.request_id AS "request_id?", a.metadata::text AS metadata,
                  a.created_at AS "created_at?"
           FROM audit_chain c LEFT JOIN audit_logs a ON a.id = c.audit_id
           WHERE c.day >= $1 AND (c.day, c.seq) > ($2, $3) ORDER BY c.day, c.seq LIMIT $4"#,
        from,
        previous.map_or(from, |it| it.day),
        previous.map_or(0, |it| it.seq),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let record = || {
                Some(Record {
                    id: row.id?,
                    actor_id: row.actor_id,
                    actor_role: row.actor_role,
                    action: row.action?,
                    resource: row.resource?,
                    resource_id: row.resource_id,
                    outcome: row.outcome?,
                    ip: row.ip?,
                    user_agent: row.user_agent?,
                    request_id: row.request_id?,
                    metadata: row.metadata?,
                    created_at: row.created_at?,
                })
            };
            let seal = Seal { day: row.day, seq: row.seq, audit_id: row.audit_id, hash: row.hash };
            (seal, record())
        })
        .collect())
}

/// Records that are neither in the chain nor waiting for it.
pub(in crate::audit) async fn count_unaccounted(conn: &mut PgConnection, from: NaiveDate) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM audit_logs a
           WHERE created_at >= $1::date AND NOT EXISTS (SELECT FROM audit_chain WHERE audit_id = a.id)
             AND NOT EXISTS (SELECT FROM audit_unsealed WHERE audit_id = a.id)"#,
        from,
    )
    .fetch_one(conn)
    .await
}

/// Records that were forgotten, of this log and of that of children.
pub(in crate::audit) async fn forget(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"SELECT forget_old_logs() AS "forgotten!""#).fetch_one(conn).await
}

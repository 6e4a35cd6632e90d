//! SQL of the ledger.

use aipoten_kit::Won;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Earned, Journal};

/// `None` when its source was booked before.
pub(super) async fn insert(conn: &mut PgConnection, journal: &Journal) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "INSERT INTO journals (id, kind, source, effective_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT ON CONSTRAINT journals_once DO NOTHING RETURNING id",
        Uuid::now_v7(),
        journal.kind as _,
        journal.source,
        journal.effective_at,
    )
    .fetch_optional(conn)
    .await
}

/// The account, made where it is missing.
pub(super) async fn account(conn: &mut PgConnection, kind: &str, owner: Option<&str>) -> sqlx::Result<Uuid> {
    sqlx::query!(
        "INSERT INTO accounts (id, kind, owner) VALUES ($1, $2, $3) ON CONFLICT ON CONSTRAINT accounts_once DO NOTHING",
        Uuid::now_v7(),
        kind,
        owner,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!("SELECT id FROM accounts WHERE kind = $1 AND owner IS NOT DISTINCT FROM $2", kind, owner)
        .fetch_one(conn)
        .await
}

pub(super) async fn enter(conn: &mut PgConnection, journal: Uuid, account: Uuid, amount: Won) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO journal_entries (id, journal_id, account_id, amount) VALUES ($1, $2, $3, $4)",
        Uuid::now_v7(),
        journal,
        account,
        amount.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn balance(conn: &mut PgConnection, kind: &str, owner: Option<&str>) -> sqlx::Result<Won> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(entry.amount), 0)::bigint AS "balance!: Won"
           FROM accounts account JOIN journal_entries entry ON entry.account_id = account.id
           WHERE account.kind = $1 AND account.owner IS NOT DISTINCT FROM $2"#,
        kind,
        owner,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn earned(conn: &mut PgConnection, source: &str) -> sqlx::Result<Option<Earned>> {
    sqlx::query_as!(
        Earned,
        r#"SELECT coalesce(-sum(entry.amount) FILTER (WHERE account.kind = 'therapist_payable'), 0)::bigint AS "net!: Won",
             coalesce(-sum(entry.amount) FILTER (WHERE account.kind = 'platform_fee'), 0)::bigint AS "fee!: Won",
             coalesce(-sum(entry.amount) FILTER (WHERE account.kind = 'vat_payable'), 0)::bigint AS "vat!: Won"
           FROM journals journal
           JOIN journal_entries entry ON entry.journal_id = journal.id
           JOIN accounts account ON account.id = entry.account_id
           WHERE journal.source = $1
           GROUP BY journal.id"#,
        source,
    )
    .fetch_optional(conn)
    .await
}

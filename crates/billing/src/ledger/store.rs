//! SQL of the ledger.

use std::collections::{BTreeSet, HashMap};

use aipoten_kit::Won;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Account, Earned, Journal, KindBalance};

/// The ids of those that were not there, by their source.
pub(super) async fn insert(conn: &mut PgConnection, journals: &[Journal]) -> sqlx::Result<HashMap<String, Uuid>> {
    let rows = sqlx::query!(
        "INSERT INTO journals (id, kind, source, effective_at)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
         ON CONFLICT ON CONSTRAINT journals_once DO NOTHING RETURNING source, id",
        &journals.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>(),
        &journals.iter().map(|it| it.kind.as_str().to_owned()).collect::<Vec<_>>(),
        &journals.iter().map(|it| it.source.clone()).collect::<Vec<_>>(),
        &journals.iter().map(|it| it.effective_at).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.source, row.id)).collect())
}

/// Those that are missing, in this order.
pub(super) async fn make_accounts(conn: &mut PgConnection, accounts: &BTreeSet<(&str, String)>) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO accounts (id, kind, owner) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])
         ON CONFLICT ON CONSTRAINT accounts_once DO NOTHING",
        &accounts.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>(),
        &accounts.iter().map(|(kind, _)| (*kind).to_owned()).collect::<Vec<_>>(),
        &accounts.iter().map(|(_, owner)| owner.clone()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Into accounts that are there.
pub(super) async fn enter(conn: &mut PgConnection, entries: &[(Uuid, Account, Won)]) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO journal_entries (id, journal_id, account_id, amount)
         SELECT entry.id, entry.journal_id, account.id, entry.amount
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[])
           AS entry (id, journal_id, kind, owner, amount)
         JOIN accounts account ON account.kind = entry.kind AND account.owner = entry.owner",
        &entries.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>(),
        &entries.iter().map(|(journal, ..)| *journal).collect::<Vec<_>>(),
        &entries.iter().map(|(_, account, _)| account.kind().to_owned()).collect::<Vec<_>>(),
        &entries.iter().map(|(_, account, _)| account.owner()).collect::<Vec<_>>(),
        &entries.iter().map(|(.., amount)| amount.0).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn balance(conn: &mut PgConnection, kind: &str, owner: &str) -> sqlx::Result<Won> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(entry.amount), 0)::bigint AS "balance!: Won"
           FROM accounts account JOIN journal_entries entry ON entry.account_id = account.id
           WHERE account.kind = $1 AND account.owner = $2"#,
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

pub(super) async fn trial_balance(conn: &mut PgConnection) -> sqlx::Result<Vec<KindBalance>> {
    sqlx::query_as!(
        KindBalance,
        r#"SELECT account.kind, count(DISTINCT account.id) AS "accounts!", sum(entry.amount)::bigint AS "balance!: Won"
           FROM accounts account JOIN journal_entries entry ON entry.account_id = account.id
           GROUP BY account.kind ORDER BY account.kind"#,
    )
    .fetch_all(conn)
    .await
}

//! What must always be true of billing's database, whatever failed and whenever it is looked at.

mod erasure;
mod ledger;
mod payment;
mod refund;
mod settlement;

use aipoten_kit::Checked;
use sqlx::PgConnection;
use uuid::Uuid;

/// Everything that must be true, and where it is not.
pub async fn check_invariants(conn: &mut PgConnection) -> sqlx::Result<Vec<Checked>> {
    let mut checked = ledger::check(conn).await?;
    checked.extend(payment::check(conn).await?);
    checked.extend(refund::check(conn).await?);
    checked.extend(settlement::check(conn).await?);
    checked.extend(erasure::check(conn).await?);
    Ok(checked)
}

/// A payment that came, and the package that it is for.
#[derive(Debug, Clone)]
pub struct Paid {
    /// UUID of the payment.
    pub payment_id: Uuid,
    /// UUID of the package.
    pub package_id: Uuid,
    /// Whether matching must know of it: it is here for a minute or more and stays.
    pub must_run: bool,
}

/// All payments that ever came.
pub async fn paid(conn: &mut PgConnection) -> sqlx::Result<Vec<Paid>> {
    sqlx::query_as!(
        Paid,
        r#"SELECT id AS payment_id, package_id,
             (reversed_at IS NULL AND updated_at < now() - interval '1 minute'
              AND NOT EXISTS (SELECT FROM refunds WHERE payment_id = payment.id AND consultation_id IS NULL)) AS "must_run!"
           FROM payments payment WHERE paid_at IS NOT NULL"#,
    )
    .fetch_all(conn)
    .await
}

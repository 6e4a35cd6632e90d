//! The bank account that a parent named for refunds: who else may see and name it, and when it is forgotten.

use aipoten_kit::{Caller, Error, Result, Role};
use anyhow::Context as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::finish::NO_REFUND_ACCOUNT;
use super::{Refund, Status, lock, metrics, not_found, store};
use crate::App;
use crate::acted::acted;
use crate::payment::{self, Payment};
use crate::provider::BankAccount;

/// The account; `None` while none is named.
pub(super) fn of(app: &App, payment: &Payment) -> Result<Option<BankAccount>> {
    let Some(sealed) = &payment.refund_account else { return Ok(None) };
    let text = app.cipher.open(payment.place("refund_account"), sealed)?;
    Ok(Some(serde_json::from_str(&text).context("a refund account is not written as this program writes it")?))
}

/// As a whole, for whoever transfers by hand; only while the refund waits for that.
pub(super) async fn reveal(app: &App, caller: &Caller, id: Uuid, reason: &str) -> Result<BankAccount> {
    let admin = caller.with_role(Role::Admin)?;
    admin.require_fresh_proof()?;
    let mut tx = app.pool.begin().await?;
    let (payment, refund) = lock(&mut tx, id).await?;
    refund.refund_status.require(Status::Failed)?;
    let account = of(app, &payment)?.ok_or_else(|| Error::FailedPrecondition(NO_REFUND_ACCOUNT.into()))?;
    store::note_decision(&mut tx, id, admin.id, reason).await?;
    acted(&mut tx, caller, admin, refund.aggregate(refund.version), "refund.account_revealed").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(account)
}

/// For a parent whose own account is deleted, and who can name a bank account to a person alone.
pub(super) async fn name(app: &App, caller: &Caller, id: Uuid, account: &BankAccount, reason: &str) -> Result<Refund> {
    let admin = caller.with_role(Role::Admin)?;
    admin.require_fresh_proof()?;
    let mut tx = app.pool.begin().await?;
    let (payment, refund) = lock(&mut tx, id).await?;
    refund.refund_status.require(Status::Failed)?;
    if !store::is_parent_gone(&mut tx, payment.id).await? {
        return Err(Error::FailedPrecondition("PARENT_NAMES_ACCOUNT".into()));
    }
    store::note_decision(&mut tx, id, admin.id, reason).await?;
    payment::keep_refund_account(&mut tx, app, &payment, account).await?;
    let refund = store::lock(&mut tx, id).await?.ok_or_else(not_found)?;
    acted(&mut tx, caller, admin, refund.aggregate(refund.version), "refund.account_named").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(refund)
}

/// One is named: what waited for it is due. Under the payment's lock.
pub(crate) async fn named(conn: &mut PgConnection, payment: &Payment) -> Result<()> {
    for refund in store::failed_with(conn, payment.id, NO_REFUND_ACCOUNT).await? {
        metrics::came_to(payment.provider, Status::Processing);
        store::process(conn, &refund).await?;
    }
    Ok(())
}

/// The parent's account was deleted. Payments stay for as long as the law asks; what names bank accounts goes at once or, where money
/// is on its way, when it has come.
pub(crate) async fn forget_user(conn: &mut PgConnection, user_id: Uuid) -> Result<()> {
    store::note_deletion(conn, user_id).await?;
    store::forget_answers(conn, user_id).await?;
    store::forget_accounts(conn).await?;
    Ok(())
}

/// What could not go at once goes when nothing is open any more; a job.
pub(crate) async fn forget(app: &App) -> Result<()> {
    let payments = store::forget_accounts(&mut *app.pool.acquire().await?).await?;
    if payments > 0 {
        tracing::info!(payments, "bank accounts of deleted parents were forgotten");
    }
    Ok(())
}

//! The bank account that a parent named for refunds, and when it is forgotten.

use aipoten_kit::Result;
use anyhow::Context as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::finish::NO_REFUND_ACCOUNT;
use super::{Status, metrics, store};
use crate::App;
use crate::payment::Payment;
use crate::provider::BankAccount;

/// The account; `None` while none is named.
pub(super) fn of(app: &App, payment: &Payment) -> Result<Option<BankAccount>> {
    let Some(sealed) = &payment.refund_account else { return Ok(None) };
    let text = app.cipher.open(payment.place("refund_account"), sealed)?;
    Ok(Some(serde_json::from_str(&text).context("a refund account is not written as this program writes it")?))
}

/// The parent has named one: what waited for it is due. Under the payment's lock.
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

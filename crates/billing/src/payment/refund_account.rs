//! The bank account for refunds that cannot go back the way they were paid.

use aipoten_kit::{Caller, Result, Role};
use aipoten_proto::billing::v1::PutRefundAccountResponse;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Payment, find, store};
use crate::provider::BankAccount;
use crate::{App, refund};

/// Digits that are shown.
const SHOWN: usize = 4;

/// Whoever names another account could have the money: only with a fresh proof of who it is.
pub(super) async fn put(
    app: &App,
    caller: &Caller,
    payment_id: Uuid,
    account: BankAccount,
) -> Result<PutRefundAccountResponse> {
    let parent = caller.with_role(Role::Parent)?;
    parent.require_fresh_proof()?;
    let mut tx = app.pool.begin().await?;
    let payment = find(&mut tx, payment_id, parent.id).await?;
    keep(&mut tx, app, &payment, &account).await?;
    tx.commit().await?;
    let account_number_masked = masked(&account.account_number);
    Ok(PutRefundAccountResponse { bank_code: account.bank_code, account_number_masked })
}

/// What waited for an account goes there.
pub(crate) async fn keep(conn: &mut PgConnection, app: &App, payment: &Payment, account: &BankAccount) -> Result<()> {
    let json = serde_json::to_string(account).map_err(anyhow::Error::new)?;
    let sealed = app.cipher.seal(payment.place("refund_account"), &json)?;
    store::set_refund_account(conn, payment.id, &sealed).await?;
    refund::account_named(conn, payment).await
}

/// Stars, and the last digits.
fn masked(number: &str) -> String {
    let hidden = number.len().saturating_sub(SHOWN);
    format!("{}{}", "*".repeat(hidden), &number[hidden..])
}

//! Charging what the parent authorised.

use std::time::Duration;

use aipoten_kit::{Caller, Error, Once, Reason, Result, Role, Won};
use aipoten_proto::billing::v1::GetPaymentRequest;
use sqlx::PgConnection;
use uuid::Uuid;

use super::apply::{Question, take_in};
use super::{Payment, Shown, Status, find, not_found, store};
use crate::App;
use crate::provider::{Answer, Charge, Confirmation, Provider, Refusal};

/// Longer than a provider is waited for: when nobody has taken in its answer by then, nobody will.
const LEASE: Duration = Duration::from_secs(30);

/// What the parent has authorised.
#[derive(Debug)]
pub(super) struct Authorised {
    pub(super) payment_id: Uuid,
    pub(super) provider_key: String,
    pub(super) amount: Won,
}

/// The one thing outside that a parent waits for. What is to be charged is written down before; whoever comes again gets the payment
/// as it stands, so that it is charged once.
pub(super) async fn confirm(app: &App, caller: &Caller, once: &Once<'_>, authorised: &Authorised) -> Result<Shown> {
    let parent = caller.with_role(Role::Parent)?;
    let mut tx = app.pool.begin().await?;
    let begun = match once.answered::<GetPaymentRequest>(&mut tx, &app.cipher).await? {
        Some(_) => None,
        None => begin(&mut tx, parent.id, authorised).await?,
    };
    let named = GetPaymentRequest { payment_id: authorised.payment_id.to_string() };
    once.keep(&mut tx, &app.cipher, &named).await?;
    tx.commit().await?;
    if let Some(payment) = begun {
        let answer = match app.providers.get(payment.provider) {
            Some(provider) => charge(provider, &payment).await,
            None => Answer::Unknown("it is not configured".to_owned()),
        };
        take_in(app, &payment, Question::Confirm, &answer, &caller.into()).await?;
    }
    let payment = find(&mut *app.pool.acquire().await?, authorised.payment_id, parent.id).await?;
    if payment.payment_status == Status::Failed {
        let code = payment.failure_code.unwrap_or_default();
        return Err(Error::FailedPrecondition(Reason::from("PAYMENT_DECLINED").with("provider_code", code)));
    }
    Shown::of(app, caller, payment)
}

/// The payment, when it is now to be charged; `None` when it was to be charged with the same key before.
async fn begin(conn: &mut PgConnection, user_id: Uuid, authorised: &Authorised) -> Result<Option<Payment>> {
    let Authorised { payment_id, provider_key, amount } = authorised;
    find(conn, *payment_id, user_id).await?;
    let payment = store::lock(conn, *payment_id).await?.ok_or_else(not_found)?;
    if payment.total_amount != *amount {
        return Err(Error::FailedPrecondition("AMOUNT_MISMATCH".into()));
    }
    match payment.payment_status {
        Status::Pending => {}
        _ if payment.provider_key.as_ref() == Some(provider_key) => return Ok(None),
        status => return Err(Error::invalid_state(status.as_str())),
    }
    if payment.transaction_id.as_ref().is_some_and(|known| known != provider_key) {
        return Err(Error::invalid("provider_key", "invalid"));
    }
    if payment.expires_at <= chrono::Utc::now() {
        return Err(Error::invalid_state(Status::Expired.as_str()));
    }
    // Another one of the package was charged after it had expired.
    if let Some(other) = store::live(conn, payment.package_id).await?.filter(|live| live.id != payment.id) {
        return Err(Error::invalid_state(other.status.as_str()));
    }
    store::set_confirming(conn, *payment_id, provider_key, LEASE).await?;
    Ok(store::lock(conn, *payment_id).await?)
}

/// Charges; the same again is the same charge.
pub(super) async fn charge(provider: &dyn Provider, payment: &Payment) -> Answer<Charge> {
    let Some(transaction_id) = payment.provider_key.clone() else {
        return Answer::Unknown("nothing was authorised".to_owned());
    };
    let confirmation = Confirmation {
        order_id: payment.order_id.clone(),
        transaction_id,
        amount: payment.total_amount,
        idempotency_key: payment.id.to_string(),
    };
    match provider.confirm(&confirmation).await {
        // The key that the client named is that of another order.
        Answer::Succeeded(charge) if charge.order_id != payment.order_id => {
            let message = "the provider's number belongs to another order".to_owned();
            Answer::Declined(Refusal { code: "ANOTHER_ORDER".to_owned(), message })
        }
        answer => answer,
    }
}

//! Asking providers to pay back: the refund stands in the database before, and the same key is given at each try.

use std::time::Duration;

use aipoten_events::Context;
use aipoten_kit::Result;
use aipoten_kit::telemetry::counted;
use anyhow::anyhow;
use futures::{StreamExt as _, stream};
use sqlx::PgConnection;
use uuid::Uuid;

use super::explain::explain;
use super::finish::{self, NO_REFUND_ACCOUNT, Payer};
use super::{Reason, Refund, Status, account, store};
use crate::App;
use crate::doubt;
use crate::payment::{self, Payment};
use crate::provider::{Answer, BankAccount, Cancel, Method, NewRefund, Provider, Refusal};

/// Longer than two calls of a provider can take: whoever asks counts as dead after it.
const LEASE: Duration = Duration::from_mins(3);
const BATCH: i64 = 64;
const AT_ONCE: usize = 16;
/// The provider paid back another sum than it was asked for.
const AMOUNT_DIFFERS: &str = "AMOUNT_DIFFERS";

/// A refund that is to be asked about, as it stood when nobody else could.
struct Due {
    payment: Payment,
    refund: Refund,
    /// All of the payment.
    refunds: Vec<Refund>,
    /// What the provider should still be able to pay back.
    balance: aipoten_kit::Won,
}

/// Asks about everything that is due; a job. What fails is asked about again, and the first failure is told at the end.
pub(crate) async fn ask_due(app: &App) -> Result<()> {
    loop {
        let due = store::due(&mut *app.pool.acquire().await?, BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        let asked: Vec<Result<()>> =
            stream::iter(due).map(|id| ask_about(app, id)).buffer_unordered(AT_ONCE).collect().await;
        app.relay.wake();
        asked.into_iter().collect::<Result<()>>()?;
    }
}

async fn ask_about(app: &App, id: Uuid) -> Result<()> {
    let Some(due) = claim(app, id).await? else { return Ok(()) };
    let is_deposit = due.payment.payment_method == Some(Method::VirtualAccount);
    // What was paid by card goes back to the card.
    let account = if is_deposit { account::of(app, &due.payment)? } else { None };
    if is_deposit && account.is_none() {
        let refusal = Refusal { code: NO_REFUND_ACCOUNT.to_owned(), message: String::new() };
        return note(app, &due, Answer::Declined(refusal)).await;
    }
    let answer = match app.providers.get(due.payment.provider) {
        Some(provider) => ask(provider, &due, account).await,
        None => Answer::Unknown("the provider is not configured".to_owned()),
    };
    note(app, &due, answer).await
}

async fn claim(app: &App, id: Uuid) -> Result<Option<Due>> {
    let mut tx = app.pool.begin().await?;
    let Some(payment_id) = store::payment_of(&mut tx, id).await? else { return Ok(None) };
    let Some(payment) = payment::store::lock(&mut tx, payment_id).await? else { return Ok(None) };
    // A statement of its own: it sees what the lock was waited for.
    if !store::claim(&mut tx, id, LEASE).await? {
        return Ok(None);
    }
    let refunds = store::of_payment(&mut tx, payment_id).await?;
    let balance = payment.total_amount - store::paid_back_by_provider(&mut tx, payment_id).await?;
    tx.commit().await?;
    let refund = refunds.iter().find(|refund| refund.id == id).cloned();
    Ok(refund.map(|refund| Due { payment, refund, refunds, balance }))
}

/// What a provider may have done before is read from it before it is asked again.
async fn ask(provider: &dyn Provider, due: &Due, account: Option<BankAccount>) -> Answer<Cancel> {
    let Some(transaction_id) = due.payment.transaction_id.clone() else {
        return Answer::Unknown("the provider's number of the payment is missing".to_owned());
    };
    if let Some(number) = &due.refund.provider_refund_id {
        return provider.fetch_refund(&transaction_id, number).await;
    }
    if due.refund.was_asked() {
        match provider.fetch(&transaction_id).await {
            Answer::Succeeded(charge) => {
                let explained = explain(&charge.cancels, &due.refunds);
                if let Some((cancel, _)) = explained.into_iter().find(|(_, ours)| *ours == Some(due.refund.id)) {
                    return Answer::Succeeded(cancel.clone());
                }
            }
            Answer::Declined(refusal) => {
                return Answer::Unknown(format!("the payment cannot be read: {}", refusal.code));
            }
            Answer::Pending => return Answer::Pending,
            Answer::Unknown(text) => return Answer::Unknown(text),
        }
    }
    let refund = NewRefund {
        transaction_id,
        amount: due.refund.refund_amount,
        balance: due.balance,
        reason: due.refund.refund_reason.text().to_owned(),
        idempotency_key: due.refund.idempotency_key(),
        account,
    };
    provider.refund(&refund).await
}

async fn note(app: &App, due: &Due, answer: Answer<Cancel>) -> Result<()> {
    counted(write_down(app, due, answer)).await
}

/// Writes down what became of it, unless it has ended meanwhile.
async fn write_down(app: &App, due: &Due, answer: Answer<Cancel>) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let Some((payment, refund)) = lock_open(&mut tx, &due.refund).await? else { return Ok(()) };
    match answer {
        Answer::Succeeded(cancel) if cancel.amount != refund.refund_amount => {
            open_differing(&mut tx, &payment, &refund, &cancel).await?;
        }
        Answer::Succeeded(cancel) if cancel.done => {
            finish::complete(&mut tx, &payment, &refund, Payer::Provider(&cancel.id), &Context::default()).await?;
            payment::store::read_soon(&mut tx, payment.id).await?;
        }
        Answer::Succeeded(cancel) => wait(&mut tx, &payment, &refund, Some(&cancel.id)).await?,
        Answer::Pending => wait(&mut tx, &payment, &refund, None).await?,
        Answer::Unknown(text) => {
            tracing::warn!(refund_id = %refund.id, tries = refund.tries, text, "a provider did not say what became of a refund");
            wait(&mut tx, &payment, &refund, None).await?;
        }
        Answer::Declined(refusal) => finish::fail(&mut tx, &payment, &refund, &refusal.code).await?,
    }
    Ok(tx.commit().await?)
}

async fn lock_open(conn: &mut PgConnection, refund: &Refund) -> Result<Option<(Payment, Refund)>> {
    let payment = payment::store::lock(conn, refund.payment_id).await?;
    let refund = store::lock(conn, refund.id).await?.filter(|it| it.refund_status == Status::Processing);
    Ok(payment.zip(refund))
}

/// It is asked about again later; after the last pause a person is told, and it is asked about each hour.
async fn wait(conn: &mut PgConnection, payment: &Payment, refund: &Refund, number: Option<&str>) -> Result<()> {
    // The one that is waited after is counted already.
    let before = usize::try_from(refund.tries).map_err(|error| anyhow!(error))?.saturating_sub(1);
    store::postpone(conn, refund.id, doubt::pause(before), number).await?;
    if doubt::lasts(before) {
        finish::open_case(conn, payment, refund, "the provider has not said for hours whether it paid back").await?;
    }
    Ok(())
}

/// The provider paid back another sum under our name.
pub(super) async fn open_differing(
    conn: &mut PgConnection,
    payment: &Payment,
    refund: &Refund,
    cancel: &Cancel,
) -> Result<()> {
    tracing::error!(refund_id = %refund.id, paid_back = cancel.amount.0, "a provider paid back another sum than it was asked for");
    if refund.refund_status == Status::Processing {
        finish::fail(conn, payment, refund, AMOUNT_DIFFERS).await
    } else {
        Ok(())
    }
}

impl Reason {
    /// What the provider writes on its receipts.
    fn text(self) -> &'static str {
        match self {
            Self::CustomerRequest => "고객 요청으로 취소",
            Self::TherapistCancel => "치료사 사정으로 취소",
            Self::NoShow => "상담 불참",
            Self::Dispute => "이의 제기에 따른 환불",
            Self::Platform => "플랫폼 사정으로 취소",
        }
    }
}

//! Taking in what a provider says of a payment, whatever brought it: a confirmation, a reading, a message.

use std::time::Duration;

use aipoten_events::{Context, publish};
use aipoten_kit::telemetry::counted;
use aipoten_kit::{Result, Won};
use aipoten_proto::billing::v1::{PaymentCompleted, PaymentExpired, PaymentFailed, PaymentReversed};
use anyhow::anyhow;
use chrono::Utc;
use sqlx::PgConnection;

use super::decide::{Standing, Verdict, decide};
use super::{Payment, Status, evidence, metrics, not_found, store};
use crate::case::{self, Finding};
use crate::ledger::{self, Account, Journal, Kind};
use crate::provider::{Answer, Charge, ChargeStatus, Refusal};
use crate::{App, doubt, refund};

/// While a deposit is awaited; the provider's message comes earlier.
const DEPOSIT_PAUSE: Duration = Duration::from_mins(10);
/// While a person looks at a wrong amount, or at a deposit that was taken back.
const CASE_PAUSE: Duration = Duration::from_hours(1);

/// What the provider was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// To charge.
    Confirm,
    /// How it stands.
    Read,
}

/// When it is read next.
enum Next {
    /// When somebody asks for it.
    Never,
    After(Duration),
    /// Nobody knows what became of it.
    Doubt,
}

/// Takes in what a provider answered about a payment as it stood when the question was asked. Where something else came between, the
/// answer may be older than that: it is dropped, and the payment is read again.
pub(super) async fn take_in(
    app: &App,
    asked: &Payment,
    question: Question,
    answer: &Answer<Charge>,
    context: &Context,
) -> Result<()> {
    counted(write_down(app, asked, question, answer, context)).await?;
    app.relay.wake();
    if matches!(answer, Answer::Succeeded(_) | Answer::Declined(_)) {
        store::read_unknown_now(&mut *app.pool.acquire().await?, asked.provider).await?;
    }
    Ok(())
}

async fn write_down(
    app: &App,
    asked: &Payment,
    question: Question,
    answer: &Answer<Charge>,
    context: &Context,
) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    let payment = store::lock(&mut tx, asked.id).await?.ok_or_else(not_found)?;
    let mut told = question == Question::Confirm;
    if payment.version == asked.version {
        let next = match answer {
            Answer::Succeeded(charge) => {
                let verdict = apply(&mut tx, app, &payment, charge, context).await?;
                told |= !matches!(verdict, Verdict::Same | Verdict::Undecided);
                next(&payment, charge, verdict)
            }
            Answer::Declined(refusal) => declined(&mut tx, &payment, refusal, context).await?,
            Answer::Pending => Next::Doubt,
            Answer::Unknown(said) => doubted(&payment, said),
        };
        plan(&mut tx, asked, &payment, &next).await?;
    } else {
        store::read_soon(&mut tx, payment.id).await?;
    }
    if told {
        evidence::keep(&mut tx, &payment, question, answer).await?;
    }
    Ok(tx.commit().await?)
}

/// The one place where a provider's truth changes a payment. It is locked, and as it was when the provider was asked.
async fn apply(
    conn: &mut PgConnection,
    app: &App,
    payment: &Payment,
    charge: &Charge,
    context: &Context,
) -> Result<Verdict> {
    let verdict = decide(payment.state(Utc::now()), charge);
    match verdict {
        Verdict::Same | Verdict::Undecided => {}
        Verdict::Deposit => await_deposit(conn, app, payment, charge).await?,
        Verdict::Paid => complete(conn, payment, charge, context).await?,
        Verdict::TakenBack => reverse(conn, payment, context).await?,
        Verdict::Failed => fail(conn, payment, charge.failure_code.as_deref().unwrap_or("CANCELLED"), context).await?,
        Verdict::Expired => expire(conn, payment, context).await?,
        Verdict::Differs => differ(conn, payment, charge).await?,
    }
    if verdict != Verdict::Undecided {
        store::set_told(conn, payment.id, charge.told_balance()).await?;
    }
    if verdict != Verdict::Differs {
        refund::observe(conn, payment, charge).await?;
    }
    Ok(verdict)
}

/// Nothing that is neither paid nor given up is left alone.
fn next(payment: &Payment, charge: &Charge, verdict: Verdict) -> Next {
    match verdict {
        Verdict::Undecided => Next::Doubt,
        Verdict::Differs => Next::After(CASE_PAUSE),
        _ if charge.status == ChargeStatus::WaitingForDeposit => Next::After(DEPOSIT_PAUSE),
        Verdict::TakenBack => Next::After(CASE_PAUSE),
        Verdict::Same if payment.standing() == Standing::Reversed => Next::After(CASE_PAUSE),
        _ => Next::Never,
    }
}

fn doubted(payment: &Payment, said: &str) -> Next {
    tracing::warn!(payment_id = %payment.id, provider = payment.provider.as_str(), said, "a provider did not say");
    Next::Doubt
}

/// The provider refused to charge: nothing was, and nothing will be.
async fn declined(conn: &mut PgConnection, payment: &Payment, refusal: &Refusal, context: &Context) -> Result<Next> {
    if payment.standing() != Standing::Open || payment.waits_for_deposit() {
        return Ok(Next::Doubt);
    }
    fail(conn, payment, &refusal.code, context).await?;
    store::set_told(conn, payment.id, None).await?;
    Ok(Next::Never)
}

/// The money came. That it had failed or expired before does not count, and neither does that it was taken back.
async fn complete(conn: &mut PgConnection, payment: &Payment, charge: &Charge, context: &Context) -> Result<()> {
    let seq = store::complete(conn, payment, charge).await?;
    let source = match payment.reversals {
        0 => format!("paid:{}", payment.id),
        again => format!("paid:{}:{again}", payment.id),
    };
    book(conn, payment, Kind::Paid, source, payment.total_amount).await?;
    let completed = PaymentCompleted {
        payment_id: payment.id.to_string(),
        package_id: payment.package_id.to_string(),
        amount: payment.total_amount.0,
        user_id: payment.user_id.to_string(),
    };
    publish(conn, payment.aggregate(seq), &completed, context).await?;
    metrics::completed(payment);
    Ok(())
}

/// The deposit was taken back: the package rests until it comes again.
async fn reverse(conn: &mut PgConnection, payment: &Payment, context: &Context) -> Result<()> {
    let seq = store::reverse(conn, payment.id).await?;
    let subject = format!("{}:{}", payment.id, payment.reversals + 1);
    book(conn, payment, Kind::Reversed, format!("reversed:{subject}"), Won(0) - payment.total_amount).await?;
    let details = format!("A deposit of {} won was taken back after it had come.", payment.total_amount.0);
    open_case(conn, payment, case::Kind::Reversed, &subject, &details).await?;
    let reversed = PaymentReversed {
        payment_id: payment.id.to_string(),
        package_id: payment.package_id.to_string(),
        user_id: payment.user_id.to_string(),
    };
    publish(conn, payment.aggregate(seq), &reversed, context).await?;
    Ok(())
}

async fn await_deposit(conn: &mut PgConnection, app: &App, payment: &Payment, charge: &Charge) -> Result<()> {
    let json = charge.virtual_account.as_ref().map(serde_json::to_string).transpose().map_err(anyhow::Error::new)?;
    let sealed = app.cipher.seal_optional(payment.place("virtual_account"), json.as_deref())?;
    let due_at = charge.virtual_account.as_ref().and_then(|account| account.due_at);
    Ok(store::await_deposit(conn, payment.id, charge, sealed.as_deref(), due_at).await?)
}

async fn fail(conn: &mut PgConnection, payment: &Payment, code: &str, context: &Context) -> Result<()> {
    let seq = store::give_up(conn, payment.id, Status::Failed, Some(code)).await?;
    let failed = PaymentFailed {
        payment_id: payment.id.to_string(),
        package_id: payment.package_id.to_string(),
        user_id: payment.user_id.to_string(),
    };
    publish(conn, payment.aggregate(seq), &failed, context).await?;
    metrics::came_to(payment.provider, Status::Failed);
    Ok(())
}

async fn expire(conn: &mut PgConnection, payment: &Payment, context: &Context) -> Result<()> {
    let seq = store::give_up(conn, payment.id, Status::Expired, None).await?;
    let expired = PaymentExpired {
        payment_id: payment.id.to_string(),
        package_id: payment.package_id.to_string(),
        user_id: payment.user_id.to_string(),
    };
    publish(conn, payment.aggregate(seq), &expired, context).await?;
    metrics::came_to(payment.provider, Status::Expired);
    Ok(())
}

/// It is never completed, and never given up: a person pays it back at the provider.
async fn differ(conn: &mut PgConnection, payment: &Payment, charge: &Charge) -> Result<()> {
    if !payment.is_captured() && payment.payment_status != Status::Confirming {
        store::hold_up(conn, payment.id).await?;
    }
    let details = format!("{} won were charged where {} won are due.", charge.total.0, payment.total_amount.0);
    open_case(conn, payment, case::Kind::Amount, &payment.id.to_string(), &details).await
}

async fn open_case(
    conn: &mut PgConnection,
    payment: &Payment,
    kind: case::Kind,
    subject: &str,
    details: &str,
) -> Result<()> {
    case::open(conn, &Finding { kind, provider: payment.provider, payment_id: Some(payment.id), subject, details })
        .await
}

/// From the parent to what the provider holds for us; back where the amount is negative.
async fn book(conn: &mut PgConnection, payment: &Payment, kind: Kind, source: String, amount: Won) -> Result<()> {
    let receivable = Account::ProviderReceivable(payment.provider);
    let prepaid = Account::CustomerPrepaid(payment.package_id);
    let entries = vec![(receivable, amount), (prepaid, Won(0) - amount)];
    let journal = Journal { kind, source, effective_at: Utc::now(), entries };
    if ledger::post(conn, &journal).await? {
        return Ok(());
    }
    Err(anyhow!("{} was booked before", journal.source).into())
}

/// Sets when it is read next. Who asked for another reading meanwhile keeps it.
async fn plan(conn: &mut PgConnection, asked: &Payment, payment: &Payment, next: &Next) -> Result<()> {
    let pause = match next {
        Next::Never => None,
        Next::After(pause) => Some(*pause),
        Next::Doubt => {
            let before = usize::try_from(payment.sync_tries).unwrap_or_default();
            store::doubt(conn, payment.id).await?;
            if doubt::lasts(before) {
                let details = "The provider does not say what became of the payment.";
                let subject = payment.id.to_string();
                open_case(conn, payment, case::Kind::UnknownPayment, &subject, details).await?;
            }
            Some(doubt::pause(before))
        }
    };
    Ok(store::read_next(conn, payment.id, asked.sync_at, pause).await?)
}

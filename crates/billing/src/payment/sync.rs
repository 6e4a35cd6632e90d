//! Reading payments from their providers: those of which nobody knows what became of them, those whose time is over, and those
//! that a message came about.

use std::time::Duration;

use aipoten_kit::Result;
use chrono::Utc;

use super::apply::{Question, take_in};
use super::confirm::charge;
use super::decide::Standing;
use super::{Payment, Status, by_itself, store};
use crate::App;
use crate::provider::{Answer, Charge, ChargeStatus, Provider};

/// Longer than a provider is waited for in three questions.
const LEASE: Duration = Duration::from_mins(1);
/// Payments that are read side by side.
const AT_ONCE: usize = 8;

/// What nobody asks for: payments whose time is over, and those that a provider owes an answer for; a job.
pub(crate) async fn ask_for(app: &App) -> Result<()> {
    let mut conn = app.pool.acquire().await?;
    store::read_overdue(&mut conn).await?;
    Ok(store::read_one_unknown(&mut conn).await?)
}

/// Reads what is due; a job.
pub(crate) async fn sync(app: &App) -> Result<()> {
    let mut first = claim(app).await?;
    if first.is_none() {
        return Ok(());
    }
    let readers = (0..AT_ONCE).map(|_| read_on(app, first.take()));
    futures::future::join_all(readers).await.into_iter().collect()
}

async fn read_on(app: &App, first: Option<Payment>) -> Result<()> {
    let mut due = first;
    loop {
        if let Some(payment) = due {
            read(app, &payment).await;
        }
        due = claim(app).await?;
        if due.is_none() {
            return Ok(());
        }
    }
}

async fn claim(app: &App) -> Result<Option<Payment>> {
    Ok(store::claim(&mut *app.pool.acquire().await?, LEASE).await?)
}

/// One that fails is read again when its lease is over.
async fn read(app: &App, payment: &Payment) {
    let (question, answer) = match app.providers.get(payment.provider) {
        Some(provider) => ask(provider, payment).await,
        None => (Question::Read, Answer::Unknown("it is not configured".to_owned())),
    };
    if let Err(error) = take_in(app, payment, question, &answer, &by_itself()).await {
        tracing::error!(stream = "error", payment_id = %payment.id, error = format!("{error:#}"), "an answer was not taken in");
    }
}

/// How it stands. What was to be charged and is not, as we or the provider died, is charged now.
async fn ask(provider: &dyn Provider, payment: &Payment) -> (Question, Answer<Charge>) {
    match fetch(provider, payment).await {
        Answer::Succeeded(found) if found.status == ChargeStatus::Open && payment.is_to_be_charged() => {
            (Question::Confirm, charge_again(provider, payment).await)
        }
        answer => (Question::Read, answer),
    }
}

/// A refusal may mean that what was asked for before has been done meanwhile: only one that a reading bears out is believed.
async fn charge_again(provider: &dyn Provider, payment: &Payment) -> Answer<Charge> {
    let answer = charge(provider, payment).await;
    if !matches!(answer, Answer::Declined(_)) {
        return answer;
    }
    match fetch(provider, payment).await {
        Answer::Succeeded(found) if matches!(found.status, ChargeStatus::Open | ChargeStatus::Failed) => answer,
        found => found,
    }
}

/// By the provider's number where it has told it, else by ours.
async fn fetch(provider: &dyn Provider, payment: &Payment) -> Answer<Charge> {
    let answer = match &payment.transaction_id {
        Some(transaction_id) => provider.fetch(transaction_id).await,
        None => provider.fetch_by_order(&payment.order_id).await,
    };
    match answer {
        Answer::Declined(_) => Answer::Succeeded(payment.not_heard_of()),
        Answer::Succeeded(found) if found.order_id != payment.order_id => {
            Answer::Unknown("its answer is about another order".to_owned())
        }
        answer => answer,
    }
}

impl Payment {
    /// Whether the parent authorised it and its time is not over.
    fn is_to_be_charged(&self) -> bool {
        self.standing() == Standing::Open
            && self.payment_status == Status::Confirming
            && !self.waits_for_deposit()
            && self.provider_key.is_some()
            && Utc::now() < self.expires_at
    }

    /// A payment that its provider has never heard of is as one that nobody has authorised.
    fn not_heard_of(&self) -> Charge {
        Charge {
            transaction_id: self.transaction_id.clone().unwrap_or_default(),
            order_id: self.order_id.clone(),
            status: ChargeStatus::Open,
            total: self.total_amount,
            balance: self.total_amount,
            method: None,
            charged_at: None,
            virtual_account: None,
            failure_code: None,
            cancels: Vec::new(),
        }
    }
}

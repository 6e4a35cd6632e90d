//! Payments for packages.

mod apply;
mod cancel;
mod confirm;
mod create;
mod decide;
mod evidence;
mod grpc;
pub(crate) mod metrics;
mod receipt;
mod refund_account;
pub(crate) mod store;
mod sync;
mod webhook;

use aipoten_events::{Aggregate, Context};
use aipoten_kit::{Caller, Error, Locale, Page, Place, Result, Role, Won};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::App;
use crate::provider::{Checkout, Method, Name, VirtualAccount};
use crate::refund::{self, Refund};
use decide::Standing;
use store::Filter;

pub(crate) use refund_account::keep as keep_refund_account;
pub(crate) use sync::{ask_for, sync};

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    Pending,
    Confirming,
    Completed,
    Failed,
    Expired,
    PartiallyRefunded,
    Refunded,
}

/// A row of `payments`.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) id: Uuid,
    pub(crate) package_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) therapist_id: Uuid,
    pub(crate) total_sessions: i16,
    pub(crate) original_amount: Won,
    pub(crate) discount_amount: Won,
    pub(crate) total_amount: Won,
    pub(crate) refunded_amount: Won,
    pub(crate) payment_method: Option<Method>,
    pub(crate) payment_status: Status,
    pub(crate) provider: Name,
    pub(crate) order_id: String,
    /// As the client named it.
    pub(crate) provider_key: Option<String>,
    /// As the provider told it.
    pub(crate) transaction_id: Option<String>,
    pub(crate) client_key: Option<String>,
    /// Encrypted.
    pub(crate) client_secret: Option<Vec<u8>>,
    pub(crate) checkout_url: Option<String>,
    /// Encrypted JSON of [`crate::provider::VirtualAccount`].
    pub(crate) virtual_account: Option<Vec<u8>>,
    /// Encrypted JSON of [`crate::provider::BankAccount`].
    pub(crate) refund_account: Option<Vec<u8>>,
    pub(crate) failure_code: Option<String>,
    pub(crate) expires_at: DateTime<Utc>,
    pub(crate) paid_at: Option<DateTime<Utc>>,
    pub(crate) reversed_at: Option<DateTime<Utc>>,
    pub(crate) reversals: i16,
    pub(crate) sync_at: Option<DateTime<Utc>>,
    pub(crate) sync_tries: i32,
    pub(crate) unknown_since: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) version: i64,
}

/// A payment as it is shown.
pub(crate) struct Shown {
    pub(crate) payment: Payment,
    /// In the reader's language.
    pub(crate) order_name: String,
    /// While it is pending; not in lists.
    pub(crate) checkout: Option<Checkout>,
    pub(crate) virtual_account: Option<VirtualAccount>,
    /// The oldest first; not in lists.
    pub(crate) refunds: Vec<Refund>,
}

pub(crate) async fn list(app: &App, caller: &Caller, status: Option<Status>, page: Page) -> Result<(Vec<Shown>, i64)> {
    let parent = caller.with_role(Role::Parent)?;
    page_of(app, caller, &Filter { user_id: Some(parent.id), status, ..Filter::default() }, page).await
}

/// Everybody's.
pub(crate) async fn search(app: &App, caller: &Caller, filter: &Filter, page: Page) -> Result<(Vec<Shown>, i64)> {
    caller.with_role(Role::Admin)?;
    page_of(app, caller, filter, page).await
}

async fn page_of(app: &App, caller: &Caller, filter: &Filter, page: Page) -> Result<(Vec<Shown>, i64)> {
    let mut conn = app.pool.acquire().await?;
    let payments = store::page(&mut conn, filter, page).await?;
    let total = store::count(&mut conn, filter).await?;
    let show = |payment| Ok(Shown { checkout: None, ..Shown::of(app, caller, payment)? });
    Ok((payments.into_iter().map(show).collect::<Result<_>>()?, total))
}

pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Shown> {
    let parent = caller.with_role(Role::Parent)?;
    let mut conn = app.pool.acquire().await?;
    let payment = find(&mut conn, id, parent.id).await?;
    Ok(Shown { refunds: refund::store::of_payment(&mut conn, id).await?, ..Shown::of(app, caller, payment)? })
}

/// A payment of this parent.
async fn find(conn: &mut PgConnection, id: Uuid, user_id: Uuid) -> Result<Payment> {
    store::find(conn, id, user_id).await?.ok_or_else(not_found)
}

fn not_found() -> Error {
    Error::NotFound("payment")
}

/// Nobody asked for it but the clock or a provider.
fn by_itself() -> Context {
    Context { actor: Some("billing".to_owned()), ..Context::default() }
}

impl Shown {
    fn of(app: &App, caller: &Caller, payment: Payment) -> Result<Self> {
        let account = payment.virtual_account.as_deref().filter(|_| payment.waits_for_deposit());
        let account = app.cipher.open_optional(payment.place("virtual_account"), account)?;
        let virtual_account =
            account.map(|json| serde_json::from_str(&json)).transpose().map_err(anyhow::Error::new)?;
        let secret = app.cipher.open_optional(payment.place("client_secret"), payment.client_secret.as_deref())?;
        let checkout = (payment.payment_status == Status::Pending).then(|| Checkout {
            client_key: payment.client_key.clone(),
            client_secret: secret,
            checkout_url: payment.checkout_url.clone(),
            transaction_id: payment.transaction_id.clone(),
        });
        let order_name = payment.order_name(caller.locale);
        Ok(Self { order_name, payment, checkout, virtual_account, refunds: Vec::new() })
    }
}

impl Payment {
    pub(crate) fn aggregate(&self, seq: i64) -> Aggregate {
        Aggregate { kind: "payment", id: self.id, seq }
    }

    pub(crate) fn place(&self, column: &'static str) -> Place {
        Place { table: "payments", column, row: self.id }
    }

    /// Whether the money is here: not while a deposit was taken back.
    pub(crate) fn is_captured(&self) -> bool {
        self.standing() == Standing::Captured
    }

    fn standing(&self) -> Standing {
        match self.payment_status {
            _ if self.reversed_at.is_some() => Standing::Reversed,
            Status::Pending | Status::Confirming => Standing::Open,
            Status::Failed | Status::Expired => Standing::Closed,
            Status::Completed | Status::PartiallyRefunded | Status::Refunded => Standing::Captured,
        }
    }

    /// Whether an account was given to the parent and the deposit has not come.
    fn waits_for_deposit(&self) -> bool {
        self.payment_status == Status::Confirming && self.virtual_account.is_some()
    }

    /// What the parent reads at the provider and on the receipt.
    pub(crate) fn order_name(&self, locale: Locale) -> String {
        match self.total_sessions {
            1 => locale.pick("발달 상담 1회".to_owned(), "1 consultation".to_owned()),
            count => locale.pick(format!("발달 상담 {count}회 패키지"), format!("Package of {count} consultations")),
        }
    }
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirming => "confirming",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }
}

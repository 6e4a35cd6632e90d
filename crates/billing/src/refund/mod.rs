//! Refunds: money that goes back. Each comes of one event or decision and is paid back once; the row of its payment is the lock
//! under which all of them happen, then that of the session, then its own.

mod account;
mod ask;
mod begin;
mod booking;
mod decide;
mod explain;
mod finish;
mod grpc;
pub(crate) mod metrics;
mod observe;
pub(crate) mod store;

use aipoten_events::Aggregate;
use aipoten_kit::{Caller, Error, Page, Result, Role, Won};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::App;
use crate::payment::{self, Payment};

pub(crate) use account::{forget as forget_accounts, forget_user, named as account_named};
pub(crate) use ask::ask_due;
pub(crate) use begin::{Cancelled, cancelled, disputed, payment_refused};
pub(crate) use observe::observe;

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    Requested,
    Processing,
    Completed,
    Failed,
    Rejected,
}

/// Why money goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Reason {
    CustomerRequest,
    TherapistCancel,
    NoShow,
    Dispute,
    Platform,
}

/// By which policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Policy {
    Full,
    Partial,
    None,
    PackageEnd,
}

/// A row of `refunds`.
#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub(crate) id: Uuid,
    pub(crate) payment_id: Uuid,
    pub(crate) consultation_id: Option<Uuid>,
    pub(crate) refund_amount: Won,
    pub(crate) refund_reason: Reason,
    pub(crate) refund_policy: Policy,
    pub(crate) refund_status: Status,
    pub(crate) is_by_hand: bool,
    pub(crate) provider_refund_id: Option<String>,
    pub(crate) failure_code: Option<String>,
    pub(crate) tries: i32,
    pub(crate) round: i16,
    pub(crate) requested_at: DateTime<Utc>,
    pub(crate) processed_at: Option<DateTime<Utc>>,
    pub(crate) version: i64,
}

/// Which refunds are asked for.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) status: Option<Status>,
    pub(crate) payment_id: Option<Uuid>,
}

pub(crate) async fn list(app: &App, caller: &Caller, filter: &Filter, page: Page) -> Result<(Vec<Refund>, i64)> {
    caller.with_role(Role::Admin)?;
    let mut conn = app.pool.acquire().await?;
    Ok((store::page(&mut conn, filter, page).await?, store::count(&mut conn, filter).await?))
}

/// With the rows of its payment and its own locked.
async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<(Payment, Refund)> {
    let payment_id = store::payment_of(conn, id).await?.ok_or_else(not_found)?;
    let payment = payment::store::lock(conn, payment_id).await?.ok_or_else(not_found)?;
    Ok((payment, store::lock(conn, id).await?.ok_or_else(not_found)?))
}

impl Refund {
    pub(crate) fn aggregate(&self, seq: i64) -> Aggregate {
        Aggregate { kind: "refund", id: self.id, seq }
    }

    /// The same for each try; another once an administrator has a refusal tried again.
    pub(crate) fn idempotency_key(&self) -> String {
        if self.round == 1 { self.id.to_string() } else { format!("{}-{}", self.id, self.round) }
    }

    /// Whether a provider may know of it from before, now that it is asked.
    fn was_asked(&self) -> bool {
        self.tries > 1 || self.round > 1
    }
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
        }
    }

    /// Fails with `INVALID_STATE` unless it is that one.
    fn require(self, status: Self) -> Result<()> {
        if self == status { Ok(()) } else { Err(Error::invalid_state(self.as_str())) }
    }
}

pub(crate) fn not_found() -> Error {
    Error::NotFound("refund")
}

//! Cases: what a person has to look at.

mod grpc;
pub(crate) mod store;

use aipoten_events::Aggregate;
use aipoten_kit::{Caller, Error, Page, Result, Role};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::acted::acted;
use crate::{App, provider};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A provider has not said for hours what became of a payment.
    UnknownPayment,
    /// Another amount was charged than is due.
    Amount,
    /// The provider has paid back what we did not ask for, or not what we did.
    Refund,
    /// The provider knows of a payment that we do not know.
    UnknownHere,
    /// We know of a payment that the provider does not know.
    UnknownThere,
    /// A deposit was taken back after it had come.
    Reversed,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::UnknownPayment, Self::Amount, Self::Refund, Self::UnknownHere, Self::UnknownThere, Self::Reversed];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::UnknownPayment => "unknown_payment",
            Self::Amount => "amount",
            Self::Refund => "refund",
            Self::UnknownHere => "unknown_here",
            Self::UnknownThere => "unknown_there",
            Self::Reversed => "reversed",
        }
    }
}

/// What was found. The same finding opens one case.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) kind: Kind,
    pub(crate) provider: provider::Name,
    pub(crate) payment_id: Option<Uuid>,
    /// What it is about, such as a provider's number.
    pub(crate) subject: &'a str,
    /// For people; no personal data.
    pub(crate) details: &'a str,
}

/// A row of `reconciliation_cases`.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) provider: provider::Name,
    pub(crate) payment_id: Option<Uuid>,
    pub(crate) details: String,
    pub(crate) opened_at: DateTime<Utc>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
    pub(crate) resolution: Option<String>,
}

/// Opens a case about something that stays as it is, unless there is or was one: a closed one is not opened again whenever somebody
/// looks.
pub(crate) async fn open_once(conn: &mut PgConnection, finding: &Finding<'_>) -> Result<()> {
    if store::is_known(conn, finding).await? { Ok(()) } else { open(conn, finding).await }
}

/// Opens a case, unless it is open.
pub(crate) async fn open(conn: &mut PgConnection, finding: &Finding<'_>) -> Result<()> {
    if store::open(conn, finding).await? {
        let Finding { kind, provider, payment_id, .. } = finding;
        tracing::error!(stream = "error", ?kind, ?provider, ?payment_id, "a case is open: somebody has to look at it");
    }
    Ok(())
}

pub(crate) async fn list(app: &App, caller: &Caller, open_only: bool, page: Page) -> Result<(Vec<Case>, i64)> {
    caller.with_role(Role::Admin)?;
    let mut conn = app.pool.acquire().await?;
    Ok((store::page(&mut conn, open_only, page).await?, store::count(&mut conn, open_only).await?))
}

pub(crate) async fn close(app: &App, caller: &Caller, id: Uuid, resolution: &str) -> Result<Case> {
    let admin = caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    let Some(closed) = store::close(&mut tx, id, admin.id, resolution).await? else {
        let known = store::exists(&mut tx, id).await?;
        return Err(if known { Error::invalid_state("closed") } else { Error::NotFound("case") });
    };
    // A case changes once.
    acted(&mut tx, caller, admin, Aggregate { kind: "case", id, seq: 2 }, "case.closed").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(closed)
}

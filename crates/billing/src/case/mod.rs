//! Cases: what a person has to look at.

pub(crate) mod store;

use aipoten_kit::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::provider;

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

/// Opens a case, unless it is open.
pub(crate) async fn open(conn: &mut PgConnection, finding: &Finding<'_>) -> Result<()> {
    if store::open(conn, finding).await? {
        let Finding { kind, provider, payment_id, .. } = finding;
        tracing::error!(stream = "error", ?kind, ?provider, ?payment_id, "a case is open: somebody has to look at it");
    }
    Ok(())
}

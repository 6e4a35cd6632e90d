//! Payments for packages.

pub(crate) mod store;

use aipoten_events::Aggregate;
use aipoten_kit::{Place, Won};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::provider::{Method, Name};

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
    pub(crate) transaction_id: Option<String>,
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
    pub(crate) sync_tries: i32,
    pub(crate) unknown_since: Option<DateTime<Utc>>,
    pub(crate) provider_balance: Option<Won>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) version: i64,
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
        matches!(self.payment_status, Status::Completed | Status::PartiallyRefunded | Status::Refunded)
            && self.reversed_at.is_none()
    }
}

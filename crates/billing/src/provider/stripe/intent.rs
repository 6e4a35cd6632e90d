//! `PaymentIntent` and Refund, read with suspicion: an amount, currency or status that we do not understand says nothing.

use aipoten_kit::Won;
use chrono::DateTime;
use serde::Deserialize;

use crate::provider::told::{Not, Told, finished};
use crate::provider::{Cancel, Charge, ChargeStatus, Method};

#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: bool,
}

#[derive(Deserialize)]
pub(super) struct Intent {
    pub(super) id: String,
    pub(super) client_secret: Option<String>,
    amount: i64,
    amount_received: i64,
    currency: String,
    status: String,
    #[serde(default)]
    pub(super) metadata: Metadata,
    latest_charge: Option<LatestCharge>,
    last_payment_error: Option<PaymentError>,
}

#[derive(Default, Deserialize)]
pub(super) struct Metadata {
    pub(super) order_id: Option<String>,
    refund_id: Option<String>,
}

/// Where it was not asked for, its number stands for it.
#[derive(Deserialize)]
#[serde(untagged)]
enum LatestCharge {
    Object(ChargeObject),
    #[expect(dead_code, reason = "the number is not needed, the case is")]
    Id(String),
}

#[derive(Deserialize)]
struct ChargeObject {
    payment_method_details: Option<MethodDetails>,
    /// Made when it is captured; the charge itself when it is authorised.
    balance_transaction: Option<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    created: i64,
}

#[derive(Deserialize)]
struct MethodDetails {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct PaymentError {
    code: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Refund {
    id: String,
    amount: i64,
    status: Option<String>,
    #[serde(default)]
    metadata: Metadata,
}

impl Intent {
    pub(super) fn was_charged(&self) -> bool {
        self.status == "succeeded"
    }

    pub(super) fn into_charge(self, refunds: &[Refund]) -> Told<Charge> {
        let Some(order_id) = self.metadata.order_id.clone() else {
            return Err(Not::unknown("it names no order of ours"));
        };
        let cancels: Vec<Cancel> = refunds.iter().filter(|refund| !refund.is_failed()).map(Refund::read).collect();
        let paid_back: Won = cancels.iter().filter(|cancel| cancel.done).map(|cancel| cancel.amount).sum();
        let status = match self.status.as_str() {
            "requires_payment_method"
            | "requires_confirmation"
            | "requires_action"
            | "processing"
            | "requires_capture" => ChargeStatus::Open,
            "succeeded" if paid_back.0 == self.amount && self.amount > 0 => ChargeStatus::Cancelled,
            "succeeded" => ChargeStatus::Charged,
            "canceled" => ChargeStatus::Cancelled,
            other => return Err(Not::Unknown(format!("its status `{other}` is none that we know"))),
        };
        let is_right = self.amount >= 0 && paid_back.0 <= self.amount && cancels.iter().all(|it| it.amount.0 > 0);
        if self.currency != "krw" || !is_right || (self.was_charged() && self.amount_received != self.amount) {
            return Err(Not::unknown("its amounts make no sense"));
        }
        let charge = match &self.latest_charge {
            Some(LatestCharge::Object(charge)) => Some(charge),
            _ => None,
        };
        let entry = charge.and_then(|it| it.balance_transaction.as_ref()).filter(|_| self.was_charged());
        let charged_at = entry.and_then(|it| DateTime::from_timestamp(it.created, 0));
        Ok(Charge {
            method: charge.and_then(|it| it.payment_method_details.as_ref()).and_then(MethodDetails::read),
            charged_at,
            transaction_id: self.id,
            order_id,
            status,
            total: Won(self.amount),
            balance: Won(self.amount) - paid_back,
            virtual_account: None,
            failure_code: self.last_payment_error.and_then(|error| error.code),
            cancels,
        })
    }
}

impl MethodDetails {
    fn read(&self) -> Option<Method> {
        Some(match self.kind.as_str() {
            "card" | "kr_card" => Method::Card,
            "kakao_pay" | "naver_pay" | "samsung_pay" | "payco" | "link" => Method::SimplePay,
            _ => return None,
        })
    }
}

impl Refund {
    fn is_failed(&self) -> bool {
        matches!(self.status.as_deref(), Some("failed" | "canceled"))
    }

    /// By its own number or ours.
    pub(super) fn is_named(&self, id: &str) -> bool {
        self.id == id || self.metadata.refund_id.as_deref() == Some(id)
    }

    fn read(&self) -> Cancel {
        Cancel {
            id: self.id.clone(),
            amount: Won(self.amount),
            done: self.status.as_deref() == Some("succeeded"),
            refund_id: self.metadata.refund_id.clone(),
        }
    }

    pub(super) fn told(&self) -> Told<Cancel> {
        finished(self.read(), self.is_failed())
    }
}

//! The object Payment, read with suspicion: an amount, currency or status that we do not understand says nothing.

use aipoten_kit::Won;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::bank;
use crate::provider::told::{Not, Told, finished};
use crate::provider::{Cancel, Charge, ChargeStatus, Method, Transaction, VirtualAccount, note};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment {
    /// The merchant's number of it.
    id: String,
    status: String,
    currency: String,
    amount: Amount,
    method: Option<MethodObject>,
    paid_at: Option<DateTime<Utc>>,
    failure: Option<Failure>,
    #[serde(default)]
    cancellations: Vec<Cancellation>,
}

#[derive(Deserialize)]
struct Amount {
    total: i64,
    cancelled: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MethodObject {
    #[serde(rename = "type")]
    kind: String,
    bank: Option<String>,
    account_number: Option<String>,
    expired_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    reason: Option<String>,
    pg_code: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cancellation {
    id: String,
    status: String,
    total_amount: i64,
    #[serde(default)]
    reason: String,
    cancelled_at: Option<DateTime<Utc>>,
}

impl Cancellation {
    fn is_failed(&self) -> bool {
        self.status == "FAILED"
    }

    fn read(&self) -> Cancel {
        Cancel {
            id: self.id.clone(),
            amount: Won(self.total_amount),
            done: self.status == "SUCCEEDED",
            refund_id: note::id_of(&self.reason),
        }
    }
}

impl Payment {
    pub(super) fn into_charge(self) -> Told<Charge> {
        let Some(status) = status(&self.status) else {
            return Err(Not::Unknown(format!("its status `{}` is none that we know", self.status)));
        };
        if self.currency != "KRW" || !(0..=self.amount.total).contains(&self.amount.cancelled) {
            return Err(Not::unknown("its amounts make no sense"));
        }
        let charged_at = self.paid_at.filter(|_| matches!(status, ChargeStatus::Charged | ChargeStatus::Cancelled));
        let cancels = self.cancellations.iter().filter(|it| charged_at.is_some() && !it.is_failed());
        let paid_back = if charged_at.is_some() { self.amount.cancelled } else { 0 };
        Ok(Charge {
            cancels: cancels.map(Cancellation::read).collect(),
            transaction_id: self.id.clone(),
            order_id: self.id,
            status,
            total: Won(self.amount.total),
            balance: Won(self.amount.total - paid_back),
            method: self.method.as_ref().and_then(MethodObject::read),
            charged_at,
            virtual_account: self.method.and_then(MethodObject::virtual_account),
            failure_code: self.failure.and_then(|failure| failure.pg_code.or(failure.reason)),
        })
    }

    /// What became of a cancel, by its own number or ours; `None` when there is none.
    pub(super) fn cancel(&self, id: &str) -> Option<Told<Cancel>> {
        let named = |it: &&Cancellation| it.id == id || note::id_of(&it.reason).as_deref() == Some(id);
        let cancel = self.cancellations.iter().rfind(named)?;
        Some(finished(cancel.read(), cancel.is_failed()))
    }

    /// The charge and what was paid back.
    pub(super) fn movements(&self) -> Vec<Transaction> {
        let Some(paid_at) = self.paid_at else { return Vec::new() };
        let movement = |amount, at| Transaction {
            transaction_id: self.id.clone(),
            order_id: self.id.clone(),
            amount: Won(amount),
            at,
        };
        let cancels = self.cancellations.iter().filter(|it| it.status == "SUCCEEDED");
        let cancels = cancels.filter_map(|it| Some(movement(-it.total_amount, it.cancelled_at?)));
        std::iter::once(movement(self.amount.total, paid_at)).chain(cancels).collect()
    }
}

impl MethodObject {
    fn read(&self) -> Option<Method> {
        Some(match self.kind.as_str() {
            "PaymentMethodCard" => Method::Card,
            "PaymentMethodTransfer" => Method::BankTransfer,
            "PaymentMethodEasyPay" => Method::SimplePay,
            "PaymentMethodMobile" => Method::Mobile,
            "PaymentMethodVirtualAccount" => Method::VirtualAccount,
            _ => return None,
        })
    }

    fn virtual_account(self) -> Option<VirtualAccount> {
        let account_number = self.account_number.filter(|_| self.kind == "PaymentMethodVirtualAccount")?;
        let bank_code = bank::code(self.bank.as_deref().unwrap_or_default()).to_owned();
        Some(VirtualAccount { bank_code, account_number, due_at: self.expired_at })
    }
}

fn status(text: &str) -> Option<ChargeStatus> {
    Some(match text {
        "READY" | "PAY_PENDING" => ChargeStatus::Open,
        "VIRTUAL_ACCOUNT_ISSUED" => ChargeStatus::WaitingForDeposit,
        "PAID" | "PARTIAL_CANCELLED" => ChargeStatus::Charged,
        "CANCELLED" => ChargeStatus::Cancelled,
        "FAILED" => ChargeStatus::Failed,
        _ => return None,
    })
}

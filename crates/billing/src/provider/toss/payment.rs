//! The object Payment, read with suspicion: an amount, currency or status that we do not understand says nothing.

use aipoten_kit::Won;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::bank;
use crate::provider::told::{Not, Told, finished};
use crate::provider::{Cancel, Charge, ChargeStatus, Method, VirtualAccount, note};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment {
    payment_key: String,
    order_id: String,
    currency: String,
    method: Option<String>,
    total_amount: i64,
    balance_amount: i64,
    status: String,
    approved_at: Option<DateTime<Utc>>,
    virtual_account: Option<Account>,
    failure: Option<Failure>,
    cancels: Option<Vec<CancelObject>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    bank_code: String,
    account_number: String,
    due_date: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Failure {
    code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelObject {
    transaction_key: String,
    cancel_amount: i64,
    #[serde(default)]
    cancel_reason: String,
    cancel_status: Option<String>,
}

impl CancelObject {
    fn is_failed(&self) -> bool {
        self.cancel_status.as_deref() == Some("ABORTED")
    }

    fn read(&self) -> Cancel {
        Cancel {
            id: self.transaction_key.clone(),
            amount: Won(self.cancel_amount),
            done: self.cancel_status.as_deref().is_none_or(|status| status == "DONE"),
            refund_id: note::id_of(&self.cancel_reason),
        }
    }
}

impl Payment {
    pub(super) fn into_charge(self) -> Told<Charge> {
        let Some(status) = status(&self.status) else {
            return Err(Not::Unknown(format!("its status `{}` is none that we know", self.status)));
        };
        if self.currency != "KRW" || !(0..=self.total_amount).contains(&self.balance_amount) {
            return Err(Not::unknown("its amounts make no sense"));
        }
        // A deposit that was taken back, or never came, was not charged; nor was an order that was given up.
        let paid = matches!(status, ChargeStatus::Charged | ChargeStatus::Cancelled);
        let charged_at = self.approved_at.filter(|_| paid);
        let cancels = self.cancels.unwrap_or_default();
        let cancels = cancels.iter().filter(|it| charged_at.is_some() && !it.is_failed()).map(CancelObject::read);
        Ok(Charge {
            cancels: cancels.collect(),
            transaction_id: self.payment_key,
            order_id: self.order_id,
            status,
            total: Won(self.total_amount),
            balance: Won(if charged_at.is_some() { self.balance_amount } else { self.total_amount }),
            method: self.method.as_deref().and_then(method),
            charged_at,
            virtual_account: self.virtual_account.map(|account| VirtualAccount {
                bank_code: bank::from_toss(&account.bank_code),
                account_number: account.account_number,
                due_at: account.due_date,
            }),
            failure_code: self.failure.map(|failure| failure.code),
        })
    }

    /// What became of a cancel, by its own number or ours; `None` when there is none.
    pub(super) fn cancel(&self, id: &str) -> Option<Told<Cancel>> {
        let named =
            |it: &&CancelObject| it.transaction_key == id || note::id_of(&it.cancel_reason).as_deref() == Some(id);
        let cancel = self.cancels.iter().flatten().rfind(named)?;
        Some(finished(cancel.read(), cancel.is_failed()))
    }

    /// Whether it was cancelled before it was charged.
    pub(super) fn is_given_up(&self) -> bool {
        self.status == "CANCELED" && self.approved_at.is_none()
    }
}

fn status(text: &str) -> Option<ChargeStatus> {
    Some(match text {
        "READY" | "IN_PROGRESS" => ChargeStatus::Open,
        "WAITING_FOR_DEPOSIT" => ChargeStatus::WaitingForDeposit,
        "DONE" | "PARTIAL_CANCELED" => ChargeStatus::Charged,
        "CANCELED" => ChargeStatus::Cancelled,
        "ABORTED" => ChargeStatus::Failed,
        "EXPIRED" => ChargeStatus::Expired,
        _ => return None,
    })
}

/// Gift certificates, which nobody offers here, are none of ours.
fn method(text: &str) -> Option<Method> {
    Some(match text {
        "카드" => Method::Card,
        "계좌이체" => Method::BankTransfer,
        "간편결제" => Method::SimplePay,
        "휴대폰" => Method::Mobile,
        "가상계좌" => Method::VirtualAccount,
        _ => return None,
    })
}

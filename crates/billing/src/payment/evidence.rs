//! What providers answered, kept without secrets and numbers of accounts.

use aipoten_kit::Result;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::apply::Question;
use super::{Payment, store};
use crate::provider::{Answer, Cancel, Charge};

/// Keeps an answer.
pub(super) async fn keep(
    conn: &mut PgConnection,
    payment: &Payment,
    question: Question,
    answer: &Answer<Charge>,
) -> Result<()> {
    let asked = if question == Question::Confirm { "confirm" } else { "read" };
    let said = match answer {
        Answer::Succeeded(charge) => json!({ "asked": asked, "answer": "succeeded", "charge": charge.redacted() }),
        Answer::Declined(refusal) => json!({ "asked": asked, "answer": "declined", "code": refusal.code }),
        Answer::Pending => json!({ "asked": asked, "answer": "pending" }),
        Answer::Unknown(said) => json!({ "asked": asked, "answer": "unknown", "said": said }),
    };
    let event_id = format!("answer:{}", Uuid::now_v7());
    store::keep_event(conn, payment.provider, &event_id, payment.id, "answer", &said).await?;
    Ok(())
}

impl Charge {
    fn redacted(&self) -> Value {
        json!({
            "transaction_id": self.transaction_id,
            "status": format!("{:?}", self.status),
            "total": self.total.0,
            "balance": self.balance.0,
            "method": self.method.map(|method| format!("{method:?}")),
            "charged_at": self.charged_at,
            "failure_code": self.failure_code,
            "cancels": self.cancels.iter().map(Cancel::redacted).collect::<Vec<_>>(),
        })
    }
}

impl Cancel {
    fn redacted(&self) -> Value {
        json!({ "id": self.id, "amount": self.amount.0, "done": self.done, "refund_id": self.refund_id })
    }
}

//! Metrics of payments.

use aipoten_kit::telemetry::count;
use metrics::{Counter, counter, gauge};
use sqlx::PgConnection;

use super::{Payment, Status, store};
use crate::provider::Name;

/// Those that a payment comes to and that are counted.
const COUNTED: [Status; 4] = [Status::Pending, Status::Completed, Status::Failed, Status::Expired];

/// All that there will be, at zero.
pub(crate) fn prepare() {
    for provider in Name::ALL {
        for status in COUNTED {
            payments(provider, status).increment(0);
        }
        captured(provider).increment(0);
    }
}

/// A payment has come to this status.
pub(super) fn came_to(provider: Name, status: Status) {
    count(payments(provider, status), 1);
}

/// The money of a payment is here.
pub(super) fn completed(payment: &Payment) {
    came_to(payment.provider, Status::Completed);
    count(captured(payment.provider), payment.total_amount.0.unsigned_abs());
}

/// Of which the provider has not said what became of them.
pub(crate) async fn measure_unknown(conn: &mut PgConnection) -> sqlx::Result<()> {
    let unknown = store::unknown(conn).await?;
    for provider in Name::ALL {
        let unknown = unknown.iter().find(|it| it.provider == provider);
        let (payments, oldest) = unknown.map_or((0.0, 0.0), |it| (it.payments, it.oldest));
        gauge!("aipoten_payments_unknown", "provider" => provider.as_str()).set(payments);
        gauge!("aipoten_payments_unknown_oldest_seconds", "provider" => provider.as_str()).set(oldest);
    }
    Ok(())
}

fn payments(provider: Name, status: Status) -> Counter {
    counter!("aipoten_payments_total", "provider" => provider.as_str(), "status" => status.as_str())
}

fn captured(provider: Name) -> Counter {
    counter!("aipoten_payments_won_total", "provider" => provider.as_str())
}

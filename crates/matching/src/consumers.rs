//! What matching does with the events of others.

use aipoten_events::{Consumers, Delivered, Failure};
use aipoten_proto::billing::v1::PaymentCompleted;
use anyhow::anyhow;
use sqlx::PgConnection;
use uuid::Uuid;

/// The table of event and handler.
pub fn consumers() -> Consumers {
    Consumers::new("matching")
}

fn parse(id: &str) -> Result<Uuid, Failure> {
    Ok(aipoten_proto::uuid(id).map_err(|_| anyhow!("the event holds no id"))?)
}

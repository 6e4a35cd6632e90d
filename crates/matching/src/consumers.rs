//! What matching does with the events of others.

use aipoten_events::{Aggregate, Consumers, Delivered, Failure, publish};
use aipoten_proto::billing::v1::{PaymentCompleted, PaymentReversed};
use aipoten_proto::identity::v1::{ChildDeleted, ErasureBegun, UserDeleted};
use aipoten_proto::matching::v1::ErasureCleared;
use anyhow::anyhow;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::erasure;
use crate::package::{self, Payment};
use aipoten_kit::Won;

/// The table of event and handler.
pub fn consumers() -> Consumers {
    Consumers::new("matching")
        .on::<PaymentCompleted>(payment_completed)
        .on::<PaymentReversed>(payment_reversed)
        .on::<ChildDeleted>(child_deleted)
        .on::<ErasureBegun>(erasure_begun)
        .on::<UserDeleted>(user_deleted)
}

/// The package runs, and its held times are set.
pub async fn payment_completed(conn: &mut PgConnection, event: &Delivered<PaymentCompleted>) -> Result<(), Failure> {
    let package_id = parse(&event.event.package_id)?;
    let payment = Payment { id: parse(&event.event.payment_id)?, seq: event.aggregate_seq };
    package::paid(conn, package_id, payment, Won(event.event.amount), &event.context).await
}

/// The package rests.
pub async fn payment_reversed(conn: &mut PgConnection, event: &Delivered<PaymentReversed>) -> Result<(), Failure> {
    let package_id = parse(&event.event.package_id)?;
    let payment = Payment { id: parse(&event.event.payment_id)?, seq: event.aggregate_seq };
    package::reversed(conn, package_id, payment).await
}

/// Ends what runs for the child and erases what was written of it.
pub async fn child_deleted(conn: &mut PgConnection, event: &Delivered<ChildDeleted>) -> Result<(), Failure> {
    let (child_id, user_id) = (parse(&event.event.child_id)?, parse(&event.event.user_id)?);
    Ok(erasure::child(conn, child_id, user_id, &event.context).await?)
}

/// The same for all children of an account; a therapist leaves. Identity hears that nothing runs any more.
pub async fn erasure_begun(conn: &mut PgConnection, event: &Delivered<ErasureBegun>) -> Result<(), Failure> {
    let user_id = parse(&event.event.user_id)?;
    erasure::account(conn, user_id, &event.context).await?;
    let cleared = ErasureCleared { user_id: event.event.user_id.clone() };
    publish(conn, Aggregate { kind: "user", id: user_id, seq: event.aggregate_seq }, &cleared, &event.context).await?;
    Ok(())
}

/// Once more, of what came meanwhile.
pub async fn user_deleted(conn: &mut PgConnection, event: &Delivered<UserDeleted>) -> Result<(), Failure> {
    Ok(erasure::account(conn, parse(&event.event.user_id)?, &event.context).await?)
}

fn parse(id: &str) -> Result<Uuid, Failure> {
    Ok(aipoten_proto::uuid(id).map_err(|_| anyhow!("the event holds no id"))?)
}

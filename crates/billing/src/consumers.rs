//! What billing does with the events of others.

use aipoten_events::{Consumers, Delivered, Failure};
use aipoten_proto::matching::v1::{PackageCancelled, PackageExpired};
use anyhow::anyhow;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{order, payment};

/// The table of event and handler.
pub fn consumers() -> Consumers {
    Consumers::new("billing").on::<PackageExpired>(package_expired).on::<PackageCancelled>(package_cancelled)
}

/// It was not paid in time, so it cannot be paid any more; what is charged all the same still counts.
pub async fn package_expired(conn: &mut PgConnection, event: &Delivered<PackageExpired>) -> Result<(), Failure> {
    end_unpaid(conn, parse(&event.event.package_id)?).await
}

/// As before, where it was not paid. What a paid one pays back is told session by session.
pub async fn package_cancelled(conn: &mut PgConnection, event: &Delivered<PackageCancelled>) -> Result<(), Failure> {
    end_unpaid(conn, parse(&event.event.package_id)?).await
}

async fn end_unpaid(conn: &mut PgConnection, package_id: Uuid) -> Result<(), Failure> {
    order::store::end_unpaid(conn, package_id).await?;
    Ok(payment::store::end_time(conn, package_id).await?)
}

fn parse(id: &str) -> Result<Uuid, Failure> {
    Ok(aipoten_proto::uuid(id).map_err(|_| anyhow!("the event holds no id"))?)
}

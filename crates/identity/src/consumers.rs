//! What identity does with the events of others (and its own).

use aipoten_events::{Consumers, Delivered, Failure};
use aipoten_proto::billing::v1 as billing;
use aipoten_proto::common::v1::{AdminActed, ChildAccessed};
use aipoten_proto::matching::v1 as matching;
use aipoten_proto::matching::v1::{CareRelationEnded, CareRelationStarted};
use sqlx::PgConnection;

use crate::{audit, care, child, user};

/// The table of event and handler.
pub fn consumers() -> Consumers {
    Consumers::new("identity")
        .on::<AdminActed>(admin_acted)
        .on::<ChildAccessed>(child_accessed)
        .on::<CareRelationStarted>(care_relation_started)
        .on::<CareRelationEnded>(care_relation_ended)
        .on::<matching::ErasureCleared>(matching_cleared)
        .on::<billing::ErasureCleared>(billing_cleared)
}

/// Writes what an administrator did into the audit log.
pub async fn admin_acted(conn: &mut PgConnection, event: &Delivered<AdminActed>) -> Result<(), Failure> {
    audit::record_reported(conn, event).await
}

/// Writes what was read of a child elsewhere into its access log.
pub async fn child_accessed(conn: &mut PgConnection, event: &Delivered<ChildAccessed>) -> Result<(), Failure> {
    child::record_reported(conn, event).await
}

/// A therapist sees the child from now on.
pub async fn care_relation_started(
    conn: &mut PgConnection,
    event: &Delivered<CareRelationStarted>,
) -> Result<(), Failure> {
    care::started(conn, event).await
}

/// A therapist sees the child a while longer.
pub async fn care_relation_ended(conn: &mut PgConnection, event: &Delivered<CareRelationEnded>) -> Result<(), Failure> {
    care::ended(conn, event).await
}

/// Nothing runs any more of an account that is to be erased.
pub async fn matching_cleared(
    conn: &mut PgConnection,
    event: &Delivered<matching::ErasureCleared>,
) -> Result<(), Failure> {
    user::cleared(conn, &event.event.user_id, "matching").await
}

/// No money is open any more of it.
pub async fn billing_cleared(
    conn: &mut PgConnection,
    event: &Delivered<billing::ErasureCleared>,
) -> Result<(), Failure> {
    user::cleared(conn, &event.event.user_id, "billing").await
}

//! Care relations: which therapists see which children. Matching tells of them; consents are looked at here, at every reading.

mod store;

use aipoten_events::{Delivered, Event, Failure};
use aipoten_kit::Result;
use aipoten_proto::matching::v1::{CareRelationEnded, CareRelationStarted};
use anyhow::anyhow;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// What a package is to a therapist and a child.
struct CareRelation {
    package_id: Uuid,
    therapist_id: Uuid,
    child_id: Uuid,
    /// `None` while the package runs.
    until: Option<DateTime<Utc>>,
    /// Version of the package.
    seq: i64,
}

pub(crate) async fn started(conn: &mut PgConnection, event: &Delivered<CareRelationStarted>) -> Result<(), Failure> {
    let CareRelationStarted { package_id, therapist_id, child_id } = &event.event;
    keep(conn, event, [package_id, therapist_id, child_id], None).await
}

pub(crate) async fn ended(conn: &mut PgConnection, event: &Delivered<CareRelationEnded>) -> Result<(), Failure> {
    let CareRelationEnded { package_id, therapist_id, child_id, until } = &event.event;
    let until = until.and_then(|it| aipoten_proto::moment(it).ok()).ok_or_else(|| anyhow!("the event names no end"))?;
    keep(conn, event, [package_id, therapist_id, child_id], Some(until)).await
}

/// In whatever order events come, the newest version of the package stays.
async fn keep<E: Event>(
    conn: &mut PgConnection,
    event: &Delivered<E>,
    ids: [&String; 3],
    until: Option<DateTime<Utc>>,
) -> Result<(), Failure> {
    let parse = |id: &str| aipoten_proto::uuid(id).map_err(|_| anyhow!("the event holds no id"));
    let [package_id, therapist_id, child_id] = ids;
    let relation = CareRelation {
        package_id: parse(package_id)?,
        therapist_id: parse(therapist_id)?,
        child_id: parse(child_id)?,
        until,
        seq: event.aggregate_seq,
    };
    store::keep(conn, &relation).await?;
    Ok(())
}

/// The owner who shares the child with the therapist: as long as a package runs and for its time after, and only while the
/// owner's consents are in force.
pub(crate) async fn sharer(conn: &mut PgConnection, therapist_id: Uuid, child_id: Uuid) -> Result<Option<Uuid>> {
    Ok(store::sharer(conn, therapist_id, child_id).await?)
}

/// Removes the relations of a therapist whose account is erased. Those of children go with the children.
pub(crate) async fn erase(conn: &mut PgConnection, therapist_id: Uuid) -> Result<()> {
    Ok(store::delete_all(conn, therapist_id).await?)
}

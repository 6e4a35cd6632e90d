//! What is told to others about therapists.

use aipoten_events::{Aggregate, Context, Event, publish};
use aipoten_kit::{Caller, User};
use aipoten_proto::common::v1::AdminActed;
use aipoten_proto::matching::v1::TherapistChanged;
use sqlx::PgConnection;
use uuid::Uuid;

/// In the transaction of the change; the relay is woken after its commit. The version is the one after the change.
pub(super) async fn announce<E: Event>(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    version: i64,
    event: &E,
    context: &Context,
) -> sqlx::Result<()> {
    publish(conn, Aggregate { kind: "therapist", id: therapist_id, seq: version }, event, context).await?;
    Ok(())
}

/// What everyone sees of a therapist changed.
pub(crate) async fn announce_change(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    version: i64,
    context: &Context,
) -> sqlx::Result<()> {
    let event = TherapistChanged { therapist_id: therapist_id.to_string() };
    announce(conn, therapist_id, version, &event, context).await
}

/// For the audit log.
pub(crate) async fn admin_acted(
    conn: &mut PgConnection,
    caller: &Caller,
    admin: &User,
    action: &'static str,
    resource: &'static str,
    resource_id: Uuid,
) -> sqlx::Result<()> {
    let event = AdminActed {
        actor_id: admin.id.to_string(),
        action: action.to_owned(),
        resource: resource.to_owned(),
        resource_id: resource_id.to_string(),
    };
    publish(conn, Aggregate { kind: resource, id: resource_id, seq: 0 }, &event, &caller.into()).await?;
    Ok(())
}

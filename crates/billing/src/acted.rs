//! What the audit log is told of administrators.

use aipoten_events::{Aggregate, publish};
use aipoten_kit::{Caller, Result, User};
use aipoten_proto::common::v1::AdminActed;
use sqlx::PgConnection;

/// Writes down who did it to what, in the transaction of the act.
pub(crate) async fn acted(
    conn: &mut PgConnection,
    caller: &Caller,
    admin: &User,
    on: Aggregate,
    action: &str,
) -> Result<()> {
    let acted = AdminActed {
        actor_id: admin.id.to_string(),
        action: action.to_owned(),
        resource: on.kind.to_owned(),
        resource_id: on.id.to_string(),
    };
    publish(conn, on, &acted, &caller.into()).await?;
    Ok(())
}

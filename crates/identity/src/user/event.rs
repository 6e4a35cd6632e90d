//! What others are told of an account: ids, and never where its person is reached.

use aipoten_events::{Aggregate, Event};
use aipoten_kit::{Caller, Result};
use aipoten_proto::identity::v1::SecurityAlerted;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store;

/// What its owner should know at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alert {
    NewDevice,
    PasswordChanged,
    PasswordReset,
    EmailChanged,
    RefreshReused,
    Locked,
}

impl Alert {
    fn kind(self) -> &'static str {
        match self {
            Self::NewDevice => "new_device",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::EmailChanged => "email_changed",
            Self::RefreshReused => "refresh_reused",
            Self::Locked => "locked",
        }
    }
}

/// Tells the owner, in the transaction of what they should know. The relay is to be woken after the commit.
pub(crate) async fn alert(conn: &mut PgConnection, caller: &Caller, user_id: Uuid, alert: Alert) -> Result<()> {
    let event = SecurityAlerted { user_id: user_id.to_string(), kind: alert.kind().to_owned() };
    publish(conn, caller, user_id, &event).await
}

/// Publishes an event about an account, in the transaction of its effect.
pub(super) async fn publish<E: Event>(
    conn: &mut PgConnection,
    caller: &Caller,
    user_id: Uuid,
    event: &E,
) -> Result<()> {
    let aggregate = Aggregate { kind: "user", id: user_id, seq: store::version(conn, user_id).await? };
    aipoten_events::publish(conn, aggregate, event, &caller.into()).await?;
    Ok(())
}

//! Events of identity.

use aipoten_events::{Delivered, Failure};
use aipoten_proto::identity::v1::{
    ChildDeleted, EmailChangeRequested, EmailVerificationRequested, ErasureRequested, PasswordResetRequested,
    SecurityAlerted, UserDeleted, UserRegistered,
};
use serde_json::json;
use sqlx::PgConnection;

use super::{News, moment, parse};
use crate::erasure;

/// Welcomes them, and mails the link that verifies the address.
pub async fn user_registered(conn: &mut PgConnection, event: &Delivered<UserRegistered>) -> Result<(), Failure> {
    let person = [event.event.user_id.as_str()];
    News::new("welcome", &event.event.user_id, &[]).tell(conn, &person, &event.context).await?;
    News::new("verify_email", event.id, &[]).tell(conn, &person, &event.context).await
}

/// Mails the link once more.
pub async fn email_verification_requested(
    conn: &mut PgConnection,
    event: &Delivered<EmailVerificationRequested>,
) -> Result<(), Failure> {
    News::new("verify_email", event.id, &[]).tell(conn, &[&event.event.user_id], &event.context).await
}

/// Mails the link for a new password.
pub async fn password_reset_requested(
    conn: &mut PgConnection,
    event: &Delivered<PasswordResetRequested>,
) -> Result<(), Failure> {
    News::new("reset_password", event.id, &[]).tell(conn, &[&event.event.user_id], &event.context).await
}

/// Mails the link to the new address.
pub async fn email_change_requested(
    conn: &mut PgConnection,
    event: &Delivered<EmailChangeRequested>,
) -> Result<(), Failure> {
    News::new("change_email", event.id, &[]).tell(conn, &[&event.event.user_id], &event.context).await
}

/// Warns the owner of the account.
pub async fn security_alerted(conn: &mut PgConnection, event: &Delivered<SecurityAlerted>) -> Result<(), Failure> {
    let variables = [("kind", json!(event.event.kind))];
    News::new("security_alert", event.id, &variables).tell(conn, &[&event.event.user_id], &event.context).await
}

/// Confirms it, and says how to take it back.
pub async fn erasure_requested(conn: &mut PgConnection, event: &Delivered<ErasureRequested>) -> Result<(), Failure> {
    let variables = [("due_at", json!(moment(event.event.due_at)?))];
    News::new("erasure_requested", event.id, &variables).tell(conn, &[&event.event.user_id], &event.context).await
}

/// Erases all that is kept of the account.
pub async fn user_deleted(conn: &mut PgConnection, event: &Delivered<UserDeleted>) -> Result<(), Failure> {
    Ok(erasure::account(conn, parse(&event.event.user_id)?).await?)
}

/// Erases what is kept of the child.
pub async fn child_deleted(conn: &mut PgConnection, event: &Delivered<ChildDeleted>) -> Result<(), Failure> {
    Ok(erasure::child(conn, parse(&event.event.child_id)?, parse(&event.event.user_id)?).await?)
}

//! Consents: what a person agreed to, and took back.

mod grpc;
mod store;

use aipoten_kit::{Caller, Error, Reason, Result};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::audit::{self, Act};
use crate::{App, user};

pub(crate) use grpc::kind as parse_kind;

/// What is agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Kind {
    Terms,
    Privacy,
    Guardian,
    ChildSensitiveData,
    Marketing,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Privacy => "privacy",
            Self::Guardian => "guardian",
            Self::ChildSensitiveData => "child_sensitive_data",
            Self::Marketing => "marketing",
        }
    }
}

/// How the person was shown to be who they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Method {
    Web,
    WebSms,
    Card,
    IdentityCheck,
    Paper,
}

/// A consent to put on record.
pub(crate) struct NewConsent {
    pub(crate) kind: Kind,
    pub(crate) text_version: String,
    pub(crate) method: Method,
    pub(crate) evidence: Option<String>,
}

/// What a person says of a consent.
pub(crate) enum Decision {
    Give(NewConsent),
    Withdraw(Kind),
}

/// A consent on record.
pub(crate) struct Consent {
    id: Uuid,
    kind: Kind,
    text_version: String,
    method: Method,
    granted_at: DateTime<Utc>,
    withdrawn_at: Option<DateTime<Utc>>,
}

/// Fails with `CONSENT_REQUIRED` unless the consent is in force. The row stays locked: it cannot be withdrawn before
/// the caller's transaction ends.
pub(crate) async fn require(conn: &mut PgConnection, user_id: Uuid, kind: Kind) -> Result<()> {
    if store::lock_in_force(conn, user_id, kind).await? {
        return Ok(());
    }
    Err(Error::PermissionDenied(Reason::from("CONSENT_REQUIRED").with("kind", kind.as_str())))
}

/// Whether the consent is in force now.
pub(crate) async fn in_force(conn: &mut PgConnection, user_id: Uuid, kind: Kind) -> Result<bool> {
    store::in_force(conn, user_id, kind).await
}

/// Puts a consent on record; one of the same kind in force is replaced by it.
pub(crate) async fn give(conn: &mut PgConnection, caller: &Caller, user_id: Uuid, new: NewConsent) -> Result<Consent> {
    store::withdraw(conn, user_id, new.kind).await?;
    let consent = store::insert(conn, Uuid::now_v7(), user_id, &new, &caller.ip).await?;
    audit::record(conn, caller, &Act::done("consent.granted", user_id, "consent", consent.id)).await?;
    Ok(consent)
}

async fn decide(app: &App, caller: &Caller, decision: Decision) -> Result<Consent> {
    let user = caller.user()?;
    let mut tx = app.pool.begin().await?;
    // One decision at a time: at most one consent of a kind is in force.
    user::lock(app, &mut tx, user.id).await?;
    let consent = match decision {
        Decision::Give(new) => give(&mut tx, caller, user.id, new).await?,
        Decision::Withdraw(kind) => {
            let withdrawn = store::withdraw(&mut tx, user.id, kind).await?;
            let consent = withdrawn.ok_or_else(|| Error::invalid_state("not_given"))?;
            audit::record(&mut tx, caller, &Act::done("consent.withdrawn", user.id, "consent", consent.id)).await?;
            consent
        }
    };
    tx.commit().await?;
    Ok(consent)
}

async fn list(app: &App, caller: &Caller) -> Result<Vec<Consent>> {
    let user = caller.user()?;
    let mut conn = app.pool.acquire().await?;
    store::list(&mut conn, user.id).await
}

/// Removes a person's consents with their account.
pub(crate) async fn erase(conn: &mut PgConnection, user_id: Uuid) -> Result<()> {
    store::delete_all(conn, user_id).await
}

//! What administrators decide about accounts, each time with a reason in the audit log.

use aipoten_kit::{Caller, Error, Page, Result, Role};
use chrono::Utc;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Status, User, store};
use crate::App;
use crate::audit::{self, Act};
use crate::session::{self, EndReason};

/// Which accounts are asked for, in which order.
pub(super) struct Filter {
    pub(super) role: Option<Role>,
    pub(super) status: Option<Status>,
    pub(super) q: Option<String>,
    pub(super) sort: String,
}

/// A change of somebody's account.
pub(super) struct Decision {
    pub(super) user_id: Uuid,
    pub(super) status: Option<Status>,
    pub(super) role: Option<Role>,
    pub(super) reason: String,
    pub(super) expected_version: Option<i64>,
}

pub(super) async fn list(app: &App, caller: &Caller, page: Page, filter: &Filter) -> Result<(Vec<User>, i64)> {
    caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    store::plan_for_values(&mut tx).await?;
    let users = store::list(&mut tx, &app.cipher, page, filter).await?;
    let total = store::count(&mut tx, filter).await?;
    tx.commit().await?;
    Ok((users, total))
}

/// Whoever was signed in is signed out: their tokens speak for another state or role.
pub(super) async fn update(app: &App, caller: &Caller, decision: Decision) -> Result<User> {
    let admin = other_than(caller, decision.user_id)?;
    let mut tx = app.pool.begin().await?;
    stay_administrator(&mut tx, admin).await?;
    let user = store::lock_named(&mut tx, &app.cipher, decision.user_id).await?.ok_or(Error::NotFound("user"))?;
    Error::unless_version(decision.expected_version, user.version)?;
    let (status, role) = (decision.status.unwrap_or(user.status), decision.role.unwrap_or(user.role));
    let mut ended = Vec::new();
    if status != user.status {
        let action = if status == Status::Suspended { "user.suspended" } else { "user.restored" };
        let act = Act::done(action, admin, "user", user.id);
        let metadata = json!({ "reason": decision.reason });
        audit::record(&mut tx, caller, &Act { metadata, ..act }).await?;
        ended.extend(session::end_others(&mut tx, user.id, None, EndReason::Suspended).await?);
    }
    if role != user.role {
        let act = Act::done("user.role_changed", admin, "user", user.id);
        let metadata = json!({ "reason": decision.reason, "from": user.role.as_str(), "to": role.as_str() });
        audit::record(&mut tx, caller, &Act { metadata, ..act }).await?;
        ended.extend(session::end_others(&mut tx, user.id, None, EndReason::RoleChanged).await?);
    }
    let user = store::decide(&mut tx, &app.cipher, user.id, status, role).await?;
    tx.commit().await?;
    session::revoked(app, user.id, &ended);
    Ok(user)
}

/// The account is closed at once; the job that erases comes by within seconds.
pub(super) async fn erase(app: &App, caller: &Caller, user_id: Uuid, reason: &str) -> Result<()> {
    let admin = other_than(caller, user_id)?;
    caller.user()?.require_fresh_proof()?;
    let mut tx = app.pool.begin().await?;
    stay_administrator(&mut tx, admin).await?;
    let user = store::lock_named(&mut tx, &app.cipher, user_id).await?.ok_or(Error::NotFound("user"))?;
    store::decide(&mut tx, &app.cipher, user.id, Status::Suspended, user.role).await?;
    store::set_erasure_due(&mut tx, user.id, Utc::now()).await?;
    let ended = session::end_others(&mut tx, user.id, None, EndReason::Erasure).await?;
    let act = Act::done("user.erasure_ordered", admin, "user", user.id);
    audit::record(&mut tx, caller, &Act { metadata: json!({ "reason": reason }), ..act }).await?;
    tx.commit().await?;
    session::revoked(app, user.id, &ended);
    Ok(())
}

/// The administrator, unless the account is their own: nobody locks themselves out, or leaves nobody behind.
fn other_than(caller: &Caller, user_id: Uuid) -> Result<Uuid> {
    let admin = caller.with_role(Role::Admin)?.id;
    if admin == user_id { Err(Error::FailedPrecondition("NOT_OWN_ACCOUNT".into())) } else { Ok(admin) }
}

/// Of two administrators who decide about each other at once, the second is none any more: one remains.
async fn stay_administrator(conn: &mut PgConnection, admin: Uuid) -> Result<()> {
    let administrators = store::lock_administrators(conn).await?;
    if administrators.contains(&admin) { Ok(()) } else { Err(Error::permission_denied()) }
}

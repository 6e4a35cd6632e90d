//! The audit log: what was done around accounts, by whom, from where. Append only.

mod chain;
mod grpc;
mod store;

use aipoten_events::{Delivered, Failure};
use aipoten_kit::{Caller, Page, Result, Role};
use aipoten_proto::common::v1::AdminActed;
use anyhow::anyhow;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::App;
use chain::Record;
pub use chain::{Checked, Fault, check_audit};
pub(crate) use chain::{check, forget, seal};

/// How an act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Outcome {
    Success,
    Refused,
}

/// One act.
pub(crate) struct Act {
    /// Noun and past participle: `session.created`.
    pub(crate) action: &'static str,
    pub(crate) outcome: Outcome,
    /// Who did it; the caller's account unless they were only just signing in.
    pub(crate) actor_id: Option<Uuid>,
    /// Kind and id of what it was done to.
    pub(crate) resource: &'static str,
    pub(crate) resource_id: Option<Uuid>,
    /// What else is worth knowing, an object. Never personal data.
    pub(crate) metadata: Value,
}

impl Act {
    /// Something a signed-in person did to `resource`.
    pub(crate) fn done(action: &'static str, actor_id: Uuid, resource: &'static str, resource_id: Uuid) -> Self {
        Self {
            action,
            outcome: Outcome::Success,
            actor_id: Some(actor_id),
            resource,
            resource_id: Some(resource_id),
            metadata: json!({}),
        }
    }

    /// Something an account, if there is one, was refused.
    pub(crate) fn refused(action: &'static str, account_id: Option<Uuid>) -> Self {
        Self {
            action,
            outcome: Outcome::Refused,
            actor_id: account_id,
            resource: "user",
            resource_id: account_id,
            metadata: json!({}),
        }
    }
}

/// Writes an act down, in the transaction of its effect.
pub(crate) async fn record(conn: &mut PgConnection, caller: &Caller, act: &Act) -> Result<()> {
    store::insert(conn, Uuid::now_v7(), caller, act).await
}

/// Writes down what an administrator did in any service, as an event told it. Of where it came from the event says the
/// request's id alone.
pub(crate) async fn record_reported(conn: &mut PgConnection, event: &Delivered<AdminActed>) -> Result<(), Failure> {
    let parse = |id: &str| aipoten_proto::uuid(id).map_err(|_| anyhow!("the event holds no id"));
    let AdminActed { actor_id, action, resource, resource_id } = &event.event;
    let reported = Reported {
        id: event.id,
        actor_id: (!actor_id.is_empty()).then(|| parse(actor_id)).transpose()?,
        action,
        resource,
        resource_id: parse(resource_id)?,
        request_id: event.context.request_id.as_deref().unwrap_or_default(),
        at: event.time,
    };
    store::insert_reported(conn, &reported).await?;
    Ok(())
}

/// What an administrator did in some service.
struct Reported<'a> {
    /// Of the event.
    id: Uuid,
    /// None for what was done at the command line.
    actor_id: Option<Uuid>,
    action: &'a str,
    resource: &'a str,
    resource_id: Uuid,
    request_id: &'a str,
    at: DateTime<Utc>,
}

/// An act as its actor sees it.
pub(crate) struct SecurityEvent {
    pub(crate) id: Uuid,
    pub(crate) action: String,
    pub(crate) outcome: String,
    pub(crate) ip: String,
    pub(crate) user_agent: String,
    pub(crate) created_at: DateTime<Utc>,
}

async fn list_own(app: &App, caller: &Caller, page: Page) -> Result<(Vec<SecurityEvent>, i64)> {
    let user = caller.user()?;
    let mut conn = app.pool.acquire().await?;
    let events = store::list(&mut conn, user.id, page).await?;
    let total = store::count(&mut conn, user.id).await?;
    Ok((events, total))
}

/// Which part of the log is asked for. Days are Korea's.
#[derive(Default)]
struct Filter {
    actor_id: Option<Uuid>,
    action: Option<String>,
    resource: Option<String>,
    resource_id: Option<Uuid>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

async fn list_all(app: &App, caller: &Caller, page: Page, filter: &Filter) -> Result<(Vec<Record>, i64)> {
    caller.with_role(Role::Admin)?;
    let mut conn = app.pool.acquire().await?;
    let logs = store::list_all(&mut conn, page, filter).await?;
    let total = store::count_all(&mut conn, filter).await?;
    Ok((logs, total))
}

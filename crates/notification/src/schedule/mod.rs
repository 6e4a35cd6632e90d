//! What is told later: reminders of sessions, and what is for everybody of a role.

pub(crate) mod audience;
pub(crate) mod child;
pub(crate) mod daily;
pub(crate) mod session;
pub(crate) mod store;
pub(crate) mod unread;

use aipoten_events::Context;
use aipoten_kit::{Result, Role};
use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use crate::App;
use crate::notification::{self, Tell};
use crate::template::{Template, Variables};

/// Told together, in one transaction.
const BATCH: i64 = 500;

/// What is to be told later, to a person or to everybody of a role.
#[derive(Debug)]
pub(crate) struct New {
    pub(crate) to: To,
    pub(crate) template: &'static str,
    pub(crate) variables: Variables,
    pub(crate) subject_id: Option<Uuid>,
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) dedupe_key: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    User(Uuid),
    Everybody(Role),
}

/// A reminder whose time has come.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) template: String,
    pub(crate) variables: Json<Variables>,
    pub(crate) dedupe_key: String,
}

/// What our own jobs cause.
pub(crate) fn by_clock() -> Context {
    Context { actor: Some("notification".to_owned()), ..Context::default() }
}

/// Tells every reminder whose time has come. Row locks keep replicas apart, and what one tells commits with the note of it.
pub(crate) async fn tell_due(app: &App) -> Result<()> {
    loop {
        let mut tx = app.pool.begin().await?;
        let due = store::lock_due(&mut tx, BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        let news = due.iter().map(Due::news).collect::<anyhow::Result<_>>()?;
        notification::tell(&mut tx, news, &by_clock()).await?;
        store::told(&mut tx, &due.iter().map(|it| it.id).collect::<Vec<_>>()).await?;
        tx.commit().await?;
        app.relay.wake();
    }
}

impl Due {
    fn news(&self) -> anyhow::Result<Tell> {
        let template = Template::get(&self.template)?;
        Ok(Tell {
            user_id: self.user_id,
            template,
            variables: self.variables.0.clone(),
            dedupe_key: self.dedupe_key.clone(),
            urgent: template.urgent,
        })
    }
}

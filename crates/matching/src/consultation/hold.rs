//! A session takes place, or the family does not come.

use aipoten_events::{Context, publish};
use aipoten_kit::{Caller, Error, Result, Role};
use chrono::{TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Consultation, EARLY, Shown, Status, lock, metrics, not_found, show, store, too_early};
use crate::App;
use crate::package::{self, Outcome, Package};
use crate::party::Party;
use crate::schedule_change;

/// From so long after the begin a family that is not there counts as not coming.
const PATIENCE: TimeDelta = TimeDelta::minutes(15);
/// How long a parent may dispute a session.
const DISPUTABLE: TimeDelta = TimeDelta::days(7);

pub(crate) async fn start(app: &App, caller: &Caller, id: Uuid) -> Result<Shown> {
    caller.with_role(Role::Therapist)?;
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    let (package, consultation) = lock(&mut tx, party, id).await?;
    let status = consultation.status.to(Status::InProgress)?;
    package.require_unfrozen()?;
    let opens = consultation.begins()? - EARLY;
    if store::now(&mut tx).await? < opens {
        return Err(too_early(opens));
    }
    let seq = store::set_status(&mut tx, id, status).await?;
    publish(&mut tx, consultation.aggregate(seq), &consultation.started(), &caller.into()).await?;
    metrics::came_to(status);
    schedule_change::overtake(&mut tx, &consultation, &caller.into()).await?;
    let shown = reread(&mut tx, app, caller, party, id, "StartConsultation").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(shown)
}

pub(crate) async fn complete(app: &App, caller: &Caller, id: Uuid) -> Result<Shown> {
    caller.with_role(Role::Therapist)?;
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    let (package, consultation) = lock(&mut tx, party, id).await?;
    package.require_unfrozen()?;
    hold(&mut tx, app.config.care(), &package, &consultation, &caller.into()).await?;
    let shown = reread(&mut tx, app, caller, party, id, "CompleteConsultation").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(shown)
}

/// The session was held. If it is the last one, the therapist may see the child for `care` longer.
pub(crate) async fn hold(
    conn: &mut PgConnection,
    care: TimeDelta,
    package: &Package,
    consultation: &Consultation,
    context: &Context,
) -> Result<()> {
    let seq = store::set_status(conn, consultation.id, consultation.status.to(Status::Completed)?).await?;
    let now = store::now(conn).await?;
    publish(conn, consultation.aggregate(seq), &consultation.completed(now), context).await?;
    metrics::came_to(Status::Completed);
    package::spend(conn, care, package, Outcome::Used, context).await?;
    store::count_held(conn, consultation.therapist_id).await?;
    Ok(())
}

/// The session counts as used.
pub(crate) async fn mark_no_show(app: &App, caller: &Caller, id: Uuid) -> Result<Shown> {
    caller.with_role(Role::Therapist)?;
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    let (package, consultation) = lock(&mut tx, party, id).await?;
    let status = consultation.status.to(Status::NoShow)?;
    package.require_unfrozen()?;
    let from = consultation.begins()? + PATIENCE;
    let now = store::now(&mut tx).await?;
    if now < from {
        return Err(too_early(from));
    }
    let seq = store::set_status(&mut tx, id, status).await?;
    publish(&mut tx, consultation.aggregate(seq), &consultation.missed(now), &caller.into()).await?;
    metrics::came_to(status);
    package::spend(&mut tx, app.config.care(), &package, Outcome::Used, &caller.into()).await?;
    schedule_change::overtake(&mut tx, &consultation, &caller.into()).await?;
    let shown = reread(&mut tx, app, caller, party, id, "MarkNoShow").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(shown)
}

/// The parent disagrees; an administrator decides before the session is settled.
pub(crate) async fn dispute(app: &App, caller: &Caller, id: Uuid, reason: &str) -> Result<Shown> {
    caller.with_role(Role::Parent)?;
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    let (_, consultation) = lock(&mut tx, party, id).await?;
    if !matches!(consultation.status, Status::Completed | Status::NoShow) {
        return Err(Error::invalid_state(consultation.status.as_str()));
    }
    if consultation.disputed_at.is_some() {
        return Err(Error::invalid_state("disputed"));
    }
    let over = consultation.completed_at.or(consultation.ends_at).unwrap_or_else(Utc::now);
    let now = store::now(&mut tx).await?;
    if now > over + DISPUTABLE {
        return Err(Error::FailedPrecondition("TOO_LATE".into()));
    }
    let sealed = app.cipher.seal(consultation.place("dispute_reason"), reason)?;
    let seq = store::dispute(&mut tx, id, &sealed).await?;
    publish(&mut tx, consultation.aggregate(seq), &consultation.disputed(now), &caller.into()).await?;
    let shown = reread(&mut tx, app, caller, party, id, "DisputeConsultation").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(shown)
}

async fn reread(
    conn: &mut PgConnection,
    app: &App,
    caller: &Caller,
    party: Party,
    id: Uuid,
    purpose: &'static str,
) -> Result<Shown> {
    let consultation = store::find(conn, id, party.user_id).await?.ok_or_else(not_found)?;
    show(conn, app, caller, party, consultation, purpose).await
}

impl Consultation {
    fn begins(&self) -> Result<chrono::DateTime<Utc>> {
        self.scheduled_at.ok_or_else(|| Error::invalid_state(self.status.as_str()))
    }
}

//! What administrators decide about therapists, each time noted in the audit log.

use aipoten_kit::{Caller, Error, Page, Result, Role};
use aipoten_proto::matching::v1::{TherapistApproved, TherapistRejected, TherapistSuspended};
use sqlx::PgConnection;
use uuid::Uuid;

use super::event::{admin_acted, announce, announce_change};
use super::{ApprovalStatus, Therapist, not_found, store};
use crate::{App, document, request};

pub(super) async fn list_pending(app: &App, caller: &Caller, page: Page) -> Result<(Vec<Therapist>, i64)> {
    caller.with_role(Role::Admin)?;
    let mut conn = app.pool.acquire().await?;
    let therapists = store::pending_page(&mut conn, page).await?;
    let total = store::pending_count(&mut conn).await?;
    Ok((therapists, total))
}

/// Also of what an approved therapist handed in since, and of who was rejected or suspended before.
pub(super) async fn approve(app: &App, caller: &Caller, id: Uuid) -> Result<Therapist> {
    let admin = caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    let before = lock(&mut tx, id).await?;
    if !document::store::has_valid_licence(&mut tx, id).await? {
        return Err(Error::FailedPrecondition("LICENCE_REQUIRED".into()));
    }
    let checked = document::store::mark_checked(&mut tx, id, admin.id).await?;
    let approved = before.approval_status == ApprovalStatus::Approved;
    if approved && checked == 0 {
        return Err(Error::invalid_state(before.approval_status.as_str()));
    }
    document::store::renew_licence(&mut tx, id).await?;
    let therapist = decide(&mut tx, id, ApprovalStatus::Approved, None).await?;
    if !approved {
        let event = TherapistApproved { therapist_id: id.to_string() };
        announce(&mut tx, id, therapist.version, &event, &caller.into()).await?;
    }
    announce_change(&mut tx, id, therapist.version, &caller.into()).await?;
    admin_acted(&mut tx, caller, admin, "therapist.approved", "therapist", id).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(therapist)
}

pub(super) async fn reject(app: &App, caller: &Caller, id: Uuid, reason: &str) -> Result<Therapist> {
    let admin = caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    lock_in(&mut tx, id, ApprovalStatus::Pending).await?;
    let therapist = decide(&mut tx, id, ApprovalStatus::Rejected, Some(reason)).await?;
    let event = TherapistRejected { therapist_id: id.to_string() };
    announce(&mut tx, id, therapist.version, &event, &caller.into()).await?;
    admin_acted(&mut tx, caller, admin, "therapist.rejected", "therapist", id).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(therapist)
}

/// Booked sessions stay: the parents are told, and move or cancel them. Requests that wait are declined.
pub(super) async fn suspend(app: &App, caller: &Caller, id: Uuid, reason: &str) -> Result<Therapist> {
    let admin = caller.with_role(Role::Admin)?;
    let mut tx = app.pool.begin().await?;
    lock_in(&mut tx, id, ApprovalStatus::Approved).await?;
    let therapist = decide(&mut tx, id, ApprovalStatus::Suspended, Some(reason)).await?;
    request::decline_all(&mut tx, id, &caller.into()).await?;
    let parents = store::parents_of_running_packages(&mut tx, id).await?;
    let event = TherapistSuspended {
        therapist_id: id.to_string(),
        parent_user_ids: parents.iter().map(Uuid::to_string).collect(),
    };
    announce(&mut tx, id, therapist.version, &event, &caller.into()).await?;
    announce_change(&mut tx, id, therapist.version, &caller.into()).await?;
    admin_acted(&mut tx, caller, admin, "therapist.suspended", "therapist", id).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(therapist)
}

async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Therapist> {
    store::lock(conn, id).await?.ok_or_else(not_found)
}

async fn lock_in(conn: &mut PgConnection, id: Uuid, status: ApprovalStatus) -> Result<()> {
    let therapist = lock(conn, id).await?;
    if therapist.approval_status == status {
        return Ok(());
    }
    Err(Error::invalid_state(therapist.approval_status.as_str()))
}

async fn decide(conn: &mut PgConnection, id: Uuid, status: ApprovalStatus, reason: Option<&str>) -> Result<Therapist> {
    store::decide(conn, id, status, reason).await?;
    lock(conn, id).await
}

//! What content does with the events of others.

use aipoten_events::{Consumers, Delivered, Failure};
use aipoten_proto::identity::v1::{ChildDeleted, UserDeleted};
use aipoten_proto::matching::v1::ReportSubmitted;
use anyhow::anyhow;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{assessment, erasure, growth, video};

/// The table of event and handler.
pub fn consumers() -> Consumers {
    Consumers::new("content")
        .on::<ChildDeleted>(child_deleted)
        .on::<UserDeleted>(user_deleted)
        .on::<ReportSubmitted>(report_submitted)
}

/// Erases the child's checks, answers, results, recommendations and measurements.
pub async fn child_deleted(conn: &mut PgConnection, event: &Delivered<ChildDeleted>) -> Result<(), Failure> {
    let child_id = parse(&event.event.child_id)?;
    erasure::remember(conn, child_id).await?;
    assessment::store::erase_child(conn, child_id).await?;
    growth::store::erase_child(conn, child_id).await?;
    video::store::recommendation::erase_child(conn, child_id).await?;
    Ok(())
}

/// Erases the same of all children of an account, and what it did with videos.
pub async fn user_deleted(conn: &mut PgConnection, event: &Delivered<UserDeleted>) -> Result<(), Failure> {
    let user_id = parse(&event.event.user_id)?;
    assessment::store::erase_user(conn, user_id).await?;
    growth::store::erase_user(conn, user_id).await?;
    video::store::recommendation::erase_user(conn, user_id).await?;
    video::store::interaction::erase_user(conn, user_id).await?;
    Ok(())
}

/// Shows the parent what the therapist recommends.
pub async fn report_submitted(conn: &mut PgConnection, event: &Delivered<ReportSubmitted>) -> Result<(), Failure> {
    video::report::take_in(conn, event).await
}

fn parse(id: &str) -> Result<Uuid, Failure> {
    Ok(aipoten_proto::uuid(id).map_err(|_| anyhow!("the event holds no id"))?)
}

//! A child is erased, by its parent or with the parent's account.

use aipoten_events::{Aggregate, Context, publish};
use aipoten_kit::Result;
use aipoten_proto::matching::v1::RequestCancelled;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store;
use crate::consultation::{self, Status};
use crate::party::{Party, Side};
use crate::{package, report, request};

/// Requests are taken back, packages end as by the parent, and every text goes. Again it changes nothing.
pub(crate) async fn erase(conn: &mut PgConnection, child_id: Uuid, parent_id: Uuid, context: &Context) -> Result<()> {
    store::remember(conn, child_id).await?;
    cancel_requests(conn, child_id, context).await?;
    let parent = Party { user_id: parent_id, side: Side::Parent };
    for package_id in package::store::of_child(conn, child_id).await? {
        package::end_for_erasure(conn, package_id, parent, context).await?;
        close_reports(conn, package_id, context).await?;
    }
    report::store::erase_child(conn, child_id).await?;
    store::erase_feedbacks(conn, child_id).await?;
    store::erase_schedule_changes(conn, child_id).await?;
    store::erase_texts(conn, child_id).await?;
    store::erase_answers(conn, parent_id).await?;
    Ok(())
}

async fn cancel_requests(conn: &mut PgConnection, child_id: Uuid, context: &Context) -> Result<()> {
    for request in request::store::erase_child(conn, child_id).await? {
        let event = RequestCancelled {
            request_id: request.id.to_string(),
            therapist_id: request.therapist_id.to_string(),
            parent_user_id: request.parent_user_id.to_string(),
        };
        let aggregate = Aggregate { kind: "request", id: request.id, seq: request.version };
        publish(conn, aggregate, &event, context).await?;
        request::metrics::came_to(request::Status::Cancelled);
    }
    Ok(())
}

/// Nothing can be written of the child any more: a therapist whose report is missing is not to go unpaid for that.
async fn close_reports(conn: &mut PgConnection, package_id: Uuid, context: &Context) -> Result<()> {
    for session in consultation::store::of_package(conn, package_id).await? {
        if session.status == Status::Completed && session.report_submitted_at.is_none() {
            report::submit(conn, &session, &[], context).await?;
        }
    }
    Ok(())
}

//! Events of content, and those of matching about therapists, requests and packages.

use aipoten_events::{Delivered, Failure};
use aipoten_proto::content::v1::{AssessmentCompleted, VideoPublished};
use aipoten_proto::matching::v1::{
    LicenceExpiring, PackageAwaitingPayment, PackageCancelled, PackageCompleted, PackageExpired, RequestApproved,
    RequestCancelled, RequestCreated, RequestExpired, RequestRejected, TherapistApplied, TherapistApproved,
    TherapistRejected, TherapistSuspended,
};
use serde_json::json;
use sqlx::PgConnection;

use super::{News, moment, parse, variables};
use crate::schedule::{audience, child};

/// The result is ready, and nobody is reminded of this check any more.
pub async fn assessment_completed(
    conn: &mut PgConnection,
    event: &Delivered<AssessmentCompleted>,
) -> Result<(), Failure> {
    let it = &event.event;
    if !child::checked(conn, parse(&it.child_id)?, moment(it.completed_at)?).await? {
        return Ok(());
    }
    let variables = [("assessment_id", json!(it.assessment_id)), ("child_id", json!(it.child_id))];
    News::new("assessment_completed", &it.assessment_id, &variables).tell(conn, &[&it.user_id], &event.context).await
}

/// Parents are told on the next day, of all videos of a day at once.
pub async fn video_published(conn: &mut PgConnection, event: &Delivered<VideoPublished>) -> Result<(), Failure> {
    Ok(audience::count_video(conn, event.time).await?)
}

/// Administrators look at it.
pub async fn therapist_applied(conn: &mut PgConnection, event: &Delivered<TherapistApplied>) -> Result<(), Failure> {
    let therapist = [("therapist_id", json!(event.event.therapist_id))];
    Ok(audience::tell_admins(conn, "therapist_applied", event.id, variables(&therapist)).await?)
}

/// The therapist can be found.
pub async fn therapist_approved(conn: &mut PgConnection, event: &Delivered<TherapistApproved>) -> Result<(), Failure> {
    let therapist = [("therapist_id", json!(event.event.therapist_id))];
    News::new("therapist_approved", event.id, &therapist).tell(conn, &[&event.event.therapist_id], &event.context).await
}

/// The application was refused.
pub async fn therapist_rejected(conn: &mut PgConnection, event: &Delivered<TherapistRejected>) -> Result<(), Failure> {
    let therapist = [("therapist_id", json!(event.event.therapist_id))];
    News::new("therapist_rejected", event.id, &therapist).tell(conn, &[&event.event.therapist_id], &event.context).await
}

/// Parents with sessions to come may end their packages.
pub async fn therapist_suspended(
    conn: &mut PgConnection,
    event: &Delivered<TherapistSuspended>,
) -> Result<(), Failure> {
    let therapist = [("therapist_id", json!(event.event.therapist_id))];
    let parents: Vec<&str> = event.event.parent_user_ids.iter().map(String::as_str).collect();
    let own = News::new("therapist_suspended", event.id, &therapist);
    own.tell(conn, &[&event.event.therapist_id], &event.context).await?;
    News::new("own_therapist_suspended", event.id, &therapist).tell(conn, &parents, &event.context).await
}

/// The therapist hands in a new licence.
pub async fn licence_expiring(conn: &mut PgConnection, event: &Delivered<LicenceExpiring>) -> Result<(), Failure> {
    let it = &event.event;
    let variables = [("therapist_id", json!(it.therapist_id)), ("expires_on", json!(it.expires_on))];
    News::new("licence_expiring", &it.expires_on, &variables).tell(conn, &[&it.therapist_id], &event.context).await
}

/// The therapist answers.
pub async fn request_created(conn: &mut PgConnection, event: &Delivered<RequestCreated>) -> Result<(), Failure> {
    let it = &event.event;
    let request = [("request_id", json!(it.request_id))];
    News::new("request_created", &it.request_id, &request).tell(conn, &[&it.therapist_id], &event.context).await
}

/// The parent pays, of which another event says more.
pub async fn request_approved(conn: &mut PgConnection, event: &Delivered<RequestApproved>) -> Result<(), Failure> {
    let it = &event.event;
    let request = [("request_id", json!(it.request_id)), ("package_id", json!(it.package_id))];
    News::new("request_approved", &it.request_id, &request).tell(conn, &[&it.parent_user_id], &event.context).await
}

/// The parent asks somebody else.
pub async fn request_rejected(conn: &mut PgConnection, event: &Delivered<RequestRejected>) -> Result<(), Failure> {
    let it = &event.event;
    let request = [("request_id", json!(it.request_id))];
    News::new("request_rejected", &it.request_id, &request).tell(conn, &[&it.parent_user_id], &event.context).await
}

/// The therapist need not answer.
pub async fn request_cancelled(conn: &mut PgConnection, event: &Delivered<RequestCancelled>) -> Result<(), Failure> {
    let it = &event.event;
    let request = [("request_id", json!(it.request_id))];
    News::new("request_cancelled", &it.request_id, &request).tell(conn, &[&it.therapist_id], &event.context).await
}

/// Both sides know that nothing will come of it.
pub async fn request_expired(conn: &mut PgConnection, event: &Delivered<RequestExpired>) -> Result<(), Failure> {
    let it = &event.event;
    let request = [("request_id", json!(it.request_id))];
    let both = [it.parent_user_id.as_str(), it.therapist_id.as_str()];
    News::new("request_expired", &it.request_id, &request).tell(conn, &both, &event.context).await
}

/// The parent pays until the hold ends.
pub async fn package_awaiting_payment(
    conn: &mut PgConnection,
    event: &Delivered<PackageAwaitingPayment>,
) -> Result<(), Failure> {
    let it = &event.event;
    let due_at = moment(it.hold_expires_at)?;
    let package =
        [("package_id", json!(it.package_id)), ("amount", json!(it.discounted_price)), ("due_at", json!(due_at))];
    News::new("package_awaiting_payment", event.id, &package).tell(conn, &[&it.parent_user_id], &event.context).await
}

/// The times are free again.
pub async fn package_expired(conn: &mut PgConnection, event: &Delivered<PackageExpired>) -> Result<(), Failure> {
    let it = &event.event;
    let package = [("package_id", json!(it.package_id))];
    let both = [it.parent_user_id.as_str(), it.therapist_id.as_str()];
    News::new("package_expired", event.id, &package).tell(conn, &both, &event.context).await
}

/// Both sides know, of all its sessions at once.
pub async fn package_cancelled(conn: &mut PgConnection, event: &Delivered<PackageCancelled>) -> Result<(), Failure> {
    let it = &event.event;
    let package = [("package_id", json!(it.package_id)), ("cancelled_by", json!(it.cancelled_by))];
    let both = [it.parent_user_id.as_str(), it.therapist_id.as_str()];
    News::new("package_cancelled", event.id, &package).tell(conn, &both, &event.context).await
}

/// The parent may go on with another.
pub async fn package_completed(conn: &mut PgConnection, event: &Delivered<PackageCompleted>) -> Result<(), Failure> {
    let it = &event.event;
    let package = [("package_id", json!(it.package_id))];
    News::new("package_completed", event.id, &package).tell(conn, &[&it.parent_user_id], &event.context).await
}

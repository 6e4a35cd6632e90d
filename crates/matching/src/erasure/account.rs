//! An account is erased: a parent's or a therapist's. The event does not say which; each has what the other has not.

use aipoten_events::Context;
use aipoten_kit::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store;
use crate::party::{Party, Side};
use crate::{calendar, package, request, therapist};

/// Stands where the name of a therapist stood.
const GONE: &str = "탈퇴한 치료사";

/// Again it changes nothing.
pub(crate) async fn erase(conn: &mut PgConnection, user_id: Uuid, context: &Context) -> Result<()> {
    for child_id in store::children_of(conn, user_id).await? {
        super::child(conn, child_id, user_id, context).await?;
    }
    store::forget_reviewer(conn, user_id).await?;
    leave(conn, user_id, context).await?;
    calendar::end_feed(conn, user_id).await?;
    store::erase_answers(conn, user_id).await?;
    Ok(())
}

/// A therapist leaves: requests are declined, packages end as by the therapist, the profile is emptied.
async fn leave(conn: &mut PgConnection, therapist_id: Uuid, context: &Context) -> Result<()> {
    request::decline_all(conn, therapist_id, context).await?;
    let therapist = Party { user_id: therapist_id, side: Side::Therapist };
    for package_id in package::store::running_of_therapist(conn, therapist_id).await? {
        package::end_for_erasure(conn, package_id, therapist, context).await?;
    }
    store::erase_working_hours(conn, therapist_id).await?;
    store::erase_words(conn, therapist_id).await?;
    // Their files go with the next sweep.
    store::erase_documents(conn, therapist_id).await?;
    if let Some(version) = store::empty_profile(conn, therapist_id, GONE).await? {
        therapist::announce_change(conn, therapist_id, version, context).await?;
    }
    Ok(())
}

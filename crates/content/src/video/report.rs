//! Videos that a therapist recommends in the report of a session.

use aipoten_events::{Delivered, Failure};
use aipoten_kit::Error;
use aipoten_proto::matching::v1::ReportSubmitted;
use anyhow::anyhow;
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::recommendation;
use crate::erasure;
use crate::text::Text;

/// Above all that follows from checks.
const FIRST: i32 = 1000;

/// Whom a report recommends videos to.
pub(crate) struct Addressee {
    pub(crate) consultation_id: Uuid,
    pub(crate) child_id: Uuid,
    pub(crate) user_id: Uuid,
}

/// The newest version of a report replaces what earlier ones recommended. Videos that nobody can see are left out, and nothing
/// is kept of a child that was erased.
pub(crate) async fn take_in(conn: &mut PgConnection, event: &Delivered<ReportSubmitted>) -> Result<(), Failure> {
    let report = &event.event;
    let to = Addressee {
        consultation_id: parse(&report.consultation_id)?,
        child_id: parse(&report.child_id)?,
        user_id: parse(&report.parent_user_id)?,
    };
    let video_ids = report.recommended_video_ids.iter().map(|id| parse(id)).collect::<Result<Vec<_>, _>>()?;
    match erasure::require_not_erased(conn, to.child_id).await {
        Err(Error::NotFound(_)) => return Ok(()),
        checked => checked?,
    }
    if !recommendation::is_newest(conn, to.consultation_id, event.aggregate_seq).await? {
        return Ok(());
    }
    recommendation::keep_of_report(conn, to.consultation_id, &video_ids).await?;
    for (video_id, place) in video_ids.into_iter().zip(0..) {
        recommendation::insert_of_report(conn, &to, video_id, &reason(), FIRST - place).await?;
    }
    Ok(())
}

fn reason() -> Text {
    Text::new(
        "상담을 진행한 치료사가 아이에게 추천한 놀이예요.",
        "Recommended for your child by the therapist after a session.",
    )
}

fn parse(id: &str) -> Result<Uuid, Failure> {
    Ok(aipoten_proto::uuid(id).map_err(|_| anyhow!("the event holds no id"))?)
}

//! Free times of therapists, as the database has them now.

use aipoten_kit::{Error, Result};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Asia::Seoul;
use sqlx::PgConnection;
use uuid::Uuid;

use super::booking::{Diary, Visit};
use super::slot::{self, Slot, Span, Timetable};
use super::store::{self, Practice};
use crate::App;
use crate::kind::Kind;

/// In the order in which one is chosen for who names none.
const KINDS: [Kind; 3] = [Kind::Online, Kind::InPerson, Kind::HomeVisit];
/// How many other times are offered for one that is taken.
const ALTERNATIVES: usize = 3;
/// How many days before and after a wish other times are looked for: first close to it, as others wait meanwhile.
const CLOSE_DAYS: u16 = 2;
const AROUND_DAYS: u16 = 30;
/// Nobody books further ahead: the longest horizon is 365 days.
const FAR: TimeDelta = TimeDelta::days(400);

/// Free times of a therapist who is listed, for everyone. Without a kind: online, or the first that is offered; one that is
/// not offered has none.
pub(super) async fn list(
    app: &App,
    therapist_id: Uuid,
    kind: Option<Kind>,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<Slot>> {
    let mut conn = app.pool.acquire().await?;
    let practice = practice(&mut conn, therapist_id).await?;
    if !practice.listed {
        return Err(Error::NotFound("therapist"));
    }
    let Some(kind) = practice.kind(kind) else { return Ok(Vec::new()) };
    let visit = Visit::new(kind, practice.session_minutes, practice.buffer_minutes, practice.travel_minutes);
    let timetable = timetable(&mut conn, therapist_id, None, &practice, from, to).await?;
    Ok(timetable.slots(&visit, from, to))
}

/// Whether a parent may book this begin. A session that is being moved has to be released before.
pub(crate) async fn is_free(conn: &mut PgConnection, diary: &Diary, starts_at: DateTime<Utc>) -> Result<bool> {
    let practice = practice(conn, diary.therapist_id).await?;
    if starts_at < practice.now || starts_at > practice.now + FAR {
        return Ok(false);
    }
    let day = starts_at.with_timezone(&Seoul).date_naive();
    let timetable = timetable(conn, diary.therapist_id, Some(diary.child_id), &practice, day, day).await?;
    Ok(timetable.slots(&diary.visit(), day, day).iter().any(|slot| slot.starts_at == starts_at))
}

/// The free begins nearest to a wish, in order.
pub(crate) async fn alternatives(
    conn: &mut PgConnection,
    diary: &Diary,
    near: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>> {
    let practice = practice(conn, diary.therapist_id).await?;
    let near = near.clamp(practice.now, slot::moment(Seoul, practice.last_day(), slot::MIDNIGHT));
    let mut begins = nearest(conn, diary, &practice, near, CLOSE_DAYS).await?;
    if begins.len() < ALTERNATIVES {
        begins = nearest(conn, diary, &practice, near, AROUND_DAYS).await?;
    }
    begins.sort_unstable();
    Ok(begins)
}

/// The nearest that are no more than so many days away.
async fn nearest(
    conn: &mut PgConnection,
    diary: &Diary,
    practice: &Practice,
    near: DateTime<Utc>,
    days: u16,
) -> Result<Vec<DateTime<Utc>>> {
    let day = near.with_timezone(&Seoul).date_naive();
    let (from, to) = ((day - Days::new(days.into())).max(practice.today()), day + Days::new(days.into()));
    let timetable = timetable(conn, diary.therapist_id, Some(diary.child_id), practice, from, to).await?;
    let mut begins: Vec<_> = timetable.slots(&diary.visit(), from, to).iter().map(|slot| slot.starts_at).collect();
    begins.retain(|begin| (*begin - near).abs() <= TimeDelta::days(days.into()));
    begins.sort_by_key(|begin| (*begin - near).abs());
    begins.truncate(ALTERNATIVES);
    Ok(begins)
}

async fn practice(conn: &mut PgConnection, therapist_id: Uuid) -> Result<Practice> {
    store::practice(conn, therapist_id).await?.ok_or(Error::NotFound("therapist"))
}

async fn timetable(
    conn: &mut PgConnection,
    therapist_id: Uuid,
    child_id: Option<Uuid>,
    practice: &Practice,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Timetable> {
    // A session, its buffer and the way reach into the days around.
    let (from, to) = (from - Days::new(1), to + Days::new(1));
    let work = store::work(conn, therapist_id, from, to).await?;
    let time = Span { from: slot::moment(Seoul, from, 0), to: slot::moment(Seoul, to, slot::MIDNIGHT) };
    let taken = store::taken(conn, therapist_id, child_id, time).await?;
    Ok(Timetable {
        zone: Seoul,
        weekly: work.weekly,
        extra: work.extra,
        holidays: if practice.works_on_holidays { Vec::new() } else { work.holidays },
        occupied: taken.occupied,
        booked: taken.booked,
        child: taken.child,
        daily_limit: practice.daily_limit,
        earliest: practice.now + TimeDelta::hours(practice.min_notice_hours.into()),
        last_day: practice.last_day(),
    })
}

impl Practice {
    /// The wanted kind, or without a wish the first, if it is offered.
    fn kind(&self, wanted: Option<Kind>) -> Option<Kind> {
        let offered = |kind: &Kind| self.kinds.iter().any(|it| it == kind.as_str());
        wanted.map_or_else(|| KINDS.into_iter().find(offered), |kind| Some(kind).filter(offered))
    }

    fn today(&self) -> NaiveDate {
        self.now.with_timezone(&Seoul).date_naive()
    }

    fn last_day(&self) -> NaiveDate {
        self.today() + Days::new(u64::from(self.horizon_days.unsigned_abs()))
    }
}

//! Today and now.

use chrono::{DateTime, NaiveDate, SubsecRound as _, Utc};
use chrono_tz::Asia::Seoul;

/// Now, as exact as the database keeps it.
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// The day in Korea that a moment is on.
pub(crate) fn day_of(moment: DateTime<Utc>) -> NaiveDate {
    moment.with_timezone(&Seoul).date_naive()
}

/// Today where the families live.
pub(crate) fn today() -> NaiveDate {
    day_of(now())
}

//! Today and now.

use chrono::{DateTime, NaiveDate, SubsecRound as _, Utc};

/// Today where the families live.
pub(crate) fn today() -> NaiveDate {
    Utc::now().with_timezone(&chrono_tz::Asia::Seoul).date_naive()
}

/// Now, as exact as the database keeps it.
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

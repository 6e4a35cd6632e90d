//! The weekly mail about what was not read.

use aipoten_kit::Result;
use anyhow::Context as _;
use chrono::{DateTime, Datelike as _, Days, NaiveDate, TimeDelta, TimeZone as _, Utc, Weekday};
use chrono_tz::Asia::Seoul;
use serde_json::json;
use uuid::Uuid;

use super::{BATCH, by_clock, store};
use crate::App;
use crate::notification::{self, Tell};
use crate::template::Variables;

/// The day of the week it is made on.
const ON: Weekday = Weekday::Mon;
/// What is younger may still be read.
const YOUNG: TimeDelta = TimeDelta::days(3);
const WEEK: Days = Days::new(7);

/// On Mondays: everybody who has not read something of the week that ended three days ago, so that nothing is mentioned twice.
pub(super) async fn summarize(app: &App, day: NaiveDate) -> Result<()> {
    if day.weekday() != ON {
        return Ok(());
    }
    let (from, until) = (begin(day - WEEK)? - YOUNG, begin(day)? - YOUNG);
    let mut after = Uuid::nil();
    loop {
        let mut tx = app.pool.begin().await?;
        let unread = store::unread_between(&mut tx, from, until, after, BATCH).await?;
        let Some((last, _)) = unread.last() else { return Ok(()) };
        after = *last;
        let news = unread.into_iter().map(|(user_id, unread)| {
            let variables = Variables::from_iter([("unread".to_owned(), json!(unread))]);
            Tell::new("unread_summary", user_id, &day.to_string(), variables)
        });
        notification::tell(&mut tx, news.collect::<anyhow::Result<_>>()?, &by_clock()).await?;
        tx.commit().await?;
    }
}

fn begin(day: NaiveDate) -> anyhow::Result<DateTime<Utc>> {
    let begin = Seoul.from_local_datetime(&day.and_time(chrono::NaiveTime::MIN)).earliest();
    Ok(begin.context("Korea has every time of day")?.to_utc())
}

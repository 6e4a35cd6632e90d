//! Jobs of a day: one replica does each, once, and makes up for days on which none was there.

use std::time::Duration;

use aipoten_kit::Result;
use chrono::{Days, NaiveDate, Timelike as _};
use chrono_tz::Asia::Seoul;

use super::{child, store, unread};
use crate::lease::Lease;
use crate::{App, clock};

/// Days that are made up for at most: what is older is no news any more.
const MISSED: u64 = 3;
/// How long a replica may take for a day.
const LEASE: Duration = Duration::from_mins(30);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Daily {
    Children,
    Unread,
}

impl Daily {
    fn name(self) -> &'static str {
        match self {
            Self::Children => "children",
            Self::Unread => "unread",
        }
    }

    /// Does what is due.
    pub(crate) async fn run(self, app: &App) -> Result<()> {
        let now = clock::now().with_timezone(&Seoul);
        if now.hour() < app.config.daily_hour {
            return Ok(());
        }
        let today = now.date_naive();
        if self.next(app, today).await?.is_none() {
            return Ok(());
        }
        let Some(lease) = Lease::take(&app.pool, self.name(), LEASE).await? else { return Ok(()) };
        let done = self.make_up(app, today).await;
        lease.release(&app.pool).await?;
        done
    }

    async fn make_up(self, app: &App, today: NaiveDate) -> Result<()> {
        while let Some(day) = self.next(app, today).await? {
            match self {
                Self::Children => child::remind(app, day).await?,
                Self::Unread => unread::summarize(app, day).await?,
            }
            store::done(&mut *app.pool.acquire().await?, self.name(), day).await?;
        }
        Ok(())
    }

    /// The first day that is to be done; the very first time it is today.
    async fn next(self, app: &App, today: NaiveDate) -> Result<Option<NaiveDate>> {
        let last = store::last_done(&mut *app.pool.acquire().await?, self.name()).await?;
        let next = last.map_or(today, |last| (last + Days::new(1)).max(today - Days::new(MISSED)));
        Ok((next <= today).then_some(next))
    }
}

//! Whether the videos are still there: their addresses are asked for once a day, the longest unasked first.

mod address;
mod ask;

use std::collections::HashMap;
use std::time::Duration;

use aipoten_kit::{Caller, Lease};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use sqlx::PgPool;
use uuid::Uuid;

use self::ask::Asker;
use super::{Platform, UrlStatus, store};
use crate::config::LinkCheck;
use crate::{change, clock};

/// Addresses asked for under one hold of the lease.
const BATCH: i64 = 20;
/// Hosts asked at once; each one address after the other.
const HOSTS: usize = 4;

/// A video whose turn it is.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    pub(crate) id: Uuid,
    pub(crate) video_url: String,
    pub(crate) video_platform: Platform,
    /// When its turn came.
    pub(crate) tried_at: DateTime<Utc>,
}

/// What asking for an address told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    There,
    Gone,
    /// Too busy, in trouble or too slow: that says nothing about the video.
    Unknown,
    /// The whole platform has closed.
    Closed,
}

/// What is known of the address of a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) url_status: UrlStatus,
    pub(crate) url_last_checked_at: Option<DateTime<Utc>>,
    pub(crate) url_failing_since: Option<DateTime<Utc>>,
    pub(crate) version: i64,
}

/// What a check of links came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckedLinks {
    /// Videos that are there.
    pub there: usize,
    /// Videos that are not, at this moment.
    pub gone: usize,
    /// Addresses that told neither.
    pub unknown: usize,
    /// Videos that are shown otherwise from now on.
    pub changed: usize,
}

/// Asks for every address whose turn it is. `None` while somebody else is at it.
pub(crate) async fn check(pool: &PgPool, config: &LinkCheck) -> anyhow::Result<Option<CheckedLinks>> {
    let asker = Asker::new(config)?;
    let all = u32::try_from(BATCH)?;
    let time = (config.timeout() + config.pause()) * all + Duration::from_mins(1);
    let Some(lease) = Lease::take(pool, "link check", time).await? else { return Ok(None) };
    let checked = check_due(pool, &asker, &lease, config.pause()).await;
    lease.release(pool).await?;
    let CheckedLinks { there, gone, unknown, changed } = checked?;
    tracing::info!(there, gone, unknown, changed, "links were checked");
    Ok(Some(CheckedLinks { there, gone, unknown, changed }))
}

async fn check_due(pool: &PgPool, asker: &Asker, lease: &Lease, pause: Duration) -> anyhow::Result<CheckedLinks> {
    let mut checked = CheckedLinks::default();
    while lease.renew(pool).await? {
        let due = store::link::take_due(&mut *pool.acquire().await?, BATCH).await?;
        if due.is_empty() {
            break;
        }
        for (finding, changed) in ask_all(pool, asker, due, pause).await? {
            checked.count(finding, changed);
        }
    }
    Ok(checked)
}

/// What each address told, and whether its video is shown otherwise now.
async fn ask_all(pool: &PgPool, asker: &Asker, due: Vec<Due>, pause: Duration) -> anyhow::Result<Vec<(Finding, bool)>> {
    let mut hosts: HashMap<String, Vec<Due>> = HashMap::new();
    for due in due {
        hosts.entry(asker.host(&due)).or_default().push(due);
    }
    let ask_host = |due: Vec<Due>| async move {
        let mut told = Vec::new();
        for due in due {
            let finding = asker.ask(&due).await;
            told.push((finding, settle(pool, &due, finding).await?));
            tokio::time::sleep(pause).await;
        }
        anyhow::Ok(told)
    };
    let told: Vec<_> = stream::iter(hosts.into_values()).map(ask_host).buffer_unordered(HOSTS).try_collect().await?;
    Ok(told.concat())
}

/// Keeps what an address told, unless the video has another one by now; whether the video is shown otherwise.
async fn settle(pool: &PgPool, due: &Due, finding: Finding) -> anyhow::Result<bool> {
    let mut tx = pool.begin().await?;
    let Some(known) = store::link::lock(&mut tx, due.id, &due.video_url).await? else { return Ok(false) };
    let next = known.after(finding, due.tried_at, clock::now());
    let changed = next.url_status != known.url_status;
    if next != known {
        store::link::update(&mut tx, due.id, &next).await?;
    }
    if changed {
        change::announce(&mut tx, &Caller::default(), "video", due.id, next.version).await?;
    }
    tx.commit().await?;
    Ok(changed)
}

impl CheckedLinks {
    fn count(&mut self, finding: Finding, changed: bool) {
        let number = match finding {
            Finding::There => &mut self.there,
            Finding::Gone | Finding::Closed => &mut self.gone,
            Finding::Unknown => &mut self.unknown,
        };
        *number += 1;
        self.changed += usize::from(changed);
    }
}

impl Known {
    /// One failure may be anybody's fault: a video is broken when it is gone at a second check, a day after the first.
    fn after(self, finding: Finding, tried_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let since = self.url_failing_since.unwrap_or(tried_at);
        let told = |url_status| Self { url_status, url_last_checked_at: Some(now), ..self };
        let next = match finding {
            Finding::Unknown => self,
            Finding::There => Self { url_failing_since: None, ..told(UrlStatus::Ok) },
            Finding::Gone if now - since >= TimeDelta::days(1) => {
                Self { url_failing_since: Some(since), ..told(UrlStatus::Broken) }
            }
            Finding::Gone => Self { url_failing_since: Some(since), ..self },
            Finding::Closed => told(UrlStatus::Unavailable),
        };
        Self { version: self.version + i64::from(next.url_status != self.url_status), ..next }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NEW: Known =
        Known { url_status: UrlStatus::Unchecked, url_last_checked_at: None, url_failing_since: None, version: 1 };

    fn hour(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    #[test]
    fn a_video_is_broken_at_the_second_failure_a_day_after_the_first_and_there_again_at_once() {
        let after = |known: Known, finding, at| known.after(finding, hour(at), hour(at));
        let once = after(NEW, Finding::Gone, 0);
        assert_eq!((once.url_status, once.url_failing_since), (UrlStatus::Unchecked, Some(hour(0))));
        let soon = after(once, Finding::Gone, 23);
        assert_eq!((soon.url_status, soon.version), (UrlStatus::Unchecked, 1));
        let broken = after(soon, Finding::Gone, 24);
        assert_eq!(
            (broken.url_status, broken.url_last_checked_at, broken.version),
            (UrlStatus::Broken, Some(hour(24)), 2)
        );
        let back = after(broken, Finding::There, 48);
        assert_eq!((back.url_status, back.url_failing_since, back.version), (UrlStatus::Ok, None, 3));
    }

    proptest! {
        #[test]
        fn trouble_on_the_way_never_changes_what_is_shown(failing: Option<bool>, at in 0_i64..1000) {
            let known = Known { url_failing_since: failing.map(|_| hour(0)), ..NEW };
            prop_assert_eq!(known.after(Finding::Unknown, hour(at), hour(at)), known);
        }
    }
}

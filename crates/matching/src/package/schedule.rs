//! Setting the times of sessions that have none.

use aipoten_kit::{Caller, Error, Reason, Result};
use aipoten_proto::matching::v1 as proto;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{lock, show};
use crate::App;
use crate::calendar::booking::Booking;
use crate::consultation::{self, Status};
use crate::party::Party;
use aipoten_kit::Once;

/// When sessions shall begin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Times {
    Each(Vec<DateTime<Utc>>),
    /// `None`: as many as there are sessions without a time.
    Weekly {
        first: DateTime<Utc>,
        count: Option<usize>,
    },
}

/// All or nothing; the sessions without a time get them in their order.
pub(crate) async fn schedule(
    app: &App,
    caller: &Caller,
    once: &Once<'_>,
    id: Uuid,
    times: Times,
) -> Result<proto::Package> {
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    if let Some(answer) = once.answered(&mut tx, &app.cipher).await? {
        return Ok(answer);
    }
    let package = lock(&mut tx, id, party).await?;
    package.require_active()?;
    let mut open = consultation::store::of_package(&mut tx, package.id).await?;
    open.retain(|session| session.status == Status::Unscheduled);
    let times = times.begins(open.len());
    if times.len() > open.len() || times.is_empty() {
        return Err(Error::FailedPrecondition(Reason::from("TOO_MANY_TIMES").with("max", open.len().to_string())));
    }
    let bookings: Vec<Booking> =
        open.iter().zip(times).map(|(session, starts_at)| Booking { consultation_id: session.id, starts_at }).collect();
    let diary = consultation::book(&mut tx, &package, party, &bookings).await?;
    for (session, booking) in open.iter().zip(&bookings) {
        consultation::set_time(&mut tx, &diary, session, booking.starts_at, &caller.into()).await?;
    }
    let answer = show(&mut tx, package).await?.into_proto(caller.locale);
    once.keep(&mut tx, &app.cipher, &answer).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(answer)
}

impl Times {
    /// The hour stays the same, as the zone of the business knows no summer time.
    fn begins(self, open: usize) -> Vec<DateTime<Utc>> {
        match self {
            Self::Each(times) => times,
            Self::Weekly { first, count } => {
                let weeks = i64::try_from(count.unwrap_or(open)).unwrap_or(i64::MAX);
                (0..weeks).map(|week| first + TimeDelta::weeks(week)).collect()
            }
        }
    }
}

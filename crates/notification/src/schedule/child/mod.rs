//! Reminders by age: development checks, national check-ups, growth. Birth dates are asked of identity for the day and kept nowhere.

mod age;
mod window;

use std::collections::{BTreeMap, HashMap};

use aipoten_kit::Result;
use aipoten_proto::identity::v1::{ChildBirthDate, ListChildBirthsRequest};
use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{BATCH, by_clock, store};
use crate::notification::{self, Tell};
use crate::template::Variables;
use crate::{App, clock, erasure};
use age::Birth;

/// How many children each parent is reminded of, by template.
type Reminders = BTreeMap<(Uuid, &'static str), i64>;

/// Reminds parents of what begins or ends on a day: several children of one parent come in one notification.
pub(super) async fn remind(app: &App, day: NaiveDate) -> Result<()> {
    let mut reminders = Reminders::new();
    let mut after = String::new();
    loop {
        let request = app.service_tokens.request(ListChildBirthsRequest { after: after.clone() }).await?;
        let births = app.recipients.clone().list_child_births(request).await?.into_inner().births;
        let Some(last) = births.last() else { break };
        after.clone_from(&last.child_id);
        collect(app, &births, day, &mut reminders).await?;
    }
    let news: Vec<_> = reminders.into_iter().collect();
    for news in news.chunks(usize::try_from(BATCH).unwrap_or(1)) {
        tell(app, news, day).await?;
    }
    Ok(())
}

async fn collect(app: &App, births: &[ChildBirthDate], day: NaiveDate, reminders: &mut Reminders) -> Result<()> {
    let mut due = Vec::new();
    for child in births {
        let (child_id, user_id, birth) = (parse(&child.child_id)?, parse(&child.user_id)?, Birth::of(child)?);
        due.extend(window::due(birth, day).into_iter().map(|template| (child_id, user_id, birth, template)));
    }
    let children: Vec<Uuid> = due.iter().map(|(child_id, ..)| *child_id).collect();
    let checked: HashMap<Uuid, NaiveDate> =
        store::checked_on(&mut *app.pool.acquire().await?, &children).await?.into_iter().collect();
    for (child_id, user_id, birth, template) in due {
        let checked_on = checked.get(&child_id);
        if template != window::CLOSES || checked_on.is_none_or(|on| !window::same_check(birth, *on, day)) {
            *reminders.entry((user_id, template)).or_default() += 1;
        }
    }
    Ok(())
}

async fn tell(app: &App, reminders: &[((Uuid, &'static str), i64)], day: NaiveDate) -> Result<()> {
    let news = reminders.iter().map(|((user_id, template), children)| {
        let variables = Variables::from_iter([("children".to_owned(), json!(children))]);
        Tell::new(template, *user_id, &day.to_string(), variables)
    });
    let mut tx = app.pool.begin().await?;
    notification::tell(&mut tx, news.collect::<anyhow::Result<_>>()?, &by_clock()).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(())
}

/// A check was completed: nobody is reminded of it. False when the child is erased: nothing is told of it.
pub(crate) async fn checked(conn: &mut PgConnection, child_id: Uuid, at: DateTime<Utc>) -> Result<bool> {
    let lives = erasure::among(conn, &[child_id]).await?.is_empty();
    if lives {
        store::checked(conn, child_id, clock::day_of(at)).await?;
    }
    Ok(lives)
}

fn parse(id: &str) -> anyhow::Result<Uuid> {
    aipoten_proto::uuid(id).ok().context("identity names children and accounts by ids")
}

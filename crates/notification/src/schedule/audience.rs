//! What is for everybody of a role: identity is asked who that is when it is due, outside of any transaction.

use aipoten_kit::{Result, Role};
use aipoten_proto::identity::v1::ListRecipientIdsRequest;
use anyhow::Context as _;
use chrono::{DateTime, Days, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Asia::Seoul;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{New, To, by_clock, store};
use crate::notification::{self, Tell};
use crate::template::{Template, Variables};
use crate::{App, clock};

/// When the digest of a day's videos is told on the next, in Korea.
const DIGEST_AT: NaiveTime = NaiveTime::from_hms_opt(10, 0, 0).expect("a time of day");

#[derive(Debug)]
pub(crate) struct ForAll {
    pub(crate) id: Uuid,
    pub(crate) audience: Role,
    pub(crate) template: String,
    pub(crate) variables: Json<Variables>,
    pub(crate) dedupe_key: String,
}

/// Tells it to all administrators, soon.
pub(crate) async fn tell_admins(
    conn: &mut PgConnection,
    template: &'static str,
    about: Uuid,
    variables: Variables,
) -> Result<()> {
    Template::get(template)?.check(&variables)?;
    let new = New {
        to: To::Everybody(Role::Admin),
        template,
        variables,
        subject_id: None,
        due_at: clock::now(),
        dedupe_key: format!("{template}:{about}"),
    };
    Ok(store::insert(conn, &new).await?)
}

/// Parents are told of new videos once a day at most, on the day after.
pub(crate) async fn count_video(conn: &mut PgConnection, published_at: DateTime<Utc>) -> Result<()> {
    let day = clock::day_of(published_at.max(clock::now()));
    let at = Seoul.from_local_datetime(&(day.and_time(DIGEST_AT) + Days::new(1)));
    let new = New {
        to: To::Everybody(Role::Parent),
        template: "new_videos",
        variables: Variables::new(),
        subject_id: None,
        due_at: at.earliest().context("Korea has every time of day")?.to_utc(),
        dedupe_key: format!("new_videos:{day}"),
    };
    Ok(store::count_video(conn, &new).await?)
}

/// Tells what is due. Another replica may be at the same: nobody is told twice.
pub(crate) async fn tell_due(app: &App) -> Result<()> {
    let due = store::due_for_all(&mut *app.pool.acquire().await?).await?;
    for due in due {
        let mut after = String::new();
        loop {
            let request = ListRecipientIdsRequest { role: due.audience.as_str().to_owned(), after: after.clone() };
            let request = app.service_tokens.request(request).await?;
            let page = app.recipients.clone().list_recipient_ids(request).await?.into_inner().user_ids;
            let Some(last) = page.last() else { break };
            after.clone_from(last);
            tell_page(app, &due, &page).await?;
        }
        store::told(&mut *app.pool.acquire().await?, &[due.id]).await?;
    }
    Ok(())
}

async fn tell_page(app: &App, due: &ForAll, user_ids: &[String]) -> Result<()> {
    let mut news = Vec::new();
    for user_id in user_ids {
        let user_id = aipoten_proto::uuid(user_id).ok().context("identity names accounts by ids")?;
        let template = Template::get(&due.template)?;
        let dedupe_key = format!("{}:{user_id}", due.dedupe_key);
        news.push(Tell { user_id, template, variables: due.variables.0.clone(), dedupe_key, urgent: template.urgent });
    }
    let mut tx = app.pool.begin().await?;
    notification::tell(&mut tx, news, &by_clock()).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(())
}

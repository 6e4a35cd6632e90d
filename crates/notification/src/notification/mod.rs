//! Notifications: told once, shown in the app, sent on the ways that the person chose.

pub(crate) mod grpc;
pub(crate) mod store;

use std::collections::{HashMap, HashSet};

use aipoten_events::{Aggregate, Context, publish};
use aipoten_kit::{Caller, Error, Locale, Page, Result};
use aipoten_proto::notification::v1::NotificationCreated;
use aipoten_proto::timestamp;
use anyhow::ensure;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::delivery::{self, NewDelivery};
use crate::preference::{Chosen, quiet};
use crate::template::{self, Channel, Choice, Template, Variables};
use crate::{App, clock, device, erasure, preference};

/// What is told to a person.
#[derive(Debug, Clone)]
pub(crate) struct Tell {
    pub(crate) user_id: Uuid,
    pub(crate) template: &'static Template,
    pub(crate) variables: Variables,
    /// What it tells; it is told once.
    pub(crate) dedupe_key: String,
    /// Does not rest at night, whatever the template says.
    pub(crate) urgent: bool,
}

#[derive(Debug)]
pub(crate) struct Notification {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) template: String,
    pub(crate) variables: Json<Variables>,
    pub(crate) read_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
}

/// Which of the caller's notifications are wanted.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) unread_only: bool,
    pub(crate) kind: Option<String>,
}

impl Tell {
    /// Fails unless exactly the variables of the template are given.
    pub(crate) fn new(template: &str, user_id: Uuid, about: &str, variables: Variables) -> anyhow::Result<Self> {
        let template = Template::get(template)?;
        template.check(&variables)?;
        let dedupe_key = format!("{}:{about}:{user_id}", template.name);
        Ok(Self { user_id, template, variables, dedupe_key, urgent: template.urgent })
    }

    pub(crate) fn urgent_if(self, urgent: bool) -> Self {
        Self { urgent: self.urgent || urgent, ..self }
    }
}

impl Template {
    pub(crate) fn check(&self, variables: &Variables) -> anyhow::Result<()> {
        let given: HashSet<&str> = variables.keys().map(String::as_str).collect();
        let wanted: HashSet<&str> = self.variables.iter().copied().collect();
        ensure!(given == wanted, "{} speaks of {wanted:?} and was given {given:?}", self.name);
        Ok(())
    }
}

/// Tells each once: in the app, to gateways, and on the ways that the people chose. In the transaction of what is told.
pub(crate) async fn tell(conn: &mut PgConnection, news: Vec<Tell>, context: &Context) -> Result<()> {
    let news = without_erased(conn, news).await?;
    if news.is_empty() {
        return Ok(());
    }
    let (in_app, by_mail): (Vec<_>, Vec<_>) = news.into_iter().partition(|tell| tell.template.in_app());
    let told = store::insert(conn, &in_app).await?;
    let mut deliver: Vec<(Option<Uuid>, &Tell)> = Vec::new();
    for tell in &in_app {
        if let Some((id, created_at)) = told.get(&tell.dedupe_key) {
            announce(conn, tell, *id, *created_at, context).await?;
            deliver.push((Some(*id), tell));
        }
    }
    deliver.extend(by_mail.iter().map(|tell| (None, tell)));
    send(conn, &deliver).await
}

async fn without_erased(conn: &mut PgConnection, news: Vec<Tell>) -> Result<Vec<Tell>> {
    let users: Vec<Uuid> = news.iter().map(|tell| tell.user_id).collect();
    let erased = erasure::among(conn, &users).await?;
    Ok(news.into_iter().filter(|tell| !erased.contains(&tell.user_id)).collect())
}

async fn announce(
    conn: &mut PgConnection,
    tell: &Tell,
    id: Uuid,
    created_at: DateTime<Utc>,
    context: &Context,
) -> Result<()> {
    let words = |locale| template::words(locale, tell.template.name, &tell.variables);
    let (ko, en) = (words(Locale::Ko), words(Locale::En));
    let event = NotificationCreated {
        notification_id: id.to_string(),
        user_id: tell.user_id.to_string(),
        r#type: tell.template.kind.to_owned(),
        title_ko: ko.title,
        title_en: en.title,
        message_ko: ko.message,
        message_en: en.message,
        link_url: ko.link.unwrap_or_default(),
        data: json(&tell.variables),
        created_at: Some(timestamp(created_at)),
    };
    publish(conn, Aggregate { kind: "notification", id, seq: 1 }, &event, context).await?;
    Ok(())
}

fn json(variables: &Variables) -> String {
    serde_json::Value::Object(variables.clone()).to_string()
}

/// Puts deliveries of notifications that are new into line.
async fn send(conn: &mut PgConnection, news: &[(Option<Uuid>, &Tell)]) -> Result<()> {
    let users: Vec<Uuid> = news.iter().map(|(_, tell)| tell.user_id).collect();
    let chosen = preference::store::chosen(conn, &users).await?;
    let devices = device::store::of_users(conn, &users).await?;
    let now = clock::now();
    let mut deliveries = Vec::new();
    for (notification_id, tell) in news {
        let (chosen, devices) = (chosen.get(&tell.user_id), devices.get(&tell.user_id));
        for channel in tell.channels(chosen) {
            let at = tell.next_attempt_at(channel, chosen, now);
            let delivery = |device_id| NewDelivery::new(*notification_id, tell, channel, device_id, at);
            match channel {
                Channel::Push => deliveries.extend(devices.into_iter().flatten().map(|id| delivery(Some(*id)))),
                Channel::Email | Channel::Sms => deliveries.push(delivery(None)),
            }
        }
    }
    Ok(delivery::store::insert(conn, &deliveries).await?)
}

impl Tell {
    /// The ways that the template can take and the person wants.
    fn channels(&self, chosen: Option<&Chosen>) -> impl Iterator<Item = Channel> {
        self.template.ways().filter_map(move |(channel, choice)| {
            let said = chosen.and_then(|chosen| chosen.enabled(self.template.kind, channel));
            let takes = match choice {
                Choice::Always => true,
                Choice::On => said.unwrap_or(true),
                Choice::Off => said.unwrap_or(false),
            };
            takes.then_some(channel)
        })
    }

    /// Push and text messages rest at night.
    fn next_attempt_at(&self, channel: Channel, chosen: Option<&Chosen>, now: DateTime<Utc>) -> DateTime<Utc> {
        let rests = channel != Channel::Email && !self.urgent && chosen.is_none_or(Chosen::quiet_hours);
        if rests { quiet::after(now) } else { now }
    }
}

pub(super) async fn list(app: &App, caller: &Caller, page: Page, filter: &Filter) -> Result<(Vec<Notification>, i64)> {
    let user = caller.user()?;
    let mut conn = app.pool.acquire().await?;
    let notifications = store::page(&mut conn, user.id, page, filter).await?;
    let total = store::count(&mut conn, user.id, filter).await?;
    Ok((notifications, total))
}

/// What came after a moment, the oldest first.
pub(super) async fn list_after(app: &App, caller: &Caller, after: DateTime<Utc>) -> Result<Vec<Notification>> {
    let user = caller.user()?;
    Ok(store::after(&mut *app.pool.acquire().await?, user.id, after).await?)
}

pub(super) async fn unread(app: &App, caller: &Caller) -> Result<i64> {
    let user = caller.user()?;
    Ok(store::unread(&mut *app.pool.acquire().await?, user.id).await?)
}

pub(super) async fn read(app: &App, caller: &Caller, id: Uuid) -> Result<Notification> {
    let user = caller.user()?;
    store::read(&mut *app.pool.acquire().await?, user.id, id).await?.ok_or_else(not_found)
}

pub(super) async fn read_all(app: &App, caller: &Caller) -> Result<()> {
    let user = caller.user()?;
    Ok(store::read_all(&mut *app.pool.acquire().await?, user.id).await?)
}

pub(super) async fn delete(app: &App, caller: &Caller, id: Uuid) -> Result<()> {
    let user = caller.user()?;
    if store::delete(&mut *app.pool.acquire().await?, user.id, id).await? { Ok(()) } else { Err(not_found()) }
}

fn not_found() -> Error {
    Error::NotFound("notification")
}

/// New notifications by their dedupe keys.
pub(crate) type Told = HashMap<String, (Uuid, DateTime<Utc>)>;

//! What reaches a person, and how.

pub(crate) mod grpc;
pub(crate) mod quiet;
pub(crate) mod store;
pub(crate) mod unsubscribe;

use std::collections::HashMap;

use aipoten_kit::{Caller, Error, Fields, Result, Role, User};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::App;
use crate::template::{Channel, Choice, KINDS, Kind};

/// What a person chose; the defaults hold for everything else.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    pub(crate) enabled: HashMap<(String, Channel), bool>,
    pub(crate) quiet_hours: Option<bool>,
    pub(crate) updated_at: Option<DateTime<Utc>>,
}

impl Chosen {
    pub(crate) fn enabled(&self, kind: &str, channel: Channel) -> Option<bool> {
        self.enabled.get(&(kind.to_owned(), channel)).copied()
    }

    pub(crate) fn quiet_hours(&self) -> bool {
        self.quiet_hours.unwrap_or(true)
    }
}

/// One choice; no channel is the app.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) kind: String,
    pub(crate) channel: Option<Channel>,
    pub(crate) enabled: bool,
}

/// A choice as it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) kind: &'static Kind,
    pub(crate) channel: Option<Channel>,
    pub(crate) enabled: bool,
    pub(crate) is_changeable: bool,
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Kind {}

pub(super) async fn get(app: &App, caller: &Caller) -> Result<(Vec<Shown>, Chosen)> {
    let user = caller.user()?;
    let mut chosen = store::chosen(&mut *app.pool.acquire().await?, &[user.id]).await?;
    let chosen = chosen.remove(&user.id).unwrap_or_default();
    Ok((shown(user.role, &chosen), chosen))
}

pub(super) async fn put(
    app: &App,
    caller: &Caller,
    wishes: Vec<Wish>,
    quiet_hours: Option<bool>,
) -> Result<(Vec<Shown>, Chosen)> {
    let user = caller.user()?;
    let changes = check(user, wishes)?;
    let mut tx = app.pool.begin().await?;
    store::put(&mut tx, user.id, &changes).await?;
    if let Some(enabled) = quiet_hours {
        store::put_quiet_hours(&mut tx, user.id, enabled).await?;
    }
    tx.commit().await?;
    get(app, caller).await
}

/// The choices that differ from what is always so.
fn check(user: &User, wishes: Vec<Wish>) -> Result<Vec<(&'static Kind, Channel, bool)>> {
    let mut fields = Fields::new();
    let mut changes: Vec<(&'static Kind, Channel, bool)> = Vec::new();
    for (index, wish) in wishes.into_iter().enumerate() {
        let at = |field: &str| format!("preferences[{index}].{field}");
        let Some(kind) = Kind::find(&wish.kind).filter(|kind| kind.roles.contains(&user.role)) else {
            fields.violate(&at("type"), "unknown_notification_type");
            continue;
        };
        let choice = wish.channel.map_or(Some(Choice::Always), |channel| kind.choice(channel));
        match (choice, wish.channel) {
            (None, _) => fields.violate(&at("channel"), "not_by_this_way"),
            (Some(Choice::Always), _) => fields.check(wish.enabled, &at("enabled"), "always_on"),
            (Some(_), Some(channel)) if changes.iter().any(|it| it.0 == kind && it.1 == channel) => {
                fields.violate(&at("channel"), "duplicate");
            }
            (Some(_), Some(channel)) => changes.push((kind, channel, wish.enabled)),
            (Some(_), None) => {}
        }
    }
    fields.finish()?;
    Ok(changes)
}

fn shown(role: Role, chosen: &Chosen) -> Vec<Shown> {
    let mut all = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.roles.contains(&role)) {
        all.push(Shown { kind, channel: None, enabled: true, is_changeable: false });
        for (channel, choice) in kind.ways {
            let enabled = match choice {
                Choice::Always => true,
                Choice::On => chosen.enabled(kind.name, *channel).unwrap_or(true),
                Choice::Off => chosen.enabled(kind.name, *channel).unwrap_or(false),
            };
            all.push(Shown { kind, channel: Some(*channel), enabled, is_changeable: *choice != Choice::Always });
        }
    }
    all
}

/// Turns a type off for mail, for whoever has the secret of the mail.
pub(super) async fn unsubscribe(app: &App, token: &str) -> Result<&'static Kind> {
    let (user_id, kind): (Uuid, _) = app.unsubscriber.read(token).ok_or_else(|| Error::invalid("token", "invalid"))?;
    if kind.choice(Channel::Email).is_none_or(|choice| choice == Choice::Always) {
        return Err(Error::invalid("token", "always_on"));
    }
    let mut tx = app.pool.begin().await?;
    if crate::erasure::among(&mut tx, &[user_id]).await?.is_empty() {
        store::put(&mut tx, user_id, &[(kind, Channel::Email, false)]).await?;
    }
    tx.commit().await?;
    Ok(kind)
}

//! Rotation: a key is published before it signs and stays published while its tokens live. What is due is looked for by
//! every replica and done by one, behind the lock of [`store::lock`].

use aipoten_kit::config::Tokens;
use aipoten_kit::{Caller, Cipher};
use anyhow::{Context as _, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{KeyPair, Keys, State, store, take};
use crate::audit::{self, Act, Outcome};
use crate::{App, Config};

/// How long a key signs.
const SIGNS: TimeDelta = TimeDelta::days(30);

/// How long a key is published before it signs: longer than anybody keeps an older key set. Services ask every minute; what
/// the gateway answers may be kept for five.
const PUBLISHED: TimeDelta = TimeDelta::minutes(10);

/// How long a retired key is published beyond the life of its tokens: for clocks that differ.
const MARGIN: TimeDelta = TimeDelta::minutes(1);

/// Reads the keys at the start; the very first one makes them.
pub(crate) async fn load(pool: &PgPool, cipher: &Cipher, config: &Config, tokens: &Tokens) -> anyhow::Result<Keys> {
    Keys::new(&up_to_date(pool, cipher, config).await?, tokens)
}

/// Takes the keys as they are now, after doing what is due.
pub(crate) async fn tend(app: &App) -> anyhow::Result<()> {
    take(app, &up_to_date(&app.pool, &app.cipher, &app.config).await?)
}

async fn up_to_date(pool: &PgPool, cipher: &Cipher, config: &Config) -> anyhow::Result<Vec<KeyPair>> {
    let retired_for = TimeDelta::seconds(config.session.access_s.into()) + MARGIN;
    let pairs = store::list(&mut *pool.acquire().await?, cipher).await?;
    if !is_work_due(&pairs, retired_for, Utc::now()) {
        return Ok(pairs);
    }
    let mut tx = pool.begin().await?;
    store::lock(&mut tx).await?;
    // Another replica may have been first.
    let pairs = store::list(&mut tx, cipher).await?;
    let now = Utc::now();
    store::delete_retired(&mut tx, now - retired_for).await?;
    if let Some((active, next)) = due(&pairs, now) {
        rotate(&mut tx, active, next, "clock").await?;
    }
    make_missing(&mut tx, cipher).await?;
    let pairs = store::list(&mut tx, cipher).await?;
    tx.commit().await?;
    Ok(pairs)
}

fn is_work_due(pairs: &[KeyPair], retired_for: TimeDelta, now: DateTime<Utc>) -> bool {
    let over = |pair: &KeyPair| pair.state == State::Retired && now - pair.since > retired_for;
    let missing = [State::Active, State::Next].iter().any(|state| of(pairs, *state).is_none());
    missing || pairs.iter().any(over) || due(pairs, now).is_some()
}

/// The key that has signed long enough, and the one to take its place.
fn due(pairs: &[KeyPair], now: DateTime<Utc>) -> Option<(&KeyPair, &KeyPair)> {
    let (active, next) = (of(pairs, State::Active)?, of(pairs, State::Next)?);
    (now - active.since >= SIGNS && now - next.since >= PUBLISHED).then_some((active, next))
}

fn of(pairs: &[KeyPair], state: State) -> Option<&KeyPair> {
    pairs.iter().find(|pair| pair.state == state)
}

async fn rotate(conn: &mut PgConnection, active: &KeyPair, next: &KeyPair, by: &str) -> anyhow::Result<()> {
    store::put(conn, active.id, State::Retired).await?;
    store::put(conn, next.id, State::Active).await?;
    record(conn, "signing_key.rotated", next.id, by).await
}

async fn make_missing(conn: &mut PgConnection, cipher: &Cipher) -> anyhow::Result<()> {
    let pairs = store::list(conn, cipher).await?;
    for state in [State::Active, State::Next] {
        if of(&pairs, state).is_none() {
            store::insert(conn, cipher, &KeyPair::new(state)).await?;
        }
    }
    Ok(())
}

/// What becomes of the keys that a rotation by command finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdraw {
    /// The tokens of the active one are good until they expire.
    Nothing,
    /// None is believed any more, as after a theft: every access token is refused, and whoever is signed in gets a new one
    /// for the refresh token. It takes a minute until every service has asked for the keys; until then one may still believe
    /// an old token, or not yet a new one.
    All,
}

/// Rotates by command; answers the id of the key that signs from now on. Running replicas take it up within seconds.
/// Fails while the next key has not been published long enough, unless all are withdrawn.
pub async fn rotate_keys(pool: &PgPool, config: &Config, withdraw: Withdraw) -> anyhow::Result<Uuid> {
    let cipher = Cipher::new(&config.encryption).context("configuration key `identity.encryption`")?;
    let mut tx = pool.begin().await?;
    store::lock(&mut tx).await?;
    let pairs = store::list(&mut tx, &cipher).await?;
    match withdraw {
        Withdraw::All => withdraw_all(&mut tx, &pairs).await?,
        Withdraw::Nothing => rotate_published(&mut tx, &pairs).await?,
    }
    make_missing(&mut tx, &cipher).await?;
    let active = store::list(&mut tx, &cipher).await?.into_iter().find(|pair| pair.state == State::Active);
    tx.commit().await?;
    Ok(active.context("no signing key is active")?.id)
}

async fn rotate_published(conn: &mut PgConnection, pairs: &[KeyPair]) -> anyhow::Result<()> {
    let missing = "there is no next signing key: identity makes one when it starts";
    let (active, next) = of(pairs, State::Active).zip(of(pairs, State::Next)).context(missing)?;
    let left = PUBLISHED - (Utc::now() - next.since);
    ensure!(
        left <= TimeDelta::zero(),
        "not everybody knows the next signing key yet: it may sign in {} seconds",
        left.num_seconds() + 1
    );
    rotate(conn, active, next, "command").await
}

async fn withdraw_all(conn: &mut PgConnection, pairs: &[KeyPair]) -> anyhow::Result<()> {
    for pair in pairs {
        store::delete(conn, pair.id).await?;
        record(conn, "signing_key.withdrawn", pair.id, "command").await?;
    }
    Ok(())
}

async fn record(conn: &mut PgConnection, action: &'static str, key_id: Uuid, by: &str) -> anyhow::Result<()> {
    let act = Act {
        action,
        outcome: Outcome::Success,
        actor_id: None,
        resource: "signing_key",
        resource_id: Some(key_id),
        metadata: json!({ "by": by }),
    };
    let system = Caller { request_id: "key-rotation".to_owned(), ..Caller::default() };
    Ok(audit::record(conn, &system, &act).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(active: TimeDelta, next: TimeDelta, now: DateTime<Utc>) -> [KeyPair; 2] {
        let aged = |state, age| KeyPair { since: now - age, ..KeyPair::new(state) };
        [aged(State::Active, active), aged(State::Next, next)]
    }

    #[test]
    fn a_key_signs_for_thirty_days_and_the_next_one_is_published_for_ten_minutes_first() {
        let now = Utc::now();
        let (second, life) = (TimeDelta::seconds(1), TimeDelta::minutes(16));
        let cases = [
            (SIGNS, PUBLISHED, true),
            (SIGNS - second, PUBLISHED, false),
            (SIGNS, PUBLISHED - second, false),
            (TimeDelta::zero(), SIGNS, false),
        ];
        for (active, next, expected) in cases {
            let pairs = pairs(active, next, now);
            assert_eq!((due(&pairs, now).is_some(), is_work_due(&pairs, life, now)), (expected, expected));
        }
    }

    #[test]
    fn a_missing_key_and_a_retired_one_whose_tokens_have_expired_are_work() {
        let (now, life) = (Utc::now(), TimeDelta::minutes(16));
        let [active, next] = pairs(TimeDelta::zero(), TimeDelta::zero(), now);
        let retired = |age| KeyPair { since: now - age, ..KeyPair::new(State::Retired) };
        assert!(is_work_due(&[], life, now));
        assert!(is_work_due(std::slice::from_ref(&active), life, now));
        let fresh = [active, next, retired(life)];
        assert!(!is_work_due(&fresh, life, now));
        let [active, next, _] = fresh;
        assert!(is_work_due(&[active, next, retired(life + TimeDelta::seconds(1))], life, now));
    }
}

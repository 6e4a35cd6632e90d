//! The chain over the audit log: what was changed, added or removed behind the service's back shows.

use std::fmt;

use aipoten_kit::{Cipher, Result};
use anyhow::Context as _;
use chrono::{DateTime, Months, NaiveDate, Utc};
use hmac::Mac as _;
use sqlx::PgPool;
use uuid::Uuid;

use super::store::chain as store;
use crate::service_key::ServiceKey;
use crate::{App, Config};

/// How long records are kept; those of earlier days are forgotten, and the chain begins with the last of them.
const KEPT: Months = Months::new(24);
/// Records that are sealed or checked at a time.
const BATCH: i64 = 1000;

/// A record as it is sealed.
pub(super) struct Record {
    pub(super) id: Uuid,
    pub(super) actor_id: Option<Uuid>,
    pub(super) actor_role: Option<String>,
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) resource_id: Option<Uuid>,
    pub(super) outcome: String,
    pub(super) ip: String,
    pub(super) user_agent: String,
    pub(super) request_id: String,
    /// As PostgreSQL writes it, which is the same for the same value.
    pub(super) metadata: String,
    pub(super) created_at: DateTime<Utc>,
}

/// A place in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) day: NaiveDate,
    pub(super) seq: i64,
    pub(super) audit_id: Uuid,
    pub(super) hash: Vec<u8>,
}

impl Seal {
    /// The seal of a record that follows `previous`.
    fn after(previous: Option<&Self>, today: NaiveDate, record: &Record, key: &ServiceKey) -> Self {
        // A clock that was set back opens no earlier day.
        let day = previous.map_or(today, |it| it.day.max(today));
        let seq = previous.filter(|it| it.day == day).map_or(1, |it| it.seq + 1);
        let hash = hash(previous, day, seq, record, key);
        Self { day, seq, audit_id: record.id, hash }
    }
}

fn hash(previous: Option<&Seal>, day: NaiveDate, seq: i64, record: &Record, key: &ServiceKey) -> Vec<u8> {
    let id = |it: Option<Uuid>| it.map(|it| it.to_string()).unwrap_or_default();
    let fields = [
        day.to_string(),
        seq.to_string(),
        record.id.to_string(),
        id(record.actor_id),
        record.actor_role.clone().unwrap_or_default(),
        record.action.clone(),
        record.resource.clone(),
        id(record.resource_id),
        record.outcome.clone(),
        record.ip.clone(),
        record.user_agent.clone(),
        record.request_id.clone(),
        record.metadata.clone(),
        record.created_at.timestamp_micros().to_string(),
    ];
    let mut mac = key.mac();
    mac.update(previous.map_or(&[], |it| it.hash.as_slice()));
    for field in &fields {
        // With its length, so that no two records read the same.
        mac.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(field.as_bytes());
    }
    mac.finalize().into_bytes().to_vec()
}

/// Seals what was written since the last time, unless another process is at it.
pub(crate) async fn seal(app: &App) -> anyhow::Result<()> {
    loop {
        let mut tx = app.pool.begin().await?;
        if !store::try_lock(&mut tx).await? {
            return Ok(());
        }
        let records = store::unsealed(&mut tx, BATCH).await?;
        if records.is_empty() {
            return Ok(());
        }
        let (mut seals, mut previous) = (Vec::with_capacity(records.len()), store::head(&mut tx).await?);
        for record in &records {
            let seal = Seal::after(previous.as_ref(), Utc::now().date_naive(), record, &app.audit_key);
            previous = Some(seal.clone());
            seals.push(seal);
        }
        store::insert(&mut tx, &seals).await?;
        tx.commit().await?;
    }
}

/// What a check of the chain found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Records that are as they were sealed.
    pub good: u64,
    /// What is wrong, at most a hundred places.
    pub faults: Vec<Fault>,
}

/// Something that the service itself never does to its audit log.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// The record at this place of the chain was changed, moved or removed.
    Broken(NaiveDate, i64),
    /// A place of the chain is missing before this one.
    Gap(NaiveDate, i64),
    /// So many records were never sealed, nor wait for it.
    Unsealed(i64),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(day, seq) => write!(f, "{day} {seq}: the record was changed, moved or removed"),
            Self::Gap(day, seq) => write!(f, "{day} {seq}: something before it is missing"),
            Self::Unsealed(count) => write!(f, "{count} records were put in beside the service"),
        }
    }
}

/// Forgets what was written two years ago, unless another process is at the chain.
pub(crate) async fn forget(app: &App) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    if store::try_lock(&mut tx).await? {
        let forgotten = store::forget(&mut tx).await?;
        tx.commit().await?;
        if forgotten > 0 {
            tracing::info!(stream = "audit", forgotten, "records of two years ago were forgotten");
        }
    }
    Ok(())
}

/// Checks the whole audit log as of a day, for whoever has the database and the encryption keys at hand.
pub async fn check_audit(pool: &PgPool, config: &Config, today: NaiveDate) -> anyhow::Result<Checked> {
    let cipher = Cipher::new(&config.encryption).context("configuration key `identity.encryption`")?;
    check(pool, &ServiceKey::load(pool, &cipher, "audit").await?, NaiveDate::default(), today).await
}

/// Checks what was sealed from a day on; the first day of all is that of 1970.
pub(crate) async fn check(
    pool: &PgPool,
    key: &ServiceKey,
    from: NaiveDate,
    today: NaiveDate,
) -> anyhow::Result<Checked> {
    let mut conn = pool.acquire().await?;
    let mut checked = Checked::default();
    let mut previous = store::last_before(&mut conn, from).await?;
    // The first seal of all, when its record is gone: forgotten, if the next record is of a day that is no longer kept.
    let mut gone: Option<Seal> = None;
    loop {
        let batch = store::list_after(&mut conn, previous.as_ref(), from, BATCH).await?;
        let full = i64::try_from(batch.len()) == Ok(BATCH);
        for (seal, record) in batch {
            if previous.is_none() && record.is_none() {
                gone = Some(seal.clone());
                previous = Some(seal);
                continue;
            }
            let forgotten = Some(seal.day) < today.checked_sub_months(KEPT);
            checked.faults.extend(gone.take().filter(|_| !forgotten).map(|it| Fault::Broken(it.day, it.seq)));
            checked.take(previous.as_ref(), &seal, record.as_ref(), key);
            previous = Some(seal);
        }
        if !full || checked.faults.len() >= 100 {
            break;
        }
    }
    checked.faults.extend(gone.map(|it| Fault::Broken(it.day, it.seq)));
    let unsealed = store::count_unaccounted(&mut conn, from).await?;
    if unsealed > 0 {
        checked.faults.push(Fault::Unsealed(unsealed));
    }
    Ok(checked)
}

impl Checked {
    fn take(&mut self, previous: Option<&Seal>, seal: &Seal, record: Option<&Record>, key: &ServiceKey) {
        let follows = previous.filter(|it| it.day == seal.day).map_or(1, |it| it.seq + 1) == seal.seq;
        let intact = record.is_some_and(|it| hash(previous, seal.day, seal.seq, it, key) == seal.hash);
        match (follows, intact) {
            (true, true) => self.good += 1,
            (false, _) => self.faults.push(Fault::Gap(seal.day, seal.seq)),
            (true, false) => self.faults.push(Fault::Broken(seal.day, seal.seq)),
        }
    }
}

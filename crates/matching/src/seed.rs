//! Planting the shipped data: public holidays. Each row once: what an operator changed or deleted stays so.

use std::collections::HashSet;

use anyhow::Context as _;
use chrono::NaiveDate;
use serde::Deserialize;
use sqlx::{PgConnection, PgPool};

const HOLIDAYS: &str = include_str!("../data/korea/public_holidays.csv");

#[derive(Deserialize)]
struct Holiday {
    date: NaiveDate,
    name_ko: String,
    name_en: String,
}

/// Plants what was never planted before; answers how many rows. Again changes nothing.
pub async fn seed(pool: &PgPool) -> anyhow::Result<usize> {
    let mut tx = pool.begin().await?;
    let planted = planted(&mut tx).await?;
    let mut number = 0;
    for row in csv::Reader::from_reader(HOLIDAYS.as_bytes()).into_deserialize::<Holiday>() {
        let holiday = row.context("shipped public holidays")?;
        let key = format!("holiday/{}", holiday.date);
        if !planted.contains(&key) {
            plant(&mut tx, &key, &holiday).await.context(key)?;
            number += 1;
        }
    }
    tx.commit().await?;
    Ok(number)
}

/// Locked, so that two seeds at once plant one after the other.
async fn planted(conn: &mut PgConnection) -> anyhow::Result<HashSet<String>> {
    sqlx::query!("LOCK TABLE seeds IN SHARE ROW EXCLUSIVE MODE").execute(&mut *conn).await?;
    Ok(sqlx::query_scalar!("SELECT key FROM seeds").fetch_all(conn).await?.into_iter().collect())
}

/// A day that an operator added before keeps the operator's name.
async fn plant(conn: &mut PgConnection, key: &str, holiday: &Holiday) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH planted AS (INSERT INTO seeds (key) VALUES ($1))
         INSERT INTO public_holidays (date, name_ko, name_en) VALUES ($2, $3, $4) ON CONFLICT DO NOTHING",
        key,
        holiday.date,
        holiday.name_ko,
        holiday.name_en,
    )
    .execute(conn)
    .await?;
    Ok(())
}

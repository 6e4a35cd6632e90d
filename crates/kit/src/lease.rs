//! A job that one replica at a time does: whoever holds the lease. Each service that has such jobs has the table `leases`.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

/// A job that is this process's to do, for as long as it was taken. A holder that dies lets it run out.
pub struct Lease {
    job: String,
    holder: Uuid,
    time: Duration,
}

impl Lease {
    /// `None` while somebody else holds it.
    pub async fn take(pool: &PgPool, job: &str, time: Duration) -> anyhow::Result<Option<Self>> {
        let lease = Self { job: job.to_owned(), holder: Uuid::now_v7(), time };
        Ok(if lease.renew(pool).await? { Some(lease) } else { None })
    }

    /// Holds it for the whole time again; false when somebody else has it by now.
    pub async fn renew(&self, pool: &PgPool) -> anyhow::Result<bool> {
        let time = PgInterval::try_from(self.time).map_err(|error| anyhow::anyhow!(error))?;
        let held = sqlx::query(
            "INSERT INTO leases (job, holder, until) VALUES ($1, $2, clock_timestamp() + $3)
             ON CONFLICT (job) DO UPDATE SET holder = excluded.holder, until = excluded.until
             WHERE leases.holder = excluded.holder OR leases.until < clock_timestamp()",
        )
        .bind(&self.job)
        .bind(self.holder)
        .bind(time);
        Ok(held.execute(pool).await?.rows_affected() == 1)
    }

    /// Leaves it to whoever wants it next.
    pub async fn release(self, pool: &PgPool) -> sqlx::Result<()> {
        let given_up =
            sqlx::query("DELETE FROM leases WHERE job = $1 AND holder = $2").bind(self.job).bind(self.holder);
        given_up.execute(pool).await?;
        Ok(())
    }
}

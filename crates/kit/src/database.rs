//! PostgreSQL: pools and the state of the schema.

use std::str::FromStr as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use metrics::gauge;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};

use crate::Process;
use crate::config::{Database, required};

/// Opens a pool with the application's role. `key` is the configuration key of the section, for errors.
pub async fn connect(key: &str, config: &Database) -> anyhow::Result<PgPool> {
    let url = required(&format!("{key}.url"), &config.url)?;
    let options = PgConnectOptions::from_str(url)
        .with_context(|| format!("configuration key `{key}.url` is no PostgreSQL address"))?
        .application_name(key)
        // Compiling a statement takes half a second, and none of ours runs that long.
        .options([("statement_timeout", "30s"), ("idle_in_transaction_session_timeout", "60s"), ("jit", "off")]);
    PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(Duration::from_secs(5))
        // The check costs a round trip on every use; a dead connection fails its query and leaves the pool.
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .with_context(|| format!("the database of `{key}.url` cannot be reached"))
}

/// Makes the process ready only while the database answers. `name` is the name of the condition. The metrics tell how many connections
/// are in use.
pub fn watch(pool: &PgPool, name: &'static str, process: &Process) {
    measure(pool, name.trim_end_matches(".database"), process);
    let pool = pool.clone();
    process.check(name, move || {
        let pool = pool.clone();
        Box::pin(async move { sqlx::query("SELECT 1").execute(&pool).await.is_ok() })
    });
}

fn measure(pool: &PgPool, service: &'static str, process: &Process) {
    gauge!("aipoten_pool_connections_max", "pool" => service).set(pool.options().get_max_connections());
    let used = gauge!("aipoten_pool_connections", "pool" => service, "state" => "used");
    let idle = gauge!("aipoten_pool_connections", "pool" => service, "state" => "idle");
    let pool = pool.clone();
    process.measure(move || {
        // The two are read one after the other.
        let resting = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        used.set(pool.size().saturating_sub(resting));
        idle.set(resting);
    });
}

/// Fails when the schema is older than `migrator`: `aipoten migrate` has to run first.
pub async fn check_migrated(pool: &PgPool, migrator: &Migrator) -> anyhow::Result<()> {
    let newest = migrator.iter().map(|migration| migration.version).max().unwrap_or(0);
    let table = &migrator.table_name;
    let query = format!("SELECT coalesce(max(version), 0) FROM {table} WHERE success");
    let applied: i64 = sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_one(pool)
        .await
        .with_context(|| format!("{table} cannot be read: run `aipoten migrate` first"))?;
    if applied < newest {
        bail!("the schema is at migration {applied}, this program needs {newest}: run `aipoten migrate` first");
    }
    Ok(())
}

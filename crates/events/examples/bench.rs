//! Measures events from commit to consumer on servers of its own; run by `make bench-events`. Publishers, relay and
//! consumer share one process, and all share the machine with PostgreSQL and RabbitMQ.

use std::io::Write as _;
use std::time::{Duration, Instant};

use aipoten_events::{Aggregate, Config, Consumers, Context, Delivered, Failure, MIGRATOR, Relay, Wake, publish};
use aipoten_kit::database;
use aipoten_kit::test::{TestDatabase, own_broker_url};
use sqlx::{PgConnection, PgPool};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const BACKLOG: i64 = 100_000;
const PUBLISHERS: usize = 8;
const STEADY_RATE: u64 = 200;
const STEADY: Duration = Duration::from_secs(20);
const SATURATED: Duration = Duration::from_secs(20);

/// One kilobyte, as most events are at most.
#[derive(Clone, PartialEq, prost::Message, serde::Serialize)]
struct Measured {
    #[prost(string, tag = "1")]
    filler: String,
}

impl prost::Name for Measured {
    const NAME: &'static str = "Measured";
    const PACKAGE: &'static str = "aipoten.bench.v1";
}

fn measured() -> Measured {
    Measured { filler: "x".repeat(1000) }
}

/// Notes when it got the event and has an effect of one row.
async fn take(conn: &mut PgConnection, event: &Delivered<Measured>) -> Result<(), Failure> {
    sqlx::query("INSERT INTO taken VALUES ($1, clock_timestamp())").bind(event.id).execute(conn).await?;
    Ok(())
}

struct Bench {
    database: TestDatabase,
    pool: PgPool,
    config: Config,
}

/// A relay and a consumer at work.
struct Running {
    wake: Wake,
    stop: CancellationToken,
    tasks: [JoinHandle<anyhow::Result<()>>; 2],
}

impl Running {
    async fn end(self) -> anyhow::Result<()> {
        self.stop.cancel();
        for task in self.tasks {
            task.await??;
        }
        Ok(())
    }
}

impl Bench {
    async fn new() -> anyhow::Result<Self> {
        let database = TestDatabase::create(&[&MIGRATOR]).await;
        let tables = "CREATE TABLE taken (id uuid, at timestamptz); GRANT ALL ON taken TO aipoten_app;
                      CREATE TABLE committed (id uuid, at timestamptz); GRANT ALL ON committed TO aipoten_app;";
        sqlx::raw_sql(tables).execute(&database.pool).await?;
        let pool = database::connect("bench", &database.config()).await?;
        let config = Config { url: own_broker_url("bench").into(), ..Config::default() };
        Ok(Self { database, pool, config })
    }

    async fn start(&self) -> Running {
        let stop = CancellationToken::new();
        let consumers = Consumers::new("bench").on::<Measured>(take);
        let mut health = consumers.health();
        let consuming = tokio::spawn(consumers.run(self.pool.clone(), self.config.clone(), stop.clone()));
        health.wait_connected().await;
        let relay = Relay::new("bench", self.pool.clone(), self.config.clone());
        let wake = relay.wake();
        let relaying = tokio::spawn(relay.run(stop.clone()));
        Running { wake, stop, tasks: [consuming, relaying] }
    }

    async fn count(&self, query: &'static str) -> anyhow::Result<i64> {
        Ok(sqlx::query_scalar(query).fetch_one(&self.database.pool).await?)
    }

    async fn until_taken(&self, events: i64) -> anyhow::Result<()> {
        while self.count("SELECT count(*) FROM taken").await? < events {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    async fn clear(&self) -> anyhow::Result<()> {
        sqlx::raw_sql("TRUNCATE taken, committed; TRUNCATE outbox; TRUNCATE inbox; ANALYZE")
            .execute(&self.database.pool)
            .await?;
        Ok(())
    }

    /// A transaction as a request's, with a connection of its own, and when it was over.
    async fn publish(pool: &PgPool, wake: &Wake) -> anyhow::Result<Uuid> {
        let mut tx = pool.begin().await?;
        let about = Aggregate { kind: "measured", id: Uuid::now_v7(), seq: 1 };
        let id = publish(&mut tx, about, &measured(), &Context::default()).await?;
        tx.commit().await?;
        wake.wake();
        Ok(id)
    }

    /// At a fixed rate, whatever becomes of the events before.
    async fn steady(&self) -> anyhow::Result<()> {
        let running = self.start().await;
        let begun = Instant::now();
        let mut published = JoinSet::new();
        let mut clock = tokio::time::interval(Duration::from_micros(1_000_000 / STEADY_RATE));
        while begun.elapsed() < STEADY {
            clock.tick().await;
            let (pool, wake) = (self.database.pool.clone(), running.wake.clone());
            published.spawn(async move {
                let id = Self::publish(&pool, &wake).await?;
                anyhow::Ok((id, chrono::Utc::now()))
            });
        }
        let mut events = 0;
        while let Some(done) = published.join_next().await {
            let (id, at) = done??;
            sqlx::query("INSERT INTO committed VALUES ($1, $2)").bind(id).bind(at).execute(&self.database.pool).await?;
            events += 1;
        }
        self.until_taken(events).await?;
        running.end().await?;
        let (p50, p99): (f64, f64) = sqlx::query_as(
            "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)
             FROM (SELECT greatest(0, extract(epoch FROM t.at - c.at) * 1000)::float8 AS ms
                   FROM committed c JOIN taken t USING (id)) AS late",
        )
        .fetch_one(&self.database.pool)
        .await?;
        tell(&format!("commit to consumer, {STEADY_RATE}/s     p50 {p50:.1} ms, p99 {p99:.1} ms     (goal 10, 50)"))
    }

    /// As many as go through while as many are published as can be.
    async fn saturated(&self) -> anyhow::Result<()> {
        let running = self.start().await;
        let begun = Instant::now();
        let mut publishers = JoinSet::new();
        let pool = database::connect("bench", &self.database.config()).await?;
        for _ in 0..PUBLISHERS {
            let (pool, wake) = (pool.clone(), running.wake.clone());
            publishers.spawn(async move {
                while begun.elapsed() < SATURATED {
                    Self::publish(&pool, &wake).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = publishers.join_next().await {
            done??;
        }
        let published = self.count("SELECT count(*) FROM outbox").await?;
        self.until_taken(published).await?;
        let (seconds, wrote) = (begun.elapsed().as_secs_f64(), rate(published, SATURATED.as_secs_f64()));
        running.end().await?;
        tell(&format!("published by {PUBLISHERS} writers       {wrote}/s, one transaction each"))?;
        tell(&format!("applied meanwhile          {}/s until the last     (goal 3000)", rate(published, seconds)))
    }

    async fn drain(&self) -> anyhow::Result<()> {
        let payload = prost::Message::encode_to_vec(&measured());
        sqlx::query(
            "INSERT INTO outbox (id, aggregate_type, aggregate_id, aggregate_seq, type, payload, headers)
             SELECT uuidv7, 'measured', uuidv7, 1, 'aipoten.bench.v1.Measured', $2, '{}'
             FROM (SELECT overlay(gen_random_uuid()::text PLACING $3 FROM 1 FOR 13)::uuid AS uuidv7
                   FROM generate_series(1, $1)) AS ids",
        )
        .bind(BACKLOG)
        .bind(payload)
        .bind(&Uuid::now_v7().to_string()[..13])
        .execute(&self.database.pool)
        .await?;
        sqlx::raw_sql("ANALYZE outbox").execute(&self.database.pool).await?;
        let begun = Instant::now();
        let running = self.start().await;
        while self.count("SELECT count(*) FROM outbox WHERE sent_at IS NULL").await? > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let sent = begun.elapsed().as_secs_f64();
        self.until_taken(BACKLOG).await?;
        let applied = begun.elapsed().as_secs_f64();
        running.end().await?;
        tell(&format!("backlog of {BACKLOG} sent     {sent:.1} s, {}/s", rate(BACKLOG, sent)))?;
        tell(&format!("and applied                {applied:.1} s, {}/s     (goal 60 s, 3000)", rate(BACKLOG, applied)))
    }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a rounded rate")]
fn rate(events: i64, seconds: f64) -> i64 {
    (events as f64 / seconds).round() as i64
}

fn tell(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let bench = Bench::new().await?;
    bench.steady().await?;
    bench.clear().await?;
    bench.saturated().await?;
    bench.clear().await?;
    bench.drain().await?;
    bench.pool.close().await;
    Ok(())
}

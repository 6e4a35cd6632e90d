//! A database per test, one virtual host for all, and event types and queues that no other test uses.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, str};

use aipoten_events::{Aggregate, Config, Consumers, Context, Delivered, Failure, MIGRATOR, Relay, Wake, publish};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// An event of test number `TEST`; each has its own type, so that the tests can share a virtual host.
#[derive(Clone, PartialEq, prost::Message, serde::Serialize)]
pub(crate) struct Counted<const TEST: u8> {
    #[prost(int32, tag = "1")]
    pub(crate) number: i32,
}

impl<const TEST: u8> prost::Name for Counted<TEST> {
    const NAME: &'static str = "Counted";
    const PACKAGE: &'static str = "aipoten.test.v1";

    fn full_name() -> String {
        format!("aipoten.test.v1.Counted{TEST}")
    }
}

pub(crate) struct World<const TEST: u8> {
    pub(crate) pool: PgPool,
    pub(crate) config: Config,
    pub(crate) service: &'static str,
    pub(crate) stop: CancellationToken,
    database: String,
}

impl<const TEST: u8> World<TEST> {
    pub(crate) async fn new() -> Self {
        let database = format!("events_it_{}", Uuid::now_v7().simple());
        let mut conn = PgConnection::connect(&server()).await.expect("the test PostgreSQL answers");
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {database}"))).execute(&mut conn).await.expect("created");
        let pool = pool(&database).await;
        MIGRATOR.run(&pool).await.expect("migrated");
        sqlx::raw_sql("CREATE TABLE effect (event_id uuid, number int)").execute(&pool).await.expect("created");
        let config = Config::new(broker(vhost()));
        let service = format!("test{TEST}").leak();
        Self { pool, config, service, stop: CancellationToken::new(), database }
    }

    /// The relay, running; the handle ends when it does.
    pub(crate) fn relay(&self) -> (Wake, JoinHandle<anyhow::Result<()>>) {
        let relay = Relay::new(self.service, self.pool.clone(), self.config.clone());
        (relay.wake(), tokio::spawn(relay.run(self.stop.clone())))
    }

    /// Consumers that write each event they get into the table effect, running.
    pub(crate) async fn consume(&self) -> JoinHandle<anyhow::Result<()>> {
        self.start(Consumers::new(self.service).on::<Counted<TEST>>(note::<TEST>)).await
    }

    /// Runs the consumers and waits until their queue is bound.
    pub(crate) async fn start(&self, consumers: Consumers) -> JoinHandle<anyhow::Result<()>> {
        let mut health = consumers.health();
        let running = tokio::spawn(consumers.run(self.pool.clone(), self.config.clone(), self.stop.clone()));
        tokio::time::timeout(Duration::from_secs(20), health.wait_connected()).await.expect("connected in time");
        running
    }

    pub(crate) async fn publish(&self, numbers: impl Iterator<Item = i32>) -> Vec<Uuid> {
        let mut tx = self.pool.begin().await.expect("a transaction");
        let mut ids = Vec::new();
        for number in numbers {
            let event = Counted::<TEST> { number };
            ids.push(publish(&mut tx, row(), &event, &Context::default()).await.expect("published"));
        }
        tx.commit().await.expect("committed");
        ids
    }

    /// The numbers of the events that had their effect, sorted; a number stands twice if its effect came twice.
    pub(crate) async fn effects(&self) -> Vec<i32> {
        sqlx::query_scalar("SELECT number FROM effect ORDER BY number").fetch_all(&self.pool).await.expect("effects")
    }

    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.pool).await.expect("a count")
    }

    pub(crate) async fn count_becomes(&self, query: &'static str, expected: i64) {
        let waited = Instant::now();
        while self.count(query).await != expected {
            assert!(
                waited.elapsed() < Duration::from_secs(60),
                "{query} stays at {}, not {expected}",
                self.count(query).await
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends what runs and removes the database; a failed test leaves it for people to look at.
    pub(crate) async fn end(self, running: impl IntoIterator<Item = JoinHandle<anyhow::Result<()>>>) {
        self.stop.cancel();
        for task in running {
            let ended = tokio::time::timeout(Duration::from_secs(20), task).await.expect("ends in time");
            ended.expect("no panic").expect("no error");
        }
        self.pool.close().await;
        let mut conn = PgConnection::connect(&server()).await.expect("the test PostgreSQL answers");
        sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE {} WITH (FORCE)", self.database)))
            .execute(&mut conn)
            .await
            .expect("dropped");
    }
}

pub(crate) fn row() -> Aggregate {
    Aggregate { kind: "count", id: Uuid::from_u128(7), seq: 3 }
}

pub(crate) async fn note<const TEST: u8>(
    conn: &mut PgConnection,
    event: &Delivered<Counted<TEST>>,
) -> Result<(), Failure> {
    sqlx::query("INSERT INTO effect VALUES ($1, $2)").bind(event.id).bind(event.event.number).execute(conn).await?;
    Ok(())
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} names no server: run `make test`"))
}

fn server() -> String {
    variable("AIPOTEN_TEST_POSTGRES")
}

async fn pool(database: &str) -> PgPool {
    let server = server();
    let (host, _) = server.rsplit_once('/').expect("a URL with a database");
    PgPoolOptions::new().max_connections(10).connect(&format!("{host}/{database}")).await.expect("the new database")
}

/// The address of the test broker with that virtual host.
pub(crate) fn broker(vhost: &str) -> String {
    format!("{}/{vhost}", variable("AIPOTEN_TEST_BROKER").trim_end_matches('/'))
}

/// Made anew once for this run; the same name for each run from this checkout, so that none is left over.
fn vhost() -> &'static str {
    static VHOST: OnceLock<String> = OnceLock::new();
    VHOST.get_or_init(|| new_vhost("events"))
}

pub(crate) fn new_vhost(name: &str) -> String {
    let mut checkout = DefaultHasher::new();
    env!("CARGO_MANIFEST_DIR").hash(&mut checkout);
    let vhost = format!("{name}-it-{:016x}", checkout.finish());
    if rabbitmqctl(&["list_vhosts", "--silent"]).lines().any(|line| line == vhost) {
        rabbitmqctl(&["delete_vhost", &vhost]);
    }
    rabbitmqctl(&["add_vhost", &vhost]);
    rabbitmqctl(&["set_permissions", "--vhost", &vhost, "guest", ".*", ".*", ".*"]);
    vhost
}

pub(crate) fn rabbitmqctl(arguments: &[&str]) -> String {
    let out = Command::new(variable("AIPOTEN_TEST_RABBITMQCTL")).args(arguments).output().expect("rabbitmqctl runs");
    assert!(out.status.success(), "rabbitmqctl {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    str::from_utf8(&out.stdout).expect("UTF-8").to_owned()
}

//! Of each test's own: a database, a service with its queue, and a type of event.

use std::time::{Duration, Instant};

use aipoten_events::{Aggregate, Config, Consumers, Context, Delivered, Failure, MIGRATOR, Relay, Wake, publish};
use aipoten_kit::database;
use aipoten_kit::test::{TestDatabase, broker_url};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_mins(1);

/// An event of test number `TEST`: as each has its own type, the tests can share a virtual host.
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

/// What runs; joined at the end of the test.
pub(crate) type Running = JoinHandle<anyhow::Result<()>>;

pub(crate) struct World<const TEST: u8> {
    pub(crate) database: TestDatabase,
    /// With the application's role.
    pub(crate) pool: PgPool,
    pub(crate) config: Config,
    pub(crate) service: &'static str,
    pub(crate) stop: CancellationToken,
}

impl<const TEST: u8> World<TEST> {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create(&[&MIGRATOR]).await;
        let pool = database::connect("test", &database.config()).await.expect("the new database answers");
        let config = Config { url: broker_url().into(), ..Config::default() };
        let world =
            Self { database, pool, config, service: format!("test{TEST}").leak(), stop: CancellationToken::new() };
        world.table("effect (event_id uuid, number int)").await;
        world
    }

    /// A table that the application's role can write.
    pub(crate) async fn table(&self, definition: &str) {
        let (name, _) = definition.split_once(' ').expect("a name and columns");
        let create = format!("CREATE TABLE {definition}; GRANT ALL ON {name} TO aipoten_app");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&self.database.pool).await.expect("the table is made");
    }

    pub(crate) fn relay(&self) -> (Wake, Running) {
        let relay = Relay::new(self.service, self.pool.clone(), self.config.clone());
        (relay.wake(), tokio::spawn(relay.run(self.stop.clone())))
    }

    /// Takes the test's events and notes each in the table effect.
    pub(crate) async fn consume(&self) -> Running {
        self.start(Consumers::new(self.service).on::<Counted<TEST>>(note::<TEST>)).await
    }

    /// Comes back when the queue is bound.
    pub(crate) async fn start(&self, consumers: Consumers) -> Running {
        let mut health = consumers.health();
        let running = tokio::spawn(consumers.run(self.pool.clone(), self.config.clone(), self.stop.clone()));
        timeout(PATIENCE, health.wait_connected()).await.expect("connected in time");
        running
    }

    /// All in one transaction.
    pub(crate) async fn publish(&self, numbers: impl Iterator<Item = i32>) {
        let mut tx = self.database.pool.begin().await.expect("a transaction");
        for number in numbers {
            publish(&mut tx, row(), &Counted::<TEST> { number }, &Context::default()).await.expect("published");
        }
        tx.commit().await.expect("committed");
    }

    /// The numbers of the events that had their effect, in order; twice the same if an effect came twice.
    pub(crate) async fn effects(&self) -> Vec<i32> {
        let query = "SELECT number FROM effect ORDER BY number";
        sqlx::query_scalar(query).fetch_all(&self.database.pool).await.expect("the effects")
    }

    pub(crate) async fn count(&self, from: &str) -> i64 {
        let query = AssertSqlSafe(format!("SELECT count(*) FROM {from}"));
        sqlx::query_scalar(query).fetch_one(&self.database.pool).await.expect("a count")
    }

    pub(crate) async fn until_count(&self, from: &str, expected: i64) {
        let begun = Instant::now();
        loop {
            let count = self.count(from).await;
            if count == expected {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{from}: {count}, not {expected}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn until_all_sent(&self) {
        self.until_count("outbox WHERE sent_at IS NULL", 0).await;
    }

    /// So many transactions wait for a lock that another one holds.
    pub(crate) async fn until_waiting(&self, transactions: i64) {
        let waiting = "pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND NOT granted";
        self.until_count(waiting, transactions).await;
    }

    /// Stops what runs, which must end well: then every event that was taken has had its effect.
    pub(crate) async fn stop(&self, running: impl IntoIterator<Item = Running>) {
        self.stop.cancel();
        for task in running {
            timeout(PATIENCE, task).await.expect("ends in time").expect("no panic").expect("no error");
        }
    }

    pub(crate) async fn end(self) {
        self.pool.close().await;
        // The owner, who drops the database, cannot end another role's sessions.
        self.until_count("pg_stat_activity WHERE datname = current_database() AND usename = 'aipoten_app'", 0).await;
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

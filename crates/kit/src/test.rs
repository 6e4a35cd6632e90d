//! For tests against real servers: a database of its own for every test, a vhost of its own for every test binary.

mod forge;

use std::fmt::Debug;
use std::process::Command;
use std::str::FromStr as _;
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection, PgPool};
use tokio::net::TcpListener;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::config::{Database, Encryption, Redis};
use crate::{Line, metadata};
pub use forge::Forge;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with `make test`"))
}

/// Nobody answers there: events wait, everything else works.
pub const NO_BROKER: &str = "amqp://guest:guest@127.0.0.1:1/%2f";

/// A free port of this machine for a service of the test.
pub async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

/// A line to a service of the test.
pub fn line(url: &str) -> Line {
    Line::to("test", url).expect("an address")
}

/// Redis with a key prefix nobody else has.
pub fn redis() -> Redis {
    let prefix = format!("test:{}:", Uuid::now_v7().simple());
    Redis { url: variable("AIPOTEN_TEST_REDIS").into(), prefix }
}

/// A key for encrypted columns.
pub fn encryption() -> Encryption {
    Encryption { keys: "test1:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=".to_owned().into(), active: "test1".into() }
}

/// Address of a RabbitMQ vhost that belongs to this test binary; empty at its first use.
pub fn broker_url() -> String {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| own_broker_url("all")).clone()
}

/// Address of an empty RabbitMQ vhost for the one test that gives this name: services in other tests of the binary take
/// none of its events.
pub fn own_broker_url(test: &str) -> String {
    let binary = std::env::current_exe().expect("a test knows its own path");
    // The same at every run, so that runs leave no more than one behind.
    let vhost = format!("test-{:016x}-{test}", fnv(binary.as_os_str().as_encoded_bytes()));
    // Fails at the very first run, when there is none.
    let _ = try_rabbitmqctl(&["delete_vhost", &vhost]);
    rabbitmqctl(&["add_vhost", &vhost]);
    rabbitmqctl(&["set_permissions", "-p", &vhost, "guest", ".*", ".*", ".*"]);
    format!("{}{vhost}", variable("AIPOTEN_TEST_BROKER"))
}

/// Runs a command of the test broker.
pub fn rabbitmqctl(arguments: &[&str]) {
    let said = try_rabbitmqctl(arguments);
    assert_eq!(said, Ok(()), "rabbitmqctl {arguments:?}");
}

fn try_rabbitmqctl(arguments: &[&str]) -> Result<(), String> {
    let program = variable("AIPOTEN_TEST_RABBITMQCTL");
    let output = Command::new(program).args(arguments).output().expect("rabbitmqctl runs");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// A short name for bytes (FNV-1a), the same in every run.
fn fnv<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A database of its own, with the migrations applied; dropped at the end.
pub struct TestDatabase {
    /// A pool with the owner's role, to look behind the service's back.
    pub pool: PgPool,
    name: String,
}

impl TestDatabase {
    /// Clones a template that has the migrations; the template is made once.
    pub async fn create(migrators: &[&Migrator]) -> Self {
        let mut admin = admin().await;
        let template = template(&mut admin, migrators).await;
        let name = format!("test_{}", Uuid::now_v7().simple());
        let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
        admin.execute(AssertSqlSafe(create)).await.expect("the template can be cloned");
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .connect_with(owner().database(&name))
            .await
            .expect("the new database answers");
        Self { pool, name }
    }

    /// Address with the owner's role, for `aipoten migrate`.
    pub fn owner_url(&self) -> String {
        owner().database(&self.name).to_url_lossy().to_string()
    }

    /// Configuration of a service that uses this database with the application's role.
    pub fn config(&self) -> Database {
        let url = owner().database(&self.name).username("aipoten_app").to_url_lossy();
        Database { url: url.to_string().into(), max_connections: 8, ..Database::default() }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let name = self.name.clone();
        // A thread of its own: a drop cannot await, and the test's runtime may be gone.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                close_connections(&name).await;
                let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                admin().await.execute(AssertSqlSafe(drop)).await.expect("the test's database can be dropped");
            });
        });
        let dropped = dropping.join().is_ok() || std::thread::panicking();
        assert!(dropped, "the test's database {} was left behind", self.name);
    }
}

/// The owner may not end the connections of the application's role: that role does it itself.
async fn close_connections(name: &str) {
    let close = format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false");
    admin().await.execute(AssertSqlSafe(close)).await.expect("the test's database can be closed");
    let mut app = owner().username("aipoten_app").connect().await.expect("the test database server answers");
    sqlx::query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1 AND usename = current_user",
    )
    .bind(name)
    .execute(&mut app)
    .await
    .expect("a role may end its own connections");
}

fn owner() -> PgConnectOptions {
    PgConnectOptions::from_str(&variable("AIPOTEN_TEST_POSTGRES")).expect("AIPOTEN_TEST_POSTGRES is an address")
}

async fn admin() -> PgConnection {
    owner().connect().await.expect("the test database server answers")
}

async fn template(admin: &mut PgConnection, migrators: &[&Migrator]) -> String {
    let hash = fnv(migrators.iter().flat_map(|it| it.iter()).flat_map(|migration| migration.checksum.iter()));
    let name = format!("template_{hash:016x}");
    // Test binaries run side by side: one makes the template, the others wait for it.
    sqlx::query("SELECT pg_advisory_lock(7041)").execute(&mut *admin).await.expect("the lock");
    let made: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)")
        .bind(&name)
        .fetch_one(&mut *admin)
        .await
        .expect("the catalogue answers");
    if !made {
        make_template(admin, &name, migrators).await;
    }
    sqlx::query("SELECT pg_advisory_unlock(7041)").execute(&mut *admin).await.expect("the lock");
    name
}

async fn make_template(admin: &mut PgConnection, name: &str, migrators: &[&Migrator]) {
    let remove = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    admin.execute(AssertSqlSafe(remove)).await.expect("a half-made template can be dropped");
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.expect("a database can be made");
    let mut connection = owner().database(name).connect().await.expect("the template answers");
    for migrator in migrators {
        migrator.run(&mut connection).await.expect("the migrations apply");
    }
    drop(connection);
    admin
        .execute(AssertSqlSafe(format!("ALTER DATABASE {name} WITH IS_TEMPLATE true")))
        .await
        .expect("the database becomes a template");
}

/// Waits until `condition` holds, at most ten seconds.
pub async fn eventually<F: AsyncFnMut() -> bool>(what: &str, mut condition: F) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "still not so after ten seconds: {what}");
}

/// A request with an Idempotency-Key.
pub fn keyed<T>(mut request: Request<T>, key: &str) -> Request<T> {
    request.metadata_mut().insert(metadata::IDEMPOTENCY_KEY, key.parse().expect("visible ASCII"));
    request
}

/// The refusal that is expected.
pub async fn refused<T: Debug>(call: impl Future<Output = Result<Response<T>, Status>>) -> Status {
    call.await.expect_err("a refusal")
}

/// The reason code of a refusal.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// A parameter of the reason of a refusal.
pub fn parameter(status: &Status, name: &str) -> Option<String> {
    status.get_details_error_info()?.metadata.remove(name)
}

/// Field and rule of every violation, sorted.
pub fn violations(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_details_bad_request().expect("violations");
    let mut violations: Vec<String> =
        details.field_violations.into_iter().map(|it| format!("{}: {}", it.field, it.description)).collect();
    violations.sort();
    violations
}

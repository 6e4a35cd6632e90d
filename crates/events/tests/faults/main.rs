//! Broker and database ended and started again while events flow. Minutes, on servers of their own: `make faults`.

#[path = "../it/world.rs"]
#[expect(dead_code, reason = "shared with the other tests, which use the rest")]
mod world;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use aipoten_events::{Context, Wake, publish};
use sqlx::PgPool;
use tokio::task::JoinHandle;

use crate::world::{Counted, World, row};

const EVENTS: i32 = 5000;

async fn run(program: impl AsRef<Path>, arguments: &[&str]) {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).stdout(Stdio::null());
    let status = tokio::task::spawn_blocking(move || command.status()).await.expect("no panic");
    assert!(status.is_ok_and(|it| it.success()), "{} {arguments:?} failed", program.as_ref().display());
}

/// Starts or stops a server of the instance that these tests have for themselves.
async fn servers(action: &str, server: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/local/servers.sh");
    run(script, &[action, "crash", server]).await;
}

/// Gives a server no chance to put anything in order.
async fn kill(server: &str) {
    let control = PathBuf::from(std::env::var("AIPOTEN_TEST_RABBITMQCTL").expect("run with `make faults`"));
    assert!(control.parent().is_some_and(|it| it.ends_with(".local/crash")), "only the servers of `make faults`");
    let pid = std::fs::read_to_string(control.with_file_name(format!("{server}.pid"))).expect("it runs");
    run("/bin/kill", &["-9", pid.trim()]).await;
}

/// One transaction an event, each tried until it is committed once: `wrote` tells whether it was.
fn write(pool: PgPool, wake: Wake) -> JoinHandle<()> {
    async fn try_one(pool: &PgPool, number: i32) -> sqlx::Result<()> {
        let mut tx = pool.begin().await?;
        let wrote = sqlx::query("INSERT INTO wrote VALUES ($1) ON CONFLICT DO NOTHING");
        if wrote.bind(number).execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(());
        }
        publish(&mut tx, row(), &Counted::<70> { number }, &Context::default()).await?;
        tx.commit().await
    }
    tokio::spawn(async move {
        for number in 0..EVENTS {
            while try_one(&pool, number).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            wake.wake();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
}

/// Whether at least so many effects are there; not, while the database is away.
async fn applied(world: &World<70>, number: i64) -> bool {
    let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM effect").fetch_one(&world.database.pool).await;
    count.is_ok_and(|count| count >= number)
}

async fn until_applied(world: &World<70>, number: i64) {
    let waited = tokio::time::timeout(Duration::from_mins(3), async {
        while !applied(world, number).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waited.await.is_ok(), "fewer than {number} effects after three minutes");
}

/// Lets 5,000 events flow through two relays and two consumers, and has `disturb` happen after a fifth and after three
/// fifths of them.
async fn all_have_their_effect_once(disturb: [impl AsyncFnOnce(); 2]) {
    let world = World::<70>::new().await;
    world.table("wrote (number int PRIMARY KEY)").await;
    let consuming = [world.consume().await, world.consume().await];
    let ((wake, first), (_, second)) = (world.relay(), world.relay());
    let writing = write(world.pool.clone(), wake);
    for (disturb, after) in disturb.into_iter().zip([EVENTS / 5, EVENTS / 5 * 3]) {
        until_applied(&world, after.into()).await;
        assert!(!writing.is_finished(), "events flow while it happens");
        disturb().await;
    }
    writing.await.expect("all are written");
    until_applied(&world, EVENTS.into()).await;
    world.until_all_sent().await;
    let [one, other] = consuming;
    world.stop([one, other, first, second]).await;
    assert_eq!(world.effects().await, (0..EVENTS).collect::<Vec<_>>());
    assert_eq!(world.count("failed_events WHERE state <> 'replayed'").await, 0);
    world.end().await;
}

#[tokio::test]
#[ignore = "takes minutes and ends servers: make faults"]
async fn the_broker_is_killed_twice_and_no_event_is_lost_or_has_its_effect_twice() {
    let kill_and_start = async || {
        kill("rabbitmq").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        servers("up", "rabbitmq").await;
    };
    all_have_their_effect_once([kill_and_start, kill_and_start]).await;
}

#[tokio::test]
#[ignore = "takes minutes and ends servers: make faults"]
async fn the_database_is_restarted_twice_and_everything_goes_on_without_a_restart() {
    let restart = async || {
        servers("down", "postgres").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        servers("up", "postgres").await;
    };
    all_have_their_effect_once([restart, restart]).await;
}

#[tokio::test]
#[ignore = "takes minutes and ends servers: make faults"]
async fn the_database_is_killed_twice_and_what_was_committed_has_its_effect_once() {
    let kill_and_start = async || {
        kill("postgres").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        servers("up", "postgres").await;
    };
    all_have_their_effect_once([kill_and_start, kill_and_start]).await;
}

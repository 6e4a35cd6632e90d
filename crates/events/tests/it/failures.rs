use std::time::Duration;

use aipoten_events::{Consumers, Delivered, Failure};
use anyhow::anyhow;
use sqlx::PgConnection;

use crate::world::{Counted, World, note};

const SOON: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(100)];

async fn refuse_one<const TEST: u8>(conn: &mut PgConnection, event: &Delivered<Counted<TEST>>) -> Result<(), Failure> {
    note(conn, event).await?;
    if event.event.number == 1 { Err(anyhow!("one is not welcome").into()) } else { Ok(()) }
}

#[tokio::test]
async fn a_poison_message_is_tried_again_then_dead_and_holds_up_no_other() {
    let world = World::<30>::new().await;
    let consumers = Consumers::new(world.service).retry_after(&SOON).on::<Counted<30>>(refuse_one::<30>);
    let consuming = world.start(consumers).await;
    let (wake, relaying) = world.relay();
    world.publish(1..=50).await;
    wake.wake();
    world.until_count("effect", 49).await;
    world.until_count("failed_events WHERE state = 'dead'", 1).await;
    let (attempts, error, json): (i32, String, serde_json::Value) =
        sqlx::query_as("SELECT attempts, error, json FROM failed_events").fetch_one(&world.pool).await.expect("one");
    assert_eq!((attempts, error.as_str()), (3, "one is not welcome"));
    assert_eq!(json, serde_json::json!({ "number": 1 }));
    world.stop([consuming, relaying]).await;
    assert_eq!(world.effects().await, (2..=50).collect::<Vec<_>>());
    world.end().await;
}

async fn after_two(conn: &mut PgConnection, event: &Delivered<Counted<31>>) -> Result<(), Failure> {
    let earlier: i64 = sqlx::query_scalar("SELECT count(*) FROM effect WHERE number = 2").fetch_one(&mut *conn).await?;
    if event.event.number == 1 && earlier == 0 {
        return Err(Failure::NotYet);
    }
    note(conn, event).await
}

#[tokio::test]
async fn an_event_that_came_too_early_is_applied_when_the_other_has_come() {
    let world = World::<31>::new().await;
    let consumers = Consumers::new(world.service).retry_after(&[SOON[0]; 100]).on::<Counted<31>>(after_two);
    let consuming = world.start(consumers).await;
    let (wake, relaying) = world.relay();
    world.publish(1..=1).await;
    wake.wake();
    world.until_count("failed_events WHERE state = 'waiting' AND error LIKE 'not yet%'", 1).await;
    world.publish(2..=2).await;
    wake.wake();
    world.until_count("failed_events WHERE state = 'replayed'", 1).await;
    world.stop([consuming, relaying]).await;
    assert_eq!(world.effects().await, [1, 2]);
    world.end().await;
}

#[tokio::test]
async fn a_panicking_handler_fails_its_own_event_alone() {
    async fn panic_at_one(conn: &mut PgConnection, event: &Delivered<Counted<32>>) -> Result<(), Failure> {
        note(conn, event).await?;
        assert!(event.event.number != 1, "meant to happen");
        Ok(())
    }
    let world = World::<32>::new().await;
    let consuming = world.start(Consumers::new(world.service).on::<Counted<32>>(panic_at_one)).await;
    let (wake, relaying) = world.relay();
    world.publish(1..=3).await;
    wake.wake();
    world.until_count("effect", 2).await;
    world.until_count("failed_events WHERE error = 'the handler panicked'", 1).await;
    world.stop([consuming, relaying]).await;
    world.end().await;
}

#[tokio::test]
async fn an_event_without_a_handler_or_with_a_broken_body_is_kept() {
    let world = World::<33>::new().await;
    let both = Consumers::new(world.service).on::<Counted<33>>(note::<33>).on::<Counted<34>>(note::<34>);
    world.start(both).await.abort();

    // The binding for type 34 stays, its handler is gone: as when an older replica is still at work.
    let consuming = world.consume().await;
    world.publish(1..=2).await;
    sqlx::raw_sql(
        "UPDATE outbox SET type = 'aipoten.test.v1.Counted34' WHERE id = (SELECT min(id::text)::uuid FROM outbox);
         UPDATE outbox SET payload = '\\xffff' WHERE id = (SELECT max(id::text)::uuid FROM outbox)",
    )
    .execute(&world.pool)
    .await
    .expect("spoilt");
    let (_, relaying) = world.relay();
    world.until_count("failed_events WHERE error LIKE '%no handler%' AND json IS NULL", 1).await;
    world.until_count("failed_events WHERE error LIKE '%not the message%'", 1).await;
    assert_eq!(world.effects().await, [0; 0]);
    world.stop([consuming, relaying]).await;
    world.end().await;
}

#[tokio::test]
async fn what_the_database_refused_shows_no_value_of_a_row() {
    async fn twice(conn: &mut PgConnection, event: &Delivered<Counted<35>>) -> Result<(), Failure> {
        sqlx::query("INSERT INTO name VALUES ('민준')").execute(&mut *conn).await?;
        sqlx::query("INSERT INTO name VALUES ('민준')").execute(&mut *conn).await?;
        note(conn, event).await
    }
    let world = World::<35>::new().await;
    world.table("name (name text PRIMARY KEY)").await;
    let consuming = world.start(Consumers::new(world.service).on::<Counted<35>>(twice)).await;
    let (wake, relaying) = world.relay();
    world.publish(1..=1).await;
    wake.wake();
    let expected = "failed_events WHERE error = 'database error 23505 name name_pkey'";
    world.until_count(expected, 1).await;
    world.stop([consuming, relaying]).await;
    world.end().await;
}

use aipoten_events::{Aggregate, Consumers, Context, Delivered, Failure, Handler, publish};
use chrono::Utc;
use futures::future::BoxFuture;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::world::{Counted, World, note};

#[tokio::test]
async fn an_event_sent_twice_has_its_effect_once() {
    let world = World::<20>::new().await;
    let consuming = world.consume().await;
    let (wake, relaying) = world.relay();
    world.publish(1..=5).await;
    wake.wake();
    world.until_count("effect", 5).await;
    world.until_all_sent().await;

    sqlx::query("UPDATE outbox SET sent_at = NULL").execute(&world.pool).await.expect("as if never marked");
    world.publish(6..=6).await;
    wake.wake();
    world.until_all_sent().await;
    world.until_count("effect WHERE number = 6", 1).await;
    world.stop([consuming, relaying]).await;
    assert_eq!(world.effects().await, [1, 2, 3, 4, 5, 6]);
    world.end().await;
}

#[tokio::test]
async fn two_replicas_share_the_queue() {
    let world = World::<21>::new().await;
    let (first, second) = (world.consume().await, world.consume().await);
    let (wake, relaying) = world.relay();
    world.publish(0..500).await;
    wake.wake();
    world.until_count("inbox", 500).await;
    world.stop([first, second, relaying]).await;
    assert_eq!(world.effects().await, (0..500).collect::<Vec<_>>());
    world.end().await;
}

#[tokio::test]
async fn entries_of_the_inbox_that_are_months_old_leave_it() {
    let world = World::<24>::new().await;
    sqlx::raw_sql(
        "INSERT INTO inbox VALUES
           ('test24', '01900000-0000-7000-8000-000000000001', now() - interval '31 days'),
           ('test24', '01900000-0000-7000-8000-000000000002', now() - interval '1 day'),
           ('another', '01900000-0000-7000-8000-000000000001', now() - interval '31 days')",
    )
    .execute(&world.pool)
    .await
    .expect("inserted");
    let consuming = world.consume().await;
    world.until_count("inbox", 2).await;
    assert_eq!(world.count("inbox WHERE consumer = 'test24' AND event_id::text LIKE '%2'").await, 1);
    world.stop([consuming]).await;
    world.end().await;
}

async fn tell(conn: &mut PgConnection, event: &Delivered<Counted<22>>) -> Result<(), Failure> {
    let Delivered { id, time, aggregate_id, aggregate_seq, context, event } = event;
    sqlx::query("INSERT INTO told VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(id)
        .bind(time)
        .bind(aggregate_id)
        .bind(aggregate_seq)
        .bind(serde_json::to_value(context)?)
        .bind(event.number)
        .execute(conn)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_handler_gets_all_that_the_publisher_said() {
    let world = World::<22>::new().await;
    world.table("told (id uuid, time timestamptz, row uuid, seq bigint, context jsonb, number int)").await;
    let consuming = world.start(Consumers::new(world.service).on::<Counted<22>>(tell)).await;
    let (wake, relaying) = world.relay();
    let row = Aggregate { kind: "child", id: Uuid::now_v7(), seq: 9 };
    let context = Context {
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        request_id: Some("r-1".to_owned()),
        actor: None,
    };
    let mut conn = world.pool.acquire().await.expect("a connection");
    let id = publish(&mut conn, row, &Counted::<22> { number: -5 }, &context).await.expect("published");
    drop(conn);
    wake.wake();
    world.until_count("told", 1).await;
    let told: (Uuid, chrono::DateTime<Utc>, Uuid, i64, serde_json::Value, i32) =
        sqlx::query_as("SELECT * FROM told").fetch_one(&world.pool).await.expect("told");
    assert_eq!((told.0, told.2, told.3, told.5), (id, row.id, 9, -5));
    assert!((Utc::now() - told.1).num_seconds() < 60);
    assert_eq!(told.4, serde_json::to_value(&context).expect("JSON"));
    world.stop([consuming, relaying]).await;
    world.end().await;
}

struct Adding(i32);

impl<'a> Handler<'a, Counted<25>> for Adding {
    type Answer = BoxFuture<'a, Result<(), Failure>>;

    fn apply(&self, conn: &'a mut PgConnection, event: &'a Delivered<Counted<25>>) -> Self::Answer {
        let sum = event.event.number + self.0;
        Box::pin(async move {
            sqlx::query("INSERT INTO effect VALUES ($1, $2)").bind(event.id).bind(sum).execute(conn).await?;
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_handler_may_carry_what_it_needs() {
    let world = World::<25>::new().await;
    let consuming = world.start(Consumers::new(world.service).on::<Counted<25>>(Adding(100))).await;
    let (_, relaying) = world.relay();
    world.publish(1..=1).await;
    world.until_count("effect WHERE number = 101", 1).await;
    world.stop([consuming, relaying]).await;
    world.end().await;
}

#[tokio::test]
async fn stopping_lets_the_handler_at_work_finish() {
    async fn slow(conn: &mut PgConnection, event: &Delivered<Counted<23>>) -> Result<(), Failure> {
        note(&mut *conn, event).await?;
        sqlx::query("SELECT pg_advisory_xact_lock(23)").execute(conn).await?;
        Ok(())
    }
    let world = World::<23>::new().await;
    let mut gate = world.pool.begin().await.expect("a transaction");
    sqlx::query("SELECT pg_advisory_xact_lock(23)").execute(&mut *gate).await.expect("locked");
    let consuming = world.start(Consumers::new(world.service).on::<Counted<23>>(slow)).await;
    let (_, relaying) = world.relay();
    world.publish(1..=1).await;
    world.until_waiting(1).await;
    world.stop.cancel();
    tokio::task::yield_now().await;
    gate.rollback().await.expect("opened");
    world.until_count("effect", 1).await;
    world.stop([consuming, relaying]).await;
    world.end().await;
}

use aipoten_events::{Context, publish};

use crate::world::{Counted, World, row};

#[tokio::test]
async fn a_committed_event_has_its_effect_once() {
    let world = World::<10>::new().await;
    let consuming = world.consume().await;
    let (wake, relaying) = world.relay();
    world.publish(1..=3).await;
    wake.wake();
    world.until_count("effect", 3).await;
    world.until_all_sent().await;
    assert_eq!(world.count("inbox WHERE consumer = 'test10'").await, 3);
    world.stop([consuming, relaying]).await;
    assert_eq!(world.effects().await, [1, 2, 3]);
    world.end().await;
}

#[tokio::test]
async fn what_is_rolled_back_is_never_sent() {
    let world = World::<11>::new().await;
    let consuming = world.consume().await;
    let (wake, relaying) = world.relay();
    let mut tx = world.pool.begin().await.expect("a transaction");
    publish(&mut tx, row(), &Counted::<11> { number: 1 }, &Context::default()).await.expect("published");
    tx.rollback().await.expect("rolled back");
    world.publish(2..=2).await;
    wake.wake();
    world.until_count("effect", 1).await;
    assert_eq!(world.count("outbox").await, 1);
    world.stop([consuming, relaying]).await;
    assert_eq!(world.effects().await, [2]);
    world.end().await;
}

#[tokio::test]
async fn an_event_nobody_woke_the_relay_for_is_sent_by_the_sweep() {
    let world = World::<12>::new().await;
    let consuming = world.consume().await;
    let (_, relaying) = world.relay();
    world.until_count("outbox", 0).await;
    world.publish(1..=1).await;
    world.until_count("effect", 1).await;
    world.stop([consuming, relaying]).await;
    world.end().await;
}

#[tokio::test]
async fn an_event_that_no_queue_takes_waits_in_the_outbox_and_holds_up_no_other() {
    let world = World::<13>::new().await;
    let consuming = world.consume().await;
    let (wake, relaying) = world.relay();
    let mut tx = world.pool.begin().await.expect("a transaction");
    publish(&mut tx, row(), &Counted::<14> { number: 1 }, &Context::default()).await.expect("published");
    tx.commit().await.expect("committed");
    world.publish(2..=2).await;
    wake.wake();
    world.until_count("effect WHERE number = 2", 1).await;
    world.until_count("outbox WHERE sent_at IS NULL AND attempts > 0", 1).await;

    let late = World::<14>::new().await;
    let late_consuming = late.consume().await;
    world.until_all_sent().await;
    late.until_count("effect WHERE number = 1", 1).await;
    late.stop([late_consuming]).await;
    late.end().await;
    world.stop([consuming, relaying]).await;
    world.end().await;
}

#[tokio::test]
async fn events_that_were_sent_long_ago_leave_the_outbox() {
    let world = World::<16>::new().await;
    world.publish(1..=3).await;
    sqlx::raw_sql(
        "UPDATE outbox SET sent_at = now(), id = overlay(id::text PLACING '01900000-0000' FROM 1 FOR 13)::uuid
           WHERE id <> (SELECT max(id::text)::uuid FROM outbox);
         UPDATE outbox SET sent_at = now() WHERE sent_at IS NULL",
    )
    .execute(&world.pool)
    .await
    .expect("two are of 2024 now");
    let (_, relaying) = world.relay();
    world.until_count("outbox", 1).await;
    world.stop([relaying]).await;
    world.end().await;
}

#[tokio::test]
async fn two_relays_share_the_outbox_and_each_event_has_its_effect_once() {
    let world = World::<15>::new().await;
    let consuming = world.consume().await;
    let ((one, first), (two, second)) = (world.relay(), world.relay());
    for start in (0..2000).step_by(100) {
        world.publish(start..start + 100).await;
        one.wake();
        two.wake();
    }
    world.until_count("inbox", 2000).await;
    world.until_all_sent().await;
    world.stop([consuming, first, second]).await;
    assert_eq!(world.effects().await, (0..2000).collect::<Vec<_>>());
    world.end().await;
}

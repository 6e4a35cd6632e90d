use std::net::TcpListener;
use std::time::{Duration, Instant};

use aipoten_kit::test::eventually;
use aipoten_proto::identity::v1::{EndCurrentSessionRequest, GetMeRequest};
use tonic::Code;

use crate::child::{delete, list};
use crate::world::{World, assert_refused};

/// An address where nobody listens.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

async fn sign_in_go_on_and_sign_out_with_redis_at(port: u16) {
    let world = World::start_with(|_, common| common.redis.url = format!("redis://127.0.0.1:{port}/").into()).await;
    let begun = Instant::now();
    let parent = world.parent().await;
    let next = world.refresh(&parent.tokens.refresh_token).await.expect("refreshed");
    assert!(world.believes(&next.access_token).await);
    world.sessions().end_current_session(parent.asks(EndCurrentSessionRequest {})).await.expect("ended");
    assert!(!world.believes(&next.access_token).await);
    assert_refused(world.refresh(&next.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    // Waiting for an answer of Redis takes a second, each of three times twice.
    assert!(begun.elapsed() < Duration::from_secs(5), "somebody waited for Redis");
    world.end().await;
}

#[tokio::test]
async fn people_sign_in_go_on_and_sign_out_without_redis() {
    sign_in_go_on_and_sign_out_with_redis_at(closed_port()).await;
}

#[tokio::test]
async fn people_sign_in_go_on_and_sign_out_while_redis_does_not_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    sign_in_go_on_and_sign_out_with_redis_at(silent.local_addr().expect("an address").port()).await;
}

#[tokio::test]
async fn without_the_broker_children_are_added_and_erased() {
    let world = World::start_with(|_, common| {
        common.broker.url = format!("amqp://guest:guest@127.0.0.1:{}/x", closed_port()).into();
    })
    .await;
    let parent = world.guardian().await;
    let child = world.child_of(&parent).await;
    world.children().delete_child(parent.asks(delete(&child.id))).await.expect("deleted");
    assert!(list(&world, &parent).await.is_empty());
    let waiting = "SELECT count(*) FROM outbox WHERE aggregate_id = $1 AND sent_at IS NULL";
    assert_eq!(world.count(waiting, child.id.parse().expect("a UUID")).await, 1);
    world.end().await;
}

#[tokio::test]
async fn a_restart_of_the_database_is_an_outage_and_no_internal_error() {
    let world = World::start().await;
    let parent = world.parent().await;
    let mut clients: Vec<_> = (0..12).map(|_| world.users()).collect();
    let reading = clients.iter_mut().map(|users| users.get_me(parent.asks(GetMeRequest {})));
    for answer in futures::future::join_all(reading).await {
        answer.expect("the pool has connections now");
    }
    world.end_connections_of_the_service().await;
    for _ in 0..12 {
        match world.users().get_me(parent.asks(GetMeRequest {})).await {
            Ok(_) => {}
            Err(status) => assert_refused(Err::<(), _>(status), Code::Unavailable, "UNAVAILABLE"),
        }
    }
    eventually("it is over", async || world.believes(&parent.tokens.access_token).await).await;
    world.end().await;
}

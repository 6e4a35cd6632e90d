use std::time::Duration;

use aipoten_events::{Config, Consumers, Relay};
use aipoten_kit::config::Database;
use aipoten_kit::database;
use aipoten_kit::test::{broker_url, rabbitmqctl};
use lapin::options::{BasicGetOptions, BasicNackOptions, ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, ConnectionProperties, ExchangeKind};
use prost::Message as _;
use secrecy::ExposeSecret as _;
use sqlx::Connection as _;
use tokio_util::sync::CancellationToken;

use crate::road::Road;
use crate::world::{Counted, World, note};

#[tokio::test]
async fn events_written_while_the_broker_is_away_arrive_when_it_is_back() {
    let mut world = World::<40>::new().await;
    let url = world.config.url.expose_secret().to_owned();
    let mut road = Road::to(&url).await;
    world.config.url = road.lead(&url);
    let consuming = world.consume().await;
    let relay = Relay::new(world.service, world.pool.clone(), world.config.clone());
    let (wake, mut health) = (relay.wake(), relay.health());
    let relaying = tokio::spawn(relay.run(world.stop.clone()));
    health.wait_connected().await;

    road.close().await;
    world.publish(1..=10).await;
    wake.wake();
    while health.connected() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.count("outbox WHERE sent_at IS NULL").await, 10);
    road.reopen().await;
    world.until_count("effect", 10).await;
    world.stop([consuming, relaying]).await;
    assert_eq!(world.effects().await, (1..=10).collect::<Vec<_>>());
    world.end().await;
}

#[tokio::test]
async fn five_hundred_events_survive_their_connections_being_closed_again_and_again() {
    let mut world = World::<41>::new().await;
    let url = broker_url();
    let (server, shared) = url.rsplit_once('/').expect("a URL with a vhost");
    let vhost = format!("{shared}-fault");
    rabbitmqctl(&["add_vhost", &vhost]);
    rabbitmqctl(&["set_permissions", "-p", &vhost, "guest", ".*", ".*", ".*"]);
    world.config.url = format!("{server}/{vhost}").into();
    let consuming = world.consume().await;
    let (wake, relaying) = world.relay();
    let closing = tokio::task::spawn_blocking(move || {
        for _ in 0..3 {
            rabbitmqctl(&["close_all_connections", "-p", &vhost, "a test"]);
        }
        vhost
    });
    for number in 0..500 {
        world.publish(number..=number).await;
        wake.wake();
        tokio::time::sleep(Duration::from_millis(8)).await;
    }
    let vhost = closing.await.expect("closed");
    world.until_count("inbox", 500).await;
    world.until_all_sent().await;
    world.stop([consuming, relaying]).await;
    assert_eq!(world.effects().await, (0..500).collect::<Vec<_>>());
    world.end().await;
    rabbitmqctl(&["delete_vhost", &vhost]);
}

#[tokio::test]
async fn while_the_database_is_away_events_wait_in_the_queue() {
    let mut world = World::<46>::new().await;
    let (_, relaying) = world.relay();
    let direct = world.database.config();
    let mut road = Road::to(direct.url.expose_secret()).await;
    let led = Database { url: road.lead(direct.url.expose_secret()), ..direct };
    world.pool = database::connect("test", &led).await.expect("open road");
    let consumers = Consumers::new(world.service).on::<Counted<46>>(note::<46>);
    let mut health = consumers.health();
    let consuming = world.start(consumers).await;

    road.close().await;
    world.publish(1..=100).await;
    world.until_all_sent().await;
    while health.connected() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.count("inbox").await, 0);
    road.reopen().await;
    health.wait_connected().await;
    world.until_count("effect", 100).await;
    assert_eq!(world.count("failed_events").await, 0);
    world.stop([consuming, relaying]).await;
    assert_eq!(world.effects().await, (1..=100).collect::<Vec<_>>());
    world.end().await;
}

#[tokio::test]
async fn events_survive_that_the_connections_to_the_database_are_ended_again_and_again() {
    const END_OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()";
    let world = World::<42>::new().await;
    let mut killer = world.pool.acquire().await.expect("a connection").detach();
    let consuming = world.consume().await;
    let (wake, relaying) = world.relay();
    for start in (0..500).step_by(50) {
        world.publish(start..start + 50).await;
        wake.wake();
        sqlx::query(END_OTHERS).execute(&mut killer).await.expect("ended");
    }
    world.until_count("effect", 500).await;
    killer.close().await.expect("closed");
    world.stop([consuming, relaying]).await;
    assert_eq!(world.effects().await, (0..500).collect::<Vec<_>>());
    world.end().await;
}

async fn channel(url: &str) -> (lapin::Connection, Channel) {
    let connection = lapin::Connection::connect(url, ConnectionProperties::default()).await.expect("connected");
    let channel = connection.create_channel().await.expect("a channel");
    (connection, channel)
}

#[tokio::test]
async fn an_event_that_ends_its_consumer_each_time_lands_in_the_dead_letter_queue() {
    let world = World::<45>::new().await;
    let consuming = world.consume().await;
    world.stop([consuming]).await;
    let world = World { stop: CancellationToken::new(), ..world };
    let (_, relaying) = world.relay();
    world.publish(1..=1).await;
    world.until_all_sent().await;

    let (_connection, channel) = channel(world.config.url.expose_secret()).await;
    let get = async |queue: &str| {
        channel.basic_get(queue.into(), BasicGetOptions::default()).await.expect("an answer").map(|it| it.delivery)
    };
    let mut crashes = 0;
    let dead = loop {
        if let Some(delivery) = get("aipoten.test45").await {
            crashes += 1;
            let again = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
            delivery.nack(again).await.expect("put back");
        }
        if let Some(delivery) = get("aipoten.test45.dead").await {
            break delivery;
        }
        assert!(crashes <= 30, "the event comes back for ever");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(crashes, 21, "taken once, and again as often as the limit says");
    assert_eq!(Counted::<45>::decode(dead.data.as_slice()).expect("the event").number, 1);
    world.stop([relaying]).await;
    world.end().await;
}

#[tokio::test]
async fn a_queue_that_is_set_up_otherwise_stops_the_start_and_is_named() {
    let world = World::<43>::new().await;
    let (_connection, channel) = channel(world.config.url.expose_secret()).await;
    channel
        .exchange_declare(
            "aipoten.events".into(),
            ExchangeKind::Topic,
            ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() },
            FieldTable::default(),
        )
        .await
        .expect("as ours");
    let classic = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare("aipoten.test43".into(), classic, FieldTable::default()).await.expect("declared");

    let consumers = Consumers::new(world.service).on::<Counted<43>>(note::<43>);
    let running = consumers.run(world.pool.clone(), world.config.clone(), world.stop.clone());
    let ended = tokio::time::timeout(Duration::from_secs(20), Box::pin(running)).await.expect("ends by itself");
    let error = format!("{:#}", ended.expect_err("the queue is another"));
    assert!(error.contains("aipoten.test43 is not set up as this release needs it"), "{error}");
    world.end().await;
}

#[tokio::test]
async fn an_address_that_is_none_stops_the_start_and_keeps_its_password() {
    let world = World::<44>::new().await;
    let config = Config { url: "http://user:secret@host".to_owned().into(), ..Config::default() };
    let relay = Relay::new("test44", world.pool.clone(), config);
    let error = format!("{:#}", relay.run(world.stop.clone()).await.expect_err("no broker's address"));
    assert!(error.contains("`broker.url`") && !error.contains("secret"), "{error}");
    world.end().await;
}

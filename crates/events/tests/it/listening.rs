use std::sync::{Arc, Mutex};
use std::time::Duration;

use aipoten_events::{Health, Listener};
use secrecy::ExposeSecret as _;
use tokio::time::timeout;

use crate::road::Road;
use crate::world::{Counted, Running, World};

/// What a cache would know: the numbers heard since it last began anew, and how often that was.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<(u32, Vec<i32>)>>);

impl Heard {
    fn listen<const TEST: u8>(&self, world: &World<TEST>) -> (Health, Running) {
        let (beginning, hearing) = (self.clone(), self.clone());
        let begin = move || {
            let mut heard = beginning.0.lock().expect("not poisoned");
            *heard = (heard.0 + 1, Vec::new());
        };
        let hear = move |event: Counted<TEST>| hearing.0.lock().expect("not poisoned").1.push(event.number);
        let listener = Listener::new("test", begin).on::<Counted<TEST>>(hear);
        let health = listener.health();
        (health, tokio::spawn(listener.run(world.config.clone(), world.stop.clone())))
    }

    fn now(&self) -> (u32, Vec<i32>) {
        self.0.lock().expect("not poisoned").clone()
    }

    async fn until(&self, expected: (u32, Vec<i32>)) {
        let heard = timeout(Duration::from_secs(20), async {
            while self.now() != expected {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(heard.await.is_ok(), "{:?}, not {expected:?}", self.now());
    }
}

#[tokio::test]
async fn every_listener_hears_every_event_and_takes_none_from_the_consumers() {
    let world = World::<80>::new().await;
    let consuming = world.consume().await;
    let (one, other) = (Heard::default(), Heard::default());
    let ((mut first_health, first), (mut second_health, second)) = (one.listen(&world), other.listen(&world));
    first_health.wait_connected().await;
    second_health.wait_connected().await;
    let (wake, relaying) = world.relay();
    for number in 1..=3 {
        world.publish(number..=number).await;
        wake.wake();
        world.until_count("effect", number.into()).await;
    }
    one.until((1, vec![1, 2, 3])).await;
    other.until((1, vec![1, 2, 3])).await;
    world.stop([consuming, first, second, relaying]).await;
    world.end().await;
}

#[tokio::test]
async fn a_listener_begins_anew_after_the_connection_was_lost_and_hears_what_comes_then() {
    let mut world = World::<81>::new().await;
    let direct = world.config.clone();
    let mut road = Road::to(direct.url.expose_secret()).await;
    world.config.url = road.lead(direct.url.expose_secret());
    let heard = Heard::default();
    let (mut health, listening) = heard.listen(&world);
    health.wait_connected().await;
    world.config = direct;
    let consuming = world.consume().await;
    let (wake, relaying) = world.relay();
    world.publish(1..=1).await;
    wake.wake();
    heard.until((1, vec![1])).await;

    road.close().await;
    while health.connected() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    world.publish(2..=2).await;
    wake.wake();
    world.until_count("effect", 2).await;
    road.reopen().await;
    heard.until((2, vec![])).await;
    health.wait_connected().await;
    world.publish(3..=3).await;
    wake.wake();
    heard.until((2, vec![3])).await;
    world.stop([consuming, listening, relaying]).await;
    world.end().await;
}

use std::sync::{Arc, Mutex};

use aipoten_events::Listener;
use aipoten_kit::test::eventually;
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use crate::faults::Road;
use crate::world::{Counted, World};

/// What two listeners have heard; 0 stands for "something may have been missed".
type Heard = Arc<Mutex<Vec<i32>>>;

fn listener<const TEST: u8>(heard: &Heard) -> Listener {
    let (missed, event) = (Arc::clone(heard), Arc::clone(heard));
    Listener::new("test", move || missed.lock().expect("no panic").push(0))
        .on::<Counted<TEST>>(move |it| event.lock().expect("no panic").push(it.number))
}

#[tokio::test]
async fn every_listener_hears_every_event_and_is_told_after_a_lost_connection_that_it_may_have_missed_some() {
    let world = World::<71>::new().await;
    let mut road = Road::to(&world.config.url.expose_secret()).await;
    let (near, far) = (Heard::default(), Heard::default());
    let by_road = aipoten_events::Config { url: road.lead(&world.config.url.expose_secret()), ..world.config.clone() };
    let mut running = vec![
        tokio::spawn(listener::<71>(&near).run(world.config.clone(), world.stop.clone())),
        tokio::spawn(listener::<71>(&far).run(by_road, world.stop.clone())),
    ];
    let has = |heard: &Heard, expected: &[i32]| *heard.lock().expect("no panic") == expected;
    eventually("both listen", async || has(&near, &[0]) && has(&far, &[0])).await;
    let (_, relay) = world.relay();
    running.push(relay);

    world.publish([1].into_iter()).await;
    eventually("both have heard", async || has(&near, &[0, 1]) && has(&far, &[0, 1])).await;

    road.close().await;
    world.publish([2].into_iter()).await;
    eventually("one has heard", async || has(&near, &[0, 1, 2])).await;
    road.reopen().await;
    eventually("the other may have missed some", async || has(&far, &[0, 1, 0])).await;
    world.publish([3].into_iter()).await;
    eventually("both hear again", async || has(&near, &[0, 1, 2, 3]) && has(&far, &[0, 1, 0, 3])).await;

    world.stop(running).await;
    world.end().await;
}

#[tokio::test]
async fn a_wrong_address_stops_the_start() {
    let config = aipoten_events::Config { url: "nonsense".to_owned().into(), ..aipoten_events::Config::default() };
    let error = Listener::new("test", || {}).run(config, CancellationToken::new()).await.expect_err("no address");
    assert!(error.to_string().contains("broker.url"), "{error}");
}

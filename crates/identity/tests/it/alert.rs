//! What the owner of an account is told at once.

use aipoten_kit::metadata;
use aipoten_proto::identity::v1::{ChangePasswordRequest, DeleteMeRequest, ErasureRequested, UserRegistered};
use chrono::Utc;
use tonic::Request;

use crate::world::{PASSWORD, Person, World, attempt, registration};

const PHONE: &str = "Mozilla/5.0 (Linux; Android 15) Chrome/140.0.0.0 Mobile";

async fn sign_in_on(world: &World, person: &Person, agent: &str) {
    let mut request = Request::new(attempt(&person.email, PASSWORD));
    request.metadata_mut().insert(metadata::CLIENT_AGENT, agent.parse().expect("ASCII"));
    world.sessions().create_session(request).await.expect("signed in");
}

#[tokio::test]
async fn a_device_that_was_never_seen_is_told_of_and_the_first_one_is_not() {
    let world = World::start().await;
    let (parent, neighbour) = (world.parent().await, world.parent().await);
    sign_in_on(&world, &neighbour, PHONE).await;
    assert!(world.alerts(parent.id).await.is_empty(), "nobody is told of the first sign-in");
    sign_in_on(&world, &parent, PHONE).await;
    assert_eq!(world.alerts(parent.id).await, ["new_device"], "that a neighbour has such a phone tells nothing");
    sign_in_on(&world, &parent, &PHONE.replace("140", "141")).await;
    sign_in_on(&world, &parent, "").await;
    assert_eq!(world.alerts(parent.id).await.len(), 1, "both were seen before");
    sign_in_on(&world, &parent, &PHONE.replace("Android", "Tizen")).await;
    assert_eq!(world.alerts(parent.id).await.len(), 2);
    world.end().await;
}

#[tokio::test]
async fn sessions_from_before_devices_were_told_apart_raise_no_alarm() {
    let world = World::start().await;
    let parent = world.parent().await;
    world.alter("UPDATE sessions SET fingerprint_hash = NULL WHERE user_id = $1", parent.id).await;
    sign_in_on(&world, &parent, PHONE).await;
    assert!(world.alerts(parent.id).await.is_empty());
    world.end().await;
}

#[tokio::test]
async fn a_changed_password_a_stolen_session_and_a_locked_address_are_told_of() {
    let world = World::start_with(|config, _| {
        (config.lockout.captcha_after, config.session.grace_s) = (100, 0);
    })
    .await;
    let parent = world.parent().await;
    let other = "battery staple 8?".to_owned();
    let change = ChangePasswordRequest { current_password: PASSWORD.to_owned(), new_password: other.clone() };
    world.users().change_password(parent.asks(change)).await.expect("changed");
    world.refresh(&parent.tokens.refresh_token).await.expect("refreshed");
    world.refresh(&parent.tokens.refresh_token).await.expect_err("stolen");
    for _ in 0..6 {
        world.try_sign_in(&parent.email, PASSWORD).await.err().expect("refused");
    }
    assert_eq!(world.alerts(parent.id).await, ["password_changed", "refresh_reused", "locked"]);
    for _ in 0..6 {
        world.try_sign_in("nobody@example.com", PASSWORD).await.err().expect("refused");
    }
    let all = "SELECT count(*) FROM outbox WHERE type LIKE '%SecurityAlerted' AND $1 IS NOT NULL";
    assert_eq!(world.count(all, parent.id).await, 3, "an address without account has nobody to tell");
    world.end().await;
}

#[tokio::test]
async fn registering_and_asking_for_erasure_are_told_with_ids_alone() {
    let world = World::start_with(|config, _| config.erasure_grace_s = 3600).await;
    let person = world.therapist().await;
    let taken = world.users().register_user(registration(&person.email)).await;
    taken.expect_err("a registration that fails is told to nobody");
    let registered = world.published::<UserRegistered>(person.id).await;
    assert_eq!(registered, [UserRegistered { user_id: person.id.to_string(), role: "therapist".to_owned() }]);

    world.users().delete_me(person.asks(DeleteMeRequest {})).await.expect("asked for");
    let requested = world.published::<ErasureRequested>(person.id).await;
    let [ErasureRequested { user_id, due_at: Some(due_at) }] = requested.as_slice() else { panic!("{requested:?}") };
    let left = due_at.seconds - Utc::now().timestamp();
    assert_eq!((user_id, (3590..=3600).contains(&left)), (&person.id.to_string(), true), "{left}");
    let all = "SELECT count(*) FROM outbox WHERE $1 IS NOT NULL";
    assert_eq!(world.count(all, person.id).await, 2);
    world.end().await;
}

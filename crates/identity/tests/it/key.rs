//! Rotation of the keys that access tokens are signed with, on two replicas.

use std::time::Duration;

use aipoten_identity::{Withdraw, rotate_keys};
use aipoten_kit::test::eventually;
use aipoten_kit::token::{Refusal, Subject};
use futures::future::join_all;
use sqlx::AssertSqlSafe;
use tonic::Code;
use uuid::Uuid;

use crate::token::jwks;
use crate::world::{Identity, Person, World, assert_refused};

const DAY_S: i32 = 24 * 3600;

/// Makes the keys in a state older.
async fn age(world: &World, state: &str, seconds: i32) {
    let sql =
        format!("UPDATE signing_keys SET since = since - make_interval(secs => {seconds}) WHERE state = '{state}'");
    let aged = sqlx::query(AssertSqlSafe(sql)).execute(world.pool()).await.expect("aged");
    assert!(aged.rows_affected() > 0, "no key is {state}");
}

/// The key in a state.
async fn key(world: &World, state: &str) -> Uuid {
    let one = "SELECT id FROM signing_keys WHERE state = $1";
    sqlx::query_scalar(one).bind(state).fetch_one(world.pool()).await.expect("one key")
}

async fn count(world: &World, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(world.pool()).await.expect("counted")
}

fn signer(person: &Person) -> Uuid {
    let header = jsonwebtoken::decode_header(&person.tokens.access_token).expect("a header");
    header.kid.expect("a key").parse().expect("a UUID")
}

/// Waits until the replica publishes this key as the one that signs.
async fn signs_with(replica: &Identity, key: Uuid) {
    eventually("the key signs", async || jwks(replica).await[0].kid == key.to_string()).await;
}

#[tokio::test]
async fn the_next_key_is_published_before_it_signs_and_the_last_one_after() {
    let world = World::start().await;
    let replica = world.replica().await;
    let before = world.parent().await;
    let (active, next) = (key(&world, "active").await, key(&world, "next").await);
    let published: Vec<String> = jwks(&replica).await.into_iter().map(|it| it.kid).collect();
    assert_eq!((signer(&before), published), (active, vec![active.to_string(), next.to_string()]));

    let early = rotate_keys(world.pool(), &world.config, Withdraw::Nothing).await.expect_err("too early");
    assert!(early.to_string().contains("not everybody knows the next signing key"), "{early:#}");
    age(&world, "next", 10 * 60).await;
    let rotated = rotate_keys(world.pool(), &world.config, Withdraw::Nothing).await.expect("rotated");
    assert_eq!((rotated, key(&world, "retired").await), (next, active));
    for replica in [&*world, &replica] {
        signs_with(replica, next).await;
        let after = replica.sign_in(&before.email).await;
        assert_eq!((signer(&after), jwks(replica).await.len()), (next, 3));
        assert!(world.believes(&after.tokens.access_token).await, "both keys are good everywhere");
        assert!(replica.believes(&before.tokens.access_token).await, "both keys are good everywhere");
    }
    let noted = "SELECT count(*) FROM audit_logs WHERE action = 'signing_key.rotated' AND resource_id = $1
                 AND metadata->>'by' = 'command'";
    assert_eq!(world.count(noted, next).await, 1);
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn the_clock_rotates_once_however_many_replicas_look_at_it() {
    let world = World::start().await;
    let replicas = join_all((0..3).map(|_| world.replica())).await;
    let (active, next) = (key(&world, "active").await, key(&world, "next").await);
    age(&world, "next", DAY_S).await;
    age(&world, "active", 30 * DAY_S).await;
    for replica in &replicas {
        signs_with(replica, next).await;
    }
    assert_eq!((key(&world, "active").await, key(&world, "retired").await), (next, active));
    assert_eq!(count(&world, "SELECT count(*) FROM signing_keys").await, 3);
    assert_eq!(count(&world, "SELECT count(*) FROM audit_logs WHERE action = 'signing_key.rotated'").await, 1);
    for replica in replicas {
        replica.end().await;
    }
    world.end().await;
}

#[tokio::test]
async fn of_many_commands_at_once_one_rotates() {
    let world = World::start().await;
    let next = key(&world, "next").await;
    age(&world, "next", DAY_S).await;
    let commands = (0..6).map(|_| rotate_keys(world.pool(), &world.config, Withdraw::Nothing));
    let rotated: Vec<Uuid> = join_all(commands).await.into_iter().filter_map(Result::ok).collect();
    assert_eq!((rotated, key(&world, "active").await), (vec![next], next));
    world.end().await;
}

#[tokio::test]
async fn a_retired_key_is_withdrawn_when_its_tokens_have_expired() {
    let world = World::start().await;
    let replica = world.replica().await;
    let person = world.parent().await;
    age(&world, "next", DAY_S).await;
    rotate_keys(world.pool(), &world.config, Withdraw::Nothing).await.expect("rotated");
    age(&world, "retired", 15 * 60).await;
    signs_with(&replica, key(&world, "active").await).await;
    assert!(replica.believes(&person.tokens.access_token).await, "the token has not expired by everybody's clock");

    age(&world, "retired", 61).await;
    for replica in [&*world, &replica] {
        let token = &person.tokens.access_token;
        eventually("the key is believed no longer", async || !replica.believes(token).await).await;
        assert_eq!(jwks(replica).await.len(), 2);
        assert_refused(replica.try_get_me(token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    }
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn stolen_keys_are_withdrawn_at_once_and_whoever_is_signed_in_goes_on() {
    let world = World::start().await;
    let replica = world.replica().await;
    let person = world.parent().await;
    let (active, next) = (key(&world, "active").await, key(&world, "next").await);
    for replica in [&*world, &replica] {
        assert!(replica.believes(&person.tokens.access_token).await, "it is remembered now");
    }
    let fresh = rotate_keys(world.pool(), &world.config, Withdraw::All).await.expect("rotated");
    assert!(![active, next].contains(&fresh), "whoever stole one has the other");
    for replica in [&*world, &replica] {
        signs_with(replica, fresh).await;
        assert_refused(replica.try_get_me(&person.tokens.access_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    }
    let tokens = replica.refresh(&person.tokens.refresh_token).await.expect("the session goes on");
    assert!(world.believes(&tokens.access_token).await && replica.believes(&tokens.access_token).await);
    for withdrawn in [active, next] {
        let noted = "SELECT count(*) FROM audit_logs WHERE action = 'signing_key.withdrawn' AND resource_id = $1";
        assert_eq!(world.count(noted, withdrawn).await, 1);
    }
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn a_service_drops_a_withdrawn_key_with_what_it_remembers() {
    let world = World::start().await;
    let person = world.parent().await;
    let verifier = world.verifier(Duration::from_millis(100));
    let token = &person.tokens.access_token;
    let subject = verifier.verify(token).await;
    assert!(matches!(subject, Ok(Subject::User(user)) if user.id == person.id));
    rotate_keys(world.pool(), &world.config, Withdraw::All).await.expect("rotated");
    eventually("the key is dropped", async || verifier.verify(token).await == Err(Refusal::Invalid)).await;
    let after = world.sign_in(&person.email).await;
    eventually("the new key is known", async || verifier.verify(&after.tokens.access_token).await.is_ok()).await;
    world.end().await;
}

#[tokio::test]
async fn a_service_asks_for_an_unknown_key_at_once_and_not_again_for_a_while() {
    let world = World::start().await;
    let person = world.parent().await;
    let verifier = world.verifier(Duration::from_hours(1));
    assert!(verifier.verify(&person.tokens.access_token).await.is_ok(), "it asked");
    let fresh = rotate_keys(world.pool(), &world.config, Withdraw::All).await.expect("rotated");
    signs_with(&world, fresh).await;
    let after = world.sign_in(&person.email).await;
    assert_eq!(verifier.verify(&after.tokens.access_token).await, Err(Refusal::Invalid), "it does not ask again");
    let other = world.verifier(Duration::from_hours(1));
    assert!(other.verify(&after.tokens.access_token).await.is_ok());
    world.end().await;
}

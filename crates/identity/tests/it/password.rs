use aipoten_kit::test::eventually;
use aipoten_proto::identity::v1::ChangePasswordRequest;
use tonic::{Code, Response, Status};

use crate::world::{PASSWORD, Person, World, assert_refused, violations};

const NEW: &str = "battery staple 8?";

async fn change(world: &World, person: &Person, current: &str, new: &str) -> Result<Response<()>, Status> {
    let request = ChangePasswordRequest { current_password: current.to_owned(), new_password: new.to_owned() };
    world.users().change_password(person.asks(request)).await
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_the_old_password() {
    let world = World::start().await;
    let replica = world.replica().await;
    let phone = world.parent().await;
    let tablet = world.sign_in(&phone.email).await;
    change(&world, &phone, PASSWORD, NEW).await.expect("changed");

    assert!(world.believes(&phone.tokens.access_token).await, "this session goes on");
    world.refresh(&phone.tokens.refresh_token).await.expect("this session goes on");
    assert!(!world.believes(&tablet.tokens.access_token).await);
    assert_refused(world.refresh(&tablet.tokens.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    eventually("the other replica knows", async || !replica.believes(&tablet.tokens.access_token).await).await;
    let old = world.try_sign_in(&phone.email, PASSWORD).await.map(|it| it.id);
    assert_refused(old, Code::Unauthenticated, "INVALID_CREDENTIALS");
    world.try_sign_in(&phone.email, NEW).await.map(|it| it.id).expect("the new one is good");
    let noted =
        "SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND action = 'password.changed' AND outcome = 'success'";
    assert_eq!(world.count(noted, phone.id).await, 1);
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn a_change_without_the_current_password_is_refused_and_noted() {
    let world = World::start().await;
    let (phone, stranger) = (world.parent().await, world.parent().await);
    let wrong = change(&world, &phone, "wrong horse 7!", NEW).await;
    assert_refused(wrong, Code::Unauthenticated, "INVALID_CREDENTIALS");
    let noted =
        "SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND action = 'password.changed' AND outcome = 'refused'";
    assert_eq!((world.count(noted, phone.id).await, world.count(noted, stranger.id).await), (1, 0));
    world.sign_in(&phone.email).await;
    world.end().await;
}

#[tokio::test]
async fn a_new_password_has_to_be_new_and_good() {
    let world = World::start().await;
    let parent = world.parent().await;
    assert_eq!(
        violations(change(&world, &parent, "", "a1!").await),
        ["current_password: required", "new_password: too_short min=8"]
    );
    assert_eq!(
        violations(change(&world, &parent, &"p".repeat(129), "").await),
        ["current_password: too_long max=128", "new_password: required"]
    );
    assert_eq!(violations(change(&world, &parent, PASSWORD, PASSWORD).await), ["new_password: password_unchanged"]);
    let breached = change(&world, &parent, PASSWORD, "Password-1!").await;
    assert_eq!(violations(breached), ["new_password: password_breached"]);
    let own_address = change(&world, &parent, PASSWORD, &parent.email.to_uppercase()).await;
    assert_eq!(violations(own_address), ["new_password: password_guessable"]);
    assert_eq!(
        violations(change(&world, &parent, PASSWORD, "battery\0staple 8?").await),
        ["new_password: control_characters"]
    );
    world.sign_in(&parent.email).await;
    world.end().await;
}

#[tokio::test]
async fn of_two_changes_at_once_one_wins() {
    let world = World::start().await;
    let phone = world.parent().await;
    let tablet = world.sign_in(&phone.email).await;
    let other = "staple battery 9?";
    let (one, two) = tokio::join!(change(&world, &phone, PASSWORD, NEW), change(&world, &tablet, PASSWORD, other));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let (good, bad, lost) = if one.is_ok() { (NEW, other, two) } else { (other, NEW, one) };
    let lost = lost.expect_err("one loses");
    assert!(matches!(lost.code(), Code::Aborted | Code::Unauthenticated), "{lost:?}");
    world.try_sign_in(&phone.email, good).await.map(|it| it.id).expect("the winner's is good");
    let refused = world.try_sign_in(&phone.email, bad).await.map(|it| it.id);
    assert_refused(refused, Code::Unauthenticated, "INVALID_CREDENTIALS");
    world.end().await;
}

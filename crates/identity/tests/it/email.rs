//! Addresses: verified by a link, changed by a link.

use aipoten_proto::identity::v1::{
    ChangeEmailRequest, EmailChangeRequested, EmailVerificationRequested, EmailVerified, GetMeRequest,
    GetRecipientRequest, MailPurpose, RequestEmailChangeRequest, RequestEmailVerificationRequest, User,
    VerifyEmailRequest,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

use crate::world::{PASSWORD, Person, World, assert_refused, new_address, registration, violations};

async fn verify(world: &World, token: &str) -> Result<Response<()>, Status> {
    world.users().verify_email(VerifyEmailRequest { token: token.to_owned() }).await
}

async fn ask_for_link(world: &World, person: &Person) -> Result<Response<()>, Status> {
    world.users().request_email_verification(person.asks(RequestEmailVerificationRequest {})).await
}

async fn want(world: &World, person: &Person, new_email: &str) -> Result<Response<()>, Status> {
    let change = RequestEmailChangeRequest { new_email: new_email.to_owned(), password: PASSWORD.to_owned() };
    world.users().request_email_change(person.asks(change)).await
}

async fn change(world: &World, token: &str) -> Result<Response<()>, Status> {
    world.users().change_email(ChangeEmailRequest { token: token.to_owned() }).await
}

async fn me(world: &World, person: &Person) -> User {
    world.users().get_me(person.asks(GetMeRequest {})).await.expect("answered").into_inner()
}

/// Whether a token says that the address is verified.
fn says_verified(access_token: &str) -> bool {
    let claims = URL_SAFE_NO_PAD.decode(access_token.split('.').nth(1).expect("claims")).expect("base64url");
    serde_json::from_slice::<Value>(&claims).expect("JSON")["ev"].as_bool().expect("a claim")
}

#[tokio::test]
async fn a_link_verifies_the_address_once_and_tokens_say_so_from_the_next_refresh_on() {
    let world = World::start().await;
    let parent = world.parent().await;
    assert!(!says_verified(&parent.tokens.access_token));
    ask_for_link(&world, &parent).await.expect("asked for");
    assert_eq!(world.published::<EmailVerificationRequested>(parent.id).await.len(), 1);
    let link = world.link(parent.id, MailPurpose::VerifyEmail).await;
    let before = me(&world, &parent).await;
    verify(&world, &link).await.expect("verified");

    let after = me(&world, &parent).await;
    assert_eq!((before.email_verified, after.email_verified), (false, true));
    assert!(after.version > before.version, "whoever holds the older one is told");
    assert!(says_verified(&world.refresh(&parent.tokens.refresh_token).await.expect("refreshed").access_token));
    assert!(says_verified(&world.sign_in(&parent.email).await.tokens.access_token));
    assert_eq!(world.published::<EmailVerified>(parent.id).await.len(), 1);
    let noted = "SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND action = 'email.verified'";
    assert_eq!(world.count(noted, parent.id).await, 1);

    assert_eq!(violations(verify(&world, &link).await), ["token: link_ended"], "it was used");
    assert_refused(ask_for_link(&world, &parent).await, Code::FailedPrecondition, "ALREADY_VERIFIED");
    let another = world.try_link(parent.id, MailPurpose::VerifyEmail).await;
    assert_refused(another, Code::NotFound, "NOT_FOUND");
    world.end().await;
}

#[tokio::test]
async fn where_nobody_asks_for_verified_addresses_tokens_say_that_nothing_is_missing() {
    let world = World::start_with(|config, _| config.require_verified_email = false).await;
    let parent = world.parent().await;
    assert!(says_verified(&parent.tokens.access_token));
    assert!(!me(&world, &parent).await.email_verified, "and the account as it is");
    world.end().await;
}

#[tokio::test]
async fn what_is_no_link_or_a_link_for_something_else_or_an_old_one_verifies_nothing() {
    let world = World::start().await;
    let parent = world.parent().await;
    assert_eq!(violations(verify(&world, "").await), ["token: required"]);
    let unknown = URL_SAFE_NO_PAD.encode([7; 32]);
    let other = world.link(parent.id, MailPurpose::ResetPassword).await;
    let old = world.link(parent.id, MailPurpose::VerifyEmail).await;
    world.alter("UPDATE mail_tokens SET expires_at = now() WHERE user_id = $1", parent.id).await;
    for token in ["x", "%00", &"A".repeat(42), &"A".repeat(5000), &unknown, &other, &old] {
        assert_eq!(violations(verify(&world, token).await), ["token: link_ended"], "{token}");
    }
    let closed = world.link(parent.id, MailPurpose::VerifyEmail).await;
    world.alter("UPDATE users SET status = 'suspended' WHERE id = $1", parent.id).await;
    assert_eq!(violations(verify(&world, &closed).await), ["token: link_ended"]);
    let verified = "SELECT count(*) FROM users WHERE id = $1 AND email_verified_at IS NOT NULL";
    assert_eq!(world.count(verified, parent.id).await, 0);
    world.end().await;
}

#[tokio::test]
async fn an_address_gets_five_mails_and_then_none_for_a_while() {
    let world = World::start().await;
    let parent = world.parent().await;
    for _ in 0..5 {
        ask_for_link(&world, &parent).await.expect("asked for");
    }
    let refused = ask_for_link(&world, &parent).await.expect_err("too many");
    let wait = refused.get_details_retry_info().and_then(|it| it.retry_delay).expect("when to come back");
    assert!((890..=900).contains(&wait.as_secs()), "{wait:?}");
    assert_refused(Err::<(), _>(refused), Code::ResourceExhausted, "RATE_LIMITED");
    assert_eq!(world.published::<EmailVerificationRequested>(parent.id).await.len(), 5);
    let stranger = world.parent().await;
    assert_refused(want(&world, &stranger, &parent.email).await, Code::ResourceExhausted, "RATE_LIMITED");
    world.sign_in(&parent.email).await;
    world.end().await;
}

#[tokio::test]
async fn a_link_to_a_new_address_changes_it_and_the_old_one_is_warned() {
    let world = World::start().await;
    let parent = world.parent().await;
    let (first, second) = (format!("Neu.{}", new_address()), new_address());
    want(&world, &parent, &first).await.expect("asked for");
    let superseded = world.link(parent.id, MailPurpose::ChangeEmail).await;
    want(&world, &parent, &second).await.expect("asked for");
    assert_eq!(violations(change(&world, &superseded).await), ["token: link_ended"], "it was mailed elsewhere");
    want(&world, &parent, &first).await.expect("asked for");
    let told = world.published::<EmailChangeRequested>(parent.id).await;
    assert_eq!(told, vec![EmailChangeRequested { user_id: parent.id.to_string() }; 3]);

    let ask = |purpose: Option<MailPurpose>| GetRecipientRequest {
        user_id: parent.id.to_string(),
        purpose: purpose.map(Into::into),
    };
    let service = world.notification();
    let recipient = async |purpose| {
        let ask = service.request(ask(purpose)).await.expect("a token");
        world.recipients().get_recipient(ask).await.expect("found").into_inner()
    };
    let wanted = recipient(Some(MailPurpose::ChangeEmail)).await;
    assert_eq!((wanted.email.as_str(), wanted.is_email_verified), (first.as_str(), false));
    assert_eq!(recipient(None).await.email, parent.email, "until the link is followed");
    let link = world.try_link(parent.id, MailPurpose::ChangeEmail).await.expect("a link");
    assert_eq!(link.email, first);
    let reset = world.link(parent.id, MailPurpose::ResetPassword).await;
    change(&world, &link.token).await.expect("changed");

    let reached = recipient(None).await;
    assert_eq!((&reached.email, reached.is_email_verified), (&first, true));
    assert_eq!(reached.former_emails, [parent.email.as_str()]);
    assert_eq!(world.alerts(parent.id).await, ["email_changed"]);
    assert!(says_verified(&world.refresh(&parent.tokens.refresh_token).await.expect("refreshed").access_token));
    let old = world.try_sign_in(&parent.email, PASSWORD).await.map(|it| it.id);
    assert_refused(old, Code::Unauthenticated, "INVALID_CREDENTIALS");
    assert_eq!(world.sign_in(&first.to_lowercase()).await.id, parent.id);
    assert_eq!(violations(change(&world, &link.token).await), ["token: link_ended"], "it was used");
    let ended = "SELECT count(*) FROM mail_tokens WHERE user_id = $1";
    assert_eq!(world.count(ended, parent.id).await, 0, "what was mailed to the old address ends: {reset}");
    let again = world.try_link(parent.id, MailPurpose::ChangeEmail).await;
    assert_refused(again, Code::NotFound, "NOT_FOUND");

    world.alter("UPDATE former_emails SET left_at = now() - interval '7 days' WHERE user_id = $1", parent.id).await;
    assert!(recipient(None).await.former_emails.is_empty());
    world.users().register_user(registration(&parent.email)).await.expect("the old address is free again");
    world.end().await;
}

#[tokio::test]
async fn a_new_address_that_somebody_has_is_refused_before_and_after_the_mail() {
    let world = World::start().await;
    let (parent, other) = (world.parent().await, world.parent().await);
    let taken = want(&world, &parent, &other.email.to_uppercase()).await;
    assert_refused(taken, Code::AlreadyExists, "EMAIL_TAKEN");
    let same = want(&world, &parent, &parent.email.to_uppercase()).await;
    assert_eq!(violations(same), ["new_email: email_unchanged"]);

    let free = new_address();
    want(&world, &parent, &free).await.expect("asked for");
    let link = world.link(parent.id, MailPurpose::ChangeEmail).await;
    world.users().register_user(registration(&free)).await.expect("somebody is faster");
    assert_refused(change(&world, &link).await, Code::AlreadyExists, "EMAIL_TAKEN");
    assert_eq!(me(&world, &parent).await.email, parent.email);
    let left = "SELECT count(*) FROM former_emails WHERE user_id = $1";
    assert_eq!(world.count(left, parent.id).await, 0, "all or nothing");
    world.end().await;
}

#[tokio::test]
async fn of_two_who_follow_links_to_the_same_address_at_once_one_gets_it() {
    let world = World::start().await;
    let (one, two, free) = (world.parent().await, world.parent().await, new_address());
    let mut links = Vec::new();
    for person in [&one, &two] {
        want(&world, person, &free).await.expect("asked for");
        links.push(world.link(person.id, MailPurpose::ChangeEmail).await);
    }
    let (first, second) = tokio::join!(change(&world, &links[0]), change(&world, &links[1]));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_refused(first.and(second), Code::AlreadyExists, "EMAIL_TAKEN");
    world.end().await;
}

#[tokio::test]
async fn a_change_needs_the_password_and_a_good_address() {
    let world = World::start().await;
    let parent = world.parent().await;
    let wrong = RequestEmailChangeRequest { new_email: new_address(), password: "wrong horse 7!".to_owned() };
    let refused = world.users().request_email_change(parent.asks(wrong)).await;
    assert_refused(refused, Code::Unauthenticated, "INVALID_CREDENTIALS");
    let noted = "SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND action = 'email.change_requested'
                 AND outcome = 'refused'";
    assert_eq!(world.count(noted, parent.id).await, 1);
    let nothing = RequestEmailChangeRequest::default();
    let told = violations(world.users().request_email_change(parent.asks(nothing)).await);
    assert_eq!(told, ["new_email: required", "password: required"]);
    let bad = RequestEmailChangeRequest { new_email: "mina@localhost".to_owned(), password: "p".repeat(129) };
    let told = violations(world.users().request_email_change(parent.asks(bad)).await);
    assert_eq!(told, ["new_email: not_an_email", "password: too_long max=128"]);
    assert!(world.published::<EmailChangeRequested>(parent.id).await.is_empty());
    world.end().await;
}

#[tokio::test]
async fn a_link_that_is_followed_many_times_at_once_counts_once() {
    let world = World::start().await;
    let parent = world.parent().await;
    let link = world.link(parent.id, MailPurpose::VerifyEmail).await;
    let answers = futures::future::join_all((0..8).map(|_| verify(&world, &link))).await;
    let (good, ended): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), ended.len()), (1, 7));
    for answer in ended {
        assert_eq!(violations(answer), ["token: link_ended"]);
    }
    assert_eq!(world.published::<EmailVerified>(parent.id).await.len(), 1);
    world.end().await;
}

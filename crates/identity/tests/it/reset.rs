//! Forgotten passwords.

use std::time::{Duration, Instant};

use aipoten_kit::test::eventually;
use aipoten_proto::identity::v1::{
    CaptchaAnswer, MailPurpose, PasswordResetRequested, RequestPasswordResetRequest, ResetPasswordRequest,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tonic::{Code, Response, Status};

use crate::lockout::captcha;
use crate::world::{PASSWORD, World, assert_refused, violations};

const NEW: &str = "battery staple 8?";

async fn ask(world: &World, email: &str, captcha: Option<CaptchaAnswer>) -> Result<Response<()>, Status> {
    let request = RequestPasswordResetRequest { email: email.to_owned(), captcha };
    world.users().request_password_reset(request).await
}

async fn reset(world: &World, token: &str, new_password: &str) -> Result<Response<()>, Status> {
    let request = ResetPasswordRequest { token: token.to_owned(), new_password: new_password.to_owned() };
    world.users().reset_password(request).await
}

#[tokio::test]
async fn a_link_sets_a_new_password_ends_every_session_and_opens_a_locked_address() {
    let world = World::start_with(|config, _| config.lockout.captcha_after = 100).await;
    let phone = world.parent().await;
    let tablet = world.sign_in(&phone.email).await;
    for _ in 0..5 {
        world.try_sign_in(&phone.email, "wrong horse 7!").await.err().expect("refused");
    }
    let locked = world.try_sign_in(&phone.email, PASSWORD).await.map(|it| it.id);
    assert_refused(locked, Code::ResourceExhausted, "ACCOUNT_LOCKED");

    ask(&world, &phone.email, None).await.expect("asked for: this way stays open");
    let told = world.published::<PasswordResetRequested>(phone.id).await;
    assert_eq!(told, [PasswordResetRequested { user_id: phone.id.to_string() }]);
    let link = world.link(phone.id, MailPurpose::ResetPassword).await;
    reset(&world, &link, NEW).await.expect("set");

    for session in [&phone, &tablet] {
        eventually("it has ended", async || !world.believes(&session.tokens.access_token).await).await;
        let refused = world.refresh(&session.tokens.refresh_token).await;
        assert_refused(refused, Code::Unauthenticated, "UNAUTHENTICATED");
    }
    let old = world.try_sign_in(&phone.email, PASSWORD).await.map(|it| it.id);
    assert_refused(old, Code::Unauthenticated, "INVALID_CREDENTIALS");
    world.try_sign_in(&phone.email, NEW).await.map(|it| it.id).expect("the new one is good");
    assert_eq!(violations(reset(&world, &link, "another staple 9?").await), ["token: link_ended"], "it was used");
    assert_eq!(world.alerts(phone.id).await, ["locked", "password_reset"]);
    for action in ["password.reset_requested", "password.reset"] {
        let noted = "SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND outcome = 'success' AND action = ";
        let noted = format!("{noted}'{action}'");
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(noted))
            .bind(phone.id)
            .fetch_one(world.pool())
            .await
            .expect("counted");
        assert_eq!(count, 1, "{action}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_link_is_not_used_up_by_a_password_that_is_refused() {
    let world = World::start().await;
    let parent = world.parent().await;
    let link = world.link(parent.id, MailPurpose::ResetPassword).await;
    assert_eq!(violations(reset(&world, &link, "a1!").await), ["new_password: too_short min=8"]);
    assert_eq!(violations(reset(&world, &link, "Password-1!").await), ["new_password: password_breached"]);
    let own_address = reset(&world, &link, &parent.email.to_uppercase()).await;
    assert_eq!(violations(own_address), ["new_password: password_guessable"]);
    assert_eq!(violations(reset(&world, "", "").await), ["token: required", "new_password: required"]);
    assert!(world.believes(&parent.tokens.access_token).await, "nothing has happened yet");
    reset(&world, &link, NEW).await.expect("set");
    world.end().await;
}

#[tokio::test]
async fn what_is_no_link_or_a_link_for_something_else_or_an_old_one_sets_nothing() {
    let world = World::start().await;
    let parent = world.parent().await;
    let unknown = URL_SAFE_NO_PAD.encode([7; 32]);
    let other = world.link(parent.id, MailPurpose::VerifyEmail).await;
    let old = world.link(parent.id, MailPurpose::ResetPassword).await;
    world.alter("UPDATE mail_tokens SET expires_at = now() WHERE user_id = $1", parent.id).await;
    for token in ["x", &unknown, &other, &old] {
        assert_eq!(violations(reset(&world, token, NEW).await), ["token: link_ended"], "{token}");
    }
    let closed = world.link(parent.id, MailPurpose::ResetPassword).await;
    world.alter("UPDATE users SET status = 'suspended' WHERE id = $1", parent.id).await;
    assert_eq!(violations(reset(&world, &closed, NEW).await), ["token: link_ended"]);
    world.alter("UPDATE users SET status = 'active' WHERE id = $1", parent.id).await;
    world.sign_in(&parent.email).await;
    world.end().await;
}

#[tokio::test]
async fn of_two_passwords_by_the_same_link_at_once_one_is_set() {
    let world = World::start().await;
    let parent = world.parent().await;
    let link = world.link(parent.id, MailPurpose::ResetPassword).await;
    let other = "staple battery 9?";
    let (one, two) = tokio::join!(reset(&world, &link, NEW), reset(&world, &link, other));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let (good, lost) = if one.is_ok() { (NEW, two) } else { (other, one) };
    assert_eq!(violations(lost), ["token: link_ended"]);
    world.try_sign_in(&parent.email, good).await.map(|it| it.id).expect("the winner's is good");
    world.end().await;
}

#[tokio::test]
async fn the_answer_its_time_and_its_limits_tell_nothing_of_an_address() {
    let world = World::start_with(|config, _| config.lockout.captcha_bits = 8).await;
    let (known, suspended) = (world.parent().await, world.parent().await);
    world.alter("UPDATE users SET status = 'suspended' WHERE id = $1", suspended.id).await;
    let mut told = Vec::new();
    for email in [known.email.as_str(), &suspended.email, "nobody@example.com", "not an address"] {
        let mut answers = Vec::new();
        for _ in 0..3 {
            let begun = Instant::now();
            ask(&world, email, None).await.expect("asked for");
            assert!(begun.elapsed() >= Duration::from_millis(300), "{email} is answered early");
        }
        answers.push(ask(&world, email, None).await.expect_err("a captcha is asked for"));
        for _ in 0..2 {
            ask(&world, email, Some(captcha(&world).await)).await.expect("asked for");
        }
        answers.push(ask(&world, &email.to_uppercase(), Some(captcha(&world).await)).await.expect_err("too many"));
        let seen = |it: &Status| (it.code(), it.message().to_owned(), aipoten_kit::test::reason(it));
        told.push(answers.iter().map(seen).collect::<Vec<_>>());
    }
    assert!(told.iter().all(|it| *it == told[0]), "an address is told apart: {told:?}");
    let reasons: Vec<&str> = told[0].iter().map(|(_, _, reason)| reason.as_str()).collect();
    assert_eq!(reasons, ["CAPTCHA_REQUIRED", "RATE_LIMITED"]);
    assert_eq!(world.published::<PasswordResetRequested>(known.id).await.len(), 5);
    let all = "SELECT count(*) FROM outbox WHERE type LIKE '%PasswordResetRequested' AND $1 IS NOT NULL";
    assert_eq!(world.count(all, known.id).await, 5, "an account that may not be used gets no mail");
    let of_nobody = "SELECT count(*) FROM audit_logs WHERE actor_id IS NULL AND action = 'password.reset_requested'
                     AND outcome = 'refused' AND $1 IS NOT NULL";
    assert_eq!(world.count(of_nobody, known.id).await, 15);
    world.sign_in(&known.email).await;
    world.end().await;
}

#[tokio::test]
async fn a_request_without_an_address_is_told_so() {
    let world = World::start().await;
    assert_eq!(violations(ask(&world, "", None).await), ["email: required"]);
    assert_eq!(violations(ask(&world, &"a".repeat(255), None).await), ["email: too_long max=254"]);
    assert_eq!(violations(ask(&world, "a\0@example.com", None).await), ["email: control_characters"]);
    world.end().await;
}

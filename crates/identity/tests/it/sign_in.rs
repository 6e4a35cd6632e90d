use aipoten_proto::identity::v1::{CreateSessionRequest, DeleteMeRequest, GetMeRequest};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::world::{PASSWORD, World, assert_refused, attempt, from_device, new_address, registration, violations};

#[tokio::test]
async fn signing_in_gives_tokens_and_is_noted() {
    let world = World::start().await;
    let email = new_address();
    world.users().register_user(registration(&email)).await.expect("registered");
    let request = CreateSessionRequest { device_label: Some("Mina's phone".to_owned()), ..attempt(&email, PASSWORD) };
    let answer = world.sessions().create_session(from_device(Request::new(request))).await.expect("signed in");
    let answer = answer.into_inner();
    let (user, tokens) = (answer.user.expect("the account"), answer.tokens.expect("tokens"));
    assert!(user.last_login_at.is_some());
    assert_eq!((tokens.token_type.as_str(), tokens.expires_in), ("Bearer", 900));
    let week = 7 * 24 * 3600;
    assert!((week - 5..=week).contains(&tokens.refresh_expires_in), "{}", tokens.refresh_expires_in);
    assert!(world.believes(&tokens.access_token).await);

    let id = user.id.parse().expect("a UUID");
    let noted = "SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND action = 'session.created'
                 AND actor_role = 'parent' AND outcome = 'success' AND ip = '203.0.113.7' AND user_agent = 'Mina''s phone' AND request_id = 'r-1'";
    assert_eq!(world.count(noted, id).await, 1);
    let session =
        "SELECT count(*) FROM sessions WHERE id = $1 AND device_label = 'Mina''s phone' AND ip = '203.0.113.7'";
    assert_eq!(world.count(session, tokens.session_id.parse().expect("a UUID")).await, 1);
    world.end().await;
}

/// All that a caller can tell one refusal from another by.
fn seen(status: &Status) -> (Code, String, String, Vec<u8>) {
    let reason = status.get_details_error_info().expect("a reason").reason;
    (status.code(), status.message().to_owned(), reason, status.details().to_vec())
}

#[tokio::test]
async fn a_wrong_password_an_unknown_address_and_a_closed_account_look_alike() {
    let world = World::start_with(|config, _| config.erasure_grace_s = 0).await;
    let (known, suspended, erased) = (world.parent().await, world.parent().await, world.parent().await);
    world.alter("UPDATE users SET status = 'suspended' WHERE id = $1", suspended.id).await;
    world.users().delete_me(erased.asks(DeleteMeRequest {})).await.expect("asked for");
    world.nothing_is_open(erased.id).await;
    aipoten_kit::test::eventually("the account is erased", async || {
        world.count("SELECT count(*) FROM users WHERE id = $1 AND status = 'deleted'", erased.id).await == 1
    })
    .await;

    let wrong = world.try_sign_in(&known.email, "wrong horse 7!").await.err().expect("refused");
    assert_eq!((wrong.code(), wrong.message().contains("INVALID_CREDENTIALS")), (Code::Unauthenticated, true));
    for email in ["nobody@example.com", "not an address", &suspended.email, &erased.email] {
        let refused = world.try_sign_in(email, PASSWORD).await.err().expect("refused");
        assert_eq!(seen(&refused), seen(&wrong), "{email} is told apart");
    }
    let noted =
        "SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND action = 'session.created' AND outcome = 'refused'";
    assert_eq!(world.count(noted, known.id).await, 1);
    assert_eq!(world.count(noted, suspended.id).await, 1);
    let of_nobody = "SELECT count(*) FROM audit_logs WHERE actor_id IS NULL AND action = 'session.created'
                     AND outcome = 'refused' AND $1 IS NOT NULL";
    assert_eq!(world.count(of_nobody, known.id).await, 3);
    world.end().await;
}

#[tokio::test]
async fn an_attempt_without_sense_is_refused_with_all_that_is_wrong() {
    let world = World::start().await;
    let nothing = CreateSessionRequest::default();
    assert_eq!(violations(world.sessions().create_session(nothing).await), ["email: required", "password: required"]);
    let wrong = CreateSessionRequest {
        email: "mina\0@example.com".to_owned(),
        password: "p".repeat(129),
        device_label: Some("l".repeat(81)),
        captcha: None,
    };
    assert_eq!(
        violations(world.sessions().create_session(wrong).await),
        ["email: control_characters", "password: too_long max=128", "device_label: too_long max=80"]
    );
    let nul = attempt("mina@example.com", "correct\0horse 7!");
    assert_refused(world.sessions().create_session(nul).await, Code::Unauthenticated, "INVALID_CREDENTIALS");
    world.end().await;
}

#[tokio::test]
async fn a_suspended_account_can_neither_go_on_nor_read_itself() {
    let world = World::start().await;
    let parent = world.parent().await;
    world.alter("UPDATE users SET status = 'suspended' WHERE id = $1", parent.id).await;
    assert_refused(world.refresh(&parent.tokens.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    let me = world.users().get_me(parent.asks(GetMeRequest {})).await;
    assert_refused(me, Code::Unauthenticated, "UNAUTHENTICATED");
    world.end().await;
}

#[tokio::test]
async fn staff_is_signed_in_for_twelve_hours_at_most() {
    let world = World::start().await;
    for person in [world.therapist().await, world.administrator().await] {
        let half_a_day = 12 * 3600;
        let life = person.tokens.refresh_expires_in;
        assert!((half_a_day - 5..=half_a_day).contains(&life), "{life}");
    }
    world.end().await;
}

#[tokio::test]
async fn when_too_many_sign_in_at_once_some_are_told_to_come_back() {
    let world = World::start_with(|config, _| {
        config.password.threads = 1;
        config.password.queue = 2;
        (config.lockout.failures, config.lockout.captcha_after) = (100, 100);
    })
    .await;
    let parent = world.parent().await;
    let answers = futures::future::join_all((0..20).map(|_| world.try_sign_in(&parent.email, PASSWORD))).await;
    let (signed_in, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert!(!signed_in.is_empty() && !refused.is_empty(), "{} got in", signed_in.len());
    for answer in refused {
        let status = answer.err().expect("refused");
        let wait = status.get_details_retry_info().and_then(|it| it.retry_delay).expect("when to come back");
        assert!(wait.as_secs() > 0);
        assert_refused(Err::<(), _>(status), Code::Unavailable, "TOO_MANY_SIGN_INS");
    }
    world.sign_in(&parent.email).await;
    world.end().await;
}

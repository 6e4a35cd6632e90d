use aipoten_proto::identity::v1::{CaptchaAnswer, CreateCaptchaRequest, CreateSessionRequest};
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::world::{PASSWORD, World, assert_refused, attempt};

const WRONG: &str = "wrong horse 7!";

/// As a client does it: counts up until the digest begins with enough zeros.
fn solve(challenge: &str, difficulty: u32) -> String {
    let zeros = |text: &str| {
        let digest = Sha256::digest(format!("{challenge}.{text}"));
        u64::from_be_bytes(*digest.first_chunk().expect("32 bytes")).leading_zeros()
    };
    (0..1_u64 << 32).map(|it| it.to_string()).find(|it| zeros(it) >= difficulty).expect("there is one")
}

pub(crate) async fn captcha(world: &World) -> CaptchaAnswer {
    let captcha = world.captchas().create_captcha(CreateCaptchaRequest {}).await.expect("given").into_inner();
    let solution = solve(&captcha.challenge, captcha.difficulty.unsigned_abs());
    CaptchaAnswer { challenge: captcha.challenge, solution }
}

async fn with(world: &World, email: &str, password: &str, answer: CaptchaAnswer) -> Result<(), Status> {
    let request = CreateSessionRequest { captcha: Some(answer), ..attempt(email, password) };
    world.sessions().create_session(request).await.map(drop)
}

async fn without(world: &World, email: &str, password: &str) -> Result<(), Status> {
    world.sessions().create_session(attempt(email, password)).await.map(drop)
}

async fn easy() -> World {
    World::start_with(|config, _| config.lockout.captcha_bits = 8).await
}

/// Three failures, then two more with captchas.
async fn lock(world: &World, email: &str) {
    for _ in 0..3 {
        assert_refused(without(world, email, WRONG).await, Code::Unauthenticated, "INVALID_CREDENTIALS");
    }
    assert_refused(without(world, email, WRONG).await, Code::Unauthenticated, "CAPTCHA_REQUIRED");
    for _ in 0..2 {
        let answer = captcha(world).await;
        assert_refused(with(world, email, WRONG, answer).await, Code::Unauthenticated, "INVALID_CREDENTIALS");
    }
}

#[tokio::test]
async fn five_failures_lock_an_address_whether_it_has_an_account_or_not() {
    let world = easy().await;
    let parent = world.parent().await;
    let mut told = Vec::new();
    for email in [parent.email.as_str(), "nobody@example.com"] {
        lock(&world, email).await;
        // Another case is no other address, and the right password and a captcha open nothing now.
        for email in [email.to_owned(), email.to_uppercase()] {
            let answer = captcha(&world).await;
            let status = with(&world, &email, PASSWORD, answer).await.expect_err("locked");
            let wait = status.get_details_retry_info().and_then(|it| it.retry_delay).expect("when to come back");
            assert!((890..=900).contains(&wait.as_secs()), "{wait:?}");
            let info = status.get_details_error_info().expect("a reason");
            told.push((status.message().to_owned(), info.reason, info.metadata));
            assert_refused(Err::<(), _>(status), Code::ResourceExhausted, "ACCOUNT_LOCKED");
        }
    }
    assert!(told.iter().all(|it| *it == told[0]), "an unknown address is told apart: {told:?}");
    assert!(world.believes(&parent.tokens.access_token).await, "who is signed in goes on");
    world.refresh(&parent.tokens.refresh_token).await.expect("who is signed in goes on");
    let noted = "SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND action = 'password.locked'";
    assert_eq!(world.count(noted, parent.id).await, 1);

    let earlier = "UPDATE login_attempts SET last_at = now() - interval '15 minutes' WHERE $1 IS NOT NULL";
    world.alter(earlier, parent.id).await;
    world.sign_in(&parent.email).await;
    world.end().await;
}

#[tokio::test]
async fn fifty_wrong_passwords_at_once_get_five_tries() {
    let world = World::start_with(|config, _| config.lockout.captcha_after = 100).await;
    let parent = world.parent().await;
    for email in [parent.email.as_str(), "nobody@example.com"] {
        let before = world.passwords_checked();
        let answers = futures::future::join_all((0..50).map(|_| without(&world, email, WRONG))).await;
        assert_eq!(world.passwords_checked() - before, 5, "hashes computed, not answers given");
        let tried = answers.iter().filter(|it| it.as_ref().is_err_and(|it| it.code() == Code::Unauthenticated)).count();
        let locked =
            answers.iter().filter(|it| it.as_ref().is_err_and(|it| it.code() == Code::ResourceExhausted)).count();
        assert_eq!((tried, locked), (5, 45));
    }
    world.end().await;
}

#[tokio::test]
async fn a_success_forgets_the_failures_and_a_full_queue_is_none() {
    let world = World::start_with(|config, _| {
        (config.password.threads, config.password.queue) = (1, 1);
        (config.lockout.failures, config.lockout.captcha_after) = (30, 30);
    })
    .await;
    let parent = world.parent().await;
    let answers = futures::future::join_all((0..20).map(|_| without(&world, &parent.email, WRONG))).await;
    let tried = answers.iter().filter(|it| it.as_ref().is_err_and(|it| it.code() == Code::Unauthenticated)).count();
    assert!(tried < 20);
    let failures: i32 =
        sqlx::query_scalar("SELECT failures FROM login_attempts").fetch_one(world.pool()).await.expect("one");
    assert_eq!(usize::try_from(failures), Ok(tried));
    world.sign_in(&parent.email).await;
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM login_attempts").fetch_one(world.pool()).await.expect("none");
    assert_eq!(left, 0);
    world.end().await;
}

#[tokio::test]
async fn a_captcha_is_good_once_and_only_as_it_was_given() {
    let world = easy().await;
    let parent = world.parent().await;
    for _ in 0..3 {
        assert_refused(without(&world, &parent.email, WRONG).await, Code::Unauthenticated, "INVALID_CREDENTIALS");
    }
    assert_refused(without(&world, &parent.email, PASSWORD).await, Code::Unauthenticated, "CAPTCHA_REQUIRED");
    let good = captcha(&world).await;
    let forged = CaptchaAnswer { challenge: good.challenge.chars().rev().collect(), ..good.clone() };
    let unsolved = CaptchaAnswer { solution: "no".repeat(30), ..good.clone() };
    let invented = CaptchaAnswer { challenge: "x".to_owned(), solution: String::new() };
    for answer in [forged, unsolved, invented] {
        let refused = with(&world, &parent.email, PASSWORD, answer).await;
        assert_refused(refused, Code::Unauthenticated, "CAPTCHA_REQUIRED");
    }
    let once = with(&world, &parent.email, WRONG, good.clone()).await;
    assert_refused(once, Code::Unauthenticated, "INVALID_CREDENTIALS");
    let twice = with(&world, &parent.email, PASSWORD, good).await;
    assert_refused(twice, Code::Unauthenticated, "CAPTCHA_REQUIRED");
    let fresh = captcha(&world).await;
    with(&world, &parent.email, PASSWORD, fresh).await.expect("the right password and a captcha");
    world.end().await;
}

#[tokio::test]
async fn an_old_captcha_is_none() {
    let world =
        World::start_with(|config, _| (config.lockout.captcha_bits, config.lockout.captcha_life_s) = (4, 0)).await;
    let parent = world.parent().await;
    for _ in 0..3 {
        without(&world, &parent.email, WRONG).await.expect_err("refused");
    }
    let late = captcha(&world).await;
    assert_refused(with(&world, &parent.email, PASSWORD, late).await, Code::Unauthenticated, "CAPTCHA_REQUIRED");
    world.end().await;
}

#[tokio::test]
async fn where_one_session_is_allowed_a_new_one_ends_the_others() {
    let world = World::start_with(|config, _| config.session.single = true).await;
    let (phone, stranger) = (world.parent().await, world.parent().await);
    let tablet = world.sign_in(&phone.email).await;
    assert!(!world.believes(&phone.tokens.access_token).await);
    assert_refused(world.refresh(&phone.tokens.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    assert!(world.believes(&tablet.tokens.access_token).await && world.believes(&stranger.tokens.access_token).await);
    world.end().await;
}

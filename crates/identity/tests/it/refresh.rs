use aipoten_kit::test::eventually;
use aipoten_proto::identity::v1::{ListSessionsRequest, RefreshSessionRequest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tonic::Code;

use crate::world::{World, assert_refused, violations};

#[tokio::test]
async fn refreshing_gives_new_tokens_of_the_same_session() {
    let world = World::start().await;
    let parent = world.parent().await;
    let next = world.refresh(&parent.tokens.refresh_token).await.expect("refreshed");
    assert_ne!(next.refresh_token, parent.tokens.refresh_token);
    assert_ne!(next.access_token, parent.tokens.access_token);
    assert_eq!(next.session_id, parent.tokens.session_id);
    assert!(world.believes(&next.access_token).await);
    let third = world.refresh(&next.refresh_token).await.expect("refreshed");
    assert!(world.believes(&third.access_token).await);
    world.end().await;
}

#[tokio::test]
async fn forty_tabs_that_refresh_at_once_get_one_successor_and_the_grandparent_ends_the_session() {
    let world = World::start().await;
    let parent = world.parent().await;
    let elsewhere = world.sign_in(&parent.email).await;
    let tabs = (0..40).map(|_| world.refresh(&parent.tokens.refresh_token));
    let answers = futures::future::join_all(tabs).await;
    let mut successors: Vec<_> = answers.into_iter().map(|it| it.expect("refreshed").refresh_token).collect();
    successors.dedup();
    assert_eq!(successors.len(), 1, "all get the same successor");

    let child = world.refresh(&successors[0]).await.expect("the successor is good");
    let grandparent = world.refresh(&parent.tokens.refresh_token).await;
    assert_refused(grandparent, Code::Unauthenticated, "UNAUTHENTICATED");
    assert_refused(world.refresh(&child.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    eventually("the access token of the stolen session is refused", async || {
        !world.believes(&child.access_token).await
    })
    .await;
    let ended = "SELECT count(*) FROM sessions WHERE id = $1 AND revoke_reason = 'refresh_reuse'";
    assert_eq!(world.count(ended, parent.session_id()).await, 1);
    let noted = "SELECT count(*) FROM audit_logs WHERE resource_id = $1 AND action = 'session.refreshed' AND outcome = 'refused'";
    assert_eq!(world.count(noted, parent.session_id()).await, 1);
    assert!(world.believes(&elsewhere.tokens.access_token).await, "other sessions go on");
    world.end().await;
}

#[tokio::test]
async fn forty_tabs_on_two_replicas_get_one_successor() {
    let world = World::start().await;
    let replica = world.replica().await;
    let parent = world.parent().await;
    let token = &parent.tokens.refresh_token;
    let tabs =
        (0..40).map(async |tab| if tab % 2 == 0 { world.refresh(token).await } else { replica.refresh(token).await });
    let mut successors = Vec::new();
    for answer in futures::future::join_all(tabs).await {
        successors.push(answer.expect("refreshed").refresh_token);
    }
    successors.dedup();
    assert_eq!(successors.len(), 1);
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn a_used_token_is_taken_for_stolen_once_the_grace_is_over() {
    let world = World::start_with(|config, _| config.session.grace_s = 0).await;
    let parent = world.parent().await;
    let next = world.refresh(&parent.tokens.refresh_token).await.expect("refreshed");
    assert_refused(world.refresh(&parent.tokens.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    assert_refused(world.refresh(&next.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    assert!(!world.believes(&next.access_token).await, "the replica that noticed refuses at once");

    // With the usual ten seconds, eleven after the rotation.
    let other = World::start().await;
    let parent = other.parent().await;
    other.refresh(&parent.tokens.refresh_token).await.expect("refreshed");
    other
        .alter("UPDATE sessions SET rotated_at = rotated_at - interval '11 s' WHERE id = $1", parent.session_id())
        .await;
    assert_refused(other.refresh(&parent.tokens.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    let ended = "SELECT count(*) FROM sessions WHERE id = $1 AND revoke_reason = 'refresh_reuse'";
    assert_eq!(other.count(ended, parent.session_id()).await, 1);
    other.end().await;
    world.end().await;
}

#[tokio::test]
async fn garbage_and_forgeries_are_refused_and_end_nothing() {
    let world = World::start().await;
    let (parent, other) = (world.parent().await, world.parent().await);
    let empty = world.sessions().refresh_session(RefreshSessionRequest::default()).await;
    assert_eq!(violations(empty), ["refresh_token: required"]);

    let good = URL_SAFE_NO_PAD.decode(&parent.tokens.refresh_token).expect("base64");
    let mut older = good.clone();
    older[23] ^= 1; // the counter
    let mut foreign = good.clone();
    foreign[..16].copy_from_slice(other.session_id().as_bytes());
    let mut nobodys = good.clone();
    nobodys[..16].copy_from_slice(uuid::Uuid::now_v7().as_bytes());
    let longer = [good.as_slice(), &[0]].concat();
    let forged =
        [older, foreign, nobodys, longer, good[..55].to_vec(), vec![0; 56]].map(|it| URL_SAFE_NO_PAD.encode(it));
    let garbage = ["x", "\0", "한글", &parent.tokens.access_token, &"A".repeat(100_000)].map(str::to_owned);
    for refresh_token in forged.into_iter().chain(garbage) {
        let answer = world.sessions().refresh_session(RefreshSessionRequest { refresh_token }).await;
        assert_refused(answer, Code::Unauthenticated, "UNAUTHENTICATED");
    }
    for person in [&parent, &other] {
        world.refresh(&person.tokens.refresh_token).await.expect("still good");
    }
    world.end().await;
}

#[tokio::test]
async fn an_expired_session_cannot_be_refreshed() {
    let world = World::start().await;
    let (idle, old) = (world.parent().await, world.parent().await);
    world.alter("UPDATE sessions SET idle_expires_at = now() - interval '1 s' WHERE id = $1", idle.session_id()).await;
    world
        .alter("UPDATE sessions SET absolute_expires_at = now() - interval '1 s' WHERE id = $1", old.session_id())
        .await;
    for person in [idle, old] {
        assert_refused(world.refresh(&person.tokens.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
        let listed = world.sessions().list_sessions(person.asks(ListSessionsRequest {})).await.expect("listed");
        assert!(listed.into_inner().sessions.is_empty());
    }
    world.end().await;
}

#[tokio::test]
async fn refreshing_never_leads_past_the_absolute_end() {
    let world = World::start().await;
    let parent = world.parent().await;
    world
        .alter("UPDATE sessions SET absolute_expires_at = now() + interval '60 s' WHERE id = $1", parent.session_id())
        .await;
    let tokens = world.refresh(&parent.tokens.refresh_token).await.expect("refreshed");
    assert!((50..=60).contains(&tokens.refresh_expires_in), "{}", tokens.refresh_expires_in);
    assert!((50..=60).contains(&tokens.expires_in), "{}", tokens.expires_in);
    world.end().await;
}

use aipoten_kit::test::eventually;
use aipoten_proto::identity::v1::{
    CheckSessionRequest, CreateSessionRequest, DeleteSessionRequest, EndAllSessionsRequest, EndCurrentSessionRequest,
    GetCurrentSessionRequest, ListRevocationsRequest, ListSessionsRequest,
};
use secrecy::ExposeSecret as _;
use tonic::Code;
use uuid::Uuid;

use crate::world::{PASSWORD, World, assert_refused, attempt, violations, with_token};

#[tokio::test]
async fn the_current_session_says_who_calls_and_what_they_may() {
    let world = World::start().await;
    let people = [
        (world.parent().await, "children:write"),
        (world.therapist().await, "videos:read"),
        (world.administrator().await, "questions:write"),
    ];
    for (person, right) in people {
        let current = world.sessions().get_current_session(person.asks(GetCurrentSessionRequest {})).await;
        let current = current.expect("answered").into_inner();
        let session = current.session.expect("a session");
        assert_eq!(current.user.expect("an account").id, person.id.to_string());
        assert_eq!((session.id.as_str(), session.current), (person.tokens.session_id.as_str(), true));
        assert!(current.permissions.iter().any(|it| it == right), "{:?}", current.permissions);
    }
    world.end().await;
}

#[tokio::test]
async fn the_list_shows_the_own_devices_the_newest_first() {
    let world = World::start().await;
    let (phone, stranger) = (world.parent().await, world.parent().await);
    let tablet = CreateSessionRequest { device_label: Some("태블릿".to_owned()), ..attempt(&phone.email, PASSWORD) };
    let tablet = world.sessions().create_session(tablet).await.expect("signed in").into_inner().tokens.expect("tokens");
    let listed = world.sessions().list_sessions(with_token(ListSessionsRequest {}, &tablet.access_token)).await;
    let sessions = listed.expect("listed").into_inner().sessions;
    let seen: Vec<_> = sessions.iter().map(|it| (it.id.as_str(), it.current, it.device_label.as_deref())).collect();
    let expected = [(tablet.session_id.as_str(), true, Some("태블릿")), (&phone.tokens.session_id, false, None)];
    assert_eq!(seen, expected);
    for session in &sessions {
        let (created, expires) = (session.created_at.expect("when"), session.expires_at.expect("until when"));
        assert_eq!(expires.seconds - created.seconds, 7 * 24 * 3600);
    }
    let listed = world.sessions().list_sessions(stranger.asks(ListSessionsRequest {})).await.expect("listed");
    assert_eq!(listed.into_inner().sessions.len(), 1);
    world.end().await;
}

#[tokio::test]
async fn only_a_refresh_opens_the_key_of_a_session() {
    let world = World::start().await;
    let person = world.parent().await;
    world.alter("UPDATE sessions SET refresh_key = 'none' WHERE id = $1", person.session_id()).await;
    world.sessions().list_sessions(person.asks(ListSessionsRequest {})).await.expect("listed");
    world.sessions().get_current_session(person.asks(GetCurrentSessionRequest {})).await.expect("answered");
    let check = CheckSessionRequest { session_id: person.tokens.session_id.clone() };
    assert!(world.sessions().check_session(check).await.expect("answered").into_inner().live);
    assert_refused(world.refresh(&person.tokens.refresh_token).await, Code::Internal, "INTERNAL");
    world.end().await;
}

#[tokio::test]
async fn signing_out_ends_this_session_on_every_replica_within_a_second() {
    let world = World::start().await;
    let replica = world.replica().await;
    let phone = world.parent().await;
    let tablet = world.sign_in(&phone.email).await;
    assert!(replica.believes(&phone.tokens.access_token).await);
    world.sessions().end_current_session(phone.asks(EndCurrentSessionRequest {})).await.expect("ended");
    let ended = std::time::Instant::now();
    assert!(!world.believes(&phone.tokens.access_token).await);
    assert_refused(world.refresh(&phone.tokens.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    assert_refused(replica.refresh(&phone.tokens.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    eventually("the other replica knows", async || !replica.believes(&phone.tokens.access_token).await).await;
    // A second is promised; a busy machine is given three.
    assert!(ended.elapsed().as_secs() < 3, "it took {:?}", ended.elapsed());
    assert!(replica.believes(&tablet.tokens.access_token).await, "the other device stays signed in");

    let again = world.sessions().end_current_session(phone.asks(EndCurrentSessionRequest {})).await;
    assert_refused(again, Code::Unauthenticated, "UNAUTHENTICATED");
    let noted =
        "SELECT count(*) FROM audit_logs WHERE resource_id = $1 AND action = 'session.ended' AND outcome = 'success'";
    assert_eq!(world.count(noted, phone.session_id()).await, 1);
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn a_replica_that_has_just_started_knows_what_was_ended_before() {
    let world = World::start().await;
    let parent = world.parent().await;
    world.sessions().end_current_session(parent.asks(EndCurrentSessionRequest {})).await.expect("ended");
    let replica = world.replica().await;
    assert!(!replica.believes(&parent.tokens.access_token).await);
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn signing_out_everywhere_ends_all_own_sessions_and_no_other() {
    let world = World::start().await;
    let replica = world.replica().await;
    let (phone, stranger) = (world.parent().await, world.parent().await);
    let tablet = world.sign_in(&phone.email).await;
    world.sessions().end_all_sessions(phone.asks(EndAllSessionsRequest {})).await.expect("ended");
    for device in [&phone, &tablet] {
        assert!(!world.believes(&device.tokens.access_token).await);
        assert_refused(world.refresh(&device.tokens.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
        eventually("the other replica knows", async || !replica.believes(&device.tokens.access_token).await).await;
    }
    assert!(replica.believes(&stranger.tokens.access_token).await);
    world.sign_in(&phone.email).await;
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn a_device_can_be_signed_out_from_another_and_only_by_its_owner() {
    let world = World::start().await;
    let (phone, stranger) = (world.parent().await, world.parent().await);
    let tablet = world.sign_in(&phone.email).await;
    let delete = |id: &str| DeleteSessionRequest { session_id: id.to_owned() };
    let by_stranger = world.sessions().delete_session(stranger.asks(delete(&tablet.tokens.session_id))).await;
    assert_refused(by_stranger, Code::NotFound, "NOT_FOUND");
    let unknown = world.sessions().delete_session(phone.asks(delete(&Uuid::now_v7().to_string()))).await;
    assert_refused(unknown, Code::NotFound, "NOT_FOUND");
    assert_eq!(violations(world.sessions().delete_session(phone.asks(delete("1"))).await), ["session_id: not_a_uuid"]);
    assert_eq!(violations(world.sessions().delete_session(phone.asks(delete(""))).await), ["session_id: required"]);
    assert!(world.believes(&tablet.tokens.access_token).await);

    world.sessions().delete_session(phone.asks(delete(&tablet.tokens.session_id))).await.expect("ended");
    assert!(!world.believes(&tablet.tokens.access_token).await);
    assert_refused(world.refresh(&tablet.tokens.refresh_token).await, Code::Unauthenticated, "UNAUTHENTICATED");
    assert!(world.believes(&phone.tokens.access_token).await);
    let again = world.sessions().delete_session(phone.asks(delete(&tablet.tokens.session_id))).await;
    assert_refused(again, Code::NotFound, "NOT_FOUND");
    world.end().await;
}

#[tokio::test]
async fn revocations_are_told_to_every_process_that_asks() {
    let world = World::start().await;
    let parent = world.parent().await;
    let told = async |after| {
        let answer = world.sessions().list_revocations(ListRevocationsRequest { after }).await.expect("answered");
        answer.into_inner().revocations
    };
    assert!(told(None).await.is_empty());
    world.sessions().end_current_session(parent.asks(EndCurrentSessionRequest {})).await.expect("ended");
    let revocations = told(None).await;
    assert_eq!(revocations.len(), 1);
    assert_eq!(revocations[0].session_id, parent.tokens.session_id);
    let (revoked, expires) = (revocations[0].revoked_at.expect("when"), revocations[0].expires_at.expect("until when"));
    assert_eq!(expires.seconds - revoked.seconds, 905);
    assert!(told(Some(revoked)).await.is_empty(), "only what came after");
    let odd = aipoten_proto::Timestamp { seconds: i64::MAX, nanos: -1 };
    assert_eq!(told(Some(odd)).await.len(), 1, "no moment is no filter");

    world.alter("UPDATE sessions SET revoked_at = now() - interval '906 s' WHERE id = $1", parent.session_id()).await;
    assert!(told(None).await.is_empty(), "its access tokens have expired");
    world.end().await;
}

#[tokio::test]
async fn copies_of_sessions_lie_in_redis_as_long_as_they_are_of_use() {
    let world = World::start().await;
    let parent = world.parent().await;
    let client = redis::Client::open(world.common.redis.url.expose_secret()).expect("an address");
    let connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
    let life = async |kind: &str, id: Uuid| {
        let key = format!("{}{kind}:{id}", world.common.redis.prefix);
        redis::cmd("TTL").arg(key).query_async::<i64>(&mut connection.clone()).await.expect("answered")
    };
    let (user, session, week) = (parent.id, parent.session_id(), 7 * 24 * 3600);
    let lives_for = |seconds: i64, at_most: i64| (at_most - 60..=at_most).contains(&seconds);
    eventually("the session is there", async || {
        lives_for(life("session", user).await, week) && lives_for(life("refresh", session).await, week)
    })
    .await;
    world.sessions().end_current_session(parent.asks(EndCurrentSessionRequest {})).await.expect("ended");
    eventually("the session is on the black list alone", async || {
        let gone = -2;
        lives_for(life("blacklist", session).await, 905) && life("refresh", session).await == gone
    })
    .await;
    world.end().await;
}

#[tokio::test]
async fn signing_out_twice_at_two_replicas_is_no_fault_of_the_service() {
    let world = World::start().await;
    let replica = world.replica().await;
    let parent = world.parent().await;
    world.sessions().end_current_session(parent.asks(EndCurrentSessionRequest {})).await.expect("ended");
    // The other replica may not know yet.
    let again = replica.sessions().end_current_session(parent.asks(EndCurrentSessionRequest {})).await;
    assert_refused(again, Code::Unauthenticated, "UNAUTHENTICATED");
    replica.end().await;
    world.end().await;
}

#[tokio::test]
async fn whether_a_session_is_live_is_known_with_redis_and_without() {
    for url in [None, Some("redis://127.0.0.1:1/")] {
        let world = World::start_with(|_, common| {
            if let Some(url) = url {
                common.redis.url = url.to_owned().into();
            }
        })
        .await;
        let person = world.parent().await;
        let live = async |session_id: &str| {
            let ask = CheckSessionRequest { session_id: session_id.to_owned() };
            world.sessions().check_session(ask).await.expect("answered").into_inner().live
        };
        assert!(live(&person.tokens.session_id).await);
        assert!(!live(&Uuid::now_v7().to_string()).await);
        world.sessions().end_current_session(person.asks(EndCurrentSessionRequest {})).await.expect("ended");
        assert!(!live(&person.tokens.session_id).await);
        let nonsense = world.sessions().check_session(CheckSessionRequest { session_id: "x".to_owned() }).await;
        assert_eq!(violations(nonsense), ["session_id: not_a_uuid"]);
        world.end().await;
    }
}

use aipoten_kit::metadata;
use aipoten_kit::test::{Forge, eventually};
use aipoten_proto::identity::v1::{GetRecipientRequest, IssueServiceTokenRequest};
use serde_json::json;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::world::{SERVICE_SECRET, World, assert_refused, violations, with_token};

const AUDITED: &str = "SELECT count(*) FROM audit_logs WHERE action = 'service_token.issued' AND outcome = 'refused'
                       AND $1 IS NOT NULL";

async fn token(world: &World, service: &str, secret: &str, audience: &str) -> Result<String, Status> {
    let (service, secret, audience) = (service.to_owned(), secret.to_owned(), audience.to_owned());
    let ask = IssueServiceTokenRequest { service, secret, audience };
    let token = world.service_tokens().issue_service_token(ask).await?.into_inner();
    assert_eq!(token.expires_in, 60);
    Ok(token.token)
}

/// A call that is for services alone.
async fn find(world: &World, user_id: Uuid, token: &str) -> Result<(), Status> {
    let ask = GetRecipientRequest { user_id: user_id.to_string(), purpose: None };
    world.recipients().get_recipient(with_token(ask, token)).await.map(drop)
}

#[tokio::test]
async fn a_service_is_known_by_its_secret_and_called_one_other_for_a_minute() {
    let world = World::start().await;
    let parent = world.parent().await;
    let good = token(&world, "notification", SERVICE_SECRET, "identity").await.expect("a token");
    find(&world, parent.id, &good).await.expect("answered");
    let elsewhere = token(&world, "notification", SERVICE_SECRET, "matching").await.expect("a token");
    assert_refused(find(&world, parent.id, &elsewhere).await, Code::Unauthenticated, "UNAUTHENTICATED");

    for (service, secret) in
        [("notification", "another secret of many characters"), ("notification", "a"), ("billing", SERVICE_SECRET)]
    {
        let refused = token(&world, service, secret, "identity").await;
        assert_refused(refused, Code::Unauthenticated, "UNAUTHENTICATED");
    }
    assert_eq!(world.count(AUDITED, parent.id).await, 3);
    let ask = IssueServiceTokenRequest { service: "Notification".to_owned(), ..IssueServiceTokenRequest::default() };
    let told = violations(world.service_tokens().issue_service_token(ask).await);
    assert_eq!(told, ["service: invalid", "audience: required", "secret: required"]);
    world.end().await;
}

#[tokio::test]
async fn a_token_of_a_service_is_no_persons_and_a_persons_no_services() {
    let world = World::start().await;
    let admin = world.administrator().await;
    let service = token(&world, "notification", SERVICE_SECRET, "identity").await.expect("a token");
    assert_refused(world.try_get_me(&service).await, Code::PermissionDenied, "PERMISSION_DENIED");
    let find_as_admin = find(&world, admin.id, &admin.tokens.access_token).await;
    assert_refused(find_as_admin, Code::PermissionDenied, "PERMISSION_DENIED");

    let encryption = &world.config.encryption;
    let of_service = Forge::new(world.pool(), encryption, &service).await;
    let of_admin = Forge::new(world.pool(), encryption, &admin.tokens.access_token).await;
    let none = json!({});
    find(&world, admin.id, &of_service.token(&none, &none)).await.expect("the forge makes good tokens");
    let persons = [
        ("the role of an administrator", json!({ "role": "admin" })),
        ("the id of an administrator", json!({ "sub": admin.id })),
        ("id and role", json!({ "sub": admin.id, "role": "admin" })),
    ];
    for (what, claims) in persons {
        let token = of_service.token(&none, &claims);
        for refused in [world.try_get_me(&token).await, find(&world, admin.id, &token).await] {
            assert_eq!(refused.expect_err(what).code(), Code::Unauthenticated, "{what}");
        }
    }
    let services = [
        ("the role of a service", json!({ "role": "service" })),
        ("the role and an audience", json!({ "role": "service", "callee": "identity" })),
        ("the name of a service", json!({ "sub": "service:notification", "callee": "identity" })),
    ];
    for (what, claims) in services {
        let token = of_admin.token(&none, &claims);
        for refused in [world.try_get_me(&token).await, find(&world, admin.id, &token).await] {
            assert_eq!(refused.expect_err(what).code(), Code::Unauthenticated, "{what}");
        }
    }
    world.end().await;
}

#[tokio::test]
async fn only_a_token_of_a_service_that_is_right_in_every_part_is_believed() {
    let world = World::start().await;
    let parent = world.parent().await;
    let good = token(&world, "notification", SERVICE_SECRET, "identity").await.expect("a token");
    let forge = Forge::new(world.pool(), &world.config.encryption, &good).await;
    let own = [
        ("another callee", json!({ "callee": "content" })),
        ("two callees", json!({ "callee": ["identity", "content"] })),
        ("every callee", json!({ "callee": "" })),
        ("a name alone", json!({ "sub": "notification" })),
        ("no role", json!({ "role": null })),
    ];
    let own = own.map(|(what, claims)| (what, forge.token(&json!({}), &claims)));
    for (what, token) in forge.wrong().into_iter().chain(own) {
        let refused = find(&world, parent.id, &token).await.expect_err(what);
        assert_refused(Err::<(), _>(refused), Code::Unauthenticated, "UNAUTHENTICATED");
    }
    assert_refused(find(&world, parent.id, &forge.expired(6)).await, Code::Unauthenticated, "TOKEN_EXPIRED");
    world.end().await;
}

#[tokio::test]
async fn a_token_that_was_believed_is_refused_once_it_has_expired() {
    let world = World::start().await;
    let parent = world.parent().await;
    let good = token(&world, "notification", SERVICE_SECRET, "identity").await.expect("a token");
    let late = Forge::new(world.pool(), &world.config.encryption, &good).await.expired(3);
    find(&world, parent.id, &late).await.expect("clocks differ");
    eventually("it has expired", async || find(&world, parent.id, &late).await.is_err()).await;
    world.end().await;
}

#[tokio::test]
async fn whoever_asks_with_the_tokens_of_a_service_fetches_one_for_many_requests() {
    let world = World::start().await;
    let notification = world.notification();
    let bearer = async || {
        let request = notification.request(()).await.expect("a token");
        request.metadata().get(metadata::AUTHORIZATION).cloned().expect("a bearer")
    };
    let (first, second, third) = tokio::join!(bearer(), bearer(), bearer());
    assert!(first == second && second == third, "three at once wait for the same token");
    assert_eq!(bearer().await, first);
    world.end().await;
}

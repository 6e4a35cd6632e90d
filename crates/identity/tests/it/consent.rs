use aipoten_proto::identity::v1::{Consent, ConsentKind, ConsentMethod, ListConsentsRequest, RecordConsentRequest};
use tonic::{Code, Response, Status};

use crate::world::{Person, World, assert_refused, consent, violations, withdrawal};

async fn record(world: &World, person: &Person, request: RecordConsentRequest) -> Result<Response<Consent>, Status> {
    world.consents().record_consent(person.asks(request)).await
}

async fn list(world: &World, person: &Person) -> Vec<Consent> {
    let listed = world.consents().list_consents(person.asks(ListConsentsRequest {})).await.expect("listed");
    listed.into_inner().consents
}

#[tokio::test]
async fn a_consent_is_given_replaced_and_withdrawn_and_all_of_it_stays_on_record() {
    let world = World::start().await;
    let (parent, stranger) = (world.parent().await, world.parent().await);
    let first = record(&world, &parent, consent(ConsentKind::Guardian)).await.expect("given").into_inner();
    assert_eq!(
        (first.kind(), first.method(), first.withdrawn_at),
        (ConsentKind::Guardian, ConsentMethod::WebSms, None)
    );
    let newer = RecordConsentRequest { text_version: "2026-12-01".to_owned(), ..consent(ConsentKind::Guardian) };
    let second = record(&world, &parent, newer).await.expect("given").into_inner();
    assert_ne!(second.id, first.id);
    let withdrawn = record(&world, &parent, withdrawal(ConsentKind::Guardian)).await.expect("withdrawn").into_inner();
    assert_eq!((withdrawn.id.as_str(), withdrawn.withdrawn_at.is_some()), (second.id.as_str(), true));
    let again = record(&world, &parent, withdrawal(ConsentKind::Guardian)).await;
    assert_refused(again, Code::FailedPrecondition, "INVALID_STATE");

    let consents = list(&world, &parent).await;
    let ids: Vec<&str> = consents.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids[..2], [second.id.as_str(), first.id.as_str()], "the newest first");
    assert_eq!(consents.len(), 4, "those of the registration too");
    assert!(consents[1].withdrawn_at.is_some(), "the replaced one is no longer in force");
    assert_eq!(list(&world, &stranger).await.len(), 2);
    for (action, times) in [("consent.granted", 4), ("consent.withdrawn", 1)] {
        let noted: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_logs WHERE actor_id = $1 AND action = $2")
            .bind(parent.id)
            .bind(action)
            .fetch_one(world.pool())
            .await
            .expect("counted");
        assert_eq!(noted, times, "{action}");
    }
    let proof = "SELECT count(*) FROM consents WHERE user_id = $1 AND kind = 'guardian' AND evidence = 'sms-4711'";
    assert_eq!(world.count(proof, parent.id).await, 2);
    world.end().await;
}

#[tokio::test]
async fn a_guardian_has_to_be_proved() {
    let world = World::start().await;
    let parent = world.parent().await;
    for method in [ConsentMethod::Web, ConsentMethod::Unspecified] {
        let request = RecordConsentRequest { method: method.into(), ..consent(ConsentKind::Guardian) };
        assert_eq!(violations(record(&world, &parent, request).await), ["method: guardian_needs_proof"]);
        let request = RecordConsentRequest { method: method.into(), ..consent(ConsentKind::Marketing) };
        assert_eq!(record(&world, &parent, request).await.expect("given").into_inner().method(), ConsentMethod::Web);
    }
    for method in [ConsentMethod::Card, ConsentMethod::IdentityCheck, ConsentMethod::Paper] {
        let request = RecordConsentRequest { method: method.into(), ..consent(ConsentKind::Guardian) };
        assert_eq!(record(&world, &parent, request).await.expect("given").into_inner().method(), method);
    }
    world.end().await;
}

#[tokio::test]
async fn a_consent_without_sense_is_refused_with_all_that_is_wrong() {
    let world = World::start().await;
    let parent = world.parent().await;
    let nothing = record(&world, &parent, RecordConsentRequest::default()).await;
    assert_eq!(violations(nothing), ["kind: required", "granted: required"]);
    let wrong = RecordConsentRequest {
        kind: 99,
        text_version: "v".repeat(41),
        evidence: Some("nul\0".to_owned()),
        ..consent(ConsentKind::Terms)
    };
    assert_eq!(
        violations(record(&world, &parent, wrong).await),
        ["kind: required", "text_version: too_long max=40", "evidence: control_characters"]
    );
    world.end().await;
}

#[tokio::test]
async fn many_consents_at_once_leave_one_in_force() {
    let world = World::start().await;
    let parent = world.parent().await;
    let giving = (0..8).map(|_| record(&world, &parent, consent(ConsentKind::Guardian)));
    for answer in futures::future::join_all(giving).await {
        answer.expect("given");
    }
    let in_force = list(&world, &parent).await.into_iter();
    let in_force = in_force.filter(|it| it.kind() == ConsentKind::Guardian && it.withdrawn_at.is_none());
    assert_eq!(in_force.count(), 1);
    world.end().await;
}

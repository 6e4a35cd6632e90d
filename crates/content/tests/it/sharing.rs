//! What a therapist reads of a child in care.

use aipoten_proto::common::v1::ChildAccessed;
use aipoten_proto::content::v1::{
    AssessmentResults, ChildProgress, GetAssessmentRequest, GetAssessmentResultsRequest, GetChildProgressRequest,
    ListGrowthMeasurementsRequest,
};
use aipoten_proto::identity::v1::ConsentKind;
use prost::Message as _;
use tonic::{Code, Status};

use crate::world::{Person, World, reason};

async fn results(world: &World, by: &Person, assessment_id: &str) -> Result<AssessmentResults, Status> {
    let ask = GetAssessmentResultsRequest { assessment_id: assessment_id.to_owned() };
    world.assessments().get_assessment_results(by.asks(ask)).await.map(tonic::Response::into_inner)
}

async fn progress(world: &World, by: &Person, child_id: &str) -> Result<ChildProgress, Status> {
    let ask = GetChildProgressRequest { child_id: child_id.to_owned() };
    world.assessments().get_child_progress(by.asks(ask)).await.map(tonic::Response::into_inner)
}

/// What identity is told, the oldest first.
async fn told(world: &World) -> Vec<ChildAccessed> {
    let events: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT payload FROM outbox WHERE type = 'aipoten.common.v1.ChildAccessed' ORDER BY id")
            .fetch_all(world.database())
            .await
            .expect("the outbox");
    events.iter().map(|event| ChildAccessed::decode(event.as_slice()).expect("an event")).collect()
}

#[tokio::test]
async fn a_therapist_reads_results_and_progress_of_a_child_in_care_while_the_parent_consents() {
    let world = World::start().await;
    let (parent, therapist, other) = (world.parent().await, world.therapist().await, world.therapist().await);
    world.identity.consent(&parent, ConsentKind::ChildSensitiveData, true).await;
    let child_id = world.child(&parent, 24).await;
    let own = world.completed(&parent, &child_id, |_| None).await;
    let id = &own.assessment_id;
    for refusal in
        [results(&world, &therapist, id).await.map(|_| ()), progress(&world, &therapist, &child_id).await.map(|_| ())]
    {
        assert_eq!(refusal.expect_err("not in care").code(), Code::NotFound);
    }
    let unknown = results(&world, &therapist, &uuid::Uuid::now_v7().to_string()).await.expect_err("there is none");
    let foreign = results(&world, &therapist, id).await.expect_err("not in care");
    assert_eq!((unknown.message(), unknown.details()), (foreign.message(), foreign.details()));

    world.care(&therapist, &child_id).await;
    assert_eq!(results(&world, &therapist, id).await.expect("in care"), own);
    let points = progress(&world, &therapist, &child_id).await.expect("in care").points;
    assert_eq!(points, progress(&world, &parent, &child_id).await.expect("the own child").points);
    results(&world, &parent, id).await.expect("the own child");
    let told = told(&world).await;
    let purposes: Vec<&str> = told.iter().map(|it| it.purpose.as_str()).collect();
    assert_eq!(purposes, ["GetAssessmentResults", "GetChildProgress"], "of the parent nothing is told");
    assert!(
        told.iter().all(|it| it.child_id == child_id && it.actor_id == therapist.id && it.actor_role == "therapist")
    );
    assert_eq!(results(&world, &other, id).await.expect_err("not in care").code(), Code::NotFound);

    for kind in [ConsentKind::ChildSensitiveData, ConsentKind::Guardian] {
        world.identity.consent(&parent, kind, false).await;
        for refusal in [
            results(&world, &therapist, id).await.map(|_| ()),
            progress(&world, &therapist, &child_id).await.map(|_| ()),
        ] {
            assert_eq!(refusal.expect_err("withdrawn").code(), Code::NotFound);
        }
        world.identity.consent(&parent, kind, true).await;
        results(&world, &therapist, id).await.expect("given again");
    }
}

#[tokio::test]
async fn what_is_not_shared_stays_the_parents() {
    let world = World::start().await;
    let (parent, therapist) = (world.parent().await, world.therapist().await);
    world.identity.consent(&parent, ConsentKind::ChildSensitiveData, true).await;
    let child_id = world.child(&parent, 24).await;
    let check = world.check(&parent, &child_id).await;
    world.care(&therapist, &child_id).await;
    let early = results(&world, &therapist, &check.id).await.expect_err("not completed");
    assert_eq!(reason(&early), "INVALID_STATE");
    let answers = GetAssessmentRequest { assessment_id: check.id };
    let growth = ListGrowthMeasurementsRequest { child_id, ..Default::default() };
    let refusals = [
        world.assessments().get_assessment(therapist.asks(answers)).await.map(|_| ()),
        world.growth().list_growth_measurements(therapist.asks(growth)).await.map(|_| ()),
    ];
    for refusal in refusals {
        assert_eq!(refusal.expect_err("for parents").code(), Code::PermissionDenied);
    }
}

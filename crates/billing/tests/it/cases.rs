//! Cases: listed and closed by administrators.

use aipoten_proto::billing::v1::{Case, CaseKind, CloseCaseRequest, ListCasesRequest};
use aipoten_proto::common::v1::AdminActed;
use tonic::Code;
use uuid::Uuid;

use crate::world::{Person, World, parameter, refused, violations};

async fn open(world: &World, subject: &str) {
    let open = "INSERT INTO reconciliation_cases (id, kind, provider, subject, details)
         VALUES ($1, 'unknown_here', 'sandbox', $2, 'somebody paid for nothing')";
    sqlx::query(open).bind(Uuid::now_v7()).bind(subject).execute(world.database()).await.expect("a case");
}

async fn list(world: &World, admin: &Person, open_only: bool) -> Vec<Case> {
    let ask = ListCasesRequest { open_only: Some(open_only), ..ListCasesRequest::default() };
    world.case_list().list_cases(admin.asks(ask)).await.expect("a list").into_inner().cases
}

fn closing(case_id: &str, resolution: &str) -> CloseCaseRequest {
    CloseCaseRequest { case_id: case_id.to_owned(), resolution: resolution.to_owned() }
}

#[tokio::test]
async fn a_case_is_closed_once_with_what_was_done() {
    let world = World::start().await;
    let admin = world.admin().await;
    for subject in ["first", "second"] {
        open(&world, subject).await;
    }
    let cases = list(&world, &admin, false).await;
    let newest = &cases[0];
    assert_eq!((newest.kind(), newest.provider.as_str()), (CaseKind::UnknownHere, "sandbox"));
    assert_eq!((newest.details.as_str(), &newest.payment_id), ("somebody paid for nothing", &None));
    let close = || world.admin();
    let asked = close().await.asks(closing(&newest.id, "돌려주었습니다."));
    let closed = world.case_list().close_case(asked).await.expect("closed").into_inner();
    assert_eq!(closed.resolution.as_deref(), Some("돌려주었습니다."));
    assert!(closed.closed_at.is_some());
    let status = refused(world.case_list().close_case(admin.asks(closing(&newest.id, "again")))).await;
    assert_eq!(parameter(&status, "state").as_deref(), Some("closed"));
    assert_eq!(list(&world, &admin, true).await, [cases[1].clone()]);
    assert_eq!(list(&world, &admin, false).await, [cases[1].clone(), closed], "open ones come first");
    let acts: Vec<String> = world.published::<AdminActed>().await.into_iter().map(|it| it.action).collect();
    assert_eq!(acts, ["case.closed"]);
}

#[tokio::test]
async fn cases_are_for_administrators_and_say_all_that_is_wrong_with_a_request() {
    let world = World::start().await;
    let (admin, stranger) = (world.admin().await, &world.parent);
    let status = refused(world.case_list().list_cases(stranger.asks(ListCasesRequest::default()))).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    let status = refused(world.case_list().close_case(stranger.asks(closing("x", "")))).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    let status = refused(world.case_list().close_case(admin.asks(closing("x", " ")))).await;
    assert_eq!(violations(&status), ["case_id: not_a_uuid", "resolution: required"]);
    let nowhere = closing(&Uuid::now_v7().to_string(), "done");
    assert_eq!(refused(world.case_list().close_case(admin.asks(nowhere))).await.code(), Code::NotFound);
}

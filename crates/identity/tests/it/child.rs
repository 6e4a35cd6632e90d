use aipoten_proto::FieldMask;
use aipoten_proto::common::v1::Gender;
use aipoten_proto::identity::v1::{
    ChildSummary, ConsentKind, CreateChildRequest, DeleteChildRequest, GetChildBirthRequest, GetChildRequest,
    ListChildrenRequest, UpdateChildRequest,
};
use chrono::{Months, TimeDelta, Utc};
use tonic::Code;

use crate::world::{Person, World, assert_refused, consent, full_child, plain_child, violations, withdrawal};

pub(crate) fn get(child_id: &str) -> GetChildRequest {
    GetChildRequest { child_id: child_id.to_owned() }
}

pub(crate) fn delete(child_id: &str) -> DeleteChildRequest {
    DeleteChildRequest { child_id: child_id.to_owned() }
}

pub(crate) async fn list(world: &World, parent: &Person) -> Vec<ChildSummary> {
    let listed = world.children().list_children(parent.asks(ListChildrenRequest::default())).await.expect("listed");
    listed.into_inner().children
}

#[tokio::test]
async fn a_child_is_added_read_and_listed_as_the_parent_said() {
    let world = World::start().await;
    let parent = world.guardian().await;
    let child = world.child_of(&parent).await;
    let said = full_child();
    assert_eq!(
        (child.name.as_str(), child.birth_date.as_str(), child.gender()),
        ("서아", "2025-03-04", Gender::Female)
    );
    assert_eq!(
        (child.gestational_weeks, child.gestational_days, child.birth_weight_g),
        (Some(32), Some(3), Some(1800))
    );
    assert_eq!((child.current_height_mm, child.current_weight_g), (Some(780), Some(9900)));
    assert_eq!((child.medical_history.clone(), child.notes.clone()), (said.medical_history, said.notes));
    assert_eq!(child.version, 1);
    let read = world.children().get_child(parent.asks(get(&child.id))).await.expect("read").into_inner();
    assert_eq!(read, child);

    let younger = CreateChildRequest { birth_date: "2025-03-05".to_owned(), ..plain_child() };
    let younger = world.children().create_child(parent.asks(younger)).await.expect("created").into_inner();
    let listed: Vec<String> = list(&world, &parent).await.into_iter().map(|it| it.id).collect();
    assert_eq!(listed, [younger.id, child.id.clone()], "the youngest first");
    let second = ListChildrenRequest { page: Some(2), limit: Some(1) };
    let second = world.children().list_children(parent.asks(second)).await.expect("listed").into_inner();
    assert_eq!(second.children[0].id, child.id);
    let info = second.page_info.expect("page info");
    assert_eq!((info.page, info.limit, info.total, info.total_capped), (2, 1, 2, false));
    world.end().await;
}

#[tokio::test]
async fn birth_data_comes_without_a_name() {
    let world = World::start().await;
    let parent = world.guardian().await;
    let child = world.child_of(&parent).await;
    let request = GetChildBirthRequest { child_id: child.id.clone() };
    let birth = world.children().get_child_birth(parent.asks(request)).await.expect("read").into_inner();
    assert_eq!((birth.child_id.as_str(), birth.birth_date.as_str()), (child.id.as_str(), "2025-03-04"));
    assert_eq!((birth.gender(), birth.gestational_weeks, birth.gestational_days), (Gender::Female, Some(32), Some(3)));
    assert!(!format!("{birth:?}").contains("서아"));
    world.end().await;
}

#[tokio::test]
async fn no_child_is_stored_without_the_guardians_consent() {
    let world = World::start().await;
    let parent = world.parent().await;
    let refused = async |request: CreateChildRequest| {
        let answer = world.children().create_child(parent.asks(request)).await;
        assert_refused(answer, Code::PermissionDenied, "CONSENT_REQUIRED");
    };
    let record = async |request| world.consents().record_consent(parent.asks(request)).await.expect("recorded");
    refused(plain_child()).await;
    record(consent(ConsentKind::ChildSensitiveData)).await;
    refused(plain_child()).await;
    record(withdrawal(ConsentKind::ChildSensitiveData)).await;
    record(consent(ConsentKind::Guardian)).await;
    for text in ["medical_history", "family_history", "treatment_history", "notes"] {
        let mut request = plain_child();
        let place = match text {
            "medical_history" => &mut request.medical_history,
            "family_history" => &mut request.family_history,
            "treatment_history" => &mut request.treatment_history,
            _ => &mut request.notes,
        };
        *place = Some("A sensitive text".to_owned());
        refused(request).await;
    }
    assert!(list(&world, &parent).await.is_empty());
    world.children().create_child(parent.asks(plain_child())).await.expect("nothing sensitive in it");
    record(consent(ConsentKind::ChildSensitiveData)).await;
    world.child_of(&parent).await;
    record(withdrawal(ConsentKind::Guardian)).await;
    refused(plain_child()).await;
    assert_eq!(list(&world, &parent).await.len(), 2);
    world.end().await;
}

#[tokio::test]
async fn everything_wrong_with_a_child_is_told_at_once() {
    let world = World::start().await;
    let parent = world.guardian().await;
    let create = async |request| world.children().create_child(parent.asks(request)).await;
    let nothing = create(CreateChildRequest::default()).await;
    let mut told = violations(nothing);
    told.sort();
    assert_eq!(told, ["birth_date: required", "gender: required", "name: required"]);

    let wrong = CreateChildRequest {
        name: "n".repeat(81),
        birth_date: "2025-02-30".to_owned(),
        gender: 99,
        gestational_weeks: Some(19),
        gestational_days: Some(7),
        birth_weight_g: Some(199),
        current_height_mm: Some(i32::MAX),
        current_weight_g: Some(-1),
        medical_history: Some("h".repeat(4001)),
        family_history: Some(String::new()),
        treatment_history: Some("nul\0".to_owned()),
        notes: Some("escape\u{1b}".to_owned()),
    };
    let mut told = violations(create(wrong).await);
    told.sort();
    let expected = [
        "birth_date: not_a_date",
        "birth_weight_g: out_of_range min=200 max=9000",
        "current_height_mm: out_of_range min=200 max=2200",
        "current_weight_g: out_of_range min=200 max=200000",
        "family_history: required",
        "gender: required",
        "gestational_days: out_of_range min=0 max=6",
        "gestational_weeks: out_of_range min=20 max=45",
        "medical_history: too_long max=4000",
        "name: too_long max=80",
        "notes: control_characters",
        "treatment_history: control_characters",
    ];
    assert_eq!(told, expected);
    let days_alone = CreateChildRequest { gestational_days: Some(3), ..plain_child() };
    assert_eq!(violations(create(days_alone).await), ["gestational_days: needs_weeks"]);
    assert!(list(&world, &parent).await.is_empty());
    world.end().await;
}

#[tokio::test]
async fn a_day_of_birth_is_a_day_of_the_last_eighteen_years() {
    let world = World::start().await;
    let parent = world.guardian().await;
    let told = async |date: String| {
        let request = CreateChildRequest { birth_date: date, ..plain_child() };
        world.children().create_child(parent.asks(request)).await
    };
    // Today in Seoul; a minute before midnight there it may turn into yesterday, which is as good.
    let today = (Utc::now() + TimeDelta::hours(9)).date_naive();
    assert_eq!(violations(told((today + TimeDelta::days(2)).to_string()).await), ["birth_date: in_the_future"]);
    let too_old = today - Months::new(18 * 12) - TimeDelta::days(1);
    for date in [too_old.to_string(), "1970-01-01".to_owned(), "0001-01-01".to_owned()] {
        assert_eq!(violations(told(date).await), ["birth_date: too_long_ago years=18"]);
    }
    for odd in ["2025-3-4", "20250304", "2025/03/04", "2025-03-04T00:00:00Z", "+025-03-04", " 2025-3-04", "2025-03- 4"]
    {
        assert_eq!(violations(told(odd.to_owned()).await), ["birth_date: not_a_date"], "{odd}");
    }
    told(today.to_string()).await.expect("born today");
    told((today - Months::new(18 * 12) + TimeDelta::days(1)).to_string()).await.expect("not yet eighteen");
    world.end().await;
}

#[tokio::test]
async fn an_account_has_twenty_children_at_most_even_when_many_are_added_at_once() {
    let world = World::start().await;
    let parent = world.guardian().await;
    let adding = (0..25).map(async |_| world.children().create_child(parent.asks(plain_child())).await);
    let answers = futures::future::join_all(adding).await;
    let (added, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((added.len(), refused.len()), (20, 5));
    for answer in refused {
        assert_refused(answer, Code::FailedPrecondition, "LIMIT_REACHED");
    }
    assert_eq!(list(&world, &parent).await.len(), 20);

    let child_id = added.into_iter().next().expect("twenty").expect("added").into_inner().id;
    world.children().delete_child(parent.asks(delete(&child_id))).await.expect("deleted");
    world.children().create_child(parent.asks(plain_child())).await.expect("there is room again");
    world.end().await;
}

#[tokio::test]
async fn an_id_that_is_none_is_a_violation_and_an_unknown_one_is_not_found() {
    let world = World::start().await;
    let parent = world.guardian().await;
    for (id, rule) in [("", "required"), ("1", "not_a_uuid"), ("'; DROP TABLE children", "not_a_uuid")] {
        let told = [format!("child_id: {rule}")];
        assert_eq!(violations(world.children().get_child(parent.asks(get(id))).await), told);
        assert_eq!(violations(world.children().delete_child(parent.asks(delete(id))).await), told);
        let birth = GetChildBirthRequest { child_id: id.to_owned() };
        assert_eq!(violations(world.children().get_child_birth(parent.asks(birth)).await), told);
    }
    let unknown = world.children().get_child(parent.asks(get(&uuid::Uuid::now_v7().to_string()))).await;
    assert_refused(unknown, Code::NotFound, "NOT_FOUND");
    world.end().await;
}

#[tokio::test]
async fn whatever_a_family_does_at_once_nothing_fails_inside() {
    let world = World::start().await;
    let parent = world.guardian().await;
    let mut children = Vec::new();
    for _ in 0..4 {
        children.push(world.child_of(&parent).await.id);
    }
    let acts = (0..60).map(async |number: usize| {
        let child_id = &children[number % children.len()];
        let rename = UpdateChildRequest {
            child_id: child_id.clone(),
            notes: Some("More".to_owned()),
            update_mask: Some(FieldMask { paths: vec!["notes".to_owned()] }),
            ..UpdateChildRequest::default()
        };
        let kind = if number % 4 < 2 { ConsentKind::Guardian } else { ConsentKind::ChildSensitiveData };
        match number % 6 {
            0 => world.children().create_child(parent.asks(full_child())).await.map(drop),
            1 => world.children().update_child(parent.asks(rename)).await.map(drop),
            2 => world.consents().record_consent(parent.asks(consent(kind))).await.map(drop),
            3 => world.consents().record_consent(parent.asks(withdrawal(kind))).await.map(drop),
            4 => world.children().get_child(parent.asks(get(child_id))).await.map(drop),
            _ => world.children().delete_child(parent.asks(delete(child_id))).await.map(drop),
        }
    });
    for answer in futures::future::join_all(acts).await {
        let code = answer.map_or_else(|status| status.code(), |()| Code::Ok);
        let expected = [Code::Ok, Code::NotFound, Code::PermissionDenied, Code::FailedPrecondition];
        assert!(expected.contains(&code), "{code:?}");
    }
    world.end().await;
}

use aipoten_proto::FieldMask;
use aipoten_proto::identity::v1::{
    Child, ChildAccess, GetChildBirthRequest, ListChildAccessesRequest, UpdateChildRequest,
};
use tonic::Code;
use uuid::Uuid;

use crate::child::{delete, get, list};
use crate::world::{Person, World, assert_refused, from_device, full_child, plain_child, violations};

fn accesses(child_id: &str) -> ListChildAccessesRequest {
    ListChildAccessesRequest { child_id: child_id.to_owned(), page: None, limit: None }
}

fn rename(child_id: &str) -> UpdateChildRequest {
    UpdateChildRequest {
        child_id: child_id.to_owned(),
        name: Some("Somebody else's".to_owned()),
        update_mask: Some(FieldMask { paths: vec!["name".to_owned()] }),
        ..UpdateChildRequest::default()
    }
}

async fn read_by(world: &World, parent: &Person, child: &Child) -> Vec<ChildAccess> {
    let listed = world.children().list_child_accesses(parent.asks(accesses(&child.id))).await.expect("listed");
    listed.into_inner().accesses
}

#[tokio::test]
async fn somebody_elses_child_looks_like_none() {
    let world = World::start().await;
    let (parent, stranger) = (world.guardian().await, world.guardian().await);
    let child = world.child_of(&parent).await;
    let id = child.id.as_str();
    let birth = || GetChildBirthRequest { child_id: id.to_owned() };
    let mut children = world.children();
    let answers = [
        children.get_child(stranger.asks(get(id))).await.map(|_| ()),
        children.update_child(stranger.asks(rename(id))).await.map(|_| ()),
        children.delete_child(stranger.asks(delete(id))).await.map(|_| ()),
        children.get_child_birth(stranger.asks(birth())).await.map(|_| ()),
        children.list_child_accesses(stranger.asks(accesses(id))).await.map(|_| ()),
    ];
    let unknown = children.get_child(stranger.asks(get(&Uuid::now_v7().to_string()))).await.expect_err("unknown");
    for answer in answers {
        let status = answer.expect_err("refused");
        assert_eq!((status.code(), status.message()), (unknown.code(), unknown.message()));
        assert_eq!(status.details(), unknown.details());
        assert_refused(Err::<(), _>(status), Code::NotFound, "NOT_FOUND");
    }
    assert!(list(&world, &stranger).await.is_empty());
    let untouched = children.get_child(parent.asks(get(id))).await.expect("read").into_inner();
    assert_eq!(untouched, child);
    assert_eq!(read_by(&world, &parent, &child).await.len(), 1, "the stranger read nothing");
    world.end().await;
}

#[tokio::test]
async fn reading_sensitive_texts_is_logged_for_the_parent_to_see() {
    let world = World::start().await;
    let parent = world.guardian().await;
    let sensitive = world.child_of(&parent).await;
    let plain = world.children().create_child(parent.asks(plain_child())).await.expect("created").into_inner();
    list(&world, &parent).await;
    world
        .children()
        .get_child_birth(parent.asks(GetChildBirthRequest { child_id: sensitive.id.clone() }))
        .await
        .expect("read");
    world.children().get_child(parent.asks(get(&plain.id))).await.expect("read");
    assert!(read_by(&world, &parent, &sensitive).await.is_empty());
    assert!(read_by(&world, &parent, &plain).await.is_empty());

    world.children().get_child(from_device(parent.asks(get(&sensitive.id)))).await.expect("read");
    world.children().update_child(parent.asks(rename(&sensitive.id))).await.expect("changed");
    let log = read_by(&world, &parent, &sensitive).await;
    let purposes: Vec<&str> = log.iter().map(|it| it.purpose.as_str()).collect();
    assert_eq!(purposes, ["UpdateChild", "GetChild"], "the newest first");
    let read = &log[1];
    assert_eq!((read.actor_id.as_str(), read.actor_role.as_str()), (parent.id.to_string().as_str(), "parent"));
    assert_eq!(read.fields, ["medical_history", "family_history", "treatment_history", "notes"]);
    assert_eq!(read.request_id, "r-1");
    assert!(read.at.is_some());

    let second = ListChildAccessesRequest { page: Some(2), limit: Some(1), ..accesses(&sensitive.id) };
    let second = world.children().list_child_accesses(parent.asks(second)).await.expect("listed").into_inner();
    assert_eq!((second.accesses, second.page_info.map(|it| it.total)), (vec![read.clone()], Some(2)));
    let wrong = ListChildAccessesRequest { child_id: "1".to_owned(), page: Some(0), limit: Some(101) };
    assert_eq!(
        violations(world.children().list_child_accesses(parent.asks(wrong)).await),
        ["child_id: not_a_uuid", "page: out_of_range min=1 max=10000", "limit: out_of_range min=1 max=100"]
    );
    world.end().await;
}

#[tokio::test]
async fn names_and_histories_lie_encrypted_in_the_table() {
    let world = World::start().await;
    let parent = world.guardian().await;
    let child = world.child_of(&parent).await;
    let row: Vec<u8> = sqlx::query_scalar(
        "SELECT name || medical_history || family_history || treatment_history || notes FROM children
         WHERE id = $1::text::uuid",
    )
    .bind(&child.id)
    .fetch_one(world.pool())
    .await
    .expect("a row");
    let said = full_child();
    let texts = [Some(said.name), said.medical_history, said.family_history, said.treatment_history, said.notes];
    for text in texts.into_iter().flatten() {
        assert!(!row.windows(text.len()).any(|window| window == text.as_bytes()), "{text} lies open in the table");
    }
    let anywhere: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM audit_logs a WHERE a::text LIKE '%Asthma%' OR a::text LIKE '%서아%')
             OR EXISTS (SELECT FROM child_access_logs l WHERE l::text LIKE '%Asthma%' OR l::text LIKE '%서아%')",
    )
    .fetch_one(world.pool())
    .await
    .expect("searched");
    assert!(!anywhere, "a log repeats what it is about");
    world.end().await;
}

#[tokio::test]
async fn a_value_copied_to_another_child_or_column_does_not_open() {
    let world = World::start().await;
    let parent = world.guardian().await;
    let (one, two) = (world.child_of(&parent).await, world.child_of(&parent).await);
    let id = |child: &Child| child.id.parse::<Uuid>().expect("a UUID");
    let copied = "UPDATE children SET notes = (SELECT o.notes FROM children o WHERE o.id <> $1) WHERE id = $1";
    world.alter(copied, id(&one)).await;
    world.alter("UPDATE children SET notes = medical_history WHERE id = $1", id(&two)).await;
    for child in [&one, &two] {
        let answer = world.children().get_child(parent.asks(get(&child.id))).await;
        let status = answer.expect_err("does not open");
        assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
    }
    assert_eq!(list(&world, &parent).await.len(), 2, "the names still open");
    world.end().await;
}

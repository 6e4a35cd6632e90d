//! Categories: reading them, keeping them as an administrator.

use aipoten_proto::FieldMask;
use aipoten_proto::content::v1::{
    CreateCategoryRequest, DeleteCategoryRequest, GetAdminCategoryRequest, GetCategoryRequest,
    ListAdminCategoriesRequest, ListCategoriesRequest, UpdateCategoryRequest,
};
use tonic::{Code, Request};

use crate::world::{World, reason, violations};

fn new(slug: &str) -> CreateCategoryRequest {
    CreateCategoryRequest {
        slug: slug.to_owned(),
        name_ko: "물놀이".to_owned(),
        name_en: "Water play".to_owned(),
        ..Default::default()
    }
}

fn change(id: &str, paths: &[&str]) -> UpdateCategoryRequest {
    let paths = paths.iter().map(ToString::to_string).collect();
    UpdateCategoryRequest { category_id: id.to_owned(), update_mask: Some(FieldMask { paths }), ..Default::default() }
}

#[tokio::test]
async fn everyone_sees_the_shelves_in_their_order_and_language() {
    let world = World::start().await;
    let list = world.categories().list_categories(ListCategoriesRequest {}).await.expect("a list").into_inner();
    assert_eq!(list.categories.len(), 10);
    assert_eq!((list.categories[0].slug.as_str(), list.categories[0].name.as_str()), ("body-play", "몸 놀이"));
    let mut request = Request::new(GetCategoryRequest { slug: "feelings".to_owned() });
    request.metadata_mut().insert("accept-language", "en".parse().expect("plain text"));
    let english = world.categories().get_category(request).await.expect("a category").into_inner();
    assert_eq!(english.name, "Feelings");
    let missing = world.categories().get_category(GetCategoryRequest { slug: "none".to_owned() }).await;
    assert_eq!(missing.expect_err("none").code(), Code::NotFound);
}

#[tokio::test]
async fn an_administrator_adds_hides_renames_and_deletes_a_category() {
    let world = World::start().await;
    let admin = world.admin().await;
    let mut categories = world.categories();
    let created = categories.create_category(admin.asks(new("water-play"))).await.expect("created").into_inner();
    assert_eq!((created.order_index, created.is_active), (1000, true));
    let taken = categories.create_category(admin.asks(new("water-play"))).await.expect_err("taken");
    assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "SLUG_TAKEN"));

    let mut request = change(&created.id, &["is_active", "description_ko"]);
    (request.is_active, request.description_ko) = (Some(false), Some("물로 하는 놀이".to_owned()));
    request.expected_version = Some(1);
    let hidden = categories.update_category(admin.asks(request.clone())).await.expect("hidden").into_inner();
    assert_eq!((hidden.version, hidden.description_ko.as_deref()), (2, Some("물로 하는 놀이")));
    let stale = categories.update_category(admin.asks(request)).await.expect_err("stale");
    assert_eq!(reason(&stale), "VERSION_MISMATCH");
    let gone = categories.get_category(GetCategoryRequest { slug: "water-play".to_owned() }).await;
    assert_eq!(gone.expect_err("hidden").code(), Code::NotFound);
    let request = GetAdminCategoryRequest { category_id: created.id.clone() };
    let read = categories.get_admin_category(admin.asks(request)).await.expect("a category").into_inner();
    assert_eq!(read, hidden);

    let mut request = change(&created.id, &["slug", "description_ko"]);
    request.slug = Some("feelings".to_owned());
    let taken = categories.update_category(admin.asks(request.clone())).await.expect_err("taken");
    assert_eq!(reason(&taken), "SLUG_TAKEN");
    request.slug = Some("water".to_owned());
    let renamed = categories.update_category(admin.asks(request)).await.expect("renamed").into_inner();
    assert_eq!((renamed.slug.as_str(), renamed.description_ko), ("water", None));

    let delete = || admin.asks(DeleteCategoryRequest { category_id: created.id.clone() });
    categories.delete_category(delete()).await.expect("deleted");
    assert_eq!(categories.delete_category(delete()).await.expect_err("deleted already").code(), Code::NotFound);
    let request = ListAdminCategoriesRequest { sort: Some("-slug".into()), ..Default::default() };
    let list = categories.list_admin_categories(admin.asks(request)).await.expect("a list").into_inner();
    assert_eq!((list.categories[0].slug.as_str(), list.page_info.expect("page info").total), ("thinking-play", 10));
}

#[tokio::test]
async fn a_deleted_category_leaves_its_videos() {
    let world = World::start().await;
    let admin = world.admin().await;
    let request = ListAdminCategoriesRequest::default();
    let list = world.categories().list_admin_categories(admin.asks(request)).await.expect("a list").into_inner();
    let request = DeleteCategoryRequest { category_id: list.categories[0].id.clone() };
    world.categories().delete_category(admin.asks(request)).await.expect("deleted");
    let videos = world.videos().list_videos(aipoten_proto::content::v1::ListVideosRequest::default()).await;
    assert_eq!(videos.expect("a list").into_inner().page_info.expect("page info").total, 45);
}

#[tokio::test]
async fn every_fault_of_a_category_is_named() {
    let world = World::start().await;
    let admin = world.admin().await;
    let request = CreateCategoryRequest { slug: "Water Play".to_owned(), order_index: Some(0), ..Default::default() };
    let refusal = world.categories().create_category(admin.asks(request)).await.expect_err("wrong");
    assert_eq!(
        violations(&refusal),
        ["name_en: required", "name_ko: required", "order_index: out_of_range min=1 max=1000", "slug: not_a_slug"]
    );
    let refusal = world.categories().update_category(admin.asks(change("x", &["name_ko"]))).await.expect_err("wrong");
    assert_eq!(violations(&refusal), ["category_id: not_a_uuid"]);
}

#[tokio::test]
async fn only_administrators_keep_categories() {
    let world = World::start().await;
    let parent = world.parent().await;
    let category_id = uuid::Uuid::now_v7().to_string();
    let mut request = change(&category_id, &["is_active"]);
    request.is_active = Some(true);
    let mut categories = world.categories();
    let refusals = [
        categories.list_admin_categories(parent.asks(ListAdminCategoriesRequest::default())).await.map(|_| ()),
        categories
            .get_admin_category(parent.asks(GetAdminCategoryRequest { category_id: category_id.clone() }))
            .await
            .map(|_| ()),
        categories.create_category(parent.asks(new("x-y"))).await.map(|_| ()),
        categories.update_category(parent.asks(request)).await.map(|_| ()),
        categories.delete_category(parent.asks(DeleteCategoryRequest { category_id })).await.map(|_| ()),
    ];
    for refusal in refusals {
        assert_eq!(refusal.expect_err("a parent").code(), Code::PermissionDenied);
    }
}

//! Categories over gRPC.

use aipoten_kit::{Caller, Error, Fields, Locale, Mask, Page, Result};
use aipoten_proto::content::v1 as proto;
use aipoten_proto::content::v1::category_service_server::CategoryService;
use aipoten_proto::timestamp;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Category, Patch};
use crate::{App, clock};

#[tonic::async_trait]
impl CategoryService for App {
    async fn list_categories(
        &self,
        request: Request<proto::ListCategoriesRequest>,
    ) -> Result<Response<proto::ListCategoriesResponse>, Status> {
        let caller = Caller::of(&request);
        let categories = super::list(self).await?;
        let categories = categories.into_iter().map(|category| category.into_proto(caller.locale)).collect();
        Ok(Response::new(proto::ListCategoriesResponse { categories }))
    }

    async fn get_category(
        &self,
        request: Request<proto::GetCategoryRequest>,
    ) -> Result<Response<proto::Category>, Status> {
        let caller = Caller::of(&request);
        let mut fields = Fields::new();
        let slug = slug(&mut fields, &request.into_inner().slug);
        fields.finish()?;
        let category = super::get(self, &slug).await?;
        Ok(Response::new(category.into_proto(caller.locale)))
    }

    async fn list_admin_categories(
        &self,
        request: Request<proto::ListAdminCategoriesRequest>,
    ) -> Result<Response<proto::ListAdminCategoriesResponse>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, request.page, request.limit);
        let order_by = parse_sort(&mut fields, request.sort.as_deref());
        fields.finish()?;
        let (categories, total) = super::list_all(self, &caller, page, order_by).await?;
        Ok(Response::new(proto::ListAdminCategoriesResponse {
            categories: categories.into_iter().map(Into::into).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn get_admin_category(
        &self,
        request: Request<proto::GetAdminCategoryRequest>,
    ) -> Result<Response<proto::AdminCategory>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("category_id", &request.into_inner().category_id)?;
        Ok(Response::new(super::get_any(self, &caller, id).await?.into()))
    }

    async fn create_category(
        &self,
        request: Request<proto::CreateCategoryRequest>,
    ) -> Result<Response<proto::AdminCategory>, Status> {
        let caller = Caller::of(&request);
        let category = request.into_inner().try_into()?;
        Ok(Response::new(super::create(self, &caller, category).await?.into()))
    }

    async fn update_category(
        &self,
        request: Request<proto::UpdateCategoryRequest>,
    ) -> Result<Response<proto::AdminCategory>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let id = Fields::only_uuid("category_id", &request.category_id)?;
        Ok(Response::new(super::update(self, &caller, id, request.try_into()?).await?.into()))
    }

    async fn delete_category(&self, request: Request<proto::DeleteCategoryRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("category_id", &request.into_inner().category_id)?;
        Ok(Response::new(super::delete(self, &caller, id).await?))
    }
}

fn parse_sort(fields: &mut Fields, sort: Option<&str>) -> &'static str {
    match sort {
        None | Some("order_index") => "order_index, slug",
        Some("-order_index") => "order_index DESC, slug",
        Some("slug") => "slug",
        Some("-slug") => "slug DESC",
        Some("updated_at") => "updated_at, slug",
        Some("-updated_at") => "updated_at DESC, slug",
        Some(_) => {
            fields.violate("sort", "unknown_sort");
            ""
        }
    }
}

impl TryFrom<proto::CreateCategoryRequest> for Category {
    type Error = Error;

    fn try_from(request: proto::CreateCategoryRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let now = clock::now();
        let category = Self {
            id: Uuid::now_v7(),
            slug: slug(&mut fields, &request.slug),
            name_ko: fields.line("name_ko", &request.name_ko, 80),
            name_en: fields.line("name_en", &request.name_en, 80),
            description_ko: fields.optional_text("description_ko", request.description_ko, 500),
            description_en: fields.optional_text("description_en", request.description_en, 500),
            order_index: order_index(&mut fields, request.order_index.unwrap_or(1000)),
            is_active: request.is_active.unwrap_or(true),
            created_at: now,
            updated_at: now,
            version: 1,
        };
        fields.finish()?;
        Ok(category)
    }
}

/// The fields of a category that a change may name.
const CHANGEABLE: [&str; 7] =
    ["slug", "name_ko", "name_en", "description_ko", "description_en", "order_index", "is_active"];

impl TryFrom<proto::UpdateCategoryRequest> for Patch {
    type Error = Error;

    fn try_from(request: proto::UpdateCategoryRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let f = &mut fields;
        let mask = Mask::parse(f, request.update_mask, &CHANGEABLE);
        let patch = Self {
            slug: mask.kept(f, "slug", request.slug).map(|it| slug(f, &it)),
            name_ko: mask.kept(f, "name_ko", request.name_ko).map(|it| f.line("name_ko", &it, 80)),
            name_en: mask.kept(f, "name_en", request.name_en).map(|it| f.line("name_en", &it, 80)),
            description_ko: mask
                .clearable("description_ko", request.description_ko)
                .map(|it| f.optional_text("description_ko", it, 500)),
            description_en: mask
                .clearable("description_en", request.description_en)
                .map(|it| f.optional_text("description_en", it, 500)),
            order_index: mask.kept(f, "order_index", request.order_index).map(|it| order_index(f, it)),
            is_active: mask.kept(f, "is_active", request.is_active),
            expected_version: request.expected_version,
        };
        fields.finish()?;
        Ok(patch)
    }
}

fn slug(fields: &mut Fields, slug: &str) -> String {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    fields.check((2..=60).contains(&slug.len()) && slug.chars().all(plain), "slug", "not_a_slug");
    slug.to_owned()
}

fn order_index(fields: &mut Fields, order: i32) -> i16 {
    i16::try_from(fields.number("order_index", order, 1..=1000)).unwrap_or_default()
}

impl Category {
    fn into_proto(self, locale: Locale) -> proto::Category {
        proto::Category {
            id: self.id.to_string(),
            slug: self.slug,
            name: locale.pick(self.name_ko, self.name_en),
            description: locale.pick(self.description_ko, self.description_en),
            order_index: self.order_index.into(),
        }
    }
}

impl From<Category> for proto::AdminCategory {
    fn from(category: Category) -> Self {
        Self {
            id: category.id.to_string(),
            slug: category.slug,
            name_ko: category.name_ko,
            name_en: category.name_en,
            description_ko: category.description_ko,
            description_en: category.description_en,
            order_index: category.order_index.into(),
            is_active: category.is_active,
            created_at: Some(timestamp(category.created_at)),
            updated_at: Some(timestamp(category.updated_at)),
            version: category.version,
        }
    }
}

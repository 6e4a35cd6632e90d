//! Reviews that should not be read by everyone.

use aipoten_proto::matching::v1::{HideReviewRequest, Review};
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::call::Call;
use crate::envelope::{Data, data};
use crate::error::Answer;
use crate::gateway::Gateway;
use crate::input::{Id, IfMatch, Json};

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(hide_review))
}

/// Hide a review, or show it again
///
/// A hidden review does not count. Deciding the same again changes nothing.
#[utoipa::path(patch, path = "/admin/reviews/{review_id}", tag = "admin",
    params(("review_id" = Uuid, Path, description = "The review")),
    responses((status = 200, description = "The review", body = Data<Review>)))]
async fn hide_review(
    State(gateway): State<Gateway>,
    call: Call,
    Id(review_id): Id,
    IfMatch(expected_version): IfMatch,
    Json(body): Json<HideReviewRequest>,
) -> Answer<Data<Review>> {
    let decision = HideReviewRequest { review_id, expected_version, ..body };
    let review = gateway.reviews().hide_review(call.with(decision)).await?.into_inner();
    Ok(data(review).version(|it| it.version))
}

//! Reviews and feedback over gRPC.

use aipoten_kit::{Caller, Fields, Mask, Page, Result};
use aipoten_proto::matching::v1 as proto;
use aipoten_proto::matching::v1::review_service_server::ReviewService;
use aipoten_proto::timestamp;
use tonic::{Request, Response};

use super::{Decision, Feedback, NewFeedback, Opinion, Patch, Review};
use crate::App;

#[tonic::async_trait]
impl ReviewService for App {
    async fn create_review(
        &self,
        request: Request<proto::CreateReviewRequest>,
    ) -> Result<Response<proto::Review>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.uuid("consultation_id", &request.consultation_id);
        let opinion = Opinion {
            rating: rating(&mut fields, request.rating),
            review_text: fields.optional_text("review_text", request.review_text, 1000),
        };
        fields.finish()?;
        Ok(Response::new(super::create(self, &caller, id, opinion).await?.into()))
    }

    async fn update_review(
        &self,
        request: Request<proto::UpdateReviewRequest>,
    ) -> Result<Response<proto::Review>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let f = &mut fields;
        let id = f.uuid("consultation_id", &request.consultation_id);
        let mask = Mask::parse(f, request.update_mask, &["rating", "review_text"]);
        let patch = Patch {
            rating: mask.kept(f, "rating", request.rating).map(|it| rating(f, it)),
            review_text: mask
                .clearable("review_text", request.review_text)
                .map(|it| f.optional_text("review_text", it, 1000)),
            expected_version: request.expected_version,
        };
        fields.finish()?;
        Ok(Response::new(super::update(self, &caller, id, patch).await?.into()))
    }

    async fn list_reviews(
        &self,
        request: Request<proto::ListReviewsRequest>,
    ) -> Result<Response<proto::ListReviewsResponse>, tonic::Status> {
        let request = request.into_inner();
        let mut fields = Fields::new();
        let therapist_id = fields.uuid("therapist_id", &request.therapist_id);
        let page = Page::parse(&mut fields, request.page, request.limit);
        fields.finish()?;
        let (reviews, total) = super::list(self, therapist_id, page).await?;
        Ok(Response::new(proto::ListReviewsResponse {
            reviews: reviews.into_iter().map(Into::into).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn reply_to_review(
        &self,
        request: Request<proto::ReplyToReviewRequest>,
    ) -> Result<Response<proto::Review>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.uuid("review_id", &request.review_id);
        let text = fields.text("reply_text", &request.reply_text, 1000);
        fields.finish()?;
        Ok(Response::new(super::reply(self, &caller, id, &text).await?.into()))
    }

    async fn hide_review(
        &self,
        request: Request<proto::HideReviewRequest>,
    ) -> Result<Response<proto::Review>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.uuid("review_id", &request.review_id);
        let decision = Decision {
            is_hidden: fields.required("is_hidden", request.is_hidden),
            reason: fields.text("reason", &request.reason, 500),
            expected_version: request.expected_version,
        };
        fields.finish()?;
        Ok(Response::new(super::decide(self, &caller, id, &decision).await?.into()))
    }

    async fn create_feedback(
        &self,
        request: Request<proto::CreateFeedbackRequest>,
    ) -> Result<Response<proto::Feedback>, tonic::Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let mut fields = Fields::new();
        let id = fields.uuid("consultation_id", &request.consultation_id);
        let new = NewFeedback {
            content: fields.text("content", &request.content, 2000),
            recommendations: fields.optional_text("recommendations", request.recommendations, 2000),
        };
        fields.finish()?;
        Ok(Response::new(super::create_feedback(self, &caller, id, new).await?.into()))
    }
}

fn rating(fields: &mut Fields, rating: i32) -> i16 {
    fields.number("rating", i16::try_from(rating).unwrap_or(0), 1..=5)
}

impl From<Review> for proto::Review {
    fn from(review: Review) -> Self {
        Self {
            id: review.id.to_string(),
            therapist_id: review.therapist_id.to_string(),
            rating: review.rating.into(),
            review_text: review.review_text,
            reply_text: review.reply_text,
            replied_at: review.replied_at.map(timestamp),
            is_hidden: review.hidden_at.is_some(),
            created_at: Some(timestamp(review.created_at)),
            updated_at: Some(timestamp(review.updated_at)),
            version: review.version,
        }
    }
}

impl From<Feedback> for proto::Feedback {
    fn from(feedback: Feedback) -> Self {
        Self {
            id: feedback.id.to_string(),
            consultation_id: feedback.consultation_id.to_string(),
            content: feedback.new.content,
            recommendations: feedback.new.recommendations,
            created_at: Some(timestamp(feedback.created_at)),
        }
    }
}

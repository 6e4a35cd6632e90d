//! What administrators keep. The services check the role.

mod audit_logs;
mod cases;
mod categories;
mod failed_events;
mod payments;
mod questions;
mod refunds;
mod reviews;
mod settlements;
mod therapists;
mod users;
mod videos;

use utoipa_axum::router::OpenApiRouter;

use crate::gateway::Gateway;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .merge(videos::routes())
        .merge(categories::routes())
        .merge(questions::routes())
        .merge(reviews::routes())
        .merge(failed_events::routes())
        .merge(users::routes())
        .merge(audit_logs::routes())
        .merge(therapists::routes())
        .merge(payments::routes())
        .merge(refunds::routes())
        .merge(settlements::routes())
        .merge(cases::routes())
}

//! What administrators keep. The services check the role.

mod categories;
mod questions;
mod videos;

use utoipa_axum::router::OpenApiRouter;

use crate::gateway::Gateway;

pub(super) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().merge(videos::routes()).merge(categories::routes()).merge(questions::routes())
}

//! What identity does with the events of others (and its own).

use aipoten_events::{Consumers, Delivered, Failure};
use aipoten_proto::common::v1::AdminActed;
use sqlx::PgConnection;

use crate::audit;

/// The table of event and handler.
pub fn consumers() -> Consumers {
    Consumers::new("identity").on::<AdminActed>(admin_acted)
}

async fn admin_acted(conn: &mut PgConnection, event: &Delivered<AdminActed>) -> Result<(), Failure> {
    audit::record_reported(conn, event).await
}

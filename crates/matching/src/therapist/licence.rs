//! Licences that run out.

use std::collections::BTreeSet;

use aipoten_events::Context;
use aipoten_kit::Result;
use aipoten_proto::matching::v1::LicenceExpiring;

use super::{event, store};
use crate::App;

/// Therapists are told once, 30 days ahead; that a therapist is no longer listed is told on the day after the last.
pub(crate) async fn watch_licences(app: &App) -> Result<()> {
    let context = Context { actor: Some("matching".to_owned()), ..Context::default() };
    let mut tx = app.pool.begin().await?;
    let expiring: BTreeSet<_> = store::warn_of_expiry(&mut tx).await?.into_iter().collect();
    for (id, version, expires_on) in &expiring {
        let event = LicenceExpiring { therapist_id: id.to_string(), expires_on: expires_on.to_string() };
        event::announce(&mut tx, *id, *version, &event, &context).await?;
    }
    let expired = store::take_expired(&mut tx).await?;
    for (id, version) in &expired {
        event::announce_change(&mut tx, *id, *version, &context).await?;
    }
    tx.commit().await?;
    if !expiring.is_empty() || !expired.is_empty() {
        app.relay.wake();
    }
    Ok(())
}

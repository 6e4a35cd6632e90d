//! What providers send. Nothing in it is believed but that something may have happened.

use aipoten_kit::{Error, Result};
use chrono::Utc;

use super::store;
use crate::App;
use crate::provider::{Name, Notice};

/// Keeps a message about a payment of ours, and has that read. One that came before does nothing.
pub(super) async fn receive(app: &App, name: Name, headers: &[(String, String)], body: &[u8]) -> Result<()> {
    let provider = app.providers.get(name).ok_or(Error::NotFound("provider"))?;
    let notice = provider.verify_webhook(headers, body, Utc::now());
    let notice = notice.map_err(|_| Error::Unauthenticated("INVALID_SIGNATURE".into()))?;
    let Notice { event_id, order_id, transaction_id, redacted } = notice;
    let mut tx = app.pool.begin().await?;
    let Some(id) = store::named(&mut tx, name, order_id.as_deref(), transaction_id.as_deref()).await? else {
        tracing::debug!(provider = name.as_str(), "a message names no payment of ours");
        return Ok(());
    };
    if store::keep_event(&mut tx, name, &event_id, id, "webhook", &redacted).await? {
        store::read_soon(&mut tx, id).await?;
    }
    Ok(tx.commit().await?)
}

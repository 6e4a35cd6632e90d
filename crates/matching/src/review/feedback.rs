//! Feedback: what both sides of a session say to each other.

use aipoten_kit::{Caller, Place, Result};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::store;
use crate::App;
use crate::consultation;
use crate::party::Party;

/// What one side says.
pub(crate) struct NewFeedback {
    pub(crate) content: String,
    pub(crate) recommendations: Option<String>,
}

/// What one side said.
pub(crate) struct Feedback {
    pub(crate) id: Uuid,
    pub(crate) consultation_id: Uuid,
    pub(crate) new: NewFeedback,
    pub(crate) created_at: DateTime<Utc>,
}

/// Each side once.
pub(crate) async fn create_feedback(
    app: &App,
    caller: &Caller,
    consultation_id: Uuid,
    new: NewFeedback,
) -> Result<Feedback> {
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    let (_, consultation) = consultation::lock(&mut tx, party, consultation_id).await?;
    consultation.require_held()?;
    let id = Uuid::now_v7();
    let place = |column| Place { table: "consultation_feedbacks", column, row: id };
    let content = app.cipher.seal(place("content"), &new.content)?;
    let recommendations = app.cipher.seal_optional(place("recommendations"), new.recommendations.as_deref())?;
    let created_at =
        store::insert_feedback(&mut tx, id, consultation_id, party.side, &content, recommendations.as_deref()).await?;
    tx.commit().await?;
    Ok(Feedback { id, consultation_id, new, created_at })
}

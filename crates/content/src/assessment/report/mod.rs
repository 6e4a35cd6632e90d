//! A completed check on one page, for the paediatrician.

mod lists;
mod sheet;
mod words;

use aipoten_kit::{Caller, Error, Result};
use anyhow::Context as _;
use uuid::Uuid;

use super::{result, store};
use crate::{App, child, clock, growth};
use sheet::Sheet;

pub(crate) struct Report {
    pub(crate) pdf: Vec<u8>,
    /// Names nobody.
    pub(crate) file_name: String,
}

/// The child's name is asked of identity each time and stands in the page alone.
pub(crate) async fn make(app: &App, caller: &Caller, id: Uuid) -> Result<Report> {
    let results = result::get(app, caller, id).await?;
    let child_id = results.assessment.child_id;
    let child = child::named(&app.children, caller, child_id).await?;
    let mut conn = app.pool.acquire().await?;
    let responses = store::responses(&mut conn, id).await?;
    let growth = growth::latest(&mut conn, child_id).await?;
    drop(conn);

    let file_name = format!("development-check-{}.pdf", results.assessment.assessment_date);
    let sheet = Sheet { child, results, responses, growth, made_on: clock::today(), locale: caller.locale };
    // Cutting the fonts down takes milliseconds of a processor.
    let pdf = tokio::task::spawn_blocking(move || sheet.pdf()).await.context("a report").and_then(|pdf| pdf);
    Ok(Report { pdf: pdf.map_err(Error::Internal)?, file_name })
}

//! A settlement as a file, in the caller's language.

mod pages;
mod table;
mod words;

use aipoten_kit::{Caller, Error, Locale, Result};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use chrono_tz::Asia::Seoul;
use uuid::Uuid;

use super::{Line, LineStatus, Settlement, spreadsheet};
use crate::App;

/// As what it is made.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Format {
    #[default]
    Csv,
    Pdf,
}

/// All that a statement tells.
struct Statement {
    settlement: Settlement,
    lines: Vec<Line>,
    /// Masked.
    account: Option<String>,
    locale: Locale,
}

/// Its name and what is in it.
pub(super) async fn make(app: &App, caller: &Caller, id: Uuid, format: Format) -> Result<(String, Vec<u8>)> {
    let shown = super::get(app, caller, id).await?;
    let account = shown.masked_account();
    let statement = Statement { settlement: shown.settlement, lines: shown.lines, account, locale: caller.locale };
    let month = statement.settlement.settlement_period_start.format("%Y-%m");
    match format {
        Format::Csv => Ok((format!("settlement-{month}.csv"), spreadsheet::write(statement.table())?)),
        Format::Pdf => {
            let name = format!("settlement-{month}.pdf");
            // Cutting the fonts down takes milliseconds of a processor.
            let pdf = tokio::task::spawn_blocking(move || statement.pdf()).await.context("a statement");
            Ok((name, pdf.and_then(|pdf| pdf).map_err(Error::Internal)?))
        }
    }
}

impl Statement {
    fn say(&self, ko: &'static str, en: &'static str) -> &'static str {
        self.locale.pick(ko, en)
    }

    fn period(&self) -> String {
        format!("{} ~ {}", self.settlement.settlement_period_start, self.settlement.settlement_period_end)
    }
}

impl Line {
    fn is_settled(&self) -> bool {
        self.settlement_status == LineStatus::Settled
    }
}

/// As the people who read it count time: to the minute, in Korea.
fn minute(moment: DateTime<Utc>) -> String {
    moment.with_timezone(&Seoul).format("%Y-%m-%d %H:%M").to_string()
}

fn day(moment: DateTime<Utc>) -> String {
    moment.with_timezone(&Seoul).format("%Y-%m-%d").to_string()
}

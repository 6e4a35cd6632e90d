//! Which therapists are wanted, in which order.

use aipoten_kit::Page;
use aipoten_proto::common::v1::PageInfo;
use chrono::NaiveDate;

use super::{Specialty, keystroke};
use crate::kind::Kind;

/// What listed therapists have to be.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) specialty: Option<Specialty>,
    /// Any of these.
    pub(crate) regions: Option<Vec<String>>,
    pub(crate) kind: Option<Kind>,
    pub(crate) fee_min: Option<i64>,
    pub(crate) fee_max: Option<i64>,
    pub(crate) rating_min: Option<f64>,
    pub(crate) available_on: Option<NaiveDate>,
    /// All of these, as keystrokes.
    pub(crate) words: Option<Vec<String>>,
    pub(crate) sort: Option<Sort>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Rating,
    RatingDown,
    Fee,
    FeeDown,
    Experience,
    ExperienceDown,
}

/// How words are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Search {
    /// As they are written, parts of words too; in the bio as well.
    Exact,
    /// With typing errors; in the name, the specialties and the regions.
    Forgiving,
}

impl Filter {
    /// How many therapists are counted at most: to look for words takes its time, and for free times more than that.
    pub(super) fn counted(&self) -> i64 {
        match (self.available_on, &self.words) {
            (Some(_), _) => 201,
            (None, Some(_)) => 1001,
            (None, None) => Page::counted(),
        }
    }

    pub(super) fn page_info(&self, page: Page, total: i64) -> PageInfo {
        PageInfo { total_capped: total >= self.counted(), ..page.info(total) }
    }
}

/// The words of a question; signs alone are none.
pub(super) fn words(q: &str) -> Vec<String> {
    keystroke::words(q)
}

/// The pattern of texts that hold a word. One of less than three keystrokes begins a word of the text: as part of any word it
/// would be found nearly everywhere, and without the index, which knows three letters at a time.
pub(super) fn pattern(word: &str) -> String {
    if word.chars().count() < 3 { format!("% {word}%") } else { format!("%{word}%") }
}

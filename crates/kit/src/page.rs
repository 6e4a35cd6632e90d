//! Pages of lists.

use aipoten_proto::common::v1::PageInfo;

use crate::Fields;

/// Items a list is counted to at most; one more than can be paged through.
const COUNTED: i64 = 10_001;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Number of the page, from 1.
    pub number: i32,
    /// Most items on it.
    pub limit: i32,
}

impl Page {
    /// Reads page (default 1) and limit (default 20, 1 to 100); together they reach 10,000 items at most.
    pub fn parse(fields: &mut Fields, page: Option<i32>, limit: Option<i32>) -> Self {
        let number = fields.number("page", page.unwrap_or(1), 1..=10_000);
        let limit = fields.number("limit", limit.unwrap_or(20), 1..=100);
        if number.saturating_mul(limit) > 10_000 {
            fields.violate("page", "page_too_far max=10000");
        }
        Self { number, limit }
    }

    /// Rows to skip in SQL.
    pub fn offset(self) -> i64 {
        i64::from(self.number - 1) * i64::from(self.limit)
    }

    /// Rows to take in SQL.
    pub fn rows(self) -> i64 {
        i64::from(self.limit)
    }

    /// The most rows a count needs to look at.
    pub fn counted() -> i64 {
        COUNTED
    }

    /// The page info for an answer; `total` was counted to [`Page::counted`] at most.
    pub fn info(self, total: i64) -> PageInfo {
        PageInfo { page: self.number, limit: self.limit, total, total_capped: total >= COUNTED }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(page: Option<i32>, limit: Option<i32>) -> Option<Page> {
        let mut fields = Fields::new();
        let page = Page::parse(&mut fields, page, limit);
        fields.finish().ok().map(|()| page)
    }

    #[test]
    fn the_first_twenty_are_shown_unless_asked_otherwise() {
        assert_eq!(parse(None, None), Some(Page { number: 1, limit: 20 }));
        assert_eq!(parse(Some(100), Some(100)).map(Page::offset), Some(9_900));
        assert_eq!(parse(Some(101), Some(100)), None);
    }

    proptest! {
        #[test]
        fn no_page_reaches_beyond_ten_thousand(page: Option<i32>, limit: Option<i32>, small in 0..10_100, few in 0..101) {
            for (page, limit) in [(page, limit), (Some(small), Some(few))] {
                if let Some(page) = parse(page, limit) {
                    prop_assert!(page.offset() >= 0 && page.rows() >= 1 && page.offset() + page.rows() <= 10_000);
                }
            }
        }
    }
}

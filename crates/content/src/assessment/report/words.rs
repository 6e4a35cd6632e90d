//! What the page calls things, in few words.

use aipoten_kit::Locale;

use super::super::{FollowUp, Level};
use crate::growth::{Sex, Unscored};

pub(super) fn follow_up(follow_up: FollowUp, locale: Locale) -> &'static str {
    match follow_up {
        FollowUp::ReferNow => locale.pick("바로 진료", "See a doctor now"),
        FollowUp::TalkToProfessional => locale.pick("전문가 상담", "Talk to a professional"),
        FollowUp::Watch => locale.pick("지켜보고 다시 확인", "Watch, check again"),
        FollowUp::Incomplete => locale.pick("답이 부족함", "Not enough answers"),
        FollowUp::OnTrack => locale.pick("순조로움", "On track"),
    }
}

pub(super) fn level(level: Level, locale: Locale) -> &'static str {
    match level {
        Level::Excellent => locale.pick("매우 좋음", "Excellent"),
        Level::Good => locale.pick("좋음", "Good"),
        Level::Caution => locale.pick("주의", "Caution"),
        Level::NeedsObservation => locale.pick("관찰 필요", "Needs observation"),
        Level::NotAssessed => locale.pick("평가 안 함", "Not assessed"),
    }
}

pub(super) fn sex(sex: Option<Sex>, locale: Locale) -> &'static str {
    match sex {
        Some(Sex::Male) => locale.pick("남아", "Boy"),
        Some(Sex::Female) => locale.pick("여아", "Girl"),
        None => locale.pick("밝히지 않음", "Not stated"),
    }
}

pub(super) fn months(months: i16, locale: Locale) -> String {
    match (locale, months) {
        (Locale::Ko, months) => format!("{months}개월"),
        (Locale::En, 1) => "1 month".to_owned(),
        (Locale::En, months) => format!("{months} months"),
    }
}

/// Why there are values and no percentiles.
pub(super) fn unscored(reason: Unscored, locale: Locale) -> &'static str {
    match reason {
        Unscored::GenderNotStated => {
            locale.pick("성별을 밝히지 않아 백분위를 계산하지 않았습니다.", "No percentiles: the gender is not stated.")
        }
        Unscored::BeforeDueDate => locale
            .pick("출산 예정일 전이라 백분위를 계산하지 않았습니다.", "No percentiles: measured before the due date."),
        Unscored::OverFiveYears => locale
            .pick("만 5세가 넘어 백분위를 계산하지 않았습니다.", "No percentiles: the standards end at five years."),
    }
}

/// What did not fit on the page.
pub(super) fn more(number: usize, locale: Locale) -> String {
    match (locale, number) {
        (Locale::Ko, number) => {
            format!("외 {number}개 문항은 자리가 모자라 싣지 못했습니다. 전체는 앱의 결과 화면에 있습니다.")
        }
        (Locale::En, 1) => "1 more item did not fit on this page; the app shows all of them.".to_owned(),
        (Locale::En, number) => format!("{number} more items did not fit on this page; the app shows all of them."),
    }
}

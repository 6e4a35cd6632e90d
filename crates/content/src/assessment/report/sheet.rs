//! What stands on the page and where.

use aipoten_kit::Locale;
use aipoten_pdf::{self as pdf, Block, Colour, Style, Title};
use chrono::NaiveDate;

use super::super::feedback::{capitalized, disclaimer, summary};
use super::super::result::Results;
use super::super::{FollowUp, Response};
use super::words;
use crate::age::Basis;
use crate::area::Area;
use crate::child::Named;
use crate::growth::Latest;

const MARGIN: f32 = 40.0;
/// Between the margins.
pub(super) const FULL: f32 = pdf::WIDTH - 2.0 * MARGIN;
const GREY: Colour = [95, 95, 95];
pub(super) const LINE: Colour = [205, 205, 205];
pub(super) const TEXT: Style = Style { bold: false, size: 9.0, colour: [25, 25, 25] };
pub(super) const STRONG: Style = Style { bold: true, ..TEXT };
const CELL: Style = Style { size: 8.5, ..TEXT };
pub(super) const LABEL: Style = Style { size: 8.0, colour: GREY, ..TEXT };
const SMALL: Style = Style { size: 7.0, colour: GREY, ..TEXT };
const HEADING: Style = Style { bold: true, size: 10.0, colour: [20, 60, 90] };

/// All that the page tells.
pub(super) struct Sheet {
    pub(super) child: Named,
    pub(super) results: Results,
    pub(super) responses: Vec<Response>,
    pub(super) growth: Vec<Latest>,
    pub(super) made_on: NaiveDate,
    pub(super) locale: Locale,
}

impl Sheet {
    pub(super) fn pdf(&self) -> anyhow::Result<Vec<u8>> {
        let title = Title { text: self.title(), language: self.locale.as_str() };
        pdf::document(title, (MARGIN, MARGIN), vec![self.page()])
    }

    /// The lists in the middle get the room that the rest leaves.
    fn page(&self) -> Block {
        let growth = self.growth();
        let tables = Block::beside([(0.0, self.areas()), (FULL - growth_width(), growth)]);
        let top = Block::stack([self.head(), self.about_the_child(), self.verdict(), Block::space(8.0), tables]);
        let foot = self.foot();
        let room = pdf::HEIGHT - 2.0 * MARGIN - top.height - foot.height;
        let lists = self.lists(room);
        let rest = Block::space((room - lists.height).max(0.0));
        Block::stack([top, lists, rest, foot])
    }

    pub(super) fn say(&self, ko: &'static str, en: &'static str) -> &'static str {
        self.locale.pick(ko, en)
    }

    pub(super) fn area_name(&self, area: Area) -> String {
        self.locale.pick(area.name_ko().to_owned(), capitalized(area.name_en()))
    }

    fn title(&self) -> &'static str {
        self.say("발달 체크 결과", "Development check")
    }

    fn head(&self) -> Block {
        let title = Style { size: 17.0, ..HEADING };
        let purpose = self.say(
            "소아청소년과 진료 때 보여 드리는 한 장 · 보호자가 답한 내용입니다",
            "One page for your paediatrician · as answered by the caregiver",
        );
        Block::stack([
            Block::text(self.title(), title, FULL),
            Block::text(purpose, LABEL, FULL).underlined(LINE, FULL),
            Block::space(6.0),
        ])
    }

    fn about_the_child(&self) -> Block {
        let check = &self.results.assessment;
        let corrected = match (check.basis(), check.corrected_age_in_months) {
            (Basis::Corrected, Some(months)) => words::months(months, self.locale),
            _ => self.say("해당 없음", "Does not apply").to_owned(),
        };
        let cell = |label: &str, value: &str, style: Style| {
            Block::stack([Block::text(label, LABEL, FULL / 3.0 - 12.0), Block::text(value, style, FULL / 3.0 - 12.0)])
        };
        let row = |cells: [Block; 3]| Block::beside([0.0, FULL / 3.0, FULL * 2.0 / 3.0].into_iter().zip(cells));
        let age = words::months(check.age_in_months, self.locale);
        Block::stack([
            row([
                cell(self.say("이름", "Name"), &self.child.name, STRONG),
                cell(self.say("생년월일", "Date of birth"), &self.child.birth_date.to_string(), STRONG),
                cell(self.say("성별", "Gender"), words::sex(self.child.sex, self.locale), STRONG),
            ]),
            Block::space(4.0),
            row([
                cell(self.say("체크한 날", "Date of the check"), &check.assessment_date.to_string(), STRONG),
                cell(self.say("나이", "Age"), &age, STRONG),
                cell(self.say("교정 나이", "Corrected age"), &corrected, STRONG),
            ]),
            Block::space(8.0),
        ])
    }

    fn verdict(&self) -> Block {
        let follow_up = self.results.assessment.follow_up.unwrap_or(FollowUp::Incomplete);
        let width = FULL - 16.0;
        let mut text = summary(follow_up).in_language(self.locale);
        if let Some((from, until)) = self.results.check_again() {
            let when = self.say("다시 확인할 때", "Check again between");
            text = format!("{text} ({when}: {from} ~ {until})");
        }
        let label = Style { size: 10.0, ..STRONG };
        Block::stack([
            Block::text(words::follow_up(follow_up, self.locale), label, width),
            Block::text(&text, TEXT, width),
        ])
        .on(ground(follow_up), FULL, 8.0)
    }

    fn areas(&self) -> Block {
        const AT: [f32; 4] = [0.0, 70.0, 100.0, 180.0];
        let width = FULL - growth_width() - 18.0;
        let heads = [
            self.say("영역", "Area"),
            self.say("점수", "Score"),
            self.say("수준", "Level"),
            self.say("다음 단계", "What should follow"),
        ];
        let rows = self.results.areas.iter().map(|area| {
            let score = area.score.map_or_else(|| "–".to_owned(), |score| format!("{score:.1}"));
            let name = self.area_name(area.area);
            let level = words::level(area.level, self.locale);
            row(AT, width, [&name, &score, level, words::follow_up(area.follow_up, self.locale)], CELL)
        });
        let title = self.say("영역별 결과 (살펴볼 것부터)", "Areas, worst first");
        Block::stack([heading(title), row(AT, width, heads, LABEL)].into_iter().chain(rows))
    }

    fn growth(&self) -> Block {
        const AT: [f32; 5] = [0.0, 50.0, 103.0, 156.0, 188.0];
        let title = self.say("성장 (가장 최근에 잰 값)", "Growth (latest values)");
        if self.growth.is_empty() {
            let none = self.say("기록된 측정이 없습니다.", "Nothing was measured yet.");
            return Block::stack([heading(title), Block::text(none, TEXT, growth_width())]);
        }
        let heads = [
            "",
            self.say("값", "Value"),
            self.say("잰 날", "Measured"),
            self.say("백분위", "Centile"),
            self.say("z점수", "z-score"),
        ];
        let rows = self.growth.iter().map(|latest| {
            let value = format!("{:.1} {}", latest.value, latest.indicator.unit().replace("m2", "m²"));
            let score = latest.score.as_ref();
            let percentile = score.map_or_else(|| "–".to_owned(), crate::growth::Score::percentile_text);
            let z = score.map_or_else(|| "–".to_owned(), |score| format!("{:.2}", score.z));
            let doubted = score.is_some_and(|score| !score.is_plausible());
            let z = if doubted { format!("{z} *") } else { z };
            let name = latest.indicator.short_name(self.locale);
            row(AT, growth_width(), [name, &value, &latest.measured_on.to_string(), &percentile, &z], CELL)
        });
        let notes = self.growth_notes().into_iter().map(|note| Block::text(note, SMALL, growth_width()));
        Block::stack([heading(title), row(AT, growth_width(), heads, SMALL)].into_iter().chain(rows).chain(notes))
    }

    fn growth_notes(&self) -> Vec<&'static str> {
        let mut notes = vec![self.say(
            "WHO 성장 기준(2006), 이른둥이는 교정 나이",
            "WHO Child Growth Standards, 2006 (preterm: corrected age)",
        )];
        if self.growth.iter().any(|latest| latest.score.is_some_and(|score| !score.is_plausible())) {
            notes.push(self.say("* 드문 값이니 다시 재어 보세요.", "* A rare value: please measure again."));
        }
        for reason in self.growth.iter().filter_map(|latest| latest.unscored_reason) {
            let note = words::unscored(reason, self.locale);
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }

    fn foot(&self) -> Block {
        let check = &self.results.assessment;
        let origin = format!(
            "aipoten · {} {} · {} {} · {} {} · {}",
            self.say("만든 날", "made on"),
            self.made_on,
            self.say("규칙", "rules"),
            check.rule_version,
            self.say("체크 번호", "check"),
            check.id,
            self.say("문항 출처: CDC 2022 및 자체 문항", "Questions: CDC 2022 and our own"),
        );
        Block::stack([
            Block::space(6.0),
            Block::default().underlined(LINE, FULL),
            Block::space(3.0),
            Block::text(&disclaimer().in_language(self.locale), STRONG, FULL),
            Block::text(&origin, SMALL, FULL),
        ])
    }
}

const fn growth_width() -> f32 {
    220.0
}

pub(super) fn heading(text: &str) -> Block {
    Block::stack([Block::space(7.0), Block::text(text, HEADING, FULL), Block::space(1.0)])
}

/// Cells that begin at these places.
fn row<const N: usize>(at: [f32; N], width: f32, cells: [&str; N], style: Style) -> Block {
    let cell = |(index, text): (usize, &str)| {
        let end = at.get(index + 1).copied().unwrap_or(width);
        (at[index], Block::text(text, style, end - at[index] - 3.0))
    };
    Block::beside(cells.into_iter().enumerate().map(cell)).underlined(LINE, width)
}

fn ground(follow_up: FollowUp) -> Colour {
    match follow_up {
        FollowUp::ReferNow => [252, 226, 224],
        FollowUp::TalkToProfessional => [253, 237, 220],
        FollowUp::Watch => [253, 247, 217],
        FollowUp::Incomplete => [236, 238, 240],
        FollowUp::OnTrack => [226, 243, 230],
    }
}

//! The scores of a child's checks over time as a picture.

use aipoten_kit::Locale;

use super::ProgressRow;
use crate::area::Area;
use crate::drawing::{Axis, Drawing, Line};

/// Told apart without colours too: each line carries its name.
const COLOURS: [&str; 6] = ["#1d4ed8", "#0f766e", "#a16207", "#b91c1c", "#7e22ce", "#be185d"];

/// Draws one line for each area; checks in which an area was not assessed are left out of its line.
pub(super) fn draw(rows: &[ProgressRow], locale: Locale, disclaimer: &str) -> String {
    let age = |row: &ProgressRow| f64::from(row.age_in_months);
    let line = |(area, colour): (Area, &'static str)| Line {
        name: locale.pick(area.name_ko(), area.name_en()).to_owned(),
        colour,
        dots: true,
        points: rows.iter().filter(|row| row.area == area).filter_map(|row| Some((age(row), row.score?))).collect(),
    };
    let ages = || rows.iter().map(age);
    // One check alone stands in the middle of a year.
    let around = ages().chain(ages().map(|age| age - 1.0)).chain(ages().map(|age| age + 1.0));
    let x = Axis::around(around);
    Drawing {
        title: locale.pick("발달 점검 결과의 변화", "Development checks over time").to_owned(),
        x_title: locale.pick("나이(개월)", "age in months").to_owned(),
        y_title: locale.pick("점수", "score").to_owned(),
        x: Axis { step: x.step.max(1.0), ..x },
        y: Axis { from: 0.0, to: 100.0, step: 20.0 },
        lines: Area::ALL.into_iter().zip(COLOURS).map(line).collect(),
        note: disclaimer.to_owned(),
    }
    .svg()
}

//! A growth chart as a picture: the standard's five lines with the child's own.

use aipoten_kit::Locale;

use super::Chart;
use super::who::Indicator;
use crate::drawing::{Axis, Drawing, Line};

const DAYS_A_MONTH: f64 = 30.4375;

/// Draws the first two years, or all five when the child has grown out of them.
pub(super) fn draw(chart: &Chart, indicator: Indicator, source: &str, locale: Locale) -> String {
    let in_months =
        |points: &[(i64, f64)]| -> Vec<(f64, f64)> { points.iter().map(|it| (months(it.0), it.1)).collect() };
    let own = in_months(&chart.points);
    let to = if own.iter().any(|(month, _)| *month > 24.0) { 60.0 } else { 24.0 };
    let x = Axis { from: 0.0, to, step: to / 12.0 };
    let percentiles = chart.lines.iter().map(|(percentile, points)| Line {
        name: format!("P{percentile}"),
        colour: if *percentile == 50 { "#2a7f4f" } else { "#8fb8a0" },
        dots: false,
        points: in_months(points),
    });
    let mut lines: Vec<Line> = percentiles.collect();
    lines.push(Line { name: String::new(), colour: "#c2410c", dots: true, points: own });
    let visible = lines.iter().flat_map(|line| &line.points).filter(|(month, _)| *month <= to);
    Drawing {
        title: title(indicator, locale).to_owned(),
        x_title: locale.pick("나이(개월, 이른둥이는 교정 나이)", "age in months (corrected where due)").to_owned(),
        y_title: indicator.unit().to_owned(),
        x,
        y: Axis::around(visible.map(|(_, value)| *value)),
        lines,
        note: source.to_owned(),
    }
    .svg()
}

fn months(days: i64) -> f64 {
    // Five years of days are far below where a float loses whole numbers.
    i32::try_from(days).map_or(f64::MAX, f64::from) / DAYS_A_MONTH
}

impl Indicator {
    /// What was measured, in few letters.
    pub(crate) const fn short_name(self, locale: Locale) -> &'static str {
        let (ko, en) = match self {
            Self::WeightForAge => ("몸무게", "Weight"),
            Self::LengthHeightForAge => ("키", "Height"),
            Self::HeadCircumferenceForAge => ("머리둘레", "Head"),
            Self::BmiForAge => ("체질량지수", "BMI"),
            Self::WeightForLength | Self::WeightForHeight => ("키별 몸무게", "Weight for length"),
        };
        match locale {
            Locale::Ko => ko,
            Locale::En => en,
        }
    }
}

fn title(indicator: Indicator, locale: Locale) -> &'static str {
    let (ko, en) = match indicator {
        Indicator::WeightForAge => ("나이별 몸무게", "Weight for age"),
        Indicator::LengthHeightForAge => ("나이별 키", "Length or height for age"),
        Indicator::HeadCircumferenceForAge => ("나이별 머리둘레", "Head circumference for age"),
        Indicator::BmiForAge => ("나이별 체질량지수", "Body mass index for age"),
        Indicator::WeightForLength | Indicator::WeightForHeight => ("키별 몸무게", "Weight for length"),
    };
    locale.pick(ko, en)
}

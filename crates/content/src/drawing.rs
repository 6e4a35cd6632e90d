//! Line charts as SVG: everything in one text, nothing loaded from elsewhere, every word escaped.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 112.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 64.0;
/// Height of a name.
const LETTERS: f64 = 15.0;

/// A chart to draw.
pub(crate) struct Drawing {
    pub(crate) title: String,
    pub(crate) x_title: String,
    pub(crate) y_title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) lines: Vec<Line>,
    /// Source or disclaimer, in small letters below.
    pub(crate) note: String,
}

/// What one direction shows, and how far apart its grid lines are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) step: f64,
}

/// One line, named beside the chart.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) colour: &'static str,
    /// Whether each point gets a dot.
    pub(crate) dots: bool,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Axis {
    /// Round borders and a step of 1, 2 or 5 times a power of ten around some values.
    pub(crate) fn around(values: impl Iterator<Item = f64>) -> Self {
        let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), it| (a.min(it), b.max(it)));
        let (least, most) = if least < most { (least, most) } else { (0.0, 1.0) };
        let rough = (most - least) / 8.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        Self { from: (least / step).floor() * step, to: (most / step).ceil() * step, step }
    }

    fn part(self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }

    fn ticks(self) -> impl Iterator<Item = f64> {
        std::iter::successors(Some(self.from), move |tick| Some(tick + self.step))
            .take_while(move |tick| *tick <= self.to + self.step / 1000.0)
    }
}

impl Drawing {
    /// The chart as an SVG document.
    pub(crate) fn svg(&self) -> String {
        let mut svg = String::with_capacity(16 * 1024);
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" font-size="12" fill="#333"><title>{title}</title><rect width="100%" height="100%" fill="#fff"/><text x="{LEFT}" y="24" font-size="16" font-weight="bold">{title}</text>"##,
            title = escaped(&self.title),
        );
        self.draw_grid(&mut svg);
        for line in &self.lines {
            self.draw_line(&mut svg, line);
        }
        self.draw_names(&mut svg);
        let _ = write!(
            svg,
            r##"<text x="{LEFT}" y="{}" font-size="9" fill="#777">{}</text></svg>"##,
            HEIGHT - 8.0,
            escaped(&self.note)
        );
        svg
    }

    fn draw_grid(&self, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for tick in self.x.ticks() {
            let x = self.place((tick, self.y.from)).0;
            let _ = write!(
                svg,
                r##"<path d="M{x:.1} {TOP}V{bottom}" stroke="#e3e3e3"/><text x="{x:.1}" y="{}" text-anchor="middle">{}</text>"##,
                bottom + 16.0,
                number(tick, self.x.step)
            );
        }
        for tick in self.y.ticks() {
            let y = self.place((self.x.from, tick)).1;
            let _ = write!(
                svg,
                r##"<path d="M{LEFT} {y:.1}H{right}" stroke="#e3e3e3"/><text x="{}" y="{:.1}" text-anchor="end">{}</text>"##,
                LEFT - 6.0,
                y + 4.0,
                number(tick, self.y.step)
            );
        }
        let _ = write!(
            svg,
            r#"<text x="{}" y="{}" text-anchor="middle">{}</text><text transform="translate(16 {}) rotate(-90)" text-anchor="middle">{}</text>"#,
            f64::midpoint(LEFT, right),
            bottom + 36.0,
            escaped(&self.x_title),
            f64::midpoint(TOP, bottom),
            escaped(&self.y_title),
        );
    }

    /// Where the points of a line that can be seen lie.
    fn places(&self, line: &Line) -> Vec<(f64, f64)> {
        let shown = |point: &&(f64, f64)| (self.x.from..=self.x.to).contains(&point.0);
        line.points.iter().filter(shown).map(|point| self.place(*point)).collect()
    }

    fn draw_line(&self, svg: &mut String, line: &Line) {
        let places = self.places(line);
        let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let width = if line.dots { 2.5 } else { 1.2 };
        let _ = write!(
            svg,
            r#"<polyline points="{}" fill="none" stroke="{}" stroke-width="{width}"/>"#,
            path.join(" "),
            line.colour
        );
        if line.dots {
            for (x, y) in places {
                let _ = write!(svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{}"/>"#, line.colour);
            }
        }
    }

    /// Names stand beside the chart at the height where their lines end, one below the other where lines end together.
    fn draw_names(&self, svg: &mut String) {
        let end = |line| Some((self.places(line).last()?.1, line));
        let mut ends: Vec<(f64, &Line)> = self.lines.iter().filter_map(end).collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut free = TOP - LETTERS;
        for (y, line) in ends {
            free = y.max(free + LETTERS);
            let _ = write!(
                svg,
                r#"<text x="{}" y="{:.1}" fill="{}">{}</text>"#,
                WIDTH - RIGHT + 8.0,
                free + 4.0,
                line.colour,
                escaped(&line.name)
            );
        }
    }

    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (width, height) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        (LEFT + self.x.part(x) * width, TOP + (1.0 - self.y.part(y)) * height)
    }
}

/// A tick with the decimals that its step needs.
fn number(tick: f64, step: f64) -> String {
    if step < 1.0 { format!("{tick:.1}") } else { format!("{tick:.0}") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawing(title: &str, points: Vec<(f64, f64)>) -> Drawing {
        Drawing {
            title: title.to_owned(),
            x_title: "x".to_owned(),
            y_title: "y".to_owned(),
            x: Axis::around(points.iter().map(|point| point.0)),
            y: Axis::around(points.iter().map(|point| point.1)),
            lines: vec![Line { name: "line".to_owned(), colour: "#000", dots: true, points }],
            note: String::new(),
        }
    }

    proptest! {
        #[test]
        fn whatever_is_drawn_lies_inside_and_no_word_is_markup(
            title in ".{0,40}",
            points in prop::collection::vec((-1e6_f64..1e6, -1e6_f64..1e6), 1..40),
        ) {
            let svg = drawing(&title, points).svg();
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf"));
            prop_assert_eq!(svg.matches('<').count(), svg.matches('>').count());
            for circle in svg.split("<circle cx=\"").skip(1) {
                let x: f64 = circle.split('"').next().and_then(|x| x.parse().ok()).expect("a number");
                prop_assert!((LEFT - 0.1..=WIDTH - RIGHT + 0.1).contains(&x), "{}", x);
            }
        }
    }

    #[test]
    fn an_axis_has_round_borders() {
        assert_eq!(Axis::around([3.2, 17.9].into_iter()), Axis { from: 2.0, to: 18.0, step: 2.0 });
        assert_eq!(Axis::around([].into_iter()), Axis::around([0.0, 1.0].into_iter()));
    }
}

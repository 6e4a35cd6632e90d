//! The statement on paper.

use aipoten_kit::Won;
use aipoten_pdf::{self as pdf, Block, Colour, Style, Title};

use super::super::Line;
use super::{Statement, day, minute};

const MARGIN: f32 = 40.0;
/// Between the margins.
const FULL: f32 = pdf::WIDTH - 2.0 * MARGIN;
const HIGH: f32 = pdf::HEIGHT - 2.0 * MARGIN;
const GREY: Colour = [95, 95, 95];
const RULE: Colour = [205, 205, 205];
const GROUND: Colour = [238, 243, 248];
const TEXT: Style = Style { bold: false, size: 9.0, colour: [25, 25, 25] };
const STRONG: Style = Style { bold: true, ..TEXT };
const LABEL: Style = Style { size: 8.0, colour: GREY, ..TEXT };
const CELL: Style = Style { size: 7.0, ..TEXT };
const WAITING: Style = Style { colour: GREY, ..CELL };
const SMALL: Style = Style { size: 7.0, colour: GREY, ..TEXT };
const HEADING: Style = Style { bold: true, size: 17.0, colour: [20, 60, 90] };

/// Where the columns of the table begin.
const AT: [f32; 9] = [0.0, 20.0, 178.0, 198.0, 244.0, 312.0, 360.0, 410.0, 468.0];
/// Columns of amounts, and where they end.
const AMOUNTS: std::ops::Range<usize> = 5..8;
const GAP: f32 = 8.0;

impl Statement {
    pub(super) fn pdf(&self) -> anyhow::Result<Vec<u8>> {
        let title = Title { text: self.title(), language: self.locale.as_str() };
        pdf::document(title, (MARGIN, MARGIN), self.pages())
    }

    /// As many as the sessions need; the columns are named on each.
    fn pages(&self) -> Vec<Block> {
        let (head, names) = (self.head(), self.names());
        let room = HIGH - names.height - self.foot(0, 0).height;
        let pages = pdf::fill(self.rows(), room - head.height, room);
        let last = pages.len();
        let mut head = Some(head);
        let page = |(at, rows): (usize, Vec<Block>)| {
            let top = head.take().unwrap_or_default();
            let body = Block::stack([top, names.clone()].into_iter().chain(rows));
            let foot = self.foot(at + 1, last);
            let rest = Block::space((HIGH - body.height - foot.height).max(0.0));
            Block::stack([body, rest, foot])
        };
        pages.into_iter().enumerate().map(page).collect()
    }

    fn head(&self) -> Block {
        let column = FULL / 2.0;
        let fact = |(name, value): (&str, String)| {
            Block::stack([
                Block::text(name, LABEL, column - 8.0),
                Block::text(&value, STRONG, column - 8.0),
                Block::space(4.0),
            ])
        };
        let mut facts = self.facts().into_iter().map(fact);
        let mut rows = vec![
            Block::text(self.title(), HEADING, FULL),
            Block::text(self.say("단위: 원", "In Korean won"), LABEL, FULL).underlined(RULE, FULL),
            Block::space(8.0),
        ];
        while let Some(left) = facts.next() {
            rows.push(Block::beside([(0.0, left), (column, facts.next().unwrap_or_default())]));
        }
        rows.push(Block::space(8.0));
        Block::stack(rows)
    }

    fn names(&self) -> Block {
        let korean = ["번호", "상담 ID", "회차", "구분", "일시", "상담료", "수수료", "정산 금액", "보고서"];
        let english = ["#", "Session ID", "No.", "Kind", "Time", "Fee", "Platform", "Net", "Report"];
        let names = self.locale.pick(korean, english).map(str::to_owned);
        Block::stack([row(&names, SMALL).underlined(RULE, FULL), Block::space(2.0)])
    }

    /// The sums stay with the last session.
    fn rows(&self) -> Vec<Block> {
        let mut rows: Vec<Block> = self.lines.iter().enumerate().map(|(at, line)| self.line(at + 1, line)).collect();
        let last = rows.pop().unwrap_or_default();
        rows.push(Block::stack([last, self.notes(), self.result()]));
        rows
    }

    fn line(&self, number: usize, line: &Line) -> Block {
        let report = line.report_submitted_at.map(day);
        let none = if line.is_settled() { "–" } else { self.say("대기", "none yet") };
        let cells = [
            number.to_string(),
            line.consultation_id.to_string(),
            line.session_number.to_string(),
            self.kind(line.kind).to_owned(),
            minute(line.occurred_at),
            grouped(line.session_fee),
            grouped(line.platform_fee),
            grouped(line.net_amount),
            report.unwrap_or_else(|| none.to_owned()),
        ];
        let style = if line.is_settled() { CELL } else { WAITING };
        Block::stack([row(&cells, style), Block::space(2.5)])
    }

    fn notes(&self) -> Block {
        let (pending, settlement) = (self.settlement.pending_sessions, &self.settlement);
        let counted = self.locale.pick(
            format!("상담 {}건 가운데 {}건을 정산했습니다.", settlement.total_sessions, settlement.settled_sessions),
            format!("{} of {} sessions are settled.", settlement.settled_sessions, settlement.total_sessions),
        );
        let waiting = self.say(
            "회색으로 적은 상담은 보고서를 제출한 달에 정산되며 아래 금액에 들어 있지 않습니다.",
            "Sessions in grey settle in the month of their report; they are not in the sums below.",
        );
        let waiting = if pending > 0 { Block::text(waiting, SMALL, FULL) } else { Block::default() };
        Block::stack([Block::space(4.0), Block::text(&counted, SMALL, FULL), waiting, Block::space(10.0)])
    }

    fn result(&self) -> Block {
        let inner = FULL - 20.0;
        let entry = |name: &str, amount: Won, style: Style| {
            let amount = Block::right(&grouped(amount), style, inner);
            Block::stack([Block::beside([(0.0, Block::text(name, style, inner)), (0.0, amount)]), Block::space(3.0)])
        };
        let sums = self.sums().into_iter().map(|(name, amount)| entry(name, amount, TEXT));
        let sums = Block::stack(sums).underlined(RULE, inner);
        let all = Style { size: 11.0, ..STRONG };
        Block::stack([sums, Block::space(4.0), entry(self.final_word(), self.settlement.final_amount, all)])
            .on(GROUND, FULL, 10.0)
    }

    fn foot(&self, page: usize, of: usize) -> Block {
        let hash = format!("aipoten · {} {}", self.say("입력 해시", "input hash"), self.settlement.hash());
        let page = format!("{page} / {of}");
        let foot = Block::beside([(0.0, Block::text(&hash, SMALL, FULL)), (0.0, Block::right(&page, SMALL, FULL))]);
        Block::stack([Block::space(8.0), foot])
    }
}

fn row(cells: &[String; 9], style: Style) -> Block {
    let ends = AT[1..].iter().copied().chain([FULL]);
    let cell = |(at, (text, (from, to))): (usize, (&String, (f32, f32)))| {
        let width = to - from - GAP;
        let cell =
            if AMOUNTS.contains(&at) { Block::right(text, style, width) } else { Block::text(text, style, to - from) };
        (from, cell)
    };
    Block::beside(cells.iter().zip(AT.into_iter().zip(ends)).enumerate().map(cell))
}

/// 1,234,567
fn grouped(amount: Won) -> String {
    let digits = amount.0.unsigned_abs().to_string();
    let sign = if amount.0 < 0 { "-" } else { "" };
    let first = digits.len() % 3;
    let (head, rest) = digits.split_at(first);
    let mut groups: Vec<&str> = if head.is_empty() { Vec::new() } else { vec![head] };
    groups.extend((0..rest.len()).step_by(3).map(|at| &rest[at..at + 3]));
    format!("{sign}{}", groups.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_by_thousands() {
        let golden =
            [(0, "0"), (7, "7"), (999, "999"), (1_000, "1,000"), (-68_000, "-68,000"), (1_234_567, "1,234,567")];
        for (amount, text) in golden {
            assert_eq!(grouped(Won(amount)), text);
        }
    }
}

//! The statement for spreadsheets: the sessions first, so that the file can be sorted and summed, then the sums.

use super::super::Line;
use super::{Statement, day, minute};

impl Statement {
    pub(super) fn table(&self) -> Vec<Vec<String>> {
        let sums = self.sums().into_iter().chain([(self.final_word(), self.settlement.final_amount)]);
        let facts = self.facts().into_iter().map(|(name, value)| vec![name.to_owned(), value]);
        let hash = vec![self.say("입력 해시", "Input hash").to_owned(), self.settlement.hash()];
        let lines = self.lines.iter().enumerate().map(|(at, line)| self.row(at + 1, line));
        std::iter::once(self.header())
            .chain(lines)
            // A line without any cell would be left out.
            .chain([vec![String::new()]])
            .chain(facts)
            .chain(sums.map(|(name, amount)| vec![name.to_owned(), amount.0.abs().to_string()]))
            .chain([hash])
            .collect()
    }

    fn header(&self) -> Vec<String> {
        let korean = [
            "번호",
            "상담 ID",
            "회차",
            "구분",
            "일시",
            "상담료",
            "플랫폼 수수료",
            "정산 금액",
            "보고서 제출일",
            "상태",
        ];
        let english = [
            "No.",
            "Session ID",
            "Session number",
            "Kind",
            "Time",
            "Session fee",
            "Platform fee",
            "Net amount",
            "Report handed in",
            "Status",
        ];
        self.locale.pick(korean, english).map(str::to_owned).into()
    }

    fn row(&self, number: usize, line: &Line) -> Vec<String> {
        vec![
            number.to_string(),
            line.consultation_id.to_string(),
            line.session_number.to_string(),
            self.kind(line.kind).to_owned(),
            minute(line.occurred_at),
            line.session_fee.0.to_string(),
            line.platform_fee.0.to_string(),
            line.net_amount.0.to_string(),
            line.report_submitted_at.map(day).unwrap_or_default(),
            self.line_status(line.settlement_status).to_owned(),
        ]
    }
}

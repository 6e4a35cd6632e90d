//! Words that the table and the pages have in common.

use aipoten_kit::Won;

use super::super::{LineKind, LineStatus, Status};
use super::Statement;
use crate::bank_account::PayeeKind;

impl Statement {
    pub(super) fn title(&self) -> &'static str {
        self.say("정산 내역서", "Settlement statement")
    }

    /// Whose it is, for when, and where it stands.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let settlement = &self.settlement;
        vec![
            (self.say("정산 기간", "Period"), self.period()),
            (self.say("상태", "Status"), self.status().to_owned()),
            (self.say("치료사 ID", "Therapist"), settlement.therapist_id.to_string()),
            (self.say("정산 번호", "Settlement"), settlement.id.to_string()),
            (self.say("과세 유형", "Taxed as"), self.payee().to_owned()),
            (self.say("입금 계좌", "Bank account"), self.account.clone().unwrap_or_else(|| "–".to_owned())),
        ]
    }

    /// From what parents paid down to what is transferred.
    pub(super) fn sums(&self) -> Vec<(&'static str, Won)> {
        let settlement = &self.settlement;
        let minus = |amount: Won| Won(0) - amount;
        vec![
            (self.say("상담료 합계", "Session fees"), settlement.total_session_fee),
            (self.say("플랫폼 수수료", "Platform fees"), minus(settlement.total_platform_fee)),
            (self.say("정산 금액", "Net amount"), settlement.settlement_amount),
            (self.say("이월된 환불 차감", "Carried from refunds"), minus(settlement.carried_debt)),
            (self.say("소득세", "Income tax"), minus(settlement.income_tax)),
            (self.say("지방소득세", "Local income tax"), minus(settlement.local_tax)),
        ]
    }

    pub(super) fn final_word(&self) -> &'static str {
        self.say("실지급액", "Payout")
    }

    pub(super) fn kind(&self, kind: LineKind) -> &'static str {
        match kind {
            LineKind::Session => self.say("상담", "Session"),
            LineKind::NoShow => self.say("불참", "No-show"),
            LineKind::LateCancel => self.say("늦은 취소", "Late cancel"),
        }
    }

    pub(super) fn line_status(&self, status: LineStatus) -> &'static str {
        match status {
            LineStatus::Settled => self.say("정산", "Settled"),
            LineStatus::PendingReport => self.say("보고서 대기", "No report yet"),
        }
    }

    fn status(&self) -> &'static str {
        match self.settlement.status {
            Status::Pending => self.say("확정 전", "Not confirmed"),
            Status::Confirmed => self.say("확정", "Confirmed"),
            Status::Paid => self.say("지급 완료", "Paid"),
        }
    }

    fn payee(&self) -> &'static str {
        match self.settlement.payee_kind {
            PayeeKind::Freelancer => self.say("프리랜서(원천징수)", "Freelancer (tax withheld)"),
            PayeeKind::Business => self.say("사업자(세금계산서)", "Business (tax invoice)"),
        }
    }
}

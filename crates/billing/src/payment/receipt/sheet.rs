//! What stands on a receipt and where.

use aipoten_kit::{Locale, Won};
use aipoten_pdf::{self as pdf, Block, Colour, Style, Title};
use chrono_tz::Asia::Seoul;

use super::{Line, Receipt};
use crate::provider::{Method, Name};

const MARGIN: f32 = 60.0;
/// Between the margins.
const FULL: f32 = pdf::WIDTH - 2.0 * MARGIN;
/// Where values stand beside their labels.
const VALUE: f32 = 150.0;
const LINE: Colour = [205, 205, 205];
const TEXT: Style = Style { bold: false, size: 10.0, colour: [25, 25, 25] };
const STRONG: Style = Style { bold: true, ..TEXT };
const LABEL: Style = Style { size: 9.0, colour: [95, 95, 95], ..TEXT };
const HEADING: Style = Style { bold: true, size: 20.0, colour: [20, 60, 90] };

/// A receipt in the reader's language.
pub(super) struct Sheet {
    pub(super) receipt: Receipt,
    pub(super) locale: Locale,
}

impl Sheet {
    pub(super) fn pdf(&self) -> anyhow::Result<Vec<u8>> {
        let title = Title { text: self.say("영수증", "Receipt"), language: self.locale.as_str() };
        pdf::document(title, (MARGIN, MARGIN), vec![self.page()])
    }

    fn page(&self) -> Block {
        let head = Block::text(self.say("영수증", "Receipt"), HEADING, FULL).underlined(LINE, FULL);
        let note = self.say(
            "결제 내역을 확인하기 위한 영수증이며 세금계산서가 아닙니다.",
            "This receipt confirms the payment; it is not a tax invoice.",
        );
        let gap = || Block::space(18.0);
        Block::stack([
            head,
            gap(),
            self.payment(),
            gap(),
            self.sessions(),
            gap(),
            self.sums(),
            gap(),
            Block::text(note, LABEL, FULL),
        ])
    }

    fn payment(&self) -> Block {
        let Receipt { payment, order_name, provider_key, paid_at, .. } = &self.receipt;
        let paid_at = paid_at.with_timezone(&Seoul).format("%Y-%m-%d %H:%M").to_string();
        let rows = [
            (self.say("상품", "Bought"), order_name.clone()),
            (self.say("주문 번호", "Order"), payment.order_id.clone()),
            (self.say("결제 일시", "Paid at"), format!("{paid_at} ({})", self.say("한국 시간", "Korean time"))),
            (self.say("결제 수단", "Paid by"), self.method(payment.payment_method).to_owned()),
            (self.say("결제 대행사", "Provider"), self.provider(payment.provider).to_owned()),
            (self.say("승인 번호", "Provider's number"), provider_key.clone()),
        ];
        Block::stack(rows.map(|(label, value)| {
            let value = Block::text(&value, TEXT, FULL - VALUE);
            Block::stack([
                Block::beside([(0.0, Block::text(label, LABEL, VALUE - 6.0)), (VALUE, value)]),
                Block::space(4.0),
            ])
        }))
    }

    fn sessions(&self) -> Block {
        let heads = [self.say("회차", "Session"), self.say("금액", "Price"), self.say("환불", "Paid back")];
        let rows = self.receipt.lines.iter().map(|line| self.session(line));
        Block::stack([columns(heads.map(ToOwned::to_owned), LABEL)].into_iter().chain(rows))
    }

    fn session(&self, line: &Line) -> Block {
        let number = line.session_number;
        let name = self.locale.pick(format!("{number}회"), format!("No. {number}"));
        let refunded = if line.refunded_amount == Won(0) { "–".to_owned() } else { self.won(line.refunded_amount) };
        columns([name, self.won(line.session_fee), refunded], TEXT)
    }

    fn sums(&self) -> Block {
        let payment = &self.receipt.payment;
        let rows = [
            (self.say("정가", "Price"), payment.original_amount, TEXT),
            (self.say("할인", "Discount"), Won(0) - payment.discount_amount, TEXT),
            (self.say("결제 금액", "Paid"), payment.total_amount, STRONG),
            (self.say("환불 금액", "Paid back"), payment.refunded_amount, TEXT),
            (self.say("실제 부담액", "Remaining"), payment.total_amount - payment.refunded_amount, STRONG),
        ];
        Block::stack(rows.map(|(label, amount, style)| {
            let label = Block::text(label, style, FULL / 2.0);
            Block::beside([(0.0, label), (0.0, Block::right(&self.won(amount), style, FULL))]).underlined(LINE, FULL)
        }))
    }

    fn say(&self, ko: &'static str, en: &'static str) -> &'static str {
        self.locale.pick(ko, en)
    }

    fn won(&self, amount: Won) -> String {
        format!("{}{}", grouped(amount), self.say("원", " won"))
    }

    fn method(&self, method: Option<Method>) -> &'static str {
        match method {
            None => "–",
            Some(Method::Card) => self.say("카드", "Card"),
            Some(Method::BankTransfer) => self.say("계좌이체", "Bank transfer"),
            Some(Method::SimplePay) => self.say("간편결제", "Wallet"),
            Some(Method::Mobile) => self.say("휴대폰", "Mobile"),
            Some(Method::VirtualAccount) => self.say("가상계좌", "Virtual account"),
        }
    }

    fn provider(&self, provider: Name) -> &'static str {
        match provider {
            Name::Toss => self.say("토스페이먼츠", "TossPayments"),
            Name::Portone => self.say("포트원", "PortOne"),
            Name::Stripe => "Stripe",
            Name::Sandbox => self.say("샌드박스 (실제 결제가 아닙니다)", "Sandbox (no money moves)"),
        }
    }
}

/// A name, and amounts that end below one another.
fn columns([name, price, refunded]: [String; 3], style: Style) -> Block {
    let cells = [
        (0.0, Block::text(&name, style, FULL / 3.0)),
        (0.0, Block::right(&price, style, FULL * 2.0 / 3.0)),
        (0.0, Block::right(&refunded, style, FULL)),
    ];
    Block::beside(cells).underlined(LINE, FULL)
}

/// `-1,234,567`
fn grouped(amount: Won) -> String {
    let digits = amount.0.unsigned_abs().to_string();
    let mut text = String::from(if amount.0 < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let amounts = [0, 7, 999, 1_000, -28_800, 1_234_567].map(|amount| grouped(Won(amount)));
        assert_eq!(amounts, ["0", "7", "999", "1,000", "-28,800", "1,234,567"]);
    }
}

//! Receipts, as JSON and as a page.

use aipoten_proto::billing::v1::{GetReceiptPdfRequest, GetReceiptRequest, PaymentMethod};
use tonic::Code;

use crate::world::{World, parameter, refused, violations};

fn text_of(pdf: &[u8]) -> String {
    let document = lopdf::Document::load_mem(pdf).expect("a PDF");
    let pages: Vec<u32> = document.get_pages().into_keys().collect();
    assert_eq!(pages, [1], "one page");
    let text = document.extract_text(&pages).expect("text that can be copied out");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_receipt_names_what_was_paid_for_what() {
    let world = World::start().await;
    let payment = world.paid().await;
    let ask = || GetReceiptRequest { payment_id: payment.id.clone() };
    let ask_pdf = || GetReceiptPdfRequest { payment_id: payment.id.clone() };
    let receipt = world.payments().get_receipt(world.parent.asks(ask())).await.expect("a receipt").into_inner();
    assert_eq!((receipt.original_amount, receipt.discount_amount, receipt.total_amount), (320_000, 32_000, 288_000));
    assert_eq!((receipt.payment_method(), receipt.refunded_amount), (PaymentMethod::Card, 0));
    let lines: Vec<_> = receipt.lines.iter().map(|line| (line.session_number, line.session_fee)).collect();
    assert_eq!(lines, [(1, 72_000), (2, 72_000), (3, 72_000), (4, 72_000)]);
    let file = world.payments().get_receipt_pdf(world.parent.asks(ask_pdf())).await.expect("a page").into_inner();
    assert_eq!(file.name, format!("receipt-{}.pdf", receipt.order_id));
    let text = text_of(&file.content);
    for part in [
        "영수증",
        "발달 상담 4회 패키지",
        &receipt.order_id,
        &receipt.provider_key,
        "카드",
        "72,000원",
        "-32,000원",
        "288,000원",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let file =
        world.payments().get_receipt_pdf(world.parent.asks_in_english(ask_pdf())).await.expect("a page").into_inner();
    assert!(text_of(&file.content).contains("288,000 won"));
}

#[tokio::test]
async fn there_is_no_receipt_of_what_was_not_paid_and_none_for_others() {
    let world = World::start().await;
    let pending = world.begun().await;
    let mut payments = world.payments();
    let ask = || GetReceiptRequest { payment_id: pending.id.clone() };
    let ask_pdf = || GetReceiptPdfRequest { payment_id: pending.id.clone() };
    for status in [
        refused(payments.get_receipt(world.parent.asks(ask()))).await,
        refused(payments.clone().get_receipt_pdf(world.parent.asks(ask_pdf()))).await,
    ] {
        assert_eq!(parameter(&status, "state").as_deref(), Some("pending"));
    }
    let stranger = world.identity.parent().await;
    assert_eq!(refused(payments.get_receipt(stranger.asks(ask()))).await.code(), Code::NotFound);
    assert_eq!(refused(payments.get_receipt_pdf(stranger.asks(ask_pdf()))).await.code(), Code::NotFound);
    assert_eq!(refused(payments.get_receipt(world.therapist.asks(ask()))).await.code(), Code::PermissionDenied);
    let wrong = GetReceiptRequest { payment_id: String::new() };
    let status = refused(payments.get_receipt(world.parent.asks(wrong))).await;
    assert_eq!(violations(&status), ["payment_id: required"]);
}

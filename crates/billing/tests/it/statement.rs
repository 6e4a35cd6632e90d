//! Statements as files, read back.

use aipoten_proto::billing::v1::{BillingFile, GetStatementRequest, StatementFormat};
use tonic::Code;

use crate::books::{Books, Held, Person, violations};

async fn statement(books: &Books, person: &Person, id: &str, format: StatementFormat, english: bool) -> BillingFile {
    let request = GetStatementRequest { settlement_id: id.to_owned(), format: format.into() };
    let request = if english { person.asks_in_english(request) } else { person.asks(request) };
    books.settlements().get_statement(request).await.expect("a statement").into_inner()
}

fn rows(file: &BillingFile) -> Vec<Vec<String>> {
    let text = str::from_utf8(&file.content).expect("UTF-8").strip_prefix('\u{feff}').expect("a byte order mark");
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
    let rows = reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect());
    rows.collect()
}

/// The text of each page, with single spaces.
fn pages(file: &BillingFile) -> Vec<String> {
    let document = lopdf::Document::load_mem(&file.content).expect("a PDF");
    let text = |page: u32| document.extract_text(&[page]).expect("text that can be copied out");
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    document.get_pages().into_keys().map(|page| words(text(page))).collect()
}

#[tokio::test]
async fn a_statement_for_spreadsheets_tells_sessions_and_sums_in_the_readers_language() {
    let books = Books::open().await;
    let (admin, therapist) = (books.admin().await, books.therapist().await);
    books.has_account(&therapist, "110123456789").await;
    let held = books.held(therapist.uuid(), Held::default()).await;
    let waits = Held { at: "2026-02-10 18:30", reported: None, ..Held::default() };
    let waits = books.held(therapist.uuid(), waits).await;
    books.owes(therapist.uuid(), 8_000).await;
    books.run(&admin, "2026-02").await;
    let settlement = books.settlement(&admin, therapist.uuid(), "2026-02").await;
    books.confirm(&admin, &settlement.id, None).await.expect("confirmed");

    let file = statement(&books, &therapist, &settlement.id, StatementFormat::Csv, false).await;
    assert_eq!(file.name, "settlement-2026-02.csv");
    let korean = rows(&file);
    assert_eq!(korean[0][..4], ["번호", "상담 ID", "회차", "구분"]);
    let line =
        ["1", &held.to_string(), "1", "상담", "2026-02-03 10:00", "80000", "12000", "68000", "2026-02-04", "정산"];
    assert_eq!(korean[1], line);
    let line = ["2", &waits.to_string(), "1", "상담", "2026-02-10 18:30", "80000", "12000", "68000", "", "보고서 대기"];
    assert_eq!(korean[2], line);
    let sums = [
        ["정산 기간", "2026-02-01 ~ 2026-02-28"],
        ["상태", "확정"],
        ["치료사 ID", &settlement.therapist_id],
        ["정산 번호", &settlement.id],
        ["과세 유형", "프리랜서(원천징수)"],
        ["입금 계좌", "088 ****6789"],
        ["상담료 합계", "80000"],
        ["플랫폼 수수료", "12000"],
        ["정산 금액", "68000"],
        ["이월된 환불 차감", "8000"],
        ["소득세", "1800"],
        ["지방소득세", "180"],
        ["실지급액", "58020"],
        ["입력 해시", &settlement.input_hash],
    ];
    assert_eq!(korean[4..], sums);

    let english = rows(&statement(&books, &admin, &settlement.id, StatementFormat::Csv, true).await);
    assert_eq!(english.len(), korean.len());
    assert_eq!(english[0][..4], ["No.", "Session ID", "Session number", "Kind"]);
    assert_eq!(english[2][9], "No report yet");
    assert_eq!(english[16], ["Payout", "58020"]);
}

#[tokio::test]
async fn a_printed_statement_has_as_many_pages_as_its_sessions_need() {
    let books = Books::open().await;
    let (admin, therapist) = (books.admin().await, books.therapist().await);
    let mut sessions = Vec::new();
    for number in 0..100 {
        let (at, missed) = (format!("2026-02-{:02} 10:00", 1 + number % 28), number % 7 == 3);
        let reported = (number % 10 != 9).then_some("2026-02-28 20:00");
        let outcome = if missed { "no_show" } else { "completed" };
        sessions.push(books.held(therapist.uuid(), Held { outcome, at: &at, reported, ..Held::default() }).await);
    }
    books.run(&admin, "2026-02").await;
    let settlement = books.settlement(&admin, therapist.uuid(), "2026-02").await;

    let file = statement(&books, &therapist, &settlement.id, StatementFormat::Pdf, false).await;
    assert_eq!(file.name, "settlement-2026-02.pdf");
    let korean = pages(&file);
    assert_eq!(korean.len(), 3);
    let all = korean.join(" ");
    for session in sessions {
        assert_eq!(all.matches(&session.to_string()).count(), 1, "each session stands there once");
    }
    for (at, page) in korean.iter().enumerate() {
        assert!(page.contains("상담 ID") && page.contains(&format!("{} / 3", at + 1)), "{page}");
        assert!(page.contains(&settlement.input_hash), "{page}");
    }
    assert!(korean[0].contains("정산 내역서") && korean[0].contains(&settlement.therapist_id));
    assert!(korean[0].contains("2026-02-01 ~ 2026-02-28") && !korean[1].contains("정산 내역서"));
    let (amount, last) = (settlement.final_amount, &korean[2]);
    let grouped = format!("{},{:03},{:03}", amount / 1_000_000, amount / 1_000 % 1_000, amount % 1_000);
    assert!(last.contains("실지급액") && last.contains(&grouped), "{last}");
    assert!(last.contains("보고서를 제출한 달에 정산"), "{last}");

    let english = statement(&books, &therapist, &settlement.id, StatementFormat::Pdf, true).await;
    let english = pages(&english);
    assert!(english[0].contains("Settlement statement") && english[2].contains("Payout"), "{english:?}");
}

#[tokio::test]
async fn only_its_therapist_and_administrators_get_a_statement() {
    let books = Books::open().await;
    let (admin, therapist, other) = (books.admin().await, books.therapist().await, books.therapist().await);
    books.held(therapist.uuid(), Held::default()).await;
    books.run(&admin, "2026-02").await;
    let id = books.settlement(&admin, therapist.uuid(), "2026-02").await.id;
    let ask =
        |id: &str, format: StatementFormat| GetStatementRequest { settlement_id: id.to_owned(), format: format.into() };
    let foreign =
        books.settlements().get_statement(other.asks(ask(&id, StatementFormat::Csv))).await.expect_err("foreign");
    assert_eq!(foreign.code(), Code::NotFound);
    let parent = books.identity.parent().await;
    let refused =
        books.settlements().get_statement(parent.asks(ask(&id, StatementFormat::Pdf))).await.expect_err("a parent");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let nonsense = ask("x", StatementFormat::Unspecified);
    let nonsense = books.settlements().get_statement(admin.asks(nonsense)).await.expect_err("nonsense");
    assert_eq!(violations(&nonsense), ["format: required", "settlement_id: not_a_uuid"]);
}

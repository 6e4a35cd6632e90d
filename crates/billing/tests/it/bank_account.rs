//! Bank accounts of therapists.

use aipoten_proto::billing::v1::{GetBankAccountRequest, PayeeKind, PutBankAccountRequest};
use tonic::Code;

use crate::books::{Books, bank_account, reason, violations};

#[tokio::test]
async fn a_bank_account_is_kept_encrypted_and_shown_masked() {
    let books = Books::open().await;
    let therapist = books.therapist().await;
    let get = || books.bank_accounts();
    let none = get().get_bank_account(therapist.asks(GetBankAccountRequest {})).await.expect_err("none yet");
    assert_eq!(none.code(), Code::NotFound);

    let put = books.bank_accounts().put_bank_account(therapist.asks(bank_account())).await.expect("set").into_inner();
    assert_eq!((put.bank_code.as_str(), put.account_number_masked.as_str()), ("088", "****6789"));
    assert_eq!((put.account_holder.as_str(), put.payee_kind()), ("박서준", PayeeKind::Freelancer));
    assert_eq!(put.business_number, None);
    let shown = get().get_bank_account(therapist.asks(GetBankAccountRequest {})).await.expect("set").into_inner();
    assert_eq!(shown, put);

    let business = PutBankAccountRequest {
        account_number: "000111222333".to_owned(),
        payee_kind: Some(PayeeKind::Business.into()),
        business_number: Some("1208147521".to_owned()),
        ..bank_account()
    };
    let put = books.bank_accounts().put_bank_account(therapist.asks(business)).await.expect("changed").into_inner();
    assert_eq!((put.account_number_masked.as_str(), put.payee_kind()), ("****2333", PayeeKind::Business));
    assert_eq!(put.business_number.as_deref(), Some("1208147521"));

    let row: String = sqlx::query_scalar("SELECT encode(account, 'escape') FROM therapist_bank_accounts")
        .fetch_one(books.database())
        .await
        .expect("one row");
    assert!(!row.contains("111222") && !row.contains("박서준"), "{row}");
}

#[tokio::test]
async fn everything_that_is_wrong_with_an_account_is_told_at_once() {
    let books = Books::open().await;
    let therapist = books.therapist().await;
    let wrong = PutBankAccountRequest {
        bank_code: "88".to_owned(),
        account_number: "110-123-456789".to_owned(),
        account_holder: "  ".to_owned(),
        payee_kind: Some(PayeeKind::Business.into()),
        business_number: None,
    };
    let unspecified = PutBankAccountRequest { payee_kind: Some(PayeeKind::Unspecified.into()), ..bank_account() };
    let odd = PutBankAccountRequest { business_number: Some("12-345".to_owned()), ..bank_account() };
    let long = PutBankAccountRequest {
        bank_code: "٠٨٨".to_owned(),
        account_number: "1".repeat(21),
        account_holder: "가".repeat(61),
        ..bank_account()
    };
    let cases: [(_, &[&str]); 4] = [
        (
            wrong,
            &[
                "account_holder: required",
                "account_number: not_an_account_number",
                "bank_code: not_a_bank_code",
                "business_number: required",
            ],
        ),
        (unspecified, &["payee_kind: required"]),
        (odd, &["business_number: not_a_business_number", "business_number: only_for_businesses"]),
        (
            long,
            &["account_holder: too_long max=60", "account_number: not_an_account_number", "bank_code: not_a_bank_code"],
        ),
    ];
    for (request, expected) in cases {
        let refused = books.bank_accounts().put_bank_account(therapist.asks(request)).await.expect_err("wrong");
        assert_eq!(violations(&refused), expected);
    }
}

#[tokio::test]
async fn an_account_is_set_by_a_therapist_who_just_proved_their_password() {
    let books = Books::open().await;
    let (therapist, parent) = (books.therapist().await, books.identity.parent().await);
    let late = books.identity.later(&therapist, 3600).await;
    let refused = books.bank_accounts().put_bank_account(late.asks(bank_account())).await.expect_err("too long ago");
    assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, "STEP_UP_REQUIRED".to_owned()));
    let seen = books.bank_accounts().get_bank_account(late.asks(GetBankAccountRequest {})).await.expect_err("not set");
    assert_eq!(seen.code(), Code::NotFound, "nothing was set");
    let refused = books.bank_accounts().put_bank_account(parent.asks(bank_account())).await.expect_err("a parent");
    assert_eq!(reason(&refused), "PERMISSION_DENIED");
    let refused =
        books.bank_accounts().get_bank_account(parent.asks(GetBankAccountRequest {})).await.expect_err("a parent");
    assert_eq!(reason(&refused), "PERMISSION_DENIED");
}

//! From a computed settlement to the transfer.

use aipoten_proto::billing::v1::{
    BillingFile, GetPayoutFileRequest, PutBankAccountRequest, SettlementConfirmed, SettlementPaid, SettlementStatus,
};
use aipoten_proto::common::v1::AdminActed;
use tonic::{Code, Status};

use crate::books::{Books, Held, Person, bank_account, eventually, parameter, reason, violations};

async fn file(books: &Books, person: &Person, period: &str) -> Result<BillingFile, Status> {
    let request = GetPayoutFileRequest { period: period.to_owned() };
    Ok(books.settlements().get_payout_file(person.asks(request)).await?.into_inner())
}

/// A therapist with an account, whose settlement of February is computed; its id.
async fn computed(books: &Books, admin: &Person) -> (Person, String) {
    let therapist = books.therapist().await;
    books.has_account(&therapist, "110123456789").await;
    books.held(therapist.uuid(), Held::default()).await;
    books.run(admin, "2026-02").await;
    let id = books.settlement(admin, therapist.uuid(), "2026-02").await.id;
    (therapist, id)
}

async fn acts(books: &Books) -> Vec<String> {
    books.published::<AdminActed>().await.into_iter().map(|it| it.action).collect()
}

#[tokio::test]
async fn a_confirmed_settlement_is_transferred_and_the_books_are_even() {
    let books = Books::open().await;
    let admin = books.admin().await;
    let (therapist, id) = computed(&books, &admin).await;

    let confirmed = books.confirm(&admin, &id, Some(1)).await.expect("confirmed");
    assert_eq!((confirmed.status(), confirmed.version), (SettlementStatus::Confirmed, 2));
    assert_eq!(confirmed.bank_account.as_deref(), Some("088 ****6789"));
    assert!(confirmed.confirmed_at.is_some() && confirmed.paid_at.is_none() && confirmed.lines.len() == 1);
    // The account that was confirmed is paid to, whatever it is changed to.
    books.has_account(&therapist, "999999999999").await;
    assert_eq!(books.get(&therapist, &id).await.expect("theirs").bank_account.as_deref(), Some("088 ****6789"));

    let paid = books.pay(&admin, &id, Some(2)).await.expect("paid");
    assert_eq!((paid.status(), paid.version), (SettlementStatus::Paid, 3));
    assert!(paid.paid_at.is_some());
    let balances = books.balances().await;
    assert_eq!(balances.get("therapist_payable"), None, "nothing is owed any more");
    assert_eq!(
        (balances["bank"], balances["income_tax_withheld"], balances["local_tax_withheld"]),
        (-65_760, -2_040, -200)
    );
    assert_eq!(balances.get("customer_prepaid"), None);

    let therapist_id = therapist.id.clone();
    let event = SettlementConfirmed { settlement_id: id.clone(), therapist_id: therapist_id.clone() };
    assert_eq!(books.published::<SettlementConfirmed>().await, [event]);
    let event = SettlementPaid { settlement_id: id.clone(), therapist_id };
    assert_eq!(books.published::<SettlementPaid>().await, [event]);
    assert_eq!(acts(&books).await, ["settlement.computed", "settlement.confirmed", "settlement.paid"]);
}

#[tokio::test]
async fn a_settlement_moves_in_one_direction_by_administrators_alone() {
    let books = Books::open().await;
    let admin = books.admin().await;
    let (therapist, id) = computed(&books, &admin).await;
    let state = |refused: &Status| (reason(refused), parameter(refused, "state").unwrap_or_default());
    let invalid = |state: &str| ("INVALID_STATE".to_owned(), state.to_owned());

    let early = books.pay(&admin, &id, None).await.expect_err("not confirmed");
    assert_eq!(state(&early), invalid("pending"));
    for refused in [books.confirm(&therapist, &id, None).await, books.pay(&therapist, &id, None).await] {
        assert_eq!(refused.expect_err("no administrator").code(), Code::PermissionDenied);
    }
    let stale = books.confirm(&admin, &id, Some(7)).await.expect_err("another version");
    assert_eq!((stale.code(), reason(&stale)), (Code::Aborted, "VERSION_MISMATCH".to_owned()));
    assert_eq!(violations(&books.confirm(&admin, "x", None).await.expect_err("no id")), ["settlement_id: not_a_uuid"]);
    assert_eq!(violations(&books.pay(&admin, "x", None).await.expect_err("no id")), ["settlement_id: not_a_uuid"]);
    let unknown = uuid::Uuid::now_v7().to_string();
    assert_eq!(books.confirm(&admin, &unknown, None).await.expect_err("no such").code(), Code::NotFound);
    assert_eq!(books.pay(&admin, &unknown, None).await.expect_err("no such").code(), Code::NotFound);

    let both = tokio::join!(books.confirm(&admin, &id, None), books.confirm(&admin, &id, None));
    assert!(both.0.is_ok() != both.1.is_ok(), "one of two confirms");
    let again = books.confirm(&admin, &id, None).await.expect_err("confirmed already");
    assert_eq!(state(&again), invalid("confirmed"));
    let stale = books.pay(&admin, &id, Some(1)).await.expect_err("another version");
    assert_eq!(reason(&stale), "VERSION_MISMATCH");
    let both = tokio::join!(books.pay(&admin, &id, None), books.pay(&admin, &id, None));
    assert!(both.0.is_ok() != both.1.is_ok(), "one of two pays");
    let again = books.pay(&admin, &id, None).await.expect_err("paid already");
    assert_eq!(state(&again), invalid("paid"));
    assert_eq!(books.balances().await["bank"], -65_760, "once");
}

#[tokio::test]
async fn nothing_is_confirmed_without_an_account_unless_nothing_is_transferred() {
    let books = Books::open().await;
    let (admin, therapist, indebted) = (books.admin().await, books.therapist().await, books.therapist().await);
    for person in [&therapist, &indebted] {
        books.held(person.uuid(), Held::default()).await;
    }
    books.owes(indebted.uuid(), 68_000).await;
    books.run(&admin, "2026-02").await;
    let id = books.settlement(&admin, therapist.uuid(), "2026-02").await.id;
    let refused = books.confirm(&admin, &id, None).await.expect_err("no account");
    assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "NO_BANK_ACCOUNT".to_owned()));
    books.has_account(&therapist, "110123456789").await;
    books.confirm(&admin, &id, None).await.expect("confirmed");

    let id = books.settlement(&admin, indebted.uuid(), "2026-02").await.id;
    let confirmed = books.confirm(&admin, &id, None).await.expect("confirmed");
    assert_eq!((confirmed.final_amount, confirmed.bank_account), (0, None));
    let paid = books.pay(&admin, &id, None).await.expect("paid");
    assert_eq!(paid.status(), SettlementStatus::Paid);
    assert_eq!(books.balances().await.get("bank"), None);
}

#[tokio::test]
async fn the_file_for_the_bank_has_whole_numbers_of_what_is_confirmed_and_the_audit_log_knows() {
    let books = Books::open().await;
    let admin = books.admin().await;
    let evil = books.therapist().await;
    let account = PutBankAccountRequest { account_holder: "=HYPERLINK(\"x\")".to_owned(), ..bank_account() };
    books.bank_accounts().put_bank_account(evil.asks(account)).await.expect("a bank account");
    books.held(evil.uuid(), Held::default()).await;
    let (_, id) = computed(&books, &admin).await;
    let (_, paid) = computed(&books, &admin).await;
    let evil = books.settlement(&admin, evil.uuid(), "2026-02").await.id;
    computed(&books, &admin).await;
    for id in [&id, &paid, &evil] {
        books.confirm(&admin, id, None).await.expect("confirmed");
    }
    books.pay(&admin, &paid, None).await.expect("paid");

    let answer = file(&books, &admin, "2026-02").await.expect("a file");
    assert_eq!(answer.name, "payout-2026-02.csv");
    let text = String::from_utf8(answer.content).expect("UTF-8");
    let text = text.strip_prefix('\u{feff}').expect("a byte order mark");
    let mut rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.remove(0), "은행 코드,계좌번호,예금주,이체 금액,정산 ID");
    rows.sort_unstable();
    let mut expected = [
        format!("088,110123456789,박서준,65760,{id}"),
        format!("088,110123456789,\"'=HYPERLINK(\"\"x\"\")\",65760,{evil}"),
    ];
    expected.sort_unstable();
    assert_eq!(rows, expected);
    let exported: Vec<AdminActed> =
        books.published::<AdminActed>().await.into_iter().filter(|it| it.action == "settlement.exported").collect();
    assert_eq!(exported.len(), 2);
    assert!(exported.iter().all(|it| it.resource_id == id || it.resource_id == evil), "{exported:?}");
}

#[tokio::test]
async fn the_file_for_the_bank_is_for_administrators_who_just_proved_their_password() {
    let books = Books::open().await;
    let admin = books.admin().await;
    let (therapist, id) = computed(&books, &admin).await;
    books.confirm(&admin, &id, None).await.expect("confirmed");
    let late = books.identity.later(&admin, 3600).await;
    let refused = file(&books, &late, "2026-02").await.expect_err("too long ago");
    assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, "STEP_UP_REQUIRED".to_owned()));
    let refused = file(&books, &therapist, "2026-02").await.expect_err("no administrator");
    assert_eq!(reason(&refused), "PERMISSION_DENIED");
    assert_eq!(violations(&file(&books, &admin, "02-2026").await.expect_err("no month")), ["period: not_a_month"]);
    assert!(!acts(&books).await.contains(&"settlement.exported".to_owned()), "nobody saw anything");
    let empty = file(&books, &admin, "2026-01").await.expect("a file").content;
    assert_eq!(String::from_utf8(empty).expect("UTF-8").lines().count(), 1);
}

#[tokio::test]
async fn the_account_of_somebody_who_is_gone_is_kept_until_they_are_paid() {
    let books = Books::open().await;
    let admin = books.admin().await;
    let (therapist, id) = computed(&books, &admin).await;
    let gone = books.therapist().await;
    books.has_account(&gone, "110123456780").await;
    // Held, paid for and never reported: it will never settle.
    books.held(gone.uuid(), Held { reported: None, ..Held::default() }).await;
    let close = "UPDATE therapist_bank_accounts SET closed_at = now()";
    sqlx::query(close).execute(books.database()).await.expect("their accounts are deleted");
    let kept = async |therapist: &Person| {
        let kept = "SELECT EXISTS (SELECT FROM therapist_bank_accounts WHERE therapist_id = $1)";
        sqlx::query_scalar::<_, bool>(kept).bind(therapist.uuid()).fetch_one(books.database()).await.expect("asked")
    };
    eventually("nothing is open of one", async || !kept(&gone).await).await;
    assert!(kept(&therapist).await, "the other has a settlement that is not paid");

    books.confirm(&admin, &id, None).await.expect("confirmed");
    assert!(file(&books, &admin, "2026-02").await.is_ok());
    books.pay(&admin, &id, None).await.expect("paid");
    eventually("nothing is open of the other", async || !kept(&therapist).await).await;
    let copy: Option<Vec<u8>> = sqlx::query_scalar("SELECT bank_account FROM settlements WHERE id = $1::uuid")
        .bind(&id)
        .fetch_one(books.database())
        .await
        .expect("asked");
    assert_eq!(copy, None, "nor a copy of it");
    assert_eq!(books.get(&admin, &id).await.expect("the settlement").final_amount, 65_760);
}

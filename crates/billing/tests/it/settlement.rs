//! What a settlement says of a month, and who sees it.

use aipoten_proto::billing::v1::{
    ListSettlementsRequest, PayeeKind, PutBankAccountRequest, SearchSettlementsRequest, Settlement, SettlementLineKind,
    SettlementLineStatus, SettlementStatus,
};
use aipoten_proto::common::v1::AdminActed;
use tonic::Code;
use uuid::Uuid;

use crate::books::{Books, Held, bank_account, reason, violations};

/// Sessions, fees, platform's part, therapist's part.
fn sums(settlement: &Settlement) -> (i32, i64, i64, i64) {
    let it = settlement;
    (it.settled_sessions, it.total_session_fee, it.total_platform_fee, it.settlement_amount)
}

/// Debt, both taxes, what is left.
fn result(settlement: &Settlement) -> (i64, i64, i64, i64) {
    assert_eq!(settlement.withholding_tax, settlement.income_tax + settlement.local_tax);
    (settlement.carried_debt, settlement.income_tax, settlement.local_tax, settlement.final_amount)
}

fn line_of(settlement: &Settlement, session: Uuid) -> (SettlementLineKind, i64, i64, i64, SettlementLineStatus) {
    let line = settlement.lines.iter().find(|line| line.consultation_id == session.to_string()).expect("a line");
    (line.kind(), line.session_fee, line.platform_fee, line.net_amount, line.settlement_status())
}

#[tokio::test]
async fn a_month_settles_what_was_held_missed_and_cancelled_late() {
    use SettlementLineKind::{LateCancel, NoShow, Session};
    use SettlementLineStatus::{PendingReport, Settled};
    let books = Books::open().await;
    let (admin, therapist) = (books.admin().await, Uuid::now_v7());
    let held = books.held(therapist, Held::default()).await;
    let missed = books.held(therapist, Held { outcome: "no_show", at: "2026-02-05 10:00", ..Held::default() }).await;
    let late = Held { outcome: "cancelled", at: "2026-02-28 23:59", fee: 72_001, refunded: 36_001, ..Held::default() };
    let late = books.held(therapist, late).await;
    let unreported = Held { at: "2026-02-10 10:00", reported: None, ..Held::default() };
    let unreported = books.held(therapist, unreported).await;
    // Nothing is left of one, the other is of the next month.
    books.held(therapist, Held { outcome: "cancelled", refunded: 80_000, ..Held::default() }).await;
    books.held(therapist, Held { outcome: "no_show", at: "2026-03-01 00:00", ..Held::default() }).await;

    let run = books.run(&admin, "2026-02").await;
    assert_eq!((run.period.as_str(), run.settlements, run.created), ("2026-02", 1, 1));
    let settlement = books.settlement(&admin, therapist, "2026-02").await;
    assert_eq!(run.final_amount, settlement.final_amount);
    assert_eq!(settlement.settlement_period_start, "2026-02-01");
    assert_eq!(settlement.settlement_period_end, "2026-02-28");
    assert_eq!((settlement.total_sessions, settlement.pending_sessions), (4, 1));
    assert_eq!(sums(&settlement), (3, 196_000, 29_400, 166_600));
    assert_eq!(result(&settlement), (0, 4_990, 490, 161_120));
    assert_eq!((settlement.status(), settlement.bank_account.as_deref()), (SettlementStatus::Pending, None));

    assert_eq!(line_of(&settlement, held), (Session, 80_000, 12_000, 68_000, Settled));
    assert_eq!(line_of(&settlement, missed), (NoShow, 80_000, 12_000, 68_000, Settled));
    assert_eq!(line_of(&settlement, late), (LateCancel, 36_000, 5_400, 30_600, Settled));
    assert_eq!(line_of(&settlement, unreported), (Session, 80_000, 12_000, 68_000, PendingReport));
    let order: Vec<i64> = settlement.lines.iter().map(|line| line.occurred_at.expect("a time").seconds).collect();
    assert!(order.is_sorted(), "by their time: {order:?}");

    let balances = books.balances().await;
    assert_eq!(balances["therapist_payable"], -166_600);
    // An eleventh of each fee: 1,091 twice, and 491.
    assert_eq!((balances["platform_fee"], balances["vat_payable"]), (-29_400 + 2_673, -2_673));
    assert_eq!(balances["customer_prepaid"], -160_000, "of the sessions that are not settled");

    let acts = books.published::<AdminActed>().await;
    let expected = AdminActed {
        actor_id: admin.id.clone(),
        action: "settlement.computed".to_owned(),
        resource: "settlement".to_owned(),
        resource_id: settlement.id.clone(),
    };
    assert_eq!(acts, [expected]);

    let again = books.run(&admin, "2026-02").await;
    assert_eq!((again.settlements, again.created, again.final_amount), (1, 0, run.final_amount));
    assert_eq!(books.settlement(&admin, therapist, "2026-02").await, settlement, "a settlement never changes");
    assert_eq!(books.balances().await, balances);
}

#[tokio::test]
async fn a_late_report_settles_in_the_month_it_is_handed_in() {
    let books = Books::open().await;
    let (admin, therapist) = (books.admin().await, Uuid::now_v7());
    let late = Held { at: "2026-02-27 10:00", reported: Some("2026-03-01 00:00"), ..Held::default() };
    let late = books.held(therapist, late).await;
    books.run(&admin, "2026-02").await;
    let february = books.settlement(&admin, therapist, "2026-02").await;
    assert_eq!((sums(&february), result(&february)), ((0, 0, 0, 0), (0, 0, 0, 0)));
    assert_eq!((february.total_sessions, february.pending_sessions), (1, 1));
    let line = &february.lines[0];
    assert_eq!((line.settlement_status(), line.report_submitted_at), (SettlementLineStatus::PendingReport, None));

    books.run(&admin, "2026-03").await;
    let march = books.settlement(&admin, therapist, "2026-03").await;
    assert_eq!(sums(&march), (1, 80_000, 12_000, 68_000));
    assert_eq!(line_of(&march, late).4, SettlementLineStatus::Settled);
    assert!(march.lines[0].report_submitted_at.is_some());
    // A session without a report is listed in its own month alone.
    books.held(therapist, Held { at: "2026-02-20 10:00", reported: None, ..Held::default() }).await;
    books.held(therapist, Held { at: "2026-04-20 10:00", reported: Some("2026-04-20 12:00"), ..Held::default() }).await;
    books.run(&admin, "2026-04").await;
    assert_eq!(books.settlement(&admin, therapist, "2026-04").await.total_sessions, 1);
}

#[tokio::test]
async fn a_debt_is_taken_off_the_oldest_settlements_first_and_taxes_are_on_the_rest() {
    let books = Books::open().await;
    let (admin, therapist) = (books.admin().await, Uuid::now_v7());
    books.owes(therapist, 100_000).await;
    for month in ["2026-02", "2026-03", "2026-04"] {
        let (at, reported) = (format!("{month}-10 10:00"), format!("{month}-10 12:00"));
        books.held(therapist, Held { at: &at, reported: Some(&reported), ..Held::default() }).await;
        books.run(&admin, month).await;
    }
    let mut results = Vec::new();
    for month in ["2026-02", "2026-03", "2026-04"] {
        results.push(result(&books.settlement(&admin, therapist, month).await));
    }
    assert_eq!(results, [(68_000, 0, 0, 0), (32_000, 1_080, 100, 34_820), (0, 2_040, 200, 65_760)]);
    let balances = books.balances().await;
    assert_eq!(balances.get("therapist_receivable"), None, "nothing is owed any more");
    assert_eq!(balances["therapist_payable"], -(3 * 68_000 - 100_000));
}

#[tokio::test]
async fn a_disputed_session_waits_until_it_is_decided_and_what_was_given_back_is_not_settled() {
    let books = Books::open().await;
    let (admin, therapist) = (books.admin().await, Uuid::now_v7());
    let open = books.held(therapist, Held { disputed: true, ..Held::default() }).await;
    let whole = Held { disputed: true, decided: true, refunded: 80_000, ..Held::default() };
    books.held(therapist, whole).await;
    let half = Held { disputed: true, decided: true, refunded: 40_000, ..Held::default() };
    let half = books.held(therapist, half).await;
    let missed = Held { outcome: "no_show", disputed: true, ..Held::default() };
    let missed = books.held(therapist, missed).await;
    books.run(&admin, "2026-02").await;
    let february = books.settlement(&admin, therapist, "2026-02").await;
    assert_eq!((february.total_sessions, sums(&february)), (1, (1, 40_000, 6_000, 34_000)));
    assert_eq!(line_of(&february, half).1, 40_000);

    for session in [open, missed] {
        sqlx::query("UPDATE sessions SET dispute_decided_at = now() WHERE consultation_id = $1")
            .bind(session)
            .execute(books.database())
            .await
            .expect("decided");
    }
    assert_eq!(books.run(&admin, "2026-02").await.created, 0, "what came later waits for the next run");
    books.run(&admin, "2026-03").await;
    let march = books.settlement(&admin, therapist, "2026-03").await;
    assert_eq!(sums(&march), (2, 160_000, 24_000, 136_000));
}

#[tokio::test]
async fn what_was_not_paid_for_is_not_settled() {
    let books = Books::open().await;
    let (admin, therapist) = (books.admin().await, Uuid::now_v7());
    books.held(therapist, Held::default()).await;
    sqlx::query("UPDATE payments SET reversed_at = now()")
        .execute(books.database())
        .await
        .expect("a deposit taken back");
    assert_eq!(books.run(&admin, "2026-02").await.settlements, 0);
    sqlx::query("UPDATE payments SET reversed_at = NULL").execute(books.database()).await.expect("paid again");
    assert_eq!(books.run(&admin, "2026-02").await.created, 1, "whom a run left out is settled by the next");
    assert_eq!(books.settlement(&admin, therapist, "2026-02").await.settlement_amount, 68_000);
}

#[tokio::test]
async fn nothing_is_withheld_from_a_business_and_penalties_are_not_the_therapists() {
    let books = Books::open().await;
    let (admin, therapist) = (books.admin().await, books.therapist().await);
    let business = PutBankAccountRequest {
        payee_kind: Some(PayeeKind::Business.into()),
        business_number: Some("1208147521".to_owned()),
        ..bank_account()
    };
    books.bank_accounts().put_bank_account(therapist.asks(business)).await.expect("a bank account");
    books.held(therapist.uuid(), Held::default()).await;
    // The end of a package: half of it came back, a tenth stays with the platform.
    let ended = Held { outcome: "cancelled", refunded: 40_000, penalty: 8_000, ..Held::default() };
    books.held(therapist.uuid(), ended).await;
    books.run(&admin, "2026-02").await;
    let settlement = books.settlement(&admin, therapist.uuid(), "2026-02").await;
    assert_eq!(sums(&settlement), (2, 112_000, 16_800, 95_200));
    assert_eq!(result(&settlement), (0, 0, 0, 95_200));
}

#[tokio::test]
async fn the_policy_at_the_end_of_the_month_says_what_is_withheld_and_where_the_value_added_tax_comes_from() {
    let books = Books::open().await;
    let (admin, therapist) = (books.admin().await, Uuid::now_v7());
    let changes = [
        "UPDATE settlement_policies SET valid_to = '2026-03-01 00:00+09'",
        "INSERT INTO settlement_policies VALUES (gen_random_uuid(), '2026-03-01 00:00+09', NULL, 500, 1000, 1, 0, 'added', 1000)",
    ];
    for change in changes {
        sqlx::query(change).execute(books.database()).await.expect("a policy");
    }
    books.held(therapist, Held::default()).await;
    books.held(therapist, Held { at: "2026-03-03 10:00", reported: Some("2026-03-03 12:00"), ..Held::default() }).await;
    books.run(&admin, "2026-02").await;
    books.run(&admin, "2026-03").await;
    let february = books.settlement(&admin, therapist, "2026-02").await;
    assert_eq!((sums(&february), result(&february)), ((1, 80_000, 12_000, 68_000), (0, 2_040, 200, 65_760)));
    let march = books.settlement(&admin, therapist, "2026-03").await;
    assert_eq!((sums(&march), result(&march)), ((1, 80_000, 13_200, 66_800), (0, 3_340, 334, 63_126)));
    let balances = books.balances().await;
    assert_eq!((balances["platform_fee"], balances["vat_payable"]), (-10_909 - 12_000, -1_091 - 1_200));
}

#[tokio::test]
async fn a_therapist_sees_their_own_settlements_and_nobody_elses() {
    let books = Books::open().await;
    let (admin, therapist, other) = (books.admin().await, books.therapist().await, books.therapist().await);
    let parent = books.identity.parent().await;
    books.held(therapist.uuid(), Held::default()).await;
    books
        .held(therapist.uuid(), Held { at: "2026-03-03 10:00", reported: Some("2026-03-04 10:00"), ..Held::default() })
        .await;
    books.held(other.uuid(), Held::default()).await;
    books.run(&admin, "2026-02").await;
    books.run(&admin, "2026-03").await;

    let list = |page: i32, limit: i32| ListSettlementsRequest { page: Some(page), limit: Some(limit) };
    let own = books.settlements().list_settlements(therapist.asks(list(1, 20))).await.expect("a list").into_inner();
    let months: Vec<&str> = own.settlements.iter().map(|it| it.settlement_period_start.as_str()).collect();
    assert_eq!(months, ["2026-03-01", "2026-02-01"], "the newest month first");
    assert!(own.settlements.iter().all(|it| it.therapist_id == therapist.id && it.lines.is_empty()));
    assert_eq!(own.page_info.expect("where it stands").total, 2);
    let second = books.settlements().list_settlements(therapist.asks(list(2, 1))).await.expect("a list").into_inner();
    assert_eq!(second.settlements[0].settlement_period_start, "2026-02-01");
    let beyond = books.settlements().list_settlements(therapist.asks(list(0, 101))).await.expect_err("out of bounds");
    assert_eq!(violations(&beyond), ["limit: out_of_range min=1 max=100", "page: out_of_range min=1 max=10000"]);
    let refused = books.settlements().list_settlements(parent.asks(list(1, 20))).await.expect_err("no parent");
    assert_eq!(refused.code(), Code::PermissionDenied);

    let id = &own.settlements[1].id;
    assert_eq!(books.get(&therapist, id).await.expect("their own"), books.get(&admin, id).await.expect("anybody's"));
    assert_eq!(books.get(&other, id).await.expect_err("somebody else's").code(), Code::NotFound);
    assert_eq!(books.get(&parent, id).await.expect_err("no parent").code(), Code::PermissionDenied);
    assert_eq!(books.get(&admin, &Uuid::now_v7().to_string()).await.expect_err("no such").code(), Code::NotFound);
    let nonsense = books.get(&admin, "17").await.expect_err("no id");
    assert_eq!(violations(&nonsense), ["settlement_id: not_a_uuid"]);
}

#[tokio::test]
async fn an_administrator_finds_settlements_by_month_therapist_and_status() {
    let books = Books::open().await;
    let (admin, therapist) = (books.admin().await, books.therapist().await);
    let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
    for id in [one, two] {
        books.held(id, Held::default()).await;
    }
    books.held(one, Held { at: "2026-03-03 10:00", reported: Some("2026-03-04 10:00"), ..Held::default() }).await;
    books.owes(two, 68_000).await;
    books.run(&admin, "2026-02").await;
    books.run(&admin, "2026-03").await;
    let settled = books.settlement(&admin, two, "2026-02").await;
    books.confirm(&admin, &settled.id, None).await.expect("nothing is transferred, so no account is needed");

    let all = SearchSettlementsRequest::default();
    let found = async |search: SearchSettlementsRequest| {
        let found = books.search(&admin, search).await;
        assert_eq!(
            found.page_info.expect("where it stands").total,
            i64::try_from(found.settlements.len()).expect("few")
        );
        found.settlements.len()
    };
    assert_eq!(found(all.clone()).await, 3);
    assert_eq!(found(SearchSettlementsRequest { period: Some("2026-02".to_owned()), ..all.clone() }).await, 2);
    assert_eq!(found(SearchSettlementsRequest { therapist_id: Some(one.to_string()), ..all.clone() }).await, 2);
    let confirmed = Some(SettlementStatus::Confirmed.into());
    assert_eq!(found(SearchSettlementsRequest { status: confirmed, ..all.clone() }).await, 1);

    let wrong = SearchSettlementsRequest {
        period: Some("2026-2".to_owned()),
        status: Some(SettlementStatus::Unspecified.into()),
        therapist_id: Some("me".to_owned()),
        ..all.clone()
    };
    let refused = books.settlements().search_settlements(admin.asks(wrong)).await.expect_err("nonsense");
    assert_eq!(violations(&refused), ["period: not_a_month", "status: required", "therapist_id: not_a_uuid"]);
    let refused = books.settlements().search_settlements(therapist.asks(all)).await.expect_err("no administrator");
    assert_eq!((refused.code(), reason(&refused)), (Code::PermissionDenied, "PERMISSION_DENIED".to_owned()));
}

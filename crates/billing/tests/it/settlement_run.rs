//! Runs that are refused, run at once, or are killed.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use aipoten_proto::billing::v1::RunSettlementsResponse;
use chrono::{Datelike as _, Utc};
use chrono_tz::Asia::Seoul;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tonic::Code;
use uuid::Uuid;

use crate::books::{Books, Held, Person, eventually, reason, violations};

const MONTH: &str = "2026-02";

/// Six therapists, each with sessions of every kind and one with a debt; the same in every world.
async fn filled() -> (Books, Person, Vec<Uuid>) {
    let books = Books::open().await;
    let admin = books.admin().await;
    let therapists: Vec<Uuid> = (0..6).map(|number| Uuid::from_u128((1 << 64) + number)).collect();
    for therapist in &therapists {
        books.held(*therapist, Held::default()).await;
        books.held(*therapist, Held { at: "2026-02-10 10:00", reported: None, ..Held::default() }).await;
        let late = Held { outcome: "cancelled", at: "2026-02-11 10:00", refunded: 40_000, ..Held::default() };
        books.held(*therapist, late).await;
    }
    books.owes(therapists[1], 10_000).await;
    (books, admin, therapists)
}

/// All that a run leaves, without ids and times of its own.
async fn left(books: &Books) -> (Vec<(Uuid, String, i64)>, Vec<(Uuid, Uuid, i64, String)>, BTreeMap<String, i64>) {
    let settlements = sqlx::query_as(
        "SELECT therapist_id, encode(input_hash, 'hex'), final_amount FROM settlements ORDER BY therapist_id",
    );
    let lines = sqlx::query_as(
        "SELECT s.therapist_id, d.consultation_id, d.net_amount, d.settlement_status
         FROM settlement_details d JOIN settlements s ON s.id = d.settlement_id ORDER BY 1, 2",
    );
    let settlements = settlements.fetch_all(books.database()).await.expect("settlements");
    (settlements, lines.fetch_all(books.database()).await.expect("lines"), books.balances().await)
}

#[tokio::test]
async fn only_an_administrator_settles_and_only_a_month_that_is_over() {
    let books = Books::open().await;
    let (admin, therapist) = (books.admin().await, books.therapist().await);
    let refused = books.try_run(&therapist, MONTH).await.expect_err("no administrator");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let today = Utc::now().with_timezone(&Seoul);
    for month in [format!("{}-{:02}", today.year(), today.month()), "2999-01".to_owned()] {
        let refused = books.try_run(&admin, &month).await.expect_err("not over");
        assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "PERIOD_NOT_OVER".to_owned()));
    }
    for (nonsense, rule) in [("", "required"), ("2026-13", "not_a_month"), ("2026-02-01", "not_a_month")] {
        let refused = books.try_run(&admin, nonsense).await.expect_err("no month");
        assert_eq!(violations(&refused), [format!("period: {rule}")]);
    }
    let run = books.run(&admin, MONTH).await;
    assert_eq!((run.settlements, run.created, run.final_amount), (0, 0, 0));
}

#[tokio::test]
async fn runs_at_once_leave_what_one_leaves() {
    let (calm, admin, therapists) = filled().await;
    assert_eq!(usize::try_from(calm.run(&admin, MONTH).await.created), Ok(therapists.len()));
    let expected = left(&calm).await;

    let (books, admin, _) = filled().await;
    let runs = (0..4).map(|_| books.run(&admin, MONTH));
    let created: i32 = futures::future::join_all(runs).await.iter().map(|run| run.created).sum();
    assert_eq!(usize::try_from(created), Ok(therapists.len()), "each was settled by one of them");
    assert_eq!(left(&books).await, expected);
}

#[tokio::test]
async fn two_months_at_once_take_a_debt_once_and_settle_no_session_twice() {
    let (books, admin, therapists) = filled().await;
    for therapist in &therapists {
        books.owes(*therapist, 50_000).await;
        let next = Held { at: "2026-03-03 10:00", reported: Some("2026-03-04 10:00"), ..Held::default() };
        books.held(*therapist, next).await;
    }
    let (february, march) = tokio::join!(books.run(&admin, MONTH), books.run(&admin, "2026-03"));
    assert!(february.created <= 6 && march.created == 6, "a later month may take an earlier one's sessions");
    let balances = books.balances().await;
    assert_eq!(balances.get("therapist_receivable"), None, "each debt was taken once");
    assert_eq!(balances["therapist_payable"], -(6 * (68_000 + 34_000 + 68_000) - 6 * 50_000 - 10_000));
}

#[tokio::test]
async fn more_therapists_than_one_run_can_settle_in_time_are_settled_by_the_next_ones() {
    let books = Books::open().await;
    let admin = books.admin().await;
    for statement in MANY {
        sqlx::query(statement).execute(books.database()).await.expect("many sessions");
    }
    let done = |run: RunSettlementsResponse| (run.settlements, run.created, run.remaining);
    assert_eq!(done(books.run(&admin, MONTH).await), (500, 500, 3));
    assert_eq!(done(books.run(&admin, MONTH).await), (503, 3, 0));
    assert_eq!(done(books.run(&admin, MONTH).await), (503, 0, 0));
}

/// 503 therapists with a paid session each, and one whose session is disputed: that one never holds up others.
const MANY: [&str; 3] = [
    "INSERT INTO orders (package_id, parent_user_id, therapist_id, total_sessions, original_amount, total_amount, platform_fee_bp)
     SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 80000, 80000, 1500 FROM generate_series(1, 504)",
    "INSERT INTO payments (id, package_id, user_id, therapist_id, payment_type, total_sessions, original_amount, discount_amount,
         total_amount, payment_status, provider, order_id, transaction_id, expires_at, paid_at)
     SELECT package_id, package_id, parent_user_id, therapist_id, 'single_session', 1, 80000, 0, 80000, 'completed', 'sandbox',
         package_id::text, package_id::text, now(), now() FROM orders",
    "INSERT INTO sessions (consultation_id, package_id, therapist_id, session_number, session_fee, platform_fee, outcome, occurred_at,
         report_submitted_at, disputed_at)
     SELECT package_id, package_id, therapist_id, 1, 80000, 12000, 'completed', '2026-02-03 10:00+09', '2026-02-04 10:00+09',
         CASE row_number() OVER (ORDER BY therapist_id) WHEN 1 THEN now() END FROM orders",
];

/// Where a run can be held up, in the order in which it comes there: something else has it locked.
const STEPS: [&str; 8] = [
    "SELECT pg_advisory_xact_lock(hashtextextended('settlement/00000000-0000-0001-0000-000000000002', 0))",
    "SELECT FROM payments WHERE therapist_id = '00000000-0000-0001-0000-000000000002' FOR UPDATE",
    "SELECT FROM sessions WHERE therapist_id = '00000000-0000-0001-0000-000000000002' FOR UPDATE",
    "LOCK TABLE settlements IN SHARE MODE",
    "LOCK TABLE settlement_details IN SHARE MODE",
    "LOCK TABLE journals IN SHARE MODE",
    "LOCK TABLE journal_entries IN SHARE MODE",
    "LOCK TABLE outbox IN SHARE MODE",
];

#[tokio::test]
async fn a_run_that_is_killed_at_any_step_leaves_whole_settlements_and_the_next_ones_do_the_rest() {
    let (calm, admin, _) = filled().await;
    calm.run(&admin, MONTH).await;
    let expected = left(&calm).await;

    let (books, admin, _) = filled().await;
    let mut killer = as_the_service(&books).await;
    for step in STEPS {
        let mut gate = books.database().begin().await.expect("a transaction");
        sqlx::query(step).execute(&mut *gate).await.expect("locked");
        let (died, ()) = tokio::join!(books.try_run(&admin, MONTH), kill_the_waiting(&mut killer));
        assert_eq!(died.expect_err("killed").code(), Code::Unavailable, "{step}");
        gate.rollback().await.expect("unlocked");
        let (settlements, lines, balances) = left(&books).await;
        assert_eq!(settlements, expected.0[..2], "the first two are whole, and nothing of the third is there: {step}");
        assert_eq!(lines.len(), 2 * 3, "{step}");
        assert_eq!(balances["therapist_payable"], -(2 * (68_000 + 34_000) - 10_000), "{step}");
    }
    assert_eq!(books.run(&admin, MONTH).await.created, 4);
    assert_eq!(left(&books).await, expected);
}

/// A connection of the role that may end the service's own.
async fn as_the_service(books: &Books) -> PgConnection {
    let options = PgConnectOptions::from_str(&books.billing_database.owner_url()).expect("an address");
    options.username("aipoten_app").connect().await.expect("connected")
}

/// Ends whoever of the service waits for a lock.
async fn kill_the_waiting(killer: &mut PgConnection) {
    eventually("the run waits, and its connection is ended", async || {
        let killed: Option<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND usename = current_user AND wait_event_type = 'Lock'",
        )
        .fetch_optional(&mut *killer)
        .await
        .expect("asked");
        killed == Some(true)
    })
    .await;
}

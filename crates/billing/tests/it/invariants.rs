//! Each invariant can fail: what it guards is broken as the owner of the database, past every constraint.

use crate::planted::{Order, Split, Tables, Told};

/// Name of the invariant, and how it is broken. `$1` in a statement stands for the order's payment.
const BREAKS: [(&str, &[&str]); 22] = [
    (
        "every journal sums to 0",
        &[
            "ALTER TABLE journal_entries DISABLE TRIGGER USER",
            "UPDATE journal_entries SET amount = amount + 1
             WHERE account_id IN (SELECT id FROM accounts WHERE kind = 'provider_fee')",
        ],
    ),
    (
        "all entries sum to 0",
        &["ALTER TABLE journal_entries DISABLE TRIGGER USER", "UPDATE journal_entries SET amount = amount + 1"],
    ),
    (
        "a payment is booked while it is here, and not otherwise",
        &["UPDATE payments SET reversed_at = now() WHERE refunded_amount = 0"],
    ),
    (
        "what is paid ahead is what the sessions to settle are worth",
        &["UPDATE sessions SET cancellation_fee = cancellation_fee + 1 WHERE outcome = 'no_show'"],
    ),
    ("what is on its way back is what the open refunds say", &["UPDATE refunds SET refund_amount = refund_amount - 1"]),
    (
        "what therapists are owed is what their settlements say",
        &["UPDATE settlements SET status = 'paid', confirmed_at = now(), paid_at = now()"],
    ),
    (
        "captured less paid back is what the provider holds",
        &["UPDATE refunds SET refund_status = 'completed', next_at = NULL, processed_at = now()
             WHERE refund_status = 'processing'"],
    ),
    ("the sessions of an order add up to its price", &["UPDATE sessions SET session_fee = session_fee + 1"]),
    (
        "no payment is unknown for a day without a case",
        &["UPDATE payments SET unknown_since = now() - interval '25 hours'"],
    ),
    (
        "no payment is past its deadline",
        &[
            "UPDATE payments SET payment_status = 'confirming', paid_at = NULL, transaction_id = NULL WHERE refunded_amount = 0",
        ],
    ),
    (
        "refunds never exceed what was captured",
        &["ALTER TABLE refunds DISABLE TRIGGER USER", "UPDATE refunds SET refund_amount = 1000000"],
    ),
    (
        "what goes back of a session is what its refund says",
        &["UPDATE sessions SET refunded_amount = refunded_amount - 1
         WHERE refunded_amount > 0"],
    ),
    (
        "every refund is booked when it is decided and when it is done",
        &["UPDATE refunds SET refund_status = 'processing', next_at = now() WHERE refund_status = 'requested'"],
    ),
    (
        "no event pays back twice",
        &[
            "ALTER TABLE refunds DROP CONSTRAINT refunds_once",
            "UPDATE refunds SET source_event = (SELECT source_event FROM refunds LIMIT 1)",
        ],
    ),
    (
        "a disputed session waits for its decision",
        &["UPDATE refunds SET refund_status = 'rejected', processed_at = now() WHERE refund_status = 'requested'"],
    ),
    (
        "no refund is past its deadline",
        &["UPDATE refunds SET next_at = now() - interval '11 minutes' WHERE refund_status = 'processing'"],
    ),
    (
        "each session settles at most once, and is booked when it does",
        &["UPDATE settlement_details SET session_fee = session_fee - 1, net_amount = net_amount - 1"],
    ),
    ("a held session settles only when it is reported", &["UPDATE sessions SET report_submitted_at = NULL"]),
    (
        "a disputed session settles only when it is decided",
        &["UPDATE refunds SET consultation_id = (SELECT consultation_id FROM settlement_details LIMIT 1),
             requested_at = now() - interval '1 day' WHERE refund_reason = 'dispute'"],
    ),
    (
        "fee and net are the price, and no more settles than is left",
        &[
            "UPDATE sessions SET cancellation_fee = 1 WHERE consultation_id IN (SELECT consultation_id FROM settlement_details)",
        ],
    ),
    (
        "a payout is its lines less taxes and carried debt",
        &["UPDATE settlements SET total_session_fee = total_session_fee + 1, settlement_amount = settlement_amount + 1,
             final_amount = final_amount + 1"],
    ),
    (
        "no erasure waits for its money for two months",
        &["INSERT INTO erasures (user_id, begun_at) VALUES (gen_random_uuid(), now() - interval '61 days')"],
    ),
];

/// A session of every fate: held and settled, missed, disputed, cancelled, open.
async fn lived_in() -> Tables {
    let tables = Tables::new().await;
    let order = tables.paid(&[72_000; 5]).await;
    for event in [
        Told::completed(&order, 0),
        Told::reported(&order, 0),
        Told::no_show(&order, 1),
        Told::completed(&order, 2),
        Told::disputed(&order, 2),
        Told::cancelled(&order, 3, Split { refund: 36_000, settled: 36_000, penalty: 0 }),
    ] {
        event.taken(&tables).await.expect("taken in");
    }
    tables.settle(&order, 0).await;
    book_fee(&tables, &order).await;
    tables
}

async fn book_fee(tables: &Tables, order: &Order) {
    let mut tx = tables.database.pool.begin().await.expect("a transaction");
    let source = format!("provider_payout:sandbox:{}:2026-01-01", order.payment_id);
    let entries = [("provider_fee", None, 500), ("provider_receivable", Some("sandbox".to_owned()), -500)];
    crate::planted::book(&mut tx, "provider_payout", &source, &entries).await;
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn each_invariant_holds_and_tells_when_it_is_broken() {
    let tables = lived_in().await;
    assert_eq!(tables.broken().await, [""; 0]);
    let mut conn = tables.database.pool.acquire().await.expect("a connection");
    let names: Vec<&str> =
        aipoten_billing::check_invariants(&mut conn).await.expect("checked").into_iter().map(|it| it.name).collect();
    let broken: Vec<&str> = BREAKS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, broken, "every invariant is broken below, in the order in which they are told");

    for (name, statements) in BREAKS {
        let mut tx = tables.database.pool.begin().await.expect("a transaction");
        for statement in statements {
            sqlx::query(*statement).execute(&mut *tx).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let found = aipoten_billing::check_invariants(&mut tx).await.expect("checked");
        let told: Vec<&str> = found.iter().filter(|it| !it.broken.is_empty()).map(|it| it.name).collect();
        assert!(told.contains(&name), "{name}: {told:?}");
        tx.rollback().await.expect("as before");
    }
}

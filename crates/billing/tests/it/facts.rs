//! What matching tells of sessions, in any order and twice.

use aipoten_billing::consumers;
use aipoten_proto::identity::v1::UserDeleted;
use uuid::Uuid;

use crate::planted::{Failed, Split, Tables, Told};
use crate::world::delivered;

const OUTCOME: &str = "SELECT outcome FROM sessions WHERE consultation_id = $1";
const FACTS: &str = "SELECT concat_ws(' ', outcome, CASE WHEN report_submitted_at IS NOT NULL THEN 'reported' END,
     CASE WHEN disputed_at IS NOT NULL THEN 'disputed' END, CASE WHEN dispute_decided_at IS NOT NULL THEN 'decided' END)
     FROM sessions WHERE consultation_id = $1";
const ACCOUNTS: &str =
    "SELECT num_nonnulls(client_secret, virtual_account, refund_account)::bigint FROM payments WHERE id = $1";

#[tokio::test]
async fn facts_of_a_session_come_in_any_order_and_twice() {
    let tables = Tables::new().await;
    let order = tables.paid(&[72_000, 72_000]).await;
    let (held, missed) = (order.sessions[0].0, order.sessions[1].0);
    let events = [
        Told::reported(&order, 0),
        Told::disputed(&order, 0),
        Told::disputed(&order, 1),
        Told::completed(&order, 0),
        Told::no_show(&order, 1),
    ];
    for event in events.iter().chain(&events) {
        event.taken(&tables).await.expect("taken in");
    }
    assert_eq!(tables.value::<String>(FACTS, held).await, "completed reported disputed");
    assert_eq!(tables.value::<String>(FACTS, missed).await, "no_show disputed");
    let asked = |id| (72_000, "requested".to_owned(), Some(id));
    assert_eq!(tables.refunds(order.payment_id).await, [asked(held), asked(missed)]);
    assert_eq!(tables.broken().await, [""; 0]);
}

#[tokio::test]
async fn an_amended_report_leaves_when_it_was_handed_in() {
    let tables = Tables::new().await;
    let order = tables.paid(&[80_000]).await;
    let at = "SELECT report_submitted_at::text FROM sessions WHERE consultation_id = $1";
    Told::reported(&order, 0).taken(&tables).await.expect("taken in");
    let first: String = tables.value(at, order.sessions[0].0).await;
    Told::reported(&order, 0).taken(&tables).await.expect("taken in");
    assert_eq!(tables.value::<String>(at, order.sessions[0].0).await, first);
}

#[tokio::test]
async fn what_is_told_of_a_session_that_nobody_ordered_yet_waits() {
    let (tables, elsewhere) = (Tables::new().await, Tables::new().await);
    let order = elsewhere.paid(&[72_000]).await;
    let all_back = Split { refund: 72_000, settled: 0, penalty: 0 };
    for event in [
        Told::completed(&order, 0),
        Told::no_show(&order, 0),
        Told::reported(&order, 0),
        Told::disputed(&order, 0),
        Told::cancelled(&order, 0, all_back),
        Told::refused(&order, order.payment_id),
    ] {
        assert_eq!(event.taken(&tables).await, Err(Failed::NotYet), "{event:?}");
    }
}

#[tokio::test]
async fn two_fates_of_one_session_and_another_price_than_the_ordered_one_are_refused_with_a_clear_text() {
    let tables = Tables::new().await;
    let order = tables.paid(&[72_000]).await;
    Told::completed(&order, 0).taken(&tables).await.expect("taken in");
    let Err(Failed::For(text)) = Told::no_show(&order, 0).taken(&tables).await else { panic!("a refusal expected") };
    assert_eq!(text, "a session is told to be NoShow that was Completed");
    let mut dear = order.clone();
    dear.sessions[0].1 = 72_001;
    let Err(Failed::For(text)) = Told::completed(&dear, 0).taken(&tables).await else { panic!("a refusal expected") };
    assert_eq!(text, "a session of 72001 won is told, and 72000 won were ordered");
}

#[tokio::test]
async fn what_names_bank_accounts_of_a_deleted_parent_goes_once_nothing_is_open() {
    let tables = Tables::new().await;
    let (open, over) = (tables.paid(&[72_000]).await, tables.paid(&[72_000]).await);
    Told::completed(&over, 0).taken(&tables).await.expect("taken in");
    for order in [&open, &over] {
        sqlx::query(
            "UPDATE payments SET refund_account = 'x', virtual_account = 'y', client_secret = 'z' WHERE id = $1",
        )
        .bind(order.payment_id)
        .execute(&tables.database.pool)
        .await
        .expect("accounts");
    }
    for order in [&open, &over] {
        delete_parent(&tables, order.parent_id).await;
    }
    assert_eq!(tables.value::<i64>(ACCOUNTS, over.payment_id).await, 0);
    assert_eq!(tables.value::<i64>(ACCOUNTS, open.payment_id).await, 3, "a refund may still come, and need it");

    let all_back = Split { refund: 72_000, settled: 0, penalty: 0 };
    Told::cancelled(&open, 0, all_back).taken(&tables).await.expect("taken in");
    delete_parent(&tables, open.parent_id).await;
    assert_eq!(tables.value::<i64>(ACCOUNTS, open.payment_id).await, 3, "it is on its way");
    let done = "UPDATE refunds SET refund_status = 'completed', next_at = NULL, processed_at = now()";
    sqlx::query(done).execute(&tables.database.pool).await.expect("done");
    delete_parent(&tables, open.parent_id).await;
    assert_eq!(tables.value::<i64>(ACCOUNTS, open.payment_id).await, 0);
    assert_eq!(tables.value::<Option<String>>(OUTCOME, open.sessions[0].0).await.as_deref(), Some("cancelled"));
}

async fn delete_parent(tables: &Tables, id: Uuid) {
    let mut conn = tables.database.pool.acquire().await.expect("a connection");
    let event = delivered(UserDeleted { user_id: id.to_string() });
    consumers::user_deleted(&mut conn, &event).await.expect("taken in");
}

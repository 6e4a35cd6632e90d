//! What goes back of orders: never more than was captured, whatever is told, and the ledger as a naive model has it.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::planted::{Failed, Order, Split, Tables, Told};

#[tokio::test]
async fn the_price_of_a_cancelled_session_goes_where_matching_says() {
    let tables = Tables::new().await;
    let order = tables.paid(&[72_000, 72_000, 72_001]).await;
    let package = Some(order.package_id);
    let splits = [
        Split { refund: 72_000, settled: 0, penalty: 0 },
        Split { refund: 36_000, settled: 36_000, penalty: 0 },
        Split { refund: 60_001, settled: 0, penalty: 12_000 },
    ];
    for (at, split) in splits.into_iter().enumerate() {
        let event = Told::cancelled(&order, at, split);
        for _ in 0..2 {
            event.taken(&tables).await.expect("taken in");
        }
    }
    let amounts: Vec<i64> = tables.refunds(order.payment_id).await.iter().map(|(amount, ..)| *amount).collect();
    assert_eq!(amounts, [72_000, 36_000, 60_001]);
    assert_eq!(tables.balance("refund_clearing", None).await, -168_001);
    assert_eq!(tables.balance("cancellation_fee", None).await, -12_000);
    assert_eq!(tables.balance("customer_prepaid", package).await, -36_000, "the late one settles later");
    assert_eq!(tables.broken().await, [""; 0]);
}

#[tokio::test]
async fn of_a_session_that_was_not_paid_nothing_is_noted() {
    let tables = Tables::new().await;
    let order = tables.ordered(&[72_000]).await;
    let nothing = Split { refund: 0, settled: 0, penalty: 0 };
    Told::cancelled(&order, 0, nothing).taken(&tables).await.expect("taken in");
    let outcome = "SELECT outcome FROM sessions WHERE consultation_id = $1";
    assert_eq!(tables.value::<Option<String>>(outcome, order.sessions[0].0).await, None);
    let all_back = Split { refund: 72_000, settled: 0, penalty: 0 };
    assert_eq!(Told::cancelled(&order, 0, all_back).taken(&tables).await, Err(Failed::NotYet), "it is not paid yet");
}

#[tokio::test]
async fn amounts_that_are_not_the_price_of_the_session_are_refused() {
    let tables = Tables::new().await;
    let order = tables.paid(&[72_000, 72_000]).await;
    for (refund, settled, penalty) in [(72_001, 0, 0), (72_000, 1, 0), (36_000, 35_999, 0), (72_001, 0, -1), (0, 0, 1)]
    {
        let told = Told::cancelled(&order, 0, Split { refund, settled, penalty });
        let Err(Failed::For(text)) = told.taken(&tables).await else { panic!("a refusal expected") };
        assert!(text.contains("of a session of which 72000 won are left"), "{text}");
    }
    assert_eq!(tables.refunds(order.payment_id).await, []);
}

#[tokio::test]
async fn the_database_itself_refuses_more_than_was_captured() {
    let tables = Tables::new().await;
    let order = tables.paid(&[72_000]).await;
    let insert =
        "INSERT INTO refunds (id, payment_id, refund_amount, refund_reason, refund_policy, refund_status, source_event)
         VALUES (gen_random_uuid(), $1, $2, 'platform', 'full', 'requested', gen_random_uuid())";
    let one = |amount: i64| sqlx::query(insert).bind(order.payment_id).bind(amount).execute(&tables.database.pool);
    one(72_000).await.expect("as much as was captured");
    let refused = one(1).await.expect_err("more than was captured").to_string();
    assert!(refused.contains("exceed what was captured"), "{refused}");
}

#[tokio::test]
async fn a_payment_that_matching_refuses_goes_back_whole_and_the_other_one_stays() {
    let tables = Tables::new().await;
    let order = tables.paid(&[72_000, 72_000]).await;
    let second = tables.paid_again(&order).await;
    let all_back = Split { refund: 72_000, settled: 0, penalty: 0 };
    let cancelled = Told::cancelled(&order, 0, all_back);
    assert_eq!(
        cancelled.taken(&tables).await,
        Err(Failed::NotYet),
        "which of the two it is paid with is not known yet"
    );
    let refused = Told::refused(&order, second);
    for _ in 0..2 {
        refused.taken(&tables).await.expect("taken in");
    }
    assert_eq!(tables.refunds(second).await, [(144_000, "processing".to_owned(), None)]);
    cancelled.taken(&tables).await.expect("taken in");
    let of_first = [(72_000, "processing".to_owned(), Some(order.sessions[0].0))];
    assert_eq!(tables.refunds(order.payment_id).await, of_first);
    assert_eq!(tables.balance("customer_prepaid", Some(order.package_id)).await, -72_000);
    assert_eq!(tables.broken().await, [""; 0]);
}

#[tokio::test]
async fn of_a_payment_that_is_refused_when_it_comes_again_what_was_earned_before_stays() {
    let tables = Tables::new().await;
    let order = tables.paid(&[72_000; 4]).await;
    for event in [
        Told::completed(&order, 0),
        Told::disputed(&order, 0),
        Told::cancelled(&order, 1, Split { refund: 36_000, settled: 36_000, penalty: 0 }),
        Told::refused(&order, order.payment_id),
        Told::refused(&order, order.payment_id),
    ] {
        event.taken(&tables).await.expect("taken in");
    }
    let amounts: Vec<i64> = tables.refunds(order.payment_id).await.iter().map(|(amount, ..)| *amount).collect();
    assert_eq!(amounts, [72_000, 36_000, 144_000]);
    assert_eq!(tables.balance("customer_prepaid", Some(order.package_id)).await, -108_000);
    assert_eq!(tables.broken().await, [""; 0]);
}

/// What becomes of a session.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Open,
    Held,
    Missed,
    Disputed,
    /// Parts of the price that go back and to the platform, in thousandths; the rest is the therapist's.
    Cancelled(i64, i64),
}

fn fate() -> impl Strategy<Value = Fate> {
    let parts =
        (0_i64..=1000, 0_i64..=1000).prop_map(|(back, kept)| Fate::Cancelled(back, kept * (1000 - back) / 1000));
    prop_oneof![Just(Fate::Open), Just(Fate::Held), Just(Fate::Missed), Just(Fate::Disputed), parts.clone(), parts]
}

/// The accounts that refunds move, as somebody with a sheet of paper would keep them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Paper {
    prepaid: i64,
    clearing: i64,
    penalties: i64,
}

fn told(order: &Order, at: usize, fate: Fate, paper: &mut Paper) -> Vec<Told> {
    let price = order.sessions[at].1;
    match fate {
        Fate::Open => Vec::new(),
        Fate::Held => vec![Told::completed(order, at), Told::reported(order, at)],
        Fate::Missed => vec![Told::no_show(order, at)],
        Fate::Disputed => vec![Told::disputed(order, at), Told::completed(order, at)],
        Fate::Cancelled(back, kept) => {
            let (refund, penalty) = (price * back / 1000, price * kept / 1000);
            *paper = Paper {
                prepaid: paper.prepaid - refund - penalty,
                clearing: paper.clearing + refund,
                penalties: paper.penalties + penalty,
            };
            vec![Told::cancelled(order, at, Split { refund, settled: price - refund - penalty, penalty })]
        }
    }
}

/// Random orders in one database: each event comes twice and in any order, and some before the payment.
#[tokio::test]
async fn whatever_becomes_of_random_orders_the_ledger_is_as_on_paper_and_nothing_exceeds_what_was_captured() {
    let tables = Tables::new().await;
    let orders = (proptest::collection::vec((1_i64..=1_000_000, fate()), 1..=12), any::<bool>());
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let mut totals = HashMap::from([("refund_clearing", 0), ("cancellation_fee", 0)]);
    for _ in 0..40 {
        let (sessions, early) = orders.new_tree(&mut runner).expect("an order").current();
        let prices: Vec<i64> = sessions.iter().map(|(price, _)| *price).collect();
        let order = tables.ordered(&prices).await;
        let mut paper = Paper { prepaid: prices.iter().sum(), ..Paper::default() };
        let fates = sessions.iter().enumerate();
        let events: Vec<Told> = fates.flat_map(|(at, (_, fate))| told(&order, at, *fate, &mut paper)).collect();
        let events: Vec<Told> = [events.clone(), events].concat();
        let shuffled = Just(events).prop_shuffle().new_tree(&mut runner).expect("an order of them").current();
        take_all(&tables, &order, &shuffled, early).await;

        let package = Some(order.package_id);
        let prepaid = -tables.balance("customer_prepaid", package).await;
        assert_eq!(prepaid, paper.prepaid, "{sessions:?}");
        *totals.entry("refund_clearing").or_default() -= paper.clearing;
        *totals.entry("cancellation_fee").or_default() -= paper.penalties;
        for (account, expected) in &totals {
            assert_eq!(tables.balance(account, None).await, *expected, "{account}: {sessions:?}");
        }
    }
    assert_eq!(tables.broken().await, [""; 0]);
}

/// As the queue does it: what cannot be taken in yet is tried again.
async fn take_all(tables: &Tables, order: &Order, events: &[Told], early: bool) {
    let mut waiting: Vec<&Told> = Vec::new();
    if !early {
        tables.pay(order, order.payment_id).await;
    }
    for event in events {
        match event.taken(tables).await {
            Ok(()) => {}
            Err(Failed::NotYet) => waiting.push(event),
            Err(Failed::For(text)) => panic!("{text}: {event:?}"),
        }
    }
    if early {
        tables.pay(order, order.payment_id).await;
    }
    for event in waiting {
        event.taken(tables).await.expect("it could be taken in by now");
    }
}

use aipoten_billing::provider::{Name, Transaction};
use aipoten_kit::Won;
use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::world::{AMOUNT, World, declined, new_refund, succeeded};

fn amounts(mut transactions: Vec<Transaction>) -> Vec<(String, Won)> {
    transactions.sort_by_key(|it| (it.order_id.clone(), it.at, -it.amount.0));
    transactions.into_iter().map(|it| (it.order_id, it.amount)).collect()
}

#[tokio::test]
async fn all_that_moved_between_two_moments_is_listed_once() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let from = Utc::now() - TimeDelta::seconds(1);
        let mut expected = Vec::new();
        for _ in 0..3 {
            let charge = world.charged().await;
            succeeded(world.provider().refund(&new_refund(&charge, 1_000)).await);
            expected.extend([(charge.order_id.clone(), Won(AMOUNT)), (charge.order_id, Won(-1_000))]);
        }
        world.authorized("card", "approve").await;
        expected.sort();
        let to = Utc::now() + TimeDelta::seconds(2);
        let mut listed = amounts(succeeded(world.provider().list_transactions(from, to).await));
        listed.sort();
        assert_eq!(listed, expected, "{name:?}");
        let before = world.provider().list_transactions(from - TimeDelta::hours(1), from).await;
        assert!(succeeded(before).is_empty(), "{name:?}");
    }
}

#[tokio::test]
async fn an_account_that_nobody_deposited_to_moved_nothing_and_a_deposit_taken_back_moved_twice() {
    let world = World::new(Name::Toss).await;
    let from = Utc::now() - TimeDelta::seconds(1);
    let given_up = world.authorized("virtual_account", "approve").await;
    let waiting = succeeded(world.provider().confirm(&given_up).await);
    succeeded(world.provider().refund(&new_refund(&waiting, AMOUNT)).await);
    let reversed = world.authorized("virtual_account", "approve").await;
    succeeded(world.provider().confirm(&reversed).await);
    for what in ["deposit", "deposit-reversal"] {
        world.control(what, &json!({ "order_id": reversed.order_id })).await;
    }
    let listed = succeeded(world.provider().list_transactions(from, Utc::now() + TimeDelta::seconds(2)).await);
    let order = reversed.order_id;
    assert_eq!(amounts(listed), [(order.clone(), Won(AMOUNT)), (order, Won(-AMOUNT))]);
}

#[tokio::test]
async fn what_is_paid_out_is_listed_with_what_the_provider_keeps() {
    for name in [Name::Toss, Name::Stripe, Name::Sandbox] {
        let world = World::new(name).await;
        let charge = world.charged().await;
        succeeded(world.provider().refund(&new_refund(&charge, 88_000)).await);
        let today = Utc::now().date_naive();
        let (from, to) = (today - TimeDelta::days(1), today + TimeDelta::days(1));
        let payouts = succeeded(world.provider().list_settlements(from, to).await);
        assert_eq!(payouts.len(), 2, "{name:?}");
        assert!(payouts.iter().all(|payout| payout.transaction_id == charge.transaction_id));
        let moved: Won = payouts.iter().map(|payout| payout.amount + payout.fee).sum();
        assert_eq!(moved, Won(200_000), "{name:?}");
        let before = world.provider().list_settlements(from - TimeDelta::days(9), from - TimeDelta::days(2)).await;
        assert!(succeeded(before).is_empty());
    }
    let world = World::new(Name::Portone).await;
    let today = Utc::now().date_naive();
    assert_eq!(declined(world.provider().list_settlements(today, today).await), "NOT_SUPPORTED");
}

use aipoten_billing::provider::{BankAccount, ChargeStatus, Method, Name};
use aipoten_kit::Won;
use serde_json::json;

use super::world::{AMOUNT, World, declined, new_refund, succeeded};

/// Those through which somebody can deposit.
const NAMES: [Name; 3] = [Name::Toss, Name::Portone, Name::Sandbox];

#[tokio::test]
async fn a_deposit_is_awaited_comes_and_can_be_taken_back() {
    for name in NAMES {
        let world = World::new(name).await;
        let confirmation = world.authorized("virtual_account", "approve").await;
        let waiting = succeeded(world.provider().confirm(&confirmation).await);
        assert_eq!((waiting.status, waiting.method), (ChargeStatus::WaitingForDeposit, Some(Method::VirtualAccount)));
        let account = waiting.virtual_account.clone().expect("an account");
        assert_eq!((account.bank_code.as_str(), account.account_number.len()), ("088", 14), "{name:?}");
        assert!(account.due_at.is_some() && waiting.charged_at.is_none());

        let order = json!({ "order_id": waiting.order_id });
        world.control("deposit", &order).await;
        let charged = succeeded(world.provider().fetch(&waiting.transaction_id).await);
        assert_eq!((charged.status, charged.balance), (ChargeStatus::Charged, Won(AMOUNT)), "{name:?}");
        world.control("deposit-reversal", &order).await;
        let reversed = succeeded(world.provider().fetch(&waiting.transaction_id).await);
        assert_eq!((reversed.status, reversed.charged_at), (ChargeStatus::WaitingForDeposit, None), "{name:?}");
        assert_eq!(world.moved(&waiting.order_id).await, [AMOUNT, -AMOUNT]);
    }
}

#[tokio::test]
async fn a_deposit_goes_back_to_a_bank_account_alone() {
    for name in NAMES {
        let world = World::new(name).await;
        let confirmation = world.authorized("virtual_account", "approve").await;
        succeeded(world.provider().confirm(&confirmation).await);
        world.control("deposit", &json!({ "order_id": confirmation.order_id })).await;
        let charge = succeeded(world.provider().fetch_by_order(&confirmation.order_id).await);
        declined(world.provider().refund(&new_refund(&charge, AMOUNT)).await);
        let mut refund = new_refund(&charge, AMOUNT);
        refund.account = Some(BankAccount {
            bank_code: "088".to_owned(),
            account_number: "110123456789".to_owned(),
            account_holder: "김하늘".to_owned(),
        });
        succeeded(world.provider().refund(&refund).await);
        assert_eq!(world.moved(&charge.order_id).await, [AMOUNT, -AMOUNT], "{name:?}");
    }
}

#[tokio::test]
async fn an_order_that_is_given_up_before_anybody_deposits_was_never_charged() {
    for name in NAMES {
        let world = World::new(name).await;
        let confirmation = world.authorized("virtual_account", "approve").await;
        let waiting = succeeded(world.provider().confirm(&confirmation).await);
        // PortOne says no more than that it was not paid: it closes accounts by itself.
        let given_up = world.provider().refund(&new_refund(&waiting, AMOUNT)).await;
        let charge = succeeded(world.provider().fetch_by_order(&confirmation.order_id).await);
        assert_eq!((charge.status, charge.total, charge.balance), (ChargeStatus::Cancelled, Won(AMOUNT), Won(AMOUNT)));
        assert!(charge.cancels.is_empty() && charge.charged_at.is_none(), "{name:?}: {given_up:?}");
        assert!(world.moved(&charge.order_id).await.is_empty());
    }
}

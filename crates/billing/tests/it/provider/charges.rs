use aipoten_billing::provider::{ChargeStatus, Method, Name};
use aipoten_kit::Won;

use super::world::{AMOUNT, World, declined, succeeded, unknown};

#[tokio::test]
async fn a_charge_is_confirmed_once_and_read_by_both_of_its_numbers() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let confirmation = world.authorized("card", "approve").await;
        let charge = succeeded(world.provider().confirm(&confirmation).await);
        assert_eq!((charge.status, charge.total, charge.balance), (ChargeStatus::Charged, Won(AMOUNT), Won(AMOUNT)));
        assert_eq!((charge.method, &charge.order_id), (Some(Method::Card), &confirmation.order_id));
        assert!(charge.charged_at.is_some() && charge.cancels.is_empty() && charge.failure_code.is_none());
        assert_eq!(succeeded(world.provider().confirm(&confirmation).await), charge, "{name:?}");
        assert_eq!(succeeded(world.provider().fetch(&charge.transaction_id).await), charge, "{name:?}");
        assert_eq!(succeeded(world.provider().fetch_by_order(&charge.order_id).await), charge, "{name:?}");
        assert_eq!(world.moved(&charge.order_id).await, [AMOUNT]);
    }
}

#[tokio::test]
async fn what_was_authorised_is_open_until_it_is_confirmed() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let confirmation = world.authorized("card", "approve").await;
        let charge = succeeded(world.provider().fetch_by_order(&confirmation.order_id).await);
        assert_eq!((charge.status, charge.charged_at), (ChargeStatus::Open, None), "{name:?}");
        assert!(world.moved(&charge.order_id).await.is_empty());
    }
}

#[tokio::test]
async fn whatever_is_charged_and_not_answered_is_unknown_and_found_out_by_reading() {
    for name in Name::ALL {
        let world = World::new(name).await;
        for fault in ["then_hang", "then_reset", "then_error", "then_in_flight", "then_replayed_error"] {
            let confirmation = world.authorized("card", "approve").await;
            world.fault("confirm", fault).await;
            let answer = world.provider().confirm(&confirmation).await;
            // PortOne's answer tells nothing of the payment: where there is one, it is read at once.
            if name == Name::Portone && matches!(fault, "then_error" | "then_in_flight" | "then_replayed_error") {
                assert_eq!(succeeded(answer).status, ChargeStatus::Charged, "{fault}");
            } else {
                let why = unknown(answer);
                assert!(!why.contains(&confirmation.transaction_id), "{name:?} {fault}: {why}");
            }
            let charge = succeeded(world.provider().fetch_by_order(&confirmation.order_id).await);
            assert_eq!(charge.status, ChargeStatus::Charged, "{name:?} {fault}");
            assert_eq!(world.moved(&charge.order_id).await, [AMOUNT]);
        }
    }
}

#[tokio::test]
async fn confirming_again_after_silence_answers_as_it_should_have() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let confirmation = world.authorized("card", "approve").await;
        world.fault("confirm", "then_reset").await;
        unknown(world.provider().confirm(&confirmation).await);
        let charge = succeeded(world.provider().confirm(&confirmation).await);
        assert_eq!(charge.status, ChargeStatus::Charged, "{name:?}");
        assert_eq!(world.moved(&charge.order_id).await, [AMOUNT]);
    }
}

#[tokio::test]
async fn a_decline_is_definite() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let confirmation = world.authorized("card", "decline").await;
        let code = declined(world.provider().confirm(&confirmation).await);
        assert_eq!(code, if name == Name::Stripe { "card_declined" } else { "REJECT_CARD_PAYMENT" });
        let charge = succeeded(world.provider().fetch_by_order(&confirmation.order_id).await);
        // Another card can be tried with the same intent of Stripe's.
        let status = if name == Name::Stripe { ChargeStatus::Open } else { ChargeStatus::Failed };
        assert_eq!((charge.status, charge.failure_code), (status, Some(code)), "{name:?}");
        assert!(world.moved(&confirmation.order_id).await.is_empty());
    }
}

#[tokio::test]
async fn another_amount_than_the_orders_is_never_charged() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let mut confirmation = world.authorized("card", "approve").await;
        confirmation.amount = Won(AMOUNT - 1);
        let answer = world.provider().confirm(&confirmation).await;
        match name {
            // It would capture a part: what is wrong is left to be found out.
            Name::Stripe => drop(unknown(answer)),
            Name::Portone => assert_eq!(declined(answer), "INFORMATION_MISMATCH"),
            Name::Toss | Name::Sandbox => assert_eq!(declined(answer), "INVALID_REQUEST"),
        }
        assert!(world.moved(&confirmation.order_id).await.is_empty(), "{name:?}");
    }
}

#[tokio::test]
async fn an_order_that_nobody_knows_is_declined_but_where_a_search_lags_behind() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let by_order = world.provider().fetch_by_order("order-of-nobody").await;
        match name {
            Name::Stripe => drop(unknown(by_order)),
            Name::Portone => assert_eq!(declined(by_order), "PAYMENT_NOT_FOUND"),
            Name::Toss | Name::Sandbox => assert_eq!(declined(by_order), "NOT_FOUND_PAYMENT"),
        }
        declined(world.provider().fetch("payment-of-nobody").await);
        // Neither of them is a number: they lead to other places.
        for id in ["", "..", "../orders", "a/b", "a?b=c", "a b", "ㄱ"] {
            declined(world.provider().fetch(id).await);
            declined(world.provider().fetch_by_order(id).await);
        }
    }
}

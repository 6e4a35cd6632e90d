use aipoten_billing::provider::{Answer, ChargeStatus, Name};
use aipoten_kit::Won;
use serde_json::json;

use super::world::{AMOUNT, World, declined, new_refund, succeeded, unknown};

/// A part of a charge.
const PART: i64 = 72_000;

#[tokio::test]
async fn parts_and_then_all_of_it_are_paid_back() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let charge = world.charged().await;
        let part = new_refund(&charge, PART);
        let cancel = succeeded(world.provider().refund(&part).await);
        assert!(cancel.done && cancel.amount == Won(PART), "{name:?}");
        assert_eq!(cancel.refund_id, Some(part.idempotency_key.clone()), "{name:?}");
        let charge = succeeded(world.provider().fetch(&charge.transaction_id).await);
        assert_eq!((charge.status, charge.balance), (ChargeStatus::Charged, Won(AMOUNT - PART)), "{name:?}");
        assert_eq!(charge.cancels, std::slice::from_ref(&cancel));
        for number in [&cancel.id, &part.idempotency_key] {
            let read = world.provider().fetch_refund(&charge.transaction_id, number).await;
            assert_eq!(succeeded(read), cancel, "{name:?}");
        }

        succeeded(world.provider().refund(&new_refund(&charge, AMOUNT - PART)).await);
        let charge = succeeded(world.provider().fetch(&charge.transaction_id).await);
        assert_eq!((charge.status, charge.total, charge.balance), (ChargeStatus::Cancelled, Won(AMOUNT), Won(0)));
        assert_eq!(world.moved(&charge.order_id).await, [AMOUNT, -PART, PART - AMOUNT], "{name:?}");
    }
}

#[tokio::test]
async fn a_refund_that_is_asked_for_twice_pays_back_once_even_when_the_provider_has_forgotten_its_key() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let charge = world.charged().await;
        let mut refund = new_refund(&charge, PART);
        let cancel = succeeded(world.provider().refund(&refund).await);
        assert_eq!(succeeded(world.provider().refund(&refund).await), cancel, "{name:?}");
        world.forget("idempotency-keys").await;
        refund.balance = charge.balance - Won(PART);
        assert_eq!(succeeded(world.provider().refund(&refund).await), cancel, "{name:?}");
        assert_eq!(world.moved(&charge.order_id).await, [AMOUNT, -PART]);
    }
}

#[tokio::test]
async fn a_refund_that_was_done_and_not_answered_is_unknown_and_done_once_when_it_is_asked_for_again() {
    for name in Name::ALL {
        let world = World::new(name).await;
        for fault in ["then_hang", "then_reset", "then_error", "then_in_flight", "then_replayed_error"] {
            let charge = world.charged().await;
            let refund = new_refund(&charge, PART);
            world.fault("cancel", fault).await;
            match world.provider().refund(&refund).await {
                // It was read at once.
                Answer::Succeeded(cancel) if name == Name::Portone => assert!(cancel.done),
                answer => drop(unknown(answer)),
            }
            let cancel = succeeded(world.provider().refund(&refund).await);
            assert_eq!(cancel.amount, Won(PART), "{name:?} {fault}");
            assert_eq!(world.moved(&charge.order_id).await, [AMOUNT, -PART], "{name:?} {fault}");
        }
    }
}

#[tokio::test]
async fn what_the_bank_refuses_is_declined_and_moves_nothing() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let charge = world.charged().await;
        world.fault("cancel", "refuse_partial").await;
        declined(world.provider().refund(&new_refund(&charge, PART)).await);
        world.fault("cancel", "refuse").await;
        declined(world.provider().refund(&new_refund(&charge, AMOUNT)).await);
        assert_eq!(world.moved(&charge.order_id).await, [AMOUNT], "{name:?}");

        let charge = succeeded(world.provider().fetch(&charge.transaction_id).await);
        assert!(charge.cancels.is_empty(), "{name:?}");
        world.fault("cancel", "refuse_partial").await;
        succeeded(world.provider().refund(&new_refund(&charge, AMOUNT)).await);
        assert_eq!(world.moved(&charge.order_id).await, [AMOUNT, -AMOUNT], "{name:?}");
    }
}

#[tokio::test]
async fn nothing_is_paid_back_when_another_balance_is_left_than_we_believe() {
    for name in [Name::Toss, Name::Portone, Name::Sandbox] {
        let world = World::new(name).await;
        let charge = world.charged().await;
        let mut refund = new_refund(&charge, PART);
        refund.balance = charge.balance - Won(1);
        unknown(world.provider().refund(&refund).await);
        assert_eq!(world.moved(&charge.order_id).await, [AMOUNT], "{name:?}");
    }
}

#[tokio::test]
async fn more_than_is_left_is_never_paid_back() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let charge = world.charged().await;
        let answer = world.provider().refund(&new_refund(&charge, AMOUNT + 1)).await;
        assert!(!matches!(answer, Answer::Succeeded(_) | Answer::Pending), "{name:?}: {answer:?}");
        succeeded(world.provider().refund(&new_refund(&charge, AMOUNT)).await);
        unknown(world.provider().refund(&new_refund(&charge, PART)).await);
        assert_eq!(world.moved(&charge.order_id).await, [AMOUNT, -AMOUNT], "{name:?}");
    }
}

#[tokio::test]
async fn a_slow_refund_is_pending_until_the_bank_has_done_it_or_not() {
    for name in Name::ALL {
        let world = World::new(name).await;
        for done in [true, false] {
            let charge = world.charged().await;
            let refund = new_refund(&charge, PART);
            let (id, key) = (&charge.transaction_id, &refund.idempotency_key);
            world.fault("cancel", "slow").await;
            assert_eq!(world.provider().refund(&refund).await, Answer::Pending, "{name:?}");
            assert_eq!(world.provider().refund(&refund).await, Answer::Pending, "{name:?}");
            assert_eq!(world.provider().fetch_refund(id, key).await, Answer::Pending, "{name:?}");
            let running = succeeded(world.provider().fetch(id).await);
            assert_eq!(running.balance, Won(AMOUNT), "{name:?}");
            assert!(!running.cancels[0].done, "{name:?}");

            world.control("cancels", &json!({ "order_id": charge.order_id, "done": done })).await;
            let finished = world.provider().fetch_refund(id, key).await;
            let charge = succeeded(world.provider().fetch(id).await);
            if done {
                assert_eq!(charge.cancels, [succeeded(finished)], "{name:?}");
                assert_eq!(charge.balance, Won(AMOUNT - PART));
            } else {
                declined(finished);
                assert_eq!((charge.balance, charge.cancels), (Won(AMOUNT), Vec::new()), "{name:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_refund_that_nobody_knows_is_declined() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let charge = world.charged().await;
        declined(world.provider().fetch_refund(&charge.transaction_id, "refund-of-nobody").await);
    }
}

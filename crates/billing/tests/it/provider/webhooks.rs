use aipoten_billing::provider::{Forged, Name, Notice};
use aipoten_kit::test::eventually;
use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::world::{Message, World, new_refund, succeeded};

/// Those that sign.
const SIGNING: [Name; 2] = [Name::Portone, Name::Stripe];

/// The first message of a charge.
async fn message(world: &World) -> Message {
    world.charged().await;
    eventually("a webhook came", async || !world.messages().is_empty()).await;
    world.messages()[0].clone()
}

fn read(world: &World, (headers, body): &Message, later: TimeDelta) -> Result<Notice, Forged> {
    world.provider().verify_webhook(headers, body, Utc::now() + later)
}

#[tokio::test]
async fn a_message_names_what_it_is_about_and_comes_again_until_it_is_taken() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let charge = world.charged().await;
        eventually("the webhook came again", async || world.messages().len() == 2).await;
        let messages = world.messages();
        assert_eq!(messages[0].1, messages[1].1);
        let notices = messages.each_notice(&world);
        assert_eq!(notices[0], notices[1], "{name:?}");
        assert_eq!(notices[0].order_id.as_ref(), Some(&charge.order_id), "{name:?}");
        assert_eq!(notices[0].transaction_id.as_ref(), Some(&charge.transaction_id), "{name:?}");

        succeeded(world.provider().refund(&new_refund(&charge, 1_000)).await);
        eventually("the webhook of the refund came", async || world.messages().len() == 4).await;
        let refund = &world.messages().each_notice(&world)[2];
        assert_ne!(refund.event_id, notices[0].event_id, "{name:?}");
        assert_eq!(refund.transaction_id.as_ref(), Some(&charge.transaction_id), "{name:?}");
    }
}

trait EachNotice {
    fn each_notice(&self, world: &World) -> Vec<Notice>;
}

impl EachNotice for Vec<Message> {
    fn each_notice(&self, world: &World) -> Vec<Notice> {
        self.iter().map(|it| read(world, it, TimeDelta::zero()).expect("good")).collect()
    }
}

#[tokio::test]
async fn nothing_is_kept_of_a_message_but_numbers_states_and_amounts() {
    for name in [Name::Toss, Name::Portone, Name::Sandbox] {
        let world = World::new(name).await;
        let confirmation = world.authorized("virtual_account", "approve").await;
        succeeded(world.provider().confirm(&confirmation).await);
        world.control("deposit", &json!({ "order_id": confirmation.order_id })).await;
        eventually("both webhooks came", async || world.messages().len() == 4).await;
        for notice in world.messages().each_notice(&world) {
            let kept = notice.redacted.to_string();
            assert!(kept.contains(&confirmation.order_id), "{kept}");
            for secret in ["secret", "accountNumber", "customerName", "아이포텐", "orderName", "card"] {
                assert!(!kept.contains(secret), "{name:?} keeps {secret}: {kept}");
            }
        }
    }
    let world = World::new(Name::Toss).await;
    let long = json!({ "data": { "orderId": "가".repeat(9_000), "status": { "nested": "x" } } }).to_string();
    let notice = world.provider().verify_webhook(&[], long.as_bytes(), Utc::now()).expect("an object");
    assert_eq!(notice.redacted, json!({ "orderId": "가".repeat(200) }));
}

#[tokio::test]
async fn what_is_no_object_is_no_message() {
    for name in Name::ALL {
        let world = World::new(name).await;
        for body in ["", "null", "[]", "\"text\"", "{", "\u{0}"] {
            assert_eq!(
                world.provider().verify_webhook(&[], body.as_bytes(), Utc::now()),
                Err(Forged),
                "{name:?} {body}"
            );
        }
    }
}

#[tokio::test]
async fn a_message_that_is_changed_or_signed_by_nobody_is_forged() {
    for name in SIGNING {
        let world = World::new(name).await;
        let (headers, body) = message(&world).await;
        let good = read(&world, &(headers.clone(), body.clone()), TimeDelta::zero()).expect("good");
        assert!(good.order_id.is_some(), "{name:?}");
        let mut changed = body.clone();
        *changed.last_mut().expect("not empty") = b' ';
        assert_eq!(read(&world, &(headers.clone(), changed), TimeDelta::zero()), Err(Forged), "{name:?}");
        assert_eq!(read(&world, &(Vec::new(), body.clone()), TimeDelta::zero()), Err(Forged), "{name:?}");
        for index in 0..headers.len() {
            let (name, value) = headers[index].clone();
            if !(name.starts_with("webhook-") || name == "stripe-signature") {
                continue;
            }
            for forged in
                [String::new(), value.replace(['1', '2', '3'], "4"), format!("x{value}"), "ㄱ,=v1,t".to_owned()]
            {
                let mut headers = headers.clone();
                headers[index].1 = forged.clone();
                assert_eq!(read(&world, &(headers, body.clone()), TimeDelta::zero()), Err(Forged), "{name}: {forged}");
            }
        }
    }
}

#[tokio::test]
async fn a_message_of_long_ago_is_forged() {
    for name in SIGNING {
        let world = World::new(name).await;
        let message = message(&world).await;
        for minutes in [-4, 0, 4] {
            read(&world, &message, TimeDelta::minutes(minutes)).expect("within five minutes");
        }
        for minutes in [-6, 6] {
            assert_eq!(read(&world, &message, TimeDelta::minutes(minutes)), Err(Forged), "{name:?}");
        }
    }
}

#[tokio::test]
async fn one_of_several_signatures_is_enough() {
    for (name, header) in [(Name::Portone, "webhook-signature"), (Name::Stripe, "stripe-signature")] {
        let world = World::new(name).await;
        let (mut headers, body) = message(&world).await;
        let signature = headers.iter_mut().find(|(name, _)| name == header).expect("signed");
        signature.1 = match name {
            Name::Portone => format!("v1,AAAA v2,BBBB {}", signature.1),
            _ => signature.1.replace(",v1=", ",v1=00ff,v0=11,v1="),
        };
        read(&world, &(headers, body), TimeDelta::zero()).expect("good");
    }
}

#[tokio::test]
async fn messages_are_repeated_late_and_missing_to_order() {
    let world = World::new(Name::Sandbox).await;
    world.fault("webhook", "missing").await;
    let first = world.charged().await;
    world.fault("webhook", "duplicate").await;
    let second = world.charged().await;
    world.control("faults", &json!({ "operation": "webhook", "fault": "late", "delay_ms": 300 })).await;
    let third = world.charged().await;
    succeeded(world.provider().refund(&new_refund(&third, 1_000)).await);
    let told = |order: &str| -> Vec<String> {
        let notices = world.messages().each_notice(&world);
        let of = notices.into_iter().filter(|it| it.order_id.as_deref() == Some(order));
        of.map(|it| it.redacted["status"].as_str().expect("a state").to_owned()).collect()
    };
    // Each is refused once and so comes again; of those that come at the same time one alone is refused.
    eventually("all that comes has come", async || told(&third.order_id).len() == 4).await;
    assert_eq!(told(&third.order_id), ["PARTIAL_CANCELED", "PARTIAL_CANCELED", "DONE", "DONE"]);
    assert!(told(&second.order_id).len() >= 4);
    assert!(told(&first.order_id).is_empty());
}

use aipoten_billing::provider::{Answer, ChargeStatus, Confirmation, Name};
use aipoten_kit::Won;
use reqwest::Url;

use super::world::{AMOUNT, World, declined, new_order, succeeded};

#[tokio::test]
async fn each_checkout_says_what_its_client_needs() {
    for name in Name::ALL {
        let world = World::new(name).await;
        let order = new_order();
        let checkout = succeeded(world.provider().create_checkout(&order).await);
        assert_eq!(succeeded(world.provider().create_checkout(&order).await), checkout, "{name:?}");
        let key = checkout.client_key.as_deref();
        assert_eq!(key, if name == Name::Sandbox { None } else { Some("test_ck_sandbox") }, "{name:?}");
        assert_eq!(checkout.client_secret.is_some(), name == Name::Stripe);
        assert_eq!(checkout.transaction_id.is_some(), name == Name::Stripe);
        assert_eq!(checkout.checkout_url.is_some(), name == Name::Sandbox);
    }
}

/// Presses a button of the page and gives where it leads to.
async fn press(world: &World, page: &str, choice: &str) -> Url {
    let body = format!("choice={choice}");
    let request = world.client().post(page).header("content-type", "application/x-www-form-urlencoded").body(body);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 303);
    answer.headers()["location"].to_str().expect("text").parse().expect("a URL")
}

#[tokio::test]
async fn somebody_pays_refuses_or_deposits_at_the_page_of_the_sandbox() {
    let world = World::new(Name::Sandbox).await;
    for choice in ["approve", "decline", "deposit"] {
        let order = new_order();
        let page = succeeded(world.provider().create_checkout(&order).await).checkout_url.expect("a page");
        let back = press(&world, &page, choice).await;
        assert!(back.as_str().starts_with(&order.return_url), "{back}");
        let value = |name: &str| back.query_pairs().find(|(it, _)| it == name).expect("there").1.into_owned();
        assert_eq!((value("from"), value("orderId")), ("checkout".to_owned(), order.order_id.clone()));
        let confirmation = Confirmation {
            order_id: order.order_id.clone(),
            transaction_id: value("paymentKey"),
            amount: Won(value("amount").parse().expect("won")),
            idempotency_key: order.order_id,
        };
        assert_eq!(confirmation.amount, Won(AMOUNT));
        let confirmed = world.provider().confirm(&confirmation).await;
        match choice {
            "approve" => assert_eq!(succeeded(confirmed).status, ChargeStatus::Charged),
            "deposit" => assert_eq!(succeeded(confirmed).status, ChargeStatus::WaitingForDeposit),
            _ => assert_eq!(declined(confirmed), "REJECT_CARD_PAYMENT"),
        }
    }
}

#[tokio::test]
async fn the_page_speaks_korean_and_english_and_shows_names_as_text() {
    let world = World::new(Name::Sandbox).await;
    let mut order = new_order();
    order.order_name = "<script>alert(1)</script> 4회".to_owned();
    let page = succeeded(world.provider().create_checkout(&order).await).checkout_url.expect("a page");
    for (language, text) in
        [("ko-KR,ko;q=0.9", "결제하기"), ("en-GB,en;q=0.9", "Have the card declined"), ("fr", "결제하기")]
    {
        let answer = world.client().get(&page).header("accept-language", language).send().await.expect("an answer");
        let html = answer.text().await.expect("text");
        assert!(html.contains(text) && html.contains("₩288,000"), "{html}");
        assert!(!html.contains("<script>") && html.contains("&lt;script&gt;"), "{html}");
    }
    let missing =
        world.client().get(format!("{}/checkout/order-of-nobody", world.url())).send().await.expect("an answer");
    assert_eq!(missing.status().as_u16(), 404);
}

#[tokio::test]
async fn an_order_that_was_paid_is_not_paid_again_at_the_page() {
    let world = World::new(Name::Sandbox).await;
    let charge = world.charged().await;
    let page = format!("{}/checkout/{}", world.url(), charge.order_id);
    let request = world.client().post(page).header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(request.body("choice=approve").send().await.expect("an answer").status().as_u16(), 409);
    let Answer::Succeeded(read) = world.provider().fetch_by_order(&charge.order_id).await else { panic!("not read") };
    assert_eq!(read, charge);
}

//! Text messages and `AlimTalk` through the sandbox, with its failures.

use aipoten_kit::Process;
use aipoten_kit::test::eventually;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::world::{Person, World};

struct Sandbox {
    address: String,
    client: reqwest::Client,
}

impl Sandbox {
    async fn start() -> Self {
        let process = Process::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let config = aipoten_sandbox::Config { secret_key: "a key".to_owned().into(), ..Default::default() };
        let address = aipoten_sandbox::serve(listener, &config, &process).expect("it serves");
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { address: format!("http://{address}"), client: reqwest::Client::new() }
    }

    async fn received(&self) -> Vec<Value> {
        let url = format!("{}/control/messages", self.address);
        self.client.get(url).send().await.expect("an answer").json().await.expect("messages")
    }

    async fn fails(&self, fault: Value) {
        let url = format!("{}/control/messages/faults", self.address);
        let answer = self.client.post(url).json(&fault).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    }
}

async fn with_sandbox(channel: &str) -> (World, Sandbox, Person) {
    let sandbox = Sandbox::start().await;
    let world = World::without_notification().await;
    let world = world.serve_with(|config| {
        config.sms.url.clone_from(&sandbox.address);
        config.sms.key = "a key".to_owned().into();
        "0212345678".clone_into(&mut config.sms.sender);
        channel.clone_into(&mut config.sms.alimtalk_channel);
    });
    let world = world.await;
    let person = world.parent_at("mina@example.com", Some("010-1234-5678")).await;
    (world, sandbox, person)
}

async fn text(world: &World, person: &Person) -> Uuid {
    world
        .plant(
            person.uuid(),
            "sms",
            "payment_failed",
            json!({ "payment_id": Uuid::now_v7(), "package_id": Uuid::now_v7() }),
        )
        .await
}

#[tokio::test]
async fn a_text_message_says_what_is_new_in_korean() {
    let (world, sandbox, person) = with_sandbox("").await;
    let delivery = text(&world, &person).await;
    world.becomes(delivery, "sent").await;
    let received = sandbox.received().await;
    assert_eq!(received.len(), 1);
    assert_eq!((&received[0]["to"], &received[0]["from"]), (&json!("01012345678"), &json!("0212345678")));
    assert_eq!((&received[0]["way"], &received[0]["id"]), (&json!("sms"), &json!(delivery)));
    let text = received[0]["text"].as_str().expect("a text");
    assert!(text.starts_with("[aipoten] 결제가 되지 않았어요\n"), "{text}");
}

#[tokio::test]
async fn alimtalk_falls_back_to_a_text_message() {
    let (world, sandbox, person) = with_sandbox("@aipoten").await;
    let first = text(&world, &person).await;
    world.becomes(first, "sent").await;
    sandbox.fails(json!({ "fault": "not_on_kakao" })).await;
    let second = text(&world, &person).await;
    world.becomes(second, "sent").await;
    let received = sandbox.received().await;
    assert_eq!((&received[0]["way"], &received[0]["template"]), (&json!("alimtalk"), &json!("payment_failed")));
    assert_eq!(received[1]["way"], "sms");
}

#[tokio::test]
async fn a_provider_in_trouble_delays_and_takes_each_message_once() {
    let (world, sandbox, person) = with_sandbox("").await;
    for (fault, error) in [
        (json!({ "fault": "down" }), "the provider of text messages answered 503"),
        (json!({ "fault": "busy", "retry_after_s": 300 }), "the provider of text messages answered 429"),
        (json!({ "fault": "then_reset" }), ""),
    ] {
        sandbox.fails(fault).await;
        let delivery = text(&world, &person).await;
        eventually("it waits", async || {
            world.became(delivery).await.2.is_some_and(|it| error.is_empty() || it == error)
        })
        .await;
        world.time_passes().await;
        world.becomes(delivery, "sent").await;
    }
    assert_eq!(sandbox.received().await.len(), 3);
}

#[tokio::test]
async fn who_has_no_number_or_a_wrong_one_gets_none() {
    let (world, sandbox, person) = with_sandbox("").await;
    let nobody = world.parent().await;
    let delivery = text(&world, &nobody).await;
    world.becomes(delivery, "dropped").await;
    sandbox.fails(json!({ "fault": "refuse" })).await;
    let delivery = text(&world, &person).await;
    world.becomes(delivery, "failed").await;
    assert!(sandbox.received().await.is_empty());
}

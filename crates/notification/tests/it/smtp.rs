//! A real mail server that fails now and then, and one that is away: run by `make mail-check`, which brings the server.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use aipoten_kit::test::eventually;
use aipoten_notification::Tls;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_parser::MessageParser;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::world::World;

struct Server {
    process: Child,
    port: u16,
    taken: Arc<Mutex<Vec<Taken>>>,
}

/// A mail that the server took.
#[derive(Clone)]
struct Taken {
    to: Value,
    /// Whether we were told.
    answered: bool,
    mail: Vec<u8>,
}

impl Server {
    async fn start(port: u16) -> Self {
        let python = std::env::var("AIPOTEN_TEST_MAIL_PYTHON").expect("a Python with aiosmtpd: run `make mail-check`");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/mail/server.py");
        let mut command = Command::new(python);
        command.args([script, &port.to_string()]).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("the server starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let port = lines.next_line().await.expect("its port").expect("its port").parse().expect("a port");
        let taken: Arc<Mutex<Vec<Taken>>> = Arc::default();
        let kept = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let read: Value = serde_json::from_str(&line).expect("JSON");
                let mail = STANDARD.decode(read["mail"].as_str().expect("a mail")).expect("base64");
                let taken = Taken { to: read["to"].clone(), answered: read["answered"] == true, mail };
                kept.lock().expect("nobody panics").push(taken);
            }
        });
        Self { process, port, taken }
    }

    fn taken(&self) -> Vec<Taken> {
        self.taken.lock().expect("nobody panics").clone()
    }
}

async fn with_server(server: &Server) -> World {
    let port = server.port;
    let world = World::without_notification().await;
    let world = world.serve_with(|config| {
        "127.0.0.1".clone_into(&mut config.mail.host);
        config.mail.port = port;
        config.mail.tls = Tls::None;
    });
    world.await
}

const WAITING: &str = "SELECT count(*) FROM deliveries WHERE status = 'waiting'";

#[ignore = "needs a mail server: make mail-check"]
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_fails_now_and_then_gets_each_mail_once() {
    let server = Server::start(0).await;
    let world = with_server(&server).await;
    let mut expected = HashMap::new();
    for number in 0..15 {
        let email = format!("family{number}@example.com");
        let person = world.parent_at(&email, None).await;
        for amount in [80_000, 144_000, 288_000, 1_512_000] {
            let paid = json!({ "payment_id": Uuid::now_v7(), "package_id": Uuid::now_v7(), "amount": amount });
            let delivery = world.plant(person.uuid(), "email", "payment_completed", paid).await;
            expected.insert(format!("{delivery}@aipoten.example"), (email.clone(), amount));
        }
    }
    let all = async {
        while world.number(WAITING).await > 0 {
            world.time_passes().await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(2), all).await.expect("all are sent");
    assert_eq!(world.number("SELECT count(*) FROM deliveries WHERE status = 'sent'").await, 60);
    assert!(world.number("SELECT count(*) FROM deliveries WHERE attempts > 1").await > 0, "some were tried again");

    eventually("the server has told of all", async || server.taken().iter().filter(|it| it.answered).count() >= 60)
        .await;
    let mut answered: HashMap<String, usize> = HashMap::new();
    let (mut lost, all) = (0, server.taken());
    for taken in &all {
        let mail = MessageParser::default().parse(&taken.mail).expect("a mail");
        let id = mail.message_id().expect("an id").to_owned();
        let (email, amount) = &expected[&id];
        assert_eq!(taken.to, json!([email]));
        assert_eq!(mail.subject(), Some("결제가 완료되었어요"));
        let won = if *amount == 1_512_000 { "1,512,000".to_owned() } else { format!("{},000", amount / 1000) };
        let sentence = format!("{won}원이 결제되었어요. 영수증을 확인할 수 있어요.");
        assert!(mail.body_text(0).is_some_and(|text| text.contains(&sentence)), "{won}");
        assert!(mail.body_html(0).is_some_and(|html| html.contains(&sentence)), "{won}");
        *answered.entry(id).or_default() += usize::from(taken.answered);
        lost += usize::from(!taken.answered);
    }
    eprintln!("{} mails taken for 60, {lost} of them with a lost answer", all.len());
    assert!(lost > 0, "an answer was lost");
    assert_eq!(answered.len(), 60);
    assert!(
        answered.values().all(|times| *times == 1),
        "again only where the answer was lost, under the same Message-ID"
    );
}

#[ignore = "needs a mail server: make mail-check"]
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_address_is_given_up_and_a_mail_server_that_is_away_loses_nothing() {
    let mut server = Server::start(0).await;
    let world = with_server(&server).await;
    let nobody = world.parent_at("nobody@example.com", None).await;
    let refused = world.plant(nobody.uuid(), "email", "unread_summary", json!({ "unread": 2 })).await;
    world.becomes(refused, "failed").await;
    let (_, attempts, error) = world.became(refused).await;
    assert_eq!((attempts, error.as_deref()), (1, Some("the mail server said 550 5.1.1")));

    server.process.kill().await.expect("it ends");
    let person = world.parent().await;
    let delivery = world.plant(person.uuid(), "email", "unread_summary", json!({ "unread": 2 })).await;
    for _ in 0..3 {
        eventually("it waits", async || world.became(delivery).await.2.is_some()).await;
        assert_eq!(world.became(delivery).await.1, 0, "no try of its own");
        sqlx::query("UPDATE deliveries SET next_attempt_at = now(), error = NULL WHERE status = 'waiting'")
            .execute(world.database())
            .await
            .expect("due");
    }
    let server = Server::start(server.port).await;
    eventually("it is sent", async || {
        world.time_passes().await;
        world.became(delivery).await.0 == "sent"
    })
    .await;
    assert_eq!(server.taken().len(), 1);
}

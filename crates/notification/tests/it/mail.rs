//! Mails, written into a folder: whom they go to, what stands in them, where their links lead.

use std::path::{Path, PathBuf};

use aipoten_identity::test::PASSWORD;
use aipoten_notification::consumers as on;
use aipoten_proto::identity::v1::{
    ChangeEmailRequest, GetMeRequest, RequestEmailChangeRequest, SecurityAlerted, UserRegistered, VerifyEmailRequest,
};
use aipoten_proto::notification::v1::UnsubscribeRequest;
use mail_parser::MessageParser;
use serde_json::json;
use uuid::Uuid;

use crate::world::{World, delivered};

/// A folder of its own, which goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("aipoten-mail-{}", Uuid::now_v7()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn read(&self, name: &str) -> Mail {
        Mail(std::fs::read(self.0.join(name)).expect("the mail"))
    }

    /// The mails of a delivery, in their order.
    fn of(&self, delivery: Uuid) -> Vec<Mail> {
        let entries = std::fs::read_dir(&self.0).expect("the folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
        let mut names: Vec<_> = names.filter(|name| name.starts_with(&delivery.to_string())).collect();
        names.sort_unstable_by_key(|name| (name.len(), name.clone()));
        names.iter().map(|name| self.read(name)).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("the folder can be removed");
    }
}

struct Mail(Vec<u8>);

impl Mail {
    fn parsed(&self) -> mail_parser::Message<'_> {
        MessageParser::default().parse(&self.0).expect("a mail")
    }

    fn to(&self) -> String {
        let mail = self.parsed();
        mail.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("an address").to_owned()
    }

    fn text(&self) -> String {
        self.parsed().body_text(0).expect("text").into_owned()
    }

    fn header(&self, name: &'static str) -> Option<String> {
        self.parsed().header_raw(name).map(|value| value.trim().to_owned())
    }

    /// The secret of the link in it.
    fn secret(&self) -> String {
        let text = self.text();
        let (_, rest) = text.split_once("#token=").expect("a link");
        rest.lines().next().expect("a secret").to_owned()
    }
}

async fn with_folder() -> (World, Folder) {
    let folder = Folder::new();
    let world = World::without_notification().await;
    let world = world.serve_with(|config| folder.path().clone_into(&mut config.mail.folder)).await;
    (world, folder)
}

async fn delivery_of(world: &World, template: &str) -> Uuid {
    sqlx::query_scalar("SELECT id FROM deliveries WHERE template = $1 ORDER BY created_at DESC LIMIT 1")
        .bind(template)
        .fetch_one(world.database())
        .await
        .expect("the delivery")
}

#[tokio::test]
async fn whoever_registers_gets_a_link_that_verifies_the_address() {
    let (world, folder) = with_folder().await;
    let person = world.parent_at("mina@example.com", None).await;
    let registered = UserRegistered { user_id: person.id.clone(), role: "parent".to_owned() };
    world.take(on::user_registered, &delivered(person.uuid(), 1, registered)).await;
    let delivery = delivery_of(&world, "verify_email").await;
    world.becomes(delivery, "sent").await;
    let mails = folder.of(delivery);
    assert_eq!((mails.len(), mails[0].to().as_str()), (1, "mina@example.com"));
    assert_eq!(mails[0].parsed().subject(), Some("이메일 주소를 인증해 주세요"));
    assert!(mails[0].text().contains("https://app.example/verify-email#token="), "{}", mails[0].text());
    assert_eq!(mails[0].header("List-Unsubscribe"), None, "it cannot be turned off");
    assert_eq!(mails[0].header("Auto-Submitted").as_deref(), Some("auto-generated"));

    world.identity.users().verify_email(VerifyEmailRequest { token: mails[0].secret() }).await.expect("verified");
    let me = world.identity.users().get_me(person.asks(GetMeRequest {})).await.expect("an account").into_inner();
    assert!(me.email_verified);
    let late = world.plant(person.uuid(), "email", "verify_email", json!({})).await;
    world.becomes(late, "dropped").await;
    assert!(folder.of(late).is_empty(), "there is nothing to verify any more");
}

#[tokio::test]
async fn a_mail_that_can_be_turned_off_says_how_with_one_click() {
    let (world, folder) = with_folder().await;
    let person = world.parent().await;
    let session = json!({ "consultation_id": Uuid::now_v7(), "starts_at": "2030-11-25T05:30:00Z" });
    let moved = world.plant(person.uuid(), "email", "consultation_rescheduled", session).await;
    let alert = world.plant(person.uuid(), "email", "security_alert", json!({ "kind": "new_device" })).await;
    world.becomes(moved, "sent").await;
    world.becomes(alert, "sent").await;
    let mail = folder.of(moved).remove(0);
    assert_eq!(mail.parsed().subject(), Some("상담 시간이 변경되었어요"));
    assert!(mail.text().contains("새로운 시간: 11월 25일(월) 오후 2:30"), "{}", mail.text());
    assert_eq!(mail.parsed().message_id(), Some(format!("{moved}@aipoten.example").as_str()));
    assert_eq!(mail.header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    let link = mail.header("List-Unsubscribe").expect("a link");
    let begin = "<https://api.example/api/v1/notifications/unsubscribe/";
    let token = link.strip_prefix(begin).and_then(|rest| rest.strip_suffix('>')).expect("ours").to_owned();
    let off = world.preferences().unsubscribe(UnsubscribeRequest { token }).await.expect("off").into_inner();
    assert_eq!(off.r#type, "consultation_update");
    assert_eq!(folder.of(alert)[0].header("List-Unsubscribe"), None, "security cannot be turned off");
}

#[tokio::test]
async fn a_changed_address_is_proved_by_its_own_link_and_the_old_one_is_warned() {
    let (world, folder) = with_folder().await;
    let person = world.parent_at("before@example.com", None).await;
    let change = RequestEmailChangeRequest { new_email: "after@example.com".to_owned(), password: PASSWORD.to_owned() };
    world.identity.users().request_email_change(person.asks(change)).await.expect("asked for");
    let link = world.plant(person.uuid(), "email", "change_email", json!({})).await;
    world.becomes(link, "sent").await;
    let mail = folder.of(link).remove(0);
    assert_eq!(mail.to(), "after@example.com");
    world.identity.users().change_email(ChangeEmailRequest { token: mail.secret() }).await.expect("changed");

    let alert = SecurityAlerted { user_id: person.id.clone(), kind: "email_changed".to_owned() };
    world.take(on::security_alerted, &delivered(person.uuid(), 1, alert)).await;
    let warning = delivery_of(&world, "security_alert").await;
    world.becomes(warning, "sent").await;
    let to: Vec<String> = folder.of(warning).iter().map(Mail::to).collect();
    assert_eq!(to, ["after@example.com", "before@example.com"]);
    let other = world.plant(person.uuid(), "email", "security_alert", json!({ "kind": "new_device" })).await;
    world.becomes(other, "sent").await;
    assert_eq!(folder.of(other).len(), 1, "nothing else goes to an address that was left");
}

#[tokio::test]
async fn nobody_is_written_to_who_is_gone_or_about_a_session_that_was_moved() {
    let (world, folder) = with_folder().await;
    let gone = world.plant(Uuid::now_v7(), "email", "unread_summary", json!({ "unread": 3 })).await;
    world.becomes(gone, "dropped").await;
    assert_eq!(world.became(gone).await.2.as_deref(), Some("the account is gone"));

    let person = world.parent().await;
    let session = Uuid::now_v7();
    sqlx::query("INSERT INTO subjects (id, seq, starts_at) VALUES ($1, 3, '2030-11-26T05:30:00Z')")
        .bind(session)
        .execute(world.database())
        .await
        .expect("moved to the next day");
    let about = |at: &str| json!({ "consultation_id": session, "starts_at": at });
    let stray = world.plant(person.uuid(), "email", "reminder_day", about("2030-11-25T05:30:00Z")).await;
    let right = world.plant(person.uuid(), "email", "reminder_day", about("2030-11-26T05:30:00Z")).await;
    let late = world.plant(person.uuid(), "email", "reminder_hour", about("2020-11-26T05:30:00Z")).await;
    world.becomes(right, "sent").await;
    world.becomes(stray, "dropped").await;
    world.becomes(late, "dropped").await;
    assert_eq!((folder.of(stray).len(), folder.of(right).len(), folder.of(late).len()), (0, 1, 0));
}

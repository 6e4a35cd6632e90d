//! Who may call an operation: whom the method behind it names.

use aipoten_kit::test::{NO_BROKER, TestDatabase};
use aipoten_proto::CALLERS;
use aipoten_proto::common::v1::Callers;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cache::ADMIN;
use crate::openapi::{document, operations};
use crate::platform::{Person, Platform};

/// Operations that have another name than the method they forward to.
const RENAMED: [(&str, &str); 18] = [
    ("register", "RegisterUser"),
    ("login", "CreateSession"),
    ("refresh", "RefreshSession"),
    ("logout", "EndCurrentSession"),
    ("logout_all", "EndAllSessions"),
    ("get_me", "GetCurrentSession"),
    ("get_user", "GetMe"),
    ("update_user", "UpdateMe"),
    ("delete_user", "DeleteMe"),
    ("list_accounts", "ListUsers"),
    ("change_account", "UpdateUser"),
    ("erase_account", "DeleteUser"),
    ("list_therapist_documents", "ListDocuments"),
    ("get_therapist_document_file", "GetDocumentFile"),
    ("get_statement_csv", "GetStatement"),
    ("get_statement_pdf", "GetStatement"),
    ("stream_notifications", "ListNotificationsAfter"),
    ("create_turn_credentials", "GetConsultationRoom"),
];

/// What an upload needs to be looked at.
const FORM: &str = "--x\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nlicence\r\n--x\r\n\
    Content-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.4\r\n--x--\r\n";

/// Operations that end the session they are called in.
const ENDING: [&str; 3] = ["logout", "logout_all", "delete_user"];

struct Operation {
    id: String,
    method: Method,
    path: String,
    public: bool,
    callers: &'static [Callers],
}

fn all() -> Vec<Operation> {
    let document = document();
    let operations = operations(&document);
    operations.iter().map(|(place, operation)| Operation::of(place, operation)).collect()
}

impl Operation {
    fn of(place: &str, operation: &Value) -> Self {
        let (method, path) = place.split_once(' ').expect("method and path");
        let id = operation["operationId"].as_str().expect("a name").to_owned();
        let callers =
            callers(&id).unwrap_or_else(|| panic!("no method is called like {id}: it needs a line in RENAMED"));
        let method = method.to_uppercase().parse().expect("a method");
        let filled = path.split('/').map(|part| match part {
            "{slug}" => "none".to_owned(),
            part if part.starts_with('{') => Uuid::now_v7().to_string(),
            part => part.to_owned(),
        });
        let path = filled.collect::<Vec<_>>().join("/");
        Self { id, method, path, public: operation["security"] == json!([{}]), callers }
    }

    /// The refusal that a caller of this role gets before anything else is looked at.
    fn refusal(&self, role: Option<Callers>) -> Option<(StatusCode, &'static str)> {
        let named =
            |it: &Callers| *it == Callers::Anyone || role.is_some_and(|role| [role, Callers::User].contains(it));
        match role {
            _ if self.callers.iter().any(named) => None,
            Some(_) => Some((StatusCode::FORBIDDEN, "PERMISSION_DENIED")),
            None => Some((StatusCode::UNAUTHORIZED, "UNAUTHENTICATED")),
        }
    }

    async fn call(&self, platform: &Platform, caller: Option<&Person>) -> Option<(StatusCode, String)> {
        let mut request = platform.client.request(self.method.clone(), platform.url(&self.path));
        if self.id == "create_document" {
            request = request.header("content-type", "multipart/form-data; boundary=x").body(FORM);
        } else if self.method != Method::GET {
            request = request.json(&json!({}));
        }
        if let Some(person) = caller {
            request = request.bearer_auth(&person.access);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        if ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status) {
            return None;
        }
        let body: Value = answer.json().await.expect("the envelope");
        Some((status, body["error"]["code"].as_str().expect("a code").to_owned()))
    }
}

/// The rule of the method behind an operation: `list_children` is `ListChildren` unless it is renamed.
fn callers(id: &str) -> Option<&'static [Callers]> {
    let camel_case = || id.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect::<String>();
    let renamed = RENAMED.iter().find(|(operation, _)| *operation == id);
    let name = renamed.map_or_else(camel_case, |(_, method)| (*method).to_owned());
    let rules: Vec<_> = CALLERS.iter().filter(|(path, _)| path.ends_with(&format!("/{name}"))).collect();
    assert!(rules.windows(2).all(|pair| pair[0].1 == pair[1].1), "{rules:?} differ");
    rules.first().map(|(_, callers)| *callers)
}

#[test]
fn an_operation_needs_no_token_where_its_method_is_for_anyone() {
    for operation in all() {
        assert_eq!(operation.public, operation.callers == [Callers::Anyone], "{}", operation.id);
    }
}

#[tokio::test]
async fn every_operation_is_refused_to_whom_its_method_does_not_name() {
    let content = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_content::MIGRATOR]).await;
    let broker = aipoten_events::Config { url: NO_BROKER.to_owned().into(), ..aipoten_events::Config::default() };
    let matching = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_matching::MIGRATOR]).await;
    let billing = TestDatabase::create(&[&aipoten_events::MIGRATOR, &aipoten_billing::MIGRATOR]).await;
    let platform = Platform::whole(broker, &content, &matching, &billing, ADMIN).await;
    let people = [
        (None, None),
        (Some(Callers::Parent), Some(platform.parent().await)),
        (Some(Callers::Therapist), Some(platform.therapist().await)),
        (Some(Callers::Admin), Some(platform.sign_in(ADMIN.0, ADMIN.1).await)),
    ];
    for (role, mut person) in people {
        for operation in all() {
            let refusal = operation.refusal(role).map(|(status, code)| (status, code.to_owned()));
            assert_eq!(operation.call(&platform, person.as_ref()).await, refusal, "{} as {role:?}", operation.id);
            if let Some(person) = person.as_mut().filter(|_| ENDING.contains(&operation.id.as_str())) {
                *person = platform.sign_in(&person.email, &person.password).await;
            }
        }
    }
}

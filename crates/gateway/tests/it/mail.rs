//! Links in mails, through REST: verified addresses, forgotten passwords, other addresses.

use aipoten_proto::identity::v1::MailPurpose;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::platform::{PASSWORD, Person, Platform, fields, json_of, refused, registration};

const NEW: &str = "Nari-2025-walk";

async fn done(request: RequestBuilder) {
    let answer = request.send().await.expect("an answer");
    let (status, body) = (answer.status(), answer.text().await.expect("a body"));
    assert_eq!((status.as_u16(), body.as_str()), (204, ""));
}

async fn me(platform: &Platform, access: &str) -> Value {
    let me = platform.get("/users/me").bearer_auth(access).send().await.expect("an answer");
    json_of(me, 200).await["data"].clone()
}

fn new_address() -> String {
    format!("{}@example.org", Uuid::now_v7().simple())
}

#[tokio::test]
async fn an_address_is_verified_by_the_link_once() {
    let platform = Platform::start().await;
    let parent = platform.parent().await;
    assert_eq!(me(&platform, &parent.access).await["email_verified"], false);
    let resend = || platform.post("/auth/email/verify/resend").bearer_auth(&parent.access);
    done(resend()).await;
    let verify = |body: Value| platform.post("/auth/email/verify").json(&body);
    let link = json!({ "token": platform.link(&parent, MailPurpose::VerifyEmail).await });
    done(verify(link.clone())).await;
    assert_eq!(me(&platform, &parent.access).await["email_verified"], true);

    let again = refused(verify(link).header("accept-language", "en"), 400, "VALIDATION_ERROR").await;
    assert_eq!(fields(&again), ["token"]);
    assert_eq!(again["details"][0]["message"], "This link is no longer good. Please have a new one sent.");
    let again = refused(resend().header("accept-language", "ko"), 409, "INVALID_STATE").await;
    assert_eq!(again["message"], "이미 인증된 이메일 주소입니다.");
    for (body, told) in [(json!({}), "token"), (json!({ "token": "x" }), "token"), (json!({ "link": "x" }), "link")] {
        assert_eq!(fields(&refused(verify(body), 400, "VALIDATION_ERROR").await), [told]);
    }
    refused(platform.post("/auth/email/verify/resend"), 401, "UNAUTHENTICATED").await;
}

/// All that a caller sees of an answer, but for the request's id.
async fn seen(answer: Response) -> (u16, Vec<String>, String) {
    let mut names: Vec<String> = answer.headers().keys().map(ToString::to_string).collect();
    names.sort();
    (answer.status().as_u16(), names, answer.text().await.expect("a body"))
}

#[tokio::test]
async fn a_forgotten_password_is_set_by_the_link_and_unknown_addresses_get_the_same_answer() {
    let platform = Platform::start().await;
    let parent = platform.parent().await;
    let ask = |email: &str| platform.post("/auth/password/reset").json(&json!({ "email": email })).send();
    let known = seen(ask(&parent.email).await.expect("an answer")).await;
    assert_eq!(known.0, 204);
    assert_eq!(seen(ask("nobody@example.org").await.expect("an answer")).await, known);

    let token = platform.link(&parent, MailPurpose::ResetPassword).await;
    let confirm = |token: &str, password: &str| {
        let body = json!({ "token": token, "new_password": password });
        platform.post("/auth/password/reset/confirm").json(&body)
    };
    assert_eq!(fields(&refused(confirm(&token, "short"), 400, "VALIDATION_ERROR").await)[0], "new_password");
    done(confirm(&token, NEW)).await;
    refused(platform.get("/users/me").bearer_auth(&parent.access), 401, "UNAUTHENTICATED").await;
    let refresh = platform.post("/auth/refresh").json(&json!({ "refresh_token": parent.refresh }));
    refused(refresh, 401, "UNAUTHENTICATED").await;
    let login =
        |password: &str| platform.post("/auth/login").json(&json!({ "email": parent.email, "password": password }));
    refused(login(PASSWORD), 401, "INVALID_CREDENTIALS").await;
    json_of(login(NEW).send().await.expect("an answer"), 200).await;
    assert_eq!(fields(&refused(confirm(&token, "Nari-2026-run"), 400, "VALIDATION_ERROR").await), ["token"]);
}

#[tokio::test]
async fn after_three_mails_to_an_address_a_captcha_is_asked_for() {
    let platform = Platform::start().await;
    let ask = |captcha: Value| {
        platform.post("/auth/password/reset").json(&json!({ "email": "nobody@example.org", "captcha": captcha }))
    };
    for _ in 0..3 {
        done(ask(Value::Null)).await;
    }
    refused(ask(Value::Null), 401, "CAPTCHA_REQUIRED").await;
    refused(ask(json!({ "challenge": "of our own making", "solution": "0" })), 401, "CAPTCHA_REQUIRED").await;
    assert_eq!(fields(&refused(ask(json!("solved")), 400, "VALIDATION_ERROR").await), ["captcha"]);
}

fn change(platform: &Platform, person: &Person, new_email: &str, password: &str) -> RequestBuilder {
    let body = json!({ "new_email": new_email, "password": password });
    platform.post("/auth/email/change").bearer_auth(&person.access).json(&body)
}

#[tokio::test]
async fn an_address_is_changed_by_the_link_to_the_new_one() {
    let platform = Platform::start().await;
    let (parent, other, new) = (platform.parent().await, platform.parent().await, new_address());
    refused(change(&platform, &parent, &new, "wrong"), 401, "INVALID_CREDENTIALS").await;
    refused(change(&platform, &parent, &other.email, PASSWORD), 409, "CONFLICT").await;
    let same = refused(change(&platform, &parent, &parent.email, PASSWORD), 400, "VALIDATION_ERROR").await;
    assert_eq!(fields(&same), ["new_email"]);
    let nothing = platform.post("/auth/email/change").bearer_auth(&parent.access).json(&json!({}));
    assert_eq!(fields(&refused(nothing, 400, "VALIDATION_ERROR").await), ["new_email", "password"]);
    refused(platform.post("/auth/email/change").json(&json!({})), 401, "UNAUTHENTICATED").await;

    done(change(&platform, &parent, &new, PASSWORD)).await;
    assert_eq!(me(&platform, &parent.access).await["email"], parent.email.as_str(), "until the link is followed");
    let confirm = |token: &str| platform.post("/auth/email/change/confirm").json(&json!({ "token": token }));
    let token = platform.link(&parent, MailPurpose::ChangeEmail).await;
    done(confirm(&token)).await;
    let changed = me(&platform, &parent.access).await;
    assert_eq!((changed["email"].as_str(), &changed["email_verified"]), (Some(new.as_str()), &json!(true)));
    assert_eq!(fields(&refused(confirm(&token), 400, "VALIDATION_ERROR").await), ["token"]);
}

#[tokio::test]
async fn a_new_address_that_somebody_registers_meanwhile_is_a_conflict() {
    let platform = Platform::start().await;
    let (parent, new) = (platform.parent().await, new_address());
    done(change(&platform, &parent, &new, PASSWORD)).await;
    let token = platform.link(&parent, MailPurpose::ChangeEmail).await;
    let faster = platform.post("/auth/register").json(&registration(&new)).send().await.expect("an answer");
    json_of(faster, 201).await;
    let confirm = platform.post("/auth/email/change/confirm").json(&json!({ "token": token }));
    refused(confirm, 409, "CONFLICT").await;
    assert_eq!(me(&platform, &parent.access).await["email"], parent.email.as_str());
}

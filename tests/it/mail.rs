//! Mails of a running platform: the link that verifies an address, one click that turns a type off, the page for developers.

use aipoten_kit::test::{eventually, own_broker_url};
use aipoten_tests::money::keyed;
use aipoten_tests::private::PASSWORD;
use aipoten_tests::{mail, unique_email};
use anyhow::{Context as _, ensure};
use reqwest::{Method, Response};
use serde_json::json;
use uuid::Uuid;

use crate::platform::Platform;

/// Whose events nobody else takes: the mail would be another platform's.
async fn mailing(test: &str) -> Platform {
    Platform::start_with(&[("AIPOTEN__BROKER__URL", &own_broker_url(test))]).await
}

async fn get(platform: &Platform, path: &str) -> anyhow::Result<Response> {
    Ok(platform.api.request(Method::GET, path).send().await?)
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn who_has_not_followed_the_link_in_the_mail_can_pay_nothing() -> anyhow::Result<()> {
    let platform = mailing("mail-link").await;
    let email = unique_email("boram");
    let parent = platform.api.new_parent(&email, PASSWORD).await?;
    let order = json!({ "package_id": Uuid::now_v7() });
    let refused = keyed(&parent, "/payments", "a-key", &order).await?;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "EMAIL_NOT_VERIFIED"));
    mail::verify(&platform.api, &email).await?;
    let parent = platform.api.sign_in(&email, PASSWORD).await?;
    assert_eq!(keyed(&parent, "/payments", "a-key", &order).await?.status, 404, "there is no such package");
    Ok(())
}

#[tokio::test]
async fn one_click_turns_a_type_of_mail_off_and_following_the_link_alone_does_not() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let parent = platform.api.new_parent(&unique_email("boram"), PASSWORD).await?;
    let user_id: Uuid = parent.get("/users/me").await?.data(200)?["id"].as_str().context("an id")?.parse()?;
    let delivery = Uuid::now_v7();
    sqlx::query(
        "INSERT INTO deliveries (id, user_id, channel, template, variables, dedupe_key, next_attempt_at)
         VALUES ($1, $2, 'email', 'package_completed', jsonb_build_object('package_id', $1), $1::text, now())",
    )
    .bind(delivery)
    .bind(user_id)
    .execute(&platform.notification.pool)
    .await?;
    let page = format!("//dev/mail/{delivery}.eml");
    eventually("the mail has come", async || get(&platform, &page).await.is_ok_and(|it| it.status() == 200)).await;
    let mail = get(&platform, &page).await?.text().await?;
    let (_, rest) = mail.split_once("/api/v1/notifications/unsubscribe/").context("a link")?;
    let token: String = rest.chars().take_while(|it| it.is_ascii_alphanumeric() || "-_".contains(*it)).collect();

    let off = async || -> anyhow::Result<i64> {
        let off = "SELECT count(*) FROM preferences WHERE user_id = $1 AND type = 'matching_update' AND NOT enabled";
        Ok(sqlx::query_scalar(off).bind(user_id).fetch_one(&platform.notification.pool).await?)
    };
    let path = format!("/notifications/unsubscribe/{token}");
    let asks = get(&platform, &path).await?;
    assert_eq!((asks.status().as_u16(), header(&asks, "content-type")), (200, "text/html; charset=utf-8"));
    assert!(asks.text().await?.contains(r#"<form method="post">"#));
    assert_eq!(off().await?, 0, "a program that follows links turns nothing off");
    // As RFC 8058 says, without cookies or tokens.
    let click = platform.api.request(Method::POST, &path).header("content-type", "application/x-www-form-urlencoded");
    let done = click.body("List-Unsubscribe=One-Click").send().await?;
    assert_eq!(done.status(), 200);
    ensure!(done.text().await?.contains("보내지 않습니다"), "it says that it is done");
    assert_eq!(off().await?, 1);
    let forged = platform.api.post("/notifications/unsubscribe/forged", json!({})).await?;
    assert_eq!((forged.status.as_u16(), forged.fields()), (400, vec!["token"]));
    Ok(())
}

#[tokio::test]
async fn developers_see_mails_in_a_frame_that_can_do_nothing() -> anyhow::Result<()> {
    let platform = mailing("mail-frame").await;
    let email = unique_email("boram");
    platform.api.new_parent(&email, PASSWORD).await?;
    eventually("the mail is listed", async || {
        let Ok(list) = get(&platform, "//dev/mail").await else { return false };
        list.text().await.is_ok_and(|text| text.contains(&email) && text.contains("이메일 주소를 인증해 주세요"))
    })
    .await;
    let list = get(&platform, "//dev/mail").await?.text().await?;
    let (_, rest) = list.split_once("href=\"").context("a link")?;
    let (path, _) = rest.split_once('"').context("a link")?;
    let mail = get(&platform, &format!("/{path}")).await?;
    let policy = header(&mail, "content-security-policy").to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script"), "{policy}");
    let mail = mail.text().await?;
    assert!(mail.contains(r#"<iframe sandbox="allow-popups" srcdoc="&lt;!doctype html&gt;"#), "{mail}");
    for path in ["//dev/mail/nothing.eml", "//dev/mail/..%2F..%2FCargo.eml", "//dev/mail/.hidden.eml"] {
        assert_eq!(get(&platform, path).await?.status(), 404, "{path}");
    }
    Ok(())
}

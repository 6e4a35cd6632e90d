//! Reading mail, as somebody with the mailbox of a development platform does: at `/dev/mail`.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::json;

use crate::Api;
use crate::care::until;

/// Follows the link that verifies an address, once the mail has come. Who is signed in is verified from the next token on.
pub async fn verify(api: &Api, email: &str) -> anyhow::Result<()> {
    let mut token = None;
    until("the mail with the link has come", async || {
        token = find(api, email).await?;
        Ok(token.is_some())
    })
    .await?;
    let token = token.context("a link")?;
    let verified = api.post("/auth/email/verify", json!({ "token": token })).await?;
    ensure!(verified.status == 204, "the link verifies nothing: {}", verified.body);
    Ok(())
}

/// The secret of the link in the newest mail to this address.
async fn find(api: &Api, email: &str) -> anyhow::Result<Option<String>> {
    let list = page(api, "//dev/mail").await?;
    let Some((_, row)) = list.split_once(&format!("<td>{email}<td><a href=\"/dev/mail/")) else { return Ok(None) };
    let (name, _) = row.split_once('"').context("the link to a mail ends")?;
    let mail = page(api, &format!("//dev/mail/{name}")).await?;
    let Some((_, rest)) = mail.split_once("#token=") else { return Ok(None) };
    Ok(Some(rest.chars().take_while(|it| it.is_ascii_alphanumeric() || "-_".contains(*it)).collect()))
}

async fn page(api: &Api, path: &str) -> anyhow::Result<String> {
    let answer = api.request(Method::GET, path).timeout(Duration::from_secs(5)).send().await?;
    ensure!(answer.status() == 200, "the mailbox cannot be read: {}", answer.status());
    Ok(answer.text().await?)
}

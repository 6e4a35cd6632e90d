//! Requests that nobody would send, made from the OpenAPI document: run by `make fuzz`.

use aipoten_tests::private::{ADMIN, PASSWORD};
use aipoten_tests::{Api, unique_email};
use anyhow::{Context as _, ensure};
use serde_json::json;
use tokio::process::Command;

use crate::platform::Platform;

/// What every answer is measured by.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

/// What would end the session that the run goes on with.
const LEFT_OUT: [&str; 2] = ["^/api/v1/auth/(logout|logout-all|password/change)$", "^/api/v1/users/me$"];

#[tokio::test]
#[ignore = "takes minutes and needs a tool: make fuzz"]
async fn fuzz_as_parent_therapist_and_administrator() -> anyhow::Result<()> {
    let platform = Platform::start().await;
    let parent = platform.api.new_parent(&unique_email("fuzz"), PASSWORD).await?;
    parent.new_child().await?;
    parent.consent("child_sensitive_data").await?;
    let therapist = therapist(&platform.api).await?;
    let admin = platform.api.sign_in(ADMIN.0, ADMIN.1).await?;
    let mut failed = Vec::new();
    for (who, api) in [("parent", &parent), ("therapist", &therapist), ("administrator", &admin)] {
        eprintln!("== as {who}");
        if !fuzz(api, who).await? {
            failed.push(who);
        }
    }
    ensure!(failed.is_empty(), "found something as {failed:?}");
    Ok(())
}

async fn therapist(api: &Api) -> anyhow::Result<Api> {
    let email = unique_email("fuzz");
    let consent = |kind: &str| json!({ "kind": kind, "text_version": "1" });
    let account = json!({
        "email": email, "password": PASSWORD, "name": "이하늘", "role": "therapist",
        "consents": [consent("terms"), consent("privacy")],
    });
    api.post("/auth/register", account).await?.data(201)?;
    api.sign_in(&email, PASSWORD).await
}

/// Whether nothing was found.
async fn fuzz(api: &Api, who: &str) -> anyhow::Result<bool> {
    let setting = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set: run `make fuzz`"));
    let token = api.token().context("nobody is signed in")?;
    let mut command = Command::new(setting("AIPOTEN_FUZZER")?);
    command
        .args(["run", &api.address("/api/v1/openapi.json"), "--url", &api.address("")])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", &setting("FUZZ_EXAMPLES")?, "--max-time", &setting("FUZZ_SECONDS")?])
        .args(["--workers", "2", "--seed", "7", "--no-shrink", "--request-timeout", "30", "--continue-on-failure"])
        .args(["--suppress-health-check", "all", "--warnings", "off"])
        .args(["-H", &format!("Authorization: Bearer {token}")]);
    for path in LEFT_OUT {
        command.args(["--exclude-path-regex", path]);
    }
    let status = command.status().await.with_context(|| format!("the run as {who} did not start"))?;
    Ok(status.success())
}

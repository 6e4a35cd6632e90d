//! Requests that nobody would send, made from the OpenAPI document: run by `make fuzz`.

use std::process::Stdio;

use aipoten_tests::private::{ADMIN, PASSWORD};
use aipoten_tests::{Api, unique_email};
use anyhow::{Context as _, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::platform::Platform;

/// What every answer is measured by.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

/// Requests of the three together, at least.
const FEWEST: u64 = 20_000;

/// What would end the session that the run goes on with, and what never ends.
const LEFT_OUT: [&str; 3] =
    ["^/api/v1/auth/(logout|logout-all|password/change)$", "^/api/v1/users/me$", "^/api/v1/notifications/stream$"];

#[tokio::test]
#[ignore = "takes minutes and needs a tool: make fuzz"]
async fn fuzz_as_parent_therapist_and_administrator() -> anyhow::Result<()> {
    let platform = Platform::start_with(&[("AIPOTEN__LOG__FILTER", "info,aipoten=debug,lapin=off")]).await;
    let (parent, therapist) = (unique_email("fuzz"), unique_email("fuzz"));
    let api = platform.api.new_parent(&parent, PASSWORD).await?;
    api.new_child().await?;
    api.consent("child_sensitive_data").await?;
    platform.api.new_therapist(&therapist, PASSWORD).await?;
    let (mut failed, mut requests) = (Vec::new(), 0);
    let people =
        [("parent", &*parent, PASSWORD), ("therapist", &therapist, PASSWORD), ("administrator", ADMIN.0, ADMIN.1)];
    for (who, email, password) in people {
        eprintln!("== as {who}");
        // Now: an access token lives for fifteen minutes, hardly longer than the run of one.
        let api = platform.api.sign_in(email, password).await?;
        let report = fuzz(&api, who).await?;
        requests += report.requests;
        if !report.fine {
            failed.push(who);
        }
    }
    eprintln!("== {requests} requests");
    ensure!(failed.is_empty(), "found something as {failed:?}");
    ensure!(requests >= FEWEST, "fewer than {FEWEST} requests: set FUZZ_EXAMPLES");
    Ok(())
}

/// What came of a run.
struct Report {
    /// Whether nothing was found.
    fine: bool,
    requests: u64,
}

async fn fuzz(api: &Api, who: &str) -> anyhow::Result<Report> {
    let setting = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set: run `make fuzz`"));
    let token = api.token().context("nobody is signed in")?;
    let mut command = Command::new(setting("AIPOTEN_FUZZER")?);
    command
        .args(["run", &api.address("/api/v1/openapi.json"), "--url", &api.address("")])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", &setting("FUZZ_EXAMPLES")?])
        .args(["--workers", "1", "--seed", "7", "--no-shrink", "--request-timeout", "30", "--continue-on-failure"])
        .args(["--suppress-health-check", "all", "--warnings", "off"])
        .args(["-H", &format!("Authorization: Bearer {token}")]);
    for path in LEFT_OUT {
        command.args(["--exclude-path-regex", path]);
    }
    // What it keeps is for nobody.
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    let mut run = command.stdout(Stdio::piped()).spawn().with_context(|| format!("the run as {who} did not start"))?;
    let mut lines = BufReader::new(run.stdout.take().context("its output is piped")?).lines();
    let mut requests = 0;
    while let Some(line) = lines.next_line().await? {
        eprintln!("{line}");
        // "  12345 generated, 12345 passed"
        if let Some((number, _)) = line.split_once(" generated") {
            requests = number.trim().parse()?;
        }
    }
    Ok(Report { fine: run.wait().await?.success(), requests })
}

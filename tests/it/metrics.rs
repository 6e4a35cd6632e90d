//! A real Prometheus scrapes a platform on which everything has happened once: whatever a rule or a dashboard asks for is there.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use aipoten_kit::test::{eventually, own_broker_url};
use aipoten_tests::private::{ADMIN, PASSWORD};
use aipoten_tests::{Api, care, journey};
use tokio::process::{Child, Command};

use crate::platform::{Platform, free_ports};

/// Everything that is counted where nothing waits for it.
async fn happen(platform: &Platform) -> anyhow::Result<()> {
    let admin = platform.api.sign_in(ADMIN.0, ADMIN.1).await?;
    journey::run(&platform.api, &mut drop).await?;
    care::run(&platform.api, &admin, &mut drop).await?;
    assert!(platform.api.sign_in("nobody@example.com", PASSWORD).await.is_err());
    assert_eq!(platform.api.with_token("a.b.c").get("/children").await?.status, 401);
    Ok(())
}

async fn prometheus(port: u16, ops: u16) -> Child {
    let program = std::env::var("AIPOTEN_PROMETHEUS").expect("AIPOTEN_PROMETHEUS is set: make ops-check");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("prometheus-{port}"));
    fs::create_dir_all(&folder).expect("a folder");
    let rules = root.join("deploy/observability/rules/*.yaml");
    let text = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{}]\nscrape_configs:\n  - job_name: aipoten\n    \
         static_configs: [{{targets: [\"127.0.0.1:{ops}\"], labels: {{role: gateway}}}}]\n",
        rules.display()
    );
    fs::write(folder.join("prometheus.yaml"), text).expect("written");
    Command::new(program)
        .arg(format!("--config.file={}", folder.join("prometheus.yaml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(["--log.level=warn", "--storage.tsdb.retention.time=1h"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("Prometheus runs")
}

#[tokio::test]
#[ignore = "needs Prometheus: make ops-check"]
async fn a_prometheus_finds_every_metric_that_is_asked_for() -> anyhow::Result<()> {
    let broker = own_broker_url("metrics");
    let platform = Platform::start_with(&[("AIPOTEN__BROKER__URL", &broker)]).await;
    happen(&platform).await?;
    let [port] = free_ports();
    let _prometheus = prometheus(port, platform.ops.port()).await;
    let asked = Api::new(&format!("http://127.0.0.1:{port}"));
    eventually("it has scraped twice", async || {
        let counted = asked.get("//api/v1/query?query=count_over_time(up[1m])").await;
        let value = |body: &serde_json::Value| body["data"]["result"][0]["value"][1].as_str()?.parse::<u32>().ok();
        counted.is_ok_and(|it| value(&it.body).is_some_and(|times| times >= 2))
    })
    .await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = std::env::var("AIPOTEN_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let told = Command::new(python)
        .arg(root.join("tools/ops/live.py"))
        .args([format!("127.0.0.1:{}", platform.ops.port()), "--prometheus".to_owned(), format!("127.0.0.1:{port}")])
        .status()
        .await?;
    assert!(told.success(), "what it missed stands above");
    Ok(())
}

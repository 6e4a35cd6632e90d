//! Redis can be lost at any time: nobody gets in by it, nobody out.

use std::process::Stdio;
use std::time::{Duration, Instant};

use aipoten_kit::test::eventually;
use aipoten_tests::private::{ADMIN, NEW_PASSWORD, PASSWORD};
use aipoten_tests::{Answer, Api, unique_email};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::platform::{Platform, free_ports};

/// A Redis of its own, which a test may empty and stop.
struct Redis {
    process: Child,
    port: String,
}

impl Redis {
    async fn start() -> Self {
        let [port] = free_ports().map(|port| port.to_string());
        let redis = Self { process: serve(&port), port };
        eventually("Redis answers", async || redis.command("ping").await).await;
        redis
    }

    /// After it was stopped, empty.
    async fn start_again(&mut self) {
        self.process = serve(&self.port);
        eventually("Redis answers", async || self.command("ping").await).await;
    }

    /// Whether somebody hears a channel with this in its name.
    async fn is_heard(&self, channel: &str) -> bool {
        let mut client = Command::new("redis-cli");
        let said = client.args(["-p", &self.port, "pubsub", "channels"]).output().await;
        said.is_ok_and(|it| String::from_utf8_lossy(&it.stdout).contains(channel))
    }

    /// Whether it was done.
    async fn command(&self, command: &str) -> bool {
        let mut client = Command::new("redis-cli");
        let client = client.args(["-p", &self.port, command]).stdout(Stdio::null()).stderr(Stdio::null());
        client.status().await.is_ok_and(|it| it.success())
    }

    async fn stop(&mut self) {
        self.process.kill().await.expect("it can be ended");
    }

    /// A platform on this Redis.
    async fn platform(&self) -> Platform {
        let url = format!("redis://127.0.0.1:{}/", self.port);
        let lockout = ("AIPOTEN__IDENTITY__LOCKOUT__CAPTCHA_AFTER", "100");
        Platform::start_with(&[("AIPOTEN__REDIS__URL", &url), lockout]).await
    }
}

fn serve(port: &str) -> Child {
    let mut server = Command::new("redis-server");
    server.args(["--port", port, "--bind", "127.0.0.1", "--save", "", "--maxmemory-policy", "noeviction"]);
    server.stdout(Stdio::null()).kill_on_drop(true).spawn().expect("redis-server is installed")
}

#[tokio::test]
async fn a_gateway_hears_the_others_again_when_redis_is_back() {
    let mut redis = Redis::start().await;
    let _platform = redis.platform().await;
    eventually("the gateway hears", async || redis.is_heard("socket.io-request").await).await;
    redis.stop().await;
    redis.start_again().await;
    eventually("the gateway hears again", async || redis.is_heard("socket.io-request").await).await;
}

async fn login(api: &Api, email: &str, password: &str) -> anyhow::Result<Answer> {
    api.post("/auth/login", json!({ "email": email, "password": password })).await
}

/// Asserts that both services and the gateway refuse a token within a second after what has just been done.
async fn assert_refused_at_once(api: &Api, what: &str) {
    let done = Instant::now();
    for path in ["/auth/me", "/children", "/assessments"] {
        eventually(what, async || api.get(path).await.is_ok_and(|it| it.status == 401)).await;
    }
    let took = done.elapsed();
    assert!(took < Duration::from_secs(1), "{what}: the token was good for another {took:?}");
}

/// Ends sessions in the three ways in which others than their holder may want it.
async fn end_sessions(platform: &Platform) -> anyhow::Result<()> {
    let api = &platform.api;
    let parent = api.new_parent(&unique_email("logout"), PASSWORD).await?;
    parent.post("/auth/logout", json!({})).await?.data(204)?;
    assert_refused_at_once(&parent, "logout").await;

    let email = unique_email("password");
    let thief = api.new_parent(&email, PASSWORD).await?;
    let owner = api.sign_in(&email, PASSWORD).await?;
    let change = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let changed = owner.post("/auth/password/change", change).await?;
    assert!(changed.status.is_success(), "{}", changed.body);
    assert_refused_at_once(&thief, "a changed password").await;

    let suspended = api.new_parent(&unique_email("suspended"), PASSWORD).await?;
    let id = suspended.get("/users/me").await?.data(200)?["id"].as_str().unwrap_or_default().to_owned();
    let admin = api.sign_in(ADMIN.0, ADMIN.1).await?;
    let decision = json!({ "status": "suspended", "reason": "ticket 12" });
    admin.patch(&format!("/admin/users/{id}"), decision).await?.data(200)?;
    assert_refused_at_once(&suspended, "a suspension").await;
    Ok(())
}

#[tokio::test]
async fn ended_sessions_are_refused_within_a_second_with_redis_stopped_too() -> anyhow::Result<()> {
    let mut redis = Redis::start().await;
    let platform = redis.platform().await;
    end_sessions(&platform).await?;
    redis.stop().await;
    end_sessions(&platform).await
}

#[tokio::test]
async fn without_redis_sessions_go_on_ended_ones_stay_ended_and_locked_addresses_locked() -> anyhow::Result<()> {
    let mut redis = Redis::start().await;
    let platform = redis.platform().await;
    let api = &platform.api;
    let (here, locked) = (unique_email("here"), unique_email("locked"));
    api.new_parent(&here, PASSWORD).await?;
    api.new_parent(&locked, PASSWORD).await?;
    let gone = api.new_parent(&unique_email("gone"), PASSWORD).await?;
    let mut tokens = login(api, &here, PASSWORD).await?.data(200)?["tokens"].clone();
    gone.post("/auth/logout", json!({})).await?.data(204)?;
    for _ in 0..5 {
        assert_eq!(login(api, &locked, "wrong").await?.code(), "INVALID_CREDENTIALS");
    }
    eventually("the end is known", async || gone.get("/assessments").await.is_ok_and(|it| it.status == 401)).await;

    for loss in ["emptied", "stopped"] {
        if loss == "emptied" {
            assert!(redis.command("flushall").await);
        } else {
            redis.stop().await;
        }
        let text = |name: &str, tokens: &Value| tokens[name].as_str().unwrap_or_default().to_owned();
        for path in ["/auth/me", "/children", "/assessments"] {
            let answer = api.with_token(&text("access_token", &tokens)).get(path).await?;
            assert_eq!(answer.status, 200, "{loss}: {path} {}", answer.body);
            assert_eq!(gone.get(path).await?.status, 401, "{loss}: {path}");
        }
        let refresh = json!({ "refresh_token": text("refresh_token", &tokens) });
        tokens = api.post("/auth/refresh", refresh).await?.data(200)?;
        assert_eq!(login(api, &locked, PASSWORD).await?.code(), "ACCOUNT_LOCKED", "{loss}");
        login(api, &here, PASSWORD).await?.data(200)?;
    }
    Ok(())
}

//! Starting and stopping the real executable.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use aipoten_kit::test::{TestDatabase, broker_url, eventually, redis};
use aipoten_tests::Api;
use secrecy::ExposeSecret as _;
use tokio::process::{Child, Command};

/// Credentials of the administrator that the seed makes.
pub(crate) const ADMIN: (&str, &str) = ("admin@example.com", "an administrator 7!");

/// `aipoten all` with everything of its own; ended when it is dropped.
pub(crate) struct Platform {
    // Ends before its databases are dropped.
    _process: Child,
    pub(crate) api: Api,
    /// The operations port.
    pub(crate) ops: Api,
    pub(crate) identity: TestDatabase,
    pub(crate) content: TestDatabase,
    pub(crate) matching: TestDatabase,
    environment: Vec<(String, String)>,
}

/// The executable of this build.
pub(crate) fn executable() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.ancestors().nth(2).expect("target/debug/deps/test").to_owned();
    let path = folder.join("aipoten");
    assert!(path.exists(), "{} is not built: run `cargo build --workspace --all-targets` first", path.display());
    path
}

impl Platform {
    /// Starts with the development defaults and limits that do not hinder tests.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts with further variables.
    pub(crate) async fn start_with(variables: &[(&str, &str)]) -> Self {
        let new = || TestDatabase::create(&[]);
        let (identity, content, matching) = tokio::join!(new(), new(), new());
        let [gateway, ops, identity_port, content_port, matching_port] = free_ports();
        let redis = redis();
        let mut environment: Vec<(String, String)> = [
            ("MODE", "development".to_owned()),
            ("LOG__FILTER", "warn,lapin=off".to_owned()),
            ("BROKER__URL", broker_url()),
            ("REDIS__URL", redis.url.expose_secret().to_owned()),
            ("REDIS__PREFIX", redis.prefix),
            ("OPS__LISTEN", format!("127.0.0.1:{ops}")),
            ("GATEWAY__LISTEN", format!("127.0.0.1:{gateway}")),
            ("GATEWAY__IDENTITY_URL", format!("http://127.0.0.1:{identity_port}")),
            ("GATEWAY__CONTENT_URL", format!("http://127.0.0.1:{content_port}")),
            ("GATEWAY__MATCHING_URL", format!("http://127.0.0.1:{matching_port}")),
            ("IDENTITY__LISTEN", format!("127.0.0.1:{identity_port}")),
            ("IDENTITY__DATABASE__URL", identity.config().url.expose_secret().to_owned()),
            ("IDENTITY__DATABASE__OWNER_URL", identity.owner_url()),
            ("IDENTITY__ENCRYPTION__KEYS", "dev1:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=".to_owned()),
            ("IDENTITY__ENCRYPTION__ACTIVE", "dev1".to_owned()),
            ("IDENTITY__ADMIN__EMAIL", ADMIN.0.to_owned()),
            ("IDENTITY__ADMIN__PASSWORD", ADMIN.1.to_owned()),
            ("CONTENT__LISTEN", format!("127.0.0.1:{content_port}")),
            ("CONTENT__IDENTITY_URL", format!("http://127.0.0.1:{identity_port}")),
            ("CONTENT__DATABASE__URL", content.config().url.expose_secret().to_owned()),
            ("CONTENT__DATABASE__OWNER_URL", content.owner_url()),
            ("MATCHING__LISTEN", format!("127.0.0.1:{matching_port}")),
            ("MATCHING__IDENTITY_URL", format!("http://127.0.0.1:{identity_port}")),
            ("MATCHING__DATABASE__URL", matching.config().url.expose_secret().to_owned()),
            ("MATCHING__DATABASE__OWNER_URL", matching.owner_url()),
            ("MATCHING__ENCRYPTION__KEYS", "dev1:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=".to_owned()),
            ("MATCHING__ENCRYPTION__ACTIVE", "dev1".to_owned()),
        ]
        .map(|(name, value)| (format!("AIPOTEN__{name}"), value))
        .to_vec();
        let limits = ["USER", "ANONYMOUS", "ADDRESS", "LOGIN", "REGISTER", "REFRESH"];
        environment.extend(limits.map(|name| (format!("AIPOTEN__GATEWAY__LIMITS__{name}"), "100000".to_owned())));
        environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));

        for step in ["migrate", "seed"] {
            let done = command(&environment).arg(step).status().await.expect("the executable runs");
            assert!(done.success(), "aipoten {step} failed");
        }
        let process = command(&environment).arg("all").kill_on_drop(true).spawn().expect("the executable runs");
        let api = Api::new(&format!("http://127.0.0.1:{gateway}"));
        let ops = Api::new(&format!("http://127.0.0.1:{ops}"));
        eventually("the platform is ready", async || {
            ops.get("//health/ready").await.is_ok_and(|answer| answer.status == 200)
        })
        .await;
        Self { _process: process, api, ops, identity, content, matching, environment }
    }
}

impl Platform {
    /// Runs the executable beside the platform and gives what it wrote on standard output, or else on standard error.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<String, String> {
        let output = command(&self.environment).args(arguments).output().await.expect("the executable runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }
}

fn command(environment: &[(String, String)]) -> Command {
    let mut command = Command::new(executable());
    command.env_clear().envs(environment.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
    command
}

/// Runs the executable with these variables alone and gives what it wrote on standard error, for starts that must fail.
pub(crate) async fn refused_start(role: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(executable());
    let variables = variables.iter().copied().chain([("AIPOTEN__OPS__LISTEN", "127.0.0.1:0")]);
    command.env_clear().envs(variables).arg(role).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(10), command.output()).await;
    let output = output.expect("a bad configuration stops the start at once").expect("the executable runs");
    assert!(!output.status.success(), "{role} started");
    String::from_utf8(output.stderr).expect("messages are text")
}

fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| std::net::TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}

//! Starting and stopping the real executable.

use std::fs::{File, read_to_string, remove_file};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use aipoten_kit::test::{TestDatabase, broker_url, eventually, redis};
use aipoten_tests::Api;
use aipoten_tests::private::{ADMIN, ENCRYPTION_KEY, SERVICE_SECRET, leaks};
use secrecy::ExposeSecret as _;
use tokio::process::{Child, Command};
use uuid::Uuid;

/// Everything that our own crates say, and what libraries do; h2 and hyper would show each frame.
const LOG_FILTER: &str = "debug,aipoten=trace,h2=info,hyper_util=info,lapin=off";

/// `aipoten all` with everything of its own; ended when it is dropped.
pub(crate) struct Platform {
    // Ends before its databases are dropped.
    process: Child,
    log: Log,
    #[expect(dead_code, reason = "it is there as long as the platform runs")]
    mails: Mails,
    pub(crate) api: Api,
    /// The operations port.
    pub(crate) ops: Api,
    /// Address of the payment provider of our own.
    pub(crate) sandbox: String,
    pub(crate) identity: TestDatabase,
    pub(crate) content: TestDatabase,
    pub(crate) matching: TestDatabase,
    pub(crate) billing: TestDatabase,
    pub(crate) notification: TestDatabase,
    environment: Vec<(String, String)>,
}

/// The executable of this build, unless another is to be measured.
pub(crate) fn executable() -> PathBuf {
    if let Ok(path) = std::env::var("BENCH_EXECUTABLE") {
        return path.into();
    }
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
        let (identity, content, matching, billing, notification) =
            Box::pin(async { tokio::join!(new(), new(), new(), new(), new()) }).await;
        let [gateway, ops, identity_port, content_port, matching_port, billing_port, notification_port, sandbox] =
            free_ports();
        let redis = redis();
        let mails = Mails::new();
        let service_secret = format!("dev-{}", Uuid::now_v7());
        let mut environment: Vec<(String, String)> = [
            ("MODE", "development".to_owned()),
            ("LOG__FILTER", LOG_FILTER.to_owned()),
            ("BROKER__URL", broker_url()),
            ("REDIS__URL", redis.url.expose_secret().to_owned()),
            ("REDIS__PREFIX", redis.prefix),
            ("OPS__LISTEN", format!("127.0.0.1:{ops}")),
            ("GATEWAY__LISTEN", format!("127.0.0.1:{gateway}")),
            ("GATEWAY__IDENTITY_URL", format!("http://127.0.0.1:{identity_port}")),
            ("GATEWAY__CONTENT_URL", format!("http://127.0.0.1:{content_port}")),
            ("GATEWAY__MATCHING_URL", format!("http://127.0.0.1:{matching_port}")),
            ("GATEWAY__BILLING_URL", format!("http://127.0.0.1:{billing_port}")),
            ("GATEWAY__NOTIFICATION_URL", format!("http://127.0.0.1:{notification_port}")),
            ("IDENTITY__LISTEN", format!("127.0.0.1:{identity_port}")),
            ("IDENTITY__DATABASE__URL", identity.config().url.expose_secret().to_owned()),
            ("IDENTITY__DATABASE__OWNER_URL", identity.owner_url()),
            ("IDENTITY__ENCRYPTION__KEYS", format!("dev1:{ENCRYPTION_KEY}")),
            ("IDENTITY__ENCRYPTION__ACTIVE", "dev1".to_owned()),
            ("IDENTITY__SERVICE_SECRETS", format!("notification:{SERVICE_SECRET}")),
            ("IDENTITY__ADMIN__EMAIL", ADMIN.0.to_owned()),
            ("IDENTITY__ADMIN__PASSWORD", ADMIN.1.to_owned()),
            ("CONTENT__LISTEN", format!("127.0.0.1:{content_port}")),
            ("CONTENT__IDENTITY_URL", format!("http://127.0.0.1:{identity_port}")),
            ("CONTENT__DATABASE__URL", content.config().url.expose_secret().to_owned()),
            ("CONTENT__DATABASE__OWNER_URL", content.owner_url()),
            ("MATCHING__LISTEN", format!("127.0.0.1:{matching_port}")),
            ("MATCHING__DOCUMENTS", concat!(env!("CARGO_TARGET_TMPDIR"), "/documents").to_owned()),
            ("MATCHING__IDENTITY_URL", format!("http://127.0.0.1:{identity_port}")),
            ("MATCHING__DATABASE__URL", matching.config().url.expose_secret().to_owned()),
            ("MATCHING__DATABASE__OWNER_URL", matching.owner_url()),
            ("MATCHING__ENCRYPTION__KEYS", "dev1:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=".to_owned()),
            ("MATCHING__ENCRYPTION__ACTIVE", "dev1".to_owned()),
            ("BILLING__LISTEN", format!("127.0.0.1:{billing_port}")),
            ("BILLING__IDENTITY_URL", format!("http://127.0.0.1:{identity_port}")),
            ("BILLING__MATCHING_URL", format!("http://127.0.0.1:{matching_port}")),
            ("BILLING__DATABASE__URL", billing.config().url.expose_secret().to_owned()),
            ("BILLING__DATABASE__OWNER_URL", billing.owner_url()),
            ("BILLING__ENCRYPTION__KEYS", "dev1:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=".to_owned()),
            ("BILLING__ENCRYPTION__ACTIVE", "dev1".to_owned()),
            ("BILLING__PROVIDER", "sandbox".to_owned()),
            ("BILLING__SETTLE_RUNNING_MONTH", "true".to_owned()),
            ("BILLING__PROVIDERS__SANDBOX__BASE_URL", format!("http://127.0.0.1:{sandbox}")),
            ("BILLING__PROVIDERS__SANDBOX__SECRET_KEY", "test_sk_sandbox".to_owned()),
            ("SANDBOX__LISTEN", format!("127.0.0.1:{sandbox}")),
            ("SANDBOX__SECRET_KEY", "test_sk_sandbox".to_owned()),
            ("SANDBOX__WEBHOOK_URL", format!("http://127.0.0.1:{gateway}/api/v1/payments/webhooks/sandbox")),
            ("NOTIFICATION__LISTEN", format!("127.0.0.1:{notification_port}")),
            ("NOTIFICATION__IDENTITY_URL", format!("http://127.0.0.1:{identity_port}")),
            ("NOTIFICATION__DATABASE__URL", notification.config().url.expose_secret().to_owned()),
            ("NOTIFICATION__DATABASE__OWNER_URL", notification.owner_url()),
            ("NOTIFICATION__ENCRYPTION__KEYS", "dev1:Q0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0M=".to_owned()),
            ("NOTIFICATION__ENCRYPTION__ACTIVE", "dev1".to_owned()),
            ("NOTIFICATION__SERVICE_SECRET", service_secret.clone()),
            ("IDENTITY__SERVICE_SECRETS", format!("notification:{service_secret}")),
            ("NOTIFICATION__UNSUBSCRIBE_KEY", format!("dev-{}", Uuid::now_v7())),
            ("NOTIFICATION__MAIL__FOLDER", mails.path()),
            ("GATEWAY__MAILBOX", mails.path()),
            ("NOTIFICATION__SMS__URL", format!("http://127.0.0.1:{sandbox}")),
            ("NOTIFICATION__SMS__KEY", "test_sk_sandbox".to_owned()),
        ]
        .map(|(name, value)| (format!("AIPOTEN__{name}"), value))
        .to_vec();
        let limits = ["USER", "ANONYMOUS", "ADDRESS", "LOGIN", "REGISTER", "REFRESH", "WEBHOOKS", "MAIL"];
        environment.extend(limits.map(|name| (format!("AIPOTEN__GATEWAY__LIMITS__{name}"), "100000".to_owned())));
        environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));

        let log = Log::new();
        for step in ["migrate", "seed"] {
            let done = log.of(command(&environment).arg(step)).status().await.expect("the executable runs");
            assert!(done.success(), "aipoten {step} failed");
        }
        let process = spawn(&log, &environment, "all");
        let api = Api::new(&format!("http://127.0.0.1:{gateway}"));
        let ops = Api::new(&format!("http://127.0.0.1:{ops}"));
        let sandbox = format!("http://127.0.0.1:{sandbox}");
        let platform = Self {
            process,
            log,
            mails,
            api,
            ops,
            sandbox,
            identity,
            content,
            matching,
            billing,
            notification,
            environment,
        };
        platform.ready().await;
        platform
    }

    async fn ready(&self) {
        eventually("the platform is ready", async || {
            self.ops.get("//health/ready").await.is_ok_and(|answer| answer.status == 200)
        })
        .await;
    }
}

impl Platform {
    /// Of the running executable.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id().expect("it runs until it is dropped")
    }

    /// Tells it to stop, as an orchestrator does.
    pub(crate) async fn terminate(&self) {
        terminate(&self.process).await;
    }

    /// Waits until it has stopped by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        self.process.wait().await.expect("a process that was started")
    }

    /// After it has ended.
    pub(crate) async fn start_again(&mut self) {
        self.process = spawn(&self.log, &self.environment, "all");
        self.ready().await;
    }

    /// Ends it and starts it again with further variables; how long it took until it was ready.
    pub(crate) async fn restart(&mut self, variables: &[(&str, &str)]) -> Duration {
        self.process.kill().await.expect("it can be ended");
        self.environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let begun = Instant::now();
        self.process = spawn(&self.log, &self.environment, "all");
        self.ready().await;
        begun.elapsed()
    }

    /// Ends it and starts a process for each of these roles in its place.
    pub(crate) async fn split(&mut self, roles: &[&str]) -> Vec<Child> {
        self.process.kill().await.expect("it can be ended");
        let processes = roles.iter().map(|role| self.start_role(role)).collect();
        eventually("the roles answer", async || self.api.get("/videos").await.is_ok_and(|it| it.status == 200)).await;
        processes
    }

    /// A process for one role, on the ports that the others look for it on.
    pub(crate) fn start_role(&self, role: &str) -> Child {
        self.start_role_with(role, &[])
    }

    /// The same with variables of its own.
    pub(crate) fn start_role_with(&self, role: &str, variables: &[(&str, &str)]) -> Child {
        let variables = [("AIPOTEN__OPS__LISTEN", "127.0.0.1:0")].iter().chain(variables);
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment: Vec<_> = self.environment.iter().cloned().chain(variables).collect();
        spawn(&self.log, &environment, role)
    }

    /// The value of one of its variables.
    pub(crate) fn variable(&self, name: &str) -> &str {
        let found = self.environment.iter().rev().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str()).expect("a variable that every platform has")
    }

    /// A second gateway, and its port.
    pub(crate) async fn another_gateway(&self) -> (Child, u16) {
        let [port, ops] = free_ports();
        let (listen, ops) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{ops}"));
        let variables = [("AIPOTEN__GATEWAY__LISTEN", listen.as_str()), ("AIPOTEN__OPS__LISTEN", &ops)];
        let gateway = self.start_role_with("gateway", &variables);
        let ops = Api::new(&format!("http://{ops}"));
        eventually("the second gateway is ready", async || {
            ops.get("//health/ready").await.is_ok_and(|answer| answer.status == 200)
        })
        .await;
        (gateway, port)
    }

    /// Everything that must always be true of money and calendars is.
    pub(crate) async fn check_invariants(&self) {
        let checked = self.command(&["check-invariants"]).await;
        assert!(checked.is_ok(), "{}", checked.unwrap_or_else(|broken| broken));
    }

    /// Runs the executable beside the platform and gives what it wrote on standard output, or else on standard error.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<String, String> {
        self.command_with(arguments, &[]).await
    }

    /// The same with other settings.
    pub(crate) async fn command_with(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Result<String, String> {
        let output = command(&self.environment)
            .env("AIPOTEN__LOG__FILTER", "warn")
            .envs(settings.iter().copied())
            .args(arguments)
            .output()
            .await
            .expect("the executable runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }
}

/// The folder of a platform's mails, which goes with it.
struct Mails(PathBuf);

impl Mails {
    fn new() -> Self {
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mail-{}", Uuid::now_v7().simple())))
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Mails {
    fn drop(&mut self) {
        // Where the platform never started there is none.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a platform says while a test runs. At the end it is searched for what no log may hold; of a test that fails it is
/// kept.
struct Log(PathBuf);

impl Log {
    fn new() -> Self {
        Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("platform-{}.log", Uuid::now_v7().simple())))
    }

    /// Both of a command's streams go here.
    fn of<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let file = || File::options().create(true).append(true).open(&self.0).expect("the log can be written");
        command.stdout(file()).stderr(file())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return eprintln!("the platform's log is {}", self.0.display());
        }
        let log = read_to_string(&self.0).expect("the log is text");
        let leaks = leaks(&log);
        assert!(leaks.is_empty(), "{} holds what no log may hold, such as {}", self.0.display(), leaks[0]);
        assert!(log.contains("serving"), "nothing was logged");
        remove_file(&self.0).expect("the log can be removed");
    }
}

fn spawn(log: &Log, environment: &[(String, String)], role: &str) -> Child {
    log.of(command(environment).arg(role)).kill_on_drop(true).spawn().expect("the executable runs")
}

/// Tells a process to stop, as an orchestrator does.
pub(crate) async fn terminate(process: &Child) {
    let pid = process.id().expect("it runs").to_string();
    let told = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(told.is_ok_and(|status| status.success()), "{pid} is not there");
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

/// Ports to listen on, below those that the system hands out for connections: none of these can take one before it is listened on.
/// Each is given once; where the first one lies tells two runs apart.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    static NEXT: LazyLock<AtomicU16> =
        LazyLock::new(|| AtomicU16::new(u16::try_from(std::process::id() % 64).expect("a few") * 100));
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut ports = std::iter::repeat_with(|| 7_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 7_000).filter(free);
    [(); N].map(|()| ports.next().expect("the ports never end"))
}

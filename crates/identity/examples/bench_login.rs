//! Measures whether the time of a refused sign-in tells anything of an address; run by `make bench-login` on servers of its
//! own. The attempts are made one after the other, those of each round in another order.

use std::io::Write as _;
use std::time::{Duration, Instant};

use aipoten_identity::{Common, Config, MIGRATOR, build, serve};
use aipoten_kit::Process;
use aipoten_kit::config::Tokens;
use aipoten_kit::test::{TestDatabase, encryption, redis};
use aipoten_proto::identity::v1::session_service_client::SessionServiceClient;
use aipoten_proto::identity::v1::user_service_client::UserServiceClient;
use aipoten_proto::identity::v1::{ConsentKind, CreateSessionRequest, GivenConsent, RegisterUserRequest, Role};
use anyhow::ensure;
use rand::seq::SliceRandom as _;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tonic::transport::{Channel, Endpoint};

const ROUNDS: usize = 300;
/// How far two medians that must not be told apart may be from one another.
const APART: f64 = 0.1;
/// Attempts that nothing but a locked address reaches.
const MANY: i32 = 1_000_000;
const PASSWORD: &str = "correct horse 7!";
/// Nobody answers there: events wait.
const NO_BROKER: &str = "amqp://guest:guest@127.0.0.1:1/%2f";

/// What is measured, and which of them it must look like.
struct Case {
    name: &'static str,
    email: &'static str,
    password: &'static str,
    like: &'static str,
    times: Vec<Duration>,
}

fn cases() -> [Case; 5] {
    let case = |name, email, password, like| Case { name, email, password, like, times: Vec::with_capacity(ROUNDS) };
    [
        case("known, wrong password", "known@example.com", "wrong horse 7!", ""),
        case("unknown", "unknown@example.com", "wrong horse 7!", "known, wrong password"),
        case("suspended, right password", "suspended@example.com", PASSWORD, "known, wrong password"),
        case("locked and known", "locked@example.com", "wrong horse 7!", ""),
        case("locked and unknown", "nobody@example.com", "wrong horse 7!", "locked and known"),
    ]
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let database = TestDatabase::create(&[&aipoten_events::MIGRATOR, &MIGRATOR]).await;
    let process = Process::new();
    let channel = start(&database, &process).await?;
    let mut sessions = SessionServiceClient::new(channel.clone());
    prepare(&channel, &mut sessions, &database.pool).await?;
    let mut cases = cases();
    let mut order: Vec<usize> = (0..cases.len()).collect();
    for _ in 0..ROUNDS {
        order.shuffle(&mut rand::rng());
        for at in &order {
            let time = attempt(&mut sessions, cases[*at].email, cases[*at].password).await?;
            cases[*at].times.push(time);
        }
    }
    process.shut_down().await?;
    report(&cases)
}

async fn start(database: &TestDatabase, process: &Process) -> anyhow::Result<Channel> {
    let mut config = Config { database: database.config(), encryption: encryption(), ..Config::default() };
    (config.lockout.failures, config.lockout.captcha_after) = (MANY, MANY);
    let broker = aipoten_events::Config { url: NO_BROKER.to_owned().into(), ..aipoten_events::Config::default() };
    let app = build(config, &Common { redis: redis(), broker, tokens: Tokens::default() }, process).await?;
    let address = serve(&app, false, TcpListener::bind("127.0.0.1:0").await?, process)?;
    Ok(Endpoint::from_shared(format!("http://{address}"))?.connect().await?)
}

/// The accounts, and one attempt at every address: that of a locked one is its last.
async fn prepare(channel: &Channel, sessions: &mut SessionServiceClient<Channel>, pool: &PgPool) -> anyhow::Result<()> {
    let mut users = UserServiceClient::new(channel.clone());
    for email in ["known@example.com", "suspended@example.com", "locked@example.com"] {
        users.register_user(registration(email)).await?;
    }
    sqlx::query("UPDATE users SET status = 'suspended' WHERE email = 'suspended@example.com'").execute(pool).await?;
    for email in ["locked@example.com", "nobody@example.com"] {
        attempt(sessions, email, "wrong horse 7!").await?;
    }
    sqlx::query("UPDATE login_attempts SET failures = $1").bind(MANY).execute(pool).await?;
    for case in cases() {
        attempt(sessions, case.email, case.password).await?;
    }
    Ok(())
}

fn registration(email: &str) -> RegisterUserRequest {
    let given = |kind: ConsentKind| GivenConsent { kind: kind.into(), text_version: "1".to_owned() };
    RegisterUserRequest {
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        name: "김미나".to_owned(),
        role: Role::Parent.into(),
        consents: vec![given(ConsentKind::Terms), given(ConsentKind::Privacy)],
        ..RegisterUserRequest::default()
    }
}

async fn attempt(
    sessions: &mut SessionServiceClient<Channel>,
    email: &str,
    password: &str,
) -> anyhow::Result<Duration> {
    let (email, password) = (email.to_owned(), password.to_owned());
    let request = CreateSessionRequest { email, password, ..CreateSessionRequest::default() };
    let begun = Instant::now();
    let answer = sessions.create_session(request).await;
    let time = begun.elapsed();
    ensure!(answer.is_err(), "an attempt that had to be refused was not");
    Ok(time)
}

fn report(cases: &[Case]) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let mut apart = Vec::new();
    writeln!(out, "{ROUNDS} refused sign-ins each, in milliseconds")?;
    for case in cases {
        let (median, p90) = (percentile(case, 50), percentile(case, 90));
        write!(out, "{:<26} median {median:7.3}   p90 {p90:7.3}", case.name)?;
        if let Some(other) = cases.iter().find(|it| it.name == case.like) {
            let ratio = median / percentile(other, 50);
            write!(out, "   {ratio:.3} of {}", other.name)?;
            if (ratio - 1.0).abs() > APART {
                apart.push(case.name);
            }
        }
        writeln!(out)?;
    }
    ensure!(apart.is_empty(), "told apart by time: {apart:?}");
    Ok(())
}

fn percentile(case: &Case, percent: usize) -> f64 {
    let mut times = case.times.clone();
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0
}

//! Ten thousand who are connected to one gateway: what each costs, and how late news reaches them. Run by `make bench-realtime`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aipoten_proto::content::v1::AssessmentCompleted;
use aipoten_proto::{Message as _, timestamp};
use aipoten_tests::live::Live;
use aipoten_tests::private::PASSWORD;
use aipoten_tests::unique_email;
use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use futures::future::try_join_all;
use serde_json::json;
use sqlx::PgPool;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::MANY;
use super::cost::Process;
use crate::platform::Platform;
use crate::storm::accounts_like;

/// Accounts, and connections of all together.
const PEOPLE: usize = 200;
const CONNECTIONS: usize = 10_000;
/// Handshakes at once.
const AT_ONCE: usize = 64;
/// How long news comes.
const LENGTH: Duration = Duration::from_secs(15);
const ROLES: [&str; 6] = ["identity", "content", "matching", "billing", "notification", "gateway"];

/// Somebody who is signed in.
struct Person {
    id: Uuid,
    token: String,
}

/// Milliseconds from the begin of the transaction that made a notification until a client has it.
type Latencies = mpsc::UnboundedReceiver<f64>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes and a quiet machine: make bench-realtime"]
async fn bench_realtime() -> anyhow::Result<()> {
    let limits = ["USER", "ANONYMOUS", "ADDRESS", "LOGIN", "REGISTER", "REFRESH"];
    let limits = limits.map(|name| format!("AIPOTEN__GATEWAY__LIMITS__{name}"));
    let mut variables: Vec<(&str, &str)> = limits.iter().map(|name| (name.as_str(), MANY)).collect();
    variables.push(("AIPOTEN__GATEWAY__REALTIME__USER_CONNECTIONS", "100"));
    variables.push(("AIPOTEN__LOG__FILTER", "info,lapin=off,sqlx::postgres::notice=warn"));
    variables.push(("AIPOTEN__IDENTITY__SESSION__ACCESS_S", "7200"));
    let mut platform = Platform::start_with(&variables).await;
    let people = people(&platform).await?;
    let processes = platform.split(&ROLES).await;
    let gateway = Process(processes.last().and_then(tokio::process::Child::id).context("the gateway runs")?);
    sleep(Duration::from_secs(3)).await;
    let idle = gateway.memory();

    let (sender, mut latencies) = mpsc::unbounded_channel();
    connect(&platform, &people, PEOPLE, &sender).await?;
    eprintln!("{PEOPLE} connections:");
    news(&platform.content.pool, &people, 20, 1, &mut latencies).await?;

    let (rest, cpu) = (CONNECTIONS - PEOPLE, gateway.cpu());
    let took = connect(&platform, &people, rest, &sender).await?;
    let spent = gateway.cpu().saturating_sub(cpu);
    sleep(Duration::from_secs(3)).await;
    let (rest, memory) = (f64::from(u32::try_from(rest)?), gateway.memory());
    let each = f64::from(u32::try_from((memory - idle) * 1024)?) / f64::from(u32::try_from(CONNECTIONS)?);
    eprintln!("{CONNECTIONS} connections:");
    eprintln!(
        "  {:>8.0} connected a second, {:.0} µs of the gateway's CPU each",
        rest / took.as_secs_f64(),
        spent.as_secs_f64() * 1e6 / rest
    );
    eprintln!("  {each:>8.1} KiB each (PSS {idle} MiB before, {memory} MiB with all)");
    let cpu = gateway.cpu();
    sleep(Duration::from_secs(10)).await;
    eprintln!("  {:>8.1} % of a core while nothing happens", gateway.cpu().saturating_sub(cpu).as_secs_f64() * 10.0);
    news(&platform.content.pool, &people, 20, CONNECTIONS / PEOPLE, &mut latencies).await?;
    drop(processes);
    Ok(())
}

async fn people(platform: &Platform) -> anyhow::Result<Vec<Person>> {
    let email = unique_email("bench");
    platform.api.new_parent(&email, PASSWORD).await?;
    accounts_like(&platform.identity.pool, &email).await;
    let mut people = Vec::new();
    for number in 1..=PEOPLE {
        let parent = platform.api.sign_in(&format!("{number}-{email}"), PASSWORD).await?;
        let id = parent.get("/users/me").await?.data(200)?["id"].as_str().context("an id")?.parse()?;
        people.push(Person { id, token: parent.token().context("signed in")?.to_owned() });
    }
    Ok(people)
}

/// Connects so many, of all people in turns, who say how late what they hear is; how long it took.
async fn connect(
    platform: &Platform,
    people: &[Person],
    number: usize,
    latencies: &mpsc::UnboundedSender<f64>,
) -> anyhow::Result<Duration> {
    let (port, gate, begun) = (platform.api.port(), Arc::new(Semaphore::new(AT_ONCE)), Instant::now());
    let connecting = (0..number).map(|n| {
        let (gate, token, latencies) = (Arc::clone(&gate), people[n % people.len()].token.clone(), latencies.clone());
        tokio::spawn(async move {
            let _permit = gate.acquire_owned().await?;
            let mut live = Live::with_token(port, &token).await?;
            let joined = live.ask("join_notification_room", json!({})).await?;
            ensure!(joined["success"] == true, "{joined}");
            tokio::spawn(listen(live, latencies));
            anyhow::Ok(())
        })
    });
    for connected in try_join_all(connecting).await? {
        connected?;
    }
    Ok(begun.elapsed())
}

async fn listen(mut live: Live, latencies: mpsc::UnboundedSender<f64>) -> anyhow::Result<()> {
    loop {
        let (_, notification) = live.hear().await?;
        let made: DateTime<Utc> = notification["created_at"].as_str().context("a time")?.parse()?;
        let late = (Utc::now() - made).num_microseconds().context("not that late")?;
        latencies.send(f64::from(i32::try_from(late)?) / 1000.0)?;
    }
}

/// So many notifications a second go the whole way: an event of content, notification's transaction, the broker, the gateway.
async fn news(
    content: &PgPool,
    people: &[Person],
    rate: u32,
    connections: usize,
    latencies: &mut Latencies,
) -> anyhow::Result<()> {
    // What was caught up with while connecting.
    while latencies.try_recv().is_ok() {}
    let (mut told, begun) = (0_u32, Instant::now());
    while begun.elapsed() < LENGTH {
        tell(content, people[told as usize % people.len()].id).await?;
        told += 1;
        let due = begun + Duration::from_secs_f64(f64::from(told) / f64::from(rate));
        sleep(due.saturating_duration_since(Instant::now())).await;
    }
    let expected = told as usize * connections;
    let mut late = Vec::with_capacity(expected);
    while late.len() < expected {
        let next = timeout(Duration::from_secs(30), latencies.recv()).await;
        late.push(next.with_context(|| format!("{} of {expected} arrive", late.len()))?.context("connected")?);
    }
    late.sort_by(f64::total_cmp);
    let at = |percent: usize| late[(late.len() * percent / 100).min(late.len() - 1)];
    eprintln!(
        "  {rate} notifications a second, each to {connections}: from its transaction's begin to the client p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms ({expected} arrived)",
        at(50),
        at(99),
        at(100)
    );
    Ok(())
}

async fn tell(content: &PgPool, user_id: Uuid) -> anyhow::Result<()> {
    let id = Uuid::now_v7();
    let event = AssessmentCompleted {
        assessment_id: id.to_string(),
        child_id: id.to_string(),
        user_id: user_id.to_string(),
        completed_at: Some(timestamp(Utc::now())),
    };
    let insert = "INSERT INTO outbox (id, aggregate_type, aggregate_id, aggregate_seq, type, payload, headers)
         VALUES ($1, 'assessment', $1, 1, 'aipoten.content.v1.AssessmentCompleted', $2, '{}')";
    sqlx::query(insert).bind(id).bind(event.encode_to_vec()).execute(content).await?;
    Ok(())
}

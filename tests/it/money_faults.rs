//! Money under faults: a hundred packages are paid, and half of them paid back, while something dies. Every flow has to end, every
//! won to be where the provider says, and every invariant to hold. Minutes, on servers of their own: `make faults`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aipoten_kit::test::own_broker_url;
use aipoten_tests::care::Care;
use aipoten_tests::private::ADMIN;
use aipoten_tests::{Answer, Api, money};
use anyhow::{Context as _, bail, ensure};
use chrono::{Days, SecondsFormat, Utc};
use futures::future::try_join_all;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::sleep;
use uuid::Uuid;

use crate::platform::Platform;

/// So many parents each ask so many therapists.
const SIDE: usize = 10;
/// How long a flow may take, faults included.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long the provider cannot be read.
const OUTAGE: Duration = Duration::from_secs(45);
/// How long a payment may be unknown once its provider answers again.
const UNKNOWN: Duration = Duration::from_mins(2);
/// What one session costs, in won.
const PRICE: i64 = 80_000;

/// A package that waits for its parent's payment.
struct Due {
    parent: Api,
    package: String,
    cancels: bool,
}

/// When a flow came where.
struct Flow {
    /// The provider was first asked to charge.
    charged: Instant,
    /// The parent read that it is paid.
    paid: Instant,
}

/// Numbers of orders that were begun, for who would forge messages about them.
type Orders = Arc<Mutex<Vec<String>>>;

/// With a part of the broker that nobody else has used.
async fn start(test: &str) -> Platform {
    Platform::start_with(&[("AIPOTEN__BROKER__URL", &own_broker_url(test))]).await
}

/// A hundred packages of one session, each at a time that is free for its child and its therapist.
async fn hundred_packages(platform: &Platform) -> anyhow::Result<Vec<Due>> {
    let admin = platform.api.sign_in(ADMIN.0, ADMIN.1).await?;
    let mut cares = Vec::new();
    for _ in 0..SIDE {
        cares.push(Care::begin(&platform.api, &admin, &mut |_| ()).await?);
    }
    let pairs = (0..SIDE).flat_map(|at| (0..SIDE).map(move |to| (at, to)));
    try_join_all(pairs.map(|(at, to)| agree(&cares, at, to))).await
}

async fn agree(cares: &[Care], at: usize, to: usize) -> anyhow::Result<Due> {
    let (asking, asked) = (&cares[at], &cares[to]);
    let day = Utc::now().date_naive() + Days::new(3 + (u64::try_from(at + to)? % u64::try_from(SIDE)?));
    let time = day.and_hms_opt(1, 0, 0).context("a time")?.and_utc().to_rfc3339_opts(SecondsFormat::Secs, true);
    let wish = json!({
        "therapist_id": asked.therapist_id, "child_id": asking.child_id, "share_child": true, "kind": "online",
        "total_sessions": 1, "preferred_dates": [time],
    });
    let request = asking.parent.post("/matching/requests", wish).await?.data(201)?;
    let place = format!("/matching/requests/{}", request["id"].as_str().context("an id")?);
    let approved =
        asked.therapist.patch(&place, json!({ "decision": "approve", "session_times": [time] })).await?.data(200)?;
    let package = approved["package_id"].as_str().context("a package")?.to_owned();
    Ok(Due { parent: asking.parent.clone(), package, cancels: (at + to).is_multiple_of(2) })
}

impl Due {
    /// Paid, and paid back where it is cancelled, however often a step has to be asked for.
    async fn settle(&self, orders: &Orders) -> anyhow::Result<Flow> {
        let parent = &self.parent;
        let order = json!({ "package_id": self.package });
        let begun = insist(parent, "/payments", &order).await.context("beginning to pay")?;
        orders
            .lock()
            .expect("nobody panics")
            .push(begun["checkout"]["order_id"].as_str().context("a number")?.to_owned());
        let provider_key = money::authorize(&begun).await?;
        let payment = format!("/payments/{}", begun["id"].as_str().context("an id")?);
        let confirm = json!({ "provider_key": provider_key, "amount": PRICE });
        let charged = Instant::now();
        insist(parent, &format!("{payment}/confirm"), &confirm).await.context("confirming")?;
        until(parent, &payment, "payment_status", "completed").await?;
        let paid = Instant::now();
        let package = format!("/packages/{}", self.package);
        let running = until(parent, &package, "status", "active").await?;
        if self.cancels {
            let session = running["consultations"][0]["id"].as_str().context("a session")?;
            let cancel = format!("/consultations/{session}/cancel");
            insist(parent, &cancel, &json!({ "reason": "여행" })).await.context("cancelling")?;
            until(parent, &payment, "payment_status", "refunded").await?;
        }
        Ok(Flow { charged, paid })
    }
}

/// Asks under one key until it is done. Only what a client is told to try again is tried again.
async fn insist(parent: &Api, path: &str, body: &Value) -> anyhow::Result<Value> {
    let key = Uuid::now_v7().to_string();
    loop {
        match money::keyed(parent, path, &key, body).await {
            Ok(answer) if answer.status.is_success() => return Ok(answer.body["data"].clone()),
            Ok(answer) => again(&answer)?,
            Err(_) => {}
        }
        sleep(Duration::from_millis(300)).await;
    }
}

fn again(answer: &Answer) -> anyhow::Result<()> {
    let may_pass = answer.status.is_server_error() || answer.status == 401 || answer.status == 429;
    ensure!(may_pass, "{}: {}", answer.status, answer.body);
    Ok(())
}

/// Reads it until it stands so. A payment that was charged is never shown as failed.
async fn until(parent: &Api, path: &str, field: &str, value: &str) -> anyhow::Result<Value> {
    loop {
        if let Ok(answer) = parent.get(path).await {
            if answer.status == 200 {
                let found = &answer.body["data"];
                ensure!(found[field] != "failed" && found[field] != "expired", "{path} is {}", found[field]);
                if found[field] == value {
                    return Ok(found.clone());
                }
            } else {
                again(&answer)?;
            }
        }
        sleep(Duration::from_millis(300)).await;
    }
}

/// Has a hundred flows go on while `disturb` happens; then everything has to be as the provider says. The flows, and what `disturb`
/// said.
async fn all_end_well<T>(
    platform: &Platform,
    disturb: impl AsyncFnOnce(&Orders) -> anyhow::Result<T>,
) -> anyhow::Result<(Vec<Flow>, T)> {
    let packages = hundred_packages(platform).await?;
    let orders = Orders::default();
    let begun = Instant::now();
    let flows = tokio::time::timeout(PATIENCE, try_join_all(packages.iter().map(|due| due.settle(&orders))));
    let (flows, disturbed) = tokio::join!(flows, disturb(&orders));
    let (flows, disturbed) = (flows.context("flows have not ended in five minutes")??, disturbed?);
    let cancelled = packages.iter().filter(|due| due.cancels).count();
    let slowest = flows.iter().map(|it| it.paid - it.charged).max().unwrap_or_default();
    eprintln!("{} flows, {cancelled} of them paid back, ended in {:.1?}", flows.len(), begun.elapsed());
    eprintln!("the slowest payment was known {slowest:.1?} after it was confirmed");
    as_the_provider_says(platform, cancelled).await?;
    platform.check_invariants().await;
    Ok((flows, disturbed))
}

/// One charge for each package, and what was cancelled back.
async fn as_the_provider_says(platform: &Platform, cancelled: usize) -> anyhow::Result<()> {
    let charges: Value =
        Client::new().get(format!("{}/control/charges", platform.sandbox)).send().await?.json().await?;
    let balances: Vec<i64> = charges.as_array().into_iter().flatten().filter_map(|it| it["balance"].as_i64()).collect();
    let kept = i64::try_from(SIDE * SIDE - cancelled)? * PRICE;
    ensure!(balances.len() == SIDE * SIDE, "{} charges for {} packages", balances.len(), SIDE * SIDE);
    ensure!(
        balances.iter().sum::<i64>() == kept,
        "the provider holds {} won, not {kept}",
        balances.iter().sum::<i64>()
    );
    let ours: i64 = sqlx::query_scalar(
        "SELECT sum(total_amount - refunded_amount)::bigint FROM payments WHERE paid_at IS NOT NULL",
    )
    .fetch_one(&platform.billing.pool)
    .await?;
    ensure!(ours == kept, "we hold {ours} won, and the provider {kept}");
    Ok(())
}

/// Every role a process of its own.
const ROLES: [&str; 6] = ["identity", "content", "matching", "billing", "gateway", "sandbox-provider"];

fn roll(below: u128) -> usize {
    usize::try_from(Uuid::new_v4().as_u128() % below).unwrap_or_default()
}

#[tokio::test]
#[ignore = "takes minutes and ends processes: make faults"]
async fn billing_and_matching_are_killed_at_random_and_no_won_is_lost_or_moved_twice() -> anyhow::Result<()> {
    let mut platform = start("money-kills").await;
    let mut processes: Vec<Child> = platform.split(&ROLES).await;
    let (_, kills) = all_end_well(&platform, async |_| {
        let mut kills = [0; ROLES.len()];
        for _ in 0..20 {
            sleep(Duration::from_millis(u64::try_from(300 + roll(1200))?)).await;
            let killed = if roll(2) == 0 { 2 } else { 3 };
            processes[killed].kill().await?;
            processes[killed] = platform.start_role(ROLES[killed]);
            kills[killed] += 1;
        }
        Ok(kills)
    })
    .await?;
    eprintln!("matching was killed {} times, billing {}", kills[2], kills[3]);
    Ok(())
}

#[tokio::test]
#[ignore = "takes minutes and ends processes: make faults"]
async fn the_provider_fails_in_every_way_and_messages_are_forged_and_every_payment_ends_as_it_was_charged()
-> anyhow::Result<()> {
    let platform = start("money-provider").await;
    // First what charges fails, and nothing can be read.
    faults(&platform, "confirm", &CONFIRM, 12).await?;
    faults(&platform, "webhook", &WEBHOOK, 12).await?;
    faults(&platform, "fetch", &["down"], u32::MAX).await?;
    let (flows, answers_again) = all_end_well(&platform, async |orders| {
        forge(&platform, orders, OUTAGE).await?;
        Client::new().delete(format!("{}/control/faults", platform.sandbox)).send().await?.error_for_status()?;
        let answers_again = Instant::now();
        faults(&platform, "cancel", &CANCEL, 8).await?;
        faults(&platform, "webhook", &WEBHOOK, 12).await?;
        forge(&platform, orders, Duration::from_secs(10)).await?;
        Ok(answers_again)
    })
    .await?;
    let unknown: Vec<Duration> = flows.iter().map(|it| it.paid - it.charged.max(answers_again).min(it.paid)).collect();
    let late = unknown.iter().filter(|it| !it.is_zero()).count();
    let longest = unknown.into_iter().max().unwrap_or_default();
    eprintln!("{late} payments were unknown when the provider answered again, the last one for {longest:.1?}");
    ensure!(late > 0, "the outage touched nothing");
    ensure!(longest < UNKNOWN, "a payment was unknown for {longest:.1?} after the provider answered again");
    Ok(())
}

/// What charges and cancels come to.
const CONFIRM: [&str; 5] = ["then_hang", "then_reset", "then_error", "then_in_flight", "then_replayed_error"];
const CANCEL: [&str; 4] = ["then_hang", "then_reset", "then_error", "then_in_flight"];
const WEBHOOK: [&str; 5] = ["duplicate", "late", "duplicate", "missing", "duplicate"];

async fn faults(platform: &Platform, operation: &str, faults: &[&str], count: u32) -> anyhow::Result<()> {
    for fault in faults {
        let fault = json!({ "fault": fault, "operation": operation, "count": count });
        let control = format!("{}/control/faults", platform.sandbox);
        Client::new().post(control).json(&fault).send().await?.error_for_status()?;
    }
    Ok(())
}

/// Messages that say of an order, which there is, what is not so.
async fn forge(platform: &Platform, orders: &Orders, time: Duration) -> anyhow::Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < time {
        sleep(Duration::from_millis(100)).await;
        let order = {
            let orders = orders.lock().expect("nobody panics");
            orders.get(roll(orders.len().max(1) as u128)).cloned().unwrap_or_default()
        };
        let forged = json!({
            "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": Utc::now().to_rfc3339(),
            "data": { "orderId": order, "status": "CANCELED", "totalAmount": 1, "balanceAmount": 0 },
        });
        platform.api.post("/payments/webhooks/sandbox", forged).await?;
    }
    Ok(())
}

/// Starts or stops a server of the instance that these tests have for themselves.
async fn servers(action: &str, server: &str) -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(root.join("deploy/local/servers.sh"));
    let status = command.args([action, "crash", server]).stdout(Stdio::null()).status().await?;
    ensure!(status.success(), "{server} cannot be brought {action}");
    Ok(())
}

/// Gives a server no chance to put anything in order, and starts it again.
async fn kill_and_start(server: &str, away: Duration) -> anyhow::Result<()> {
    let control = PathBuf::from(std::env::var("AIPOTEN_TEST_RABBITMQCTL").context("run with `make faults`")?);
    if !control.parent().is_some_and(|it| it.ends_with(".local/crash")) {
        bail!("only the servers of `make faults`");
    }
    let pid = std::fs::read_to_string(control.with_file_name(format!("{server}.pid")))?;
    ensure!(Command::new("/bin/kill").args(["-9", pid.trim()]).status().await?.success(), "{server} does not run");
    sleep(away).await;
    servers("up", server).await
}

#[tokio::test]
#[ignore = "takes minutes and ends servers: make faults"]
async fn the_broker_is_killed_for_a_while_and_the_database_twice_and_every_flow_ends() -> anyhow::Result<()> {
    let platform = start("money-servers").await;
    all_end_well(&platform, async |_| {
        sleep(Duration::from_secs(1)).await;
        kill_and_start("rabbitmq", Duration::from_secs(5)).await?;
        sleep(Duration::from_secs(2)).await;
        kill_and_start("postgres", Duration::from_secs(1)).await?;
        sleep(Duration::from_secs(2)).await;
        servers("down", "postgres").await?;
        servers("up", "postgres").await
    })
    .await?;
    Ok(())
}

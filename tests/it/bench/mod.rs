//! How fast, how late, at what cost: run by `make bench` with servers and a build of its own.

mod cost;
mod data;
mod load;
mod pgbench;
mod realtime;
mod storm;

use std::sync::Arc;
use std::time::Duration;

use aipoten_tests::Api;
use tokio::time::sleep;
use uuid::Uuid;

use crate::platform::Platform;
use cost::Process;
use data::{Parents, ROWS, id};
use load::{CONNECTIONS, Requests, Run, count, run};

const LENGTH: Duration = Duration::from_secs(8);
const MANY: &str = "10000000";
const VARIABLES: [(&str, &str); 10] = [
    ("AIPOTEN__GATEWAY__LIMITS__USER", MANY),
    ("AIPOTEN__GATEWAY__LIMITS__ANONYMOUS", MANY),
    ("AIPOTEN__GATEWAY__LIMITS__ADDRESS", MANY),
    ("AIPOTEN__GATEWAY__LIMITS__LOGIN", MANY),
    ("AIPOTEN__GATEWAY__LIMITS__REGISTER", MANY),
    ("AIPOTEN__GATEWAY__LIMITS__REFRESH", MANY),
    ("AIPOTEN__GATEWAY__LIMITS__WEBHOOKS", MANY),
    ("AIPOTEN__GATEWAY__LIMITS__MAIL", MANY),
    ("AIPOTEN__LOG__FILTER", "info,lapin=off,sqlx::postgres::notice=warn"),
    // A parent may be signed in for as long as it takes.
    ("AIPOTEN__IDENTITY__SESSION__ACCESS_S", "7200"),
];

/// What is asked again and again.
struct Job {
    name: &'static str,
    requests: Requests,
    /// Requests a second of the run at a fixed rate.
    rate: u32,
    sql: Option<pgbench::Script>,
}

/// Who works while a job runs.
struct Workers {
    app: Process,
    postgres: Process,
    redis: Process,
}

/// Different for every request, the same in every run.
fn scattered(connection: u32, n: u64) -> u32 {
    let mixed = (u64::from(connection) << 32 | n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u32::try_from(mixed >> 40).unwrap_or_default()
}

fn requests(
    parents: &Arc<Parents>,
    make: impl Fn(u32, u32) -> (&'static str, String) + Send + Sync + 'static,
) -> Requests {
    let parents = Arc::clone(parents);
    Arc::new(move |connection, n| {
        let (method, path) = make(connection, scattered(connection, n));
        (method, path, parents.tokens[connection as usize].clone())
    })
}

fn own_child(connection: u32, random: u32) -> Uuid {
    id(random % (ROWS / CONNECTIONS) * CONNECTIONS + connection)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes and a quiet machine: make bench"]
async fn bench() -> anyhow::Result<()> {
    let mut variables = VARIABLES.to_vec();
    let mut platform = Platform::start_with(&variables).await;
    let workers = |platform: &Platform| -> anyhow::Result<Workers> {
        Ok(Workers {
            app: Process(platform.pid()),
            postgres: Process::named("BENCH_POSTGRES_PID")?,
            redis: Process::named("BENCH_REDIS_PID")?,
        })
    };
    idle(&mut platform).await;
    eprintln!("loading {ROWS} children and {ROWS} videos");
    let parents = Arc::new(data::load(&platform).await?);

    let (identity, content) = (platform.identity.owner_url(), platform.content.owner_url());
    let child = Job {
        name: "GET /children/:id",
        requests: requests(&parents, |connection, random| {
            ("GET", format!("/children/{}", own_child(connection, random)))
        }),
        rate: 2000,
        sql: Some(pgbench::child(&identity)),
    };
    let bookmark = Job {
        name: "POST /videos/:id/bookmark",
        requests: requests(&parents, |_, random| ("POST", format!("/videos/{}/bookmark", id(random % ROWS)))),
        rate: 500,
        sql: Some(pgbench::bookmark(&content)),
    };
    let list = || requests(&parents, |_, _| ("GET", "/videos?age=24".to_owned()));
    let cached = Job { name: "GET /videos?age=24, cached", requests: list(), rate: 5000, sql: None };
    let uncached = Job {
        name: "GET /videos?age=24, not cached",
        requests: list(),
        rate: 100,
        sql: Some(pgbench::videos(&content)),
    };
    let mix = requests(&parents, |connection, random| match random % 10 {
        0..4 => ("GET", format!("/children/{}", own_child(connection, random / 10))),
        4..7 => ("GET", "/videos?age=24".to_owned()),
        7 | 8 => ("POST", format!("/videos/{}/bookmark", id(random / 10 % ROWS))),
        _ => ("GET", "/auth/me".to_owned()),
    });

    heading();
    for job in [&child, &bookmark, &cached, &child, &bookmark, &cached] {
        measure(&platform.api, job, &workers(&platform)?).await?;
    }
    let (crew, before) = (workers(&platform)?, workers(&platform)?.spent());
    let mixed = run(platform.api.port(), &mix, Some(1000), LENGTH).await?;
    row("mix of 1,000/s", &mixed, &crew, &before);
    storm::measure(&platform, &parents, workers(&platform)?.app).await?;

    variables.push(("AIPOTEN__GATEWAY__CACHE", "false"));
    platform.restart(&variables).await;
    heading();
    for job in [&uncached, &uncached] {
        measure(&platform.api, job, &workers(&platform)?).await?;
    }
    Ok(())
}

/// Memory of those who have nothing to do, and how long they take to be ready.
async fn idle(platform: &mut Platform) {
    const SETTLED: Duration = Duration::from_secs(3);
    const ROLES: [&str; 3] = ["identity", "content", "gateway"];
    let processes = platform.split(&ROLES).await;
    sleep(SETTLED).await;
    for (role, process) in ROLES.iter().zip(&processes) {
        let memory = process.id().map_or(0, |pid| Process(pid).memory());
        eprintln!("idle {role:<10} {memory:>4} MiB (PSS)");
    }
    drop(processes);
    let ready = platform.restart(&[]).await;
    sleep(SETTLED).await;
    eprintln!("idle {:<10} {:>4} MiB (PSS), ready after {ready:.1?}", "all", Process(platform.pid()).memory());
}

impl Workers {
    fn spent(&self) -> [Duration; 3] {
        [self.app.cpu(), self.postgres.cpu(), self.redis.cpu()]
    }
}

/// Saturated, at a fixed rate, and the same SQL alone.
async fn measure(api: &Api, job: &Job, workers: &Workers) -> anyhow::Result<()> {
    run(api.port(), &job.requests, None, Duration::from_secs(2)).await?;
    let before = workers.spent();
    let saturated = run(api.port(), &job.requests, None, LENGTH).await?;
    row(job.name, &saturated, workers, &before);
    let before = workers.spent();
    let steady = run(api.port(), &job.requests, Some(job.rate), LENGTH).await?;
    row(&format!("  at {}/s", job.rate), &steady, workers, &before);
    if let Some(sql) = &job.sql {
        let alone = pgbench::run(sql, LENGTH.as_secs()).await?;
        eprintln!("  pgbench {alone:>24.0}   ratio {:.2}", saturated.rate() / alone);
    }
    Ok(())
}

fn heading() {
    eprintln!(
        "\n{:<32} {:>8} {:>8} {:>8} {:>8}   {:>7} {:>7} {:>7}   {:>7}",
        "", "req/s", "p50 ms", "p95 ms", "p99 ms", "app µs", "pg µs", "redis", "PSS MiB"
    );
}

fn row(name: &str, run: &Run, workers: &Workers, before: &[Duration; 3]) {
    let spent = workers.spent();
    let each = |at: usize| spent[at].saturating_sub(before[at]).as_secs_f64() * 1e6 / count(run.requests());
    eprintln!(
        "{name:<32} {:>8.0} {:>8.2} {:>8.2} {:>8.2}   {:>7.0} {:>7.0} {:>7.0}   {:>7}",
        run.rate(),
        run.percentile(50),
        run.percentile(95),
        run.percentile(99),
        each(0),
        each(1),
        each(2),
        workers.app.memory()
    );
}

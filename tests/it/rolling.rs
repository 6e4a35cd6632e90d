//! Two gateways and two of a service behind nginx, restarted one by one under load: no request fails. `make ops-check` goes round once;
//! `make soak` for minutes, and prints what the processes take of memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use aipoten_kit::test::{eventually, own_broker_url};
use aipoten_tests::Api;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::load::Load;
use crate::platform::{Platform, free_ports, terminate};

/// A little longer than `fail_timeout` of the edge, and `minReadySeconds` of a Deployment.
const LEFT_OUT: Duration = Duration::from_millis(5500);

/// One of two that take turns.
struct Replica {
    role: &'static str,
    port: u16,
    ops: u16,
    process: Child,
}

impl Replica {
    fn start(platform: &Platform, role: &'static str) -> Self {
        let [port, ops] = free_ports();
        Self { role, port, ops, process: Self::spawn(platform, role, port, ops) }
    }

    fn spawn(platform: &Platform, role: &str, port: u16, ops: u16) -> Child {
        let (listen, ops) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{ops}"));
        let key = format!("AIPOTEN__{}__LISTEN", role.to_uppercase());
        platform.start_role_with(role, &[(&key, &listen), ("AIPOTEN__OPS__LISTEN", &ops)])
    }

    async fn ready(&self) {
        let ops = Api::new(&format!("http://127.0.0.1:{}", self.ops));
        eventually("a replica is ready", async || ops.get("//health/ready").await.is_ok_and(|it| it.status == 200))
            .await;
    }

    /// As an orchestrator does it: stopped by a signal, and the next one waits until it is ready.
    async fn restart(&mut self, platform: &Platform) {
        let begun = Instant::now();
        terminate(&self.process).await;
        let ended = self.process.wait().await.expect("a process that was started");
        assert!(ended.success() && begun.elapsed() < Duration::from_secs(30), "{}: {ended}", self.role);
        self.process = Self::spawn(platform, self.role, self.port, self.ops);
        self.ready().await;
        // nginx leaves one that was away out for so long; a cluster waits as long before it goes on to the next.
        sleep(LEFT_OUT).await;
    }
}

/// Of a process, as Linux writes it.
fn memory(process: &Child) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id().expect("it runs"))).expect("Linux");
    status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there").trim().to_owned()
}

/// nginx before both pairs: with the edge's rules for gateways, and as a cluster's address before a service.
struct Edge {
    folder: PathBuf,
    _process: Child,
}

impl Edge {
    fn start(port: u16, gateways: &[Replica; 2], service: (&str, &[Replica; 2])) -> Self {
        let tool =
            |name| PathBuf::from(std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: make ops-check")));
        let (nginx, stream) = (tool("AIPOTEN_NGINX"), tool("AIPOTEN_NGINX_STREAM"));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("edge-{port}"));
        fs::create_dir_all(&folder).expect("a folder");
        fs::copy(root.join("deploy/nginx/proxy.conf"), folder.join("proxy.conf")).expect("the edge's rules");
        let (at, service_at) = (folder.display(), service.0.trim_start_matches("http://"));
        let server = |it: &Replica| format!("server 127.0.0.1:{} max_fails=1 fail_timeout=5s;", it.port);
        let temporary =
            ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|it| format!("{it}_temp_path {at}/{it};"));
        let text = format!(
            "load_module {}/usr/lib/nginx/modules/ngx_stream_module.so;\n\
             pid {at}/nginx.pid; error_log {at}/error.log; {} events {{}}\n\
             http {{ access_log off; {}\n upstream gateway {{ {} {} keepalive 64; keepalive_timeout 4s; }}\n\
             server {{ listen 127.0.0.1:{port}; location / {{ include {at}/proxy.conf; proxy_read_timeout 35s; }} }} }}\n\
             stream {{ upstream service {{ {} {} }} server {{ listen {service_at}; proxy_pass service; }} }}\n",
            stream.display(),
            if fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0) {
                "user root;"
            } else {
                ""
            },
            temporary.concat(),
            server(&gateways[0]),
            server(&gateways[1]),
            server(&service.1[0]),
            server(&service.1[1]),
        );
        fs::write(folder.join("nginx.conf"), text).expect("written");
        let process = Command::new(nginx.join("usr/sbin/nginx"))
            .args(["-e", "stderr", "-g", "daemon off; master_process off;", "-p"])
            .arg(&folder)
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("nginx runs");
        Self { folder, _process: process }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute or as long as is asked for, and needs nginx: make ops-check, make soak"]
async fn replicas_are_restarted_one_by_one_under_load_and_no_request_fails() -> anyhow::Result<()> {
    let minutes: u64 = std::env::var("AIPOTEN_SOAK_MINUTES").map_or(Ok(0), |text| text.parse())?;
    let broker = own_broker_url("rolling");
    let mut platform =
        Platform::start_with(&[("AIPOTEN__BROKER__URL", &broker), ("AIPOTEN__LOG__FILTER", "info")]).await;
    platform.terminate().await;
    platform.ended().await;
    let address = platform.variable("AIPOTEN__GATEWAY__IDENTITY_URL").to_owned();
    let mut identities = [Replica::start(&platform, "identity"), Replica::start(&platform, "identity")];
    let mut gateways = [Replica::start(&platform, "gateway"), Replica::start(&platform, "gateway")];
    let others = ["content", "matching", "billing", "notification"].map(|role| (role, platform.start_role(role)));
    let [port] = free_ports();
    let _edge = Edge::start(port, &gateways, (&address, &identities));
    for replica in gateways.iter().chain(&identities) {
        replica.ready().await;
    }

    let api = Api::new(&format!("http://127.0.0.1:{port}"));
    let load = Load::start(&api, 8).await?;
    let begun = Instant::now();
    let mut rounds = 0;
    while rounds == 0 || begun.elapsed() < Duration::from_mins(minutes) {
        for at in 0..2 {
            gateways[at].restart(&platform).await;
            identities[at].restart(&platform).await;
        }
        rounds += 1;
        // Long enough to be told as gone and back; what a soak is about is the time between.
        sleep(Duration::from_secs(if minutes > 0 { 60 } else { 2 })).await;
        let replicas = gateways.iter().chain(&identities).map(|it| (it.role, &it.process));
        let all = replicas.chain(others.iter().map(|(role, process)| (*role, process)));
        let memory: Vec<_> = all.map(|(role, process)| format!("{role} {}", memory(process))).collect();
        eprintln!(
            "{:>4} s: {rounds} rounds, {} requests; {}",
            begun.elapsed().as_secs(),
            load.answered(),
            memory.join(", ")
        );
    }
    let answered = load.answered();
    let did = load.end().await;
    assert_eq!(did.failures, Vec::<String>::new(), "of {answered} requests");
    assert!(answered > 500, "{answered} requests are no load");
    let erased = "SELECT count(*) FROM erased_children";
    eventually("each deletion has arrived", async || {
        let erased: i64 = sqlx::query_scalar(erased).fetch_one(&platform.matching.pool).await.expect("a count");
        usize::try_from(erased).is_ok_and(|erased| erased == did.deleted)
    })
    .await;
    Ok(())
}

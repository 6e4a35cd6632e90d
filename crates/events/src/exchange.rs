use aipoten_kit::Process;
use metrics::{Gauge, gauge};
use sqlx::PgPool;

use crate::{Config, Consumers, Health, Relay, failed, outbox, taken};

/// Runs a service's exchange of events as tasks of the process: what its outbox holds is sent, what others send is taken in.
/// Readiness shows whether both are connected and does not ask for it; the metrics tell it as well, and how much waits.
pub fn exchange(relay: Relay, consumers: Consumers, pool: &PgPool, config: &Config, process: &Process) {
    let service = consumers.service();
    let (sending, taking) = (relay.health(), consumers.health());
    connection(service, "send", sending.clone(), process);
    connection(service, "take", taking.clone(), process);
    taken::prepare(service, consumers.event_types());
    backlog(service, pool, process);
    process.show(format!("{service}.broker"), move || {
        let connected = sending.connected() && taking.connected();
        Box::pin(async move { connected })
    });
    process.spawn(format!("{service} relay"), relay.run(process.stop()));
    process.spawn(format!("{service} consumers"), consumers.run(pool.clone(), config.clone(), process.stop()));
}

/// Has the metrics tell whether a connection to the broker stands: of `service`, to `send`, `take` or `listen`.
pub(crate) fn connection(service: &'static str, of: &'static str, health: Health, process: &Process) {
    let connected = gauge!("aipoten_broker_connected", "service" => service, "use" => of);
    process.measure(move || connected.set(u8::from(health.connected())));
}

/// Events that wait to be sent, and those that failed.
#[derive(Clone)]
struct Backlog {
    service: &'static str,
    unsent: Gauge,
    oldest: Gauge,
    waiting: Gauge,
    dead: Gauge,
}

fn backlog(service: &'static str, pool: &PgPool, process: &Process) {
    let failed = |state: &'static str| gauge!("aipoten_failed_events", "service" => service, "state" => state);
    let backlog = Backlog {
        service,
        unsent: gauge!("aipoten_outbox_unsent", "service" => service),
        oldest: gauge!("aipoten_outbox_oldest_seconds", "service" => service),
        waiting: failed("waiting"),
        dead: failed("dead"),
    };
    let pool = pool.clone();
    process.sample(move || {
        let (backlog, pool) = (backlog.clone(), pool.clone());
        Box::pin(async move {
            if let Err(error) = backlog.measure(&pool).await {
                tracing::warn!(service, %error, "waiting events could not be counted");
            }
        })
    });
}

impl Backlog {
    async fn measure(&self, pool: &PgPool) -> sqlx::Result<()> {
        let mut conn = pool.acquire().await?;
        let (unsent, oldest) = outbox::unsent(&mut conn).await?;
        self.unsent.set(unsent);
        self.oldest.set(oldest);
        let (waiting, dead) = failed::store::unsettled(&mut conn, self.service).await?;
        self.waiting.set(waiting);
        self.dead.set(dead);
        Ok(())
    }
}

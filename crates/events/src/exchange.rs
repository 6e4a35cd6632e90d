use aipoten_kit::Process;
use sqlx::PgPool;

use crate::{Config, Consumers, Relay};

/// Runs a service's exchange of events as tasks of the process: what its outbox holds is sent, what others send is taken in.
/// Readiness shows whether both are connected and does not ask for it.
pub fn exchange(relay: Relay, consumers: Consumers, pool: &PgPool, config: &Config, process: &Process) {
    let service = consumers.service();
    let (sending, taking) = (relay.health(), consumers.health());
    process.show(format!("{service}.broker"), move || {
        let connected = sending.connected() && taking.connected();
        Box::pin(async move { connected })
    });
    process.spawn(format!("{service} relay"), relay.run(process.stop()));
    process.spawn(format!("{service} consumers"), consumers.run(pool.clone(), config.clone(), process.stop()));
}

//! Starting roles: each on its own port, all on one process's life.

use aipoten_kit::Process;
use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::settings::Settings;

/// What a process can be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Role {
    SandboxProvider,
    Identity,
    Content,
    Matching,
    Billing,
    Gateway,
}

/// In the order in which they need one another.
pub(crate) const ALL: [Role; 5] = [Role::Identity, Role::Content, Role::Matching, Role::Billing, Role::Gateway];

/// Runs roles until the process is told to stop.
pub(crate) async fn run(settings: Settings, roles: &[Role]) -> anyhow::Result<()> {
    let process = Process::new();
    process.serve_ops(bind("ops.listen", settings.ops.listen).await?);
    for role in roles {
        start(*role, &settings, &process).await.with_context(|| format!("the role {role:?} cannot start"))?;
    }
    process.run().await
}

async fn start(role: Role, settings: &Settings, process: &Process) -> anyhow::Result<()> {
    match role {
        Role::SandboxProvider => {
            let listen = settings.sandbox.listen.context("configuration key `sandbox.listen` is missing")?;
            aipoten_sandbox::serve(bind("sandbox.listen", listen).await?, &settings.sandbox, process)?;
        }
        Role::Identity => {
            let common = aipoten_identity::Common {
                redis: settings.redis.clone(),
                broker: settings.broker.clone(),
                tokens: settings.tokens.clone(),
            };
            let app = aipoten_identity::build(settings.identity.clone(), &common, process).await?;
            let listener = bind("identity.listen", settings.identity.listen).await?;
            aipoten_identity::serve(&app, settings.reflection, listener, process)?;
        }
        Role::Content => {
            let common = aipoten_content::Common { broker: settings.broker.clone(), tokens: settings.tokens.clone() };
            let app = aipoten_content::build(&settings.content, &common, process).await?;
            let listener = bind("content.listen", settings.content.listen).await?;
            aipoten_content::serve(&app, settings.reflection, listener, process)?;
        }
        Role::Matching => {
            let common = aipoten_matching::Common { broker: settings.broker.clone(), tokens: settings.tokens.clone() };
            let app = aipoten_matching::build(&settings.matching, &common, process).await?;
            let listener = bind("matching.listen", settings.matching.listen).await?;
            aipoten_matching::serve(&app, settings.reflection, listener, process)?;
        }
        Role::Billing => {
            let common = aipoten_billing::Common { broker: settings.broker.clone(), tokens: settings.tokens.clone() };
            let app = aipoten_billing::build(&settings.billing, &common, process).await?;
            let listener = bind("billing.listen", settings.billing.listen).await?;
            aipoten_billing::serve(&app, settings.reflection, listener, process)?;
        }
        Role::Gateway => {
            let common = aipoten_gateway::Common {
                redis: settings.redis.clone(),
                broker: settings.broker.clone(),
                tokens: settings.tokens.clone(),
            };
            let app = aipoten_gateway::build(&settings.gateway, &common)?;
            let listener = bind("gateway.listen", settings.gateway.listen).await?;
            aipoten_gateway::serve(app, listener, process)?;
        }
    }
    Ok(())
}

async fn bind(key: &str, address: std::net::SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("configuration key `{key}`: {address} cannot be listened on"))
}

//! `aipoten <role>`: the same program everywhere, a role per process or all in one.

mod asyncapi;
mod database;
mod failed_events;
mod health;
mod invariants;
mod keys;
mod roles;
mod settings;

use std::io::Write as _;
use std::path::PathBuf;

use aipoten_kit::telemetry;
use clap::{Parser, Subcommand};
use settings::Settings;

/// The backend of a child-development care platform.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// A TOML file beneath the environment variables.
    #[arg(long, global = true, env = "AIPOTEN_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the REST API.
    Gateway,
    /// Serves accounts, sessions, consents and children.
    Identity,
    /// Serves development checks, growth and videos.
    Content,
    /// Serves therapists, calendars, requests, packages and sessions.
    Matching,
    /// Serves payments, refunds and settlements.
    Billing,
    /// Serves notifications, and sends mail, push and text messages.
    Notification,
    /// Serves a payment provider of our own that moves no money: for development and tests, refused in production.
    SandboxProvider,
    /// Serves every role in one process, each on its own port, and the payment sandbox where it is configured.
    All,
    /// Brings the databases to the schema of this program.
    Migrate,
    /// Loads the question bank, the activities and the administrator; again changes nothing.
    Seed,
    /// Looks at the events that a service could not apply, and decides on them.
    FailedEvents {
        #[command(subcommand)]
        act: failed_events::Act,
    },
    /// Has access tokens signed with the next key from now on, as the clock does every 30 days.
    RotateKeys {
        /// The keys were stolen: withdraws them all and signs with a new one. All access tokens are refused within a minute,
        /// and whoever is signed in gets a new one without signing in again.
        #[arg(long)]
        withdraw: bool,
    },
    /// Checks that the audit log is as it was written; fails and names the places where it is not.
    CheckAudit,
    /// Opens one value of each encrypted column with each key it needs: after a restore, and before a key is taken away. Fails where one
    /// does not open.
    CheckKeys,
    /// Asks for the addresses of the published videos whose last check is a day ago.
    CheckLinks,
    /// Checks what must always be true of money, calendars and events; fails and names the places where it is not.
    CheckInvariants,
    /// Prints what stands on the accounts of the ledger, by kind: debits positive, credits negative.
    Ledger,
    /// Makes a new pair of keys for Web Push: the private one for `notification.web_push.private_key`.
    WebPushKey,
    /// Asks the process on this machine whose operations port is configured; fails when it is not ready.
    Health,
    /// Prints the OpenAPI document of the REST API.
    Openapi,
    /// Prints the AsyncAPI document of the events between the services.
    Asyncapi,
    /// Prints the effective configuration, every variable with its default, secrets masked.
    Config,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if matches!(arguments.command, Command::Openapi) {
        return print(&aipoten_gateway::openapi().to_pretty_json()?);
    }
    if matches!(arguments.command, Command::Asyncapi) {
        return print(&serde_json::to_string_pretty(&asyncapi::document()?)?);
    }
    if matches!(arguments.command, Command::WebPushKey) {
        let (private, public) = aipoten_notification::new_web_push_key();
        return print(&format!("private: {private}\npublic: {public}"));
    }
    let settings = Settings::load(arguments.config.as_deref())?;
    if matches!(arguments.command, Command::Config) {
        return print(&settings.describe()?);
    }
    if matches!(arguments.command, Command::Health) {
        return health::ask(settings.ops.listen);
    }
    let telemetry = telemetry::start(arguments.command.name(), &settings.log, &settings.otlp, &settings.sentry)?;
    let outcome = run(settings, arguments.command).await;
    telemetry.stop().await;
    outcome
}

async fn run(settings: Settings, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Gateway => roles::run(settings, &[roles::Role::Gateway]).await,
        Command::Identity => roles::run(settings, &[roles::Role::Identity]).await,
        Command::Content => roles::run(settings, &[roles::Role::Content]).await,
        Command::Matching => roles::run(settings, &[roles::Role::Matching]).await,
        Command::Billing => roles::run(settings, &[roles::Role::Billing]).await,
        Command::Notification => roles::run(settings, &[roles::Role::Notification]).await,
        Command::SandboxProvider => roles::run(settings, &[roles::Role::SandboxProvider]).await,
        Command::All => {
            let sandbox = settings.sandbox.listen.map(|_| roles::Role::SandboxProvider);
            let all: Vec<_> = sandbox.into_iter().chain(roles::ALL).collect();
            roles::run(settings, &all).await
        }
        Command::Migrate => database::migrate(&settings).await,
        Command::Seed => database::seed(&settings).await,
        Command::RotateKeys { withdraw } => database::rotate_keys(&settings, withdraw).await,
        Command::CheckAudit => database::check_audit(&settings).await,
        Command::CheckKeys => keys::check(&settings).await,
        Command::CheckLinks => database::check_links(&settings).await,
        Command::Ledger => database::print_ledger(&settings).await,
        Command::CheckInvariants => invariants::check(&settings).await,
        Command::FailedEvents { act } => failed_events::run(&settings, act).await,
        Command::Health | Command::Openapi | Command::Asyncapi | Command::Config | Command::WebPushKey => Ok(()),
    }
}

impl Command {
    /// What its traces and its reports of faults come from.
    fn name(&self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Identity => "identity",
            Self::Content => "content",
            Self::Matching => "matching",
            Self::Billing => "billing",
            Self::Notification => "notification",
            Self::SandboxProvider => "sandbox",
            Self::All => "all",
            _ => "command",
        }
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

//! `aipoten failed-events`: what administrators decide, for whoever has the databases at hand.

use aipoten_events::{Context, FailedEvents, State, Wake};
use aipoten_kit::{Page, database};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::to_string;
use uuid::Uuid;

use crate::settings::Settings;

#[derive(Subcommand)]
pub(crate) enum Act {
    /// Prints them, one JSON object a line, the latest failure first.
    List {
        #[command(flatten)]
        of: Of,
        /// Only those in this state.
        #[arg(long)]
        state: Option<OfState>,
        /// Number of the page.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=100))]
        page: i32,
    },
    /// Has one applied again at once.
    Replay {
        #[command(flatten)]
        of: Of,
        /// The event.
        id: Uuid,
    },
    /// Gives one up: it will have no effect.
    Drop {
        #[command(flatten)]
        of: Of,
        /// The event.
        id: Uuid,
        /// Why; kept with the event, names nobody.
        #[arg(long, value_parser = parse_reason)]
        reason: String,
    },
}

#[derive(Args)]
pub(crate) struct Of {
    /// The service that could not apply it.
    #[arg(long)]
    consumer: Consumer,
}

#[derive(Clone, Copy, ValueEnum)]
enum Consumer {
    Identity,
    Content,
    Matching,
    Billing,
    Notification,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum OfState {
    Waiting,
    Dead,
    Replayed,
    Dropped,
}

impl From<OfState> for State {
    fn from(state: OfState) -> Self {
        match state {
            OfState::Waiting => Self::Waiting,
            OfState::Dead => Self::Dead,
            OfState::Replayed => Self::Replayed,
            OfState::Dropped => Self::Dropped,
        }
    }
}

fn parse_reason(reason: &str) -> Result<String, &'static str> {
    let reason = reason.trim();
    if (1..=500).contains(&reason.chars().count()) { Ok(reason.to_owned()) } else { Err("use 1 to 500 characters") }
}

/// Prints what it read or did. The audit log notes a decision without an account; the running service sends the note
/// and applies what is replayed.
pub(crate) async fn run(settings: &Settings, act: Act) -> anyhow::Result<()> {
    let nobody = Context::default();
    match act {
        Act::List { of, state, page } => {
            let failed = of.open(settings).await?;
            let page = Page { number: page, limit: 100 };
            for event in failed.list(state.map(Into::into), page).await?.0 {
                crate::print(&to_string(&failed.show(event))?)?;
            }
        }
        Act::Replay { of, id } => {
            let failed = of.open(settings).await?;
            let event = failed.replay(id, &nobody).await?;
            crate::print(&to_string(&failed.show(event))?)?;
        }
        Act::Drop { of, id, reason } => {
            let failed = of.open(settings).await?;
            let event = failed.drop(id, reason, &nobody).await?;
            crate::print(&to_string(&failed.show(event))?)?;
        }
    }
    Ok(())
}

impl Of {
    async fn open(&self, settings: &Settings) -> anyhow::Result<FailedEvents> {
        let (name, key, config) = match self.consumer {
            Consumer::Identity => ("identity", "identity.database", &settings.identity.database),
            Consumer::Content => ("content", "content.database", &settings.content.database),
            Consumer::Matching => ("matching", "matching.database", &settings.matching.database),
            Consumer::Billing => ("billing", "billing.database", &settings.billing.database),
            Consumer::Notification => ("notification", "notification.database", &settings.notification.database),
        };
        let pool = database::connect(key, config).await?;
        database::check_migrated(&pool, &aipoten_events::MIGRATOR).await?;
        Ok(FailedEvents::new(name, pool, Wake::default()))
    }
}

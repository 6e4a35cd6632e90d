//! Settings of the providers, and connecting to them.

use std::sync::Arc;
use std::time::Duration;

use aipoten_kit::config::{Secret, variable};
use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::portone::Portone;
use super::sandbox::Sandbox;
use super::stripe::Stripe;
use super::toss::Toss;
use super::{Name, Provider, Providers};

/// Settings of all providers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// TossPayments.
    pub toss: Account,
    /// PortOne.
    pub portone: Account,
    /// Stripe.
    pub stripe: Account,
    /// Our own, which moves no money: refused in production.
    pub sandbox: Account,
}

/// An account at a provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Account {
    /// Address of its API, without a path's end; empty: its public one.
    pub base_url: String,
    /// What we authenticate with; empty: the provider is not configured.
    pub secret_key: Secret,
    /// Public key for its code in the client; of PortOne, the channel's.
    pub client_key: String,
    /// Id of our store: of PortOne.
    pub store_id: String,
    /// Signs its webhooks: of PortOne and Stripe, whose webhooks are all refused without.
    pub webhook_secret: Secret,
    /// Milliseconds that an answer may take.
    pub timeout_ms: u64,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            secret_key: Secret::default(),
            client_key: String::new(),
            store_id: String::new(),
            webhook_secret: Secret::default(),
            timeout_ms: 15_000,
        }
    }
}

impl Account {
    /// Whether there is one.
    pub fn is_configured(&self) -> bool {
        !self.secret_key.is_empty()
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    pub(super) fn client_key(&self) -> Option<String> {
        Some(self.client_key.clone()).filter(|key| !key.is_empty())
    }
}

impl Config {
    /// The account at a provider.
    pub fn account(&self, name: Name) -> &Account {
        match name {
            Name::Toss => &self.toss,
            Name::Portone => &self.portone,
            Name::Stripe => &self.stripe,
            Name::Sandbox => &self.sandbox,
        }
    }
}

impl Providers {
    /// Those that are configured; new payments go to `first`. Nobody is asked anything yet.
    pub fn connect(first: Option<Name>, config: &Config) -> anyhow::Result<Self> {
        if let Some(name) = first.filter(|name| !config.account(*name).is_configured()) {
            let key = format!("billing.providers.{}.secret_key", name.as_str());
            bail!("configuration key `{key}` is missing: new payments go to it, so set {}", variable(&key));
        }
        let configured = Name::ALL.into_iter().filter(|name| config.account(*name).is_configured());
        let connected = configured.map(|name| {
            connect(name, config.account(name))
                .with_context(|| format!("configuration key `billing.providers.{}`", name.as_str()))
        });
        Ok(Self { first, all: connected.collect::<anyhow::Result<_>>()? })
    }
}

fn connect(name: Name, account: &Account) -> anyhow::Result<Arc<dyn Provider>> {
    Ok(match name {
        Name::Toss => Arc::new(Toss::new(account)?),
        Name::Sandbox => Arc::new(Sandbox::new(account)?),
        Name::Portone => Arc::new(Portone::new(account)?),
        Name::Stripe => Arc::new(Stripe::new(account)?),
    })
}

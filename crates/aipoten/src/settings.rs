//! All settings: every role accepts every section.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use aipoten_billing::provider::Name;
use aipoten_kit::config::{self, Log, Mode, Otlp, Redis, Secret, Sentry, Tokens, variable};
use aipoten_notification::Tls;
use anyhow::bail;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The settings of the platform.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// production or development.
    pub(crate) mode: Mode,
    /// Whether gRPC servers describe their services to whoever asks.
    pub(crate) reflection: bool,
    /// Logs.
    pub(crate) log: Log,
    /// The operations port.
    pub(crate) ops: Ops,
    /// Traces.
    pub(crate) otlp: Otlp,
    /// Reports of faults.
    pub(crate) sentry: Sentry,
    /// Redis.
    pub(crate) redis: Redis,
    /// RabbitMQ.
    pub(crate) broker: aipoten_events::Config,
    /// Access tokens.
    pub(crate) tokens: Tokens,
    /// The gateway.
    pub(crate) gateway: aipoten_gateway::Config,
    /// Identity.
    pub(crate) identity: aipoten_identity::Config,
    /// Content.
    pub(crate) content: aipoten_content::Config,
    /// Matching.
    pub(crate) matching: aipoten_matching::Config,
    /// Billing.
    pub(crate) billing: aipoten_billing::Config,
    /// The payment provider of our own.
    pub(crate) sandbox: aipoten_sandbox::Config,
    /// Notification.
    pub(crate) notification: aipoten_notification::Config,
}

/// The operations port: health and metrics, never public.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ops {
    /// Address to serve it on.
    pub(crate) listen: SocketAddr,
}

impl Default for Ops {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([0, 0, 0, 0], 9100)) }
    }
}

impl Settings {
    pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let settings: Self = config::load(file)?;
        settings.check_production()?;
        Ok(settings)
    }

    /// Secrets that a developer's machine makes up never guard real families.
    fn check_production(&self) -> anyhow::Result<()> {
        if self.mode == Mode::Development {
            return Ok(());
        }
        let development_key = |keys: &Secret| keys.expose_secret().split(',').any(|key| key.trim().starts_with("dev"));
        let development_secret = |pairs: &Secret| {
            let mut secrets = pairs.expose_secret().split(',').filter_map(|pair| pair.split_once(':'));
            secrets.any(|(_, secret)| secret.starts_with("dev"))
        };
        let starts_dev = |secret: &Secret| secret.expose_secret().starts_with("dev");
        let development = [
            ("identity.encryption.keys", development_key(&self.identity.encryption.keys)),
            ("matching.encryption.keys", development_key(&self.matching.encryption.keys)),
            ("billing.encryption.keys", development_key(&self.billing.encryption.keys)),
            ("identity.service_secrets", development_secret(&self.identity.service_secrets)),
            ("notification.encryption.keys", development_key(&self.notification.encryption.keys)),
            ("notification.service_secret", starts_dev(&self.notification.service_secret)),
            ("notification.unsubscribe_key", starts_dev(&self.notification.unsubscribe_key)),
            ("gateway.csrf_key", starts_dev(&self.gateway.csrf_key)),
            ("gateway.turn.secret", starts_dev(&self.gateway.turn.secret)),
            ("identity.admin.password", !self.identity.admin.password.is_empty()),
            ("broker.url", self.broker.url.expose_secret().contains("guest:guest@")),
        ];
        self.check_payments()?;
        self.check_messages()?;
        if self.content.link_check.private {
            let key = "content.link_check.private";
            bail!(
                "configuration key `{key}` ({}) opens the network that we run in, which production refuses",
                variable(key)
            );
        }
        for (key, found) in development {
            if found {
                bail!(
                    "configuration key `{key}` ({}) holds a development secret, which production refuses",
                    variable(key)
                );
            }
        }
        Ok(())
    }

    /// No family pays with money that is none, and no secret goes over a line that anybody can read.
    fn check_payments(&self) -> anyhow::Result<()> {
        let providers = &self.billing.providers;
        let sandbox = [
            ("sandbox.listen", self.sandbox.listen.is_some()),
            ("billing.providers.sandbox.secret_key", providers.sandbox.is_configured()),
            ("billing.provider", self.billing.provider == Some(Name::Sandbox)),
        ];
        if let Some((key, _)) = sandbox.iter().find(|(_, found)| *found) {
            bail!(
                "configuration key `{key}` ({}) is for payments without money, which production refuses",
                variable(key)
            );
        }
        if self.billing.settle_running_month {
            let key = "billing.settle_running_month";
            bail!("configuration key `{key}` ({}) settles what is not over, which production refuses", variable(key));
        }
        for name in Name::ALL {
            if providers.account(name).base_url.starts_with("http:") {
                let key = format!("billing.providers.{}.base_url", name.as_str());
                bail!("configuration key `{key}` ({}) is not encrypted, which production refuses", variable(&key));
            }
        }
        Ok(())
    }

    /// Mails leave the house, encrypted, and nobody reads them on a page of the gateway's.
    fn check_messages(&self) -> anyhow::Result<()> {
        let (notification, mail) = (&self.notification, &self.notification.mail);
        let unencrypted = |url: &str| url.starts_with("http:");
        let refused = [
            ("notification.mail.folder", !mail.folder.as_os_str().is_empty(), "keeps mails from people"),
            ("gateway.mailbox", !self.gateway.mailbox.as_os_str().is_empty(), "shows mails to everybody"),
            ("notification.mail.tls", !mail.host.is_empty() && mail.tls == Tls::None, "sends mails unencrypted"),
            ("notification.web_push.private", notification.web_push.private, "opens the network that we run in"),
            ("notification.fcm.base_url", unencrypted(&notification.fcm.base_url), "is not encrypted"),
            ("notification.sms.url", unencrypted(&notification.sms.url), "is not encrypted"),
        ];
        for (key, found, why) in refused {
            if found {
                bail!("configuration key `{key}` ({}) {why}, which production refuses", variable(key));
            }
        }
        Ok(())
    }

    /// Every variable with its value and default, a line each.
    pub(crate) fn describe(&self) -> anyhow::Result<String> {
        let (values, defaults) = (serde_json::to_value(self)?, serde_json::to_value(Self::default())?);
        let mut lines = String::new();
        describe(&mut lines, "", &values, &defaults)?;
        Ok(lines.trim_end().to_owned())
    }
}

fn describe(lines: &mut String, key: &str, value: &Value, default: &Value) -> anyhow::Result<()> {
    if let Value::Object(section) = value {
        for (name, value) in section {
            let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
            describe(lines, &key, value, &default[name])?;
        }
        return Ok(());
    }
    let (shown, default) = (plain(value), plain(default));
    let origin = if shown == default { "default".to_owned() } else { format!("default: {default}") };
    writeln!(lines, "{}={shown}  # {origin}", variable(key))?;
    Ok(())
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> anyhow::Result<()> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        config::load_from::<Settings>(None, variables)?.check_production()
    }

    #[test]
    fn production_refuses_development_secrets_and_names_the_key() {
        let key = ("AIPOTEN__IDENTITY__ENCRYPTION__KEYS", "dev1:QUFB");
        let error = settings(&[key]).unwrap_err().to_string();
        assert!(error.contains("AIPOTEN__IDENTITY__ENCRYPTION__KEYS"), "{error}");
        assert!(!error.contains("QUFB"), "{error}");
        settings(&[key, ("AIPOTEN__MODE", "development")]).expect("development takes it");
        let error = settings(&[("AIPOTEN__GATEWAY__CSRF_KEY", "dev-key")]).unwrap_err().to_string();
        assert!(error.contains("gateway.csrf_key"), "{error}");
        let service = ("AIPOTEN__IDENTITY__SERVICE_SECRETS", "billing:good,notification:dev-secret");
        let error = settings(&[service]).unwrap_err().to_string();
        assert!(error.contains("identity.service_secrets") && !error.contains("dev-secret"), "{error}");
        settings(&[(service.0, "developer:good")]).expect("the name of a service is no secret");
        let error = settings(&[("AIPOTEN__BROKER__URL", "amqp://guest:guest@broker/")]).unwrap_err().to_string();
        assert!(error.contains("broker.url"), "{error}");
        let error = settings(&[("AIPOTEN__CONTENT__LINK_CHECK__PRIVATE", "true")]).unwrap_err().to_string();
        assert!(error.contains("AIPOTEN__CONTENT__LINK_CHECK__PRIVATE"), "{error}");
    }

    #[test]
    fn production_refuses_payments_without_money() {
        for (variable, value) in [
            ("AIPOTEN__SANDBOX__LISTEN", "127.0.0.1:5090"),
            ("AIPOTEN__BILLING__PROVIDERS__SANDBOX__SECRET_KEY", "hidden"),
            ("AIPOTEN__BILLING__PROVIDER", "sandbox"),
            ("AIPOTEN__BILLING__PROVIDERS__TOSS__BASE_URL", "http://127.0.0.1:5090/toss"),
        ] {
            let error = settings(&[(variable, value)]).unwrap_err().to_string();
            assert!(error.contains(variable) && !error.contains("hidden"), "{error}");
            settings(&[(variable, value), ("AIPOTEN__MODE", "development")]).expect("development takes it");
        }
        settings(&[
            ("AIPOTEN__BILLING__PROVIDER", "toss"),
            ("AIPOTEN__BILLING__PROVIDERS__TOSS__SECRET_KEY", "live_sk"),
        ])
        .expect("production takes a real one");
    }

    #[test]
    fn production_refuses_mails_that_reach_nobody_or_everybody() {
        for (variable, value) in [
            ("AIPOTEN__NOTIFICATION__MAIL__FOLDER", "/var/mail"),
            ("AIPOTEN__GATEWAY__MAILBOX", "/var/mail"),
            ("AIPOTEN__NOTIFICATION__WEB_PUSH__PRIVATE", "true"),
            ("AIPOTEN__NOTIFICATION__SMS__URL", "http://127.0.0.1:5090"),
        ] {
            let error = settings(&[(variable, value)]).unwrap_err().to_string();
            assert!(error.contains(variable), "{error}");
            settings(&[(variable, value), ("AIPOTEN__MODE", "development")]).expect("development takes it");
        }
        let plain = [("AIPOTEN__NOTIFICATION__MAIL__HOST", "relay"), ("AIPOTEN__NOTIFICATION__MAIL__TLS", "none")];
        let error = settings(&plain).unwrap_err().to_string();
        assert!(error.contains("AIPOTEN__NOTIFICATION__MAIL__TLS"), "{error}");
        settings(&plain[..1]).expect("encrypted");
    }

    #[test]
    fn the_description_masks_secrets_and_names_every_variable() {
        let mut settings = Settings::default();
        settings.redis.url = "redis://:hidden@host/".to_owned().into();
        let text = settings.describe().expect("described");
        assert!(text.contains("AIPOTEN__REDIS__URL=***"), "{text}");
        assert!(text.contains("AIPOTEN__GATEWAY__LIMITS__LOGIN=5  # default"), "{text}");
        assert!(!text.contains("hidden"));
    }
}

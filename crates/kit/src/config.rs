//! Settings: defaults, then a TOML file, then the environment. Unknown keys stop the start.

use std::fmt;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What the variables begin with: `AIPOTEN__IDENTITY__DATABASE__URL`.
const PREFIX: &str = "AIPOTEN__";

/// A text that is never shown: `***` wherever it is printed.
#[derive(Clone, Default)]
pub struct Secret(SecretString);

impl Secret {
    /// Whether nothing was configured.
    pub fn is_empty(&self) -> bool {
        self.0.expose_secret().is_empty()
    }
}

impl ExposeSecret<str> for Secret {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "" } else { "***" })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(if self.is_empty() { "" } else { "***" })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(Self::from)
    }
}

/// Where the platform runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// For families: development secrets are refused.
    #[default]
    Production,
    /// On a developer's machine and in tests.
    Development,
}

/// A service's database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// Address with the application's role, which has no DDL: `postgres://aipoten_app:…@host/aipoten_identity`. Required.
    pub url: Secret,
    /// Address with the owning role; only `aipoten migrate` uses it.
    pub owner_url: Secret,
    /// Most connections the role opens.
    pub max_connections: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: Secret::default(), owner_url: Secret::default(), max_connections: 12 }
    }
}

/// Redis: a cache that can be lost.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Redis {
    /// Address: `redis://host:6379/`. Required.
    pub url: Secret,
    /// What every key begins with; empty by default.
    pub prefix: String,
}

/// Keys for encrypted columns.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Encryption {
    /// Keys as `id:base64,id:base64`, 32 bytes each. Required. A key id that begins with `dev` is refused in production.
    pub keys: Secret,
    /// Id of the key that new values are encrypted with. Required.
    pub active: String,
}

/// Access tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// Issuer named in every token.
    pub issuer: String,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { issuer: "https://aipoten.example".to_owned() }
    }
}

/// Logs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Which lines: a filter such as `info,aipoten_content=debug`. By default the broker library is silent, as events says
    /// itself what becomes of connections.
    pub filter: String,
    /// json or text.
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info,lapin=off,sqlx::postgres::notice=warn".to_owned(), format: LogFormat::Json }
    }
}

/// Shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Traces.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Otlp {
    /// Address of a collector that takes OTLP over gRPC: `http://collector:4317`. Empty: there are no traces.
    pub endpoint: String,
    /// Share of requests that are recorded, from 0 to 1. What a request causes is recorded with it.
    pub sample: f64,
}

impl Default for Otlp {
    fn default() -> Self {
        Self { endpoint: String::new(), sample: 0.01 }
    }
}

/// Reports of faults of our own.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sentry {
    /// DSN of a project in Sentry, or whatever speaks its protocol: `https://key@host/project`. Empty: nobody is told.
    pub dsn: Secret,
}

/// Reads the settings from defaults, an optional TOML file and the process's environment.
pub fn load<S: DeserializeOwned>(file: Option<&Path>) -> anyhow::Result<S> {
    load_from(file, std::env::vars())
}

/// Reads the settings from defaults, an optional TOML file and the variables given. A variable ending in `_FILE` names
/// a file that holds the value.
pub fn load_from<S: DeserializeOwned>(
    file: Option<&Path>,
    variables: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<S> {
    let mut builder = config::Config::builder();
    if let Some(file) = file {
        builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
    }
    for (name, value) in variables.filter(|(name, _)| name.starts_with(PREFIX)) {
        let (name, value) = match name.strip_suffix("_FILE") {
            Some(name) => (name.to_owned(), read_secret_file(name, &value)?),
            None => (name, value),
        };
        let key = name[PREFIX.len()..].to_lowercase().replace("__", ".");
        builder = builder.set_override(&key, value).with_context(|| format!("{name} is no key of the settings"))?;
    }
    let settings = builder.build().map_err(|error| anyhow!("the configuration cannot be read: {error}"))?;
    serde_path_to_error::deserialize(settings).map_err(|error| {
        let key = error.path().to_string();
        anyhow!("configuration key `{key}` ({}): {}", variable(&key), error.into_inner())
    })
}

/// The environment variable of a key: `identity.database.url` is `AIPOTEN__IDENTITY__DATABASE__URL`.
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

fn read_secret_file(name: &str, path: &str) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{name}_FILE names {path}"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// The configured value, or an error that names the key.
pub fn required<'a>(key: &str, value: &'a Secret) -> anyhow::Result<&'a str> {
    if value.is_empty() {
        bail!("configuration key `{key}` is missing: set {} (or {}_FILE)", variable(key), variable(key));
    }
    Ok(value.expose_secret())
}

/// Reads a list from TOML or from a comma separated variable; for `#[serde(deserialize_with)]`.
pub fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum List {
        Text(String),
        Items(Vec<String>),
    }
    Ok(match List::deserialize(from)? {
        List::Text(text) => text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect(),
        List::Items(items) => items,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Settings {
        mode: Mode,
        database: Database,
        #[serde(deserialize_with = "list")]
        origins: Vec<String>,
    }

    fn load(variables: &[(&str, &str)]) -> anyhow::Result<Settings> {
        load_from(None, variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn the_environment_overrides_the_defaults() {
        let settings = load(&[
            ("AIPOTEN__MODE", "development"),
            ("AIPOTEN__DATABASE__MAX_CONNECTIONS", "3"),
            ("AIPOTEN__ORIGINS", "https://a, https://b"),
            ("OTHER", "ignored"),
        ])
        .expect("good settings");
        assert_eq!(settings.mode, Mode::Development);
        assert_eq!(settings.database.max_connections, 3);
        assert_eq!(settings.origins, ["https://a", "https://b"]);
    }

    #[test]
    fn a_wrong_or_unknown_key_is_named_and_a_secret_is_not_shown() {
        let wrong = load(&[("AIPOTEN__DATABASE__MAX_CONNECTIONS", "many")]).unwrap_err().to_string();
        assert!(wrong.contains("database.max_connections"), "{wrong}");
        let unknown = load(&[("AIPOTEN__DATABASE__ULR", "x")]).unwrap_err().to_string();
        assert!(unknown.contains("ulr"), "{unknown}");
        let settings = load(&[("AIPOTEN__DATABASE__URL", "postgres://u:hidden@h/d")]).expect("good settings");
        assert!(!format!("{settings:?}").contains("hidden"));
    }
}

//! This service's section of the settings.

use std::net::SocketAddr;
use std::path::PathBuf;

use aipoten_kit::config::{Database, Encryption, Secret};
use serde::{Deserialize, Serialize};

/// Settings of notification.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to serve gRPC on.
    pub listen: SocketAddr,
    /// Address of identity's gRPC server.
    pub identity_url: String,
    /// The database `aipoten_notification`.
    pub database: Database,
    /// Keys for encrypted columns.
    pub encryption: Encryption,
    /// Secret that identity knows this service by, as configured there. Required. One that begins with `dev` is refused in production.
    pub service_secret: Secret,
    /// Key of the links in mails that turn a type off, 32 characters at least, the same for all replicas. Required. One that begins with
    /// `dev` is refused in production.
    pub unsubscribe_key: Secret,
    /// Hour of the day in Korea, 0 to 23, from which the reminders of a day are made; 24: never here.
    pub daily_hour: u32,
    /// Address of the app, which links in mails and pushes lead into: `/verify-email`, `/reset-password`, `/change-email` with the secret
    /// behind `#token=`, and what notifications link to.
    pub app_url: String,
    /// Public address of the REST API, which links lead to that turn a type off. Mail programs follow them with one click where it is https.
    pub api_url: String,
    /// Mail. Neither a folder nor a host: mails wait.
    pub mail: Mail,
    /// Push to phones, through Firebase.
    pub fcm: Fcm,
    /// Push to browsers.
    pub web_push: WebPush,
    /// Text messages and `AlimTalk`.
    pub sms: Sms,
}

/// How mail goes out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// Who mails are from, such as `aipoten <no-reply@aipoten.example>`.
    pub from: String,
    /// Folder that mails are written to as files instead of being sent: for development, refused in production.
    pub folder: PathBuf,
    /// The mail server that takes them; empty: none.
    pub host: String,
    /// Its port: 587 with starttls and 465 with implicit, as a rule.
    pub port: u16,
    /// How the line to it is encrypted. `none` is refused in production.
    pub tls: Tls,
    /// Who signs in there; empty: nobody does.
    pub user: String,
    /// The password of that.
    pub password: Secret,
    /// Connections that are kept open at most.
    pub connections: u32,
}

/// How a line to a mail server is encrypted. It never falls back to plain text by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// After a few words in plain text (STARTTLS).
    Starttls,
    /// From the beginning.
    Implicit,
    /// Not at all.
    None,
}

/// Firebase Cloud Messaging, HTTP v1.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fcm {
    /// The JSON file of a service account, as Firebase hands it out; empty: pushes to phones wait.
    pub credentials: Secret,
    /// Where messages go.
    pub base_url: String,
}

/// Web Push with VAPID.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebPush {
    /// Private key of P-256, 32 bytes as base64url, the same for all replicas and for as long as browsers stay subscribed; empty: no Web
    /// Push. `aipoten web-push-key` makes one. Browsers subscribe with the public key that belongs to it.
    pub private_key: Secret,
    /// Whom operators of push services reach when something is wrong: `mailto:…` or https.
    pub contact: String,
    /// Whether http and private addresses are pushed to, too: for tests, refused in production.
    pub private: bool,
}

/// Text messages and Kakao `AlimTalk`, through one provider that falls back from the second to the first. The dialect is that of our
/// sandbox; a provider's own needs an adapter beside it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sms {
    /// Address of the provider; empty: text messages wait.
    pub url: String,
    /// What we authenticate with.
    pub key: Secret,
    /// The registered number that messages come from, digits.
    pub sender: String,
    /// The Kakao channel whose templates are named like ours; empty: text messages alone.
    pub alimtalk_channel: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 5005)),
            identity_url: "http://127.0.0.1:5001".to_owned(),
            database: Database::default(),
            encryption: Encryption::default(),
            service_secret: Secret::default(),
            unsubscribe_key: Secret::default(),
            daily_hour: 10,
            app_url: "http://127.0.0.1:3000".to_owned(),
            api_url: "http://127.0.0.1:3000".to_owned(),
            mail: Mail::default(),
            fcm: Fcm::default(),
            web_push: WebPush::default(),
            sms: Sms::default(),
        }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            from: "aipoten <no-reply@aipoten.example>".to_owned(),
            folder: PathBuf::new(),
            host: String::new(),
            port: 587,
            tls: Tls::Starttls,
            user: String::new(),
            password: Secret::default(),
            connections: 4,
        }
    }
}

impl Default for Fcm {
    fn default() -> Self {
        Self { credentials: Secret::default(), base_url: "https://fcm.googleapis.com".to_owned() }
    }
}

impl Default for WebPush {
    fn default() -> Self {
        Self { private_key: Secret::default(), contact: "mailto:ops@aipoten.example".to_owned(), private: false }
    }
}

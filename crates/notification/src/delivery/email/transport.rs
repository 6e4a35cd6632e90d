//! Where mails go: to a mail server, or into a folder.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aipoten_kit::config::required;
use anyhow::Context as _;
use lettre::transport::smtp;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::config;
use crate::delivery::Outcome;

/// What each answer of a mail server may take.
const TIMEOUT: Duration = Duration::from_secs(15);

pub(super) enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

impl Transport {
    pub(super) fn new(config: &config::Mail) -> anyhow::Result<Option<Self>> {
        if !config.folder.as_os_str().is_empty() {
            let context = || format!("configuration key `notification.mail.folder`: {}", config.folder.display());
            std::fs::create_dir_all(&config.folder).with_context(context)?;
            return Ok(Some(Self::Folder(config.folder.clone())));
        }
        if config.host.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self::Smtp(smtp(config)?)))
    }

    /// Under a name of its own: the same again replaces it.
    pub(super) async fn send(&self, name: &str, message: Message) -> Outcome {
        match self {
            Self::Smtp(server) => server.send(message).await.map_or_else(|error| judge(&error), |_| Outcome::Sent),
            Self::Folder(folder) => match write(folder, name, &message.formatted()).await {
                Ok(()) => Outcome::Sent,
                Err(error) => Outcome::Down(format!("the folder of mails: {}", error.kind()), None),
            },
        }
    }
}

fn smtp(config: &config::Mail) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
    let parameters = || TlsParameters::new(config.host.clone()).context("configuration key `notification.mail.host`");
    let tls = match config.tls {
        config::Tls::Starttls => Tls::Required(parameters()?),
        config::Tls::Implicit => Tls::Wrapper(parameters()?),
        config::Tls::None => Tls::None,
    };
    let server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
        .port(config.port)
        .tls(tls)
        .timeout(Some(TIMEOUT))
        .pool_config(PoolConfig::new().max_size(config.connections));
    if config.user.is_empty() {
        return Ok(server.build());
    }
    let password = required("notification.mail.password", &config.password)?.to_owned();
    Ok(server.credentials(Credentials::new(config.user.clone(), password)).build())
}

/// Whole or not at all.
async fn write(folder: &Path, name: &str, mail: &[u8]) -> std::io::Result<()> {
    let unfinished = folder.join(format!(".{name}.{}", uuid::Uuid::now_v7()));
    tokio::fs::write(&unfinished, mail).await?;
    tokio::fs::rename(unfinished, folder.join(format!("{name}.eml"))).await
}

/// The server's words may repeat an address: only its numbers are kept.
fn judge(error: &smtp::Error) -> Outcome {
    let Some(code) = error.status().map(u16::from) else {
        return Outcome::Down("the mail server does not answer".to_owned(), None);
    };
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    judge_reply(code, enhanced(&words))
}

/// The code of RFC 3463 that a reply begins with, such as 5.1.1.
fn enhanced(words: &str) -> &str {
    let first = words.split_whitespace().next().unwrap_or_default();
    let numbers = first.split('.').filter(|part| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit()));
    if numbers.count() == 3 { first } else { "" }
}

/// What concerns this mail alone is tried again or given up; what concerns all of them waits.
fn judge_reply(code: u16, enhanced: &str) -> Outcome {
    let said = format!("the mail server said {code} {enhanced}").trim_end().to_owned();
    match code {
        // It is closing, or does not let us in.
        421 | 454 | 530 | 534 | 535 | 538 => Outcome::Down(said, None),
        // It is busy, does not understand us, or does not want us rather than the recipient: that may be set right.
        400..=504 => Outcome::Retry(said, None),
        _ if enhanced.starts_with("5.7.") => Outcome::Retry(said, None),
        _ => Outcome::Permanent(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_address_is_final_and_a_busy_or_offended_server_is_not() {
        let judged = |code, words| judge_reply(code, enhanced(words));
        assert!(
            matches!(judged(550, "5.1.1 <a@b.c>: no such user"), Outcome::Permanent(said) if said.ends_with("550 5.1.1"))
        );
        assert!(matches!(judged(550, "unknown"), Outcome::Permanent(said) if said.ends_with("550")));
        assert!(matches!(judged(552, "5.2.2 full"), Outcome::Permanent(_)));
        assert!(matches!(judged(550, "5.7.1 your address is on a list"), Outcome::Retry(..)));
        assert!(matches!(judged(451, "4.7.1 greylisted"), Outcome::Retry(..)));
        assert!(matches!(judged(421, "4.3.0 closing"), Outcome::Down(..)));
        assert!(matches!(judged(535, "5.7.8 wrong password"), Outcome::Down(..)));
    }
}

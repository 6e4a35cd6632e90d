//! Asking providers over HTTP.

use std::time::Duration;

use aipoten_kit::{address, certificates};
use chrono::{DateTime, Utc};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, StatusCode};

use super::Outcome;

/// What an answer may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Most bytes of an answer.
const ANSWER_SIZE: usize = 64 * 1024;

/// For providers that the settings name.
pub(super) fn client() -> anyhow::Result<ClientBuilder> {
    let builder = Client::builder().tls_backend_preconfigured(certificates()?);
    Ok(builder.redirect(Policy::none()).timeout(TIMEOUT).no_proxy())
}

/// Resolves names to public addresses alone, for hosts that strangers name.
#[derive(Debug)]
pub(super) struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move { Ok(Box::new(address::lookup_public(name.as_str()).await?.into_iter()) as Addrs) })
    }
}

/// The body, as far as it is read.
pub(super) async fn body(mut answer: Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if body.len() + chunk.len() > ANSWER_SIZE {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    body
}

/// Nobody answered. The error's own words may hold an address.
pub(super) fn silent(who: &str, error: &reqwest::Error) -> Outcome {
    let why = if error.is_timeout() { "does not answer in time" } else { "cannot be reached" };
    Outcome::Down(format!("{who} {why}"), None)
}

/// What an answer says that is no success: too much, trouble of its own and not letting us in concern everything that waits for it.
pub(super) fn judge(who: &str, status: StatusCode, headers: &HeaderMap) -> Outcome {
    let said = format!("{who} answered {}", status.as_u16());
    match status.as_u16() {
        401 | 403 | 408 | 425 | 429 | 500..=599 => Outcome::Down(said, retry_after(headers, Utc::now())),
        _ => Outcome::Permanent(said),
    }
}

/// Seconds, or a moment.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn a_provider_says_when_to_come_back_in_seconds_or_as_a_moment() {
        let now = "2026-11-25T05:30:00Z".parse().expect("a moment");
        let read = |text| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]), now);
        assert_eq!(read("120"), Some(Duration::from_mins(2)));
        assert_eq!(read("Wed, 25 Nov 2026 05:31:30 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(read("Wed, 25 Nov 2026 05:29:30 GMT"), None);
        assert_eq!(read("soon"), None);
    }
}

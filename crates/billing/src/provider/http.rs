//! Asking a provider over HTTP: bounded in time and size, and whatever is no clear answer is unknown.

use std::error::Error;

use aipoten_kit::certificates;
use anyhow::{Context as _, bail};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;

use super::config::Account;
use super::told::{Not, Told};

/// Most bytes of an answer: lists are the greatest.
const ANSWER_SIZE: usize = 4 << 20;

pub(super) struct Http {
    client: Client,
    base: Url,
}

/// An answer, whatever it says.
pub(super) struct Reply {
    status: StatusCode,
    body: Vec<u8>,
}

impl Http {
    /// Asks below the account's address, or else the public one, with these headers.
    pub(super) fn new(
        account: &Account,
        public: &str,
        authorization: &str,
        headers: &[(HeaderName, &'static str)],
    ) -> anyhow::Result<Self> {
        let base = if account.base_url.is_empty() { public } else { &account.base_url };
        let base: Url = base.parse().with_context(|| format!("`base_url`: `{base}` is no URL"))?;
        if !matches!(base.scheme(), "http" | "https") {
            bail!("`base_url`: `{base}` is no address of a web server");
        }
        let mut secret = HeaderValue::from_str(authorization).context("`secret_key` cannot be sent")?;
        secret.set_sensitive(true);
        let mut all = HeaderMap::from_iter([(AUTHORIZATION, secret)]);
        all.extend(headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))));
        let builder = Client::builder()
            .tls_backend_preconfigured(certificates()?)
            .redirect(Policy::none())
            .timeout(account.timeout())
            .default_headers(all)
            .no_proxy();
        Ok(Self { client: builder.build()?, base })
    }

    /// Each part of the path is escaped.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        self.client.request(method, url)
    }

    /// The answer, or why there is none: not in time, a broken connection, too much of it.
    pub(super) async fn send(&self, request: RequestBuilder) -> Told<Reply> {
        let mut answer = request.send().await.map_err(why)?;
        let (status, body) = (answer.status(), read(&mut answer).await?);
        Ok(Reply { status, body })
    }
}

async fn read(answer: &mut Response) -> Told<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(why)? {
        if body.len() + chunk.len() > ANSWER_SIZE {
            return Err(Not::unknown("its answer is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// With its causes, without the address: that names payments.
fn why(error: reqwest::Error) -> Not {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    Not::Unknown(text)
}

impl Reply {
    pub(super) fn is_success(&self) -> bool {
        self.status.is_success()
    }

    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// What was answered; unknown when it cannot be read.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Told<T> {
        // Only where: what was there may be anybody's name.
        serde_json::from_slice(&self.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Not::Unknown(format!("its answer {} cannot be read at line {line}, column {column}", self.status()))
        })
    }

    /// The error in it, where it is one about the request: trouble of the provider's own says nothing of what was done.
    pub(super) fn refusal<E: DeserializeOwned>(&self) -> Told<E> {
        match self.status() {
            400..=407 | 409..=424 | 426..=428 | 430..=499 => self.parse(),
            other => Err(Not::Unknown(format!("it answered {other}"))),
        }
    }
}

/// Whether it can be a provider's number of something: what else is in a path leads elsewhere.
pub(super) fn is_id(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
}

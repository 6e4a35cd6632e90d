//! Asking for an address. Platforms that answer 200 for videos that are gone are asked otherwise: by oEmbed.

use std::error::Error;

use aipoten_kit::address::PrivateAddress;
use aipoten_kit::certificates;
use anyhow::Context as _;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, StatusCode, Url};

use super::address::{self, PublicResolver};
use super::{Due, Finding};
use crate::config::LinkCheck;
use crate::video::Platform;
use crate::video::embed::watch_page;

const REDIRECTS: usize = 5;

pub(super) struct Asker {
    client: Client,
    youtube: Url,
    vimeo: Url,
    /// Whether private addresses may be asked for, too.
    private: bool,
}

impl Asker {
    pub(super) fn new(config: &LinkCheck) -> anyhow::Result<Self> {
        let private = config.private;
        let builder = Client::builder()
            .tls_backend_preconfigured(certificates()?)
            .redirect(Policy::custom(move |attempt| redirect(attempt, private)))
            .timeout(config.timeout())
            .user_agent("aipoten-link-check")
            .no_proxy();
        let builder = if private { builder } else { builder.dns_resolver(PublicResolver) };
        let url = |key: &str, url: &str| {
            url.parse().with_context(|| format!("configuration key `content.link_check.{key}`: `{url}` is no URL"))
        };
        Ok(Self {
            client: builder.build()?,
            youtube: url("youtube_oembed_url", &config.youtube_oembed_url)?,
            vimeo: url("vimeo_oembed_url", &config.vimeo_oembed_url)?,
            private,
        })
    }

    /// Whom asking for a video's address goes to.
    pub(super) fn host(&self, due: &Due) -> String {
        self.question(due).and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    pub(super) async fn ask(&self, due: &Due) -> Finding {
        if due.video_platform == Platform::KakaoTv {
            return Finding::Closed;
        }
        let Some(url) = self.question(due).filter(|url| self.private || address::is_public(url)) else {
            return Finding::Gone;
        };
        match self.client.get(url).send().await {
            Ok(answer) => judge(due.video_platform, answer.status()),
            Err(error) => judge_failure(&error),
        }
    }

    /// The URL that tells whether a video is there; `None` where its address is no URL.
    fn question(&self, due: &Due) -> Option<Url> {
        let (oembed, page) = match due.video_platform {
            Platform::Youtube => (&self.youtube, watch_page(&due.video_url)?),
            Platform::Vimeo => (&self.vimeo, due.video_url.clone()),
            _ => return due.video_url.parse().ok(),
        };
        let mut url = oembed.clone();
        url.query_pairs_mut().append_pair("format", "json").append_pair("url", &page);
        Some(url)
    }
}

fn redirect(attempt: Attempt<'_>, private: bool) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS {
        attempt.error("too many redirects")
    } else if private || address::is_public(attempt.url()) {
        attempt.follow()
    } else {
        attempt.error("a redirect to where nobody may ask")
    }
}

/// YouTube says 400 or 404 for a video that was removed, 403 for a private one and 401 for one that may not be embedded:
/// none of them can be played here. Elsewhere such a refusal may be meant for us alone.
fn judge(platform: Platform, status: StatusCode) -> Finding {
    match status.as_u16() {
        200..=299 => Finding::There,
        404 | 410 => Finding::Gone,
        400 | 401 | 403 if platform == Platform::Youtube => Finding::Gone,
        _ => Finding::Unknown,
    }
}

/// What leads into a private network or nowhere is no video for anybody; all else may pass.
fn judge_failure(error: &reqwest::Error) -> Finding {
    let mut causes = std::iter::successors(error.source(), |&cause| cause.source());
    if error.is_redirect() || causes.any(<dyn Error>::is::<PrivateAddress>) { Finding::Gone } else { Finding::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn being_busy_or_in_trouble_says_nothing_about_a_video() {
        for status in [408, 425, 429, 500, 502, 503, 504, 301] {
            let status = StatusCode::from_u16(status).expect("a status");
            for platform in [Platform::Youtube, Platform::Vimeo, Platform::Other] {
                assert_eq!(judge(platform, status), Finding::Unknown, "{status}");
            }
        }
        assert_eq!(judge(Platform::Other, StatusCode::FORBIDDEN), Finding::Unknown);
        assert_eq!(judge(Platform::Youtube, StatusCode::FORBIDDEN), Finding::Gone);
        assert_eq!(judge(Platform::Other, StatusCode::GONE), Finding::Gone);
    }
}

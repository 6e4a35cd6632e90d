//! From the address of a video's page to the code that embeds its player. HTML is never accepted, only made here.

use super::Platform;

/// What an address says about its platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressError {
    NotHttps,
    /// The host is none of the platform's.
    WrongHost,
    /// The page shows no single video.
    NoVideoId,
}

/// The embed code of a page on a platform; `None` where the platform's videos are opened and not embedded.
pub(crate) fn embed_code(platform: Platform, address: &str) -> Result<Option<String>, AddressError> {
    let (host, path, query) = parts(address)?;
    let player = match platform {
        Platform::Youtube => {
            let id = youtube_id(&host, path, query)?;
            format!("https://www.youtube-nocookie.com/embed/{id}")
        }
        Platform::Vimeo => vimeo_player(&host, path, query)?,
        Platform::NaverTv => {
            on_host(&host, &["tv.naver.com", "m.tv.naver.com"])?;
            format!("https://tv.naver.com/embed/{}", digits(last_after(path, &["v", "embed"])?, 1..=20)?)
        }
        // closed: there is nothing to play
        Platform::KakaoTv => {
            on_host(&host, &["tv.kakao.com", "play-tv.kakao.com"])?;
            return Ok(None);
        }
        Platform::Upload | Platform::Other => return Ok(None),
    };
    Ok(Some(format!(
        "<iframe src=\"{player}\" width=\"640\" height=\"360\" loading=\"lazy\" allowfullscreen \
         referrerpolicy=\"strict-origin-when-cross-origin\"></iframe>"
    )))
}

/// The page of a YouTube video, in the one way to write it that YouTube is asked about.
pub(super) fn watch_page(address: &str) -> Option<String> {
    let (host, path, query) = parts(address).ok()?;
    let id = youtube_id(&host, path, query).ok()?;
    Some(format!("https://www.youtube.com/watch?v={id}"))
}

/// Host (lower case), path and query of an https address without user, password or port.
fn parts(address: &str) -> Result<(String, &str, &str), AddressError> {
    let rest = address.strip_prefix("https://").ok_or(AddressError::NotHttps)?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (page, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = page.split_once('/').unwrap_or((page, ""));
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '.' || letter == '-';
    if host.is_empty() || !host.contains('.') || !host.chars().all(plain) {
        return Err(AddressError::WrongHost);
    }
    Ok((host.to_ascii_lowercase(), path, query))
}

fn on_host(host: &str, hosts: &[&str]) -> Result<(), AddressError> {
    if hosts.contains(&host) { Ok(()) } else { Err(AddressError::WrongHost) }
}

fn youtube_id<'a>(host: &str, path: &'a str, query: &'a str) -> Result<&'a str, AddressError> {
    let hosts = [
        "youtube.com",
        "www.youtube.com",
        "m.youtube.com",
        "youtube-nocookie.com",
        "www.youtube-nocookie.com",
        "youtu.be",
    ];
    on_host(host, &hosts)?;
    let id = match path {
        path if host == "youtu.be" => path,
        "watch" => parameter(query, "v").ok_or(AddressError::NoVideoId)?,
        path => last_after(path, &["embed", "shorts", "live"])?,
    };
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if id.len() == 11 && id.chars().all(fits) { Ok(id) } else { Err(AddressError::NoVideoId) }
}

/// An unlisted Vimeo video is found only with the hash of its address.
fn vimeo_player(host: &str, path: &str, query: &str) -> Result<String, AddressError> {
    on_host(host, &["vimeo.com", "player.vimeo.com"])?;
    let path = path.strip_prefix("video/").unwrap_or(path);
    let (id, hash) = path.split_once('/').map_or((path, parameter(query, "h")), |(id, hash)| (id, Some(hash)));
    let id = digits(id, 6..=12)?;
    match hash {
        None => Ok(format!("https://player.vimeo.com/video/{id}")),
        Some(hash) if !hash.is_empty() && hash.chars().all(|letter| letter.is_ascii_alphanumeric()) => {
            Ok(format!("https://player.vimeo.com/video/{id}?h={hash}"))
        }
        Some(_) => Err(AddressError::NoVideoId),
    }
}

fn last_after<'a>(path: &'a str, folders: &[&str]) -> Result<&'a str, AddressError> {
    let (folder, id) = path.split_once('/').ok_or(AddressError::NoVideoId)?;
    if folders.contains(&folder) { Ok(id) } else { Err(AddressError::NoVideoId) }
}

fn digits(id: &str, length: std::ops::RangeInclusive<usize>) -> Result<&str, AddressError> {
    let fits = length.contains(&id.len()) && id.chars().all(|letter| letter.is_ascii_digit());
    if fits { Ok(id) } else { Err(AddressError::NoVideoId) }
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn player(platform: Platform, address: &str) -> String {
        let code = embed_code(platform, address).expect("an address of the platform").expect("a player");
        code.split('"').nth(1).expect("a quoted source").to_owned()
    }

    #[test]
    fn every_way_to_write_a_page_leads_to_its_player() {
        for page in [
            "https://www.youtube.com/watch?v=abcDEF123_-",
            "https://m.youtube.com/watch?t=5&v=abcDEF123_-",
            "https://youtu.be/abcDEF123_-?si=x",
            "https://www.youtube.com/shorts/abcDEF123_-",
            "https://WWW.YouTube.com/embed/abcDEF123_-#t=3",
        ] {
            assert_eq!(player(Platform::Youtube, page), "https://www.youtube-nocookie.com/embed/abcDEF123_-", "{page}");
        }
        assert_eq!(player(Platform::Vimeo, "https://vimeo.com/123456789"), "https://player.vimeo.com/video/123456789");
        let unlisted = "https://player.vimeo.com/video/123456789?h=abc1";
        for page in ["https://vimeo.com/123456789/abc1", unlisted] {
            assert_eq!(player(Platform::Vimeo, page), unlisted);
        }
        assert_eq!(player(Platform::NaverTv, "https://tv.naver.com/v/1234"), "https://tv.naver.com/embed/1234");
    }

    #[test]
    fn an_address_of_another_host_or_without_an_id_is_refused() {
        let refused = [
            ("http://www.youtube.com/watch?v=abcDEF123_-", AddressError::NotHttps),
            ("javascript:alert(1)", AddressError::NotHttps),
            ("https://evil.example/watch?v=abcDEF123_-", AddressError::WrongHost),
            ("https://www.youtube.com.evil.example/watch?v=abcDEF123_-", AddressError::WrongHost),
            ("https://www.youtube.com@evil.example/watch?v=abcDEF123_-", AddressError::WrongHost),
            ("https://www.youtube.com:8443/watch?v=abcDEF123_-", AddressError::WrongHost),
            ("https://www.youtube.com/watch?v=\"><script>", AddressError::NoVideoId),
            ("https://www.youtube.com/feed", AddressError::NoVideoId),
            ("https://youtu.be/", AddressError::NoVideoId),
        ];
        for (address, error) in refused {
            assert_eq!(embed_code(Platform::Youtube, address), Err(error), "{address}");
        }
        assert_eq!(embed_code(Platform::Vimeo, "https://vimeo.com/12/\"x"), Err(AddressError::NoVideoId));
        assert_eq!(embed_code(Platform::NaverTv, "https://tv.naver.com/v/12a"), Err(AddressError::NoVideoId));
    }

    #[test]
    fn what_cannot_be_embedded_has_no_code() {
        assert_eq!(embed_code(Platform::KakaoTv, "https://tv.kakao.com/v/1234"), Ok(None));
        assert_eq!(embed_code(Platform::Other, "https://clinic.example.org/play"), Ok(None));
        assert_eq!(embed_code(Platform::Other, "https://"), Err(AddressError::WrongHost));
    }
}

//! The session of a browser, kept in cookies that its scripts cannot read. A page asks for it at login with the header
//! `X-Cookie-Session: true`; what it does after that it proves with `X-CSRF-Token`.

use aipoten_kit::config::Secret;
use aipoten_proto::identity::v1::Tokens;
use anyhow::ensure;
use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::ExposeSecret as _;
use sha2::Sha256;
use uuid::Uuid;

use crate::error::{Answer, Failure};

pub(crate) const COOKIE_SESSION: HeaderName = HeaderName::from_static("x-cookie-session");
pub(crate) const CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const ACCESS: &str = "__Host-at";
const REFRESH: &str = "__Secure-rt";
const CSRF: &str = "__Host-csrf";
const REFRESH_PATH: &str = "/api/v1/auth/refresh";
/// Fewer characters are no key.
const KEY: usize = 32;

/// Makes CSRF tokens and checks them.
pub(crate) struct Csrf {
    /// `None`: no key is configured, and nobody gets cookies.
    key: Option<Secret>,
    origins: Vec<String>,
}

/// Whether the session is to be kept in cookies.
pub(crate) struct CookieSession(pub(crate) bool);

/// The refresh token of a browser.
pub(crate) struct RefreshCookie(pub(crate) Option<String>);

impl Csrf {
    pub(crate) fn new(key: &Secret, origins: &[String]) -> anyhow::Result<Self> {
        let length = key.expose_secret().len();
        ensure!(length == 0 || length >= KEY, "configuration key `gateway.csrf_key` has fewer than {KEY} characters");
        Ok(Self { key: (length > 0).then(|| key.clone()), origins: origins.to_vec() })
    }

    /// Puts the tokens of a session into cookies. The CSRF token is in a header too, for pages of another origin, which
    /// cannot read the cookie.
    pub(crate) fn keep(&self, tokens: &Tokens) -> Answer<HeaderMap> {
        let session_id = Uuid::try_parse(&tokens.session_id).map_err(|_| Failure::new("INTERNAL"))?;
        let csrf = self.token(session_id).ok_or_else(not_configured)?;
        let (life, refresh) = (tokens.expires_in, tokens.refresh_expires_in);
        let cookies = [
            format!("{ACCESS}={}; Path=/; Max-Age={life}; Secure; HttpOnly; SameSite=Lax", tokens.access_token),
            format!(
                "{REFRESH}={}; Path={REFRESH_PATH}; Max-Age={refresh}; Secure; HttpOnly; SameSite=Strict",
                tokens.refresh_token
            ),
            format!("{CSRF}={csrf}; Path=/; Max-Age={refresh}; Secure; SameSite=Lax"),
        ];
        let mut headers = headers(&cookies);
        headers.insert(CSRF_TOKEN, HeaderValue::try_from(csrf).map_err(|_| Failure::new("INTERNAL"))?);
        Ok(headers)
    }

    /// Whether there is a key to guard cookies with.
    pub(crate) fn configured(&self) -> Answer<()> {
        self.key.as_ref().map(|_| ()).ok_or_else(not_configured)
    }

    /// Lets a request pass that comes with cookies and changes something: when it comes from a page of ours and knows
    /// the token. `session_id` is that of the access token; it is not known where that has expired.
    pub(crate) fn check(&self, method: &Method, headers: &HeaderMap, session_id: Option<Uuid>) -> Answer<()> {
        let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        if safe || (self.is_of_our_page(headers) && self.knows_the_token(headers, session_id)) {
            Ok(())
        } else {
            Err(Failure::new("CSRF_FAILED"))
        }
    }

    /// Old browsers do not say where a request comes from: then the token alone decides.
    fn is_of_our_page(&self, headers: &HeaderMap) -> bool {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let listed = |origin: &str| self.origins.iter().any(|it| it == origin);
        matches!(text(FETCH_SITE), None | Some("same-origin" | "none")) || text(ORIGIN).is_some_and(listed)
    }

    /// Whether a page of ours opens a WebSocket, which knows no CSRF token: its origin is listed, or this very host. Every browser
    /// says where a WebSocket is opened from.
    pub(crate) fn is_sent_by_our_page(&self, headers: &HeaderMap) -> bool {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(origin) = text(ORIGIN) else { return false };
        let host = origin.split_once("://").map(|(_, host)| host);
        self.origins.iter().any(|it| it == origin) || (host.is_some() && host == text(HOST))
    }

    fn knows_the_token(&self, headers: &HeaderMap, session_id: Option<Uuid>) -> bool {
        let Some(token) = headers.get(CSRF_TOKEN).and_then(|value| value.to_str().ok()) else { return false };
        let Some((id, mac)) = token.split_once('.') else { return false };
        let (Ok(id), Ok(mac)) = (Uuid::try_parse(id), URL_SAFE_NO_PAD.decode(mac)) else { return false };
        let signed = self.mac(id).is_some_and(|expected| expected.verify_slice(&mac).is_ok());
        signed && cookie(headers, CSRF) == Some(token) && session_id.is_none_or(|session_id| session_id == id)
    }

    fn token(&self, session_id: Uuid) -> Option<String> {
        let mac = self.mac(session_id)?.finalize().into_bytes();
        Some(format!("{}.{}", session_id.simple(), URL_SAFE_NO_PAD.encode(mac)))
    }

    fn mac(&self, session_id: Uuid) -> Option<Hmac<Sha256>> {
        let key = self.key.as_ref()?.expose_secret().as_bytes();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        mac.update(b"csrf");
        mac.update(session_id.as_bytes());
        Some(mac)
    }
}

/// Takes the cookies of a session away.
pub(crate) fn clear() -> HeaderMap {
    headers(&[
        format!("{ACCESS}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"),
        format!("{REFRESH}=; Path={REFRESH_PATH}; Max-Age=0; Secure; HttpOnly; SameSite=Strict"),
        format!("{CSRF}=; Path=/; Max-Age=0; Secure; SameSite=Lax"),
    ])
}

/// The access token of a browser.
pub(crate) fn access(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, ACCESS)
}

fn headers(cookies: &[String]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in cookies.iter().filter_map(|cookie| HeaderValue::try_from(cookie).ok()) {
        headers.append(SET_COOKIE, value);
    }
    headers
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, value)| *found == name && !value.is_empty()).map(|(_, value)| value)
}

fn not_configured() -> Failure {
    Failure::new("INVALID_STATE").reason("NO_COOKIE_SESSIONS")
}

impl<S: Sync> FromRequestParts<S> for CookieSession {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        Ok(Self(parts.headers.get(COOKIE_SESSION).is_some_and(|value| value == "true")))
    }
}

impl<S: Sync> FromRequestParts<S> for RefreshCookie {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let bearer = parts.headers.contains_key(http::header::AUTHORIZATION);
        Ok(Self(cookie(&parts.headers, REFRESH).filter(|_| !bearer).map(str::to_owned)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csrf(origins: &[&str]) -> Csrf {
        let origins: Vec<_> = origins.iter().map(|it| (*it).to_owned()).collect();
        Csrf::new(&"k".repeat(32).into(), &origins).expect("a key")
    }

    fn passes(csrf: &Csrf, session_id: Uuid, changes: &[(&str, &str)]) -> bool {
        let token = csrf.token(session_id).expect("a token");
        let mut headers = HeaderMap::new();
        let given = [("cookie", format!("a=b; {CSRF}={token}")), ("x-csrf-token", token.clone())];
        let changes = changes.iter().map(|(name, value)| (*name, (*value).to_owned()));
        for (name, value) in given.into_iter().chain(changes) {
            let name = HeaderName::try_from(name).expect("a name");
            headers.insert(name, HeaderValue::try_from(value).expect("a value"));
        }
        csrf.check(&Method::POST, &headers, Some(session_id)).is_ok()
    }

    #[test]
    fn a_page_of_ours_that_knows_the_token_of_this_session_passes() {
        let (csrf, id) = (csrf(&["https://app.example.org"]), Uuid::now_v7());
        assert!(passes(&csrf, id, &[]));
        assert!(passes(&csrf, id, &[("sec-fetch-site", "same-origin")]));
        assert!(passes(&csrf, id, &[("sec-fetch-site", "same-site"), ("origin", "https://app.example.org")]));
        for site in ["cross-site", "same-site", "nonsense"] {
            assert!(!passes(&csrf, id, &[("sec-fetch-site", site)]), "{site}");
            assert!(!passes(&csrf, id, &[("sec-fetch-site", site), ("origin", "https://evil.example.org")]), "{site}");
        }
    }

    #[test]
    fn a_websocket_is_opened_by_a_listed_page_or_one_of_this_host() {
        let csrf = csrf(&["https://app.example.org"]);
        let ours = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("api.example.org"));
            headers.extend(origin.map(|it| (ORIGIN, HeaderValue::from_static(it))));
            csrf.is_sent_by_our_page(&headers)
        };
        assert!(ours(Some("https://app.example.org")) && ours(Some("https://api.example.org")));
        for other in [None, Some("null"), Some("https://evil.example.org"), Some("https://app.example.org.evil.org")] {
            assert!(!ours(other), "{other:?}");
        }
    }

    #[test]
    fn a_token_of_another_session_or_key_and_one_that_is_not_in_the_cookie_are_refused() {
        let (csrf, id) = (csrf(&[]), Uuid::now_v7());
        let foreign = csrf.token(Uuid::now_v7()).expect("a token");
        let forged = Csrf::new(&"x".repeat(32).into(), &[]).expect("a key").token(id).expect("a token");
        for token in [foreign.as_str(), forged.as_str(), "", "nonsense", &format!("{}.", id.simple())] {
            let cookie = format!("{CSRF}={token}");
            assert!(!passes(&csrf, id, &[("x-csrf-token", token), ("cookie", &cookie)]), "{token}");
            assert!(!passes(&csrf, id, &[("x-csrf-token", token)]), "{token}");
            assert!(!passes(&csrf, id, &[("cookie", &cookie)]), "{token}");
        }
    }
}

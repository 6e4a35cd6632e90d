//! Where a request comes from: its id, the address of the person's device, what the device says it is.

use std::net::{IpAddr, Ipv6Addr};

use http::header::{ACCEPT_LANGUAGE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use uuid::Uuid;

use aipoten_kit::Locale;

use crate::locale::negotiate;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Most characters of a user agent that are kept.
const AGENT: usize = 300;

/// The request's own id when it is sane: 8 to 64 letters, digits, `-` and `_`; else a new one.
pub(crate) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let sane = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (8..=64).contains(&bytes.len())
            && bytes.iter().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'))
    };
    headers.get(REQUEST_ID).filter(sane).cloned().unwrap_or_else(|| {
        HeaderValue::try_from(Uuid::now_v7().to_string()).expect("a UUID is made of hexadecimal digits and hyphens")
    })
}

pub(crate) fn locale(headers: &HeaderMap) -> Locale {
    headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).map(negotiate).unwrap_or_default()
}

/// Visible ASCII characters and spaces alone.
pub(crate) fn agent(headers: &HeaderMap) -> String {
    let bytes = headers.get(USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    let visible = bytes.iter().filter(|it| matches!(it, b' '..=b'~')).take(AGENT);
    visible.map(|it| char::from(*it)).collect::<String>().trim().to_owned()
}

/// The client's Idempotency-Key: 1 to 300 visible ASCII characters; any other is none.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> String {
    let key = headers.get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    if key.len() <= 300 { key.to_owned() } else { String::new() }
}

/// The device's address. `X-Forwarded-For` is believed as far as it was written by our proxies: from the right, the
/// first address that is none of theirs.
pub(crate) fn client_ip(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let trusted = |ip: IpAddr| proxies.iter().any(|network| network.contains(&ip));
    let mut client = peer.to_canonical();
    let values: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        if !trusted(client) {
            break;
        }
        client = address.to_canonical();
    }
    client
}

/// What counts as one address for limits: an IPv6 subscriber has a whole /64.
pub(crate) fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[(HeaderName, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in values {
            map.append(name, HeaderValue::from_str(value).expect("a header value"));
        }
        map
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn forwarded_for_is_believed_from_our_proxies_alone_and_from_the_right() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().expect("a network")];
        let client = |peer: &str, chain: &[&str]| {
            let values: Vec<_> = chain.iter().map(|it| (FORWARDED_FOR, *it)).collect();
            client_ip(ip(peer), &headers(&values), &proxies).to_string()
        };
        assert_eq!(client("203.0.113.9", &["1.1.1.1"]), "203.0.113.9", "not one of our proxies");
        assert_eq!(client("10.0.0.1", &["1.1.1.1"]), "1.1.1.1");
        assert_eq!(
            client("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"]),
            "1.1.1.1",
            "what the client wrote is left of it"
        );
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "1.1.1.1"]), "1.1.1.1", "headers are one list");
        assert_eq!(client("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("::ffff:10.0.0.1", &["::ffff:1.1.1.1"]), "1.1.1.1");
    }

    #[test]
    fn an_ipv6_subscriber_is_one_address() {
        assert_eq!(network(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(network(ip("203.0.113.9")), ip("203.0.113.9"));
    }

    #[test]
    fn a_sane_request_id_is_kept_and_any_other_replaced() {
        let id = |value: &str| request_id(&headers(&[(REQUEST_ID, value)])).to_str().expect("ASCII").to_owned();
        assert_eq!(id("abc-DEF_123"), "abc-DEF_123");
        for bad in ["short", "has space in it", "a".repeat(65).as_str(), "<script>alert", ""] {
            assert_ne!(id(bad), bad);
            assert_eq!(id(bad).len(), 36);
        }
    }

    #[test]
    fn a_user_agent_is_cut_to_visible_ascii() {
        let long = format!("App/1.0 {}", "x".repeat(500));
        assert_eq!(agent(&headers(&[(USER_AGENT, &long)])).len(), AGENT);
        assert_eq!(agent(&headers(&[(USER_AGENT, "A\tB")])), "AB");
        assert_eq!(agent(&HeaderMap::new()), "");
    }
}

//! Which addresses may be asked for: those of everybody's internet, never of the network that we run in.

use std::net::IpAddr;

use aipoten_kit::address;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Whether a URL may be asked for. A host that is a name is looked at when it is resolved.
pub(super) fn is_public(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    url.scheme() == "https" && literal.map_or(!host.is_empty(), address::is_public)
}

/// Resolves names to public addresses alone: the connection is made to what was looked at here.
#[derive(Debug)]
pub(super) struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move { Ok(Box::new(address::lookup_public(name.as_str()).await?.into_iter()) as Addrs) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: &str) -> bool {
        is_public(&url.parse().expect("a URL"))
    }

    #[test]
    fn nothing_of_a_private_network_is_asked_for_however_it_is_written() {
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://10.0.0.8/",
            "https://172.16.3.4/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[fe80::1]/",
            "https://[fd00:ec2::254]/",
            "https://[2002:7f00:1::]/",
            "https://[64:ff9b::7f00:1]/",
        ] {
            assert!(!asked(url), "{url}");
        }
    }

    #[test]
    fn only_https_is_asked_for() {
        assert!(
            asked("https://www.youtube.com/oembed") && asked("https://8.8.8.8/") && asked("https://[2606:4700::1]/")
        );
        assert!(!asked("http://www.youtube.com/") && !asked("file:///etc/passwd") && !asked("ftp://example.org/"));
    }
}

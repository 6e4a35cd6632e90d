//! Which addresses may be asked for: those of everybody's internet, never of the network that we run in.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Whether a URL may be asked for. A host that is a name is looked at when it is resolved.
pub(super) fn is_public(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    url.scheme() == "https" && literal.map_or(!host.is_empty(), is_public_ip)
}

/// Resolves names to public addresses alone: the connection is made to what was looked at here.
#[derive(Debug)]
pub(super) struct PublicResolver;

/// A name that leads into a private network.
#[derive(Debug)]
pub(super) struct PrivateAddress;

impl fmt::Display for PrivateAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name has no public address")
    }
}

impl std::error::Error for PrivateAddress {}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found.into_iter().filter(|address| is_public_ip(address.ip())).collect();
            if public.is_empty() { Err(PrivateAddress.into()) } else { Ok(Box::new(public.into_iter()) as Addrs) }
        })
    }
}

fn is_public_ip(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = (a, b, c) == (192, 0, 0);
    let benchmarks = a == 198 && (18..20).contains(&b);
    let reserved = a == 0 || a >= 240;
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || shared
        || protocols
        || benchmarks
        || reserved)
}

/// Global unicast without what is reserved in it or carries an IPv4 address inside.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let global = a & 0xe000 == 0x2000;
    let special = a == 0x2001 && (b < 0x200 || b == 0xdb8);
    let within_v4 = a == 0x2002;
    let documentation = a == 0x3fff;
    global && !special && !within_v4 && !documentation
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

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_resolved() {
        let resolved = PublicResolver.resolve("localhost".parse().expect("a name")).await;
        assert!(resolved.err().is_some_and(|error| error.is::<PrivateAddress>()));
    }
}

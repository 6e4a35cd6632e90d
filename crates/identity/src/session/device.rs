//! Telling the devices of an account apart, to warn of one that was never seen.

use sha2::{Digest as _, Sha256};

/// What a device is known by: what its browser or app says it is, without the numbers that change with every update, and what the
/// person calls it.
pub(super) fn fingerprint(agent: &str, label: Option<&str>) -> [u8; 32] {
    let agent: String = agent.chars().filter(|letter| !letter.is_ascii_digit() && *letter != '.').collect();
    Sha256::new().chain_update(agent).chain_update([0]).chain_update(label.unwrap_or_default()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_makes_no_other_device_and_another_browser_system_or_name_does() {
        let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36";
        let known = fingerprint(agent, None);
        assert_eq!(fingerprint(&agent.replace("140.0.0.0", "141.0.7390.54"), None), known);
        for other in [&agent.replace("Windows NT", "X11; Linux"), &agent.replace("Chrome", "Firefox"), ""] {
            assert_ne!(fingerprint(other, None), known, "{other}");
        }
        assert_ne!(fingerprint(agent, Some("kitchen")), known);
    }
}

//! Passwords that are known from leaks: they are tried first.

use std::collections::HashSet;
use std::sync::LazyLock;

/// In lower case; source and licence in `data/README.md`.
static BREACHED: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../../data/breached_passwords.txt").lines().collect());

/// Digits and signs that make no difference around a known password: `Password-1!` is tried as soon as `password`.
const ADDED: usize = 4;

/// Whether a password is known, as it is, without what was put around it, or with letters written as digits and signs.
pub(super) fn is_breached(password: &str) -> bool {
    let lower = password.to_lowercase();
    [plain(&lower), lower].iter().any(|it| BREACHED.contains(it.as_str()) || BREACHED.contains(core(it)))
}

/// The letters without up to [`ADDED`] other characters around them.
fn core(password: &str) -> &str {
    let core = password.trim_matches(|c: char| !c.is_alphabetic());
    if password.chars().count() - core.chars().count() <= ADDED { core } else { password }
}

/// `p@ssw0rd` as `password`; what ends the word stays, as it may be added to it.
fn plain(password: &str) -> String {
    let word = password.trim_end_matches(|c: char| !c.is_alphabetic());
    let letter = |c| match c {
        '@' | '4' => 'a',
        '3' => 'e',
        '1' | '!' => 'i',
        '0' => 'o',
        '$' | '5' => 's',
        '7' => 't',
        other => other,
    };
    word.chars().map(letter).chain(password[word.len()..].chars()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::is_breached;

    #[test]
    fn a_known_password_is_known_in_its_usual_disguises() {
        for known in ["password", "PassWord", "Password-1!", "P@ssw0rd1!", "qwerty123!", "123456789", "!!dragon77"] {
            assert!(is_breached(known), "{known}");
        }
        for unknown in ["correct horse 7!", "battery staple 8?", "dragon 19842 boat", "비밀번호가 길어요 7!", "", "7!"]
        {
            assert!(!is_breached(unknown), "{unknown}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_check_panic(text in ".*") {
            is_breached(&text);
        }
    }
}

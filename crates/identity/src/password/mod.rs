//! Passwords: what makes a good one, and hashing them.

mod pool;

use aipoten_kit::Fields;
pub(crate) use pool::Pool;

use crate::config;

/// Notes what is wrong with a new password, whoever wants it: length, signs, the platform's name (NIST 800-63B-4 and the
/// platform's own policy).
pub(crate) fn check(fields: &mut Fields, field: &str, password: &str, config: &config::Password) {
    let length = password.chars().count();
    if length < 8 {
        fields.violate(field, if length == 0 { "required" } else { "too_short min=8" });
    } else if length > 128 {
        fields.violate(field, "too_long max=128");
    }
    fields.check(!password.chars().any(char::is_control), field, "control_characters");
    if config.complexity && length > 0 {
        let letter = password.chars().any(char::is_alphabetic);
        let digit = password.chars().any(char::is_numeric);
        let other = password.chars().any(|c| !c.is_alphanumeric());
        fields.check(letter && digit && other, field, "password_too_simple");
    }
    fields.check(!password.to_lowercase().contains("aipoten"), field, "password_guessable");
}

/// Notes a new password that is the person's own address.
pub(crate) fn check_personal(fields: &mut Fields, field: &str, password: &str, email: &str) {
    let password = password.to_lowercase();
    let local_part = email.split('@').next().unwrap_or_default();
    let personal = [email, local_part].iter().any(|it| !it.is_empty() && password == it.to_lowercase());
    fields.check(!personal, field, "password_guessable");
}

#[cfg(test)]
mod tests {
    use aipoten_kit::Error;

    use super::*;

    fn violations(password: &str) -> Vec<String> {
        let mut fields = Fields::new();
        check(&mut fields, "password", password, &config::Password::default());
        check_personal(&mut fields, "password", password, "mina@example.com");
        match fields.finish() {
            Err(Error::InvalidArgument(violations)) => violations.into_iter().map(|it| it.rule).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn a_good_password_passes_and_each_rule_is_told() {
        assert!(violations("correct horse 7!").is_empty());
        assert!(violations("비밀번호가 길어요 7!").is_empty());
        assert_eq!(violations("a1!"), ["too_short min=8"]);
        assert_eq!(violations(""), ["required"]);
        assert_eq!(violations("onlyletters"), ["password_too_simple"]);
        assert_eq!(violations("mina@example.com"), ["password_too_simple", "password_guessable"]);
        assert_eq!(violations("Aipoten-2026"), ["password_guessable"]);
        assert_eq!(violations(&"a1!".repeat(50)), ["too_long max=128"]);
    }
}

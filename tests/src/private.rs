//! What people entrust to the platform. Tests use these values, so that a log that gives one away is noticed.

/// The administrator that the seed makes: address and password.
pub const ADMIN: (&str, &str) = ("admin@example.com", "an administrator 7!");
/// Password of the accounts that tests make.
pub const PASSWORD: &str = "correct horse 7!";
/// What it is changed to.
pub const NEW_PASSWORD: &str = "other stable 8?";
/// Telephone number of an account.
pub const PHONE: &str = "010-2847-5519";
/// Name of a child.
pub const CHILD: &str = "봄이슬";
/// Medical history of a child.
pub const HISTORY: &str = "심실중격결손으로 수술함";
/// The key for encrypted columns, in base64.
pub const ENCRYPTION_KEY: &str = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=";
/// What the service that sends messages is known by.
pub const SERVICE_SECRET: &str = "dev-secret of the sending service";

/// The lines of a log that hold something of this, a mail address or what looks like a token or the hash of a password.
pub fn leaks(log: &str) -> Vec<&str> {
    let texts = [
        ADMIN.1,
        PASSWORD,
        NEW_PASSWORD,
        PHONE,
        CHILD,
        HISTORY,
        ENCRYPTION_KEY,
        SERVICE_SECRET,
        "@example.",
        "$argon2",
    ];
    // Bytes are shown with escapes, or as numbers.
    let escaped = texts.iter().map(|text| text.as_bytes().escape_ascii().to_string());
    let numbers = texts.iter().map(|text| format!("{:?}", text.as_bytes()).trim_matches(['[', ']']).to_owned());
    let forms: Vec<String> = texts.iter().map(|&text| text.to_owned()).chain(escaped).chain(numbers).collect();
    let tells = |line: &str| forms.iter().any(|it| line.contains(it));
    log.lines().filter(|line| tells(line) || line.split(is_no_token).any(looks_like_a_token)).collect()
}

fn is_no_token(letter: char) -> bool {
    !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_')
}

/// Access tokens begin with base64 of `{"`; refresh tokens, captchas and keys are long and mixed.
fn looks_like_a_token(word: &str) -> bool {
    let has = |kind: fn(&char) -> bool| word.chars().any(|letter| kind(&letter));
    let mixed = has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit);
    word.starts_with("eyJ") || (word.len() >= 40 && mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_gives_something_away_is_noticed() {
        for line in [
            format!(r#"{{"message":"signed in with {PASSWORD}"}}"#),
            format!("child {CHILD}"),
            format!("phone={PHONE}"),
            format!("body: {}", HISTORY.as_bytes().escape_ascii()),
            format!("body: {:?}", format!("name={CHILD}").as_bytes()),
            "mina-1@example.com".to_owned(),
            "authorization: Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln".to_owned(),
            "refresh_token=AZqsQ3kJdq2yPX7ocdMJ7QAAAAAAAAABc0m1nGJkz8w3Yc9q7m0S1n2".to_owned(),
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned(),
        ] {
            assert_eq!(leaks(&format!("fine\n{line}\nfine")), [line.as_str()]);
        }
        let fine =
            r#"{"level":"INFO","request_id":"01930000-0000-7000-8000-000000000000","db":"test_0193000000007000800"}"#;
        assert_eq!(leaks(fine), [""; 0]);
    }
}

//! Where a person is reached, as it stands in requests.

use aipoten_kit::Fields;

pub(super) fn email(fields: &mut Fields, field: &str, text: &str) -> String {
    let email = fields.line(field, text, 254);
    let fine = email.split_once('@').is_some_and(|(local, domain)| {
        let labels = domain.split('.').all(|label| !label.is_empty());
        !local.is_empty() && local.len() <= 64 && domain.contains('.') && labels && !domain.contains('@')
    });
    let blank = email.chars().any(|c| c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>'));
    fields.check(email.is_empty() || (fine && !blank), field, "not_an_email");
    email
}

pub(super) fn phone(fields: &mut Fields, text: Option<String>) -> Option<String> {
    let phone = fields.optional_text("phone", text, 20)?;
    let fine = phone.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | ' '));
    fields.check(fine && phone.chars().filter(char::is_ascii_digit).count() >= 7, "phone", "not_a_phone");
    Some(phone)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn address(text: &str) -> Option<String> {
        let mut fields = Fields::new();
        let email = email(&mut fields, "email", text);
        fields.finish().ok().map(|()| email)
    }

    #[test]
    fn an_address_has_a_local_part_and_a_domain_with_a_dot() {
        for good in
            ["mina@example.com", " Mina.Kim+aipoten@mail.example.co.kr ", "미나@예시.한국", "o'hara@example.com"]
        {
            assert_eq!(address(good).as_deref(), Some(good.trim()));
        }
        let long = format!("{}@example.com", "m".repeat(65));
        for bad in [
            "",
            "mina",
            "@example.com",
            "mina@",
            "mina@localhost",
            "mina@example..com",
            "mina@.com",
            "mina@com.",
            &long,
        ] {
            assert_eq!(address(bad), None, "{bad}");
        }
        for bad in [
            "a b@example.com",
            "a@b@example.com",
            "a@example.com,b@example.com",
            "Mina <mina@example.com>",
            "a\n@example.com",
        ] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_for_an_address_can_stand_in_a_mail_header(text in r"[a-z@. <>,;\r\n\t\x00가-힣]{0,20}") {
            if let Some(email) = address(&text) {
                prop_assert_eq!(email.matches('@').count(), 1);
                prop_assert!(!email.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;".contains(c)));
            }
        }
    }
}

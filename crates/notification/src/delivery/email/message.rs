//! A mail as it goes over the line.

use aipoten_kit::Locale;
use lettre::Message;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use super::layout;
use crate::template::Mail;

/// A mail to one person.
pub(super) struct Letter {
    /// What it is known by, before the `@` of its Message-ID.
    pub(super) id: String,
    pub(super) to: String,
    pub(super) locale: Locale,
    pub(super) mail: Mail,
    /// Where its button leads.
    pub(super) link: Option<String>,
    /// Where this type of mail is turned off.
    pub(super) unsubscribe: Option<String>,
}

impl Letter {
    /// Fails when the address is none.
    pub(super) fn compose(&self, from: &Mailbox, to: &str, id: &str) -> anyhow::Result<Message> {
        let mut builder = Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, to.parse()?))
            .subject(&self.mail.subject)
            .message_id(Some(format!("<{id}@{}>", from.email.domain())))
            .raw_header(header("Auto-Submitted", "auto-generated".to_owned()));
        if let Some(unsubscribe) = &self.unsubscribe {
            builder = builder
                .raw_header(header("List-Unsubscribe", format!("<{unsubscribe}>")))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        }
        Ok(builder.multipart(MultiPart::alternative_plain_html(layout::text(self), layout::html(self)))?)
    }
}

/// One of our own in ASCII: in one piece, as a program that folds it may break an address.
fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_and_the_links_are_read_as_they_were_written() {
        let link = format!("https://api.example/api/v1/notifications/unsubscribe/{}", "Ab-_9".repeat(40));
        let letter = Letter {
            id: "0192".to_owned(),
            to: "mina@example.com".to_owned(),
            locale: Locale::Ko,
            mail: Mail {
                subject: "영유아 건강검진을 받을 수 있는 시기예요 — 가까운 검진 기관에 예약해 보세요".to_owned(),
                body: "첫 문단 <b>&.\n\n둘째 문단.".to_owned(),
                button: "앱에서 보기".to_owned(),
                link: None,
            },
            link: Some("https://app.example/children?a=1&b=2".to_owned()),
            unsubscribe: Some(link.clone()),
        };
        let from = "아이포텐 <no-reply@aipoten.example>".parse().expect("an address");
        let sent = letter.compose(&from, &letter.to, "0192.1").expect("a mail").formatted();
        assert!(sent.split(|byte| *byte == b'\n').all(|line| line.len() < 990 && line.is_ascii()));
        let read = mail_parser::MessageParser::default().parse(&sent).expect("a mail");
        assert_eq!(read.subject(), Some(letter.mail.subject.as_str()));
        assert_eq!(read.message_id(), Some("0192.1@aipoten.example"));
        assert_eq!(read.header_raw("List-Unsubscribe").map(str::trim), Some(format!("<{link}>").as_str()));
        assert_eq!(read.header_raw("List-Unsubscribe-Post").map(str::trim), Some("List-Unsubscribe=One-Click"));
        let (text, html) = (read.body_text(0).expect("text"), read.body_html(0).expect("HTML"));
        assert!(text.contains("첫 문단 <b>&.") && text.contains("https://app.example/children?a=1&b=2"), "{text}");
        assert!(
            html.contains("첫 문단 &lt;b&gt;&amp;.</p>")
                && html.contains(r#"href="https://app.example/children?a=1&amp;b=2""#)
        );
        assert!(letter.compose(&from, "no address", "1").is_err());
    }
}

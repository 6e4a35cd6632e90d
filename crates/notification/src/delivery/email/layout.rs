//! How a mail looks. Mail programs know tables and styles of single elements; nothing is loaded from anywhere.

use std::fmt::Write as _;

use super::message::Letter;
use crate::template::{Frame, frame};

const FONTS: &str = "-apple-system,BlinkMacSystemFont,'Apple SD Gothic Neo','Malgun Gothic','맑은 고딕','Noto Sans KR',\
                     'Noto Sans CJK KR','Segoe UI',sans-serif";

/// For programs that show no HTML.
pub(super) fn text(letter: &Letter) -> String {
    let Frame { foot, unsubscribe, .. } = frame(letter.locale);
    let link = letter.link.as_ref().map(|link| format!("\n{}:\n{link}\n", letter.mail.button)).unwrap_or_default();
    let off = letter.unsubscribe.as_ref().map(|link| format!("{unsubscribe}: {link}\n")).unwrap_or_default();
    format!("{}\n\n{}\n{link}\n--\n{foot}\n{off}", letter.mail.subject, letter.mail.body)
}

pub(super) fn html(letter: &Letter) -> String {
    let frame = frame(letter.locale);
    let (subject, language) = (escape(&letter.mail.subject), letter.locale.as_str());
    let paragraphs = paragraphs(&letter.mail.body);
    let button = letter.link.as_ref().map(|link| button(&letter.mail.button, link)).unwrap_or_default();
    let address = one_time(letter).map(|link| address(&frame, link)).unwrap_or_default();
    let unsubscribe = letter.unsubscribe.as_ref().map(|link| off(&frame, link)).unwrap_or_default();
    let foot = escape(&frame.foot);
    format!(
        r#"<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{subject}</title>
</head>
<body style="margin:0;padding:0;background:#f3f5f4;word-break:keep-all;overflow-wrap:break-word">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background:#f3f5f4">
<tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:560px;font-family:{FONTS}">
<tr><td style="padding:0 8px 14px;font-size:18px;font-weight:700;color:#1c6b52">aipoten</td></tr>
<tr><td style="background:#ffffff;border:1px solid #e1e7e4;border-radius:12px;padding:32px 28px">
<h1 style="margin:0 0 16px;font-size:21px;line-height:1.4;font-weight:700;color:#17211d">{subject}</h1>
{paragraphs}{button}{address}</td></tr>
<tr><td style="padding:18px 8px 0;font-size:13px;line-height:1.6;color:#5d6b65">{foot}{unsubscribe}</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
"#
    )
}

/// A blank line begins the next.
fn paragraphs(body: &str) -> String {
    body.split("\n\n").fold(String::new(), |mut all, text| {
        let text = escape(text);
        // Writing into a String cannot fail.
        let _ = writeln!(all, r#"<p style="margin:0 0 12px;font-size:16px;line-height:1.7;color:#2b3833">{text}</p>"#);
        all
    })
}

/// The link that is nowhere in the app.
fn one_time(letter: &Letter) -> Option<&str> {
    letter.link.as_deref().filter(|_| letter.mail.link.is_none())
}

fn button(label: &str, link: &str) -> String {
    let (label, link) = (escape(label), escape(link));
    format!(
        r#"<table role="presentation" cellpadding="0" cellspacing="0" style="margin:24px 0 4px"><tr>
<td style="background:#1c6b52;border-radius:8px"><a href="{link}" target="_blank" style="display:inline-block;padding:13px 26px;font-size:16px;font-weight:700;color:#ffffff;text-decoration:none">{label}</a></td>
</tr></table>
"#
    )
}

/// The link in full, for programs that do not follow buttons.
fn address(frame: &Frame, link: &str) -> String {
    let (link, address) = (escape(link), escape(&frame.address));
    format!(
        r#"<p style="margin:16px 0 0;font-size:13px;line-height:1.6;color:#5d6b65">{address}<br><a href="{link}" target="_blank" style="color:#1c6b52;word-break:break-all">{link}</a></p>
"#
    )
}

fn off(frame: &Frame, link: &str) -> String {
    let (label, link) = (escape(&frame.unsubscribe), escape(link));
    format!(r#"<br><a href="{link}" target="_blank" style="color:#5d6b65">{label}</a>"#)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use aipoten_kit::Locale;
    use serde_json::json;

    use super::*;
    use crate::template::tests::example;
    use crate::template::{Channel, Choice, TEMPLATES, Template, Variables, mail};

    fn letter(template: &Template, locale: Locale) -> Letter {
        let mut variables: Variables =
            template.variables.iter().map(|name| ((*name).to_owned(), example(name))).collect();
        variables.insert("expires_at".to_owned(), json!("2026-11-26T05:30:00Z"));
        let mail = mail(locale, template.name, &variables).expect("words");
        let changeable = template.kind().choice(Channel::Email).is_some_and(|it| it != Choice::Always);
        let link = mail.link.as_ref().map(|path| format!("https://app.aipoten.example{path}"));
        Letter {
            id: "1".to_owned(),
            to: "mina@example.com".to_owned(),
            locale,
            link: link.or_else(|| secret(template)),
            unsubscribe: changeable
                .then(|| "https://api.aipoten.example/api/v1/notifications/unsubscribe/x".to_owned()),
            mail,
        }
    }

    fn secret(template: &Template) -> Option<String> {
        let has = ["verify_email", "reset_password", "change_email"].contains(&template.name);
        has.then(|| format!("https://app.aipoten.example/verify-email#token={}", "a1B2".repeat(11)))
    }

    /// With `AIPOTEN_TEST_PAGES` naming a folder they are written there, to be looked at.
    #[test]
    fn every_mail_says_its_words_in_both_forms_and_loads_nothing() {
        let folder = std::env::var("AIPOTEN_TEST_PAGES");
        for template in TEMPLATES.iter().filter(|it| it.ways().any(|(way, _)| way == Channel::Email)) {
            for locale in [Locale::Ko, Locale::En] {
                let letter = letter(template, locale);
                let (html, text) = (html(&letter), text(&letter));
                assert!(
                    html.contains(&escape(&letter.mail.subject)) && text.contains(&letter.mail.body),
                    "{}",
                    template.name
                );
                for paragraph in letter.mail.body.split("\n\n") {
                    assert!(html.contains(&escape(paragraph)), "{}: {paragraph}", template.name);
                }
                assert!(
                    !html.contains("src=") && !html.contains("@import") && !html.contains("url("),
                    "{}",
                    template.name
                );
                if let Ok(folder) = &folder {
                    let name = format!("{folder}/{}-{}.html", template.name, locale.as_str());
                    std::fs::write(name, html).expect("written");
                }
            }
        }
    }
}

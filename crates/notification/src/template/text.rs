//! The words of templates, from `templates/`: one Fluent file per language, both with the same keys. They are made when somebody
//! reads or is sent them.

use std::sync::LazyLock;

use aipoten_kit::Locale;
use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc, Weekday};
use chrono_tz::Asia::Seoul;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde_json::{Map, Value};

use super::Template;

type Bundle = FluentBundle<FluentResource>;

/// Ids, times, days, numbers and codes that a template speaks of.
pub(crate) type Variables = Map<String, Value>;

pub(super) const KOREAN: &str = include_str!("../../templates/ko.ftl");
pub(super) const ENGLISH: &str = include_str!("../../templates/en.ftl");

static KO: LazyLock<Bundle> = LazyLock::new(|| bundle("ko", KOREAN));
static EN: LazyLock<Bundle> = LazyLock::new(|| bundle("en", ENGLISH));

/// What stands in place of what only a newer version can say.
const UNKNOWN: &str = "other";

/// A notification as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) title: String,
    pub(crate) message: String,
    /// Path in the app.
    pub(crate) link: Option<String>,
}

/// A mail as it is read, without its frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Mail {
    pub(crate) subject: String,
    /// Paragraphs, with blank lines between them.
    pub(crate) body: String,
    /// What stands on the button.
    pub(crate) button: String,
    /// Path in the app, of what has one.
    pub(crate) link: Option<String>,
}

/// What stands around every mail.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Before the address that the button leads to.
    pub(crate) address: String,
    pub(crate) foot: String,
    /// What turns this type of mail off.
    pub(crate) unsubscribe: String,
}

/// The words of a notification. Of one that this version does not know they only say that there is something new.
pub(crate) fn words(locale: Locale, template: &str, variables: &Variables) -> Words {
    let part = |part: &str| {
        text(locale, &format!("{template}-{part}"), variables)
            .or_else(|| text(locale, &format!("{UNKNOWN}-{part}"), variables))
            .unwrap_or_default()
    };
    Words { title: part("title"), message: part("message"), link: link(template, variables) }
}

/// The words of a mail: those written for it, or the title and message. `None` when the template is not known here.
pub(crate) fn mail(locale: Locale, template: &str, variables: &Variables) -> Option<Mail> {
    let part = |part: &str| text(locale, &format!("{template}-{part}"), variables);
    Some(Mail {
        subject: part("mail-subject").or_else(|| part("title"))?,
        body: part("mail-body").or_else(|| part("message"))?,
        button: part("mail-button").or_else(|| text(locale, "other-mail-button", variables))?,
        link: link(template, variables),
    })
}

pub(crate) fn frame(locale: Locale) -> Frame {
    let part = |part: &str| text(locale, &format!("{UNKNOWN}-mail-{part}"), &Variables::new()).unwrap_or_default();
    Frame { address: part("address"), foot: part("foot"), unsubscribe: part("unsubscribe") }
}

fn link(template: &str, variables: &Variables) -> Option<String> {
    let mut link = Template::find(template)?.link?.to_owned();
    for (name, value) in variables {
        if let Some(value) = value.as_str() {
            link = link.replace(&format!("{{{name}}}"), value);
        }
    }
    Some(link)
}

/// Nothing when the key is unknown or the text wants a variable that is not there.
pub(super) fn text(locale: Locale, key: &str, variables: &Variables) -> Option<String> {
    let bundle = locale.pick(&*KO, &*EN);
    let pattern = bundle.get_message(key)?.value()?;
    let mut arguments = FluentArgs::new();
    for (name, value) in variables {
        arguments.set(name.as_str(), shown(locale, name, value));
    }
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(&arguments), &mut errors).into_owned();
    errors.is_empty().then_some(text)
}

/// Amounts in groups of three, moments and days as people say them in Korea; other numbers decide between singular and plural.
fn shown(locale: Locale, name: &str, value: &Value) -> FluentValue<'static> {
    match value {
        Value::Number(number) if name == "amount" => grouped(number.as_i64().unwrap_or_default()).into(),
        Value::Number(number) => number.as_i64().unwrap_or_default().into(),
        Value::String(text) => {
            if let Ok(moment) = text.parse::<DateTime<Utc>>() {
                moment_text(locale, moment).into()
            } else if let Ok(day) = text.parse::<NaiveDate>() {
                day_text(locale, day).into()
            } else {
                text.clone().into()
            }
        }
        other => other.to_string().into(),
    }
}

fn grouped(amount: i64) -> String {
    let digits = amount.unsigned_abs().to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}", groups.join(","))
}

/// `11월 25일(수) 오후 2:30`, `Wed, Nov 25, 2:30 PM`
fn moment_text(locale: Locale, moment: DateTime<Utc>) -> String {
    let there = moment.with_timezone(&Seoul);
    let (afternoon, hour) = there.hour12();
    let (day, minute) = (day_text(locale, there.date_naive()), there.minute());
    match (locale, afternoon) {
        (Locale::Ko, false) => format!("{day} 오전 {hour}:{minute:02}"),
        (Locale::Ko, true) => format!("{day} 오후 {hour}:{minute:02}"),
        (Locale::En, false) => format!("{day}, {hour}:{minute:02} AM"),
        (Locale::En, true) => format!("{day}, {hour}:{minute:02} PM"),
    }
}

/// `11월 25일(수)`, `Wed, Nov 25`
fn day_text(locale: Locale, day: NaiveDate) -> String {
    match locale {
        Locale::Ko => format!("{}월 {}일({})", day.month(), day.day(), korean(day.weekday())),
        Locale::En => day.format("%a, %b %-d").to_string(),
    }
}

fn korean(weekday: Weekday) -> &'static str {
    ["월", "화", "수", "목", "금", "토", "일"][weekday.num_days_from_monday() as usize]
}

fn bundle(tag: &str, source: &str) -> Bundle {
    let resource = FluentResource::try_new(source.to_owned()).expect("templates/ is well formed, as a test checks");
    let mut bundle = Bundle::new_concurrent(vec![tag.parse().expect("ko and en are language tags")]);
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).expect("no key stands twice, as a test checks");
    bundle
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_days_and_amounts_read_as_people_say_them() {
        let moment = "2026-11-25T05:30:00Z";
        let of = |locale, name, value: Value| match shown(locale, name, &value) {
            FluentValue::String(text) => text.into_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(of(Locale::Ko, "starts_at", json!(moment)), "11월 25일(수) 오후 2:30");
        assert_eq!(of(Locale::En, "starts_at", json!(moment)), "Wed, Nov 25, 2:30 PM");
        assert_eq!(of(Locale::Ko, "starts_at", json!("2026-11-24T15:05:00+00:00")), "11월 25일(수) 오전 12:05");
        assert_eq!(of(Locale::Ko, "expires_on", json!("2026-12-01")), "12월 1일(화)");
        assert_eq!(of(Locale::En, "amount", json!(1_234_500)), "1,234,500");
        assert_eq!(of(Locale::En, "amount", json!(900)), "900");
    }

    #[test]
    fn what_only_a_newer_version_knows_says_that_there_is_something_new() {
        let words = words(Locale::En, "of_the_future", &Variables::new());
        assert!(!words.title.is_empty() && !words.message.is_empty());
        assert_eq!(mail(Locale::En, "of_the_future", &Variables::new()), None);
    }
}

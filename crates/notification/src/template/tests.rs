use std::collections::{BTreeMap, BTreeSet};

use aipoten_kit::Locale;
use fluent_bundle::FluentResource;
use fluent_syntax::ast::{Entry, Expression, InlineExpression, PatternElement};
use serde_json::{Value, json};

use super::text::{ENGLISH, KOREAN};
use super::*;

/// What the sender of a mail adds.
const ADDED: [&str; 1] = ["expires_at"];

/// How keys end. The last three stand around every mail.
const PARTS: [&str; 8] = [
    "-title",
    "-message",
    "-mail-subject",
    "-mail-body",
    "-mail-button",
    "-mail-address",
    "-mail-foot",
    "-mail-unsubscribe",
];

/// Every key with the variables its text names, those inside of choices included.
fn keys(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let resource = FluentResource::try_new(source.to_owned()).expect("well-formed Fluent");
    let mut keys = BTreeMap::new();
    for entry in resource.entries() {
        let Entry::Message(message) = entry else { continue };
        let mut variables = BTreeSet::new();
        collect(&message.value.as_ref().expect("every key has a text").elements, &mut variables);
        assert!(keys.insert(message.id.name.to_owned(), variables).is_none(), "{} stands twice", message.id.name);
    }
    keys
}

fn collect(elements: &[PatternElement<&str>], variables: &mut BTreeSet<String>) {
    for element in elements {
        let PatternElement::Placeable { expression } = element else { continue };
        let (Expression::Inline(inline) | Expression::Select { selector: inline, .. }) = expression;
        if let InlineExpression::VariableReference { id } = inline {
            variables.insert(id.name.to_owned());
        }
        if let Expression::Select { variants, .. } = expression {
            variants.iter().for_each(|variant| collect(&variant.value.elements, variables));
        }
    }
}

fn parts(template: &Template) -> Vec<String> {
    let parts: &[&str] = if template.in_app() { &["title", "message"] } else { &["mail-subject", "mail-body"] };
    parts.iter().map(|part| format!("{}-{part}", template.name)).collect()
}

/// What a variable of this name may be.
pub(crate) fn example(name: &str) -> Value {
    match name {
        _ if name.ends_with("_id") => json!("0192d7c0-0000-7000-8000-000000000000"),
        "starts_at" | "due_at" | "original_start" => json!("2026-11-25T05:30:00Z"),
        "expires_on" => json!("2026-12-01"),
        "amount" => json!(80_000),
        "children" | "videos" | "unread" => json!(2),
        "kind" => json!("new_device"),
        "cancelled_by" => json!("parent"),
        "status" => json!("approved"),
        other => panic!("no example for {other}"),
    }
}

#[test]
fn both_languages_have_the_same_texts_with_the_same_variables() {
    let (korean, english) = (keys(KOREAN), keys(ENGLISH));
    assert_eq!(korean, english);
}

#[test]
fn every_template_has_its_texts_and_no_text_has_no_template() {
    let texts = keys(KOREAN);
    for part in TEMPLATES.iter().flat_map(parts) {
        assert!(texts.contains_key(&part), "{part} is missing");
    }
    for key in texts.keys() {
        let name = PARTS.iter().find_map(|end| key.strip_suffix(end));
        let name = name.unwrap_or_else(|| panic!("{key} is no part of a template"));
        assert!(name == "other" || Template::find(name).is_some(), "{key} belongs to no template");
    }
}

#[test]
fn texts_and_links_speak_only_of_what_whoever_tells_them_gives() {
    for (key, variables) in keys(KOREAN) {
        let name = key.split('-').next().expect("a name");
        let Some(template) = Template::find(name) else { continue };
        let mail = key.contains("-mail-");
        for variable in variables {
            let given = template.variables.contains(&variable.as_str()) || mail && ADDED.contains(&variable.as_str());
            assert!(given, "{key} speaks of {variable}");
        }
    }
    for template in TEMPLATES {
        let variables = template.variables.iter().map(|name| ((*name).to_owned(), example(name))).collect();
        if let Some(link) = words(Locale::Ko, template.name, &variables).link {
            assert!(!link.contains('{'), "{link}");
        }
    }
}

#[test]
fn every_template_can_be_read_in_both_languages_and_none_is_told_of_twice() {
    let names: BTreeSet<_> = TEMPLATES.iter().map(|template| template.name).collect();
    assert_eq!(names.len(), TEMPLATES.len());
    for template in TEMPLATES {
        assert!(Kind::find(template.kind).is_some(), "{} has no type", template.name);
        let mut variables: Variables =
            template.variables.iter().map(|name| ((*name).to_owned(), example(name))).collect();
        for locale in [Locale::Ko, Locale::En] {
            if template.in_app() {
                let words = words(locale, template.name, &variables);
                assert_ne!(words.title, super::words(locale, "other", &Variables::new()).title, "{}", template.name);
            }
            variables.insert(ADDED[0].to_owned(), json!("2026-11-26T05:30:00Z"));
            assert!(mail(locale, template.name, &variables).is_some(), "{} as a mail", template.name);
        }
    }
}

#[test]
fn what_is_shown_on_locked_screens_says_nothing_of_health() {
    for (key, source) in [("ko", KOREAN), ("en", ENGLISH)] {
        for word in ["진단", "장애", "지연", "점수", "언어치료", "diagnos", "disorder", "delay in", "score", "speech"]
        {
            assert!(!source.contains(word), "{key}: {word}");
        }
    }
}

//! The words of error messages, from `locales/`: one Fluent file per language, both with the same keys.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

use aipoten_kit::Locale;

type Bundle = FluentBundle<FluentResource>;

const KOREAN: &str = include_str!("../locales/ko.ftl");
const ENGLISH: &str = include_str!("../locales/en.ftl");

static KO: LazyLock<Bundle> = LazyLock::new(|| bundle("ko", KOREAN));
static EN: LazyLock<Bundle> = LazyLock::new(|| bundle("en", ENGLISH));

/// Names and values that stand in a text.
pub(crate) type Parameters = Vec<(String, String)>;

/// The text of a key in a language, or of `fallback` for a key without one.
pub(crate) fn text(locale: Locale, key: &str, fallback: &str, parameters: &Parameters) -> String {
    let bundle = match locale {
        Locale::Ko => &*KO,
        Locale::En => &*EN,
    };
    format(bundle, key, parameters)
        .or_else(|| format(bundle, fallback, parameters))
        .unwrap_or_else(|| fallback.to_owned())
}

/// Nothing when the key is unknown or the text wants a parameter that is not there.
fn format(bundle: &Bundle, key: &str, parameters: &Parameters) -> Option<String> {
    let pattern = bundle.get_message(key)?.value()?;
    let mut arguments = FluentArgs::new();
    for (name, value) in parameters {
        arguments.set(name.as_str(), FluentValue::from(value.as_str()));
    }
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(&arguments), &mut errors).into_owned();
    errors.is_empty().then_some(text)
}

fn bundle(tag: &str, source: &str) -> Bundle {
    let resource = FluentResource::try_new(source.to_owned()).expect("locales/ is well formed, as a test checks");
    let mut bundle = Bundle::new_concurrent(vec![tag.parse().expect("ko and en are language tags")]);
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).expect("no key stands twice, as a test checks");
    bundle
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fluent_bundle::FluentResource;
    use fluent_syntax::ast::{Entry, Expression, InlineExpression, PatternElement};

    use super::{ENGLISH, KOREAN, text};
    use aipoten_kit::Locale;

    /// Every key with the parameters its text names.
    fn keys(source: &str) -> BTreeMap<String, Vec<String>> {
        let resource = FluentResource::try_new(source.to_owned()).expect("well-formed Fluent");
        let mut keys = BTreeMap::new();
        for entry in resource.entries() {
            let Entry::Message(message) = entry else { continue };
            let pattern = message.value.as_ref().expect("every key has a text");
            let mut parameters: Vec<String> = pattern.elements.iter().filter_map(parameter).collect();
            parameters.sort();
            assert!(keys.insert(message.id.name.to_owned(), parameters).is_none(), "{} stands twice", message.id.name);
        }
        keys
    }

    fn parameter(element: &PatternElement<&str>) -> Option<String> {
        match element {
            PatternElement::Placeable {
                expression: Expression::Inline(InlineExpression::VariableReference { id }),
            } => Some(id.name.to_owned()),
            _ => None,
        }
    }

    #[test]
    fn both_languages_have_the_same_keys_and_parameters() {
        let (korean, english) = (keys(KOREAN), keys(ENGLISH));
        assert!(korean.len() > 40);
        assert_eq!(korean, english);
    }

    #[test]
    fn a_text_carries_its_parameters_and_an_unknown_key_falls_back() {
        let max = vec![("max".to_owned(), "80".to_owned())];
        assert_eq!(text(Locale::En, "too_long", "invalid", &max), "Use at most 80 characters.");
        assert!(text(Locale::Ko, "too_long", "invalid", &max).contains("80"));
        let fallback = text(Locale::En, "invalid", "invalid", &Vec::new());
        assert_eq!(text(Locale::En, "never_heard_of", "invalid", &max), fallback);
        assert_eq!(text(Locale::En, "too_long", "invalid", &Vec::new()), fallback, "a parameter is missing");
    }
}

//! A text in both languages.

use aipoten_kit::Locale;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) ko: String,
    pub(crate) en: String,
}

impl Text {
    pub(crate) fn new(ko: impl Into<String>, en: impl Into<String>) -> Self {
        Self { ko: ko.into(), en: en.into() }
    }

    pub(crate) fn in_language(self, locale: Locale) -> String {
        locale.pick(self.ko, self.en)
    }
}

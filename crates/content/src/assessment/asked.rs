//! A question as it is fixed in a check.

use aipoten_kit::Locale;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::follow_up::FollowUp;
use super::scoring::{AnswerType, Choice, Item, Value};
use crate::area::Area;
use crate::question::{Question, QuestionKind};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) id: Uuid,
    pub(crate) code: String,
    /// The version of the question when the check started.
    pub(crate) version: i64,
    pub(crate) kind: QuestionKind,
    pub(crate) area: Option<Area>,
    pub(crate) answer_type: AnswerType,
    pub(crate) options: Vec<Choice>,
    pub(crate) weight: i16,
    pub(crate) follow_up: Option<FollowUp>,
    pub(crate) order_index: i16,
    pub(crate) text_ko: String,
    pub(crate) text_en: String,
    pub(crate) hint_ko: Option<String>,
    pub(crate) hint_en: Option<String>,
}

impl From<Question> for Asked {
    fn from(question: Question) -> Self {
        Self {
            id: question.id,
            code: question.code,
            version: question.version,
            kind: question.kind,
            area: question.area,
            answer_type: question.answer_type,
            options: question.options.0,
            weight: question.weight,
            follow_up: question.follow_up,
            order_index: question.order_index,
            text_ko: question.text_ko,
            text_en: question.text_en,
            hint_ko: question.hint_ko,
            hint_en: question.hint_en,
        }
    }
}

impl Asked {
    /// What an answer counts; `None` where the question has no such answer.
    pub(crate) fn value(&self, answer: &str) -> Option<Value> {
        self.answer_type.value(answer, &self.options)
    }

    pub(crate) fn item(&self, answer: Value) -> Item<'_> {
        Item { code: &self.code, area: self.area, weight: self.weight, red_flag: self.follow_up, answer }
    }

    /// How an answer reads.
    pub(crate) fn answer_text(&self, answer: &str, locale: Locale) -> String {
        let text = match (self.answer_type, answer) {
            (_, "not_sure") => locale.pick("잘 모르겠어요", "Not sure"),
            (AnswerType::Scale, "yes") => locale.pick("네, 해요", "Yes"),
            (AnswerType::Scale, "sometimes") => locale.pick("가끔 해요", "Sometimes"),
            (AnswerType::Scale, "not_yet") => locale.pick("아직 안 해요", "Not yet"),
            (AnswerType::YesNo, "yes") => locale.pick("예", "Yes"),
            (AnswerType::YesNo, "no") => locale.pick("아니요", "No"),
            _ => self
                .options
                .iter()
                .find(|choice| choice.code == answer)
                .map_or(answer, |choice| locale.pick(&choice.text_ko, &choice.text_en)),
        };
        text.to_owned()
    }
}

/// Names a set of questions: the same codes and versions give the same name.
pub(crate) fn item_set_version(questions: &[Asked]) -> String {
    let mut digest = Sha256::new();
    for question in questions {
        digest.update(format!("{}@{}\n", question.code, question.version));
    }
    digest.finalize().iter().take(8).fold(String::new(), |name, byte| format!("{name}{byte:02x}"))
}

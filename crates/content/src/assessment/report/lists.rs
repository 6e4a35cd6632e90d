//! The two lists in the middle of the page: warning signs, and what is not there yet. They get the room that is left.

use std::collections::HashMap;

use aipoten_pdf::Block;
use uuid::Uuid;

use super::super::scoring::Value;
use super::super::{Asked, FollowUp};
use super::sheet::{FULL, LABEL, LINE, STRONG, Sheet, TEXT, heading};
use super::words;

impl Sheet {
    pub(super) fn lists(&self, room: f32) -> Block {
        let flags = self.say("살펴야 할 신호", "Warning signs");
        let no_flag = self.say("있다고 답한 신호가 없습니다.", "None was answered with yes.");
        let items = self.say("아직 보이지 않거나 확실하지 않은 문항", "What is not there yet or not sure");
        let no_item = self.say("없습니다.", "None.");
        // Some of the other list is always seen, too.
        let least = 4.0 * heading(items).height;
        let flags = self.section(flags, no_flag, self.red_flags(), room - least);
        let items = self.section(items, no_item, self.unmet_items(), room - flags.height);
        Block::stack([flags, items])
    }

    fn section(&self, title: &str, none: &str, entries: Vec<Block>, room: f32) -> Block {
        let title = heading(title);
        if entries.is_empty() {
            return Block::stack([title, Block::text(none, TEXT, FULL)]);
        }
        let entries = self.fitting(entries, room - title.height);
        Block::stack(std::iter::once(title).chain(entries))
    }

    /// As many as there is room for, and how many more there are.
    fn fitting(&self, mut entries: Vec<Block>, room: f32) -> Vec<Block> {
        if entries.iter().map(|entry| entry.height).sum::<f32>() <= room {
            return entries;
        }
        let more = |number| Block::text(&words::more(number, self.locale), STRONG, FULL);
        let mut left = room - more(entries.len()).height;
        let fits = |entry: &&Block| {
            left -= entry.height;
            left >= 0.0
        };
        let shown = entries.iter().take_while(fits).count();
        let rest = entries.split_off(shown).len();
        entries.push(more(rest));
        entries
    }

    /// Those present, the most pressing first, then those that nobody was sure of.
    fn red_flags(&self) -> Vec<Block> {
        let mut flags: Vec<(FollowUp, Value, &Asked)> = self
            .answered()
            .filter_map(|(question, _, value)| Some((question.follow_up?, value, question)))
            .filter(|(_, value, _)| matches!(value, Value::NotSure | Value::Hundredths(100)))
            .collect();
        flags.sort_by_key(|(follow_up, value, question)| (*value == Value::NotSure, *follow_up, question.order_index));
        let flag = |(follow_up, value, question): (FollowUp, Value, &Asked)| {
            let answer = match value {
                Value::NotSure => question.answer_text("not_sure", self.locale),
                Value::Hundredths(_) => words::follow_up(follow_up, self.locale).to_owned(),
            };
            let area = question.area.map_or_else(String::new, |area| self.area_name(area));
            self.entry(&area, question, &answer)
        };
        flags.into_iter().map(flag).collect()
    }

    /// In the order of the areas; within one what is not there first and what nobody was sure of last.
    fn unmet_items(&self) -> Vec<Block> {
        let mut entries = Vec::new();
        for area in self.results.areas.iter().map(|area| area.area) {
            let mut unmet: Vec<_> = self
                .answered()
                .filter(|(question, _, value)| {
                    question.follow_up.is_none() && question.area == Some(area) && *value != Value::Hundredths(100)
                })
                .collect();
            unmet.sort_by_key(|(question, _, value)| (rank(*value), question.order_index));
            let mut name = self.area_name(area);
            for (question, answer, _) in unmet {
                entries.push(self.entry(&name, question, &question.answer_text(answer, self.locale)));
                name.clear();
            }
        }
        entries
    }

    /// The questions with what was answered.
    fn answered(&self) -> impl Iterator<Item = (&Asked, &str, Value)> {
        let answers: HashMap<Uuid, &str> =
            self.responses.iter().map(|it| (it.question_id, it.answer.as_str())).collect();
        self.results.assessment.question_set.iter().filter_map(move |question| {
            let answer = *answers.get(&question.id)?;
            Some((question, answer, question.value(answer)?))
        })
    }

    /// A question word for word, after the name of its area, before its answer.
    fn entry(&self, area: &str, question: &Asked, answer: &str) -> Block {
        const ASKED_AT: f32 = 70.0;
        const ANSWER_WIDTH: f32 = 95.0;
        let text = self.locale.pick(&question.text_ko, &question.text_en);
        let (asked_at, answer_at) = (ASKED_AT, FULL - ANSWER_WIDTH);
        Block::beside([
            (0.0, Block::text(area, LABEL, ASKED_AT - 8.0)),
            (asked_at, Block::text(text, TEXT, answer_at - asked_at - 10.0)),
            (answer_at, Block::text(answer, STRONG, ANSWER_WIDTH)),
        ])
        .underlined(LINE, FULL)
    }
}

/// The less is there, the earlier it is named.
fn rank(value: Value) -> u8 {
    match value {
        Value::Hundredths(value) => value,
        Value::NotSure => u8::MAX,
    }
}

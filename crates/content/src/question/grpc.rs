//! The question bank over gRPC.

use std::collections::HashSet;

use aipoten_kit::{Caller, Fields, Locale, Mask, Page, Result};
use aipoten_proto::common::v1 as common;
use aipoten_proto::content::v1 as proto;
use aipoten_proto::content::v1::question_service_server::QuestionService;
use aipoten_proto::timestamp;
use sqlx::types::Json;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Filter, Patch, Question, QuestionKind};
use crate::App;
use crate::area::Area;
use crate::assessment::{self, AnswerType, Asked, Choice, FollowUp};
use crate::clock;

#[tonic::async_trait]
impl QuestionService for App {
    async fn list_age_questions(
        &self,
        request: Request<proto::ListAgeQuestionsRequest>,
    ) -> Result<Response<proto::ListAgeQuestionsResponse>, Status> {
        let caller = Caller::of(&request);
        let mut fields = Fields::new();
        let age = fields.required("age", request.into_inner().age);
        fields.number("age", age, 0..=240);
        fields.finish()?;
        let questions = super::list_of_age(self, &caller, age).await?;
        let asked = |question| Asked::from(question).to_proto(caller.locale);
        let advice = assessment::advice(age).map(|advice| advice.in_language(caller.locale));
        Ok(Response::new(proto::ListAgeQuestionsResponse {
            questions: questions.into_iter().map(asked).collect(),
            advice,
        }))
    }

    async fn list_questions(
        &self,
        request: Request<proto::ListQuestionsRequest>,
    ) -> Result<Response<proto::ListQuestionsResponse>, Status> {
        let caller = Caller::of(&request);
        let (page, filter) = parse_list(&request.into_inner())?;
        let (questions, total) = super::list(self, &caller, page, &filter).await?;
        Ok(Response::new(proto::ListQuestionsResponse {
            questions: questions.into_iter().map(Into::into).collect(),
            page_info: Some(page.info(total)),
        }))
    }

    async fn get_question(
        &self,
        request: Request<proto::GetQuestionRequest>,
    ) -> Result<Response<proto::Question>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("question_id", &request.into_inner().question_id)?;
        Ok(Response::new(super::get(self, &caller, id).await?.into()))
    }

    async fn create_question(
        &self,
        request: Request<proto::CreateQuestionRequest>,
    ) -> Result<Response<proto::Question>, Status> {
        let caller = Caller::of(&request);
        let question = parse_new(request.into_inner())?;
        Ok(Response::new(super::create(self, &caller, question).await?.into()))
    }

    async fn update_question(
        &self,
        request: Request<proto::UpdateQuestionRequest>,
    ) -> Result<Response<proto::Question>, Status> {
        let caller = Caller::of(&request);
        let request = request.into_inner();
        let expected_version = request.expected_version;
        let (id, change) = parse_change(request)?;
        Ok(Response::new(super::update(self, &caller, id, expected_version, change).await?.into()))
    }

    async fn delete_question(&self, request: Request<proto::DeleteQuestionRequest>) -> Result<Response<()>, Status> {
        let caller = Caller::of(&request);
        let id = Fields::only_uuid("question_id", &request.into_inner().question_id)?;
        Ok(Response::new(super::delete(self, &caller, id).await?))
    }
}

fn parse_list(request: &proto::ListQuestionsRequest) -> Result<(Page, Filter)> {
    let mut fields = Fields::new();
    let page = Page::parse(&mut fields, request.page, request.limit);
    let filter = Filter {
        age: fields.optional_number("age", request.age, 0..=240),
        area: request.area.map(|area| parse_area(&mut fields, area)),
        kind: request.kind.map(|kind| parse_kind(&mut fields, kind)),
        is_active: request.is_active,
        order_by: parse_sort(&mut fields, request.sort.as_deref()),
    };
    fields.finish()?;
    Ok((page, filter))
}

fn parse_sort(fields: &mut Fields, sort: Option<&str>) -> &'static str {
    match sort {
        None | Some("age_range_start") => "age_range_start, is_red_flag, order_index, code",
        Some("-age_range_start") => "age_range_start DESC, is_red_flag, order_index, code",
        Some("code") => "code",
        Some("-code") => "code DESC",
        Some("order_index") => "order_index, code",
        Some("-order_index") => "order_index DESC, code",
        Some("updated_at") => "updated_at, code",
        Some("-updated_at") => "updated_at DESC, code",
        Some(_) => {
            fields.violate("sort", "unknown_sort");
            ""
        }
    }
}

fn parse_new(request: proto::CreateQuestionRequest) -> Result<Question> {
    let mut fields = Fields::new();
    let kind = parse_kind(&mut fields, request.kind);
    let weight = if kind == QuestionKind::RedFlag { 1.0 } else { request.weight.unwrap_or(1.0) };
    let now = clock::now();
    let question = Question {
        id: Uuid::now_v7(),
        code: parse_code(&mut fields, &request.code),
        kind,
        area: parse_area(&mut fields, request.area),
        age_range_start: parse_required_month(&mut fields, "age_range_start", request.age_range_start),
        age_range_end: parse_required_month(&mut fields, "age_range_end", request.age_range_end),
        text_ko: fields.text("text_ko", &request.text_ko, 500),
        text_en: fields.text("text_en", &request.text_en, 500),
        hint_ko: fields.optional_text("hint_ko", request.hint_ko, 500),
        hint_en: fields.optional_text("hint_en", request.hint_en, 500),
        answer_type: parse_answer_type(&mut fields, request.answer_type),
        options: Json(parse_options(&mut fields, &request.options)),
        weight: hundredths(&mut fields, "weight", weight, 1..=1000),
        follow_up: request.follow_up.map(|it| parse_follow_up(&mut fields, it)),
        order_index: parse_order(&mut fields, request.order_index.unwrap_or(1000)),
        source: fields.optional_text("source", request.source, 200).unwrap_or_else(|| "own".to_owned()),
        is_active: request.is_active.unwrap_or(true),
        reviewed: request.reviewed.unwrap_or(false),
        created_at: now,
        updated_at: now,
        version: 1,
    };
    fields.finish()?;
    Ok(question)
}

const CHANGEABLE: [&str; 16] = [
    "kind",
    "area",
    "age_range_start",
    "age_range_end",
    "text_ko",
    "text_en",
    "hint_ko",
    "hint_en",
    "answer_type",
    "options",
    "weight",
    "follow_up",
    "order_index",
    "source",
    "is_active",
    "reviewed",
];

fn parse_change(request: proto::UpdateQuestionRequest) -> Result<(Uuid, Patch)> {
    let mut fields = Fields::new();
    let f = &mut fields;
    let id = f.uuid("question_id", &request.question_id);
    let mask = Mask::parse(f, request.update_mask, &CHANGEABLE);
    let change = Patch {
        kind: mask.kept(f, "kind", request.kind).map(|it| parse_kind(f, it)),
        area: mask.kept(f, "area", request.area).map(|it| parse_area(f, it)),
        age_range_start: mask
            .kept(f, "age_range_start", request.age_range_start)
            .map(|it| parse_month(f, "age_range_start", it)),
        age_range_end: mask
            .kept(f, "age_range_end", request.age_range_end)
            .map(|it| parse_month(f, "age_range_end", it)),
        text_ko: mask.kept(f, "text_ko", request.text_ko).map(|it| f.text("text_ko", &it, 500)),
        text_en: mask.kept(f, "text_en", request.text_en).map(|it| f.text("text_en", &it, 500)),
        hint_ko: mask.clearable("hint_ko", request.hint_ko).map(|it| f.optional_text("hint_ko", it, 500)),
        hint_en: mask.clearable("hint_en", request.hint_en).map(|it| f.optional_text("hint_en", it, 500)),
        answer_type: mask.kept(f, "answer_type", request.answer_type).map(|it| parse_answer_type(f, it)),
        options: mask.kept(f, "options", Some(request.options)).map(|it| parse_options(f, &it)),
        weight: mask.kept(f, "weight", request.weight).map(|it| hundredths(f, "weight", it, 1..=1000)),
        follow_up: mask.clearable("follow_up", request.follow_up).map(|it| it.map(|it| parse_follow_up(f, it))),
        order_index: mask.kept(f, "order_index", request.order_index).map(|it| parse_order(f, it)),
        source: mask.kept(f, "source", request.source).map(|it| f.text("source", &it, 200)),
        is_active: mask.kept(f, "is_active", request.is_active),
        reviewed: mask.kept(f, "reviewed", request.reviewed),
    };
    fields.finish()?;
    Ok((id, change))
}

fn parse_code(fields: &mut Fields, code: &str) -> String {
    let plain = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '-';
    fields.check((3..=40).contains(&code.len()) && code.chars().all(plain), "code", "not_a_code");
    code.to_owned()
}

fn parse_kind(fields: &mut Fields, kind: i32) -> QuestionKind {
    let kind = match proto::QuestionKind::try_from(kind) {
        Ok(proto::QuestionKind::Milestone) => Some(QuestionKind::Milestone),
        Ok(proto::QuestionKind::Supplementary) => Some(QuestionKind::Supplementary),
        Ok(proto::QuestionKind::RedFlag) => Some(QuestionKind::RedFlag),
        Ok(proto::QuestionKind::Unspecified) | Err(_) => None,
    };
    fields.required("kind", kind)
}

/// `None`: any.
fn parse_area(fields: &mut Fields, area: i32) -> Option<Area> {
    let known = Area::from_proto(area);
    fields.check(known.is_some() || area == common::Area::Any as i32, "area", "required");
    known
}

fn parse_answer_type(fields: &mut Fields, answer_type: i32) -> AnswerType {
    let answer_type = match proto::AnswerType::try_from(answer_type) {
        Ok(proto::AnswerType::Scale) => Some(AnswerType::Scale),
        Ok(proto::AnswerType::YesNo) => Some(AnswerType::YesNo),
        Ok(proto::AnswerType::MultipleChoice) => Some(AnswerType::MultipleChoice),
        Ok(proto::AnswerType::Unspecified) | Err(_) => None,
    };
    fields.required("answer_type", answer_type)
}

fn parse_follow_up(fields: &mut Fields, follow_up: i32) -> FollowUp {
    match proto::FollowUp::try_from(follow_up) {
        Ok(proto::FollowUp::ReferNow) => FollowUp::ReferNow,
        Ok(proto::FollowUp::TalkToProfessional) => FollowUp::TalkToProfessional,
        _ => {
            fields.violate("follow_up", "not_for_red_flags");
            FollowUp::TalkToProfessional
        }
    }
}

fn parse_required_month(fields: &mut Fields, field: &str, months: Option<i32>) -> i16 {
    let months = fields.required(field, months);
    parse_month(fields, field, months)
}

fn parse_month(fields: &mut Fields, field: &str, months: i32) -> i16 {
    i16::try_from(fields.number(field, months, 0..=71)).unwrap_or_default()
}

fn parse_order(fields: &mut Fields, order: i32) -> i16 {
    i16::try_from(fields.number("order_index", order, 1..=1000)).unwrap_or_default()
}

fn parse_options(fields: &mut Fields, options: &[proto::NewChoice]) -> Vec<Choice> {
    let mut codes = HashSet::new();
    let mut parsed = Vec::new();
    for (index, option) in options.iter().enumerate() {
        let path = |field: &str| format!("options[{index}].{field}");
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        let code = option.code.as_str();
        let fits = (1..=40).contains(&code.len()) && code.chars().all(plain) && code != "not_sure";
        fields.check(fits, &path("code"), "not_an_option_code");
        fields.check(codes.insert(code), &path("code"), "duplicate");
        let value = fields.required(&path("value"), option.value);
        parsed.push(Choice {
            code: code.to_owned(),
            text_ko: fields.text(&path("text_ko"), &option.text_ko, 200),
            text_en: fields.text(&path("text_en"), &option.text_en, 200),
            value: u8::try_from(hundredths(fields, &path("value"), value, 0..=100)).unwrap_or_default(),
        });
    }
    parsed
}

/// A number with at most two decimals as whole hundredths.
fn hundredths(fields: &mut Fields, field: &str, value: f64, bounds: std::ops::RangeInclusive<i16>) -> i16 {
    let rounded = (value * 100.0).round();
    if !(f64::from(*bounds.start())..=f64::from(*bounds.end())).contains(&rounded) {
        let [min, max] = [bounds.start(), bounds.end()].map(|bound| f64::from(*bound) / 100.0);
        fields.violate(field, format!("out_of_range min={min} max={max}"));
        return *bounds.start();
    }
    fields.check((value * 100.0 - rounded).abs() < 1e-6, field, "too_many_decimals max=2");
    #[expect(clippy::cast_possible_truncation, reason = "it lies within the bounds")]
    let hundredths = rounded as i16;
    hundredths
}

impl QuestionKind {
    pub(crate) const fn to_proto(self) -> proto::QuestionKind {
        match self {
            Self::Milestone => proto::QuestionKind::Milestone,
            Self::Supplementary => proto::QuestionKind::Supplementary,
            Self::RedFlag => proto::QuestionKind::RedFlag,
        }
    }
}

/// The area of a question, any where it has none.
pub(crate) fn area_to_proto(area: Option<Area>) -> i32 {
    area.map_or(common::Area::Any, Area::to_proto).into()
}

impl From<Question> for proto::Question {
    fn from(question: Question) -> Self {
        let choice = |choice: Choice| proto::Choice {
            code: choice.code,
            text_ko: choice.text_ko,
            text_en: choice.text_en,
            value: f64::from(choice.value) / 100.0,
        };
        Self {
            id: question.id.to_string(),
            code: question.code,
            kind: question.kind.to_proto().into(),
            area: area_to_proto(question.area),
            age_range_start: question.age_range_start.into(),
            age_range_end: question.age_range_end.into(),
            text_ko: question.text_ko,
            text_en: question.text_en,
            hint_ko: question.hint_ko,
            hint_en: question.hint_en,
            answer_type: question.answer_type.to_proto().into(),
            options: question.options.0.into_iter().map(choice).collect(),
            weight: f64::from(question.weight) / 100.0,
            is_red_flag: question.kind == QuestionKind::RedFlag,
            follow_up: question.follow_up.map(|follow_up| follow_up.to_proto().into()),
            order_index: question.order_index.into(),
            source: question.source,
            is_active: question.is_active,
            reviewed: question.reviewed,
            created_at: Some(timestamp(question.created_at)),
            updated_at: Some(timestamp(question.updated_at)),
            version: question.version,
        }
    }
}

impl Asked {
    /// The question as a reader of a language sees it.
    pub(crate) fn to_proto(&self, locale: Locale) -> proto::AskedQuestion {
        let option = |code: String| {
            let text = self.answer_text(&code, locale);
            proto::AnswerOption { code, text }
        };
        proto::AskedQuestion {
            id: self.id.to_string(),
            code: self.code.clone(),
            kind: self.kind.to_proto().into(),
            area: area_to_proto(self.area),
            answer_type: self.answer_type.to_proto().into(),
            answers: self.answer_type.answers(&self.options).into_iter().map(option).collect(),
            is_red_flag: self.kind == QuestionKind::RedFlag,
            text: locale.pick(&self.text_ko, &self.text_en).clone(),
            hint: locale.pick(&self.hint_ko, &self.hint_en).clone(),
            order_index: self.order_index.into(),
        }
    }
}

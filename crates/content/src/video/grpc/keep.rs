//! Reading what administrators write of videos.

use std::collections::HashSet;

use aipoten_kit::{Error, Fields, Mask};
use aipoten_proto::content::v1 as proto;
use uuid::Uuid;

use super::{parse_area, parse_difficulty, parse_platform};
use crate::area::Area;
use crate::clock;
use crate::video::admin::Patch;
use crate::video::{UrlStatus, Video};

impl TryFrom<proto::CreateVideoRequest> for Video {
    type Error = Error;

    fn try_from(request: proto::CreateVideoRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let f = &mut fields;
        let now = clock::now();
        let (age_min, age_max) = (
            f.required("target_age_min", request.target_age_min),
            f.required("target_age_max", request.target_age_max),
        );
        let video = Self {
            id: Uuid::now_v7(),
            title_ko: f.line("title_ko", &request.title_ko, 200),
            title_en: f.line("title_en", &request.title_en, 200),
            description_ko: f.text("description_ko", &request.description_ko, 2000),
            description_en: f.text("description_en", &request.description_en, 2000),
            video_url: f.line("video_url", &request.video_url, 500),
            video_platform: parse_platform(f, "video_platform", request.video_platform),
            embed_code: None,
            thumbnail_url: request.thumbnail_url.map(|it| https(f, "thumbnail_url", &it)),
            duration_seconds: f.optional_number("duration_seconds", request.duration_seconds, 1..=14_400),
            target_age_min: months(f, "target_age_min", age_min),
            target_age_max: months(f, "target_age_max", age_max),
            difficulty: parse_difficulty(f, request.difficulty),
            play_method_ko: f.optional_text("play_method_ko", request.play_method_ko, 2000),
            play_method_en: f.optional_text("play_method_en", request.play_method_en, 2000),
            expected_effects_ko: f.optional_text("expected_effects_ko", request.expected_effects_ko, 1000),
            expected_effects_en: f.optional_text("expected_effects_en", request.expected_effects_en, 1000),
            materials_needed_ko: texts(f, "materials_needed_ko", &request.materials_needed_ko, 20, 100),
            materials_needed_en: texts(f, "materials_needed_en", &request.materials_needed_en, 20, 100),
            precautions_ko: f.optional_text("precautions_ko", request.precautions_ko, 1000),
            precautions_en: f.optional_text("precautions_en", request.precautions_en, 1000),
            is_published: request.is_published.unwrap_or(false),
            priority: priority(f, request.priority.unwrap_or(5)),
            view_count: 0,
            bookmark_count: 0,
            completion_count: 0,
            published_at: None,
            url_last_checked_at: None,
            url_tried_at: None,
            url_failing_since: None,
            url_status: UrlStatus::Unchecked,
            areas: areas(f, &request.areas),
            categories: texts(f, "categories", &request.categories, 10, 60),
            tags: texts(f, "tags", &request.tags, 20, 40),
            created_at: now,
            updated_at: now,
            version: 1,
        };
        fields.finish()?;
        Ok(video)
    }
}

/// The fields of a video that a change may name.
const CHANGEABLE: [&str; 24] = [
    "title_ko",
    "title_en",
    "description_ko",
    "description_en",
    "video_url",
    "video_platform",
    "thumbnail_url",
    "duration_seconds",
    "target_age_min",
    "target_age_max",
    "difficulty",
    "play_method_ko",
    "play_method_en",
    "expected_effects_ko",
    "expected_effects_en",
    "materials_needed_ko",
    "materials_needed_en",
    "precautions_ko",
    "precautions_en",
    "areas",
    "categories",
    "tags",
    "is_published",
    "priority",
];

impl TryFrom<proto::UpdateVideoRequest> for Patch {
    type Error = Error;

    fn try_from(request: proto::UpdateVideoRequest) -> Result<Self, Error> {
        let mut fields = Fields::new();
        let f = &mut fields;
        let mask = Mask::parse(f, request.update_mask, &CHANGEABLE);
        let patch = Self {
            title_ko: mask.kept(f, "title_ko", request.title_ko).map(|it| f.line("title_ko", &it, 200)),
            title_en: mask.kept(f, "title_en", request.title_en).map(|it| f.line("title_en", &it, 200)),
            description_ko: mask
                .kept(f, "description_ko", request.description_ko)
                .map(|it| f.text("description_ko", &it, 2000)),
            description_en: mask
                .kept(f, "description_en", request.description_en)
                .map(|it| f.text("description_en", &it, 2000)),
            video_url: mask.kept(f, "video_url", request.video_url).map(|it| f.line("video_url", &it, 500)),
            video_platform: mask
                .kept(f, "video_platform", request.video_platform)
                .map(|it| parse_platform(f, "video_platform", it)),
            thumbnail_url: mask
                .clearable("thumbnail_url", request.thumbnail_url)
                .map(|it| it.map(|it| https(f, "thumbnail_url", &it))),
            duration_seconds: mask
                .clearable("duration_seconds", request.duration_seconds)
                .map(|it| f.optional_number("duration_seconds", it, 1..=14_400)),
            target_age_min: mask
                .kept(f, "target_age_min", request.target_age_min)
                .map(|it| months(f, "target_age_min", it)),
            target_age_max: mask
                .kept(f, "target_age_max", request.target_age_max)
                .map(|it| months(f, "target_age_max", it)),
            difficulty: mask.kept(f, "difficulty", request.difficulty).map(|it| parse_difficulty(f, it)),
            play_method_ko: clearable_text(f, &mask, "play_method_ko", request.play_method_ko, 2000),
            play_method_en: clearable_text(f, &mask, "play_method_en", request.play_method_en, 2000),
            expected_effects_ko: clearable_text(f, &mask, "expected_effects_ko", request.expected_effects_ko, 1000),
            expected_effects_en: clearable_text(f, &mask, "expected_effects_en", request.expected_effects_en, 1000),
            materials_needed_ko: mask
                .kept(f, "materials_needed_ko", Some(request.materials_needed_ko))
                .map(|it| texts(f, "materials_needed_ko", &it, 20, 100)),
            materials_needed_en: mask
                .kept(f, "materials_needed_en", Some(request.materials_needed_en))
                .map(|it| texts(f, "materials_needed_en", &it, 20, 100)),
            precautions_ko: clearable_text(f, &mask, "precautions_ko", request.precautions_ko, 1000),
            precautions_en: clearable_text(f, &mask, "precautions_en", request.precautions_en, 1000),
            areas: mask.kept(f, "areas", Some(request.areas)).map(|it| areas(f, &it)),
            categories: mask
                .kept(f, "categories", Some(request.categories))
                .map(|it| texts(f, "categories", &it, 10, 60)),
            tags: mask.kept(f, "tags", Some(request.tags)).map(|it| texts(f, "tags", &it, 20, 40)),
            is_published: mask.kept(f, "is_published", request.is_published),
            priority: mask.kept(f, "priority", request.priority).map(|it| priority(f, it)),
            expected_version: request.expected_version,
        };
        fields.finish()?;
        Ok(patch)
    }
}

fn clearable_text(
    fields: &mut Fields,
    mask: &Mask,
    field: &str,
    value: Option<String>,
    max: usize,
) -> Option<Option<String>> {
    mask.clearable(field, value).map(|value| fields.optional_text(field, value, max))
}

fn https(fields: &mut Fields, field: &str, address: &str) -> String {
    let address = fields.text(field, address, 500);
    fields.check(address.is_empty() || address.starts_with("https://"), field, "not_https");
    address
}

fn months(fields: &mut Fields, field: &str, months: i32) -> i16 {
    i16::try_from(fields.number(field, months, 0..=240)).unwrap_or_default()
}

fn priority(fields: &mut Fields, priority: i32) -> i16 {
    i16::try_from(fields.number("priority", priority, 1..=10)).unwrap_or_default()
}

fn areas(fields: &mut Fields, areas: &[i32]) -> Vec<Area> {
    fields.check(!areas.is_empty(), "areas", "required");
    let mut seen = HashSet::new();
    let mut parsed = Vec::new();
    for (index, area) in areas.iter().enumerate() {
        let path = format!("areas[{index}]");
        fields.check(seen.insert(area), &path, "duplicate");
        parsed.push(parse_area(fields, &path, *area));
    }
    parsed
}

/// A list of texts, each once.
fn texts(fields: &mut Fields, field: &str, texts: &[String], most: usize, max: usize) -> Vec<String> {
    fields.check(texts.len() <= most, field, &format!("too_many max={most}"));
    let mut parsed: Vec<String> = Vec::new();
    for (index, text) in texts.iter().enumerate().take(most) {
        let path = format!("{field}[{index}]");
        let text = fields.text(&path, text, max);
        fields.check(!parsed.contains(&text), &path, "duplicate");
        parsed.push(text);
    }
    parsed
}

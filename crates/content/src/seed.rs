//! Planting the shipped data: the question bank, categories and activities. Each row once: what an administrator
//! changed or deleted stays so.

use std::collections::{BTreeSet, HashSet};

use anyhow::{Context as _, anyhow};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::area::Area;
use crate::assessment::{AnswerType, FollowUp};
use crate::category::{self, Category};
use crate::question::{self, Question, QuestionKind};
use crate::video::{self, Difficulty, Platform, UrlStatus, Video};
use crate::{change, clock};

const QUESTIONS: &str = include_str!("../data/questions/questions.csv");
const CATEGORIES: &str = include_str!("../data/activities/categories.csv");
const ACTIVITIES: &str = include_str!("../data/activities/activities.csv");

/// Plants what was never planted before; answers how many rows. Again changes nothing.
pub async fn seed(pool: &PgPool) -> anyhow::Result<usize> {
    let mut tx = pool.begin().await?;
    let planted = planted(&mut tx).await?;
    let (mut number, mut kinds) = (0, BTreeSet::new());
    for row in rows::<QuestionRow>(QUESTIONS)?.into_iter().filter(|row| !planted.contains(&row.code)) {
        let question = row.question()?;
        question::store::insert(&mut tx, &question).await.with_context(|| format!("question {}", question.code))?;
        plant(&mut tx, &question.code).await?;
        number += 1;
        kinds.insert("question");
    }
    for (row, order) in rows::<CategoryRow>(CATEGORIES)?.into_iter().zip(1..) {
        let key = format!("category/{}", row.slug);
        if !planted.contains(&key) {
            category::store::insert(&mut tx, &row.category(order)).await.context(key.clone())?;
            plant(&mut tx, &key).await?;
            number += 1;
            kinds.insert("category");
        }
    }
    for row in rows::<ActivityRow>(ACTIVITIES)?.into_iter().filter(|row| !planted.contains(&row.code)) {
        let key = row.code.clone();
        plant_video(&mut tx, &row.video()?).await.context(key.clone())?;
        plant(&mut tx, &key).await?;
        number += 1;
        kinds.insert("video");
    }
    for kind in kinds {
        change::announce_many(&mut tx, kind).await?;
    }
    tx.commit().await?;
    Ok(number)
}

/// Locked, so that two seeds at once plant one after the other.
async fn planted(conn: &mut PgConnection) -> anyhow::Result<HashSet<String>> {
    sqlx::query!("LOCK TABLE seeds IN SHARE ROW EXCLUSIVE MODE").execute(&mut *conn).await?;
    Ok(sqlx::query_scalar!("SELECT key FROM seeds").fetch_all(conn).await?.into_iter().collect())
}

async fn plant(conn: &mut PgConnection, key: &str) -> sqlx::Result<()> {
    sqlx::query!("INSERT INTO seeds (key) VALUES ($1)", key).execute(conn).await?;
    Ok(())
}

/// A category that was deleted since is left out.
async fn plant_video(conn: &mut PgConnection, video: &Video) -> anyhow::Result<()> {
    let categories = category::store::ids(conn, &video.categories).await?;
    let categories: Vec<Uuid> = categories.into_iter().map(|(id, _)| id).collect();
    video::store::insert(conn, video).await?;
    video::store::replace_areas(conn, video.id, &video.areas).await?;
    video::store::replace_categories(conn, video.id, &categories).await?;
    video::store::replace_tags(conn, video.id, &video.tags).await?;
    Ok(())
}

fn rows<T: DeserializeOwned>(text: &str) -> anyhow::Result<Vec<T>> {
    csv::Reader::from_reader(text.as_bytes()).into_deserialize().map(|row| row.context("shipped data")).collect()
}

fn list(cell: &str) -> Vec<String> {
    cell.split(';').filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

#[derive(Deserialize)]
struct QuestionRow {
    code: String,
    kind: QuestionKind,
    from_months: i16,
    to_months: i16,
    area: String,
    answer_type: AnswerType,
    follow_up: Option<FollowUp>,
    order_index: i16,
    text_ko: String,
    text_en: String,
    hint_ko: Option<String>,
    hint_en: Option<String>,
    source: String,
    reviewed: String,
}

impl QuestionRow {
    fn question(self) -> anyhow::Result<Question> {
        let now = clock::now();
        let area = match self.area.as_str() {
            "any" => None,
            area => Some(Area::parse(area).with_context(|| format!("{area} is no area"))?),
        };
        Ok(Question {
            id: Uuid::now_v7(),
            code: self.code,
            kind: self.kind,
            area,
            age_range_start: self.from_months,
            age_range_end: self.to_months,
            text_ko: self.text_ko,
            text_en: self.text_en,
            hint_ko: self.hint_ko,
            hint_en: self.hint_en,
            answer_type: self.answer_type,
            options: Json(Vec::new()),
            // Every shipped question counts once.
            weight: 100,
            follow_up: self.follow_up,
            order_index: self.order_index,
            source: self.source,
            is_active: true,
            reviewed: self.reviewed == "yes",
            created_at: now,
            updated_at: now,
            version: 1,
        })
    }
}

#[derive(Deserialize)]
struct CategoryRow {
    slug: String,
    name_ko: String,
    name_en: String,
    description_ko: String,
    description_en: String,
}

impl CategoryRow {
    fn category(self, order_index: i16) -> Category {
        let now = clock::now();
        Category {
            id: Uuid::now_v7(),
            slug: self.slug,
            name_ko: self.name_ko,
            name_en: self.name_en,
            description_ko: Some(self.description_ko),
            description_en: Some(self.description_en),
            order_index,
            is_active: true,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }
}

#[derive(Deserialize)]
struct ActivityRow {
    code: String,
    title_ko: String,
    title_en: String,
    description_ko: String,
    description_en: String,
    target_age_min: i16,
    target_age_max: i16,
    difficulty: Difficulty,
    areas: String,
    categories: String,
    tags: String,
    materials_ko: String,
    materials_en: String,
    play_method_ko: String,
    play_method_en: String,
    expected_effects_ko: String,
    expected_effects_en: String,
    precautions_ko: String,
    precautions_en: String,
    video_platform: Platform,
    video_url: String,
}

impl ActivityRow {
    /// The addresses are demonstrations: there is no player to embed, and they are never shown as checked.
    fn video(self) -> anyhow::Result<Video> {
        let now = clock::now();
        let area = |code: &String| Area::parse(code).ok_or_else(|| anyhow!("{code} is no area"));
        Ok(Video {
            id: Uuid::now_v7(),
            title_ko: self.title_ko,
            title_en: self.title_en,
            description_ko: self.description_ko,
            description_en: self.description_en,
            video_url: self.video_url,
            video_platform: self.video_platform,
            embed_code: None,
            thumbnail_url: None,
            duration_seconds: None,
            target_age_min: self.target_age_min,
            target_age_max: self.target_age_max,
            difficulty: self.difficulty,
            play_method_ko: Some(self.play_method_ko),
            play_method_en: Some(self.play_method_en),
            expected_effects_ko: Some(self.expected_effects_ko),
            expected_effects_en: Some(self.expected_effects_en),
            materials_needed_ko: list(&self.materials_ko),
            materials_needed_en: list(&self.materials_en),
            precautions_ko: Some(self.precautions_ko),
            precautions_en: Some(self.precautions_en),
            is_published: true,
            priority: 5,
            view_count: 0,
            bookmark_count: 0,
            completion_count: 0,
            published_at: Some(now),
            url_last_checked_at: None,
            url_tried_at: None,
            url_failing_since: None,
            url_status: UrlStatus::Demo,
            areas: list(&self.areas).iter().map(area).collect::<anyhow::Result<_>>()?,
            categories: list(&self.categories),
            tags: list(&self.tags),
            created_at: now,
            updated_at: now,
            version: 1,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::age::CHECKPOINTS;

    fn questions() -> Vec<Question> {
        let rows = rows::<QuestionRow>(QUESTIONS).expect("readable questions");
        rows.into_iter().map(|row| row.question().expect("a question")).collect()
    }

    #[test]
    fn the_question_bank_is_whole() {
        let questions = questions();
        assert_eq!(questions.len(), 257);
        let count = |kind| questions.iter().filter(|question| question.kind == kind).count();
        let counts = [QuestionKind::Milestone, QuestionKind::Supplementary, QuestionKind::RedFlag].map(count);
        assert_eq!(counts, [159, 71, 27]);
        let codes: HashSet<_> = questions.iter().map(|question| &question.code).collect();
        assert_eq!(codes.len(), 257);
    }

    #[test]
    fn every_age_and_area_has_at_least_three_questions_that_score() {
        let questions = questions();
        for age in 2..=71 {
            let mut counts: HashMap<Area, usize> = HashMap::new();
            let asked = questions.iter().filter(|it| (it.age_range_start..=it.age_range_end).contains(&age));
            for question in asked.filter(|it| it.kind != QuestionKind::RedFlag) {
                *counts.entry(question.area.expect("scored questions have an area")).or_default() += 1;
            }
            assert!(
                Area::ALL.iter().all(|area| counts.get(area).is_some_and(|count| *count >= 3)),
                "{age}: {counts:?}"
            );
        }
    }

    #[test]
    fn every_checkpoint_and_area_has_an_activity_in_both_languages() {
        let rows = rows::<ActivityRow>(ACTIVITIES).expect("readable activities");
        let videos: Vec<Video> = rows.into_iter().map(|row| row.video().expect("a video")).collect();
        assert_eq!(videos.len(), 45);
        for age in CHECKPOINTS {
            for area in Area::ALL {
                let suits = |it: &&Video| i32::from(it.target_age_min) <= age && age <= i32::from(it.target_age_max);
                assert!(videos.iter().filter(suits).any(|it| it.areas.contains(&area)), "{age} {area:?}");
            }
        }
        for video in videos {
            assert_eq!(video.materials_needed_ko.len(), video.materials_needed_en.len(), "{}", video.title_en);
            assert!(!video.is_available() && video.url_status == UrlStatus::Demo);
        }
    }

    #[test]
    fn every_category_of_an_activity_is_shipped() {
        let slugs: HashSet<_> =
            rows::<CategoryRow>(CATEGORIES).expect("readable categories").into_iter().map(|row| row.slug).collect();
        for row in rows::<ActivityRow>(ACTIVITIES).expect("readable activities") {
            assert!(list(&row.categories).iter().all(|slug| slugs.contains(slug)), "{}", row.code);
        }
    }
}

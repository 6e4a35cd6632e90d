//! Videos as they are shown.

use aipoten_kit::Locale;
use aipoten_proto::content::v1 as proto;
use aipoten_proto::timestamp;
use uuid::Uuid;

use crate::video::interaction::Interaction;
use crate::video::{Difficulty, Platform, Recommended, Source, UrlStatus, Video};

impl Video {
    /// The video in one language; what an administrator has not translated is shown in the other.
    pub(crate) fn into_proto(self, locale: Locale) -> proto::Video {
        let text = |ko: Option<String>, en: Option<String>| {
            let (first, second) = locale.pick((ko.clone(), en.clone()), (en, ko));
            first.or(second)
        };
        let (materials, other_materials) = locale.pick(
            (self.materials_needed_ko.clone(), self.materials_needed_en.clone()),
            (self.materials_needed_en.clone(), self.materials_needed_ko.clone()),
        );
        proto::Video {
            id: self.id.to_string(),
            is_available: self.is_available(),
            title: locale.pick(self.title_ko, self.title_en),
            description: locale.pick(self.description_ko, self.description_en),
            video_url: self.video_url,
            video_platform: self.video_platform.to_proto().into(),
            embed_code: self.embed_code,
            thumbnail_url: self.thumbnail_url,
            duration_seconds: self.duration_seconds,
            target_age_min: self.target_age_min.into(),
            target_age_max: self.target_age_max.into(),
            difficulty: self.difficulty.to_proto().into(),
            play_method: text(self.play_method_ko, self.play_method_en),
            expected_effects: text(self.expected_effects_ko, self.expected_effects_en),
            materials_needed: if materials.is_empty() { other_materials } else { materials },
            precautions: text(self.precautions_ko, self.precautions_en),
            areas: self.areas.iter().map(|area| area.to_proto().into()).collect(),
            categories: self.categories,
            tags: self.tags,
            url_status: self.url_status.to_proto().into(),
            view_count: self.view_count,
            bookmark_count: self.bookmark_count,
            completion_count: self.completion_count,
            published_at: self.published_at.map(timestamp),
        }
    }
}

impl From<Video> for proto::AdminVideo {
    fn from(video: Video) -> Self {
        Self {
            id: video.id.to_string(),
            title_ko: video.title_ko,
            title_en: video.title_en,
            description_ko: video.description_ko,
            description_en: video.description_en,
            video_url: video.video_url,
            video_platform: video.video_platform.to_proto().into(),
            embed_code: video.embed_code,
            thumbnail_url: video.thumbnail_url,
            duration_seconds: video.duration_seconds,
            target_age_min: video.target_age_min.into(),
            target_age_max: video.target_age_max.into(),
            difficulty: video.difficulty.to_proto().into(),
            play_method_ko: video.play_method_ko,
            play_method_en: video.play_method_en,
            expected_effects_ko: video.expected_effects_ko,
            expected_effects_en: video.expected_effects_en,
            materials_needed_ko: video.materials_needed_ko,
            materials_needed_en: video.materials_needed_en,
            precautions_ko: video.precautions_ko,
            precautions_en: video.precautions_en,
            areas: video.areas.iter().map(|area| area.to_proto().into()).collect(),
            categories: video.categories,
            tags: video.tags,
            is_published: video.is_published,
            priority: video.priority.into(),
            url_status: video.url_status.to_proto().into(),
            url_last_checked_at: video.url_last_checked_at.map(timestamp),
            url_tried_at: video.url_tried_at.map(timestamp),
            url_failing_since: video.url_failing_since.map(timestamp),
            view_count: video.view_count,
            bookmark_count: video.bookmark_count,
            completion_count: video.completion_count,
            published_at: video.published_at.map(timestamp),
            created_at: Some(timestamp(video.created_at)),
            updated_at: Some(timestamp(video.updated_at)),
            version: video.version,
        }
    }
}

impl Recommended {
    pub(crate) fn into_proto(self, locale: Locale) -> proto::RecommendedVideo {
        proto::RecommendedVideo {
            id: self.recommendation_id.to_string(),
            video: Some(self.video.into_proto(locale)),
            area: self.development_area.to_proto().into(),
            area_level: self.area_level.map(|level| level.to_proto().into()),
            reason: locale.pick(self.recommendation_reason_ko, self.recommendation_reason_en),
            priority_score: self.priority_score,
            source: self.source.to_proto().into(),
            assessment_id: self.assessment_id.as_ref().map(Uuid::to_string),
            is_viewed: self.is_viewed,
            is_bookmarked: self.is_bookmarked,
            is_completed: self.is_completed,
            recommended_at: Some(timestamp(self.recommended_at)),
        }
    }
}

impl From<Interaction> for proto::VideoInteraction {
    fn from(interaction: Interaction) -> Self {
        Self {
            video_id: interaction.video_id.to_string(),
            is_bookmarked: interaction.is_bookmarked,
            is_completed: interaction.is_completed,
            watch_time_seconds: interaction.watch_time_seconds,
            last_watched_at: interaction.last_watched_at.map(timestamp),
            view_count: interaction.view_count,
            bookmark_count: interaction.bookmark_count,
            completion_count: interaction.completion_count,
        }
    }
}

impl Platform {
    const fn to_proto(self) -> proto::VideoPlatform {
        match self {
            Self::Youtube => proto::VideoPlatform::Youtube,
            Self::NaverTv => proto::VideoPlatform::NaverTv,
            Self::KakaoTv => proto::VideoPlatform::KakaoTv,
            Self::Vimeo => proto::VideoPlatform::Vimeo,
            Self::Upload => proto::VideoPlatform::Upload,
            Self::Other => proto::VideoPlatform::Other,
        }
    }
}

impl Difficulty {
    const fn to_proto(self) -> proto::Difficulty {
        match self {
            Self::Easy => proto::Difficulty::Easy,
            Self::Medium => proto::Difficulty::Medium,
            Self::Hard => proto::Difficulty::Hard,
        }
    }
}

impl UrlStatus {
    const fn to_proto(self) -> proto::VideoUrlStatus {
        match self {
            Self::Demo => proto::VideoUrlStatus::Demo,
            Self::Unchecked => proto::VideoUrlStatus::Unchecked,
            Self::Ok => proto::VideoUrlStatus::Ok,
            Self::Broken => proto::VideoUrlStatus::Broken,
            Self::Unavailable => proto::VideoUrlStatus::Unavailable,
        }
    }
}

impl Source {
    const fn to_proto(self) -> proto::RecommendationSource {
        match self {
            Self::Assessment => proto::RecommendationSource::Assessment,
            Self::Therapist => proto::RecommendationSource::Therapist,
        }
    }
}

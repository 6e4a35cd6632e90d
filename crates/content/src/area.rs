//! The six areas of development that checks, feedback and play activities speak of.

use aipoten_proto::common::v1 as proto;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Area {
    #[default]
    GrossMotor,
    FineMotor,
    Cognitive,
    Language,
    Social,
    Emotional,
}

impl Area {
    pub(crate) const ALL: [Self; 6] =
        [Self::GrossMotor, Self::FineMotor, Self::Cognitive, Self::Language, Self::Social, Self::Emotional];

    /// The word in tables and in the API.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::GrossMotor => "gross_motor",
            Self::FineMotor => "fine_motor",
            Self::Cognitive => "cognitive",
            Self::Language => "language",
            Self::Social => "social",
            Self::Emotional => "emotional",
        }
    }

    pub(crate) fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|area| area.code() == code)
    }

    pub(crate) const fn name_ko(self) -> &'static str {
        match self {
            Self::GrossMotor => "대근육 운동",
            Self::FineMotor => "소근육 운동",
            Self::Cognitive => "인지",
            Self::Language => "언어",
            Self::Social => "사회성",
            Self::Emotional => "정서",
        }
    }

    pub(crate) const fn name_en(self) -> &'static str {
        match self {
            Self::GrossMotor => "gross motor",
            Self::FineMotor => "fine motor",
            Self::Cognitive => "cognitive",
            Self::Language => "language",
            Self::Social => "social",
            Self::Emotional => "emotional",
        }
    }

    pub(crate) const fn to_proto(self) -> proto::Area {
        match self {
            Self::GrossMotor => proto::Area::GrossMotor,
            Self::FineMotor => proto::Area::FineMotor,
            Self::Cognitive => proto::Area::Cognitive,
            Self::Language => proto::Area::Language,
            Self::Social => proto::Area::Social,
            Self::Emotional => proto::Area::Emotional,
        }
    }

    /// `None` for unspecified, any and numbers of no area.
    pub(crate) fn from_proto(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|area| area.to_proto() as i32 == number)
    }
}

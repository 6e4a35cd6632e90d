//! The six areas of development that checks, feedback and play activities speak of.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    GrossMotor,
    FineMotor,
    Cognitive,
    Language,
    Social,
    Emotional,
}

impl Area {
    pub const ALL: [Self; 6] =
        [Self::GrossMotor, Self::FineMotor, Self::Cognitive, Self::Language, Self::Social, Self::Emotional];

    /// The word in tables and in the API.
    pub const fn code(self) -> &'static str {
        match self {
            Self::GrossMotor => "gross_motor",
            Self::FineMotor => "fine_motor",
            Self::Cognitive => "cognitive",
            Self::Language => "language",
            Self::Social => "social",
            Self::Emotional => "emotional",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|area| area.code() == code)
    }

    pub const fn name_ko(self) -> &'static str {
        match self {
            Self::GrossMotor => "대근육 운동",
            Self::FineMotor => "소근육 운동",
            Self::Cognitive => "인지",
            Self::Language => "언어",
            Self::Social => "사회성",
            Self::Emotional => "정서",
        }
    }

    pub const fn name_en(self) -> &'static str {
        match self {
            Self::GrossMotor => "gross motor",
            Self::FineMotor => "fine motor",
            Self::Cognitive => "cognitive",
            Self::Language => "language",
            Self::Social => "social",
            Self::Emotional => "emotional",
        }
    }
}

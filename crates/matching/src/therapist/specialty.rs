//! What therapists work in.

use aipoten_kit::Locale;
use aipoten_proto::matching::v1 as proto;

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Specialty {
    Speech,
    Occupational,
    Physical,
    Psychological,
    Play,
    Sensory,
}

impl Specialty {
    pub(crate) const ALL: [Self; 6] =
        [Self::Speech, Self::Occupational, Self::Physical, Self::Psychological, Self::Play, Self::Sensory];

    /// None for what is not said.
    pub(crate) fn of(specialty: proto::Specialty) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.to_proto() == specialty)
    }

    pub(crate) const fn to_proto(self) -> proto::Specialty {
        match self {
            Self::Speech => proto::Specialty::Speech,
            Self::Occupational => proto::Specialty::Occupational,
            Self::Physical => proto::Specialty::Physical,
            Self::Psychological => proto::Specialty::Psychological,
            Self::Play => proto::Specialty::Play,
            Self::Sensory => proto::Specialty::Sensory,
        }
    }

    /// The word in tables and in the API.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Speech => "speech",
            Self::Occupational => "occupational",
            Self::Physical => "physical",
            Self::Psychological => "psychological",
            Self::Play => "play",
            Self::Sensory => "sensory",
        }
    }

    pub(crate) fn name(self, locale: Locale) -> &'static str {
        match self {
            Self::Speech => locale.pick("언어치료", "Speech and language therapy"),
            Self::Occupational => locale.pick("작업치료", "Occupational therapy"),
            Self::Physical => locale.pick("물리치료", "Physical therapy"),
            Self::Psychological => locale.pick("심리치료·상담", "Psychotherapy and counselling"),
            Self::Play => locale.pick("놀이치료", "Play therapy"),
            Self::Sensory => locale.pick("감각통합치료", "Sensory integration therapy"),
        }
    }

    /// All that it is called by.
    pub(crate) fn names(self) -> String {
        format!("{} {}", self.name(Locale::Ko), self.name(Locale::En))
    }
}

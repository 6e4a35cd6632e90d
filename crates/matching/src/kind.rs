//! Where sessions take place.

use aipoten_kit::Fields;
use aipoten_proto::matching::v1::ConsultationKind;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Kind {
    #[default]
    Online,
    InPerson,
    HomeVisit,
}

impl Kind {
    pub(crate) fn parse(fields: &mut Fields, field: &str, kind: ConsultationKind) -> Self {
        match kind {
            ConsultationKind::Unspecified => fields.required(field, None),
            ConsultationKind::Online => Self::Online,
            ConsultationKind::InPerson => Self::InPerson,
            ConsultationKind::HomeVisit => Self::HomeVisit,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::InPerson => "in_person",
            Self::HomeVisit => "home_visit",
        }
    }
}

impl From<Kind> for ConsultationKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Online => Self::Online,
            Kind::InPerson => Self::InPerson,
            Kind::HomeVisit => Self::HomeVisit,
        }
    }
}

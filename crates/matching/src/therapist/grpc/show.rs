//! Therapists as they are shown.

use aipoten_kit::Locale;
use aipoten_proto::matching::v1 as proto;
use aipoten_proto::timestamp;

use crate::kind::Kind;
use crate::region;
use crate::therapist::suggest::Suggestion;
use crate::therapist::{ApprovalStatus, Specialty, Therapist};

impl Therapist {
    /// For everyone.
    pub(super) fn into_public(self, locale: Locale) -> proto::Therapist {
        proto::Therapist {
            id: self.id.to_string(),
            specialties: specialties(&self.specialties),
            years_of_experience: self.years_of_experience.into(),
            consultation_fee: self.consultation_fee.0,
            session_minutes: self.session_minutes.into(),
            consultation_kinds: kinds(&self.consultation_kinds),
            regions: regions(&self.region_codes, locale),
            rating: self.rating,
            review_count: self.review_count,
            total_consultations: self.total_consultations,
            display_name: self.display_name,
            certifications: self.certifications,
            bio: self.bio,
            is_online: false,
        }
    }

    /// For the therapist and administrators.
    pub(super) fn into_profile(self, locale: Locale) -> proto::TherapistProfile {
        proto::TherapistProfile {
            id: self.id.to_string(),
            specialties: specialties(&self.specialties),
            years_of_experience: self.years_of_experience.into(),
            consultation_fee: self.consultation_fee.0,
            session_minutes: self.session_minutes.into(),
            buffer_minutes: self.buffer_minutes.into(),
            travel_minutes: self.travel_minutes.into(),
            min_notice_hours: self.min_notice_hours.into(),
            horizon_days: self.horizon_days.into(),
            daily_limit: self.daily_limit.into(),
            consultation_kinds: kinds(&self.consultation_kinds),
            regions: regions(&self.region_codes, locale),
            approval_status: self.approval_status.to_proto().into(),
            decided_at: self.decided_at.map(timestamp),
            licence_valid_until: self.licence_valid_until.as_ref().map(ToString::to_string),
            is_listed: self.is_listed,
            rating: self.rating,
            review_count: self.review_count,
            total_consultations: self.total_consultations,
            created_at: Some(timestamp(self.applied_at)),
            updated_at: Some(timestamp(self.updated_at)),
            version: self.version,
            display_name: self.display_name,
            certifications: self.certifications,
            bio: self.bio,
            decision_reason: self.decision_reason,
        }
    }
}

fn specialties(specialties: &[Specialty]) -> Vec<i32> {
    specialties.iter().map(|it| it.to_proto().into()).collect()
}

fn kinds(kinds: &[Kind]) -> Vec<i32> {
    kinds.iter().map(|&kind| proto::ConsultationKind::from(kind).into()).collect()
}

fn regions(codes: &[String], locale: Locale) -> Vec<proto::Region> {
    codes.iter().filter_map(|code| region::get(code)).map(|it| it.to_proto(locale)).collect()
}

impl ApprovalStatus {
    const fn to_proto(self) -> proto::ApprovalStatus {
        match self {
            Self::Pending => proto::ApprovalStatus::Pending,
            Self::Approved => proto::ApprovalStatus::Approved,
            Self::Rejected => proto::ApprovalStatus::Rejected,
            Self::Suspended => proto::ApprovalStatus::Suspended,
        }
    }
}

impl Suggestion {
    pub(super) fn into_proto(self, locale: Locale) -> proto::TherapistSuggestion {
        let (kind, text, value) = match self {
            Self::Specialty(it) => {
                (proto::SuggestionKind::Specialty, it.name(locale).to_owned(), it.as_str().to_owned())
            }
            Self::Region(it) => (proto::SuggestionKind::Region, it.name(locale).to_owned(), it.code.clone()),
            Self::Therapist(id, name) => (proto::SuggestionKind::Therapist, name, id.to_string()),
        };
        proto::TherapistSuggestion { kind: kind.into(), text, value }
    }
}

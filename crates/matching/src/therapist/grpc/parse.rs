//! Reading what is asked of therapists.

use aipoten_kit::{Error, Fields, Page, Result};
use aipoten_proto::matching::v1 as proto;
use uuid::Uuid;

use crate::kind::Kind;
use crate::region;
use crate::therapist::profile::Draft;
use crate::therapist::{Filter, Sort, Specialty, search};
use aipoten_kit::Won;

/// Regions of a therapist at most.
const REGIONS: usize = 50;

pub(super) fn list(request: &proto::ListTherapistsRequest) -> Result<(Page, Filter)> {
    let mut fields = Fields::new();
    let f = &mut fields;
    let page = Page::parse(f, request.page, request.limit);
    let filter = Filter {
        specialty: request.specialty.and_then(|it| specialty(f, "specialty", it)),
        regions: request.region.as_ref().map(|code| region::around(&region::parse(f, "region", code))),
        kind: request.kind.map(|_| Kind::parse(f, "kind", request.kind())),
        fee_min: f.optional_number("fee_min", request.fee_min, 0..=i64::MAX),
        fee_max: f.optional_number("fee_max", request.fee_max, 0..=i64::MAX),
        rating_min: f.optional_number("rating_min", request.rating_min, 1.0..=5.0),
        available_on: request.available_on.as_ref().map(|day| f.date("available_on", day)),
        words: request.q.as_ref().map(|q| search::words(&f.line("q", q, 60))),
        sort: request.sort.as_ref().and_then(|it| sort(f, it)),
    };
    fields.finish()?;
    Ok((page, filter))
}

fn sort(fields: &mut Fields, sort: &str) -> Option<Sort> {
    let known = match sort {
        "rating" => Some(Sort::Rating),
        "-rating" => Some(Sort::RatingDown),
        "fee" => Some(Sort::Fee),
        "-fee" => Some(Sort::FeeDown),
        "experience" => Some(Sort::Experience),
        "-experience" => Some(Sort::ExperienceDown),
        _ => None,
    };
    fields.check(known.is_some(), "sort", "unknown_sort");
    known
}

pub(super) fn decision(therapist_id: &str, reason: &str) -> Result<(Uuid, String)> {
    let mut fields = Fields::new();
    let id = fields.uuid("therapist_id", therapist_id);
    let reason = fields.text("reason", reason, 500);
    fields.finish()?;
    Ok((id, reason))
}

impl TryFrom<proto::PutProfileRequest> for Draft {
    type Error = Error;

    fn try_from(request: proto::PutProfileRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let f = &mut fields;
        let draft = Self {
            display_name: f.line("display_name", &request.display_name, 40),
            specialties: each(f, "specialties", &request.specialties, 1..=6, |f, path, it| specialty(f, path, *it)),
            years_of_experience: small(f, "years_of_experience", Some(request.years_of_experience), 0, 0, 60),
            certifications: each(f, "certifications", &request.certifications, 0..=20, |f, path, it| {
                Some(f.line(path, it, 120))
            }),
            bio: f.text("bio", &request.bio, 2000),
            consultation_fee: Won(f.number("consultation_fee", request.consultation_fee, 10_000..=1_000_000)),
            session_minutes: small(f, "session_minutes", request.session_minutes, 50, 20, 180),
            buffer_minutes: small(f, "buffer_minutes", request.buffer_minutes, 10, 0, 120),
            travel_minutes: small(f, "travel_minutes", request.travel_minutes, 30, 0, 180),
            min_notice_hours: small(f, "min_notice_hours", request.min_notice_hours, 24, 0, 336),
            horizon_days: small(f, "horizon_days", request.horizon_days, 60, 1, 365),
            daily_limit: small(f, "daily_limit", request.daily_limit, 8, 1, 24),
            consultation_kinds: each(f, "consultation_kinds", &request.consultation_kinds, 1..=3, |f, path, it| {
                Some(Kind::parse(f, path, proto::ConsultationKind::try_from(*it).unwrap_or_default()))
            }),
            region_codes: regions(f, &request.region_codes),
            expected_version: request.expected_version,
        };
        let all_online = draft.consultation_kinds.iter().all(|kind| *kind == Kind::Online);
        f.check(all_online || !request.region_codes.is_empty(), "region_codes", "required");
        fields.finish()?;
        Ok(draft)
    }
}

fn specialty(fields: &mut Fields, field: &str, specialty: i32) -> Option<Specialty> {
    let known = proto::Specialty::try_from(specialty).ok().and_then(Specialty::of);
    fields.check(known.is_some(), field, "required");
    known
}

fn small(fields: &mut Fields, field: &str, given: Option<i32>, default: i32, min: i32, max: i32) -> i16 {
    i16::try_from(fields.number(field, given.unwrap_or(default), min..=max)).unwrap_or_default()
}

/// A list, each item once.
fn each<T, P: PartialEq>(
    fields: &mut Fields,
    field: &str,
    items: &[T],
    number: std::ops::RangeInclusive<usize>,
    parse: impl Fn(&mut Fields, &str, &T) -> Option<P>,
) -> Vec<P> {
    fields.check(items.len() >= *number.start(), field, "required");
    fields.check(items.len() <= *number.end(), field, &format!("too_many max={}", number.end()));
    let mut parsed = Vec::new();
    for (index, item) in items.iter().enumerate().take(*number.end()) {
        let path = format!("{field}[{index}]");
        let Some(item) = parse(fields, &path, item) else { continue };
        fields.check(!parsed.contains(&item), &path, "duplicate");
        parsed.push(item);
    }
    parsed
}

/// Several old codes may have become the same.
fn regions(fields: &mut Fields, codes: &[String]) -> Vec<String> {
    let given = each(fields, "region_codes", codes, 0..=REGIONS, |fields, path, code| {
        // Kept also when unknown, so that a code given twice is told whatever it is.
        Some((code.clone(), region::parse(fields, path, code)))
    });
    let mut codes: Vec<String> = given.into_iter().flat_map(|(_, codes)| codes).collect();
    codes.sort();
    codes.dedup();
    codes
}

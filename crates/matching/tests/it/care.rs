//! Builders: requests, packages and sessions made through the API, payments as billing will tell them.

use aipoten_events::test::delivered;
use aipoten_matching::consumers;
use aipoten_proto::billing::v1::{PaymentCompleted, PaymentReversed};
use aipoten_proto::matching::v1::{
    Consultation, ConsultationKind, CreateMatchingRequestRequest, GetConsultationRequest, GetPackageRequest,
    MatchingDecision, MatchingRequest, Package, PutAvailabilityRequest, UpdateMatchingRequestRequest, WeeklyHours,
};
use aipoten_proto::timestamp;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use tonic::{Response, Status};
use uuid::Uuid;

use crate::world::{Person, World};

/// A parent with a child, and a therapist who works around the clock.
pub(crate) struct Care {
    pub(crate) world: World,
    pub(crate) parent: Person,
    pub(crate) child_id: String,
    pub(crate) therapist: Person,
}

impl Care {
    pub(crate) async fn new() -> Self {
        let world = World::start().await;
        let parent = world.parent().await;
        let child_id = world.child(&parent).await;
        let therapist = world.listed_therapist().await;
        let all_day =
            |day| WeeklyHours { day_of_week: Some(day), start_time: "00:00".to_owned(), end_time: "24:00".to_owned() };
        let hours = PutAvailabilityRequest {
            weekly_hours: (0..7).map(all_day).collect(),
            works_on_holidays: Some(true),
            expected_version: None,
        };
        world.calendars().put_availability(therapist.asks(hours)).await.expect("hours");
        let care = Self { world, parent, child_id, therapist };
        care.forget_events().await;
        care
    }

    /// What a parent asks for.
    pub(crate) fn wish(&self, total_sessions: i32) -> CreateMatchingRequestRequest {
        CreateMatchingRequestRequest {
            therapist_id: self.therapist.id.clone(),
            child_id: self.child_id.clone(),
            share_child: true,
            kind: ConsultationKind::Online.into(),
            total_sessions,
            preferred_dates: vec![timestamp(hours_ahead(48))],
            notes: Some("말이 조금 늦은 편이에요.".to_owned()),
            visit_address: None,
        }
    }

    pub(crate) async fn asked(&self, total_sessions: i32) -> MatchingRequest {
        let wish = self.parent.asks(self.wish(total_sessions));
        self.world.requests().create_matching_request(wish).await.expect("a request").into_inner()
    }

    pub(crate) async fn approve(&self, request_id: &str, times: &[DateTime<Utc>]) -> Result<MatchingRequest, Status> {
        let answer = UpdateMatchingRequestRequest {
            request_id: request_id.to_owned(),
            decision: MatchingDecision::Approve.into(),
            session_times: times.iter().copied().map(timestamp).collect(),
            ..UpdateMatchingRequestRequest::default()
        };
        let answered = self.world.requests().update_matching_request(self.therapist.asks(answer)).await;
        answered.map(Response::into_inner)
    }

    /// A package that waits for payment.
    pub(crate) async fn approved(&self, total_sessions: i32, times: &[DateTime<Utc>]) -> Package {
        let request = self.asked(total_sessions).await;
        let approved = self.approve(&request.id, times).await.expect("approved");
        self.package(&approved.package_id.expect("a package")).await
    }

    /// A package that runs.
    pub(crate) async fn paid(&self, total_sessions: i32, times: &[DateTime<Utc>]) -> Package {
        let package = self.approved(total_sessions, times).await;
        self.pay(&package).await.expect("the payment is taken in");
        self.package(&package.id).await
    }

    /// What billing tells when a package is paid.
    pub(crate) async fn pay(&self, package: &Package) -> Result<(), String> {
        self.tell_paid(package, package.discounted_price, Uuid::now_v7(), 2).await
    }

    /// The same of a payment with this id, amount and version.
    pub(crate) async fn tell_paid(&self, package: &Package, amount: i64, id: Uuid, seq: i64) -> Result<(), String> {
        let (package_id, user_id) = (package.id.clone(), self.parent.id.clone());
        let paid = delivered(id, seq, PaymentCompleted { payment_id: id.to_string(), package_id, amount, user_id });
        let mut tx = self.world.database().begin().await.expect("a transaction");
        consumers::payment_completed(&mut tx, &paid).await.map_err(|failure| format!("{failure:?}"))?;
        tx.commit().await.expect("committed");
        Ok(())
    }

    /// What billing tells when a deposit is taken back.
    pub(crate) async fn tell_reversed(&self, package: &Package, id: Uuid, seq: i64) -> Result<(), String> {
        let (package_id, user_id) = (package.id.clone(), self.parent.id.clone());
        let reversed = delivered(id, seq, PaymentReversed { payment_id: id.to_string(), package_id, user_id });
        let mut tx = self.world.database().begin().await.expect("a transaction");
        consumers::payment_reversed(&mut tx, &reversed).await.map_err(|failure| format!("{failure:?}"))?;
        tx.commit().await.expect("committed");
        Ok(())
    }

    pub(crate) async fn package(&self, package_id: &str) -> Package {
        let ask = GetPackageRequest { package_id: package_id.to_owned() };
        self.world.packages().get_package(self.parent.asks(ask)).await.expect("a package").into_inner()
    }

    pub(crate) async fn session(&self, consultation_id: &str) -> Consultation {
        let ask = GetConsultationRequest { consultation_id: consultation_id.to_owned() };
        self.world.consultations().get_consultation(self.parent.asks(ask)).await.expect("a session").into_inner()
    }

    /// Lets a session have begun so many minutes ago, behind the service's back: nobody waits for it in a test.
    pub(crate) async fn begun(&self, consultation_id: &str, minutes: i32) {
        for statement in [
            "UPDATE consultations SET scheduled_at = now() - make_interval(mins => $2),
                 ends_at = now() - make_interval(mins => $2) + interval '50 minutes' WHERE id = $1",
            "UPDATE calendar_entries SET session = tstzrange(now() - make_interval(mins => $2), now() - make_interval(mins => $2)
                 + interval '50 minutes'), occupied = tstzrange(now() - make_interval(mins => $2),
                 now() - make_interval(mins => $2) + interval '60 minutes') WHERE consultation_id = $1",
        ] {
            let id = Uuid::parse_str(consultation_id).expect("an id");
            sqlx::query(statement).bind(id).bind(minutes).execute(self.world.database()).await.expect("moved");
        }
    }

    /// The types of the events that were published so far, without their package.
    pub(crate) async fn events(&self) -> Vec<String> {
        let types: Vec<String> = sqlx::query_scalar(
            "SELECT regexp_replace(type, '^.*[.]', '') FROM outbox WHERE type NOT LIKE '%ChildAccessed' ORDER BY id",
        )
        .fetch_all(self.world.database())
        .await
        .expect("the outbox");
        types
    }

    pub(crate) async fn forget_events(&self) {
        sqlx::query("DELETE FROM outbox").execute(self.world.database()).await.expect("emptied");
    }
}

/// A full hour, so many hours ahead or a little more.
pub(crate) fn hours_ahead(hours: i64) -> DateTime<Utc> {
    let now = Utc::now().trunc_subsecs(0);
    let seconds = 3600 - now.timestamp().rem_euclid(3600);
    now + TimeDelta::seconds(seconds) + TimeDelta::hours(hours)
}

//! What notification does with the events of others.

mod account;
mod care;
mod money;
mod session;

use aipoten_events::{Consumers, Context, Failure};
use aipoten_proto::Timestamp;
use anyhow::{Context as _, anyhow};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

pub use account::{
    child_deleted, email_change_requested, email_verification_requested, erasure_requested, password_reset_requested,
    security_alerted, user_deleted, user_registered,
};
pub use care::{
    assessment_completed, licence_expiring, package_awaiting_payment, package_cancelled, package_completed,
    package_expired, request_approved, request_cancelled, request_created, request_expired, request_rejected,
    therapist_applied, therapist_approved, therapist_rejected, therapist_suspended, video_published,
};
pub use money::{
    payment_completed, payment_expired, payment_failed, payment_reversed, refund_completed, refund_failed,
    settlement_confirmed, settlement_paid,
};
pub use session::{
    consultation_cancelled, consultation_completed, consultation_disputed, consultation_no_show,
    consultation_rescheduled, consultation_scheduled, consultation_started, consultation_unscheduled, report_submitted,
    review_posted, schedule_change_requested, schedule_change_resolved,
};

use crate::notification::{self, Tell};
use crate::template::Variables;

/// The table of event and handler.
pub fn consumers() -> Consumers {
    Consumers::new("notification")
        // identity
        .on(user_registered)
        .on(email_verification_requested)
        .on(password_reset_requested)
        .on(email_change_requested)
        .on(security_alerted)
        .on(erasure_requested)
        .on(user_deleted)
        .on(child_deleted)
        // content
        .on(assessment_completed)
        .on(video_published)
        // matching
        .on(therapist_applied)
        .on(therapist_approved)
        .on(therapist_rejected)
        .on(therapist_suspended)
        .on(licence_expiring)
        .on(request_created)
        .on(request_approved)
        .on(request_rejected)
        .on(request_cancelled)
        .on(request_expired)
        .on(package_awaiting_payment)
        .on(package_expired)
        .on(package_cancelled)
        .on(package_completed)
        .on(consultation_scheduled)
        .on(consultation_rescheduled)
        .on(consultation_unscheduled)
        .on(consultation_started)
        .on(consultation_completed)
        .on(consultation_no_show)
        .on(consultation_disputed)
        .on(consultation_cancelled)
        .on(report_submitted)
        .on(schedule_change_requested)
        .on(schedule_change_resolved)
        .on(review_posted)
        // billing
        .on(payment_completed)
        .on(payment_failed)
        .on(payment_expired)
        .on(payment_reversed)
        .on(refund_completed)
        .on(refund_failed)
        .on(settlement_confirmed)
        .on(settlement_paid)
}

/// What an event tells.
struct News<'a> {
    template: &'static str,
    /// Tells it apart from others of the template: told once for each.
    about: String,
    variables: &'a [(&'static str, Value)],
    urgent: bool,
}

impl<'a> News<'a> {
    fn new(template: &'static str, about: impl Into<String>, variables: &'a [(&'static str, Value)]) -> Self {
        Self { template, about: about.into(), variables, urgent: false }
    }

    fn urgent_if(self, urgent: bool) -> Self {
        Self { urgent, ..self }
    }

    /// Tells it to these accounts.
    async fn tell(self, conn: &mut PgConnection, people: &[&str], context: &Context) -> Result<(), Failure> {
        let tell = |person: &&str| {
            let tell = Tell::new(self.template, parse(person)?, &self.about, variables(self.variables))?;
            Ok(tell.urgent_if(self.urgent))
        };
        let news = people.iter().map(tell).collect::<anyhow::Result<_>>()?;
        Ok(notification::tell(conn, news, context).await?)
    }
}

fn variables(variables: &[(&'static str, Value)]) -> Variables {
    variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn parse(id: &str) -> anyhow::Result<Uuid> {
    aipoten_proto::uuid(id).map_err(|_| anyhow!("the event holds no id"))
}

fn moment(timestamp: Option<Timestamp>) -> anyhow::Result<DateTime<Utc>> {
    let timestamp = timestamp.context("the event holds no time")?;
    aipoten_proto::moment(timestamp).map_err(|_| anyhow!("the event holds no time"))
}

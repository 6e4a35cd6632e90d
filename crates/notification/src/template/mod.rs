//! What can be told: the tables of types and of templates. The words stand in `templates/`.

mod text;

use aipoten_kit::Role;
use anyhow::Context as _;

pub(crate) use text::{Frame, Mail, Variables, Words, frame, mail, words};

/// A way to a person, besides the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Channel {
    /// Mail.
    Email,
    /// Push to a device.
    Push,
    /// Text message, or Kakao `AlimTalk`.
    Sms,
}

/// Whether a type takes a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Unless the person says no.
    On,
    /// Where the person says yes.
    Off,
    /// Whatever the person says: law or safety asks for it.
    Always,
}

/// A type of notifications, which people choose ways for.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Whom it concerns.
    pub(crate) roles: &'static [Role],
    /// The ways that it can take besides the app.
    pub(crate) ways: &'static [(Channel, Choice)],
}

/// One thing that can be told.
#[derive(Debug)]
pub(crate) struct Template {
    /// As in `templates/`, in tables and in dedupe keys.
    pub(crate) name: &'static str,
    /// Name of its [`Kind`].
    pub(crate) kind: &'static str,
    /// Where it is shown and sent to, of the ways that its type can take.
    pub(crate) reach: Reach,
    /// Does not rest at night.
    pub(crate) urgent: bool,
    /// Path in the app, with variables in braces.
    pub(crate) link: Option<&'static str>,
    /// What whoever tells it gives: exactly these.
    pub(crate) variables: &'static [&'static str],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// In the app, and on all ways that are chosen.
    All,
    /// In the app alone.
    App,
    /// By mail alone.
    Mail,
}

const PARENT: &[Role] = &[Role::Parent];
const THERAPIST: &[Role] = &[Role::Therapist];
const BOTH: &[Role] = &[Role::Parent, Role::Therapist];
const ADMIN: &[Role] = &[Role::Admin];
const EVERYBODY: &[Role] = &[Role::Parent, Role::Therapist, Role::Admin];

const PUSH_AND_MAIL: &[(Channel, Choice)] =
    &[(Channel::Email, Choice::On), (Channel::Push, Choice::On), (Channel::Sms, Choice::Off)];
const PUSH: &[(Channel, Choice)] =
    &[(Channel::Email, Choice::Off), (Channel::Push, Choice::On), (Channel::Sms, Choice::Off)];
const RECEIPTS: &[(Channel, Choice)] =
    &[(Channel::Email, Choice::Always), (Channel::Push, Choice::On), (Channel::Sms, Choice::Off)];
const ON_REQUEST: &[(Channel, Choice)] = &[(Channel::Email, Choice::Off), (Channel::Push, Choice::Off)];
const SAFETY: &[(Channel, Choice)] = &[(Channel::Email, Choice::Always), (Channel::Push, Choice::Always)];
const MAIL_ALWAYS: &[(Channel, Choice)] = &[(Channel::Email, Choice::Always), (Channel::Push, Choice::On)];
const MAIL: &[(Channel, Choice)] = &[(Channel::Email, Choice::On)];

/// All types, in the order in which people choose.
pub(crate) const KINDS: [Kind; 14] = [
    kind("matching_update", BOTH, PUSH_AND_MAIL),
    kind("consultation_update", BOTH, PUSH_AND_MAIL),
    kind("consultation_reminder", BOTH, PUSH_AND_MAIL),
    kind("payment_update", PARENT, RECEIPTS),
    kind("settlement_update", THERAPIST, PUSH_AND_MAIL),
    kind("assessment_result", PARENT, PUSH),
    kind("assessment_reminder", PARENT, PUSH_AND_MAIL),
    kind("growth_reminder", PARENT, PUSH),
    kind("new_video", PARENT, ON_REQUEST),
    kind("licence_expiry", THERAPIST, PUSH_AND_MAIL),
    kind("unread_summary", EVERYBODY, MAIL),
    kind("account", EVERYBODY, MAIL_ALWAYS),
    kind("security", EVERYBODY, SAFETY),
    kind("admin", ADMIN, PUSH_AND_MAIL),
];

/// All templates.
#[rustfmt::skip]
pub(crate) const TEMPLATES: &[Template] = &[
    // Accounts
    template("welcome", "account", &[]).app_only(),
    template("verify_email", "account", &[]).mail_only(),
    template("reset_password", "account", &[]).mail_only(),
    template("change_email", "account", &[]).mail_only(),
    template("erasure_requested", "account", &["due_at"]),
    template("security_alert", "security", &["kind"]).urgent().link("/account/security"),
    // Therapists
    template("therapist_applied", "admin", &["therapist_id"]).link("/admin/therapists/{therapist_id}"),
    template("therapist_approved", "account", &["therapist_id"]).link("/therapist/profile"),
    template("therapist_rejected", "account", &["therapist_id"]).link("/therapist/profile"),
    template("therapist_suspended", "account", &["therapist_id"]).link("/therapist/profile"),
    template("own_therapist_suspended", "matching_update", &["therapist_id"]).link("/packages"),
    template("licence_expiring", "licence_expiry", &["therapist_id", "expires_on"]).link("/therapist/documents"),
    // Requests and packages
    template("request_created", "matching_update", &["request_id"]).link("/matching/requests/{request_id}"),
    template("request_approved", "matching_update", &["request_id", "package_id"]).app_only().link("/packages/{package_id}"),
    template("request_rejected", "matching_update", &["request_id"]).link("/matching/requests/{request_id}"),
    template("request_cancelled", "matching_update", &["request_id"]).link("/matching/requests/{request_id}"),
    template("request_expired", "matching_update", &["request_id"]).link("/matching/requests/{request_id}"),
    template("package_awaiting_payment", "matching_update", &["package_id", "amount", "due_at"]).urgent().link("/packages/{package_id}"),
    template("package_expired", "matching_update", &["package_id"]).link("/packages/{package_id}"),
    template("package_cancelled", "matching_update", &["package_id", "cancelled_by"]).link("/packages/{package_id}"),
    template("package_completed", "matching_update", &["package_id"]).link("/packages/{package_id}"),
    // Sessions
    template("consultation_scheduled", "consultation_update", &["package_id"]).link("/packages/{package_id}"),
    template("consultation_rescheduled", "consultation_update", &["consultation_id", "starts_at"]).link("/consultations/{consultation_id}"),
    template("consultation_unscheduled", "consultation_update", &["package_id"]).link("/packages/{package_id}"),
    template("consultation_started", "consultation_update", &["consultation_id"]).urgent().link("/consultations/{consultation_id}"),
    template("consultation_completed", "consultation_update", &["consultation_id"]).link("/consultations/{consultation_id}"),
    template("report_due", "consultation_update", &["consultation_id"]).link("/consultations/{consultation_id}/report"),
    template("consultation_no_show", "consultation_update", &["consultation_id"]).link("/consultations/{consultation_id}"),
    template("consultation_disputed", "consultation_update", &["consultation_id"]).link("/consultations/{consultation_id}"),
    template("dispute_opened", "admin", &["consultation_id"]).link("/admin/consultations/{consultation_id}"),
    template("consultation_cancelled", "consultation_update", &["consultation_id", "cancelled_by"]).link("/consultations/{consultation_id}"),
    template("report_submitted", "consultation_update", &["consultation_id"]).link("/consultations/{consultation_id}/report"),
    template("schedule_change_requested", "consultation_update", &["consultation_id", "schedule_change_id"]).link("/consultations/{consultation_id}"),
    template("schedule_change_resolved", "consultation_update", &["consultation_id", "schedule_change_id", "status"]).link("/consultations/{consultation_id}"),
    template("review_posted", "consultation_update", &["consultation_id", "review_id"]).link("/consultations/{consultation_id}"),
    template("reminder_day", "consultation_reminder", &["consultation_id", "starts_at"]).link("/consultations/{consultation_id}"),
    template("reminder_hour", "consultation_reminder", &["consultation_id", "starts_at"]).urgent().link("/consultations/{consultation_id}"),
    // Money
    template("payment_completed", "payment_update", &["payment_id", "package_id", "amount"]).link("/payments/{payment_id}"),
    template("payment_failed", "payment_update", &["payment_id", "package_id"]).urgent().link("/packages/{package_id}"),
    template("payment_expired", "payment_update", &["payment_id", "package_id"]).link("/packages/{package_id}"),
    template("payment_reversed", "payment_update", &["payment_id", "package_id"]).link("/packages/{package_id}"),
    template("refund_completed", "payment_update", &["refund_id", "payment_id", "amount"]).link("/payments/{payment_id}"),
    template("refund_delayed", "payment_update", &["refund_id", "payment_id", "amount"]).link("/payments/{payment_id}"),
    template("refund_failed", "admin", &["refund_id", "amount"]).link("/admin/refunds/{refund_id}"),
    template("settlement_confirmed", "settlement_update", &["settlement_id"]).link("/settlements/{settlement_id}"),
    template("settlement_paid", "settlement_update", &["settlement_id"]).link("/settlements/{settlement_id}"),
    // Children
    template("assessment_completed", "assessment_result", &["assessment_id", "child_id"]).link("/assessments/{assessment_id}/results"),
    template("check_opens", "assessment_reminder", &["children"]).link("/assessments"),
    template("check_closes", "assessment_reminder", &["children"]).link("/assessments"),
    template("checkup_opens", "assessment_reminder", &["children"]).link("/children"),
    template("checkup_closes", "assessment_reminder", &["children"]).link("/children"),
    template("growth_due", "growth_reminder", &["children"]).link("/children"),
    template("new_videos", "new_video", &["videos"]).link("/videos"),
    // What was not read
    template("unread_summary", "unread_summary", &["unread"]).mail_only().link("/notifications"),
];

const fn kind(name: &'static str, roles: &'static [Role], ways: &'static [(Channel, Choice)]) -> Kind {
    Kind { name, roles, ways }
}

const fn template(name: &'static str, kind: &'static str, variables: &'static [&'static str]) -> Template {
    Template { name, kind, reach: Reach::All, urgent: false, link: None, variables }
}

impl Template {
    const fn urgent(self) -> Self {
        Self { urgent: true, ..self }
    }

    const fn app_only(self) -> Self {
        Self { reach: Reach::App, ..self }
    }

    const fn mail_only(self) -> Self {
        Self { reach: Reach::Mail, ..self }
    }

    const fn link(self, link: &'static str) -> Self {
        Self { link: Some(link), ..self }
    }

    /// The template of a name that our own code or table gives.
    pub(crate) fn get(name: &str) -> anyhow::Result<&'static Self> {
        Self::find(name).with_context(|| format!("there is no template {name}"))
    }

    /// `None` also for one that only a newer version knows.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.name == name)
    }

    pub(crate) fn kind(&self) -> &'static Kind {
        Kind::find(self.kind).expect("every template has a type, as a test checks")
    }

    /// The ways that it can take, and whether it does where nobody chose.
    pub(crate) fn ways(&self) -> impl Iterator<Item = (Channel, Choice)> {
        let reach = self.reach;
        let takes = move |channel: Channel| match reach {
            Reach::All => true,
            Reach::App => false,
            Reach::Mail => channel == Channel::Email,
        };
        self.kind().ways.iter().copied().filter(move |(channel, _)| takes(*channel))
    }

    /// Whether it is in the list of notifications.
    pub(crate) fn in_app(&self) -> bool {
        self.reach != Reach::Mail
    }
}

impl Kind {
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    pub(crate) fn choice(&self, channel: Channel) -> Option<Choice> {
        self.ways.iter().find(|(way, _)| *way == channel).map(|(_, choice)| *choice)
    }
}

impl Channel {
    pub(crate) const ALL: [Self; 3] = [Self::Email, Self::Push, Self::Sms];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Push => "push",
            Self::Sms => "sms",
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! Reports: what a therapist writes after a session.

mod grpc;
pub(crate) mod store;

use aipoten_events::{Context, publish};
use aipoten_kit::{Caller, Cipher, Error, Place, Result, Role};
use aipoten_proto::matching::v1::ReportSubmitted;
use aipoten_proto::timestamp;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::App;
use crate::consultation::{self, Consultation};
use crate::party::{Party, Side};

#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Status {
    Draft,
    Submitted,
}

/// The texts of a report, read (`String`) or encrypted for its row (`Vec<u8>`).
#[derive(Debug)]
pub(crate) struct Texts<T> {
    pub(crate) child_assessment: T,
    pub(crate) session_content: T,
    pub(crate) home_activities: T,
    pub(crate) next_session_goal: Option<T>,
    pub(crate) next_session_suggestions: Option<T>,
}

/// A report on record.
pub(crate) struct Report {
    pub(crate) id: Uuid,
    pub(crate) consultation_id: Uuid,
    pub(crate) child_id: Uuid,
    pub(crate) texts: Texts<Vec<u8>>,
    pub(crate) recommended_video_ids: Vec<Uuid>,
    pub(crate) status: Status,
    pub(crate) submitted_at: Option<DateTime<Utc>>,
    pub(crate) amended_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) version: i64,
}

/// A report as its therapist wants it to be.
pub(crate) struct Wanted {
    pub(crate) status: Status,
    pub(crate) texts: Texts<String>,
    pub(crate) recommended_video_ids: Vec<Uuid>,
    pub(crate) expected_version: Option<i64>,
}

/// A report with its texts opened.
pub(crate) struct Shown {
    pub(crate) report: Report,
    pub(crate) texts: Texts<String>,
}

/// Drafts change without a trace; what was handed in is kept when it is amended.
pub(crate) async fn put(app: &App, caller: &Caller, id: Uuid, wanted: Wanted) -> Result<Shown> {
    let therapist = caller.with_role(Role::Therapist)?;
    let mut tx = app.pool.begin().await?;
    let (_, consultation) = consultation::lock(&mut tx, Party::of(caller)?, id).await?;
    consultation.require_held()?;
    let earlier = store::find(&mut tx, id, therapist.id).await?;
    wanted.require_after(earlier.as_ref())?;
    let report_id = earlier.as_ref().map_or_else(Uuid::now_v7, |it| it.id);
    if earlier.is_some_and(|it| it.status == Status::Submitted) {
        store::keep_version(&mut tx, report_id).await?;
    }
    let sealed = wanted.texts.seal(&app.cipher, report_id)?;
    store::put(&mut tx, report_id, &consultation, &wanted, &sealed).await?;
    if wanted.status == Status::Submitted {
        submit(&mut tx, &consultation, &wanted.recommended_video_ids, &caller.into()).await?;
    }
    let report = store::find(&mut tx, id, therapist.id).await?.ok_or_else(not_found)?;
    let shown = show(&mut tx, app, caller, report, "PutReport").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(shown)
}

/// The parent sees what was handed in alone.
pub(crate) async fn get(app: &App, caller: &Caller, id: Uuid) -> Result<Shown> {
    let party = Party::of(caller)?;
    let mut tx = app.pool.begin().await?;
    let report = store::find(&mut tx, id, party.user_id).await?.ok_or_else(not_found)?;
    let shown = show(&mut tx, app, caller, report, "GetReport").await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(shown)
}

/// A therapist's reading is told to identity.
async fn show(
    conn: &mut PgConnection,
    app: &App,
    caller: &Caller,
    report: Report,
    purpose: &'static str,
) -> Result<Shown> {
    let texts = report.texts.open(&app.cipher, report.id)?;
    if Party::of(caller)?.side == Side::Therapist {
        consultation::log_access(conn, caller, report.child_id, &texts.fields(), purpose).await?;
    }
    Ok(Shown { report, texts })
}

/// Notes and tells that a session is reported on, under the lock of its package.
pub(crate) async fn submit(
    conn: &mut PgConnection,
    consultation: &Consultation,
    video_ids: &[Uuid],
    context: &Context,
) -> Result<()> {
    let (seq, submitted_at) = consultation::store::set_reported(conn, consultation.id).await?;
    let event = ReportSubmitted {
        consultation_id: consultation.id.to_string(),
        package_id: consultation.package_id.to_string(),
        therapist_id: consultation.therapist_id.to_string(),
        parent_user_id: consultation.parent_user_id.to_string(),
        child_id: consultation.child_id.to_string(),
        submitted_at: Some(timestamp(submitted_at)),
        recommended_video_ids: video_ids.iter().map(Uuid::to_string).collect(),
    };
    publish(conn, consultation.aggregate(seq), &event, context).await?;
    Ok(())
}

impl Wanted {
    fn require_after(&self, earlier: Option<&Report>) -> Result<()> {
        if self.expected_version.is_some_and(|version| earlier.is_none_or(|it| it.version != version)) {
            return Err(Error::version_mismatch());
        }
        match earlier {
            Some(it) if it.status == Status::Submitted && self.status == Status::Draft => {
                Err(Error::invalid_state("submitted"))
            }
            _ => Ok(()),
        }
    }
}

impl Texts<String> {
    fn seal(&self, cipher: &Cipher, id: Uuid) -> Result<Texts<Vec<u8>>> {
        let seal = |column, text: &String| cipher.seal(place(id, column), text);
        let optional = |column, text: &Option<String>| cipher.seal_optional(place(id, column), text.as_deref());
        Ok(Texts {
            child_assessment: seal("child_assessment", &self.child_assessment)?,
            session_content: seal("session_content", &self.session_content)?,
            home_activities: seal("home_activities", &self.home_activities)?,
            next_session_goal: optional("next_session_goal", &self.next_session_goal)?,
            next_session_suggestions: optional("next_session_suggestions", &self.next_session_suggestions)?,
        })
    }

    /// Names of the texts that are there.
    fn fields(&self) -> Vec<&'static str> {
        let mut fields = vec!["child_assessment", "session_content", "home_activities"];
        fields.extend(self.next_session_goal.as_ref().map(|_| "next_session_goal"));
        fields.extend(self.next_session_suggestions.as_ref().map(|_| "next_session_suggestions"));
        fields
    }
}

impl Texts<Vec<u8>> {
    fn open(&self, cipher: &Cipher, id: Uuid) -> Result<Texts<String>> {
        let open = |column, blob: &[u8]| cipher.open(place(id, column), blob);
        let optional = |column, blob: &Option<Vec<u8>>| cipher.open_optional(place(id, column), blob.as_deref());
        Ok(Texts {
            child_assessment: open("child_assessment", &self.child_assessment)?,
            session_content: open("session_content", &self.session_content)?,
            home_activities: open("home_activities", &self.home_activities)?,
            next_session_goal: optional("next_session_goal", &self.next_session_goal)?,
            next_session_suggestions: optional("next_session_suggestions", &self.next_session_suggestions)?,
        })
    }
}

fn place(row: Uuid, column: &'static str) -> Place {
    Place { table: "consultation_reports", column, row }
}

fn not_found() -> Error {
    Error::NotFound("report")
}

//! Evidence of licences: seen by its owner and by administrators alone.

pub(crate) mod file;
pub(crate) mod grpc;
pub(crate) mod store;

use aipoten_kit::{Caller, Error, Reason, Result, Role, User};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::therapist::{self, admin_acted, announce_change};
use crate::{App, clock};

pub(crate) use file::MediaType;

/// Most documents of a therapist.
const MOST: i64 = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum Kind {
    #[default]
    Licence,
    Certificate,
}

#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) id: Uuid,
    pub(crate) therapist_id: Uuid,
    pub(crate) kind: Kind,
    pub(crate) number: String,
    pub(crate) issuer: String,
    /// None when it does not expire.
    pub(crate) expires_on: Option<NaiveDate>,
    pub(crate) media_type: MediaType,
    pub(crate) size: i64,
    /// Name of its file.
    pub(crate) path: String,
    pub(crate) checked_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
}

/// A document as its therapist hands it in.
#[derive(Debug)]
pub(crate) struct New {
    pub(crate) kind: Kind,
    pub(crate) number: String,
    pub(crate) issuer: String,
    pub(crate) expires_on: Option<NaiveDate>,
    pub(crate) media_type: MediaType,
    pub(crate) content: Vec<u8>,
}

/// The file is written before the row that names it: a row always has its file. A file without a row is removed here, or by
/// [`file::sweep`].
pub(super) async fn create(app: &App, caller: &Caller, new: New) -> Result<Document> {
    let user = caller.with_role(Role::Therapist)?;
    let document = Document {
        id: Uuid::now_v7(),
        therapist_id: user.id,
        kind: new.kind,
        number: new.number,
        issuer: new.issuer,
        expires_on: new.expires_on,
        media_type: new.media_type,
        size: i64::try_from(new.content.len()).unwrap_or(i64::MAX),
        path: Uuid::new_v4().to_string(),
        checked_at: None,
        created_at: clock::now(),
    };
    // Looked at twice: nothing is written in vain, and nobody waits for a disk with the profile locked.
    let mut conn = app.pool.acquire().await?;
    therapist::store::get(&mut conn, user.id).await?.ok_or_else(therapist::not_found)?;
    require_room(&mut conn, user.id).await?;
    drop(conn);
    file::write(app, &document.path, new.content).await?;
    if let Err(error) = keep(app, &document).await {
        file::remove(app, &document.path).await;
        return Err(error);
    }
    Ok(document)
}

async fn keep(app: &App, document: &Document) -> Result<()> {
    let mut tx = app.pool.begin().await?;
    therapist::store::lock(&mut tx, document.therapist_id).await?.ok_or_else(therapist::not_found)?;
    require_room(&mut tx, document.therapist_id).await?;
    store::insert(&mut tx, document).await?;
    Ok(tx.commit().await?)
}

async fn require_room(conn: &mut PgConnection, therapist_id: Uuid) -> Result<()> {
    if store::count(conn, therapist_id).await? < MOST {
        return Ok(());
    }
    Err(Error::FailedPrecondition(Reason::from("LIMIT_REACHED").with("max", MOST.to_string())))
}

/// Those of the caller, or for administrators those of a therapist.
pub(super) async fn list(app: &App, caller: &Caller, therapist_id: Option<Uuid>) -> Result<Vec<Document>> {
    let user = caller.user()?;
    let owner = therapist_id.unwrap_or(user.id);
    let mut tx = app.pool.begin().await?;
    if owner != user.id {
        let admin = administrator(user, therapist::not_found)?;
        therapist::store::get(&mut tx, owner).await?.ok_or_else(therapist::not_found)?;
        admin_acted(&mut tx, caller, admin, "therapist_document.listed", "therapist", owner).await?;
    }
    let documents = store::list(&mut tx, owner).await?;
    tx.commit().await?;
    app.relay.wake();
    Ok(documents)
}

/// The document and its file.
pub(super) async fn read(app: &App, caller: &Caller, id: Uuid) -> Result<(Document, Vec<u8>)> {
    let user = caller.user()?;
    let mut tx = app.pool.begin().await?;
    let document = store::get(&mut tx, id).await?.ok_or_else(not_found)?;
    if document.therapist_id != user.id {
        let admin = administrator(user, not_found)?;
        admin_acted(&mut tx, caller, admin, "therapist_document.read", "therapist_document", id).await?;
    }
    tx.commit().await?;
    app.relay.wake();
    let content = file::read(app, &document.path).await?;
    Ok((document, content))
}

/// Whoever gives away the licence that counts is no longer listed.
pub(super) async fn delete(app: &App, caller: &Caller, id: Uuid) -> Result<()> {
    let user = caller.with_role(Role::Therapist)?;
    let mut tx = app.pool.begin().await?;
    let before = therapist::store::lock(&mut tx, user.id).await?.ok_or_else(not_found)?;
    let path = store::delete(&mut tx, id, user.id).await?.ok_or_else(not_found)?;
    store::renew_licence(&mut tx, user.id).await?;
    let after = therapist::store::get(&mut tx, user.id).await?.ok_or_else(not_found)?;
    if after.is_listed != before.is_listed {
        announce_change(&mut tx, user.id, after.version, &caller.into()).await?;
    }
    tx.commit().await?;
    app.relay.wake();
    file::remove(app, &path).await;
    Ok(())
}

/// To everybody else a document that is not theirs is none at all.
fn administrator(user: &User, hidden: impl Fn() -> Error) -> Result<&User> {
    if user.role == Role::Admin { Ok(user) } else { Err(hidden()) }
}

fn not_found() -> Error {
    Error::NotFound("document")
}

use aipoten_kit::{Cipher, Error, Locale, Page, Result, Role};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::admin::Filter;
use super::erase::{Due, Erasure};
use super::register::NewUser;
use super::{Credentials, Status, User, phone_place};

struct Row {
    id: Uuid,
    email: String,
    email_verified_at: Option<DateTime<Utc>>,
    name: String,
    phone: Option<Vec<u8>>,
    role: Role,
    status: Status,
    locale: Locale,
    last_login_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

impl Row {
    fn open(self, cipher: &Cipher) -> Result<User> {
        Ok(User {
            phone: cipher.open_optional(phone_place(self.id), self.phone.as_deref())?,
            id: self.id,
            email: self.email,
            email_verified_at: self.email_verified_at,
            name: self.name,
            role: self.role,
            status: self.status,
            locale: self.locale,
            last_login_at: self.last_login_at,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        })
    }
}

pub(super) async fn insert(conn: &mut PgConnection, cipher: &Cipher, new: &NewUser) -> Result<User> {
    let row = sqlx::query_as!(
        Row,
        r#"INSERT INTO users (id, email, password_hash, name, phone, role, locale)
           VALUES ($1, $2::text::citext, $3, $4, $5, $6, $7)
           RETURNING id, email::text AS "email!", email_verified_at, name, phone, role AS "role: Role",
                     status AS "status: Status", locale AS "locale: Locale", last_login_at, created_at, updated_at, version"#,
        new.id,
        new.email,
        new.password_hash,
        new.name,
        cipher.seal_optional(phone_place(new.id), new.phone.as_deref())?,
        new.role as Role,
        new.locale as Locale,
    )
    .fetch_one(conn)
    .await
    .map_err(or_taken)?;
    row.open(cipher)
}

fn or_taken(error: sqlx::Error) -> Error {
    match error.as_database_error().and_then(|it| it.constraint()) {
        Some("users_email") => Error::AlreadyExists("EMAIL_TAKEN".into()),
        _ => error.into(),
    }
}

/// Its version counts what events tell of the account too.
pub(super) async fn version(conn: &mut PgConnection, id: Uuid) -> Result<i64> {
    let version = sqlx::query_scalar!("SELECT version FROM users WHERE id = $1", id).fetch_one(conn).await?;
    Ok(version)
}

/// The account in use that has this address.
pub(super) async fn find_by_email(conn: &mut PgConnection, email: &str) -> Result<Option<Uuid>> {
    let id = sqlx::query_scalar!("SELECT id FROM users WHERE email = $1::text::citext AND status = 'active'", email)
        .fetch_optional(conn)
        .await?;
    Ok(id)
}

/// The account that has this address, whether it may be used or not.
pub(super) async fn holder(conn: &mut PgConnection, email: &str) -> Result<Option<Uuid>> {
    let id = sqlx::query_scalar!("SELECT id FROM users WHERE email = $1::text::citext AND deleted_at IS NULL", email)
        .fetch_optional(conn)
        .await?;
    Ok(id)
}

pub(super) async fn verify_email(conn: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!(
        "UPDATE users SET email_verified_at = now(), updated_at = now(), version = version + 1
         WHERE id = $1 AND email_verified_at IS NULL",
        id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The address that it leaves is kept for a while.
pub(super) async fn change_email(conn: &mut PgConnection, id: Uuid, email: &str) -> Result<()> {
    sqlx::query!(
        "INSERT INTO former_emails (id, user_id, email) SELECT $2, id, email FROM users WHERE id = $1",
        id,
        Uuid::now_v7(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE users SET email = $2::text::citext, email_verified_at = now(), updated_at = now(), version = version + 1
         WHERE id = $1",
        id,
        email,
    )
    .execute(conn)
    .await
    .map_err(or_taken)?;
    Ok(())
}

pub(super) async fn delete_former_emails(conn: &mut PgConnection, before: DateTime<Utc>) -> Result<()> {
    sqlx::query!("DELETE FROM former_emails WHERE left_at < $1", before).execute(conn).await?;
    Ok(())
}

pub(super) async fn credentials(conn: &mut PgConnection, email: &str) -> Result<Option<Credentials>> {
    let credentials = sqlx::query_as!(
        Credentials,
        "SELECT id AS user_id, password_hash FROM users WHERE email = $1::text::citext AND deleted_at IS NULL",
        email,
    )
    .fetch_optional(conn)
    .await?;
    Ok(credentials)
}

pub(super) async fn note_sign_in(
    conn: &mut PgConnection,
    cipher: &Cipher,
    id: Uuid,
    password_hash: Option<&str>,
) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        r#"UPDATE users SET last_login_at = now()
           WHERE id = $1 AND status = 'active' AND password_hash IS NOT DISTINCT FROM $2
           RETURNING id, email::text AS "email!", email_verified_at, name, phone, role AS "role: Role",
                     status AS "status: Status", locale AS "locale: Locale", last_login_at, created_at, updated_at, version"#,
        id,
        password_hash,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(cipher)).transpose()
}

pub(super) async fn find(conn: &mut PgConnection, cipher: &Cipher, id: Uuid) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, email::text AS "email!", email_verified_at, name, phone, role AS "role: Role",
                  status AS "status: Status", locale AS "locale: Locale", last_login_at, created_at, updated_at, version
           FROM users WHERE id = $1 AND status = 'active'"#,
        id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(cipher)).transpose()
}

pub(super) async fn lock(conn: &mut PgConnection, cipher: &Cipher, id: Uuid) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, email::text AS "email!", email_verified_at, name, phone, role AS "role: Role",
                  status AS "status: Status", locale AS "locale: Locale", last_login_at, created_at, updated_at, version
           FROM users WHERE id = $1 AND status = 'active' FOR NO KEY UPDATE"#,
        id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(cipher)).transpose()
}

pub(super) async fn update(conn: &mut PgConnection, cipher: &Cipher, user: &User) -> Result<User> {
    let row = sqlx::query_as!(
        Row,
        r#"UPDATE users SET name = $2, phone = $3, locale = $4, updated_at = now(), version = version + 1
           WHERE id = $1
           RETURNING id, email::text AS "email!", email_verified_at, name, phone, role AS "role: Role",
                     status AS "status: Status", locale AS "locale: Locale", last_login_at, created_at, updated_at, version"#,
        user.id,
        user.name,
        cipher.seal_optional(phone_place(user.id), user.phone.as_deref())?,
        user.locale as Locale,
    )
    .fetch_one(conn)
    .await?;
    row.open(cipher)
}

pub(super) async fn password_hash(conn: &mut PgConnection, id: Uuid) -> Result<Option<String>> {
    let hash = sqlx::query_scalar!("SELECT password_hash FROM users WHERE id = $1", id).fetch_one(conn).await?;
    Ok(hash)
}

pub(super) async fn set_password_hash(conn: &mut PgConnection, id: Uuid, hash: &str) -> Result<()> {
    sqlx::query!("UPDATE users SET password_hash = $2, updated_at = now() WHERE id = $1", id, hash)
        .execute(conn)
        .await?;
    Ok(())
}

/// False when the password is no longer the one that was proved.
pub(super) async fn replace_password_hash(
    conn: &mut PgConnection,
    id: Uuid,
    old_hash: Option<&str>,
    new_hash: &str,
) -> Result<bool> {
    let replaced = sqlx::query!(
        "UPDATE users SET password_hash = $3, updated_at = now()
         WHERE id = $1 AND status = 'active' AND password_hash IS NOT DISTINCT FROM $2",
        id,
        old_hash,
        new_hash,
    )
    .execute(conn)
    .await?;
    Ok(replaced.rows_affected() == 1)
}

pub(super) async fn set_erasure_due(conn: &mut PgConnection, id: Uuid, due: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "UPDATE users SET erasure_due_at = $2, updated_at = now() WHERE id = $1 AND status <> 'deleted'",
        id,
        due,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether there was a request for erasure to take back.
pub(super) async fn clear_erasure_due(conn: &mut PgConnection, id: Uuid) -> Result<bool> {
    let cleared = sqlx::query!(
        "UPDATE users SET erasure_due_at = NULL, updated_at = now()
         WHERE id = $1 AND erasure_due_at IS NOT NULL AND erasure_begun_at IS NULL AND status <> 'deleted'",
        id,
    )
    .execute(conn)
    .await?;
    Ok(cleared.rows_affected() == 1)
}

/// Accounts whose erasure goes on now: it begins, or nobody has anything open any more.
pub(super) async fn list_erasure_due(conn: &mut PgConnection) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM users account
         WHERE erasure_due_at <= now() AND deleted_at IS NULL
           AND (erasure_begun_at IS NULL OR (SELECT count(*) FROM erasure_clearances WHERE user_id = account.id) = 2)
         ORDER BY erasure_due_at LIMIT 1000"
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// What is to be done, if anything still is, and no other process does it.
pub(super) async fn lock_erasure_due(conn: &mut PgConnection, id: Uuid) -> Result<Option<Due>> {
    let begun = sqlx::query_scalar!(
        r#"SELECT erasure_begun_at IS NOT NULL AS "begun!" FROM users account
           WHERE id = $1 AND erasure_due_at <= now() AND deleted_at IS NULL
             AND (erasure_begun_at IS NULL OR (SELECT count(*) FROM erasure_clearances WHERE user_id = account.id) = 2)
           FOR UPDATE SKIP LOCKED"#,
        id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(begun.map(|begun| if begun { Due::Erase } else { Due::Begin }))
}

/// The new version.
pub(super) async fn begin_erasure(conn: &mut PgConnection, id: Uuid) -> Result<i64> {
    let version = sqlx::query_scalar!(
        "UPDATE users SET erasure_begun_at = now(), updated_at = now(), version = version + 1 WHERE id = $1 RETURNING version",
        id,
    )
    .fetch_one(conn)
    .await?;
    Ok(version)
}

pub(super) async fn waiting_erasures(conn: &mut PgConnection, page: Page) -> Result<Vec<Erasure>> {
    let erasures = sqlx::query_as!(
        Erasure,
        r#"SELECT id AS user_id, role AS "role: Role", erasure_begun_at AS "begun_at!",
             ARRAY(SELECT service FROM erasure_clearances WHERE user_id = account.id ORDER BY service) AS "cleared_by!"
           FROM users account WHERE erasure_begun_at IS NOT NULL AND deleted_at IS NULL
           ORDER BY erasure_begun_at, id LIMIT $1 OFFSET $2"#,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await?;
    Ok(erasures)
}

pub(super) async fn count_waiting_erasures(conn: &mut PgConnection) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (
             SELECT FROM users WHERE erasure_begun_at IS NOT NULL AND deleted_at IS NULL LIMIT $1) AS counted"#,
        Page::counted(),
    )
    .fetch_one(conn)
    .await?;
    Ok(count)
}

pub(super) async fn keep_clearance(conn: &mut PgConnection, user_id: Uuid, service: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO erasure_clearances (user_id, service) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        user_id,
        service,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes everything that names the person; the row stays for what refers to it. Answers the new version.
pub(super) async fn erase(conn: &mut PgConnection, id: Uuid) -> Result<i64> {
    sqlx::query!(
        "UPDATE sessions SET device_label = NULL, user_agent = '', ip = '', fingerprint_hash = NULL WHERE user_id = $1",
        id,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM former_emails WHERE user_id = $1", id).execute(&mut *conn).await?;
    let version = sqlx::query_scalar!(
        "UPDATE users SET status = 'deleted', deleted_at = now(), email = NULL, email_verified_at = NULL,
                password_hash = NULL, name = '', phone = NULL, erasure_due_at = NULL, updated_at = now(),
                version = version + 1
         WHERE id = $1 RETURNING version",
        id,
    )
    .fetch_one(conn)
    .await?;
    Ok(version)
}

/// Has what is asked in this transaction planned for its values: a plan for all filters would read every account.
pub(super) async fn plan_for_values(conn: &mut PgConnection) -> Result<()> {
    sqlx::query!("SET LOCAL plan_cache_mode = force_custom_plan").execute(conn).await?;
    Ok(())
}

/// For LIKE, without wildcards.
fn verbatim(text: &str) -> String {
    text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

pub(super) async fn list(conn: &mut PgConnection, cipher: &Cipher, page: Page, filter: &Filter) -> Result<Vec<User>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, email::text AS "email!", email_verified_at, name, phone, role AS "role: Role",
                  status AS "status: Status", locale AS "locale: Locale", last_login_at, created_at, updated_at, version
           FROM users
           WHERE status <> 'deleted' AND ($1::text IS NULL OR role = $1) AND ($2::text IS NULL OR status = $2)
             AND ($3::text IS NULL OR lower(email::text) LIKE lower($3) || '%' OR lower(name) LIKE '%' || lower($3) || '%')
           ORDER BY CASE $4 WHEN 'created_at' THEN created_at WHEN 'last_login_at' THEN last_login_at END,
                    CASE $4 WHEN '-created_at' THEN created_at WHEN '-last_login_at' THEN last_login_at END DESC NULLS LAST,
                    CASE WHEN $4 = 'email' THEN email END, CASE WHEN $4 = '-email' THEN email END DESC, id
           LIMIT $5 OFFSET $6"#,
        filter.role as Option<Role>,
        filter.status as Option<Status>,
        filter.q.as_deref().map(verbatim),
        filter.sort,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| row.open(cipher)).collect()
}

pub(super) async fn count(conn: &mut PgConnection, filter: &Filter) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (
           SELECT FROM users
           WHERE status <> 'deleted' AND ($1::text IS NULL OR role = $1) AND ($2::text IS NULL OR status = $2)
             AND ($3::text IS NULL OR lower(email::text) LIKE lower($3) || '%' OR lower(name) LIKE '%' || lower($3) || '%')
           LIMIT $4) AS counted"#,
        filter.role as Option<Role>,
        filter.status as Option<Status>,
        filter.q.as_deref().map(verbatim),
        Page::counted(),
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

/// The administrators whose accounts are in use, locked in an order that is always the same.
pub(super) async fn lock_administrators(conn: &mut PgConnection) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM users WHERE role = 'admin' AND status = 'active' ORDER BY id FOR NO KEY UPDATE"
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// An account that is not erased, whether it may be used or not, locked.
pub(super) async fn lock_named(conn: &mut PgConnection, cipher: &Cipher, id: Uuid) -> Result<Option<User>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, email::text AS "email!", email_verified_at, name, phone, role AS "role: Role",
                  status AS "status: Status", locale AS "locale: Locale", last_login_at, created_at, updated_at, version
           FROM users WHERE id = $1 AND status <> 'deleted' FOR NO KEY UPDATE"#,
        id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(cipher)).transpose()
}

pub(super) async fn decide(
    conn: &mut PgConnection,
    cipher: &Cipher,
    id: Uuid,
    status: Status,
    role: Role,
) -> Result<User> {
    let row = sqlx::query_as!(
        Row,
        r#"UPDATE users SET status = $2, role = $3, updated_at = now(), version = version + 1 WHERE id = $1
           RETURNING id, email::text AS "email!", email_verified_at, name, phone, role AS "role: Role",
                  status AS "status: Status", locale AS "locale: Locale", last_login_at, created_at, updated_at, version"#,
        id,
        status as Status,
        role as Role,
    )
    .fetch_one(conn)
    .await?;
    row.open(cipher)
}

use aipoten_kit::{Cipher, Page, Place, Result};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Access, Birth, Child, Details, Gender, Summary};

struct Row {
    id: Uuid,
    name: Vec<u8>,
    birth_date: NaiveDate,
    gender: Gender,
    gestational_weeks: Option<i32>,
    gestational_days: Option<i32>,
    birth_weight_g: Option<i32>,
    current_height_mm: Option<i32>,
    current_weight_g: Option<i32>,
    medical_history: Option<Vec<u8>>,
    family_history: Option<Vec<u8>>,
    treatment_history: Option<Vec<u8>>,
    notes: Option<Vec<u8>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

fn place(row: Uuid, column: &'static str) -> Place {
    Place { table: "children", column, row }
}

impl Row {
    fn open(self, cipher: &Cipher) -> Result<Child> {
        let id = self.id;
        let text = |column, blob: Option<Vec<u8>>| cipher.open_optional(place(id, column), blob.as_deref());
        let details = Details {
            name: cipher.open(place(id, "name"), &self.name)?,
            birth_date: self.birth_date,
            gender: self.gender,
            gestational_weeks: self.gestational_weeks,
            gestational_days: self.gestational_days,
            birth_weight_g: self.birth_weight_g,
            current_height_mm: self.current_height_mm,
            current_weight_g: self.current_weight_g,
            medical_history: text("medical_history", self.medical_history)?,
            family_history: text("family_history", self.family_history)?,
            treatment_history: text("treatment_history", self.treatment_history)?,
            notes: text("notes", self.notes)?,
        };
        Ok(Child { id, details, created_at: self.created_at, updated_at: self.updated_at, version: self.version })
    }
}

pub(super) async fn insert(conn: &mut PgConnection, cipher: &Cipher, id: Uuid, details: Details) -> Result<Child> {
    let seal = |column, text: &Option<String>| cipher.seal_optional(place(id, column), text.as_deref());
    let row = sqlx::query!(
        "INSERT INTO children (id, name, birth_date, gender, gestational_weeks, gestational_days, birth_weight_g,
                               current_height_mm, current_weight_g, medical_history, family_history,
                               treatment_history, notes)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         RETURNING created_at, updated_at, version",
        id,
        cipher.seal(place(id, "name"), &details.name)?,
        details.birth_date,
        details.gender as Gender,
        details.gestational_weeks,
        details.gestational_days,
        details.birth_weight_g,
        details.current_height_mm,
        details.current_weight_g,
        seal("medical_history", &details.medical_history)?,
        seal("family_history", &details.family_history)?,
        seal("treatment_history", &details.treatment_history)?,
        seal("notes", &details.notes)?,
    )
    .fetch_one(conn)
    .await?;
    Ok(Child { id, details, created_at: row.created_at, updated_at: row.updated_at, version: row.version })
}

pub(super) async fn insert_owner(conn: &mut PgConnection, id: Uuid, child_id: Uuid, user_id: Uuid) -> Result<()> {
    sqlx::query!(
        "INSERT INTO child_caregivers (id, child_id, user_id, role) VALUES ($1, $2, $3, 'owner')",
        id,
        child_id,
        user_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn find(
    conn: &mut PgConnection,
    cipher: &Cipher,
    child_id: Uuid,
    user_id: Uuid,
) -> Result<Option<Child>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT c.id, c.name, c.birth_date, c.gender AS "gender: Gender", c.gestational_weeks, c.gestational_days,
                  c.birth_weight_g, c.current_height_mm, c.current_weight_g, c.medical_history, c.family_history,
                  c.treatment_history, c.notes, c.created_at, c.updated_at, c.version
           FROM children c
           JOIN child_caregivers g ON g.child_id = c.id AND g.user_id = $2 AND g.revoked_at IS NULL
           WHERE c.id = $1"#,
        child_id,
        user_id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(cipher)).transpose()
}

/// For those who may change the child.
pub(super) async fn lock(
    conn: &mut PgConnection,
    cipher: &Cipher,
    child_id: Uuid,
    user_id: Uuid,
) -> Result<Option<Child>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT c.id, c.name, c.birth_date, c.gender AS "gender: Gender", c.gestational_weeks, c.gestational_days,
                  c.birth_weight_g, c.current_height_mm, c.current_weight_g, c.medical_history, c.family_history,
                  c.treatment_history, c.notes, c.created_at, c.updated_at, c.version
           FROM children c
           JOIN child_caregivers g ON g.child_id = c.id AND g.user_id = $2 AND g.revoked_at IS NULL
                AND g.role IN ('owner', 'editor')
           WHERE c.id = $1
           FOR UPDATE OF c"#,
        child_id,
        user_id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| row.open(cipher)).transpose()
}

pub(super) async fn list(conn: &mut PgConnection, cipher: &Cipher, user_id: Uuid, page: Page) -> Result<Vec<Summary>> {
    let rows = sqlx::query!(
        r#"SELECT c.id, c.name, c.birth_date, c.gender AS "gender: Gender"
           FROM children c
           JOIN child_caregivers g ON g.child_id = c.id AND g.user_id = $1 AND g.revoked_at IS NULL
           ORDER BY c.birth_date DESC, c.id LIMIT $2 OFFSET $3"#,
        user_id,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let name = cipher.open(place(row.id, "name"), &row.name)?;
            Ok(Summary { id: row.id, name, birth_date: row.birth_date, gender: row.gender })
        })
        .collect()
}

pub(super) async fn count(conn: &mut PgConnection, user_id: Uuid) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM child_caregivers WHERE user_id = $1 AND revoked_at IS NULL"#,
        user_id,
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

pub(super) async fn find_birth(conn: &mut PgConnection, child_id: Uuid, user_id: Uuid) -> Result<Option<Birth>> {
    let birth = sqlx::query_as!(
        Birth,
        r#"SELECT c.birth_date, c.gender AS "gender: Gender", c.gestational_weeks, c.gestational_days
           FROM children c
           JOIN child_caregivers g ON g.child_id = c.id AND g.user_id = $2 AND g.revoked_at IS NULL
           WHERE c.id = $1"#,
        child_id,
        user_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(birth)
}

pub(super) async fn update(conn: &mut PgConnection, cipher: &Cipher, id: Uuid, details: Details) -> Result<Child> {
    let seal = |column, text: &Option<String>| cipher.seal_optional(place(id, column), text.as_deref());
    let row = sqlx::query!(
        "UPDATE children SET name = $2, birth_date = $3, gender = $4, gestational_weeks = $5, gestational_days = $6,
                birth_weight_g = $7, current_height_mm = $8, current_weight_g = $9, medical_history = $10,
                family_history = $11, treatment_history = $12, notes = $13, updated_at = now(), version = version + 1
         WHERE id = $1
         RETURNING created_at, updated_at, version",
        id,
        cipher.seal(place(id, "name"), &details.name)?,
        details.birth_date,
        details.gender as Gender,
        details.gestational_weeks,
        details.gestational_days,
        details.birth_weight_g,
        details.current_height_mm,
        details.current_weight_g,
        seal("medical_history", &details.medical_history)?,
        seal("family_history", &details.family_history)?,
        seal("treatment_history", &details.treatment_history)?,
        seal("notes", &details.notes)?,
    )
    .fetch_one(conn)
    .await?;
    Ok(Child { id, details, created_at: row.created_at, updated_at: row.updated_at, version: row.version })
}

pub(super) async fn delete(conn: &mut PgConnection, child_id: Uuid) -> Result<()> {
    sqlx::query!("DELETE FROM children WHERE id = $1", child_id).execute(conn).await?;
    Ok(())
}

/// The children an account owns, with their versions.
pub(super) async fn lock_owned(conn: &mut PgConnection, user_id: Uuid) -> Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        "SELECT c.id, c.version FROM children c
         JOIN child_caregivers g ON g.child_id = c.id AND g.user_id = $1 AND g.role = 'owner'
         FOR UPDATE OF c",
        user_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.version)).collect())
}

pub(super) async fn insert_access(conn: &mut PgConnection, child_id: Uuid, access: &Access) -> Result<()> {
    sqlx::query!(
        "INSERT INTO child_access_logs (id, child_id, actor_id, actor_role, fields, purpose, request_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        access.id,
        child_id,
        access.actor_id,
        access.actor_role,
        &access.fields,
        access.purpose,
        access.request_id,
        access.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn list_accesses(conn: &mut PgConnection, child_id: Uuid, page: Page) -> Result<Vec<Access>> {
    let accesses = sqlx::query_as!(
        Access,
        "SELECT id, actor_id, actor_role, fields, purpose, request_id, created_at FROM child_access_logs
         WHERE child_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3",
        child_id,
        page.rows(),
        page.offset(),
    )
    .fetch_all(conn)
    .await?;
    Ok(accesses)
}

pub(super) async fn count_accesses(conn: &mut PgConnection, child_id: Uuid) -> Result<i64> {
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "total!" FROM (SELECT FROM child_access_logs WHERE child_id = $1 LIMIT $2) AS counted"#,
        child_id,
        Page::counted(),
    )
    .fetch_one(conn)
    .await?;
    Ok(total)
}

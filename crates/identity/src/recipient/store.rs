use aipoten_kit::{Cipher, Locale, Result, Role};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Birth, PAGE, Recipient};
use crate::user::phone_place;

/// An account that is not erased.
pub(super) async fn find(conn: &mut PgConnection, cipher: &Cipher, user_id: Uuid) -> Result<Option<Recipient>> {
    let row = sqlx::query!(
        r#"SELECT email::text AS "email!", email_verified_at IS NOT NULL AS "is_email_verified!", phone,
                  locale AS "locale: Locale",
                  ARRAY(SELECT f.email::text FROM former_emails f
                        WHERE f.user_id = u.id AND f.left_at > now() - interval '7 days' ORDER BY f.left_at DESC)
                    AS "former_emails!"
           FROM users u WHERE id = $1 AND status <> 'deleted'"#,
        user_id,
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Recipient {
        user_id,
        email: row.email,
        is_email_verified: row.is_email_verified,
        phone: cipher.open_optional(phone_place(user_id), row.phone.as_deref())?,
        locale: row.locale,
        former_emails: row.former_emails,
    }))
}

pub(super) async fn list_ids(conn: &mut PgConnection, role: Role, after: Uuid) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM users WHERE role = $1 AND status = 'active' AND id > $2 ORDER BY id LIMIT $3",
        role as Role,
        after,
        PAGE,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids)
}

/// Of owners whose account may be used and whose consent as guardian is in force.
pub(super) async fn list_births(conn: &mut PgConnection, after: Uuid) -> Result<Vec<Birth>> {
    let births = sqlx::query_as!(
        Birth,
        "SELECT c.id AS child_id, g.user_id, c.birth_date, c.gestational_weeks
         FROM children c
         JOIN child_caregivers g ON g.child_id = c.id AND g.role = 'owner' AND g.revoked_at IS NULL
         JOIN users u ON u.id = g.user_id AND u.status = 'active'
         WHERE c.id > $1 AND EXISTS (
             SELECT FROM consents s WHERE s.user_id = g.user_id AND s.kind = 'guardian' AND s.withdrawn_at IS NULL
         )
         ORDER BY c.id LIMIT $2",
        after,
        PAGE,
    )
    .fetch_all(conn)
    .await?;
    Ok(births)
}

//! SQL of recommendations.

use aipoten_kit::Page;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{push_page, select};
use crate::area::Area;
use crate::assessment::Assessment;
use crate::text::Text;
use crate::video::report::Addressee;
use crate::video::{Candidate, Difficulty, Recommendation, Recommended};

/// What may be recommended to a parent for a child of this age: not what is gone, closed or done already.
pub(crate) async fn candidates(conn: &mut PgConnection, user_id: Uuid, months: i32) -> sqlx::Result<Vec<Candidate>> {
    sqlx::query_as!(
        Candidate,
        r#"SELECT v.id AS video_id, v.difficulty AS "difficulty: Difficulty", v.priority,
               ARRAY(SELECT area FROM video_development_areas WHERE video_id = v.id) AS "areas!: Vec<Area>"
           FROM videos v
           WHERE v.is_published AND v.target_age_min <= $2::integer AND v.target_age_max >= $2
             AND v.video_platform <> 'kakao_tv' AND v.url_status NOT IN ('broken', 'unavailable')
             AND NOT EXISTS (
                 SELECT FROM user_video_interactions i
                 WHERE i.video_id = v.id AND i.user_id = $1 AND i.completed_at IS NOT NULL
             )"#,
        user_id,
        months,
    )
    .fetch_all(conn)
    .await
}

pub(crate) async fn insert(
    conn: &mut PgConnection,
    assessment: &Assessment,
    recommendations: &[Recommendation],
) -> sqlx::Result<()> {
    for recommendation in recommendations {
        sqlx::query!(
            "INSERT INTO recommended_videos (id, assessment_id, child_id, user_id, video_id, development_area, area_level,
                 recommendation_reason_ko, recommendation_reason_en, priority_score, source)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'assessment')",
            Uuid::now_v7(),
            assessment.id,
            assessment.child_id,
            assessment.user_id,
            recommendation.video_id,
            recommendation.area as _,
            recommendation.area_level as _,
            recommendation.reason.ko,
            recommendation.reason.en,
            recommendation.priority_score,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Notes a version of a session's report; false when a newer one, or this one, was taken in before.
pub(crate) async fn is_newest(conn: &mut PgConnection, consultation_id: Uuid, seq: i64) -> sqlx::Result<bool> {
    let noted = sqlx::query!(
        "INSERT INTO taken_reports AS taken (consultation_id, seq) VALUES ($1, $2)
         ON CONFLICT (consultation_id) DO UPDATE SET seq = excluded.seq WHERE taken.seq < excluded.seq",
        consultation_id,
        seq,
    );
    Ok(noted.execute(conn).await?.rows_affected() == 1)
}

/// Of what the report of a session recommended, only these videos stay.
pub(crate) async fn keep_of_report(
    conn: &mut PgConnection,
    consultation_id: Uuid,
    video_ids: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM recommended_videos WHERE consultation_id = $1 AND video_id <> ALL ($2)",
        consultation_id,
        video_ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Recommends a published video, for one of the areas it covers; nothing happens for any other. What was watched stays so.
pub(crate) async fn insert_of_report(
    conn: &mut PgConnection,
    to: &Addressee,
    video_id: Uuid,
    reason: &Text,
    priority_score: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO recommended_videos (id, consultation_id, child_id, user_id, video_id, development_area,
             recommendation_reason_ko, recommendation_reason_en, priority_score, source)
         SELECT $1, $2, $3, $4, v.id, min(a.area), $6, $7, $8, 'therapist'
         FROM videos v JOIN video_development_areas a ON a.video_id = v.id
         WHERE v.id = $5 AND v.is_published GROUP BY v.id
         ON CONFLICT (consultation_id, video_id) DO UPDATE SET priority_score = excluded.priority_score",
        Uuid::now_v7(),
        to.consultation_id,
        to.child_id,
        to.user_id,
        video_id,
        reason.ko,
        reason.en,
        priority_score,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Recommendations for a child by its latest completed check and by therapists; a video once for an area.
fn push_recommended(query: &mut QueryBuilder<Postgres>, user_id: Uuid, child_id: Uuid, area: Option<Area>) {
    query.push(
        " JOIN recommended_videos r ON r.video_id = v.id WHERE v.is_published AND v.video_platform <> 'kakao_tv' \
         AND v.url_status NOT IN ('broken', 'unavailable')",
    );
    query.push(" AND r.child_id = ").push_bind(child_id).push(" AND r.user_id = ").push_bind(user_id);
    query.push(
        " AND (r.source = 'therapist' OR r.assessment_id = (SELECT id FROM development_assessments \
         WHERE status = 'completed' AND child_id = ",
    );
    query.push_bind(child_id).push(" ORDER BY completed_at DESC LIMIT 1))");
    query.push(
        " AND NOT EXISTS (SELECT FROM recommended_videos o WHERE o.child_id = r.child_id AND o.user_id = r.user_id \
         AND o.video_id = r.video_id AND o.development_area = r.development_area AND o.source = 'therapist' \
         AND (o.priority_score, o.id) > (r.priority_score, r.id))",
    );
    if let Some(area) = area {
        query.push(" AND r.development_area = ").push_bind(area);
    }
}

pub(crate) async fn page(
    conn: &mut PgConnection,
    user_id: Uuid,
    child_id: Uuid,
    area: Option<Area>,
    page: Page,
) -> sqlx::Result<Vec<Recommended>> {
    let mut query = select(
        "r.id AS recommendation_id, r.assessment_id, r.development_area, r.area_level, r.recommendation_reason_ko, \
         r.recommendation_reason_en, r.priority_score, r.is_viewed, r.source, r.created_at AS recommended_at, \
         EXISTS (SELECT FROM user_video_interactions i WHERE i.video_id = v.id AND i.user_id = r.user_id \
                 AND i.bookmarked_at IS NOT NULL) AS is_bookmarked, \
         EXISTS (SELECT FROM user_video_interactions i WHERE i.video_id = v.id AND i.user_id = r.user_id \
                 AND i.completed_at IS NOT NULL) AS is_completed, ",
    );
    push_recommended(&mut query, user_id, child_id, area);
    query.push(" ORDER BY r.priority_score DESC, r.id");
    push_page(&mut query, page);
    query.build_query_as().fetch_all(conn).await
}

pub(crate) async fn count(
    conn: &mut PgConnection,
    user_id: Uuid,
    child_id: Uuid,
    area: Option<Area>,
) -> sqlx::Result<i64> {
    let mut query = QueryBuilder::new("SELECT count(*) FROM (SELECT 1 FROM videos v");
    push_recommended(&mut query, user_id, child_id, area);
    query.push(" LIMIT ").push_bind(Page::counted()).push(") counted");
    query.build_query_scalar().fetch_one(conn).await
}

pub(crate) async fn mark_viewed(conn: &mut PgConnection, user_id: Uuid, video_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE recommended_videos SET is_viewed = true WHERE user_id = $1 AND video_id = $2 AND NOT is_viewed",
        user_id,
        video_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn erase_user(conn: &mut PgConnection, user_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM recommended_videos WHERE user_id = $1", user_id).execute(conn).await?;
    Ok(())
}

pub(crate) async fn erase_child(conn: &mut PgConnection, child_id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM recommended_videos WHERE child_id = $1", child_id).execute(conn).await?;
    Ok(())
}

//! The same SQL without the platform: what it is measured by. Whoever changes the statements in a store changes them
//! here.

use std::path::Path;

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use super::load::CONNECTIONS;

/// What pgbench repeats, and the address of its database.
pub(crate) struct Script {
    database: String,
    text: String,
}

const CHILD: &str = "SELECT c.id, c.name, c.birth_date, c.gender, c.gestational_weeks, c.gestational_days, \
    c.birth_weight_g, c.current_height_mm, c.current_weight_g, c.medical_history, c.family_history, \
    c.treatment_history, c.notes, c.created_at, c.updated_at, c.version FROM children c \
    JOIN child_caregivers g ON g.child_id = c.id AND g.user_id = :parent::uuid AND g.revoked_at IS NULL \
    WHERE c.id = :id::uuid;";

const VIDEOS: &str = "SELECT v.*, \
    ARRAY(SELECT area FROM video_development_areas WHERE video_id = v.id ORDER BY area) AS areas, \
    ARRAY(SELECT slug FROM video_category_mapping JOIN video_categories c ON c.id = category_id \
        WHERE video_id = v.id ORDER BY c.order_index, slug) AS categories, \
    ARRAY(SELECT tag FROM video_tags WHERE video_id = v.id ORDER BY tag) AS tags FROM videos v \
    WHERE true AND v.is_published AND v.target_age_min <= 24 AND v.target_age_max >= 24 \
    ORDER BY v.priority, v.published_at DESC, v.id LIMIT 20 OFFSET 0;\n\
    SELECT count(*) FROM (SELECT 1 FROM videos v WHERE true AND v.is_published AND v.target_age_min <= 24 \
        AND v.target_age_max >= 24 LIMIT 10001) counted;";

const BOOKMARK: &str = "BEGIN;\n\
    SELECT duration_seconds FROM videos WHERE id = :id::uuid AND is_published FOR KEY SHARE;\n\
    INSERT INTO user_video_interactions (id, user_id, video_id) \
        VALUES (gen_random_uuid(), :parent::uuid, :id::uuid) \
        ON CONFLICT ON CONSTRAINT user_video_interactions_one_each DO NOTHING;\n\
    UPDATE user_video_interactions SET bookmarked_at = now() \
        WHERE user_id = :parent::uuid AND video_id = :id::uuid AND bookmarked_at IS NULL;\n\
    UPDATE videos SET bookmark_count = bookmark_count + 1 WHERE id = :id::uuid;\n\
    SELECT i.video_id, i.is_bookmarked, i.is_completed, i.watch_time_seconds, i.last_watched_at, v.view_count, \
        v.bookmark_count, v.completion_count FROM user_video_interactions i JOIN videos v ON v.id = i.video_id \
        WHERE i.user_id = :parent::uuid AND i.video_id = :id::uuid;\n\
    COMMIT;";

/// A random row of a random parent.
const ROW: &str = "\\set parent random(1, 64)\n\\set row random(0, 1561) * 64 + :parent - 1\n";

/// The statements of a job with ids in place of their numbers.
fn script(database: &str, sql: &str) -> Script {
    let id = |space: &str, number: &str| {
        format!("(('01930000-0000-7000-{space}-' || lpad(to_hex(:{number}::bigint), 12, '0'))::uuid)")
    };
    let sql = sql.replace(":parent::uuid", &id("9000", "parent")).replace(":id::uuid", &id("8000", "row"));
    Script { database: database.to_owned(), text: format!("{ROW}{sql}\n") }
}

pub(crate) fn child(database: &str) -> Script {
    script(database, CHILD)
}

pub(crate) fn videos(database: &str) -> Script {
    script(database, VIDEOS)
}

pub(crate) fn bookmark(database: &str) -> Script {
    script(database, BOOKMARK)
}

/// Transactions a second.
pub(crate) async fn run(script: &Script, seconds: u64) -> anyhow::Result<f64> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench.sql");
    tokio::fs::write(&file, &script.text).await?;
    let connections = CONNECTIONS.to_string();
    let mut command = Command::new("pgbench");
    command.args(["-n", "-M", "prepared", "-j", "2", "-c", &connections, "-T", &seconds.to_string()]);
    command.arg("-f").arg(file);
    // The rest is for sqlx.
    let database = script.database.split('?').next().unwrap_or_default();
    let output = command.arg(database).output().await.context("pgbench comes with PostgreSQL")?;
    let text = String::from_utf8(output.stdout)?;
    ensure!(output.status.success(), "pgbench: {}", String::from_utf8_lossy(&output.stderr));
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")).context("pgbench tells its rate")?;
    Ok(rate.split(' ').next().unwrap_or_default().parse()?)
}
